//! The steps of cases at a database, and the moves of a target's clock.

#[cfg(feature = "login")]
use std::collections::HashMap;

use super::case::CaseRun;
use super::interrupt::Interrupted;
use super::random_names::RandomNames;
#[cfg(feature = "login")]
use super::request::Earlier;
use crate::corpus::ExpandedCase;
#[cfg(feature = "login")]
use crate::corpus::{Act, Login, OtherStep, PasswordChange, Query};
#[cfg(feature = "login")]
use crate::judge::Judge;
use crate::targets::Target;
use crate::verdict::{Reason, Verdict};
#[cfg(feature = "login")]
use crate::wire::database::{DatabaseClient, OpenLogin};
use crate::wire::{DatabaseExchange, Exchange, Transcript};
#[cfg(feature = "login")]
use crate::wire::{DatabaseOutcome, Secret};

/// Why a case with steps at the database or at the clock cannot be run, and its verdict; `None` if it can.
pub(super) fn obstacle(case: &ExpandedCase, target: &Target) -> Option<(Verdict, Reason)> {
    if case.others.is_empty() {
        return None;
    }
    if case.needs_database() {
        if !cfg!(feature = "login") {
            return Some((Verdict::NotApplicable, Reason::NoLoginClient));
        }
        if target.database.is_none() {
            let (noun, flag) = ("database URL".to_owned(), "database".to_owned());
            return Some((Verdict::Blocked, Reason::Missing { noun, of: None, flag }));
        }
    }
    case.needs_clock().then_some((Verdict::NotApplicable, Reason::NoClock))
}

impl CaseRun<'_> {
    /// Makes the calls and the other steps in order, up to the first that does not lead to the next one.
    #[cfg(feature = "login")]
    pub(super) async fn make_with_database(
        &self,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
    ) -> Result<(Transcript, Vec<DatabaseExchange>, Option<Reason>), Interrupted> {
        let (mut transcript, mut database) = (Vec::new(), Vec::new());
        let because = |because: String| Reason::CannotBeMade { because };
        let client = self.context.target.database.as_ref();
        let client = client.map(|url| DatabaseClient::new(url, &self.context.target.client));
        let client = match client {
            Some(Ok(client)) => client,
            Some(Err(error)) => return Ok((transcript, database, Some(because(error.to_string())))),
            None => return Ok((transcript, database, Some(because("no database is named".to_owned())))),
        };
        let mut open = HashMap::new();
        for index in 0..=self.case.calls.len() {
            let others = self.case.others.iter().enumerate().filter(|(_, (before, _))| *before == index);
            for (number, (_, step)) in others {
                let earlier = Earlier { setup: (&self.case.setup, set_up), steps: (&self.case.calls, &transcript) };
                let acted = self.act((number, step), (&client, &mut open), random_names, earlier);
                let exchange = match self.interrupt.unless(acted).await? {
                    Ok(exchange) => exchange,
                    Err(reason) => return Ok((transcript, database, Some(reason))),
                };
                let dead_end = Judge::dead_end(self.case, &exchange, &self.context.seen.masker());
                // Nothing comes behind a log-in that should be open and is not.
                let is_closed = matches!(&step.act, Act::Login(login) if !login.refused)
                    && !matches!(&exchange.outcome, DatabaseOutcome::Done(_));
                database.push(exchange);
                if is_closed || dead_end.is_some() {
                    return Ok((transcript, database, dead_end));
                }
            }
            if index < self.case.calls.len()
                && let Some(reason) = self.make_next(index, random_names, set_up, &mut transcript).await?
            {
                return Ok((transcript, database, Some(reason)));
            }
        }
        Ok((transcript, database, None))
    }

    /// Without the feature `login`, no case with such steps is run.
    #[cfg(not(feature = "login"))]
    #[expect(clippy::unused_async, reason = "the same function with the feature waits")]
    pub(super) async fn make_with_database(
        &self,
        _: &mut RandomNames,
        _: &[Exchange],
    ) -> Result<(Transcript, Vec<DatabaseExchange>, Option<Reason>), Interrupted> {
        Ok((Vec::new(), Vec::new(), Some(Reason::NoLoginClient)))
    }

    /// Takes a step that is no call.
    #[cfg(feature = "login")]
    async fn act(
        &self,
        (number, step): (usize, &OtherStep),
        (client, open): (&DatabaseClient, &mut HashMap<String, OpenLogin>),
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> Result<DatabaseExchange, Reason> {
        let filled = |text: &str, names: &mut RandomNames| self.maker("", earlier).filled_text(text, names);
        let (mut expected, mut secrets) = (None, Vec::new());
        let outcome = match &step.act {
            Act::Clock(_) => return Err(Reason::NoClock),
            Act::Login(Login { user, password, changed, database, .. }) => {
                let (user, database) = (filled(user, random_names)?, filled(database, random_names)?);
                let right = filled(password, random_names)?;
                let password =
                    Secret::from(changed.map_or_else(|| right.clone(), |change| changed_password(&right, change)));
                secrets.extend([Secret::from(right), password.clone()]);
                match client.log_in(&user, &password, &database).await {
                    Ok(login) => {
                        if let Some(name) = &step.name {
                            open.insert(name.clone(), login);
                        }
                        DatabaseOutcome::Done(None)
                    }
                    Err(outcome) => outcome,
                }
            }
            Act::Query(Query { on, sql, answers, .. }) => {
                let sql = filled(sql, random_names)?;
                expected = answers.as_ref().map(|text| filled(text, random_names)).transpose()?;
                let login = open.get(on).ok_or_else(|| Reason::CannotBeMade {
                    because: format!("the log-in {on}, which was to be used, is not open"),
                })?;
                login.query(&sql).await
            }
        };
        Ok(DatabaseExchange { step: number, expected, secrets, outcome })
    }
}

/// A password that is not the right one.
#[cfg(feature = "login")]
fn changed_password(right: &str, change: PasswordChange) -> String {
    let mut password = right.to_owned();
    let last = password.pop();
    match change {
        PasswordChange::Truncated => password,
        PasswordChange::Empty => String::new(),
        PasswordChange::OtherEnd => {
            password.push(if last == Some('x') { 'y' } else { 'x' });
            password
        }
    }
}
