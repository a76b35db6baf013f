//! Planted secrets are found nowhere: not in what is printed, logged or written.

use rstest::rstest;

use crate::program::Program;
use crate::stub_server::{AWS, Stub, answer, aws};

/// A password and a user that look like secrets, and ones that look like words, so that only what the
/// answer says of them can tell.
const CANARIES: [(&str, &str); 2] =
    [("CANARY-password-0f3a", "CANARY-user-77b1"), ("CANARYcorrecthorse", "CANARYplainname")];
const SECRET: &str = "CANARY/secret+key/5d2e";
const TOKEN: &str = "CANARY-token-91cc";

/// The options for a report in every format, and the files that they make.
pub(crate) const REPORTS: [(&str, &str); 6] = [
    ("--report-json", "r.json"),
    ("--report-jsonl", "r.jsonl"),
    ("--report-junit", "r.xml"),
    ("--report-md", "r.md"),
    ("--report-html", "r.html"),
    ("--badge", "r.svg"),
];

/// Everything that a run at a stub prints, logs and writes, in every format.
pub(crate) fn everything(stub: &Stub, format: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let reports = REPORTS.iter().flat_map(|(option, file)| [*option, *file]);
    let words: Vec<&str> = reports.chain(arguments.iter().copied()).collect();
    let line = format!("run --verbose --format {format} {}", words.join(" "));
    let mut program = Program::at(&stub.endpoint, &line).env("COUNTERSIGN_LOG", "trace").env("RUST_LOG", "trace");
    for (name, value) in variables {
        program = program.env(name, value);
    }
    let finished = program.finish();
    finished.expect(1, &[]);
    let mut everything = format!("{}{}", finished.stdout, finished.stderr);
    for (_, file) in REPORTS {
        everything.push_str(&program.read(file));
    }
    assert!(everything.len() > 1000, "the reports say something");
    everything
}

#[track_caller]
fn assert_no_canary(everything: &str) {
    let upper = everything.to_ascii_uppercase();
    if let Some(at) = upper.find("CANARY") {
        let start = upper.floor_char_boundary(at.saturating_sub(200));
        panic!("a canary got out: {}", &everything[start..upper.ceil_char_boundary(at + 100)]);
    }
}

#[rstest]
#[case::right("200 OK", AWS, r#"{"dbPassword":"P","dbUser":"U","expiration":1,"nextRefreshTime":1}"#)]
#[case::pascal("200 OK", AWS, r#"{"DbPassword":"P","DbUser":"U"}"#)]
#[case::nested("200 OK", AWS, r#"{"result":{"dbPassword":"P","dbUser":"U"},"dbUser":["P"]}"#)]
#[case::as_name("200 OK", AWS, r#"{"dbPassword":{"P":1},"dbUser":"U","P":1}"#)]
#[case::cut("200 OK", AWS, r#"{"dbUser":"U","dbPassword":"P"#)]
#[case::as_type("400 Bad", AWS, r#"{"__type":"dbPassword=P","message":"dbPassword is P","dbPassword":"P"}"#)]
#[case::is_type("400 Bad", AWS, r#"{"__type":"P","message":"a","dbPassword":["P"]}"#)]
#[case::in_message(
    "400 Bad",
    AWS,
    r#"{"__type":"ValidationException","message":"no: P","dbPassword":"P","dbUser":"U"}"#
)]
#[case::in_list(
    "400 Bad",
    AWS,
    r#"{"__type":"ValidationException","message":"user gets P now","dbPassword":["P"],"credentials":{"dbPassword":{"value":"P"}}}"#
)]
#[case::in_first_of_two(
    "400 Bad",
    AWS,
    r#"{"__type":"ValidationException","message":"user gets P now","dbPassword":"P","dbPassword":"x"}"#
)]
#[case::in_what_is_cut(
    "400 Bad",
    AWS,
    r#"{"__type":"ValidationException","message":"user gets P now","dbPassword":["P","#
)]
#[case::page("500 Oops", "text/html", "<p>password: P</p><p>dbUser=U</p>")]
#[case::page_twice("500 Oops", "text/html", "<h1> P</h1><p>password: P</p><p> U</p><p>dbUser=U</p>")]
#[case::xml("400 Bad", "text/xml", "<E><M>gets P now</M><DbPassword> P</DbPassword></E>")]
#[case::own_json("400 Bad", "application/json", r#"{"error":"token P is wrong; secret=P","secret":"P"}"#)]
#[case::url("400 Bad", "application/json", r#"{"__type":"ValidationException","message":"redshift://a:P@host/dev"}"#)]
fn a_planted_secret_is_found_nowhere(
    #[case] status: &'static str,
    #[case] media: &'static str,
    #[case] body: &str,
    #[values(0, 1)] canaries: usize,
) {
    let (password, user) = CANARIES[canaries];
    let mut body = body.to_owned();
    for before in ["\"", "=", " ", ":"] {
        body = body.replace(&format!("{before}P"), &format!("{before}{password}"));
        body = body.replace(&format!("{before}U"), &format!("{before}{user}"));
    }
    let stub = Stub::answering(answer(status, media, &body));
    let ours = [("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)];
    assert_no_canary(&everything(&stub, "text", &[], &ours));
}

#[rstest]
fn a_password_like_a_word_is_found_in_no_format(#[values("text", "jsonl", "github", "quiet")] format: &str) {
    let body = r#"{"__type":"ValidationException","message":"user gets canaryhorse now","dbPassword":["canaryhorse"]}"#;
    let stub = Stub::answering(aws("400 Bad", body));
    let everything = everything(&stub, format, &["success/*"], &[]);
    assert_no_canary(&everything);
    assert!(everything.contains("user gets *** now"), "the message is quoted: {everything}");
}

#[rstest]
#[case::body(r#"{"__type":"ValidationException","message":"gets \u0063anaryhorse","dbPassword":"#, "")]
#[case::field(r#"{"__type":"ValidationException","message":"gets canaryhorse"}"#, "x-db-password: canaryhorse\r\n")]
#[case::type_in_field(r#"{"dbPassword":"canaryhorse"}"#, "x-amzn-errortype: canaryhorse\r\n")]
#[case::other_fields(r#"{"dbPassword":"canaryhorse"}"#, "x-canaryhorse: a\r\nx-a: canaryhorse %63anaryhorse\r\n")]
#[case::encoded(
    r#"{"__type":"ValidationException","message":"gets dTpjYW5hcnlob3JzZQ==","dbPassword":"canaryhorse"}"#,
    ""
)]
#[case::reason(r#"{"dbPassword":"canaryhorse"}"#, "")]
fn a_password_in_the_header_or_in_disguise_is_found_nowhere(#[case] body: &str, #[case] fields: &str) {
    // What is cut here ends with the password, and a header field stands before the others.
    let body = if body.ends_with(':') { format!("{body}[\"canaryhorse\"") } else { body.to_owned() };
    let answer = aws("400 canaryhorse", &body);
    let stub = Stub::answering(answer.replacen("content-type:", &format!("{fields}content-type:"), 1));
    let everything = everything(&stub, "text", &["success/*"], &[]);
    assert_no_canary(&everything);
    assert!(!everything.contains("YW5hcnlob3Jz") && !everything.contains("u0063"), "{everything}");
}

#[test]
fn a_flood_of_secrets_closes_the_answer_and_stalls_nothing() {
    let members: Vec<_> =
        (0..30_400).map(|number| format!(r#""tokenname{number}":{}"#, 100_000_000 + number)).collect();
    let body =
        format!(r#"{{"__type":"ValidationException","message":"user gets 100000007 now",{}}}"#, members.join(","));
    let stub = Stub::of_operations(aws("400 Bad", &body));
    let everything = everything(&stub, "text", &["success/workgroup-only"], &[]);
    assert!(!everything.contains("10000") && !everything.contains("tokenname"), "{everything}");
    assert!(everything.contains("400 ValidationException &#34;***&#34;"), "{everything}");
}

#[test]
fn a_body_of_objects_in_objects_makes_no_large_report() {
    let body = (0..3).fold("0".to_owned(), |inner, level| {
        let members: Vec<_> = (0..24).map(|number| format!(r#""n{level}x{number}":{inner}"#)).collect();
        format!("{{{}}}", members.join(","))
    });
    let stub = Stub::of_operations(aws("400 Bad", &body));
    let mut program = Program::at(&stub.endpoint, "run success/workgroup-only --report-json r.json");
    program.finish().expect(1, &[]);
    let report = program.json("r.json");
    let cases = report["cases"].as_array().expect("a list of cases");
    assert!(
        cases.iter().any(|case| case["body"].as_str().is_some_and(|body| body.contains("n2x0: {n1x0: {n0x0: number")))
    );
    for case in cases {
        assert!(case.to_string().len() < 32 << 10, "{} bytes", case.to_string().len());
    }
}

#[rstest]
#[case::flag(&["run", "--endpoint", "http://alice:CANARY-pw@127.0.0.1:1/"], "")]
#[case::by_itself(&["run", "http://alice:CANARY-pw@127.0.0.1:1/"], "")]
#[case::of_doctor(&["doctor", "http://alice:CANARY-pw@127.0.0.1:1/"], "")]
#[case::variable(&["run"], "http://alice:CANARY-pw@127.0.0.1:1/")]
#[case::query(&["run", "--endpoint", "http://127.0.0.1:1/?token=CANARY"], "")]
fn a_secret_in_a_url_is_not_repeated(#[case] arguments: &[&str], #[case] variable: &str) {
    let finished = Program::new(arguments).env("COUNTERSIGN_ENDPOINT", variable).finish();
    finished.expect(2, &["http://localhost:4566"]);
    assert!(!finished.stderr.contains("CANARY"), "{finished:#?}");
}

#[rstest]
#[case::plain("{key} and {secret} and {token}")]
#[case::where_the_quotation_ends("{words}{secret}")]
#[case::with_words_that_are_masked("gets {token}, {secret}!abcd1234")]
fn our_own_credentials_are_masked_when_a_target_sends_them_back(#[case] message: &str) {
    let (key, secret, token) = ("AKIDCANARYKEYONLYLETTERS", "CANARYsecret!letters", "CANARYtoken1234!letters");
    let message = message.replace("{words}", &"words ".repeat(32)).replace("{key}", key);
    let message = message.replace("{secret}", secret).replace("{token}", token);
    let echo = format!(r#"{{"__type":"ValidationException","message":"{message}"}}"#);
    let stub = Stub::answering(aws("400 Bad", &echo));
    let ours = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", token)];
    let everything = everything(&stub, "text", &["success/workgroup-only"], &ours);
    assert_no_canary(&everything);
    assert!(!everything.contains("!letters"), "{everything}");
    assert!(everything.contains("header fields sent"), "the log says something: {everything}");
}

#[test]
fn the_lines_that_repeat_a_request_read_secrets_from_the_environment() {
    let stub = Stub::of_operations(aws("200 OK", "{}"));
    let mut program = Program::at(&stub.endpoint, "run success/workgroup-only").env("AWS_SESSION_TOKEN", TOKEN);
    program.finish().expect(1, &["curl ", "$AWS_SECRET_ACCESS_KEY", "$AWS_SESSION_TOKEN"]);
}
