//! Passwords that a target gives out again and again.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::wire::{Exchange, Masker, Response, quote};

/// At most so many passwords are remembered as seen once, by their hashes.
const ONCE_LIMIT: usize = 10_000;

/// At most so many are known.
const KNOWN_LIMIT: usize = 50;

/// At most so many of these are known at first sight: a target that gives many gives each of them once.
const FIRST_SIGHT_LIMIT: usize = 8;

/// Shorter ones, in bytes, are too likely to be part of an ordinary word: they must have been given twice.
const FIRST_SIGHT_LENGTH: usize = 8;

/// What a target's words may not repeat beside the secrets of the answer that they stand in: our own, every
/// password that it has given twice, and the first few that nobody would know for passwords by their form. A
/// random one is given once, and known by its form wherever it is repeated.
pub(super) struct Given {
    hasher: RandomState,
    state: Mutex<State>,
}

struct State {
    once: HashSet<u64>,
    at_first_sight: usize,
    known: Vec<String>,
    masker: Masker,
}

impl Given {
    pub(super) fn new(ours: Vec<String>) -> Self {
        let masker = Masker::new(ours.clone());
        Self {
            hasher: RandomState::new(),
            state: Mutex::new(State { once: HashSet::new(), at_first_sight: 0, known: ours, masker }),
        }
    }

    /// What masks everything that is known by now.
    pub(super) fn masker(&self) -> Masker {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).masker.clone()
    }

    /// Remembers the password of an answer.
    pub(super) fn learn(&self, exchange: &Exchange) {
        let Some(body) = exchange.answer.as_ref().ok().filter(|answer| answer.status == 200).and_then(Response::json)
        else {
            return;
        };
        let Some(password) = body.get("dbPassword").and_then(|member| member.as_str()).filter(|text| !text.is_empty())
        else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = self.hasher.hash_one(password);
        let is_new = !state.once.contains(&hash);
        if is_new && state.once.len() < ONCE_LIMIT {
            state.once.insert(hash);
        }
        if is_new {
            if state.at_first_sight >= FIRST_SIGHT_LIMIT || !shows(password) {
                return;
            }
            state.at_first_sight += 1;
        }
        if state.known.len() < KNOWN_LIMIT && !state.known.iter().any(|known| known == password) {
            state.known.push(password.to_owned());
            state.masker = Masker::new(state.known.clone());
        }
    }
}

/// Whether something of a password would be shown, for all that its form tells.
fn shows(password: &str) -> bool {
    password.len() >= FIRST_SIGHT_LENGTH && quote(password).contains(char::is_alphanumeric)
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(***)")
    }
}
