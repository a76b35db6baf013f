use rstest::rstest;

use super::*;
use crate::wire::Headers;

const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn upstream() -> Upstream {
    Upstream {
        credentials: Credentials::new("AKIDEXAMPLE", "a-secret"),
        callers: vec![Credentials::new("AKIDDENIED", "a-secret")],
        region: Region::us_east_1(),
        resources: [("workgroup", "wg-1"), ("custom-domain", "db.example.com")]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .into(),
    }
}

fn layer(entry: &str) -> Layer {
    Layer::new(Arc::new(serde_json::from_str(entry).unwrap()), upstream())
}

fn request(body: &str) -> Request {
    let headers = [("host", "h"), ("content-type", "application/x-amz-json-1.1"), ("content-length", "0")];
    Request { method: "POST".into(), target: "/".into(), headers: headers.into_iter().collect(), body: body.into() }
}

fn signed_request(body: &str) -> Request {
    let mut request = request(body);
    sign_anew(&mut request, &upstream().credentials, &upstream(), now());
    request
}

/// A server that says which body it got, and whether it was rightly signed.
fn echo(request: &Request) -> Response {
    let upstream = upstream();
    let verdict = sigv4::verify(request, upstream.scope(), now(), |_| Some("a-secret".into()));
    let body = serde_json::json!({ "got": String::from_utf8_lossy(&request.body), "signed": verdict.is_ok(), "n": 2 });
    Response { status: 200, headers: Headers::new(), body: body.to_string().into_bytes() }
}

fn ask(layer: &Layer, request: &Request) -> Value {
    layer.answer(request, now(), echo).expect("an answer").json().unwrap()
}

const CLAMP: &str =
    r#"{"id":"a","kind":"legal","title":"t","request":[{"clamp":{"member":"d","from":900,"to":3600}}]}"#;

#[test]
fn a_rewritten_request_is_signed_anew() {
    let layer = layer(CLAMP);
    let answer = ask(&layer, &signed_request(r#"{"d":1}"#));
    assert_eq!((&answer["got"], &answer["signed"]), (&r#"{"d":900}"#.into(), &true.into()));
    assert_eq!(layer.rewrites(), 1);
}

#[test]
fn a_rewritten_request_with_a_wrong_signature_stays_wrongly_signed() {
    let answer = ask(&layer(CLAMP), &request(r#"{"d":1}"#));
    assert_eq!(answer["signed"], false);
}

#[test]
fn a_request_that_nothing_changes_keeps_its_bytes() {
    let layer = layer(CLAMP);
    let answer = ask(&layer, &signed_request(r#"{ "d" : 900 }"#));
    assert_eq!(answer["got"], r#"{ "d" : 900 }"#);
    assert_eq!(layer.rewrites(), 0);
}

#[test]
fn any_signature_can_be_taken() {
    let layer = layer(r#"{"id":"a","kind":"legal","title":"t","request":["take-any-signature"]}"#);
    assert_eq!(ask(&layer, &request("{}"))["signed"], true);
    assert_eq!(layer.rewrites(), 1);
}

#[rstest]
#[case::status(r#""status":400"#, false)]
#[case::present(r#""members":{"a":{"present":true}}"#, true)]
#[case::absent(r#""members":{"b":{"present":false}}"#, true)]
#[case::range(r#""members":{"a":{"from":1,"to":1}}"#, false)]
#[case::kind(r#""members":{"a":{"type":["number"]}}"#, true)]
#[case::length(r#""members":{"t":{"min_length":2}}"#, false)]
#[case::pattern(r#""members":{"t":{"matches":"^x$"}}"#, true)]
#[case::body(r#""json":"other""#, false)]
#[case::signature(r#""signature":"valid""#, true)]
fn conditions_select_exchanges(#[case] when: &str, #[case] expected: bool) {
    let layer =
        layer(&format!(r#"{{"id":"a","kind":"legal","title":"t","when":{{{when}}},"response":[{{"status":201}}]}}"#));
    let answer = layer.answer(&signed_request(r#"{"a":2,"t":"x"}"#), now(), echo).expect("an answer");
    assert_eq!(answer.status == 201, expected);
    assert_eq!(layer.rewrites() == 1, expected);
}

#[rstest]
#[case::accepted(r#"[{"set":{"member":"t","to":"${workgroup}"}}]"#, true)]
#[case::refused(r#"[{"set":{"member":"t","to":"wg-2"}}]"#, false)]
#[case::the_same_request(r#"[{"remove":"absent"}]"#, false)]
fn a_condition_asks_what_the_right_server_accepts_instead(#[case] changes: &str, #[case] expected: bool) {
    let layer = layer(&format!(
        r#"{{"id":"a","kind":"legal","title":"t","when":{{"accepted_with":{changes}}},"response":[{{"status":201}}]}}"#
    ));
    let right = |request: &Request| {
        let answer = echo(request);
        let is_known =
            String::from_utf8_lossy(&request.body).contains("wg-1") && answer.json().unwrap()["signed"] == true;
        Response { status: if is_known { 200 } else { 400 }, ..answer }
    };
    let answer = layer.answer(&signed_request(r#"{"t":"x"}"#), now(), right).expect("an answer");
    assert_eq!(answer.status, if expected { 201 } else { 400 });
}

#[rstest]
#[case::set(r#"{"set":{"member":"n","to":"${workgroup}"}}"#, serde_json::json!({"n": "wg-1"}))]
#[case::scale(r#"{"scale":{"member":"n","by":1.5}}"#, serde_json::json!({"n": 3.0}))]
#[case::add(r#"{"add":{"member":"n","by":1}}"#, serde_json::json!({"n": 3.0}))]
#[case::text(r#"{"cast":{"member":"n","to":"text"}}"#, serde_json::json!({"n": "2"}))]
#[case::iso(r#"{"cast":{"member":"n","to":"iso-text"}}"#, serde_json::json!({"n": "1970-01-01T00:00:02Z"}))]
#[case::rename(r#"{"rename":{"member":"n","to":"m"}}"#, serde_json::json!({"m": 2}))]
#[case::wrap(r#"{"wrap":"w"}"#, serde_json::json!({"w": {"n": 2}}))]
#[case::absent(r#"{"scale":{"member":"x","by":2}}"#, serde_json::json!({"n": 2}))]
fn answers_are_changed(#[case] change: &str, #[case] expected: Value) {
    let layer = layer(&format!(r#"{{"id":"a","kind":"legal","title":"t","response":[{change}]}}"#));
    let right = |_: &Request| Response { status: 200, headers: Headers::new(), body: br#"{"n":2}"#.to_vec() };
    let answer = layer.answer(&request("{}"), now(), right).expect("an answer");
    assert_eq!(answer.json(), Some(expected));
}

#[rstest]
#[case::fitting("", true)]
#[case::fitting_answer(r#""status":200"#, true)]
#[case::another_answer(r#""status":400"#, false)]
#[case::another_request(r#""json":"malformed""#, false)]
fn a_connection_is_closed_where_the_conditions_hold(#[case] when: &str, #[case] expected: bool) {
    let layer = layer(&format!(r#"{{"id":"a","kind":"legal","title":"t","when":{{{when}}},"response":["close"]}}"#));
    let answer = layer.answer(&signed_request("{}"), now(), echo);
    assert_eq!(answer.is_none(), expected);
    assert_eq!(layer.rewrites() == 1, expected);
}

#[test]
fn an_earlier_answer_is_given_again() {
    let layer = layer(r#"{"id":"a","kind":"legal","title":"t","response":["replay"]}"#);
    let first = ask(&layer, &signed_request(r#"{"a":1}"#));
    assert_eq!(ask(&layer, &signed_request(r#"{"a":2}"#)), first);
    assert_eq!(layer.rewrites(), 1);
}

#[test]
fn only_every_so_many_th_exchange_is_changed() {
    let layer = layer(r#"{"id":"a","kind":"legal","title":"t","when":{"every":3},"response":[{"status":500}]}"#);
    let status = || layer.answer(&signed_request("{}"), now(), echo).map(|answer| answer.status);
    let answers: Vec<_> = (0..7).map(|_| status()).collect();
    assert_eq!(answers, [200, 200, 500, 200, 200, 500, 200].map(Some));
    assert_eq!(layer.rewrites(), 2);
}

#[test]
fn only_a_repeated_request_is_changed() {
    let layer = layer(r#"{"id":"a","kind":"legal","title":"t","when":{"repeated":true},"response":[{"status":500}]}"#);
    let status = |body| layer.answer(&signed_request(body), now(), echo).map(|answer| answer.status);
    let answers = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":1}"#, r#"{"a":1}"#].map(status);
    assert_eq!(answers, [200, 200, 500, 500].map(Some));
}

#[rstest]
#[case::another_status(r#""response":[{"status":201}]"#, true)]
#[case::the_same_status(r#""response":[{"status":200}]"#, false)]
#[case::member_that_is_not_there(r#""response":[{"remove":"x"}]"#, false)]
#[case::member_that_is_there(r#""response":[{"remove":"n"}]"#, true)]
#[case::another_kind_of_answer(r#""when":{"status":400},"response":[{"status":500}]"#, false)]
#[case::another_kind_of_request(r#""when":{"json":"malformed"},"response":[{"status":500}]"#, false)]
#[case::every_third(r#""when":{"every":3},"response":[{"status":500}]"#, true)]
#[case::a_repeated_one(r#""when":{"repeated":true},"response":[{"status":500}]"#, true)]
#[case::replayed(r#""response":["replay"]"#, true)]
#[case::closed(r#""response":["close"]"#, true)]
#[case::changed_request(r#""request":[{"set":{"member":"d","to":2}}]"#, true)]
#[case::unchanged_request(r#""request":[{"set":{"member":"d","to":1}}]"#, false)]
#[case::signature_that_is_right(r#""request":["take-any-signature"]"#, false)]
fn what_a_defect_may_change_is_known_beforehand(#[case] change: &str, #[case] expected: bool) {
    let defect = serde_json::from_str(&format!(r#"{{"id":"a","kind":"legal","title":"t",{change}}}"#)).unwrap();
    let request = signed_request(r#"{"d":1}"#);
    let exchange = Exchange { answer: echo(&request), request, time: now() };
    let upstream = upstream();
    assert_eq!(ExaminedExchange::new(&exchange, &upstream).may_change(&defect), expected);
}
