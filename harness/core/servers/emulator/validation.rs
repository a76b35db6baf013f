//! Documented constraints: how a value is checked against one, and how a refusal reports a breach.
//!
//! All of them are checked, and a refusal lists every breach in the framework's words, as seen on other services of
//! this protocol. It leaves out the value, so that nothing that a caller sent by mistake is repeated.

use std::fmt::Display;

use super::errors::ServiceError;

/// A broken constraint in the framework's words: the text behind "Member must".
pub(super) type BrokenConstraint = String;

#[derive(Debug, Default)]
pub(super) struct Breaches(Vec<String>);

impl Breaches {
    /// Notes the constraints that the value of a member breaks.
    pub(super) fn at(&mut self, member: &str, constraints: impl IntoIterator<Item = Option<BrokenConstraint>>) {
        let sentence = |breach| format!("Value at '{member}' failed to satisfy constraint: Member must {breach}");
        self.0.extend(constraints.into_iter().flatten().map(sentence));
    }

    /// Notes that a required member is absent. Source: the wording was seen on services of this protocol.
    pub(super) fn absent(&mut self, member: &str) {
        self.0.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }

    /// Notes the breaches of a part of the input.
    pub(super) fn append(&mut self, of_part: Self) {
        self.0.extend(of_part.0);
    }

    /// Notes that the input as a whole breaks a rule.
    pub(super) fn whole(&mut self, breach: &str) {
        self.0.push(breach.to_owned());
    }

    pub(super) fn refuse(self) -> Result<(), ServiceError> {
        let breaches = self.0;
        match breaches.len() {
            0 => Ok(()),
            1 => Err(ServiceError::validation(format!("1 validation error detected: {}", breaches[0]))),
            n => Err(ServiceError::validation(format!("{n} validation errors detected: {}", breaches.join("; ")))),
        }
    }
}

/// The breach of a length in characters (Unicode scalar values); both bounds are allowed.
pub(super) fn length(text: &str, bounds: (usize, usize)) -> Option<BrokenConstraint> {
    range_breach("length", text.chars().count(), bounds)
}

pub(super) fn range(number: i32, bounds: (i32, i32)) -> Option<BrokenConstraint> {
    range_breach("value", number, bounds)
}

fn range_breach<N: Copy + PartialOrd + Display>(
    what: &str,
    number: N,
    (least, most): (N, N),
) -> Option<BrokenConstraint> {
    if number < least {
        Some(format!("have {what} greater than or equal to {least}"))
    } else if number > most {
        Some(format!("have {what} less than or equal to {most}"))
    } else {
        None
    }
}

/// The breach of a pattern, if the value does not match it.
pub(super) fn pattern(pattern: &str, matches: bool) -> Option<BrokenConstraint> {
    (!matches).then(|| format!("satisfy regular expression pattern: {pattern}"))
}

/// The breach of an enumeration, if the value is none of its words.
pub(super) fn enumeration(value: &str, words: &[&str]) -> Option<BrokenConstraint> {
    (!words.contains(&value)).then(|| format!("satisfy enum value set: [{}]", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::least("ab", None)]
    #[case::most("äöü", None)]
    #[case::short("a", Some("have length greater than or equal to 2"))]
    #[case::long("abcd", Some("have length less than or equal to 3"))]
    fn a_length_is_counted_in_characters(#[case] text: &str, #[case] breach: Option<&str>) {
        assert_eq!(length(text, (2, 3)).as_deref(), breach);
    }

    #[rstest]
    #[case::least(2, None)]
    #[case::most(3, None)]
    #[case::below(i32::MIN, Some("have value greater than or equal to 2"))]
    #[case::above(i32::MAX, Some("have value less than or equal to 3"))]
    fn a_range_has_both_its_ends(#[case] number: i32, #[case] breach: Option<&str>) {
        assert_eq!(range(number, (2, 3)).as_deref(), breach);
    }

    #[rstest]
    #[case::none(0, Ok(()))]
    #[case::one(1, Err("1 validation error detected: Value at 'm' failed to satisfy constraint: Member must be"))]
    #[case::three(
        3,
        Err(
            "3 validation errors detected: Value at 'm' failed to satisfy constraint: Member must be; \
             Value at 'm' failed to satisfy constraint: Member must be; Something is missing"
        )
    )]
    fn a_refusal_counts_and_lists_every_breach(#[case] count: usize, #[case] expected: Result<(), &str>) {
        let mut breaches = Breaches::default();
        breaches.at("m", [1, 2].map(|least| (count >= least).then(|| "be".to_owned())));
        if count > 2 {
            breaches.whole("Something is missing");
        }
        assert_eq!(breaches.refuse(), expected.map_err(ServiceError::validation));
    }
}
