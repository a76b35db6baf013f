//! The secrets that a target has given.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::Masker;
use super::mask::is_known_by_form;
use super::public_words::is_public_word;
use super::secrets::{MOST_BYTES_READ as MOST_BYTES, MOST_READ as MOST, Secrets};
use crate::wire::Response;

/// Remembers the passwords, keys, tokens and users that a target has given, so that no later quotation repeats one.
///
/// A secret that is masked anyway is not remembered: a quotation masks a long word of mixed letters and digits for its
/// form alone, in any encoding. A public word is no secret. So a target that gives a new random password each time
/// needs no memory, or little if its passwords are short. A target that gives more than 5,000 other secrets, or more
/// than 64 KiB of them, is no longer quoted.
pub struct SeenSecrets {
    hasher: RandomState,
    state: Mutex<RememberedSecrets>,
}

#[derive(Default)]
struct RememberedSecrets {
    /// The hashes of the remembered secrets.
    known: HashSet<u64>,
    bytes: usize,
    masker: Masker,
    /// The hash of the last body, and whether it was of a success. The same body again gives no other secrets.
    last_body: Option<u64>,
}

impl SeenSecrets {
    /// Knows our own secrets, and nothing of the target's yet.
    pub fn new(ours: impl IntoIterator<Item = String>) -> Self {
        let state = RememberedSecrets { masker: Masker::new(ours), ..RememberedSecrets::default() };
        Self { hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// Quotes nothing of the target, and so need not know its secrets.
    pub fn silent() -> Self {
        let seen = Self::new([]);
        seen.state.lock().unwrap_or_else(PoisonError::into_inner).masker.close();
        seen
    }

    /// A masker for every secret known so far.
    pub fn masker(&self) -> Masker {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).masker.clone()
    }

    /// Remembers the secrets of an answer. Call it before any part of the answer is shown.
    pub fn learn(&self, response: &Response) {
        let body = Some(self.hasher.hash_one(((200..300).contains(&response.status), &response.body)));
        let is_known = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.masker.is_closed() {
                return;
            }
            state.last_body == body
        };
        let secrets = if is_known { Secrets::of_fields(response) } else { Secrets::of(response) };
        let (mut found, complete) = secrets.into_remembered();
        found.retain(|secret| !is_public_word(secret) && !is_known_by_form(secret));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_body = body;
        found.retain(|secret| state.known.insert(self.hasher.hash_one(secret)));
        state.bytes += found.iter().map(String::len).sum::<usize>();
        if !complete || state.known.len() > MOST || state.bytes > MOST_BYTES {
            // Nothing is searched for any more.
            *state = RememberedSecrets { bytes: MOST_BYTES, ..RememberedSecrets::default() };
            state.masker.close();
        } else if !found.is_empty() {
            state.masker.add(found);
        }
    }
}

impl fmt::Debug for SeenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeenSecrets(***)")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Headers::new(), body: body.into() }
    }

    /// The quotation of a text after answers with these bodies.
    fn quoted(status: u16, bodies: &[&str], text: &str) -> String {
        let seen = SeenSecrets::new([]);
        for body in bodies {
            seen.learn(&answer(status, body));
        }
        seen.masker().quote(text)
    }

    #[test]
    fn a_number_of_three_digits_is_known() {
        assert_eq!(quoted(200, &[r#"{"dbPassword":907}"#], "you got 907 before"), "you got *** before");
    }

    #[rstest]
    #[case::punctuation("!?!?!?", "you got !?!?!? before")]
    #[case::signs("#$%^&*()", "you got #$%^&*() before")]
    #[case::pictures("🦦🦦🦦🦦", "you got 🦦🦦🦦🦦 before")]
    #[case::like_a_region("velvet-otter-1", "you got db-velvet-otter-1 before")]
    #[case::like_an_account("123456789012", "you got _123456789012_ before")]
    #[case::like_an_account_in_a_number("123456789012", "you got 0123456789012 before")]
    #[case::like_an_arn("arn:velvetott", "you got ARN:VELVETOTT before")]
    #[case::word_and_year("summer2024", "you got db-summer2024-x before")]
    fn what_looks_otherwise_in_other_words_is_known_all_the_same(#[case] secret: &str, #[case] text: &str) {
        let body = serde_json::json!({ "dbPassword": secret }).to_string();
        let quoted_text = quoted(200, &[&body], text).to_lowercase();
        assert!(quoted_text.contains("***"), "{quoted_text}");
        for part in [secret, "summer", "velvet", "789"] {
            assert!(!quoted_text.contains(part), "{quoted_text}");
        }
    }

    #[rstest]
    #[case::prose(r#"{"message":"the token: expected"}"#, "expected")]
    #[case::quoted_prose(r#"{"message":"Unexpected token: 'workgroups'"}"#, "workgroups")]
    #[case::list("The parts of a token:\n  workgroups\n", "workgroups")]
    #[case::code(r#"{"message":"workgroup/namespace"}"#, "namespace")]
    #[case::time(r#"{"credentials":{"expiration":1795323491}}"#, "1795323491")]
    fn an_error_teaches_no_ordinary_words(#[case] body: &str, #[case] word: &str) {
        assert_eq!(quoted(400, &[body], word), word);
    }

    #[test]
    fn every_one_of_thousands_is_known_and_what_is_known_by_its_form_takes_no_room() {
        let seen = SeenSecrets::new([]);
        for number in 0..4_000 {
            let word: String =
                (0..4).map(|place| char::from(b'a' + u8::try_from(number >> (3 * place) & 7).unwrap())).collect();
            seen.learn(&answer(200, &format!(r#"{{"dbPassword":"x{word}-canary","dbUser":"u4711{number:011}"}}"#)));
        }
        assert_eq!(seen.state.lock().unwrap().known.len(), 4_000);
        assert_eq!(seen.masker().quote("not xaaaa-canary and xbaha-canary"), "not *** and ***");
    }

    /// Different passwords of `length` characters: random bytes in base64.
    fn random(length: usize, count: usize) -> Vec<String> {
        use base64::prelude::{BASE64_STANDARD, Engine as _};
        let hasher = RandomState::new();
        let bytes = |number| (0..6).flat_map(|part| hasher.hash_one((number, part)).to_be_bytes()).collect::<Vec<u8>>();
        (0..count).map(|number| BASE64_STANDARD.encode(bytes(number))[..length].to_owned()).collect()
    }

    #[rstest]
    // One password in thirty has no digit.
    #[case::shortest_of_an_ordinary_target(20, 300)]
    #[case::longest(64, 1)]
    #[case::short(12, 1_500)]
    fn random_passwords_take_next_to_no_room(#[case] length: usize, #[case] most: usize) {
        let seen = SeenSecrets::new([]);
        for password in random(length, 5_000) {
            seen.learn(&answer(200, &format!(r#"{{"dbPassword":"{password}"}}"#)));
        }
        let state = seen.state.lock().unwrap();
        assert!(state.bytes < MOST_BYTES && state.known.len() <= most, "{} are remembered", state.known.len());
        assert_eq!(state.masker.quote("words"), "words");
    }

    #[test]
    fn a_target_that_gives_more_than_can_be_remembered_is_not_quoted() {
        let seen = SeenSecrets::new([]);
        for number in 0..=MOST {
            seen.learn(&answer(200, &format!(r#"{{"dbPassword":"-{number:07}-"}}"#)));
        }
        let masker = seen.masker();
        assert_eq!((masker.quote("words").as_str(), masker.quote("dbUser").as_str()), ("***", "dbUser"));
    }

    #[test]
    fn the_header_of_an_answer_whose_body_is_known_is_read_all_the_same() {
        let seen = SeenSecrets::new([]);
        let body = r#"{"dbPassword":"velvet-otter-1"}"#;
        seen.learn(&answer(200, body));
        let headers = [("x-session-token", "amber-badger-2")].into_iter().collect();
        seen.learn(&Response { headers, ..answer(200, body) });
        assert_eq!(seen.masker().quote("velvet-otter-1 or amber-badger-2"), "*** or ***");
    }

    #[test]
    fn a_silent_one_quotes_nothing_and_learns_nothing() {
        let seen = SeenSecrets::silent();
        seen.learn(&answer(200, r#"{"dbPassword":"canary-horse"}"#));
        assert!(seen.state.lock().unwrap().known.is_empty());
        assert_eq!(seen.masker().quote("words and canary-horse"), "***");
    }

    #[test]
    fn printing_it_gives_nothing_away() {
        assert_eq!(format!("{:?}", SeenSecrets::new(["canary".to_owned()])), "SeenSecrets(***)");
    }
}
