//! The body of a call: a JSON object, and what its members say.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::errors::Refusal;

/// The members of a body, each as the text that it was written as: a number keeps its spelling, and no
/// unknown member can make a body unreadable that is JSON.
#[derive(Debug)]
pub(super) struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads a body. An empty one has no members. Unknown members are ignored, and the names have a letter case.
    pub(super) fn of(body: &'a [u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        // The parser's own message is not passed on: it may quote the body.
        let unreadable = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            Refusal::serialization(format!("The request body is not valid JSON: line {line}, column {column}."))
        };
        let body: &RawValue = serde_json::from_slice(body).map_err(unreadable)?;
        match Kind::of(body) {
            Kind::Map => serde_json::from_str(body.get()).map(Self).map_err(unreadable),
            Kind::List => Err(Kind::List.misplaced("structure")),
            Kind::Null | Kind::True | Kind::False | Kind::Number | Kind::String => {
                Err(Refusal::serialization("The request body must be a JSON object."))
            }
        }
    }

    /// A member that must be a text; nothing where it is absent or `null`.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.member(name).map(string).transpose()
    }

    /// A member that must be an integer; nothing where it is absent or `null`.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i32>, Refusal> {
        self.member(name).map(integer).transpose()
    }

    fn member(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied().filter(|value| Kind::of(value) != Kind::Null)
    }
}

fn string(value: &RawValue) -> Result<String, Refusal> {
    match Kind::of(value) {
        // Half of a surrogate pair is valid JSON, but no text.
        Kind::String => serde_json::from_str(value.get())
            .map_err(|_| Refusal::serialization("STRING_VALUE holds an escape that is no character")),
        other @ (Kind::Null | Kind::True | Kind::False | Kind::Number | Kind::List | Kind::Map) => {
            Err(other.misplaced("a String"))
        }
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

    /// The member `m` of a body, as a text or as an integer.
    fn text(body: &str) -> Result<Option<String>, Refusal> {
        Members::of(body.as_bytes())?.string("m")
    }

    fn number(body: &str) -> Result<Option<i32>, Refusal> {
        Members::of(body.as_bytes())?.integer("m")
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
        let refusal = number(&format!(r#"{{"m":{text}}}"#)).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
    }

    #[rstest]
    #[case::number("1")]
    #[case::boolean("true")]
    #[case::other_boolean("false")]
    #[case::list("[]")]
    #[case::map("{}")]
    #[case::half_a_character(r#""\ud800""#)]
    fn another_value_for_a_string_is_a_serialization_error(#[case] value: &str) {
        let refusal = text(&format!(r#"{{"m":{value}}}"#)).unwrap_err();
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
        let refusal = Members::of(body).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "SerializationException"));
    }

    #[test]
    fn a_deep_body_is_answered() {
        let body = format!(r#"{{"x":{}"#, "[".repeat(500_000));
        assert_eq!(Members::of(body.as_bytes()).unwrap_err().name, "SerializationException");
    }
}
