//! Whether a database accepts and refuses what a case expects.

use crate::corpus::{Act, OtherStep};
use crate::verdict::{DatabaseAct, DatabaseAnswer, Fault, RightDatabaseAnswer};
use crate::wire::{DatabaseExchange, DatabaseOutcome, Masker};

/// The errors of a database that does not know what a statement asks for: the feature, the syntax, a table, a column, an
/// object, a function, a schema. They say nothing of who asks.
/// Source: `PostgreSQL` documentation, appendix A, `PostgreSQL` Error Codes.
const NOT_KNOWN: [&str; 7] = ["0A000", "42601", "42P01", "42703", "42704", "42883", "3F000"];

/// What is wrong with what a database said to a step, `None` if nothing is; an error if it says nothing.
pub(super) fn concluded(
    step: &OtherStep,
    exchange: &DatabaseExchange,
    hidden: &Masker,
) -> Result<Option<Fault>, DatabaseAnswer> {
    let (act, must_be_refused, text) = match &step.act {
        Act::Login(login) => (DatabaseAct::Login, login.refused, None),
        Act::Query(query) => (DatabaseAct::Statement, query.refused, query.answers.as_ref()),
        Act::Clock(_) => return Ok(None),
    };
    let is_right = match &exchange.outcome {
        outcome if outcome.says_nothing() => return Err(shown(exchange, hidden)),
        DatabaseOutcome::Refused { sqlstate, .. }
            if act == DatabaseAct::Statement && !must_be_refused && NOT_KNOWN.contains(&&**sqlstate) =>
        {
            return Err(shown(exchange, hidden));
        }
        DatabaseOutcome::Done(found) => !must_be_refused && is_expected(step, exchange, found.as_deref()),
        // Whoever is hung up on is not let in.
        _ => must_be_refused,
    };
    if is_right {
        return Ok(None);
    }
    let expected = match (must_be_refused, text) {
        (true, _) => RightDatabaseAnswer::Refused,
        (false, Some(text)) => RightDatabaseAnswer::Text(text.clone()),
        (false, None) => RightDatabaseAnswer::Accepted,
    };
    Ok(Some(Fault::Database { act, expected, found: shown(exchange, hidden) }))
}

/// Whether a statement has the text that it should have.
fn is_expected(step: &OtherStep, exchange: &DatabaseExchange, found: Option<&str>) -> bool {
    let Some(expected) = exchange.expected.as_deref() else { return true };
    let is_folded = matches!(&step.act, Act::Query(query) if query.folded);
    found.is_some_and(|found| found == expected || is_folded && found.to_lowercase() == expected.to_lowercase())
}

/// What a database said, quoted.
pub(super) fn shown(exchange: &DatabaseExchange, hidden: &Masker) -> DatabaseAnswer {
    let masker = hidden.with(&exchange.secrets);
    match &exchange.outcome {
        DatabaseOutcome::Done(None) => DatabaseAnswer::Accepted,
        DatabaseOutcome::Done(Some(text)) => DatabaseAnswer::Text(masker.quote(text)),
        DatabaseOutcome::Refused { sqlstate, message } => {
            DatabaseAnswer::Refused { sqlstate: masker.quote(sqlstate), message: masker.quote(message) }
        }
        DatabaseOutcome::NoConnection(why) => DatabaseAnswer::NoConnection(masker.quote(why)),
        DatabaseOutcome::NotPostgres(why) => DatabaseAnswer::NotPostgres(masker.quote(why)),
        DatabaseOutcome::HungUp(why) => DatabaseAnswer::HungUp(masker.quote(why)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::corpus::{Login, Query};

    fn login(refused: bool) -> Act {
        let text = || "x".to_owned();
        Act::Login(Login { user: text(), password: text(), changed: None, database: text(), refused })
    }

    fn query(answers: Option<&str>, refused: bool) -> Act {
        Act::Query(Query {
            on: "in".to_owned(),
            sql: "select".to_owned(),
            answers: answers.map(str::to_owned),
            folded: false,
            refused,
        })
    }

    fn refused(sqlstate: &str) -> DatabaseOutcome {
        DatabaseOutcome::Refused { sqlstate: sqlstate.to_owned(), message: "CANARY is wrong".to_owned() }
    }

    fn conclusion(act: Act, expected: Option<&str>, outcome: DatabaseOutcome) -> Result<Option<Fault>, DatabaseAnswer> {
        let step = OtherStep { name: None, decides: None, act };
        let (expected, secrets) = (expected.map(str::to_owned), vec!["CANARY".into()]);
        concluded(&step, &DatabaseExchange { step: 0, expected, secrets, outcome }, &Masker::default())
    }

    #[rstest]
    #[case::accepted(login(false), None, DatabaseOutcome::Done(None))]
    #[case::refused(login(true), None, refused("28P01"))]
    #[case::the_text(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(Some("u".to_owned())))]
    #[case::any_text(query(None, false), None, DatabaseOutcome::Done(Some("u".to_owned())))]
    #[case::not_allowed(query(None, true), None, refused("42501"))]
    #[case::hung_up_on(login(true), None, DatabaseOutcome::HungUp("closed".to_owned()))]
    fn what_is_expected_is_right(#[case] act: Act, #[case] expected: Option<&str>, #[case] outcome: DatabaseOutcome) {
        assert_eq!(conclusion(act, expected, outcome), Ok(None));
    }

    #[rstest]
    #[case::refused(login(false), None, refused("28P01"))]
    #[case::accepted(login(true), None, DatabaseOutcome::Done(None))]
    #[case::another_text(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(Some("v".to_owned())))]
    #[case::no_text(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(None))]
    #[case::allowed(query(None, true), None, DatabaseOutcome::Done(None))]
    #[case::forbidden(query(None, false), None, refused("42501"))]
    #[case::of_an_unknown_feature(login(false), None, refused("0A000"))]
    #[case::another_letter_case(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(Some("U".to_owned())))]
    #[case::hung_up_on(login(false), None, DatabaseOutcome::HungUp("closed".to_owned()))]
    fn anything_else_is_wrong_and_shows_no_password(
        #[case] act: Act,
        #[case] expected: Option<&str>,
        #[case] outcome: DatabaseOutcome,
    ) {
        let fault = conclusion(act, expected, outcome).expect("it is decided").expect("it is wrong");
        assert!(!format!("{fault:?}").contains("CANARY"), "{fault:?}");
    }

    #[test]
    fn a_name_may_come_folded_where_the_case_says_so() {
        let Act::Query(query) = query(Some("${x}"), false) else { panic!("it is one") };
        let folded = |found: &str| {
            let act = Act::Query(Query { folded: true, ..query.clone() });
            conclusion(act, Some("IAM:Alice"), DatabaseOutcome::Done(Some(found.to_owned()))).expect("it is decided")
        };
        assert_eq!((folded("iam:alice"), folded("iam:bob").is_some()), (None, true));
    }

    #[rstest]
    #[case::feature("0A000")]
    #[case::function("42883")]
    fn a_statement_that_the_database_does_not_know_decides_nothing(#[case] sqlstate: &str) {
        assert!(conclusion(query(Some("${x}"), false), Some("t"), refused(sqlstate)).is_err());
    }

    #[rstest]
    #[case::too_many(refused("53300"))]
    #[case::starting(refused("57P03"))]
    #[case::gone(DatabaseOutcome::NoConnection("refused".to_owned()))]
    #[case::other(DatabaseOutcome::NotPostgres("HTTP".to_owned()))]
    fn what_says_nothing_decides_nothing(#[case] outcome: DatabaseOutcome, #[values(true, false)] refused: bool) {
        assert!(conclusion(login(refused), None, outcome).is_err());
    }
}
