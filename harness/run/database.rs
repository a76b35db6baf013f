//! The steps of cases at a database, and the moves of a target's clock.

#[cfg(feature = "login")]
use std::collections::HashMap;

use super::case::CaseRun;
use super::clock::Moved;
use super::interrupt::Interrupted;
use super::random_names::RandomNames;
use super::request::Earlier;
use crate::corpus::{Act, ExpandedCase, OtherStep};
#[cfg(feature = "login")]
use crate::corpus::{Login, PasswordChange, Query};
use crate::judge::Judge;
use crate::targets::Target;
use crate::verdict::{Reason, Verdict};
#[cfg(feature = "login")]
use crate::wire::Secret;
#[cfg(feature = "login")]
use crate::wire::database::{DatabaseClient, OpenLogin};
use crate::wire::{DatabaseExchange, DatabaseOutcome, Exchange, Transcript};

/// Why a case with steps at the database or at the clock cannot be run, and its verdict; `None` if it can.
pub(super) fn obstacle(case: &ExpandedCase, target: &Target) -> Option<(Verdict, Reason)> {
    if case.others.is_empty() {
        return None;
    }
    if case.needs_database() {
        if !cfg!(feature = "login") {
            return Some((Verdict::Blocked, Reason::NoLoginClient));
        }
        if target.database.is_none() {
            let (noun, flag) = ("database URL".to_owned(), "database".to_owned());
            return Some((Verdict::Blocked, Reason::Missing { noun, of: None, flag }));
        }
    }
    (case.needs_clock() && target.clock.is_none()).then_some((Verdict::NotApplicable, Reason::NoClock))
}

/// How often a step must be without an answer, while the database answers somebody else, before that is the answer.
const LOSSES: u32 = 3;

/// What a case with other steps than calls came to: its calls, the other steps, and why it cannot go on behind them.
type MadeWithOthers = (Transcript, Vec<DatabaseExchange>, Option<Reason>);

impl CaseRun<'_> {
    /// Makes the calls and the other steps in order, up to the first that does not lead to the next one. Then moves the
    /// target's clock back.
    pub(super) async fn make_with_others(
        &self,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
    ) -> Result<MadeWithOthers, Interrupted> {
        let mut made = self.make_once(random_names, set_up).await?;
        for times in 1.. {
            // A step without an answer may be at fault, or the way to the database.
            let Some(step) = self.lost_step(&made).filter(|_| made.2.is_none()) else { break };
            if !has_let_somebody_in(self.case, &made) && !self.is_database_there(random_names).await? {
                break;
            }
            if times == LOSSES {
                made.1.last_mut().into_iter().for_each(|exchange| exchange.outcome = hung_up(&exchange.outcome));
                break;
            }
            made = self.make_once(random_names, set_up).await?;
            if self.lost_step(&made) != Some(step) {
                break;
            }
        }
        Ok(made)
    }

    /// Which one of the steps that are no calls had no answer, if it decides something.
    fn lost_step(&self, (_, database, _): &MadeWithOthers) -> Option<usize> {
        let last = database.last().filter(|exchange| exchange.outcome.is_lost())?;
        self.case.others.get(last.step).filter(|(_, step)| step.is_judged()).map(|_| last.step)
    }

    /// Makes the calls and the other steps once. Then moves the target's clock back.
    async fn make_once(
        &self,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
    ) -> Result<MadeWithOthers, Interrupted> {
        let moved = Moved::default();
        let made = self.make_all(random_names, set_up, &moved).await;
        let lost_clock = self.move_clock_back(&moved).await;
        let (transcript, database, missing_part) = made?;
        Ok((transcript, database, missing_part.or(lost_clock)))
    }

    /// Whether the database answers somebody whom it cannot know.
    #[cfg(feature = "login")]
    async fn is_database_there(&self, random_names: &mut RandomNames) -> Result<bool, Interrupted> {
        let Ok(Some(client)) = Logins::of(&self.context.target).map(|logins| logins.client) else { return Ok(false) };
        let filled = self.maker("", Earlier::default()).filled_text("${random:20}", random_names);
        let Ok(nobody) = filled else { return Ok(false) };
        let password = Secret::from(nobody.as_str());
        let asked = client.log_in(&nobody, &password, &nobody);
        Ok(self.interrupt.unless(asked).await?.map_or_else(|outcome| !outcome.says_nothing(), |_| true))
    }

    #[cfg(not(feature = "login"))]
    #[expect(clippy::unused_async, reason = "the same function with the feature waits")]
    async fn is_database_there(&self, _: &mut RandomNames) -> Result<bool, Interrupted> {
        Ok(false)
    }

    async fn make_all(
        &self,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
        moved: &Moved,
    ) -> Result<MadeWithOthers, Interrupted> {
        let (mut transcript, mut database) = (Vec::new(), Vec::new());
        let mut logins = match Logins::of(&self.context.target) {
            Ok(logins) => logins,
            Err(reason) => return Ok((transcript, database, Some(reason))),
        };
        for index in 0..=self.case.calls.len() {
            let others = self.case.others.iter().enumerate().filter(|(_, (before, _))| *before == index);
            for (number, (_, step)) in others {
                let earlier = Earlier { setup: (&self.case.setup, set_up), steps: (&self.case.calls, &transcript) };
                let acted = if let Act::Clock(by) = &step.act {
                    // An interruption does not cut it off: nobody would know how far the clock was moved.
                    let moved = self.advance_clock(by.advance_seconds, moved).await;
                    let done = DatabaseOutcome::Done(None);
                    moved.map(|()| DatabaseExchange {
                        step: number,
                        expected: None,
                        secrets: Vec::new(),
                        outcome: done,
                    })
                } else {
                    self.interrupt.unless(self.act((number, step), &mut logins, random_names, earlier)).await?
                };
                let exchange = match acted {
                    Ok(exchange) => exchange,
                    Err(reason) => return Ok((transcript, database, Some(reason))),
                };
                let dead_end = Judge::dead_end(self.case, &exchange, &self.context.seen.masker());
                // Nothing comes behind a log-in that should be open and is not, nor behind what had no answer.
                let is_closed = matches!(&step.act, Act::Login(login) if !login.refused)
                    && !matches!(&exchange.outcome, DatabaseOutcome::Done(_))
                    || exchange.outcome.is_lost();
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

    /// Takes a step at the database.
    #[cfg(feature = "login")]
    async fn act(
        &self,
        (number, step): (usize, &OtherStep),
        logins: &mut Logins,
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> Result<DatabaseExchange, Reason> {
        let filled = |text: &str, names: &mut RandomNames| self.maker("", earlier).filled_text(text, names);
        let (mut expected, mut secrets) = (None, Vec::new());
        let client = logins.client.as_ref();
        let client = client.ok_or_else(|| Reason::CannotBeMade { because: "no database is named".to_owned() })?;
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
                            logins.open.insert(name.clone(), login);
                        }
                        DatabaseOutcome::Done(None)
                    }
                    Err(outcome) => outcome,
                }
            }
            Act::Query(Query { on, sql, answers, .. }) => {
                let sql = filled(sql, random_names)?;
                expected = answers.as_ref().map(|text| filled(text, random_names)).transpose()?;
                let login = logins.open.get(on).ok_or_else(|| Reason::CannotBeMade {
                    because: format!("the log-in {on}, which was to be used, is not open"),
                })?;
                login.query(&sql).await
            }
        };
        Ok(DatabaseExchange { step: number, expected, secrets, outcome })
    }

    /// Without the feature `login`, no case with steps at a database is run.
    #[cfg(not(feature = "login"))]
    #[expect(clippy::unused_async, reason = "the same function with the feature waits")]
    async fn act(
        &self,
        _: (usize, &OtherStep),
        _: &mut Logins,
        _: &mut RandomNames,
        _: Earlier<'_>,
    ) -> Result<DatabaseExchange, Reason> {
        Err(Reason::NoLoginClient)
    }
}

/// Whether the database let somebody in before it gave no answer.
fn has_let_somebody_in(case: &ExpandedCase, (_, database, _): &MadeWithOthers) -> bool {
    let is_login = |index: usize| case.others.get(index).is_some_and(|(_, step)| matches!(step.act, Act::Login(_)));
    database.iter().any(|exchange| is_login(exchange.step) && matches!(exchange.outcome, DatabaseOutcome::Done(_)))
}

/// What a lost answer is, once it was lost each time.
fn hung_up(outcome: &DatabaseOutcome) -> DatabaseOutcome {
    match outcome {
        DatabaseOutcome::NoConnection(why) | DatabaseOutcome::NotPostgres(why) => DatabaseOutcome::HungUp(why.clone()),
        other => other.clone(),
    }
}

/// The log-ins of a case.
struct Logins {
    /// What makes them; `None` if the target names no database.
    #[cfg(feature = "login")]
    client: Option<DatabaseClient>,
    /// Those that are open, by the names of their steps.
    #[cfg(feature = "login")]
    open: HashMap<String, OpenLogin>,
}

impl Logins {
    #[cfg(feature = "login")]
    fn of(target: &Target) -> Result<Self, Reason> {
        let client = target.database.as_ref().map(|url| DatabaseClient::new(url, &target.client)).transpose();
        let client = client.map_err(|error| Reason::CannotBeMade { because: error.to_string() })?;
        Ok(Self { client, open: HashMap::new() })
    }

    #[cfg(not(feature = "login"))]
    #[expect(clippy::unnecessary_wraps, reason = "the same function with the feature can fail")]
    fn of(_: &Target) -> Result<Self, Reason> {
        Ok(Self {})
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
