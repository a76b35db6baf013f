//! The log-ins that `GetCredentials` gave out.
//!
//! A password is kept until an hour after it expired, so that its owner can be told that it has expired. There are at
//! most [`MOST_LOGINS`]; beyond that, the one that expires first is forgotten, even if it is still good. What is costly
//! to make of a password is made when somebody logs in, not when it is given out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::proof::ScramKeys;
use crate::wire::Secret;

/// How many log-ins are kept. A password, its user and the places in the tables take about 300 bytes.
const MOST_LOGINS: usize = 65_536;

/// How long a password is kept after it expired.
const KEPT_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How many log-ins are taken from the table at once to be checked.
const CHECKED_AT_ONCE: usize = 64;

/// One pair of user and password.
pub(super) struct Login {
    /// The account that the user is of.
    pub(super) account: String,
    /// The database user.
    pub(super) user: String,
    /// The id of the workgroup that the password is for.
    pub(super) workgroup: String,
    /// The database that the password is for; any if there is none.
    pub(super) database: Option<String>,
    pub(super) password: Secret,
    pub(super) expires: Timestamp,
    /// What a server needs to check the password by SCRAM, once somebody has asked for it.
    scram: OnceLock<ScramKeys>,
}

impl Login {
    pub(super) fn new(
        user: &str,
        workgroup: &str,
        database: Option<String>,
        password: Secret,
        expires: Timestamp,
    ) -> Self {
        let (user, workgroup) = (user.to_owned(), workgroup.to_owned());
        Self { account: String::new(), user, workgroup, database, password, expires, scram: OnceLock::new() }
    }

    /// The same, of a user of this account.
    pub(super) fn of_account(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    fn owner(&self) -> Owner {
        (self.workgroup.clone(), self.user.clone())
    }

    /// What a server needs to check the password by SCRAM. The salt must be the same each time.
    pub(super) fn scram(&self, salt: &[u8]) -> &ScramKeys {
        self.scram.get_or_init(|| ScramKeys::of(&self.password, salt))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// What somebody wants to log in to, and as whom.
pub(super) struct Attempt {
    /// The id of the workgroup.
    pub(super) workgroup: String,
    pub(super) user: String,
    pub(super) database: String,
}

/// Why somebody may not log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such user, or the password is not one of this user for this workgroup.
    Wrong,
    /// The password was right until it expired.
    Expired,
    /// The password is right, for another database.
    OtherDatabase,
    /// The user has so many passwords that there was no time to check them all. What was computed is kept, so that the
    /// next attempt checks more of them.
    Unfinished,
}

/// What a password was given out for: the workgroup's id and the user.
type Owner = (String, String);

#[derive(Default)]
struct Kept {
    /// The log-ins of each owner by their number, which grows.
    of: HashMap<Owner, BTreeMap<u64, Arc<Login>>>,
    /// The log-ins in the order in which they expire.
    by_expiry: BTreeMap<(Timestamp, u64), Arc<Login>>,
    next: u64,
}

/// All log-ins that were given out and are remembered.
#[derive(Default)]
pub(super) struct Logins(Mutex<Kept>);

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}

impl Logins {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a log-in that is given out.
    pub(super) fn issue(&self, login: Login, now: Timestamp) -> Arc<Login> {
        let login = Arc::new(login);
        let mut kept = self.kept();
        while let Some((&(expires, _), _)) = kept.by_expiry.first_key_value() {
            let is_old = expires.checked_add(KEPT_AFTER).is_ok_and(|until| until < now);
            if !is_old && kept.by_expiry.len() < MOST_LOGINS {
                break;
            }
            kept.forget_first();
        }
        let number = kept.next;
        kept.next += 1;
        kept.by_expiry.insert((login.expires, number), Arc::clone(&login));
        kept.of.entry(login.owner()).or_default().insert(number, Arc::clone(&login));
        login
    }

    /// The log-in that somebody proves to know the password of. `is_proved` says whether it is this one; it is asked
    /// about the newest first, until `has_time` says no.
    pub(super) fn check(
        &self,
        attempt: &Attempt,
        now: impl Fn() -> Timestamp,
        has_time: impl Fn() -> bool,
        is_proved: impl Fn(&Login) -> bool,
    ) -> Result<Arc<Login>, Refused> {
        let mut before = u64::MAX;
        let login = loop {
            // The lock is not held while proofs are computed.
            let candidates = self.of(attempt, before);
            let Some((oldest, _)) = candidates.last() else { return Err(Refused::Wrong) };
            before = *oldest;
            if let Some((_, login)) = candidates.into_iter().find(|(_, login)| is_proved(login)) {
                break login;
            }
            if !has_time() {
                return Err(Refused::Unfinished);
            }
        };
        if login.expires <= now() {
            return Err(Refused::Expired);
        }
        if login.database.as_deref().is_some_and(|named| named != attempt.database) {
            return Err(Refused::OtherDatabase);
        }
        Ok(login)
    }

    /// Some log-ins of a user for a workgroup with their numbers, which are smaller than this one: the newest first.
    fn of(&self, attempt: &Attempt, before: u64) -> Vec<(u64, Arc<Login>)> {
        let owner = (attempt.workgroup.clone(), attempt.user.clone());
        let kept = self.kept();
        let older = kept.of.get(&owner).into_iter().flat_map(|logins| logins.range(..before).rev());
        older.take(CHECKED_AT_ONCE).map(|(number, login)| (*number, Arc::clone(login))).collect()
    }

    /// Every log-in that is remembered, the newest first.
    pub(super) fn all(&self) -> Vec<Arc<Login>> {
        let kept = self.kept();
        let numbered = kept.of.values().flatten();
        let all: BTreeMap<_, _> = numbered.map(|(number, login)| (*number, Arc::clone(login))).collect();
        all.into_values().rev().collect()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let kept = self.kept();
        assert_eq!(kept.by_expiry.len(), kept.of.values().map(BTreeMap::len).sum::<usize>());
        kept.by_expiry.len()
    }
}

impl Kept {
    /// Forgets the log-in that expires first.
    fn forget_first(&mut self) {
        let Some(((_, number), login)) = self.by_expiry.pop_first() else { return };
        let owner = login.owner();
        if let Some(logins) = self.of.get_mut(&owner) {
            logins.remove(&number);
            if logins.is_empty() {
                self.of.remove(&owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn login(user: &str, password: &str, expires: i64) -> Login {
        Login::new(user, "wg", None, Secret::from(password), at(expires))
    }

    fn attempt(workgroup: &str, user: &str, database: &str) -> Attempt {
        Attempt { workgroup: workgroup.to_owned(), user: user.to_owned(), database: database.to_owned() }
    }

    fn check(logins: &Logins, user: &str, password: &str, now: i64) -> Result<(), Refused> {
        let is_proved = |login: &Login| login.password.expose() == password;
        logins.check(&attempt("wg", user, "dev"), || at(now), || true, is_proved).map(|_| ())
    }

    #[test]
    fn two_passwords_hold_at_the_same_time_until_each_expires() {
        let logins = Logins::default();
        logins.issue(login("a", "long", 3600), at(0));
        logins.issue(login("a", "short", 900), at(0));
        for (now, long, short) in [
            (899, Ok(()), Ok(())),
            (900, Ok(()), Err(Refused::Expired)),
            (3600, Err(Refused::Expired), Err(Refused::Expired)),
        ] {
            assert_eq!(check(&logins, "a", "long", now), long, "{now}");
            assert_eq!(check(&logins, "a", "short", now), short, "{now}");
        }
    }

    #[test]
    fn a_password_is_its_users_for_its_workgroup_and_its_database() {
        let logins = Logins::default();
        logins.issue(Login::new("a", "wg", Some("sales".into()), "right".into(), at(900)), at(0));
        logins.issue(login("b", "others", 900), at(0));
        let check = |workgroup, user, database, password: &str| {
            let is_proved = |login: &Login| login.password.expose() == password;
            logins.check(&attempt(workgroup, user, database), || at(1), || true, is_proved).map(|_| ())
        };
        assert_eq!(check("wg", "a", "sales", "right"), Ok(()));
        assert_eq!(check("wg", "a", "dev", "right"), Err(Refused::OtherDatabase));
        assert_eq!(check("wg-2", "a", "sales", "right"), Err(Refused::Wrong));
        assert_eq!(check("wg", "a", "sales", "others"), Err(Refused::Wrong));
        assert_eq!(check("wg", "c", "sales", "right"), Err(Refused::Wrong));
    }

    #[test]
    fn an_expired_password_is_forgotten_an_hour_later_when_another_is_given_out() {
        let logins = Logins::default();
        logins.issue(login("a", "old", 900), at(0));
        logins.issue(login("b", "new", 9999), at(900 + 3600));
        assert_eq!((logins.len(), check(&logins, "a", "old", 4500)), (2, Err(Refused::Expired)));
        logins.issue(login("b", "newer", 9999), at(900 + 3601));
        assert_eq!((logins.len(), check(&logins, "a", "old", 4501)), (2, Err(Refused::Wrong)));
    }

    #[test]
    fn there_is_a_bound_and_what_expires_first_is_forgotten_first() {
        let logins = Logins::default();
        logins.issue(login("a", "long", 3600), at(0));
        logins.issue(login("a", "short", 900), at(0));
        for number in 0..MOST_LOGINS - 1 {
            logins.issue(login("b", &number.to_string(), 1800), at(0));
        }
        assert_eq!(logins.len(), MOST_LOGINS);
        assert_eq!(check(&logins, "a", "short", 1), Err(Refused::Wrong));
        assert_eq!(check(&logins, "a", "long", 1), Ok(()));
    }

    #[test]
    fn every_password_of_a_user_is_tried_the_newest_first_as_long_as_there_is_time() {
        let logins = Logins::default();
        let passwords: Vec<String> = (0..3 * CHECKED_AT_ONCE).map(|number| number.to_string()).collect();
        for password in &passwords {
            logins.issue(login("a", password, 900), at(0));
        }
        for (password, has_time, expected) in [
            (&*passwords[0], true, Ok(())),
            (passwords.last().unwrap(), false, Ok(())),
            (&passwords[0], false, Err(Refused::Unfinished)),
            ("wrong", true, Err(Refused::Wrong)),
        ] {
            let asked = std::cell::RefCell::new(Vec::new());
            let is_proved = |login: &Login| {
                asked.borrow_mut().push(login.password.expose().to_owned());
                login.password.expose() == password
            };
            let checked = logins.check(&attempt("wg", "a", "dev"), || at(1), || has_time, is_proved);
            assert_eq!(checked.map(|_| ()), expected, "{password}");
            let newest_first: Vec<_> = passwords.iter().rev().take(asked.borrow().len()).cloned().collect();
            assert_eq!(*asked.borrow(), newest_first, "{password}");
        }
    }

    #[test]
    fn printing_a_log_in_masks_its_password() {
        assert!(!format!("{:?}", login("a", "CANARY", 1)).contains("CANARY"));
    }
}
