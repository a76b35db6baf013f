//! AWS JSON 1.1: which requests are calls of `GetCredentials`, and what their bodies say.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::errors::Refusal;
use crate::wire::{MEDIA_TYPE, Request, TARGET_PREFIX};

/// The one operation that is served.
const OPERATION: &str = "GetCredentials";

/// The input of `GetCredentials`; what is absent or `null` is `None`.
/// Source: the documents' request parameters; none is marked as required.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) custom_domain_name: Option<String>,
    pub(super) db_name: Option<String>,
    pub(super) duration_seconds: Option<i32>,
    pub(super) workgroup_name: Option<String>,
}

/// Refuses what is not a call of `GetCredentials`.
///
/// Source: Smithy, AWS JSON 1.1: a server claims a request with method `POST`, path `/`, the
/// protocol's media type, whose parameters do not count, and `X-Amz-Target: <service>.<operation>`.
pub(super) fn route(request: &Request) -> Result<(), Refusal> {
    let path = request.target.split('?').next().unwrap_or_default();
    if request.method != "POST" || path != "/" {
        return Err(Refusal::unclaimed("Every operation is a POST of the path /."));
    }
    let content_type = request.headers.get("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(Refusal::unclaimed(format!("The Content-Type must be {MEDIA_TYPE}.")));
    }
    let operation = request
        .headers
        .get("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET_PREFIX)?.strip_prefix('.'))
        .ok_or_else(|| Refusal::unknown_operation(format!("The X-Amz-Target must be {TARGET_PREFIX}.<operation>.")))?;
    if operation == OPERATION {
        Ok(())
    } else {
        Err(Refusal::unknown_operation(format!("The only operation here is {OPERATION}.")))
    }
}

/// Reads the body of a call. Unknown members are ignored, and member names have a letter case.
///
/// Values are read from their JSON text: a number keeps what it was written as, and no unknown
/// member can make a body unreadable that is JSON.
pub(super) fn read(body: &[u8]) -> Result<Input, Refusal> {
    if body.is_empty() {
        return Ok(Input::default());
    }
    // The parser's own message is not passed on: it may quote the body.
    let unreadable = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Refusal::serialization(format!("The request body is not valid JSON: line {line}, column {column}."))
    };
    let body: &RawValue = serde_json::from_slice(body).map_err(unreadable)?;
    match Kind::of(body) {
        Kind::Map => {}
        Kind::List => return Err(Kind::List.misplaced("structure")),
        _ => return Err(Refusal::serialization("The request body must be a JSON object.")),
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(body.get()).map_err(unreadable)?;
    let member = |name: &str| members.get(name).copied().filter(|value| Kind::of(value) != Kind::Null);
    Ok(Input {
        custom_domain_name: member("customDomainName").map(string).transpose()?,
        db_name: member("dbName").map(string).transpose()?,
        duration_seconds: member("durationSeconds").map(integer).transpose()?,
        workgroup_name: member("workgroupName").map(string).transpose()?,
    })
}

fn string(value: &RawValue) -> Result<String, Refusal> {
    match Kind::of(value) {
        // Half of a surrogate pair is valid JSON, but no text.
        Kind::String => serde_json::from_str(value.get())
            .map_err(|_| Refusal::serialization("STRING_VALUE holds an escape that is no character")),
        other => Err(other.misplaced("a String")),
    }
}

/// A number whose value is an integer of 32 bits, however it is written (`900`, `900.0`, `9e2`).
fn integer(value: &RawValue) -> Result<i32, Refusal> {
    let kind = Kind::of(value);
    if kind != Kind::Number {
        return Err(kind.misplaced("an Integer"));
    }
    if let Ok(integer) = value.get().parse() {
        return Ok(integer);
    }
    // Every integer of 32 bits is exact in an f64, so what is printed without a fraction is the integer.
    let number: f64 = value.get().parse().map_err(|_| kind.misplaced("an Integer"))?;
    if number.fract() != 0.0 {
        return Err(Refusal::serialization("NUMBER_VALUE with a fraction can not be converted to an Integer"));
    }
    format!("{number:.0}")
        .parse()
        .map_err(|_| Refusal::serialization("NUMBER_VALUE of more than 32 bits can not be converted to an Integer"))
}

/// What a JSON value is, by the first character of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    List,
    Map,
}

impl Kind {
    fn of(value: &RawValue) -> Self {
        match value.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::True,
            Some(b'f') => Self::False,
            Some(b'"') => Self::String,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Map,
            _ => Self::Number,
        }
    }

    /// A value of this kind where something else belongs. Source: the wording was seen on Athena,
    /// with a full stop for maps only.
    fn misplaced(self, wanted: &str) -> Refusal {
        let token = match self {
            Self::List => return Refusal::serialization("Start of list found where not expected"),
            Self::Map => return Refusal::serialization("Start of structure or map found where not expected."),
            Self::Null => "NULL_VALUE",
            Self::True => "TRUE_VALUE",
            Self::False => "FALSE_VALUE",
            Self::Number => "NUMBER_VALUE",
            Self::String => "STRING_VALUE",
        };
        Refusal::serialization(format!("{token} can not be converted to {wanted}"))
    }
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
        assert_eq!(route(&call("POST", "/", content_type, CALL)), Ok(()));
    }

    #[rstest]
    #[case::get(call("GET", "/", JSON, CALL))]
    #[case::path(call("POST", "/x", JSON, CALL))]
    #[case::no_media_type(call("POST", "/", None, CALL))]
    #[case::older_protocol(call("POST", "/", Some("application/x-amz-json-1.0"), CALL))]
    #[case::plain_json(call("POST", "/", Some("application/json"), CALL))]
    fn what_is_not_of_this_protocol_is_unknown_with_404(#[case] request: Request) {
        let refusal = route(&request).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (404, "UnknownOperationException"));
    }

    #[rstest]
    #[case::no_target(None)]
    #[case::no_prefix(Some("GetCredentials"))]
    #[case::other_service(Some("Redshift.GetCredentials"))]
    #[case::longer_prefix(Some("RedshiftServerlessX.GetCredentials"))]
    #[case::letter_case(Some("RedshiftServerless.getcredentials"))]
    #[case::other_operation(Some("RedshiftServerless.DropEverything"))]
    #[case::longer_operation(Some("RedshiftServerless.GetCredentialsX"))]
    fn another_operation_is_unknown_with_400(#[case] target: Option<&str>) {
        let refusal = route(&call("POST", "/", JSON, target)).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "UnknownOperationException"));
    }

    #[rstest]
    #[case::empty("")]
    #[case::object("{}")]
    #[case::spaces(" {\n} ")]
    #[case::nulls(r#"{"workgroupName":null,"dbName":null,"durationSeconds":null,"customDomainName":null}"#)]
    #[case::unknown(r#"{"WorkgroupName":5,"x":1e999,"y":[{"z":"\ud800"}]}"#)]
    fn a_body_without_known_members_is_an_empty_input(#[case] body: &str) {
        assert_eq!(read(body.as_bytes()), Ok(Input::default()));
    }

    #[test]
    fn every_member_is_read() {
        let body = r#"{"workgroupName":"w\u0067","dbName":"d","durationSeconds":900,"customDomainName":"c"}"#;
        let input = Input {
            custom_domain_name: Some("c".into()),
            db_name: Some("d".into()),
            duration_seconds: Some(900),
            workgroup_name: Some("wg".into()),
        };
        assert_eq!(read(body.as_bytes()), Ok(input));
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
        let input = read(format!(r#"{{"durationSeconds":{text}}}"#).as_bytes());
        assert_eq!(input.unwrap().duration_seconds, Some(value));
    }

    #[rstest]
    #[case::fraction("900.5")]
    #[case::beyond("2147483648")]
    #[case::below("-2147483649")]
    #[case::far_beyond("1e999")]
    #[case::string("\"900\"")]
    #[case::empty_string("\"\"")]
    #[case::boolean("true")]
    #[case::list("[900]")]
    #[case::map("{}")]
    fn another_value_for_an_integer_is_a_serialization_error(#[case] text: &str) {
        let refusal = read(format!(r#"{{"durationSeconds":{text}}}"#).as_bytes()).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
    }

    #[rstest]
    fn another_value_for_a_string_is_a_serialization_error(
        #[values("workgroupName", "dbName", "customDomainName")] member: &str,
        #[values("1", "true", "false", "[]", "{}", r#""\ud800""#)] text: &str,
    ) {
        let refusal = read(format!(r#"{{"{member}":{text}}}"#).as_bytes()).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
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
        let refusal = read(body).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
    }

    #[test]
    fn a_deep_body_is_answered() {
        let body = format!(r#"{{"x":{}"#, "[".repeat(500_000));
        assert_eq!(read(body.as_bytes()).unwrap_err().name, "SerializationException");
    }
}
