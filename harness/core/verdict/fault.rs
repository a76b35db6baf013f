//! What is wrong with an answer, as data. Quotes of a target are masked already; a report makes the words around them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Constraint, JsonKind, Status};
use crate::wire::NamePlace;

/// What is wrong with an answer: the place, what was expected there and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// The request was not accepted or refused as the case expects.
    Outcome {
        /// Whether the status is right, so that only the error's name is wrong.
        status_fits: bool,
        /// The answers that would be right.
        expected: Vec<RightAnswer>,
        /// The answer.
        found: AnswerSummary,
        /// What else is striking about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<StrikingDetail>,
    },
    /// The connection was closed without an answer each time the request was sent, while the target answered other
    /// requests before and after.
    HungUp {
        /// The answers that would be right.
        expected: Vec<RightAnswer>,
        /// Whether other calls of the case were made at the same time.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        together: bool,
    },
    /// A database accepted or refused a log-in or a statement otherwise than the case expects.
    Database {
        /// What was done.
        act: DatabaseAct,
        /// What would be right.
        expected: RightDatabaseAnswer,
        /// What the database said.
        found: DatabaseAnswer,
    },
    /// The status is not the documented one.
    Status {
        /// The documented one.
        expected: u16,
        /// The one that was found.
        found: u16,
        /// The name of the error; absent for a success.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The media type is not the protocol's.
    MediaType {
        /// The protocol's.
        expected: String,
        /// The one that was found; null if there is none.
        found: Option<String>,
    },
    /// The body is in an encoding that was not asked for.
    Encoded {
        /// Which one.
        looks_like: Markup,
    },
    /// The answer says that its body is in an encoding, and it is not.
    DeclaredEncoding {
        /// What it says.
        found: String,
    },
    /// The body of a success is not a JSON object.
    NoObject {
        /// What it is.
        found: WrongBody,
    },
    /// A member of the body does not match its schema.
    Member {
        /// The JSON pointer of the member.
        at: String,
        /// What the schema asks of it.
        expected: Constraint,
        /// What is there.
        found: JsonKind,
        /// What it looks like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        looks_like: Option<ValueLikeness>,
    },
    /// A text of the body is empty, or has nothing that can be seen.
    Empty {
        /// The JSON pointer of the text.
        at: String,
        /// How many blanks and control characters it has.
        #[serde(default)]
        blanks: usize,
    },
    /// A text of the body is not the one of the request.
    Unlike {
        /// The JSON pointer of the text.
        at: String,
        /// What the request says.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A member of the body does not have the value that was sent or answered before.
    Shown {
        /// The JSON pointer of the member.
        at: String,
        /// What would be right.
        expected: ExpectedValue,
        /// The value; null for a list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
    /// A list of the body is longer than the request allows.
    TooMany {
        /// The JSON pointer of the list.
        at: String,
        /// How many items the request allows.
        most: u64,
        /// How many it has.
        found: u64,
    },
    /// A list of the body has an item that an earlier page has too.
    Again {
        /// The JSON pointer of the list.
        at: String,
    },
    /// What the answer gives expires at another time than was asked for.
    Lifetime {
        /// The JSON pointer of the time.
        at: String,
        /// How many seconds after the call it should be.
        asked: i64,
        /// How many seconds after the call it is.
        found: MeasuredLifetime,
        /// What it looks like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        looks_like: Option<LifetimeLikeness>,
        /// The member of the request that asks for a lifetime.
        asked_by: String,
    },
    /// The `Date` of the answer is not about the time of the answer.
    Date {
        /// How many seconds it is off the harness's clock.
        off: i64,
        /// Whether it is off by little, and the lifetime is wrong by this `Date` and right by the harness's clock.
        lifetime_is_right: bool,
    },
    /// The service failed at the request, and did not fail when it was sent again.
    PassingFault {
        /// The first status.
        first: u16,
        /// The status of the same request again.
        then: u16,
    },
    /// An error has no name where clients look for one.
    Nameless {
        /// What is there instead.
        found: NameSubstitute,
    },
    /// An error's name does not stand in the body's `__type`.
    NamePlace {
        /// The name.
        expected: String,
        /// Where it stands.
        found: NamePlace,
    },
    /// An error's name is not the bare name of its shape.
    NameForm {
        /// The bare name.
        expected: String,
        /// The name.
        found: String,
    },
    /// An error of the operation has a name that is common to all services.
    CommonName {
        /// The operation's own name for it.
        expected: String,
        /// The name.
        found: String,
    },
    /// An error has no message, or one that is not a string.
    NoMessage {
        /// What is there.
        found: JsonKind,
    },
    /// The message is called `Message`.
    MessageName,
    /// The message does not name the member at fault.
    MessageWithoutMember {
        /// The member.
        member: String,
        /// The message.
        found: String,
    },
    /// A value that an SDK sent or gave its caller is not the one that the case asks for. Both values are ready to be
    /// shown.
    Value {
        /// What it is: `attempts`, `error code`, `request header host`.
        at: String,
        /// The value that the case asks for.
        expected: String,
        /// The value that was found.
        found: String,
    },
    /// A fault that this build does not know, in the words of the build that found it.
    Told {
        /// The place.
        at: String,
        /// What was expected.
        expected: String,
        /// What was found.
        actual: String,
    },
}

impl Fault {
    /// Whether another fault is the same answer of a server, so that who accepts the one accepts the other. A fault that
    /// is about values, times or a database is never the same.
    #[must_use]
    pub fn is_same_answer(&self, other: &Self) -> bool {
        let is_about_values = matches!(
            self,
            Self::HungUp { .. }
                | Self::Database { .. }
                | Self::Unlike { .. }
                | Self::Shown { .. }
                | Self::TooMany { .. }
                | Self::Again { .. }
                | Self::Lifetime { .. }
                | Self::Date { .. }
                | Self::PassingFault { .. }
                | Self::MessageWithoutMember { .. }
                | Self::Told { .. }
        );
        !is_about_values && self.is_at_the_place_of(other) && self.kind() == other.kind()
    }

    /// The fault without what depends on the moment, the member or the input: seconds, lengths, pointers, quotes. Two
    /// faults with the same kind are the same mistake of a server, seen twice.
    #[must_use]
    pub fn kind(&self) -> Self {
        let mut kind = self.clone();
        match &mut kind {
            Self::Outcome { found, beside, .. } => {
                found.message = None;
                match beside {
                    Some(StrikingDetail::Accepted { lives }) => *lives = None,
                    Some(StrikingDetail::CutName { member, characters }) => {
                        member.clear();
                        *characters = 0;
                    }
                    Some(StrikingDetail::ErrorInSuccess { .. }) | None => {}
                }
            }
            Self::NoObject { found: WrongBody::NotJson { bytes, .. } }
            | Self::Nameless { found: NameSubstitute::NotJson { bytes, .. } } => *bytes = 0,
            Self::NoObject { found: WrongBody::Json(found) } | Self::NoMessage { found } => found.forget_length(),
            Self::Member { at, found, looks_like, .. } => {
                at.clear();
                found.forget_length();
                if let Some(ValueLikeness::OtherName(name) | ValueLikeness::Inside(name)) = looks_like {
                    name.clear();
                }
            }
            Self::Database { found, .. } => match found {
                DatabaseAnswer::Refused { message, .. } | DatabaseAnswer::Text(message) => message.clear(),
                DatabaseAnswer::Accepted
                | DatabaseAnswer::NoConnection(_)
                | DatabaseAnswer::NotPostgres(_)
                | DatabaseAnswer::HungUp(_) => {}
            },
            Self::Empty { at, blanks } => {
                at.clear();
                *blanks = 0;
            }
            Self::Unlike { at, expected, found } => {
                for text in [at, expected, found] {
                    text.clear();
                }
            }
            Self::Shown { at, expected, found } => {
                at.clear();
                match expected {
                    ExpectedValue::Value(text) | ExpectedValue::Listed(text) | ExpectedValue::Unlisted(text) => {
                        text.clear();
                    }
                    ExpectedValue::Begins(_) => {}
                }
                *found = None;
            }
            Self::TooMany { at, most, found } => {
                at.clear();
                (*most, *found) = (0, 0);
            }
            Self::Again { at } => at.clear(),
            Self::Lifetime { at, asked, found, asked_by, .. } => {
                at.clear();
                asked_by.clear();
                (*asked, *found) = (0, MeasuredLifetime::ByUs(0));
            }
            Self::Date { off, .. } => *off = 0,
            Self::NamePlace { expected, .. } => expected.clear(),
            Self::NameForm { expected, found } | Self::MessageWithoutMember { member: expected, found } => {
                expected.clear();
                found.clear();
            }
            Self::NoObject { found: WrongBody::Empty }
            | Self::Nameless { .. }
            | Self::HungUp { .. }
            | Self::Status { .. }
            | Self::MediaType { .. }
            | Self::Encoded { .. }
            | Self::DeclaredEncoding { .. }
            | Self::PassingFault { .. }
            | Self::CommonName { .. }
            | Self::MessageName
            | Self::Value { .. }
            | Self::Told { .. } => {}
        }
        kind
    }

    /// Whether two faults are of one kind and at one place, whatever the numbers and texts in them.
    pub fn is_at_the_place_of(&self, other: &Self) -> bool {
        let place = |fault: &Self| serde_json::to_value(fault).map(|data| [data["kind"].clone(), data["at"].clone()]);
        matches!((place(self), place(other)), (Ok(one), Ok(other)) if one == other)
    }
}

/// What was done at a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseAct {
    /// Somebody logged in.
    Login,
    /// A statement was sent on an open log-in.
    Statement,
}

/// What a database should say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RightDatabaseAnswer {
    /// Yes.
    Accepted,
    /// No.
    Refused,
    /// The text that this stands for: a placeholder or a plain text.
    Text(String),
}

/// What a database said, quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseAnswer {
    /// It accepted.
    Accepted,
    /// It gave this text.
    Text(String),
    /// It refused.
    Refused {
        /// The code of the error.
        sqlstate: String,
        /// Its message.
        message: String,
    },
    /// There was no connection, for this reason.
    NoConnection(String),
    /// What answered does not speak the protocol of `PostgreSQL`.
    NotPostgres(String),
    /// There was no answer of the protocol for this reason, each time that it was tried; others were answered meanwhile.
    HungUp(String),
}

/// An answer that is right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Accepted")]
pub struct RightAnswer {
    /// Its status, or the class of it.
    pub status: Status,
    /// The name of its error: `*` for any, absent if it may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An answer in short, quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Answered")]
pub struct AnswerSummary {
    /// Its status.
    pub status: u16,
    /// The name of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The value that a member of an answer should have. Quotes are ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedValue {
    /// This one.
    Value(String),
    /// A text that begins with one of these.
    Begins(Vec<String>),
    /// An item of the list has this value.
    Listed(String),
    /// No item of the list has this value.
    Unlisted(String),
}

/// What is striking about an answer of the wrong kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Beside")]
pub enum StrikingDetail {
    /// A success has the name of an error.
    ErrorInSuccess {
        /// The name.
        error: String,
        /// Where it stands.
        place: NamePlace,
    },
    /// The request was accepted.
    Accepted {
        /// The lifetime of what was given, in seconds; negative if it expired before the call, null if it cannot be
        /// told.
        lives: Option<i64>,
    },
    /// The message names only the beginning of what was sent.
    CutName {
        /// The member that was sent.
        member: String,
        /// How many characters of its value the message has.
        characters: usize,
    },
}

/// A body that is not a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Body")]
pub enum WrongBody {
    /// The body is empty.
    Empty,
    /// It is not JSON.
    NotJson {
        /// How many bytes it has.
        bytes: usize,
        /// What it looks like.
        looks_like: Option<Markup>,
    },
    /// It is JSON of another type.
    Json(JsonKind),
}

/// What a body that is not JSON looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Markup {
    /// HTML.
    Html,
    /// XML.
    Xml,
    /// JSON that ends too early.
    CutJson,
    /// JSON with more behind it.
    JsonAndMore,
    /// JSON behind a byte order mark.
    ByteOrderMark,
    /// JSON in UTF-16.
    Utf16,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Compressed with gzip.
    Gzip,
    /// Compressed with deflate.
    Deflate,
    /// Compressed with Brotli.
    Brotli,
    /// Compressed with Zstandard.
    Zstandard,
}

impl Markup {
    /// Whether the bytes are compressed.
    pub fn is_compressed(self) -> bool {
        matches!(self, Self::Gzip | Self::Deflate | Self::Brotli | Self::Zstandard)
    }

    /// Whether the bytes may be JSON, in an encoding that hides it.
    pub fn is_encoding(self) -> bool {
        self.is_compressed() || matches!(self, Self::ByteOrderMark | Self::Utf16 | Self::NotUtf8)
    }
}

/// Where the wrong value of a member may come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Likeness")]
pub enum ValueLikeness {
    /// It is null, which is the same as absent.
    Null,
    /// Another member has a similar name.
    OtherName(String),
    /// It is inside this member.
    Inside(String),
    /// A number in quotes.
    QuotedNumber,
    /// An ISO 8601 date instead of epoch seconds.
    Iso8601,
    /// Epoch seconds instead of an ISO 8601 date.
    EpochSeconds,
    /// Milliseconds instead of seconds.
    Milliseconds,
    /// Microseconds instead of seconds.
    Microseconds,
    /// Nanoseconds instead of seconds.
    Nanoseconds,
    /// A time that was never set: the zero of some language.
    Unset,
    /// A number of seconds instead of a point in time.
    Duration,
}

/// How many seconds after the call something expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Measured")]
pub enum MeasuredLifetime {
    /// By the harness's clock: the answer has no `Date`.
    ByUs(i64),
    /// By the server's `Date`, and within a tolerance by the harness's clock too.
    ByDate(i64),
    /// By the server's `Date`, and by the harness's clock: the two do not agree.
    Apart {
        /// By the server's `Date`.
        date: i64,
        /// By the harness's clock.
        ours: i64,
    },
}

/// What a wrong lifetime may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LifetimeLikeness {
    /// Milliseconds: in seconds it would be right.
    RightMilliseconds,
    /// Milliseconds.
    Milliseconds,
    /// The time of the call itself.
    Now,
    /// The lifetime instead of a point in time.
    Duration,
    /// The default, with what was asked for ignored.
    Default,
    /// Minutes taken for seconds.
    Minutes,
    /// Local time taken for UTC.
    LocalTime,
}

impl LifetimeLikeness {
    /// Whether the number follows from what was asked and when. If so, another number is still the same fault.
    pub fn fixes_the_number(self) -> bool {
        match self {
            Self::RightMilliseconds | Self::Now | Self::Duration | Self::Default | Self::Minutes => true,
            Self::Milliseconds | Self::LocalTime => false,
        }
    }
}

/// What is there instead of an error's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Nameless")]
pub enum NameSubstitute {
    /// A JSON body without a name.
    Nothing,
    /// An empty body.
    Empty,
    /// A body that is not JSON.
    NotJson {
        /// How many bytes it has.
        bytes: usize,
        /// What it looks like.
        looks_like: Option<Markup>,
    },
    /// A number in this member.
    Number(String),
    /// A name in this member, where no client looks.
    Elsewhere(String),
}
