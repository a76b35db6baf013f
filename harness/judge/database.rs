//! Whether a database accepts and refuses what a case expects.

use crate::corpus::{Act, OtherStep};
use crate::verdict::{DatabaseAct, DatabaseAnswer, Fault, RightDatabaseAnswer};
use crate::wire::{DatabaseExchange, DatabaseOutcome, Masker};

/// The classes of errors that say nothing of what was asked: the connection, a lack of resources, an operator who
/// stops the server, a fault of the system, an internal error.
/// Source: `PostgreSQL` documentation, appendix A, `PostgreSQL` Error Codes.
const ABOUT_THE_SERVER: [&str; 5] = ["08", "53", "57", "58", "XX"];

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
        DatabaseOutcome::NoConnection(_) | DatabaseOutcome::NotPostgres(_) => return Err(shown(exchange, hidden)),
        DatabaseOutcome::Refused { sqlstate, .. }
            if ABOUT_THE_SERVER.iter().any(|class| sqlstate.starts_with(class)) =>
        {
            return Err(shown(exchange, hidden));
        }
        DatabaseOutcome::Refused { .. } => must_be_refused,
        DatabaseOutcome::Done(found) => {
            !must_be_refused && (exchange.expected.is_none() || exchange.expected == *found)
        }
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
    fn what_is_expected_is_right(#[case] act: Act, #[case] expected: Option<&str>, #[case] outcome: DatabaseOutcome) {
        assert_eq!(conclusion(act, expected, outcome), Ok(None));
    }

    #[rstest]
    #[case::refused(login(false), None, refused("28P01"))]
    #[case::accepted(login(true), None, DatabaseOutcome::Done(None))]
    #[case::another_text(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(Some("v".to_owned())))]
    #[case::no_text(query(Some("${x}"), false), Some("u"), DatabaseOutcome::Done(None))]
    #[case::allowed(query(None, true), None, DatabaseOutcome::Done(None))]
    fn anything_else_is_wrong_and_shows_no_password(
        #[case] act: Act,
        #[case] expected: Option<&str>,
        #[case] outcome: DatabaseOutcome,
    ) {
        let fault = conclusion(act, expected, outcome).expect("it is decided").expect("it is wrong");
        assert!(!format!("{fault:?}").contains("CANARY"), "{fault:?}");
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
