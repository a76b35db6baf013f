//! Secrets in the elements and attributes of XML and HTML.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::SHORTEST;
use super::names::{is_password_label, is_secret_name};

/// An attribute with its name and its value.
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))"#).expect("the pattern is valid")
});

/// Reads a page, and calls `found` with each secret and its least length. Secrets are the texts and attributes inside
/// an element with a secret name or label (`<entry key="dbPassword">`), and the text behind an element whose text is a
/// secret name (`<key>dbPassword</key><value>`).
pub(super) fn read(page: &str, mut found: impl FnMut(&str, usize)) {
    let ends = last_ends(page);
    // The name of the element whose content is secret, how many elements of that name are open, and the least length.
    let mut inside: Option<(&str, usize, usize)> = None;
    let mut is_behind_label = false;
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let text = rest[..start].trim();
        rest = &rest[start..];
        if !text.is_empty() {
            if let Some((.., least)) = inside {
                found(text, least);
            } else if is_behind_label {
                found(text, 1);
            }
            is_behind_label = is_password_label(text);
        }
        if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let end = data.find("]]>").unwrap_or(data.len());
            if let Some((.., least)) = inside {
                found(&data[..end], least);
            }
            rest = &data[end..];
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let tag = &rest[1..end];
        let at = page.len() - rest.len();
        rest = &rest[end + 1..];
        let name = local_name(tag.trim_start_matches('/'));
        if tag.starts_with('/') {
            inside = inside.and_then(|(of, open, least)| match (of == name, open) {
                (true, 1) => None,
                (true, _) => Some((of, open - 1, least)),
                (false, _) => Some((of, open, least)),
            });
            continue;
        }
        let least = attributes(tag, inside.map(|(.., least)| least), &mut found).or_else(|| is_secret_name(name));
        let is_closed_later = ends.get(name).is_some_and(|end| *end > at) && !tag.ends_with('/');
        inside = match inside {
            Some((of, open, least)) => Some((of, open + usize::from(of == name && !tag.ends_with('/')), least)),
            None => least.filter(|_| is_closed_later).map(|least| (name, 1, least)),
        };
    }
}

/// Calls `found` with the secrets among the attributes of a tag. If an attribute labels the element's content as
/// secret, returns the least length of a secret in it.
fn attributes(tag: &str, inside: Option<usize>, found: &mut impl FnMut(&str, usize)) -> Option<usize> {
    if !tag.contains('=') {
        return None;
    }
    let all: Vec<(&str, &str)> = ATTRIBUTE
        .captures_iter(tag)
        .map(|parts| {
            let value = parts.get(2).or_else(|| parts.get(3)).or_else(|| parts.get(4));
            (parts.get(1).map_or("", |name| name.as_str()), value.map_or("", |value| value.as_str()))
        })
        .collect();
    let label = all.iter().find_map(|(_, value)| is_secret_name(value).filter(|_| is_password_label(value)));
    let is_naming = |name: &str| ["name", "key", "id", "property"].iter().any(|other| name.eq_ignore_ascii_case(other));
    let least_of_named = all.iter().find_map(|(name, value)| is_secret_name(value).filter(|_| is_naming(name)));
    for (name, value) in all {
        let is_value = ["value", "content"].iter().any(|other| name.eq_ignore_ascii_case(other));
        let from_label = label.or(least_of_named).filter(|_| is_value);
        if let Some(least) = inside.map(|least| least.max(SHORTEST)).or(is_secret_name(name)).or(from_label) {
            found(value, least);
        }
    }
    label
}

fn local_name(tag: &str) -> &str {
    let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

fn last_ends(page: &str) -> HashMap<&str, usize> {
    page.match_indices("</")
        .map(|(at, _)| {
            let tag = &page[at + 2..];
            let end = tag.find(|c: char| c == '>' || c == '<' || c.is_whitespace()).unwrap_or(tag.len());
            (local_name(&tag[..end]), at)
        })
        .collect()
}
