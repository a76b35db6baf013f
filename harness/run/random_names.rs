//! Names and values that are new in each run, so that no target can know them beforehand.

use std::hash::{DefaultHasher, Hash, Hasher};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::corpus::template::NAME_LENGTH;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Makes the names of one run of one case; the same seed gives the same names.
pub(super) struct RandomNames {
    seed: u64,
    /// The seed of the names that all calls of the case share.
    shared: u64,
    /// How often [`RandomNames::of_next_calls`] was asked for.
    calls: u32,
    /// Made when the first name is asked for: most requests need none.
    random: Option<StdRng>,
}

impl RandomNames {
    /// Names for a run of a case, drawn from the seed of the whole run.
    pub(super) fn new(seed: u64, case: &str, run: u32) -> Self {
        let seed = hash(&(seed, case, run));
        Self::of(seed, seed)
    }

    const fn of(seed: u64, shared: u64) -> Self {
        Self { seed, shared, calls: 0, random: None }
    }

    /// The names of the next call, which it will still have.
    pub(super) fn upcoming(&self) -> Self {
        Self::of(hash(&(self.seed, "calls", self.calls + 1)), self.shared)
    }

    /// From now on, the names that all calls share are those of a further attempt: what the attempts before have made
    /// may still be there.
    pub(super) fn of_attempt(&mut self, attempt: u32) {
        self.shared = hash(&(self.shared, "attempt", attempt));
    }

    /// These names, with the shared names of others.
    pub(super) fn sharing(mut self, other: &Self) -> Self {
        self.shared = other.shared;
        self
    }

    /// The name with this key, which all calls of the case share.
    pub(super) fn shared_name(&self, key: &str) -> String {
        Self::of(hash(&(self.shared, "name", key)), self.shared).name(NAME_LENGTH)
    }

    /// A function that gives the names of the next calls. Each time it gives the same ones, so that the calls can be
    /// repeated.
    pub(super) fn of_next_calls(&mut self) -> impl Fn() -> Self + use<> {
        self.calls += 1;
        let (origin, shared) = ((self.seed, "calls", self.calls), self.shared);
        move || Self::of(hash(&origin), shared)
    }

    pub(super) fn part(&self, index: usize) -> Self {
        Self::of(hash(&(self.seed, index)), self.shared)
    }

    /// A name of `length` characters: a letter, then letters and digits.
    pub(super) fn name(&mut self, length: usize) -> String {
        const ALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|index| self.pick(if index == 0 { LETTERS } else { ALL })).collect()
    }

    /// A word of `length` small letters.
    pub(super) fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| self.pick(LETTERS)).collect()
    }

    /// A number from 0 to `below - 1`.
    pub(super) fn number(&mut self, below: u32) -> u32 {
        self.random().random_range(0..below)
    }

    /// A text in the form of an access key id or a secret: `length` capital letters and digits.
    pub(super) fn key(&mut self, length: usize) -> String {
        const KEY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        (0..length).map(|_| self.pick(KEY)).collect()
    }

    fn random(&mut self) -> &mut StdRng {
        self.random.get_or_insert_with(|| StdRng::seed_from_u64(self.seed))
    }

    fn pick(&mut self, from: &[u8]) -> char {
        char::from(*from.choose(self.random()).expect("there is something to pick from"))
    }
}

fn hash(origin: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    origin.hash(&mut hasher);
    hasher.finish()
}

/// A random seed, for a run that has none.
pub fn random_seed() -> u64 {
    // Short enough to be typed again.
    u64::from(rand::rng().random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_names_and_another_case_others() {
        let name = |seed, case| RandomNames::new(seed, case, 0).name(20);
        assert_eq!(name(1, "a/b"), name(1, "a/b"));
        assert_ne!(name(1, "a/b"), name(1, "a/c"));
        assert_ne!(name(1, "a/b"), name(2, "a/b"));
    }

    #[test]
    fn a_shared_name_is_the_same_in_all_calls_and_another_in_the_next_attempt() {
        let mut names = RandomNames::new(1, "a/b", 0);
        let (first, second) = (names.of_next_calls()(), names.part(3));
        let name = names.shared_name("group");
        assert_eq!([first.shared_name("group"), second.shared_name("group")], [name.clone(), name.clone()]);
        assert_ne!(names.shared_name("space"), name);
        assert_ne!(RandomNames::new(1, "a/b", 1).shared_name("group"), name);
        names.of_attempt(1);
        assert_ne!(names.shared_name("group"), name);
    }

    #[test]
    fn a_name_is_a_valid_workgroup_name_of_its_length() {
        let name = RandomNames::new(1, "a/b", 0).name(64);
        assert_eq!(name.len(), 64);
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    }
}
