//! AWS JSON 1.1: which operation a request calls, and what its body says.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::errors::ServiceError;
use crate::wire::Request;

/// The media type of the protocol. Source: Smithy, AWS JSON 1.1; the service model says `jsonVersion: 1.1`.
pub(super) const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// What `X-Amz-Target` begins with, before a dot and the operation. Source: the service model's `targetPrefix`.
const TARGET_PREFIX: &str = "RedshiftServerless";

/// The name of the operation that a request calls, even if there is no such operation. Refuses a request that is not a
/// call of this service.
///
/// Source: Smithy, AWS JSON 1.1: a server claims a request with method `POST`, path `/`, the
/// protocol's media type, whose parameters do not count, and `X-Amz-Target: <service>.<operation>`.
pub(super) fn called(request: &Request) -> Result<&str, ServiceError> {
    let path = request.target.split('?').next().unwrap_or_default();
    if request.method != "POST" || path != "/" {
        return Err(ServiceError::unclaimed("Every operation is a POST of the path /."));
    }
    let content_type = request.headers.get("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(ServiceError::unclaimed(format!("The Content-Type must be {MEDIA_TYPE}.")));
    }
    request
        .headers
        .get("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET_PREFIX)?.strip_prefix('.'))
        .ok_or_else(|| {
            ServiceError::unknown_operation(format!("The X-Amz-Target must be {TARGET_PREFIX}.<operation>."))
        })
}

/// The members of a body, each as its JSON text. A number keeps its spelling, and an unknown member cannot make a JSON
/// body unreadable.
#[derive(Debug)]
pub(super) struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads a body. An empty one has no members. Unknown members are ignored, and names are case-sensitive.
    pub(super) fn of(body: &'a [u8]) -> Result<Self, ServiceError> {
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        // The parser's own message is not passed on: it may quote the body.
        let unreadable = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            ServiceError::serialization(format!("The request body is not valid JSON: line {line}, column {column}."))
        };
        let body: &RawValue = serde_json::from_slice(body).map_err(unreadable)?;
        if body.get().starts_with('{') {
            serde_json::from_str(body.get()).map(Self).map_err(unreadable)
        } else if body.get().starts_with('[') {
            Err(misplaced(body, "structure"))
        } else {
            Err(ServiceError::serialization("The request body must be a JSON object."))
        }
    }

    /// The same without the members that do not fit: the operation does not know them, and ignores them.
    pub(super) fn only(mut self, fits: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|name, _| fits(name));
        self
    }

    /// A member that must be a text; `None` if it is absent or `null`.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, ServiceError> {
        self.member(name).map(string).transpose()
    }

    /// A member that must be an integer; `None` if it is absent or `null`.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i32>, ServiceError> {
        self.member(name).map(integer).transpose()
    }

    /// A member that must be `true` or `false`; `None` if it is absent or `null`.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ServiceError> {
        self.member(name).map(boolean).transpose()
    }

    /// A member that must be a list of texts; `None` if it is absent or `null`.
    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, ServiceError> {
        self.member(name).map(|value| items(value)?.into_iter().map(string).collect()).transpose()
    }

    /// A member that must be a structure; `None` if it is absent or `null`.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Self>, ServiceError> {
        self.member(name).map(structure).transpose()
    }

    /// A member that must be a list of structures; `None` if it is absent or `null`.
    pub(super) fn structures(&self, name: &str) -> Result<Option<Vec<Self>>, ServiceError> {
        self.member(name).map(|value| items(value)?.into_iter().map(structure).collect()).transpose()
    }

    fn member(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied().filter(|value| value.get() != "null")
    }
}

fn string(value: &RawValue) -> Result<String, ServiceError> {
    if !value.get().starts_with('"') {
        return Err(misplaced(value, "a String"));
    }
    // Half of a surrogate pair is valid JSON, but not a text.
    serde_json::from_str(value.get())
        .map_err(|_| ServiceError::serialization("STRING_VALUE holds an escape that is no character"))
}

/// A number whose value is an integer of 32 bits, however it is written (`900`, `900.0`, `9e2`).
fn integer(value: &RawValue) -> Result<i32, ServiceError> {
    // Every integer of 32 bits is exact in an f64, so what is printed without a fraction is the integer.
    let number: f64 = value.get().parse().map_err(|_| misplaced(value, "an Integer"))?;
    if number.fract() != 0.0 {
        return Err(ServiceError::serialization("NUMBER_VALUE with a fraction can not be converted to an Integer"));
    }
    format!("{number:.0}").parse().map_err(|_| {
        ServiceError::serialization("NUMBER_VALUE of more than 32 bits can not be converted to an Integer")
    })
}

fn boolean(value: &RawValue) -> Result<bool, ServiceError> {
    value.get().parse().map_err(|_| misplaced(value, "a Boolean"))
}

fn structure(value: &RawValue) -> Result<Members<'_>, ServiceError> {
    if !value.get().starts_with('{') {
        return Err(misplaced(value, "structure"));
    }
    serde_json::from_str(value.get()).map(Members).map_err(|_| unreadable_part())
}

fn items(value: &RawValue) -> Result<Vec<&RawValue>, ServiceError> {
    if !value.get().starts_with('[') {
        return Err(misplaced(value, "a List"));
    }
    serde_json::from_str(value.get()).map_err(|_| unreadable_part())
}

/// The refusal of a part of a JSON body that is no JSON. There is none: the body was read as a whole.
fn unreadable_part() -> ServiceError {
    ServiceError::serialization("The request body is not valid JSON.")
}

/// The refusal of a value of the wrong type. The first character of its text shows its type. Source: the wording was
/// seen on Athena, with a full stop for maps only.
fn misplaced(value: &RawValue, wanted: &str) -> ServiceError {
    let token = match value.get().as_bytes().first() {
        Some(b'[') => return ServiceError::serialization("Start of list found where not expected"),
        Some(b'{') => return ServiceError::serialization("Start of structure or map found where not expected."),
        Some(b't') => "TRUE_VALUE",
        Some(b'f') => "FALSE_VALUE",
        Some(b'n') => "NULL_VALUE",
        Some(b'"') => "STRING_VALUE",
        _ => "NUMBER_VALUE",
    };
    ServiceError::serialization(format!("{token} can not be converted to {wanted}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    fn call(method: &str, target: &str, content_type: Option<&str>, operation: Option<&str>) -> Request {
        let mut headers = Headers::new();
        if let Some(value) = content_type {
            headers.push("Content-Type", value);
        }
        if let Some(value) = operation {
            headers.push("x-amz-target", value);
        }
        Request { method: method.into(), target: target.into(), headers, body: b"{}".to_vec() }
    }

    const JSON: Option<&str> = Some("application/x-amz-json-1.1");
    const CALL: Option<&str> = Some("RedshiftServerless.GetCredentials");

    #[rstest]
    #[case::plain(JSON)]
    #[case::parameters(Some("application/x-amz-json-1.1; charset=utf-8"))]
    #[case::letter_case(Some("Application/X-AMZ-JSON-1.1"))]
    fn a_call_is_claimed(#[case] content_type: Option<&str>) {
        assert_eq!(called(&call("POST", "/", content_type, CALL)), Ok("GetCredentials"));
    }

    #[rstest]
    #[case::get(call("GET", "/", JSON, CALL), 404)]
    #[case::path(call("POST", "/x", JSON, CALL), 404)]
    #[case::no_media_type(call("POST", "/", None, CALL), 404)]
    #[case::older_protocol(call("POST", "/", Some("application/x-amz-json-1.0"), CALL), 404)]
    #[case::plain_json(call("POST", "/", Some("application/json"), CALL), 404)]
    #[case::no_target(call("POST", "/", JSON, None), 400)]
    #[case::no_prefix(call("POST", "/", JSON, Some("GetCredentials")), 400)]
    #[case::other_service(call("POST", "/", JSON, Some("Redshift.GetCredentials")), 400)]
    #[case::longer_prefix(call("POST", "/", JSON, Some("RedshiftServerlessX.GetCredentials")), 400)]
    #[case::letter_case(call("POST", "/", JSON, Some("redshiftserverless.GetCredentials")), 400)]
    fn another_protocol_is_unknown_with_404_and_another_service_with_400(
        #[case] request: Request,
        #[case] status: u16,
    ) {
        let refusal = called(&request).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (status, "UnknownOperationException"));
    }

    /// The member `m` of a body, as a text or as an integer.
    fn text(body: &str) -> Result<Option<String>, ServiceError> {
        Members::of(body.as_bytes())?.string("m")
    }

    fn number(body: &str) -> Result<Option<i32>, ServiceError> {
        Members::of(body.as_bytes())?.integer("m")
    }

    #[track_caller]
    fn assert_refused(refusal: &ServiceError, words: &str) {
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
        let body = String::from_utf8(refusal.body()).unwrap();
        assert!(body.contains(&format!(r#""message":"{words}"#)), "{body}");
    }

    #[rstest]
    #[case::empty("")]
    #[case::object("{}")]
    #[case::spaces(" {\n} ")]
    #[case::null(r#"{"m":null}"#)]
    #[case::unknown(r#"{"M":5,"x":1e999,"y":[{"z":"\ud800"}]}"#)]
    fn a_member_that_is_not_there_is_nothing(#[case] body: &str) {
        assert_eq!(text(body), Ok(None));
        assert_eq!(number(body), Ok(None));
    }

    #[rstest]
    #[case::plain(r#"{"m":"wg"}"#)]
    #[case::escaped(r#"{"m":"w\u0067"}"#)]
    #[case::escaped_name(r#"{"\u006d":"wg"}"#)]
    fn a_text_is_read(#[case] body: &str) {
        assert_eq!(text(body), Ok(Some("wg".into())));
    }

    #[rstest]
    #[case("900", 900)]
    #[case("900.0", 900)]
    #[case("9e2", 900)]
    #[case("0", 0)]
    #[case("-0", 0)]
    #[case("-0.0", 0)]
    #[case("2147483647", 2_147_483_647)]
    #[case("-2147483648", -2_147_483_648)]
    fn a_number_of_integer_value_is_an_integer(#[case] text: &str, #[case] value: i32) {
        assert_eq!(number(&format!(r#"{{"m":{text}}}"#)), Ok(Some(value)));
    }

    #[rstest]
    #[case::fraction("900.5", "NUMBER_VALUE with a fraction can not")]
    #[case::beyond("2147483648", "NUMBER_VALUE of more than 32 bits can not")]
    #[case::below("-2147483649", "NUMBER_VALUE of more than 32 bits can not")]
    #[case::far_beyond("1e999", "NUMBER_VALUE")]
    #[case::string("\"900\"", "STRING_VALUE can not")]
    #[case::empty_string("\"\"", "STRING_VALUE can not")]
    #[case::boolean("true", "TRUE_VALUE can not")]
    #[case::list("[900]", "Start of list found")]
    #[case::map("{}", "Start of structure or map found")]
    fn another_value_for_an_integer_is_a_serialization_error(#[case] value: &str, #[case] words: &str) {
        let refusal = number(&format!(r#"{{"m":{value}}}"#)).unwrap_err();
        assert_refused(&refusal, words);
    }

    #[rstest]
    #[case::number("1", "NUMBER_VALUE can not")]
    #[case::boolean("true", "TRUE_VALUE can not")]
    #[case::other_boolean("false", "FALSE_VALUE can not")]
    #[case::list("[]", "Start of list found")]
    #[case::map("{}", "Start of structure or map found")]
    #[case::half_a_character(r#""\ud800""#, "STRING_VALUE holds an escape")]
    fn another_value_for_a_string_is_a_serialization_error(#[case] value: &str, #[case] words: &str) {
        let refusal = text(&format!(r#"{{"m":{value}}}"#)).unwrap_err();
        assert_refused(&refusal, words);
    }

    #[rstest]
    #[case::cut(b"{")]
    #[case::trailing_comma(br#"{"dbName":"d",}"#)]
    #[case::two_values(b"{} {}")]
    #[case::null(b"null")]
    #[case::string(br#""x""#)]
    #[case::list(b"[]")]
    #[case::spaces(b" ")]
    #[case::not_utf8(b"{\"x\":\"\xff\"}")]
    #[case::byte_order_mark(b"\xef\xbb\xbf{}")]
    fn a_body_that_is_no_json_object_is_a_serialization_error(#[case] body: &[u8]) {
        assert_refused(&Members::of(body).unwrap_err(), "");
    }

    #[test]
    fn a_deep_body_is_answered() {
        let body = format!(r#"{{"x":{}"#, "[".repeat(500_000));
        assert_refused(&Members::of(body.as_bytes()).unwrap_err(), "");
    }
}
