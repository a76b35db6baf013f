//! What an entry of a bank changes about a request and about its answer.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::TextPattern;

/// One change of a request. The text `${workgroup}` or `${custom_domain}` in a value is a name that
/// the right server has. A request that was rightly signed is signed anew; a wrongly signed one stays
/// as it is, unless its signature is taken.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RequestChange {
    /// Gives a member of the body a value.
    Set(Assignment),
    /// Takes a member from the body.
    Remove(String),
    /// Brings a number into a range.
    Clamp(Range),
    /// Drops the fraction of a number.
    Round(String),
    /// Cuts a text off after this number of characters.
    Truncate(Truncation),
    /// Replaces what matches in a text.
    Replace(Replacement),
    /// Gives it another method.
    Method(String),
    /// Gives it another path and query.
    Path(String),
    /// Sets or removes a header field.
    Header(HeaderChange),
    /// Gives it another body.
    Body(String),
    /// Signs it with the server's own credentials, whatever its signature is.
    TakeAnySignature,
}

/// One change of an answer; those of a member do nothing where it is not there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ResponseChange {
    /// Gives a member of the body a value, whether it is there or not.
    Set(Assignment),
    /// Takes a member from the body.
    Remove(String),
    /// Gives a member another name.
    Rename(Renaming),
    /// Multiplies a number.
    Scale(Arithmetic),
    /// Adds to a number.
    Add(Arithmetic),
    /// Gives a value another JSON type.
    Cast(Cast),
    /// Puts text before and behind a text.
    Affix(Affix),
    /// Copies a text into a header field.
    CopyToHeader(HeaderCopy),
    /// Makes the body an object with one member, which holds what was the body.
    Wrap(String),
    /// Gives it another status.
    Status(u16),
    /// Sets or removes a header field; `transfer-encoding: chunked` sends the body in chunks.
    Header(HeaderChange),
    /// Gives it another body.
    Body(String),
    /// Puts text behind the body.
    Append(String),
    /// Puts the body into an encoding that was not asked for.
    Encode(BodyEncoding),
    /// Answers with what the first such exchange was answered with.
    Replay,
    /// Closes the connection without an answer. It is the only change of its entry.
    Close,
}

/// An encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyEncoding {
    /// A byte order mark before the text, which stays in UTF-8.
    ByteOrderMark,
    /// UTF-16 behind a byte order mark.
    Utf16,
    /// ISO 8859-1; a text that it lacks a character for stays as it is.
    Latin1,
    /// The format of gzip; the header says so.
    Gzip,
    /// The format that HTTP calls deflate; the header says so.
    Deflate,
}

/// A member and its new value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The member; of an answer, also as a JSON pointer, such as `/list/0/member`.
    pub member: String,
    /// The value.
    pub to: Value,
}

/// A member and the range that it is brought into.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The member.
    pub member: String,
    /// The least value.
    pub from: i64,
    /// The greatest value.
    pub to: i64,
}

/// A member and the length that it is cut to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// The member.
    pub member: String,
    /// How many characters stay.
    pub length: usize,
}

/// A member and what is replaced in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The member.
    pub member: String,
    /// What is replaced, everywhere.
    pub pattern: TextPattern,
    /// What stands there then.
    pub with: String,
}

/// A header field and its new value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderChange {
    /// Its name.
    pub name: String,
    /// Its value; the field is removed where there is none.
    #[serde(default)]
    pub value: Option<String>,
}

/// A member and its new name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renaming {
    /// The member.
    pub member: String,
    /// The new name.
    pub to: String,
}

/// A member and a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arithmetic {
    /// The member.
    pub member: String,
    /// The factor or the summand.
    pub by: f64,
}

/// A member and its new type.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// The member.
    pub member: String,
    /// What it becomes.
    pub to: CastTo,
}

/// What a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CastTo {
    /// A text: the JSON of what it was.
    Text,
    /// A number of epoch seconds as ISO 8601 text.
    IsoText,
    /// A number without its fraction.
    Integer,
    /// A list with one item.
    List,
}

/// A member and what is put around its text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affix {
    /// The member.
    pub member: String,
    /// What comes before it.
    #[serde(default)]
    pub before: String,
    /// What comes behind it.
    #[serde(default)]
    pub behind: String,
}

/// A member and the header field that its text goes to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderCopy {
    /// The member.
    pub member: String,
    /// The header field.
    pub name: String,
}
