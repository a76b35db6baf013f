//! Public words: they are never secrets, even if a target gives one as a password.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::secrets::names_password;
use crate::contract::ContractNames;
use crate::wire::error_type::{
    DENIAL, EXPIRED, ErrorNames, NOT_IMPLEMENTED, REFUSED_CREDENTIALS, THROTTLING, TIMEOUT, UNKNOWN_OPERATION,
    UNKNOWN_SERVICE,
};

/// Members of errors besides those of the contract, in exact spelling.
/// Source: Smithy, AWS JSON 1.1.
const MEMBERS: &str = "message Message __type code Code errorMessage";

/// Names of members that many answers have. In a sentence, such a word may be a password.
const COMMON_MEMBERS: &str = "
    AccessKeyId SecretAccessKey SessionToken body credentials data detail details error errors errorType id key name
    password reason requestId result status statusCode title type username value
";

/// Errors that services of AWS have in common, besides those of the contract and those that the code distinguishes.
/// Source: Common Errors.
const ERRORS: &str = "
    ValidationError InternalFailure InternalError ConflictException ServiceQuotaExceededException ServiceUnavailable
    ServiceUnavailableException SerializationException NotFoundException InvalidParameterValue
    InvalidParameterCombination InvalidQueryParameter MalformedQueryString MissingAction MissingParameter
    ThrottlingError
";

const MEDIA_TYPES: &str = "
    application/x-amz-json-1.1 application/x-amz-json-1.0 application/json application/problem+json application/xml
    application/octet-stream application/x-www-form-urlencoded application/yaml application/cbor multipart/form-data
    text/html text/json text/plain text/xml text/yaml text/csv text/javascript
";

/// Header fields of HTTP and of services of AWS, in lower case.
const FIELDS: &str = "
    accept accept-ranges access-control-allow-headers access-control-allow-methods access-control-allow-origin
    access-control-expose-headers age allow alt-svc authorization cache-control connection content-encoding
    content-language content-length content-security-policy content-type cookie date etag expires host keep-alive
    last-modified location pragma proxy-authenticate referrer-policy retry-after server set-cookie
    strict-transport-security transfer-encoding upgrade user-agent vary via warning www-authenticate x-amz-crc32
    x-amz-date x-amz-id-2 x-amz-request-id x-amz-security-token x-amz-target x-amzn-errortype x-amzn-requestid
    x-amzn-trace-id x-content-type-options x-powered-by
";

/// Names in signatures.
const NAMES: &str = "AWS4-HMAC-SHA256 aws4_request";

/// The longest name that is recognised, in bytes.
const LONGEST: usize = 48;

/// The names of errors.
static ERROR_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let errors = [THROTTLING, TIMEOUT, DENIAL, EXPIRED, UNKNOWN_OPERATION, NOT_IMPLEMENTED, UNKNOWN_SERVICE];
    let errors = errors.into_iter().chain([REFUSED_CREDENTIALS]).flat_map(ErrorNames::iter);
    let of_contract = ContractNames::embedded().errors.iter().map(String::as_str);
    errors.chain(ERRORS.split_ascii_whitespace()).chain(of_contract).collect()
});

/// The words that are public in exactly this spelling, wherever they stand.
static EXACT: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let contract = ContractNames::embedded();
    // In a sentence, the short name of a member that is one word may be a password.
    let is_telling = |name: &&str| name.len() > SHORT_WORD || words_of_name(name).count() > 1;
    let members = contract.members.iter().map(String::as_str).filter(is_telling);
    let others = contract.service.iter().map(String::as_str);
    let listed = [MEMBERS, MEDIA_TYPES, FIELDS, NAMES].into_iter().flat_map(str::split_ascii_whitespace);
    listed.chain(ERROR_NAMES.iter().copied()).chain(members).chain(others).collect()
});

/// The words that are public as names: in lower case, without the characters that join their words.
static AS_NAMES: LazyLock<HashSet<String>> =
    LazyLock::new(|| all_names().map(squeezed).chain(["user".to_owned()]).collect());

/// The words that public names are made of, in lower case.
static PARTS_OF_NAMES: LazyLock<HashSet<String>> =
    LazyLock::new(|| all_names().flat_map(words_of_name).map(str::to_ascii_lowercase).collect());

fn all_names() -> impl Iterator<Item = &'static str> {
    public_names().chain(COMMON_MEMBERS.split_ascii_whitespace())
}

/// The name of a member that is one word is public in sentences if it has more letters than this.
const SHORT_WORD: usize = 7;

/// The names of members, header fields and errors that are public in exactly this spelling, and all members.
pub(super) fn public_names() -> impl Iterator<Item = &'static str> {
    EXACT.iter().copied().chain(ContractNames::embedded().members.iter().map(String::as_str))
}

/// Whether a word is public in exactly this spelling, wherever it is.
pub(super) fn is_public_word(word: &str) -> bool {
    EXACT.contains(word)
}

/// Whether a name is public, however it is spelt: `dbPassword`, `DbPassword`, `db_password`.
pub fn is_public_name(name: &str) -> bool {
    name.len() <= LONGEST && AS_NAMES.contains(&squeezed(name))
}

/// Whether a word is the name of an error: a public one, or one that is written like a class. One of passwords may stand
/// before the password.
pub(super) fn is_name_of_error(word: &str) -> bool {
    let is_class = || {
        let is_written_like_one = word.starts_with(|c: char| c.is_ascii_uppercase()) && !word.contains(['_', '-']);
        is_written_like_one && !names_password(&squeezed(word))
    };
    let ends = ["Exception", "Error"].iter().any(|end| word.len() > end.len() && word.ends_with(end));
    ERROR_NAMES.contains(word) || (ends && is_class())
}

/// Whether a word is a name of the contract whose value is no secret, although it is named like one: an operation, or
/// the token of a page.
pub(super) fn is_never_secret(word: &str) -> bool {
    let contract = ContractNames::embedded();
    contract.service.contains(word) || contract.page_tokens.contains(word)
}

/// Whether a word names a resource of the service, or a member.
pub(super) fn is_resource(word: &str) -> bool {
    ContractNames::embedded().resources.contains(word) || is_public_name(word)
}

/// A name in lower case, without the characters that join its words.
pub(super) fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !"_- .".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether the text at a place is public: as part of a public word, or as letters in a name whose words are all public,
/// such as `expiration` in `expirationTime`.
pub(super) fn is_public_at(text: &str, start: usize, end: usize) -> bool {
    let found = &text[start..end];
    let letters = found.bytes().all(|byte| byte.is_ascii_alphabetic());
    let identifier = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let wider = |byte: u8| identifier(byte) || b"./+-".contains(&byte);
    let around = [word_around(text, start, end, identifier), word_around(text, start, end, wider)];
    around.into_iter().flatten().any(|word| {
        let made_of_public_words = || {
            word.len() > found.len()
                && words_of_name(word).all(|part| PARTS_OF_NAMES.contains(&part.to_ascii_lowercase()))
        };
        is_public_word(word) || (letters && made_of_public_words())
    })
}

/// The word around a place, made of bytes of this kind. `None` if it is longer than any name, or the place holds other
/// bytes.
fn word_around(text: &str, start: usize, end: usize, kind: impl Fn(u8) -> bool) -> Option<&str> {
    let bytes = text.as_bytes();
    if !bytes[start..end].iter().all(|byte| kind(*byte)) {
        return None;
    }
    let is_joint = |byte: u8| b"./+-".contains(&byte);
    let before = bytes[..start].iter().rev().take(LONGEST).take_while(|byte| kind(**byte)).count();
    let behind = bytes[end..].iter().take(LONGEST).take_while(|byte| kind(**byte)).count();
    let (mut from, mut to) = (start - before, end + behind);
    while from < start && is_joint(bytes[from]) {
        from += 1;
    }
    while to > end && is_joint(bytes[to - 1]) {
        to -= 1;
    }
    (to - from <= LONGEST).then(|| &text[from..to])
}

/// The words that a name is made of: `next`, `Refresh` and `Time` of `nextRefreshTime`. Digits are not words.
pub(super) fn words_of_name(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphabetic()).flat_map(|part| {
        let bytes = part.as_bytes();
        let is_start = |at: &usize| {
            let capital = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
            let small = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
            capital(*at) && (small(at - 1) || small(at + 1))
        };
        let mut starts: Vec<usize> = (1..bytes.len()).filter(is_start).collect();
        starts.insert(0, 0);
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([bytes.len()]).collect();
        starts.into_iter().zip(ends).map(|(start, end)| &part[start..end]).filter(|word| !word.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nextRefreshTime", &["next", "Refresh", "Time"])]
    #[case("AWSAccessKeyId", &["AWS", "Access", "Key", "Id"])]
    #[case("x-amzn-ErrorType", &["x", "amzn", "Error", "Type"])]
    #[case("json-1.1", &["json"])]
    #[case("", &[])]
    fn a_name_is_made_of_words(#[case] name: &str, #[case] expected: &[&str]) {
        assert_eq!(words_of_name(name).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case("dbPassword", true)]
    #[case("DB_PASSWORD", true)]
    #[case("Content-Type", true)]
    #[case("user", true)]
    #[case("correcthorse", false)]
    #[case("d____________________________________________________bUser", false)]
    fn a_name_is_public_in_any_spelling(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(is_public_name(name), expected);
    }

    #[rstest]
    #[case::whole("the expiration is", "expiration", true)]
    #[case::other_case("the Expiration is", "Expiration", false)]
    #[case::error("no#ValidationException:", "Validation", true)]
    #[case::media("is application/x-amz-json-1.1.", "json", true)]
    #[case::digit("is application/x-amz-json-1.1.", "1.1", true)]
    #[case::made_up("{expirationTime}", "expiration", true)]
    #[case::in_a_stranger("{expirationOfBob}", "expiration", false)]
    #[case::a_word("the password is", "password", false)]
    #[case::numbers("id-482133", "482133", false)]
    #[case::spaced("db User", "db User", false)]
    fn what_stands_in_a_public_word_is_public(#[case] text: &str, #[case] found: &str, #[case] expected: bool) {
        let start = text.find(found).expect("it is there");
        assert_eq!(is_public_at(text, start, start + found.len()), expected);
    }
}
