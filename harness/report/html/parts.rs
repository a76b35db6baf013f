//! What several parts of the page share: counts, links to cases, sentences in which an address is a link.

use std::collections::BTreeMap;

use serde::Serialize;

use super::map::letter;
use super::{Tone, escape, words};
use crate::contract::Requirement;
use crate::report::collected::count_each;
use crate::report::event::SourceEvent;
use crate::verdict::{CaseResult, Excuse, Reason, Verdict};

#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub(super) verdict: &'static str,
    /// Its letter in the map.
    letter: char,
    pub(super) tone: Tone,
    pub(super) cases: usize,
}

impl Count {
    pub(super) fn new(verdict: Verdict, cases: usize) -> Self {
        Self { verdict: verdict.word(), letter: letter(verdict), tone: verdict.into(), cases }
    }
}

/// Each verdict that occurs, with how often it occurs.
pub(super) fn counts(verdicts: impl Iterator<Item = Verdict>) -> Vec<Count> {
    count_each(verdicts).into_iter().map(|(verdict, cases)| Count::new(verdict, cases)).collect()
}

/// The anchor of an id in the page; `None` where the id cannot be one.
pub(super) fn anchor(id: &str) -> Option<String> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    (!id.is_empty() && id.bytes().all(fit)).then(|| id.to_owned())
}

/// A link to a case, or to the first of a family.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) to: Option<String>,
}

/// Links to cases, a whole family as one link, and how many cases are left out. At most `most` links are shown, or one
/// more where that is all.
pub(super) fn links(ids: &[&str], families: &BTreeMap<String, usize>, most: usize) -> (Vec<Link>, usize) {
    let names = words::collapse(ids, families);
    let shown_count = if names.len() <= most + 1 { names.len() } else { most };
    let rest = names[shown_count..].iter().map(|(_, count)| count).sum();
    let link = |(name, count): &(String, usize)| {
        let inside = |id: &&&str| **id == name.as_str() || id.strip_prefix(name).is_some_and(|r| r.starts_with('/'));
        let text = if *count > 1 { format!("{name} ({count} cases)") } else { name.clone() };
        Link { text, to: ids.iter().find(inside).and_then(|id| anchor(id)) }
    };
    (names[..shown_count].iter().map(link).collect(), rest)
}

/// A part of a sentence, or a source of a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct TextPiece {
    text: String,
    /// The address that it links to, if any.
    href: Option<String>,
}

pub(super) fn sources(row: &Requirement) -> Vec<TextPiece> {
    let piece = |SourceEvent { text, address }| TextPiece { text, href: address };
    SourceEvent::all(row).into_iter().map(piece).collect()
}

/// Why a case did not pass. Only the text of the baseline has links: its addresses are the user's own.
pub(super) fn reason(case: &CaseResult) -> Vec<TextPiece> {
    let Some(Reason::Known { excuse, was, own }) = &case.reason else { return plain_text(words::reason_of(case)) };
    let rest = Reason::Known { excuse: Excuse { reason: String::new(), issue: None }, was: *was, own: own.clone() };
    let excuse = text_with_link(&words::excuse(excuse));
    excuse.into_iter().chain(plain_text(escape(&words::reason(&rest)))).filter(|piece| !piece.text.is_empty()).collect()
}

/// The reason with a capital letter, as a sentence of its own. The text of the baseline is the user's own, and stays as
/// it is.
pub(super) fn sentence(case: &CaseResult) -> Vec<TextPiece> {
    let mut pieces = reason(case);
    if let Some(first) = pieces.first_mut().filter(|_| case.verdict != Verdict::KnownFail) {
        first.text = words::capitalised(&first.text);
    }
    pieces
}

pub(super) fn plain_text(text: impl Into<String>) -> Vec<TextPiece> {
    vec![TextPiece { text: text.into(), href: None }]
}

/// A sentence with its first address as a link: only an `http` or `https` one.
fn text_with_link(text: &str) -> Vec<TextPiece> {
    let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min() else {
        return plain_text(text);
    };
    let ends = |c: char| c.is_whitespace() || !c.is_ascii_graphic() || "\"'<>()\\".contains(c);
    let length = text[start..].find(ends).unwrap_or(text.len() - start);
    let (before, rest) = text.split_at(start);
    let address = rest[..length].trim_end_matches(['.', ',', ';', ':']);
    let piece = |text: &str, href: Option<&str>| TextPiece { text: text.to_owned(), href: href.map(str::to_owned) };
    let pieces = [piece(before, None), piece(address, Some(address)), piece(&rest[address.len()..], None)];
    pieces.into_iter().filter(|piece| !piece.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::tests::sample;

    #[rstest]
    #[case("not built yet (https://example.com/issues/7); it is blocked", Some("https://example.com/issues/7"))]
    #[case("see http://example.com/a?b=c.", Some("http://example.com/a?b=c"))]
    #[case("see javascript:alert(1), ftp://example.com/", None)]
    fn an_issue_of_the_baseline_is_a_link(#[case] text: &str, #[case] expected: Option<&str>) {
        let pieces = text_with_link(text);
        assert_eq!(pieces.iter().find_map(|piece| piece.href.as_deref()), expected);
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
    }

    #[test]
    fn what_a_target_says_has_no_link() {
        let hrefs = |verdict, case_reason: Reason| {
            let case = CaseResult { reason: Some(case_reason), ..sample::case("a/b", verdict) };
            reason(&case).into_iter().filter_map(|piece| piece.href).collect::<Vec<_>>()
        };
        let reason_of = |words: &str| Reason::Told { words: words.to_owned() };
        let known_failure = |excuse: &str, own: &str| Reason::Known {
            excuse: Excuse { reason: excuse.to_owned(), issue: None },
            was: Verdict::Blocked,
            own: Some(Box::new(reason_of(own))),
        };
        assert_eq!(hrefs(Verdict::Blocked, reason_of("see http://example.com/")), [""; 0]);
        assert_eq!(hrefs(Verdict::KnownFail, known_failure("later", "found \"http://example.com/\"")), [""; 0]);
        assert_eq!(hrefs(Verdict::KnownFail, known_failure("see http://example.com/", "no")), ["http://example.com/"]);
    }
}
