use std::iter;

use rstest::rstest;

use super::super::{Masker, SeenSecrets};
use super::*;
use crate::wire::Headers;

/// The size of the largest answer, in bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// Letters only, so that no rule but the search for known secrets can mask it.
const CANARY: &str = "canaryhorse";

fn answer(body: impl Into<Vec<u8>>) -> Response {
    Response { status: 400, headers: Headers::new(), body: body.into() }
}

/// Asserts that a quotation of the answer does not show its secret.
#[track_caller]
fn assert_hidden_in_itself(response: &Response) {
    let masker = Masker::default().with_answer(response);
    let quoted = masker.quote("user gets CanaryHorse now");
    assert!(!quoted.to_ascii_lowercase().contains(CANARY), "{quoted}");
    let body = masker.quote(&String::from_utf8_lossy(&response.body));
    assert!(!decode(&body).to_ascii_lowercase().contains(CANARY), "{body}");
}

/// Asserts that no quotation of the answer or of a later one shows the secret.
#[track_caller]
fn assert_hidden(response: &Response) {
    assert_hidden_in_itself(response);
    let seen = SeenSecrets::new([]);
    seen.learn(response);
    assert_eq!(seen.masker().quote("you got canaryhorse before"), "you got *** before");
}

#[rstest]
#[case::plain(400, r#"{"dbPassword":"canaryhorse"}"#)]
#[case::list(400, r#"{"dbPassword":["a","canaryhorse"]}"#)]
#[case::object(400, r#"{"dbPassword":{"value":"canaryhorse"}}"#)]
#[case::deep(400, r#"{"credentials":{"dbPassword":[{"value":["canaryhorse"]}]}}"#)]
#[case::another_name_inside(400, r#"{"credentials":{"nothing":"canaryhorse"}}"#)]
#[case::name_of_a_member(400, r#"{"passwords":{"canaryhorse":true}}"#)]
#[case::first_of_two(400, r#"{"dbPassword":"canaryhorse","dbPassword":"x"}"#)]
#[case::snake(400, r#"{"db_user":"canaryhorse"}"#)]
#[case::key(400, r#"{"apiKey":"canaryhorse"}"#)]
#[case::escaped_name(400, r#"{"db\u0050assword":"canaryhorse"}"#)]
#[case::escaped_value(400, r#"{"dbPassword":"\u0063anaryhorse"}"#)]
#[case::json_in_a_text(400, r#"{"body":"{\"dbPassword\":[\"canaryhorse\"]}"}"#)]
#[case::form_in_a_text(400, r#"{"body":"password=canaryhorse&x=1"}"#)]
#[case::spaces(400, r#"{"dbPassword":" canaryhorse "}"#)]
#[case::two_texts(400, r#"{"a":1} {"dbPassword":["canaryhorse"]}"#)]
#[case::cut(400, r#"{"dbPassword":["canaryhorse"],"message":"canar"#)]
#[case::cut_in_the_list(400, r#"{"x":1,"dbPassword":["a", "canaryhorse"#)]
#[case::cut_escaped(400, r#"{"message":"\u0063anaryhorse","dbPassword":"canaryhorse"#)]
#[case::cut_escaped_name(400, r#"{"message":"canaryhorse","db\u0050assword":"canaryhorse"#)]
#[case::cut_user(400, r#"{"message":"canaryhorse","user":"canaryhorse"#)]
#[case::no_json(400, r#"x {"message":"canaryhorse","dbPassword":["a","canaryhorse"]}"#)]
#[case::xml(400, "<E><Message>canaryhorse</Message><DbPassword>canaryhorse</DbPassword></E>")]
#[case::xml_with_attributes(400, "<E>canaryhorse<n:DbPassword a='b'>canaryhorse</n:DbPassword></E>")]
#[case::xml_with_data(400, "<E>canaryhorse<DbPassword><![CDATA[canaryhorse]]></DbPassword></E>")]
#[case::html(400, "<p>canaryhorse</p><p>password&#58; &quot;canaryhorse&quot;</p>")]
#[case::form(400, "message=canaryhorse&dbPassword=canaryhorse")]
#[case::encoded_form(400, "message=canaryhorse&dbPassword%3Dcanaryhorse")]
#[case::encoded_value(400, "message=%63anaryhorse&dbPassword=canaryhorse")]
#[case::python(400, "{'message': 'canaryhorse', 'dbPassword': 'canaryhorse'}")]
#[case::python_escapes(400, r"{'message': '\x63anaryhorse', 'dbPassword': 'canaryhorse'}")]
#[case::created(201, r#"{"dbPassword":"canaryhorse"}"#)]
#[case::refused(400, r#"{"dbPassword":"canaryhorse"}"#)]
#[case::fault(503, r#"{"DB_PASSWORD":"CanaryHorse"}"#)]
#[case::user(200, r#"{"dbUser":"canaryhorse"}"#)]
#[case::yaml(400, "a: b\npassword: canaryhorse\n")]
#[case::key_and_value(400, r#"{"list":[{"value":"canaryhorse","name":"DB_PASSWORD"}]}"#)]
#[case::type_of_value(200, r#"{"Item":{"dbPassword":{"S":"canaryhorse"}}}"#)]
#[case::pair(400, r#"[["x","y"],["x-amz-security-token","canaryhorse"]]"#)]
#[case::mark_of_byte_order(200, "\u{feff}{\"dbPassword\":[\"a\",\"canaryhorse\"]}")]
#[case::several_texts(400, "{}\n{\"dbPassword\":[\"a\",\"canaryhorse\"]}")]
#[case::callback(400, "got({\"dbPassword\":\"canaryhorse\"})")]
#[case::base64_of_json(400, r#"{"body":"eyJkYlBhc3N3b3JkIjoiY2FuYXJ5aG9yc2UifQ=="}"#)]
#[case::base64_without_padding(400, r#"{"body":"eyJkYlBhc3N3b3JkIjoiY2FuYXJ5aG9yc2UifQ"}"#)]
#[case::base64_behind_a_blank(400, r#"{"body":"IHsiZGJQYXNzd29yZCI6ImNhbmFyeWhvcnNlIn0="}"#)]
#[case::base64_for_urls(400, r#"{"body":"eyJ-IjoiPz8_Pj4-IiwiZGJQYXNzd29yZCI6ImNhbmFyeWhvcnNlIn0="}"#)]
#[case::base64_of_xml(400, r#"{"body":"PGRiUGFzc3dvcmQ+Y2FuYXJ5aG9yc2U8L2RiUGFzc3dvcmQ+"}"#)]
#[case::base64_of_a_form(400, r#"{"body":"YT1iJmRiUGFzc3dvcmQ9Y2FuYXJ5aG9yc2U="}"#)]
#[case::token_of_the_web(400, r#"{"x":"eyJhIjoxfQ.eyJkYlBhc3N3b3JkIjoiY2FuYXJ5aG9yc2UifQ.c2ln"}"#)]
#[case::base64_as_a_whole(400, "eyJkYlBhc3N3b3JkIjoi\r\nY2FuYXJ5aG9yc2UifQ==\r\n")]
#[case::hexadecimal_as_a_whole(400, "64625f70773d63616e617279686f727365")]
#[case::letters(200, r#"{"dbPassword":["c","a","n","a","r","y","h","o","r","s","e"]}"#)]
#[case::block(400, "a: b\ndbPassword: |\n  canaryhorse\nc: d\n")]
#[case::folded_block(400, "dbPassword: >-\n  canaryhorse\n")]
#[case::list_of_lines(400, "dbPassword:\n  - x\n  - canaryhorse\n")]
#[case::list_without_indent(400, "dbPassword:\n- \"canaryhorse\"\n")]
#[case::ruby(400, ":db_password => \"canaryhorse\"")]
#[case::open_input(400, "<input type=password value=canaryhorse>")]
#[case::id(400, r#"{"id":"dbPassword","val":"canaryhorse"}"#)]
#[case::parameter(400, r#"{"parameter":"dbPassword","value":"canaryhorse"}"#)]
#[case::default(400, r#"{"name":"dbPassword","type":"string","default":"canaryhorse"}"#)]
#[case::statement(400, r#"{"message":"CREATE USER bob IDENTIFIED BY 'canaryhorse'"}"#)]
#[case::name_of_two_words(400, r#"{"userPass":"canaryhorse"}"#)]
#[case::base64(400, r#"{"password":"Y2FuYXJ5aG9yc2U="}"#)]
#[case::basic(400, r#"{"authorization":"dTpjYW5hcnlob3JzZQ=="}"#)]
#[case::url(400, r#"{"message":"redshift://alice:canaryhorse@host/dev"}"#)]
#[case::attribute(400, "<C dbPassword='canaryhorse'/>")]
#[case::input(400, "<input name=pw type=\"password\" value=\"canaryhorse\"/></p>")]
#[case::meta(400, "<meta name=\"csrf-token\" content=\"canaryhorse\"><p></p>")]
#[case::entry(400, "<e><key>dbPassword</key><value>canaryhorse</value></e>")]
#[case::labelled_element(400, "<e key=\"dbPassword\">canaryhorse</e>")]
#[case::nested_elements(400, "<S:dbPassword a=\"b\"><c/><v><v>canaryhorse</v></v></S:dbPassword>")]
#[case::xml_in_a_text(400, r#"{"body":"<dbPassword>\n<v>canaryhorse</v></dbPassword>"}"#)]
#[case::parts(400, "--x\r\nContent-Disposition: form-data; name=\"dbPassword\"\r\nA: b\r\n\r\ncanaryhorse\r\n--x--")]
#[case::connection_string(400, r#"{"message":"host=h user=a password=canaryhorse dbname=dev"}"#)]
#[case::unquoted_list(400, "password: [x, canaryhorse]\n")]
#[case::prose(200, r#"{"message":"the password: canaryhorse"}"#)]
#[case::json_in_prose(400, r#"{"message":"sent {\"password\": \"canaryhorse\"}"}"#)]
fn what_stands_behind_a_secret_name_is_found_wherever_it_stands(#[case] status: u16, #[case] body: &str) {
    assert_hidden(&Response { status, ..answer(body) });
}

#[test]
fn what_a_sentence_of_an_error_gives_away_is_hidden_in_itself() {
    assert_hidden_in_itself(&answer(r#"{"message":"the password: canaryhorse."}"#));
}

#[test]
fn json_too_deep_to_be_read_hides_all_the_same() {
    let deep = [r#"{"message":"canaryhorse","dbPassword":["a","canaryhorse"],"x":"#, &"[".repeat(100_000)].concat();
    assert_hidden(&answer(deep));
}

#[test]
fn bytes_that_are_no_text_hide_nothing_behind_them() {
    assert_hidden(&answer([b"{\"a\":\"\xff\",\"dbPassword\":[\"canaryhorse\"]}".as_slice()].concat()));
}

#[rstest]
#[case::whole("x-db-password", "canaryhorse")]
#[case::cookie("set-cookie", "session=canaryhorse; Path=/")]
#[case::scheme("authorization", "Bearer canaryhorse")]
#[case::in_the_value("location", "http://x/?token=canaryhorse")]
#[case::encoded("location", "http://x/?to%6ben=canaryhorse")]
#[case::key("x-api-key", "canaryhorse")]
#[case::basic("authorization", "Basic dTpjYW5hcnlob3JzZQ==")]
#[case::cookie_in_quotes("set-cookie", "a=\"canaryhorse\"; Path=/")]
#[case::json("x-session", r#"{"credentials":["x","canaryhorse"]}"#)]
#[case::query("location", "/?a=b&password=canaryhorse&c")]
fn a_secret_of_the_header_is_found_in_the_body(#[case] name: &str, #[case] value: &str) {
    let headers = Headers::from_iter([(name, value)]);
    assert_hidden(&Response { status: 400, headers, body: b"user gets canaryhorse now".to_vec() });
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

/// A megabyte of input that a careless search would read again and again. The claim is that the search ends and that
/// the quotation is bounded.
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
