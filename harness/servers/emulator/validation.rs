//! Documented constraints: how a value is held against one, and how a refusal tells what is broken.
//!
//! All of them are checked, and a refusal lists every breach, in the framework's words as seen on
//! other services of this protocol: without the value, so that nothing a caller sent by mistake is
//! repeated.

use super::errors::Refusal;

/// What a member must be and is not, in the framework's words: what stands behind "Member must".
pub(super) type Breach = String;

/// Everything that an input breaks.
#[derive(Debug, Default)]
pub(super) struct Breaches(Vec<String>);

impl Breaches {
    /// Notes what the value of a member breaks.
    pub(super) fn at(&mut self, member: &str, constraints: impl IntoIterator<Item = Option<Breach>>) {
        let told = |breach| format!("Value at '{member}' failed to satisfy constraint: Member must {breach}");
        self.0.extend(constraints.into_iter().flatten().map(told));
    }

    /// Notes that a required member is absent. Source: the wording was seen on services of this protocol.
    pub(super) fn absent(&mut self, member: &str) {
        self.0.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }

    /// Notes a rule for the input as a whole, if it is broken.
    pub(super) fn whole(&mut self, breach: Option<String>) {
        self.0.extend(breach);
    }

    /// Refuses the input if anything was noted.
    pub(super) fn refuse(self) -> Result<(), Refusal> {
        let breaches = self.0;
        match breaches.len() {
            0 => Ok(()),
            1 => Err(Refusal::validation(format!("1 validation error detected: {}", breaches[0]))),
            n => Err(Refusal::validation(format!("{n} validation errors detected: {}", breaches.join("; ")))),
        }
    }
}

/// A length in characters (Unicode scalar values), from the first number to the second.
pub(super) fn length(text: &str, (least, most): (usize, usize)) -> Option<Breach> {
    let length = text.chars().count();
    if length < least {
        Some(format!("have length greater than or equal to {least}"))
    } else if length > most {
        Some(format!("have length less than or equal to {most}"))
    } else {
        None
    }
}

/// A number from the first bound to the second.
pub(super) fn range(number: i32, (least, most): (i32, i32)) -> Option<Breach> {
    if number < least {
        Some(format!("have value greater than or equal to {least}"))
    } else if number > most {
        Some(format!("have value less than or equal to {most}"))
    } else {
        None
    }
}

/// A pattern, which the value matches or not.
pub(super) fn pattern(pattern: &str, matches: bool) -> Option<Breach> {
    (!matches).then(|| format!("satisfy regular expression pattern: {pattern}"))
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

    #[test]
    fn an_input_that_breaks_nothing_is_not_refused() {
        let mut breaches = Breaches::default();
        breaches.at("m", [None, pattern("^a$", true)]);
        breaches.whole(None);
        assert_eq!(breaches.refuse(), Ok(()));
    }

    #[rstest]
    #[case::one(1, "1 validation error detected: Value at 'm' failed to satisfy constraint: Member must be")]
    #[case::three(
        3,
        "3 validation errors detected: Value at 'm' failed to satisfy constraint: Member must be; \
         Value at 'm' failed to satisfy constraint: Member must be; Something is missing"
    )]
    fn a_refusal_counts_and_lists_every_breach(#[case] count: usize, #[case] message: &str) {
        let mut breaches = Breaches::default();
        breaches.at("m", [Some("be".to_owned()), None, (count > 1).then(|| "be".to_owned())]);
        breaches.whole((count > 1).then(|| "Something is missing".to_owned()));
        assert_eq!(breaches.refuse(), Err(Refusal::validation(message)));
    }
}
