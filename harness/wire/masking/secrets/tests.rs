use std::iter;

use rstest::rstest;

use super::super::Masker;
use super::*;
use crate::wire::Headers;

/// As large as an answer can be, in bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// Letters only, so that no rule but the search for known secrets can mask it.
const CANARY: &str = "correcthorse";

fn answer(body: impl Into<Vec<u8>>) -> Response {
    Response { status: 400, headers: Headers::new(), body: body.into() }
}

#[track_caller]
fn assert_hidden(response: &Response) {
    let masker = Masker::default().with_answer(response);
    let quoted = masker.quote("user gets CorrectHorse now");
    assert!(!quoted.to_ascii_lowercase().contains(CANARY), "{quoted}");
    let body = masker.quote(&String::from_utf8_lossy(&response.body));
    assert!(!decode(&body).to_ascii_lowercase().contains(CANARY), "{body}");
}

#[rstest]
#[case::plain(r#"{"dbPassword":"correcthorse"}"#)]
#[case::list(r#"{"dbPassword":["a","correcthorse"]}"#)]
#[case::object(r#"{"dbPassword":{"value":"correcthorse"}}"#)]
#[case::deep(r#"{"credentials":{"dbPassword":[{"value":["correcthorse"]}]}}"#)]
#[case::another_name_inside(r#"{"credentials":{"nothing":"correcthorse"}}"#)]
#[case::name_of_a_member(r#"{"passwords":{"correcthorse":true}}"#)]
#[case::first_of_two(r#"{"dbPassword":"correcthorse","dbPassword":"x"}"#)]
#[case::snake(r#"{"db_user":"correcthorse"}"#)]
#[case::key(r#"{"apiKey":"correcthorse"}"#)]
#[case::escaped_name(r#"{"db\u0050assword":"correcthorse"}"#)]
#[case::escaped_value(r#"{"dbPassword":"\u0063orrecthorse"}"#)]
#[case::json_in_a_text(r#"{"body":"{\"dbPassword\":[\"correcthorse\"]}"}"#)]
#[case::form_in_a_text(r#"{"body":"password=correcthorse&x=1"}"#)]
#[case::sentence(r#"{"message":"the password: correcthorse."}"#)]
#[case::spaces(r#"{"dbPassword":" correcthorse "}"#)]
#[case::two_texts(r#"{"a":1} {"dbPassword":["correcthorse"]}"#)]
#[case::cut(r#"{"dbPassword":["correcthorse"],"message":"corre"#)]
#[case::cut_in_the_list(r#"{"x":1,"dbPassword":["a", "correcthorse"#)]
#[case::cut_escaped(r#"{"message":"\u0063orrecthorse","dbPassword":"correcthorse"#)]
#[case::cut_escaped_name(r#"{"message":"correcthorse","db\u0050assword":"correcthorse"#)]
#[case::cut_user(r#"{"message":"correcthorse","user":"correcthorse"#)]
#[case::no_json(r#"x {"message":"correcthorse","dbPassword":["a","correcthorse"]}"#)]
#[case::xml("<E><Message>correcthorse</Message><DbPassword>correcthorse</DbPassword></E>")]
#[case::xml_with_attributes("<E>correcthorse<n:DbPassword a='b'>correcthorse</n:DbPassword></E>")]
#[case::xml_with_data("<E>correcthorse<DbPassword><![CDATA[correcthorse]]></DbPassword></E>")]
#[case::html("<p>correcthorse</p><p>password&#58; &quot;correcthorse&quot;</p>")]
#[case::form("message=correcthorse&dbPassword=correcthorse")]
#[case::encoded_form("message=correcthorse&dbPassword%3Dcorrecthorse")]
#[case::encoded_value("message=%63orrecthorse&dbPassword=correcthorse")]
#[case::python("{'message': 'correcthorse', 'dbPassword': 'correcthorse'}")]
#[case::python_escapes(r"{'message': '\x63orrecthorse', 'dbPassword': 'correcthorse'}")]
fn what_stands_behind_a_secret_name_is_found_wherever_it_stands(#[case] body: &str) {
    assert_hidden(&answer(body));
}

#[test]
fn json_too_deep_to_be_read_hides_all_the_same() {
    let deep = [r#"{"message":"correcthorse","dbPassword":["a","correcthorse"],"x":"#, &"[".repeat(100_000)].concat();
    assert_hidden(&answer(deep));
}

#[test]
fn bytes_that_are_no_text_hide_nothing_behind_them() {
    assert_hidden(&answer([b"{\"a\":\"\xff\",\"dbPassword\":[\"correcthorse\"]}".as_slice()].concat()));
}

#[rstest]
#[case::whole("x-db-password", "correcthorse")]
#[case::cookie("set-cookie", "session=correcthorse; Path=/")]
#[case::scheme("authorization", "Bearer correcthorse")]
#[case::in_the_value("location", "http://x/?token=correcthorse")]
#[case::encoded("location", "http://x/?to%6ben=correcthorse")]
fn a_secret_of_the_header_is_found_in_the_body(#[case] name: &str, #[case] value: &str) {
    let headers = Headers::from_iter([(name, value)]);
    assert_hidden(&Response { status: 400, headers, body: b"user gets correcthorse now".to_vec() });
}

#[rstest]
#[case::exact(r#"{"dbPassword":123456789012345678901234567890,"message":"x"}"#, "123456789012345678901234567890")]
#[case::trailing_zero(r#"{"dbPassword":4711.50}"#, "4711.50")]
#[case::short(r#"{"pwd":[4711]}"#, "4711")]
fn a_number_is_hidden_as_it_is_written(#[case] body: &str, #[case] number: &str) {
    let quoted = Masker::default().with_answer(&answer(body)).quote(&format!("no: {number}, no"));
    assert_eq!(quoted, "no: ***, no");
}

#[rstest]
#[case(r#"{"__type":"ValidationException","message":"Value at 'durationSeconds' failed to satisfy constraint"}"#)]
#[case(r#"{"message":"The security token included in the request is invalid."}"#)]
#[case(r#"{"nextToken":null,"token":true,"message":"token: none"}"#)]
#[case("<html><body>Internal Server Error</body></html>")]
#[case("")]
fn ordinary_answers_hold_no_secret(#[case] body: &str) {
    assert_eq!(Secrets::of(&answer(body)).into_hidden(), Some(Vec::new()));
}

#[test]
fn an_ordinary_success_holds_user_and_password() {
    let body = r#"{"dbPassword":"CANARY","dbUser":"IAM:a","expiration":1795323491.5,"nextRefreshTime":1795323491}"#;
    assert_eq!(Secrets::of(&answer(body)).into_hidden(), Some(vec!["CANARY".to_owned(), "IAM:a".to_owned()]));
}

fn members(name: &str, count: usize) -> String {
    let members: Vec<_> = (0..count).map(|number| format!(r#""{name}{number}":{}"#, 100_000_000 + number)).collect();
    format!("{{{}}}", members.join(","))
}

#[rstest]
#[case::as_many_as_can_be(MOST, true)]
#[case::one_more(MOST + 1, false)]
#[case::a_flood(30_400, false)]
fn more_secrets_than_can_be_looked_for_close_the_answer(#[case] count: usize, #[case] open: bool) {
    let response = answer(members("tokenname", count));
    assert_eq!(Secrets::of(&response).into_hidden().is_some(), open);
    let quoted = Masker::default().with_answer(&response).quote("some words");
    assert_eq!(quoted, if open { "some words" } else { "***" });
}

#[test]
fn a_flood_of_secrets_is_not_read_to_its_end() {
    let mut secrets = Secrets::default();
    let body = members("tokenname", 30_400);
    secrets.read_json(&body, None, 0);
    secrets.read_text(&body, true);
    assert_eq!(secrets.texts.len(), MOST_READ + 1);
}

#[rstest]
#[case::one_letter(format!(r#"{{"dbPassword":"{}"}}"#, "a".repeat(ANSWER_BYTES - 20)))]
#[case::one_each(format!(r#"{{"dbPassword":[{}]}}"#, (4..200).map(|n| format!("\"{}\"", "a".repeat(n))).collect::<Vec<_>>().join(",")))]
#[case::names(format!(r#"{{"token":{{{}}}}}"#, (0..200).map(|n| format!("\"name {n}\":0")).collect::<Vec<_>>().join(",")))]
#[case::running_text((0..50_000).map(|n| format!("token={n:06}")).collect::<Vec<_>>().join(" "))]
fn what_is_looked_for_is_bounded(#[case] body: String) {
    assert_eq!(Secrets::of(&answer(body)).into_hidden(), None);
}

/// A megabyte each of what a careless search would go through again and again. That this ends is the
/// claim; what is found is bounded.
#[rstest]
#[case::names("token")]
#[case::unquoted("token x token=a ")]
#[case::quotes("token='")]
#[case::elements("<token ")]
#[case::backslashes("\\")]
#[case::percents("%")]
#[case::references("&#")]
#[case::urls("://a@")]
#[case::brackets("[")]
#[case::names_and_brackets("token:[")]
fn a_megabyte_of_anything_is_read_once(#[case] part: &str) {
    let body: String = iter::repeat_n(part, ANSWER_BYTES / part.len()).collect();
    let response = answer(body);
    let quoted = Masker::default().with_answer(&response).quote(&String::from_utf8_lossy(&response.body));
    assert!(quoted.chars().count() <= 201, "{quoted}");
}
