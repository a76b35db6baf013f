//! Compiles the patterns that people write, within bounds of length and depth.

use globset::GlobBuilder;
use regex::{Regex, bytes};

use crate::text::foreign;

/// The longest pattern, in characters.
const LENGTH_LIMIT: usize = 1_000;

/// The characters that mean something in a glob.
const SPECIAL: [char; 7] = ['?', '*', '[', ']', '{', '}', '\\'];

/// A compiled glob.
#[derive(Clone, Debug)]
pub(super) enum Glob {
    /// It stands for itself only. Most of them do, and need no expression.
    Literal(String),
    /// It stands for several texts.
    Expression(bytes::Regex),
}

impl Glob {
    /// Compiles a glob. `*` stops at a `/` if `separates`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn new(text: &str, separates: bool) -> Result<Self, String> {
        check_length(text)?;
        if !text.contains(SPECIAL) {
            return Ok(Self::Literal(text.to_owned()));
        }
        let glob = GlobBuilder::new(text).literal_separator(separates).build();
        let glob = glob.map_err(|error| foreign(&error.kind().to_string()))?;
        // globset itself panics where the expression is refused.
        let expression = bytes::RegexBuilder::new(glob.regex()).dot_matches_new_line(true).build();
        expression.map(Self::Expression).map_err(|_| TOO_MUCH.to_owned())
    }

    /// The only text that it stands for, where it is plain text.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Expression(_) => None,
        }
    }

    /// Whether it stands for a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Expression(expression) => expression.is_match(text.as_bytes()),
        }
    }
}

/// A regular expression.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn compile_regex(text: &str) -> Result<Regex, String> {
    check_length(text)?;
    Regex::new(text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => TOO_MUCH.to_owned(),
        error => error.to_string(),
    })
}

const TOO_MUCH: &str = "it is nested too deeply, or stands for too much";

fn check_length(text: &str) -> Result<(), String> {
    match text.chars().count() {
        count if count > LENGTH_LIMIT => Err(format!("expected at most {LENGTH_LIMIT} characters, found {count}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::deep(&format!("{}a{}", "{".repeat(250), "}".repeat(250)), "nested too deeply")]
    #[case::long(&"{".repeat(200_000), "at most 1000 characters, found 200000")]
    #[case::long_class(&format!("[{}]", "a".repeat(400_000)), "at most 1000 characters")]
    #[case::open("{", "unclosed alternate")]
    fn a_glob_beyond_the_bounds_is_refused_with_a_sentence(#[case] text: &str, #[case] expected: &str) {
        let error = Glob::new(text, true).expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case::deep(&format!("{}a{}", "(".repeat(400), ")".repeat(400)), "nest")]
    #[case::long(&"a".repeat(400_000), "at most 1000 characters")]
    #[case::much("(((a{99}){99}){99}){99}", "stands for too much")]
    fn an_expression_beyond_the_bounds_is_refused_with_a_sentence(#[case] text: &str, #[case] expected: &str) {
        let error = compile_regex(text).expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    }
}
