//! Texts of a policy with wildcards and variables.

use std::borrow::Cow;
use std::str::Chars;

use super::Holds;
use super::decision::{Context, Known};

/// A text of a policy. Source: the IAM User Guide, "IAM policy elements: Variables and tags", and "Using wildcards in
/// resource ARNs".
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Token>);

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Exactly(char),
    /// `?`: any character.
    One,
    /// `*`: any characters, or none.
    Many,
    Variable(Box<Variable>),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Clone, Debug, PartialEq)]
struct Variable {
    /// In lower case: names of variables have no letter case.
    key: String,
    default: Option<String>,
}

/// What a pattern is for a request.
enum Filled<'a> {
    Tokens(Cow<'a, [Token]>),
    /// A variable has no value.
    Unfillable,
    /// A variable belongs to a resource that is not looked up yet.
    Unknown,
}

/// How a text is compared with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// With wildcards and letter case.
    Like,
    /// Without wildcards, with letter case.
    Equal,
    /// With neither.
    EqualIgnoringCase,
}

impl Pattern {
    /// Reads a pattern. Only a policy of version 2012-10-17 has variables.
    pub(super) fn new(text: &str, has_variables: bool) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((token, after)) = has_variables.then(|| variable(rest)).flatten() {
                tokens.push(token);
                rest = after;
                continue;
            }
            tokens.push(match first {
                '?' => Token::One,
                '*' => Token::Many,
                other => Token::Exactly(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Self(tokens)
    }

    /// Whether it is `*` and nothing else, which stands for everything.
    fn is_everything(&self) -> bool {
        self.0 == [Token::Many]
    }

    /// The six parts between the first five colons, if there are so many.
    fn parts(&self) -> Option<[Self; ARN_PARTS]> {
        let mut parts = self.0.splitn(ARN_PARTS, |token| *token == Token::Exactly(':'));
        let parts: Vec<_> = parts.by_ref().map(|part| Self(part.to_vec())).collect();
        parts.try_into().ok()
    }

    fn fill<'a>(&'a self, context: &dyn Context) -> Filled<'a> {
        if !self.0.iter().any(|token| matches!(token, Token::Variable(_))) {
            return Filled::Tokens(Cow::Borrowed(&self.0));
        }
        let mut filled = Vec::with_capacity(self.0.len());
        for token in &self.0 {
            let Token::Variable(variable) = token else {
                filled.push(token.clone());
                continue;
            };
            let Variable { key, default } = variable.as_ref();
            // A key with several values is no variable.
            let value = match context.value(key) {
                Known::Unknown => return Filled::Unknown,
                Known::Values(values) if values.len() == 1 => values.into_iter().next(),
                Known::Absent | Known::Values(_) => None,
            };
            let Some(value) = value.or_else(|| default.as_deref().map(Cow::from)) else {
                return Filled::Unfillable;
            };
            // A wildcard in a value is no wildcard: the author of the policy did not write it.
            filled.extend(value.chars().map(Token::Exactly));
        }
        Filled::Tokens(Cow::Owned(filled))
    }

    /// Whether a text is as this pattern says. A pattern with a variable that has no value fits nothing.
    pub(super) fn fits(&self, text: &str, comparison: Comparison, context: &dyn Context) -> Holds {
        match self.fill(context) {
            Filled::Unfillable => Holds::No,
            Filled::Unknown => Holds::Maybe,
            Filled::Tokens(tokens) => match comparison {
                Comparison::Like => wildcards_fit(&tokens, text, false),
                Comparison::Equal => tokens.iter().map(written).eq(text.chars()).into(),
                Comparison::EqualIgnoringCase => {
                    let lower = |c: char| c.to_lowercase();
                    tokens.iter().map(written).flat_map(lower).eq(text.chars().flat_map(lower)).into()
                }
            },
        }
    }

    /// Whether a text that goes on in an unknown way fits.
    fn fits_beginning(&self, beginning: &str, context: &dyn Context) -> Holds {
        match self.fill(context) {
            Filled::Unfillable => Holds::No,
            Filled::Unknown => Holds::Maybe,
            Filled::Tokens(tokens) => wildcards_fit(&tokens, beginning, true),
        }
    }
}

/// Reads a variable at the start of a text. `${*}`, `${?}` and `${$}` are the characters in them.
fn variable(text: &str) -> Option<(Token, &str)> {
    let (inner, after) = text.strip_prefix("${")?.split_once('}')?;
    if let "*" | "?" | "$" = inner {
        return Some((Token::Exactly(inner.chars().next()?), after));
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''))),
        None => (inner, None),
    };
    let variable = Variable { key: key.trim().to_ascii_lowercase(), default: default.map(str::to_owned) };
    Some((Token::Variable(Box::new(variable)), after))
}

/// The character that a token of a pattern without wildcards is.
fn written(token: &Token) -> char {
    match token {
        Token::Exactly(character) => *character,
        Token::One => '?',
        Token::Many => '*',
        Token::Variable(_) => unreachable!("variables were replaced"),
    }
}

/// Whether a text fits. With `goes_on`, it is the beginning of one that goes on in any way.
fn wildcards_fit(mut tokens: &[Token], text: &str, goes_on: bool) -> Holds {
    let mut characters = text.chars();
    // Most patterns are a name, or the beginning of one and a `*`.
    while let [Token::Exactly(expected), rest @ ..] = tokens {
        match characters.next() {
            Some(character) if character == *expected => tokens = rest,
            None if goes_on => return Holds::Maybe,
            _ => return Holds::No,
        }
    }
    match tokens {
        [Token::Many] => Holds::Yes,
        _ => every_way_fits(tokens, characters, goes_on),
    }
}

/// The same for any pattern: each character moves every place in the pattern that was reached so far, so the time is
/// bounded by the product of the lengths.
fn every_way_fits(tokens: &[Token], characters: Chars<'_>, goes_on: bool) -> Holds {
    let mut reached = vec![false; tokens.len() + 1];
    let pass = |reached: &mut Vec<bool>| {
        // A `*` may stand for nothing.
        for at in 0..tokens.len() {
            reached[at + 1] |= reached[at] && tokens[at] == Token::Many;
        }
    };
    reached[0] = true;
    pass(&mut reached);
    for character in characters {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match token {
                Token::Many => next[at] = true,
                Token::One => next[at + 1] = true,
                Token::Exactly(expected) => next[at + 1] |= *expected == character,
                Token::Variable(_) => {}
            }
        }
        pass(&mut next);
        reached = next;
    }
    if !goes_on {
        return reached[tokens.len()].into();
    }
    match tokens.last() {
        Some(Token::Many) if reached[tokens.len() - 1] => Holds::Yes,
        _ if reached.contains(&true) => Holds::Maybe,
        _ => Holds::No,
    }
}

/// The parts of an ARN: `arn`, partition, service, region, account, resource. Only the last may have colons.
const ARN_PARTS: usize = 6;

/// A pattern for ARNs: `*`, or six parts that are compared each by itself. Source: the IAM User Guide, "Using wildcards
/// in resource ARNs", and the ARN condition operators.
#[derive(Clone, Debug)]
pub(super) enum ArnPattern {
    Everything,
    Parts(Box<[Pattern; ARN_PARTS]>),
}

impl ArnPattern {
    /// `None` if a pattern is neither `*` nor has the parts of an ARN.
    pub(super) fn new(pattern: &Pattern) -> Option<Self> {
        if pattern.is_everything() {
            return Some(Self::Everything);
        }
        pattern.parts().map(|parts| Self::Parts(Box::new(parts)))
    }

    /// Whether an ARN fits. With `goes_on`, it is the beginning of one that goes on in any way.
    pub(super) fn fits(&self, arn: &str, goes_on: bool, context: &dyn Context) -> Holds {
        let Self::Parts(patterns) = self else { return Holds::Yes };
        let parts: Vec<&str> = arn.splitn(ARN_PARTS, ':').collect();
        if parts.len() < ARN_PARTS {
            return Holds::No;
        }
        Holds::all(patterns.iter().zip(&parts).enumerate().map(|(at, (pattern, part))| {
            if goes_on && at == ARN_PARTS - 1 {
                pattern.fits_beginning(part, context)
            } else {
                pattern.fits(part, Comparison::Like, context)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_compared_at_once_fits_as_it_does_in_every_way(
            pattern in "[ab*?]{0,6}",
            text in "[ab]{0,6}",
            goes_on in any::<bool>(),
        ) {
            let tokens = Pattern::new(&pattern, false).0;
            let expected = every_way_fits(&tokens, text.chars(), goes_on);
            prop_assert_eq!(wildcards_fit(&tokens, &text, goes_on), expected, "{} {}", pattern, text);
        }
    }
}
