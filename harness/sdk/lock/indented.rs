//! Lines in which the indent says what belongs to what: the lock files of pnpm and yarn, which their tools write always in
//! one way. No other YAML is read.

/// A line: its indent, its key, and what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) indent: usize,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// The lines of a text, without blank ones and comments. Quotes around keys and values are taken away.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(|line| {
        let rest = line.trim_start_matches(' ');
        if rest.trim().is_empty() || rest.starts_with('#') {
            return None;
        }
        let (key, value) = split(rest.trim_end());
        Some(Line { indent: line.len() - rest.len(), key, value: value.trim_matches(['"', '\'']) })
    })
}

/// The key of a line and its value: `'a': b`, `a: b`, `"a" "b"`, `a "b"`, `a:`.
fn split(line: &str) -> (&str, &str) {
    let quote = line.chars().next().filter(|first| ['"', '\''].contains(first));
    if let Some((key, rest)) = quote.and_then(|quote| line[1..].split_once(quote)) {
        // Several keys in one line are taken as they stand.
        if rest.starts_with(',') {
            return (line.trim_end_matches(':'), "");
        }
        return (key, rest.trim_start_matches(':').trim());
    }
    if let Some(key) = line.strip_suffix(':') {
        return (key, "");
    }
    let (key, value) = line.split_once(": ").or_else(|| line.split_once(' ')).unwrap_or((line, ""));
    (key, value.trim())
}
