//! Secrets that are searched for together, in one pass over a text.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::Secret;
use super::public_words::is_public_at;

/// Shorter encoded secrets are too likely to be part of an ordinary word.
const SHORTEST_CODE: usize = 6;

/// A secret of fewer characters is masked only as a whole word.
const SHORTEST_PART: usize = 4;

/// The same limit for a secret of letters only or digits only: it looks like an ordinary word or number.
const SHORTEST_ORDINARY_PART: usize = 8;

const MOST_FOUND: usize = 20_000;

/// The fewest letters and digits of a mixed secret that is also found in pieces.
const SHORTEST_KEY: usize = 16;

/// A set of secrets that never changes.
pub(super) struct FixedSecrets {
    secrets: Vec<Secret>,
    /// Built at the first search: most shelves are never searched.
    searcher: OnceLock<Option<Searcher>>,
}

struct Searcher {
    automaton: AhoCorasick,
    /// The length of the longest text to search for, in bytes.
    longest: usize,
}

/// The search is not possible, so no part of the text may be shown.
pub(super) struct Unsearchable;

impl FixedSecrets {
    pub(super) fn of(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.expose().trim().is_empty()).collect();
        Self { secrets, searcher: OnceLock::new() }
    }

    pub(super) fn merged(&self, other: &Self) -> Self {
        Self::of(self.secrets.iter().chain(&other.secrets).cloned())
    }

    pub(super) fn len(&self) -> usize {
        self.secrets.len()
    }

    fn searcher(&self) -> Option<&Searcher> {
        self.searcher
            .get_or_init(|| {
                let patterns: BTreeSet<_> = self.secrets.iter().flat_map(|secret| forms(secret.expose())).collect();
                let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
                // This kind is built in one pass: few texts are searched before the next answer comes.
                let mut builder = AhoCorasick::builder();
                builder.ascii_case_insensitive(true).prefilter(false).kind(Some(AhoCorasickKind::NoncontiguousNFA));
                Some(Searcher { automaton: builder.build(patterns).ok()?, longest })
            })
            .as_ref()
    }

    /// The length of the longest text to search for, in bytes.
    pub(super) fn longest(&self) -> Result<usize, Unsearchable> {
        self.searcher().map(|searcher| searcher.longest).ok_or(Unsearchable)
    }

    /// The places of secrets in a text, in order, each with its start and end in bytes. Places that overlap or touch
    /// are joined. A text with more than `MOST_FOUND` matches cannot be searched.
    pub(super) fn places(&self, text: &str) -> Result<Vec<(usize, usize)>, Unsearchable> {
        let searcher = self.searcher().ok_or(Unsearchable)?;
        let found = searcher.automaton.find_overlapping_iter(text).map(|found| (found.start(), found.end()));
        let mut found: Vec<_> = found.take(MOST_FOUND + 1).collect();
        if found.len() > MOST_FOUND {
            return Err(Unsearchable);
        }
        // Of matches that begin together, the longest comes first.
        found.sort_unstable_by_key(|(start, end)| (*start, Reverse(*end)));
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match places.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ if is_secret_at(text, start, end) => places.push((start, end)),
                _ => {}
            }
        }
        Ok(places)
    }

    /// Whether a text holds a long secret. The text comes from [`without_joints`].
    pub(super) fn holds_key(&self, text: &str) -> Result<bool, Unsearchable> {
        let searcher = self.searcher().ok_or(Unsearchable)?;
        Ok(searcher.automaton.find_overlapping_iter(text).any(|found| is_whole_key(&text[found.start()..found.end()])))
    }
}

/// Whether a match is a secret at its place. A short or ordinary one must be a whole word, and no part of a public word
/// is a secret.
fn is_secret_at(text: &str, start: usize, end: usize) -> bool {
    let found = &text[start..end];
    let length = found.chars().count();
    let ordinary = found.chars().all(char::is_alphabetic) || found.bytes().all(|byte| byte.is_ascii_digit());
    if length < SHORTEST_PART || (ordinary && length < SHORTEST_ORDINARY_PART) {
        let joins = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        if joins(text[..start].chars().next_back()) || joins(text[end..].chars().next()) {
            return false;
        }
    }
    !is_public_at(text, start, end)
}

/// The texts to search for a secret: itself, and its forms in base64 and hexadecimal.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        // Base64 encodes groups of three bytes. The first group may begin with up to two bytes of other text, as of the
        // user in `user:password`.
        for before in 0..3 {
            let code = engine.encode([&[0; 2][..before], secret.as_bytes()].concat());
            // Without the characters at both ends that also hold bits of the text beside the secret.
            let start = (before * 8).div_ceil(6);
            let end = (before + secret.len()) * 8 / 6;
            forms.push(code.as_bytes()[start..end.max(start)].to_vec());
        }
    }
    forms.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    forms.retain(|form| form.len() >= SHORTEST_CODE);
    if !secret.is_ascii() {
        let upper = secret.to_uppercase();
        forms.extend([secret.to_lowercase(), upper.to_lowercase(), upper].map(String::into_bytes));
    }
    if secret.contains(char::is_whitespace) {
        // The spellings of a quotation and of a form.
        let words: Vec<_> = secret.split_whitespace().collect();
        forms.extend([words.join(" ").into_bytes(), words.join("+").into_bytes()]);
    }
    let letters = without_joints(secret);
    if is_whole_key(&letters) {
        forms.push(letters.into_bytes());
    }
    forms.push(secret.as_bytes().to_vec());
    forms
}

/// The letters and digits of a text.
pub(super) fn without_joints(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a text of letters and digits is so long and so mixed that it does not occur by chance.
fn is_whole_key(letters: &str) -> bool {
    letters.len() >= SHORTEST_KEY
        && letters.contains(|c: char| c.is_ascii_digit())
        && letters.contains(char::is_alphabetic)
}
