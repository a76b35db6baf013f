//! What an entry of a bank changes about log-ins, before the door at which the credentials log in.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Numbers, TextPattern};

/// What becomes of log-ins and of sessions. Everything that is not said is as the right door has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DoorChange {
    /// Which log-ins are meant; all where it is left out. It holds back `login`, `user`, `database` and `delay_ms`.
    pub when: LoginCondition,
    /// What becomes of the log-in.
    pub login: Option<LoginChange>,
    /// As whom somebody is logged in who is let in.
    pub user: Option<NameChange>,
    /// To which database somebody is logged in who is let in.
    pub database: Option<NameChange>,
    /// How long the door waits before it answers a log-in, in milliseconds.
    pub delay_ms: u32,
    /// How the password is asked for; in the clear where it is not said. Where it is proved by MD5 or SCRAM, the right
    /// door checks the proof, so that nothing can be said of the password.
    pub asks: Option<Asked>,
    /// Whether the connection is encrypted.
    pub tls: DoorTls,
    /// How a refusal of the right door is worded.
    pub refusals: Option<Refusal>,
    /// How many notices come before each answer.
    pub notices: u8,
    /// Further parameters that a session reports at its start.
    pub parameters: BTreeMap<String, String>,
    /// What becomes of statements, by what they match.
    pub statements: Vec<StatementChange>,
    /// Whether a session ends when its password expires.
    pub ends_at_expiry: bool,
}

impl DoorChange {
    /// Whether it leaves somebody without an answer.
    pub fn hangs(&self) -> bool {
        matches!(self.login, Some(LoginChange::Hang))
            || self.statements.iter().any(|change| matches!(change.becomes, StatementOutcome::Hang))
    }
}

/// Conditions on a log-in; all must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoginCondition {
    /// The password is one of these.
    pub password: Vec<PasswordKind>,
    /// How many seconds are left until the password expires, at least and at most; fewer than none after that.
    pub left: Option<Seconds>,
    /// What the database that is named matches.
    pub database: Option<TextPattern>,
    /// Only every nth log-in that meets the conditions; this is n.
    pub every: Option<NonZeroU64>,
    /// Only the log-ins with these numbers, of those that meet the conditions.
    pub numbers: Option<Numbers>,
}

/// A number of seconds, from one to another.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seconds {
    /// The least.
    pub from: i64,
    /// The most.
    pub to: i64,
}

/// What a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordKind {
    /// The newest one of the user, for this workgroup and database.
    Right,
    /// One of the user that is not the newest and has not expired.
    Earlier,
    /// One of the user that has expired.
    Expired,
    /// One of the user, for another database.
    OfAnotherDatabase,
    /// One of the user, for another workgroup.
    OfAnotherWorkgroup,
    /// One of another user.
    OfAnotherUser,
    /// The beginning of one of the user.
    Truncated,
    /// Nothing.
    Empty,
    /// Anything else.
    Unknown,
}

/// What becomes of a log-in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum LoginChange {
    /// It is let in.
    Accept,
    /// It is refused.
    Refuse(Refusal),
    /// The connection is closed without an answer.
    Close,
    /// There is no answer.
    Hang,
    /// This text is the answer.
    Garbage(String),
}

/// A refusal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its code.
    pub sqlstate: String,
    /// Its message.
    pub message: String,
    /// How severe it is called.
    #[serde(default = "fatal")]
    pub severity: String,
}

fn fatal() -> String {
    "FATAL".to_owned()
}

/// Another name in the place of one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameChange {
    /// What is replaced: every part that matches; the whole name where it is left out.
    #[serde(default)]
    pub pattern: Option<TextPattern>,
    /// What stands there instead.
    pub with: String,
}

/// How the password is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// In the clear.
    Clear,
    /// Salted and hashed by MD5.
    Md5,
    /// By SCRAM-SHA-256.
    Scram,
}

/// Whether a connection to the door is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DoorTls {
    /// It never is.
    #[default]
    Never,
    /// It must be. What goes through it is as the right door has it.
    Always,
}

/// What becomes of a statement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementChange {
    /// What the statement matches.
    pub matches: TextPattern,
    /// What becomes of it.
    pub becomes: StatementOutcome,
}

/// What becomes of a statement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StatementOutcome {
    /// Every text in the answer is this one.
    Answer(String),
    /// Every text in the answer is in small letters.
    Fold,
    /// It is refused.
    Refuse(Refusal),
    /// The connection is closed without an answer.
    Close,
    /// There is no answer.
    Hang,
}
