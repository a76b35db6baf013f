//! How somebody proves to know a password: by SCRAM-SHA-256 (RFC 5802, RFC 7677) or by MD5.
//!
//! A password that was given out has ASCII only, which `SASLprep` leaves as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use postgres_protocol::authentication::md5_hash;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::logins::Login;
use crate::wire::Secret;

/// How often the password is hashed. It is random, so more would not protect it; some clients refuse less.
pub(super) const ITERATIONS: u32 = 4096;

type Hash = [u8; 32];

fn hmac(key: &[u8], parts: &[&[u8]]) -> Hash {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Hash::default() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What a server needs to check a password and to prove that it knows it itself.
#[derive(Clone)]
pub(super) struct ScramKeys {
    stored: Hash,
    server: Hash,
}

impl ScramKeys {
    pub(super) fn of(password: &Secret, salt: &[u8]) -> Self {
        let salted = salted(password.expose().as_bytes(), salt);
        let client = hmac(&salted, &[b"Client Key"]);
        Self { stored: Sha256::digest(client).into(), server: hmac(&salted, &[b"Server Key"]) }
    }

    /// The form in which PostgreSQL takes a password that it shall not see.
    /// Source: the documentation of the catalog `pg_authid`, `rolpassword`.
    pub(super) fn verifier(&self, salt: &[u8]) -> String {
        let [salt, stored, server] = [salt, &self.stored, &self.server].map(|bytes| BASE64.encode(bytes));
        format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}")
    }

    /// Whether a client's proof is one of this password.
    fn accept(&self, exchange: &ScramExchange) -> bool {
        let signature = hmac(&self.stored, &[exchange.signed.as_bytes()]);
        let mut client = exchange.proof;
        client.iter_mut().zip(signature).for_each(|(byte, other)| *byte ^= other);
        Sha256::digest(client).ct_eq(&self.stored).into()
    }
}

/// RFC 5802, section 2.2: `Hi`.
fn salted(password: &[u8], salt: &[u8]) -> Hash {
    // The key is prepared once; a block is hashed 4096 times.
    let Ok(keyed) = Hmac::<Sha256>::new_from_slice(password) else { return Hash::default() };
    let of = |parts: &[&[u8]]| -> Hash {
        let mut mac = keyed.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    };
    let mut block = of(&[salt, &1_u32.to_be_bytes()]);
    let mut sum = block;
    for _ in 1..ITERATIONS {
        block = of(&[&block]);
        sum.iter_mut().zip(block).for_each(|(byte, other)| *byte ^= other);
    }
    sum
}

/// The first message of a client by SCRAM, and what the server answers.
#[derive(Debug)]
pub(super) struct ScramStart {
    /// Which channel binding the client speaks of, in base64, as its last message repeats it.
    binding: String,
    /// The two first messages, which the proof signs.
    signed: String,
    /// Both nonces.
    nonce: String,
    /// The message to send.
    pub(super) answer: String,
}

/// A message that is not one of SCRAM.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl ScramStart {
    /// Reads a client's first message: `n,,n=,r=<nonce>`.
    pub(super) fn read(message: &[u8], salt: &[u8], nonce: &str) -> Result<Self, Malformed> {
        let message = str::from_utf8(message).map_err(|_| Malformed)?;
        // `p` would ask for a channel binding, which is not offered.
        let (flag, rest) = message.split_once(',').ok_or(Malformed)?;
        let (authorised, bare) = rest.split_once(',').ok_or(Malformed)?;
        if !matches!(flag, "n" | "y") {
            return Err(Malformed);
        }
        // The user is the one of the start-up message, as PostgreSQL has it; `m` would ask for an extension.
        let (_, theirs) = bare.strip_prefix("n=").and_then(|bare| bare.split_once(",r=")).ok_or(Malformed)?;
        let theirs = theirs.split(',').next().unwrap_or_default();
        if theirs.is_empty() || !theirs.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed);
        }
        let nonce = format!("{theirs}{nonce}");
        let answer = format!("r={nonce},s={},i={ITERATIONS}", BASE64.encode(salt));
        let binding = BASE64.encode(format!("{flag},{authorised},"));
        Ok(Self { binding, signed: format!("{bare},{answer}"), nonce, answer })
    }

    /// Reads a client's last message: `c=<binding>,r=<nonce>,p=<proof>`.
    pub(super) fn finish(self, message: &[u8]) -> Result<ScramExchange, Malformed> {
        let message = str::from_utf8(message).map_err(|_| Malformed)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Malformed)?;
        let mut fields = without_proof.split(',');
        let binding = fields.next().and_then(|field| field.strip_prefix("c="));
        let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
        if binding != Some(&*self.binding) || nonce != Some(&*self.nonce) {
            return Err(Malformed);
        }
        let proof = BASE64.decode(proof).ok().and_then(|proof| proof.try_into().ok()).ok_or(Malformed)?;
        Ok(ScramExchange { signed: format!("{},{without_proof}", self.signed), proof })
    }
}

/// A whole exchange by SCRAM, which a password fits or not.
pub(super) struct ScramExchange {
    signed: String,
    proof: Hash,
}

impl ScramExchange {
    pub(super) fn is_proof_of(&self, login: &Login, salt: &[u8]) -> bool {
        login.scram(salt).accept(self)
    }

    /// The message that proves to the client that the server knows the password too.
    pub(super) fn answer(&self, login: &Login, salt: &[u8]) -> String {
        format!("v={}", BASE64.encode(hmac(&login.scram(salt).server, &[self.signed.as_bytes()])))
    }

    /// Takes the time that it takes to check a password for the first time.
    pub(super) fn check_nothing(&self, salt: &[u8]) {
        std::hint::black_box(ScramKeys::of(&Secret::from(""), salt).accept(self));
    }
}

/// Whether a client's answer to the salt is the one of this password. Source: the PostgreSQL documentation, "Message
/// Flow", `AuthenticationMD5Password`.
pub(super) fn is_md5_of(login: &Login, salt: [u8; 4], answer: &[u8]) -> bool {
    let right = md5_hash(login.user.as_bytes(), login.password.expose().as_bytes(), salt);
    right.as_bytes().ct_eq(answer).into()
}

/// The salt of a user, which is the same each time and known to nobody beforehand: an unknown user has one too.
pub(super) fn salt_of(user: &str, key: &[u8]) -> [u8; 16] {
    let mut salt = [0; 16];
    salt.copy_from_slice(&hmac(key, &[user.as_bytes()])[..16]);
    salt
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;

    /// The example of RFC 7677, section 3, with the user name that PostgreSQL's clients leave empty or not.
    const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn salt() -> Vec<u8> {
        BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap()
    }

    fn login(password: &str) -> Login {
        Login::new("user", "wg", None, password.into(), Timestamp::MAX)
    }

    fn exchange() -> ScramExchange {
        let start = ScramStart::read(CLIENT_FIRST.as_bytes(), &salt(), SERVER_NONCE).unwrap();
        assert_eq!(
            start.answer,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        start.finish(CLIENT_FINAL.as_bytes()).unwrap()
    }

    #[test]
    fn the_example_of_rfc_7677_is_proved_and_answered() {
        let (exchange, login) = (exchange(), login("pencil"));
        assert!(exchange.is_proof_of(&login, &salt()));
        assert_eq!(exchange.answer(&login, &salt()), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_proof_of_another_password_is_none() {
        assert!(!exchange().is_proof_of(&login("pencils"), &salt()));
    }

    #[rstest]
    #[case::channel_binding("p=tls-server-end-point,,n=,r=abc")]
    #[case::unknown_flag("x,,n=,r=abc")]
    #[case::no_nonce("n,,n=")]
    #[case::empty_nonce("n,,n=,r=")]
    #[case::an_extension("n,,m=x,n=,r=abc")]
    #[case::nothing("")]
    #[case::a_control_character("n,,n=,r=a\u{7}")]
    fn a_first_message_that_is_not_one_is_refused(#[case] message: &str) {
        assert_eq!(ScramStart::read(message.as_bytes(), &salt(), "s").unwrap_err(), Malformed);
    }

    #[rstest]
    #[case::another_nonce("c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")]
    #[case::another_binding("c=eSws,r=abcs,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")]
    #[case::short_proof("c=biws,r=abcs,p=dHzb")]
    #[case::no_proof("c=biws,r=abcs")]
    fn a_last_message_that_is_not_one_is_refused(#[case] message: &str) {
        let start = ScramStart::read(b"n,,n=,r=abc", &salt(), "s").unwrap();
        assert!(start.finish(message.as_bytes()).is_err());
    }

    /// Computed with `printf '%s' ... | md5sum`: `md5` and md5(md5(password + user) in hexadecimal + salt).
    #[rstest]
    #[case::right("secret", true)]
    #[case::wrong("Secret", false)]
    fn md5_is_salted(#[case] password: &str, #[case] is_right: bool) {
        assert_eq!(is_md5_of(&login(password), *b"salt", MD5.as_bytes()), is_right);
    }

    const MD5: &str = "md5440c573f34f2e2f3ff4b6dbdd8a2686b";
}
