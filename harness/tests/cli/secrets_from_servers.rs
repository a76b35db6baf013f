//! What a server gives in the place of a password, in whatever shape, is repeated nowhere from then on; and ordinary
//! words that it gives there take nothing from a report.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aho_corasick::AhoCorasick;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine as _};
use rstest::rstest;
use serde_json::{Value, json};

use crate::planted_secrets::everything;
use crate::program::Program;
use crate::recordings::files_in;
use crate::stub_server::{Stub, answer, aws};

/// The pairs of a place where a password is given and a way to repeat it. One run comes to about a third of them.
const PAIRS: usize = PLACES * ECHOES;
const PLACES: usize = 18;
const ECHOES: usize = 17;

/// The kinds of passwords that are given.
const KINDS: [&str; 14] = [
    "random",
    "word-like",
    "one word",
    "short",
    "short and mixed",
    "upper case",
    "spaced",
    "digits",
    "punctuation",
    "other letters",
    "product",
    "time",
    "host",
    "resource",
];

/// Four letters for a number, no two the same, and none an ordinary word.
fn letters(number: usize) -> String {
    (0..4).map(|place| char::from(b"bcdfghkm"[number >> (3 * place) & 7])).collect()
}

/// A password of a kind, another one for each number.
fn password(kind: &str, number: usize) -> String {
    let letters = letters(number);
    match kind {
        "random" => format!("Xk7{letters}9qLm2"),
        "word-like" => format!("canary-{letters}-horse"),
        "one word" => format!("canary{letters}"),
        "short" => format!("qz{letters}"),
        "short and mixed" => format!("Q7{letters}"),
        "upper case" => format!("CANARY{}", letters.to_uppercase()),
        "spaced" => format!("canary {letters} horse"),
        "digits" => format!("9081{:04}", 7919 * number % 10_000),
        "punctuation" => format!("ca!{letters}#y\"&<$'"),
        "other letters" => format!("кана{letters}рейка"),
        "product" => format!("{letters}/1.{number}.2"),
        "time" => format!("2031{:02}{:02}T{:02}{:02}07Z", 1 + number / 26, 1 + number % 26, number % 23, number % 59),
        "host" => format!("{letters}.us-east-1.amazonaws.com"),
        "resource" => format!("arn:aws:iam::aws:user/{letters}"),
        _ => unreachable!("there is no such kind"),
    }
}

fn escaped(text: &str) -> String {
    coded(text.encode_utf16(), |unit| format!("\\u{unit:04x}"))
}

fn in_url(text: &str) -> String {
    coded(text.bytes(), |byte| format!("%{byte:02X}"))
}

fn hexadecimal(text: &str) -> String {
    coded(text.bytes(), |byte| format!("{byte:02x}"))
}

fn coded<T>(units: impl Iterator<Item = T>, code: impl Fn(T) -> String) -> String {
    units.map(code).collect::<Vec<_>>().concat()
}

fn in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn refusal(message: &str) -> Value {
    json!({"__type": "ValidationException", "message": message})
}

fn with_field(answer: &str, name: &str, value: &str) -> String {
    answer.replacen("content-type:", &format!("{name}: {value}\r\ncontent-type:"), 1)
}

/// An answer that gives a password in one of many places.
fn giving(place: usize, secret: &str) -> String {
    let ok = |body: Value| aws("200 OK", &body.to_string());
    let refused = |body: Value| aws("400 Bad", &body.to_string());
    match place {
        0 => ok(json!({"DbPassword": secret, "DbUser": "u"})),
        1 => ok(json!({"db_password": secret})),
        2 => ok(json!({"result": {"credentials": {"dbPassword": secret}}})),
        3 => ok(json!({"dbPassword": ["x", secret]})),
        4 => ok(json!({"dbPassword": {"value": {"expiration": secret}}})),
        5 => aws("201 Created", &json!({"dbPassword": secret}).to_string()),
        6 => answer("400 Bad", "text/xml", &format!("<R><n:DbPassword a='b'>{}</n:DbPassword></R>", in_html(secret))),
        7 => answer("200 OK", "text/xml", &format!("<R><DbPassword><V><![CDATA[{secret}]]></V></DbPassword></R>")),
        8 => answer("400 Bad", "application/x-www-form-urlencoded", &format!("a=b&dbPassword={}", in_url(secret))),
        9 => with_field(&refused(refusal("no")), "X-Db-Password", secret),
        10 => refused(json!({"__type": "ValidationException", "body": json!({"DBPASSWORD": secret}).to_string()})),
        11 => refused(
            json!({"__type": "ValidationException", "message": "no", "credentials": {"secretAccessKey": secret}}),
        ),
        12 => ok(json!({"dbUser": secret, "dbPassword": null})),
        13 => refused(json!([{"Name": "dbPassword", "Value": secret}])),
        14 => ok(json!({"entries": [["dbUser", "u"], ["dbPassword", secret]]})),
        15 => answer("200 OK", "text/html", &format!("<td>Password</td><td>{}</td>", in_html(secret))),
        16 => ok(json!({"body": BASE64_STANDARD.encode(json!({"dbPassword": secret}).to_string())})),
        17 => answer("400 Bad", "text/yaml", &format!("a: b\npassword: {secret}\n")),
        _ => unreachable!("there is no such place"),
    }
}

/// An answer that repeats what was given, in one of many ways, and the texts of which none may be shown.
fn repeating(way: usize, secret: &str) -> (String, Vec<String>) {
    let refused = |body: Value| aws("400 Bad", &body.to_string());
    let base64 = |text: &str| BASE64_STANDARD_NO_PAD.encode(text);
    // A field's name has no spaces, and an ordinary server sends nothing but ASCII in its header.
    let is_field = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut hidden = vec![secret.to_owned()];
    let mut saying = |echo: String| {
        hidden.push(echo.clone());
        refused(refusal(&format!("you got {echo} before")))
    };
    let answer = match way {
        0 => saying(secret.to_owned()),
        1 => saying(secret.to_uppercase()),
        2 => saying(secret.to_lowercase()),
        3 => saying(escaped(secret)),
        4 => saying(escaped(&escaped(secret))),
        5 => saying(in_url(secret)),
        6 => saying(base64(secret)),
        7 => saying(base64(&format!("user:{secret}"))),
        8 => saying(hexadecimal(secret)),
        9 => refused(json!({"__type": secret, "message": "no"})),
        10 if is_field => answer("400 Bad", &format!("application/{secret}"), &refusal("no").to_string()),
        11 if is_field => with_field(&refused(refusal("no")), &format!("X-{secret}"), "1"),
        12 if is_field => with_field(&refused(refusal("no")), "X-Note", &format!("for {secret}")),
        13 => answer("403 No", "text/html", &format!("<h1>No</h1><p>for {}</p>", in_html(secret))),
        14 => refused(json!({"__type": "ValidationException", "message": "no", secret: 1})),
        15 => refused(json!({"__type": "ValidationException", "message": "no", "a": {secret: {secret: [secret]}}})),
        16 => aws("400 Bad", &format!("{{\"message\": \"cut {}", escaped(secret))),
        _ => saying(format!("'{secret}'")),
    };
    (answer, hidden)
}

/// A server that is well where it is asked plainly, and else gives passwords and repeats each in its next answer; and
/// what nobody may see of them. `kind_of` says of which kind the password of a number is; the first has the number
/// `first`.
fn talkative(
    kind_of: impl Fn(usize) -> &'static str + Send + Sync + 'static,
    first: usize,
) -> (Stub, Arc<Mutex<Vec<String>>>) {
    let (request_count, planted) = (AtomicUsize::new(0), Arc::new(Mutex::new(Vec::new())));
    let hidden = Arc::clone(&planted);
    let stub = Stub::saying(move |request| {
        if request.is_empty() {
            // Doctor has only seen whether there is a way.
            return String::new();
        }
        let is_plain =
            request.contains("RedshiftServerless.GetCredentials") && request.ends_with(r#"{"workgroupName":"wg-1"}"#);
        if is_plain {
            right("Yq8-plain-4711")
        } else {
            let number = request_count.fetch_add(1, Ordering::SeqCst);
            let (nth, is_echo) = (first + number / 2, number % 2 == 1);
            let pair = nth % PAIRS;
            let secret = password(kind_of(nth), pair);
            // The two numbers have no common divisor, so that each place meets each way in its turn.
            let (answer, texts) = if is_echo {
                repeating(pair % ECHOES, &secret)
            } else {
                (giving(pair % PLACES, &secret), vec![secret])
            };
            hidden.lock().expect("one at a time").extend(texts);
            answer
        }
    });
    (stub, planted)
}

fn right(password: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    let body =
        json!({"dbPassword": password, "dbUser": "IAM:alice", "expiration": now + 900, "nextRefreshTime": now + 900});
    aws("200 OK", &body.to_string())
}

#[track_caller]
fn assert_nothing_shown(everything: &str, planted: &[String]) {
    let planted: Vec<String> = planted.iter().map(|text| text.to_lowercase()).collect();
    let searcher = AhoCorasick::new(&planted).expect("there are not too many");
    let lower = everything.to_lowercase();
    if let Some(found) = searcher.find(&lower) {
        let start = lower.floor_char_boundary(found.start().saturating_sub(200));
        let end = lower.ceil_char_boundary(lower.len().min(found.end() + 100));
        panic!("{} in {}", planted[found.pattern().as_usize()], &lower[start..end]);
    }
}

#[rstest]
#[case(0, "random", "text")]
#[case(1, "word-like", "jsonl")]
#[case(2, "one word", "github")]
#[case(3, "short", "text")]
#[case(4, "short and mixed", "quiet")]
#[case(5, "upper case", "text")]
#[case(6, "spaced", "github")]
#[case(7, "digits", "text")]
#[case(8, "punctuation", "jsonl")]
#[case(9, "other letters", "text")]
#[case(10, "product", "text")]
#[case(11, "time", "jsonl")]
#[case(12, "host", "github")]
#[case(13, "resource", "text")]
fn what_was_given_for_a_password_is_repeated_nowhere(
    #[case] number: usize,
    #[case] kind: &'static str,
    #[case] format: &str,
) {
    // Three of them come to all pairs.
    let (stub, planted) = talkative(move |_| kind, number * PAIRS / 10);
    let everything = everything(&stub, format, &["--jobs", "1"], &[]);
    let planted = planted.lock().expect("nobody else has it");
    assert!(planted.len() > 300, "{} texts", planted.len());
    assert_nothing_shown(&everything, &planted);
    // What was given to one process, another one cannot know.
    for (first, format) in [(kind.len(), "text"), (100 * kind.len(), "json")] {
        let (stub, planted) = talkative(move |_| kind, first);
        let arguments =
            ["doctor", "--endpoint", &stub.endpoint, "--workgroup", "wg-2", "--no-sign", "--format", format];
        let finished = Program::new(&arguments).env("COUNTERSIGN_LOG", "trace").finish();
        let planted = planted.lock().expect("nobody else has it");
        assert!(planted.len() >= 4, "{} texts", planted.len());
        assert_nothing_shown(&format!("{}{}", finished.stdout, finished.stderr), &planted);
    }
}

#[rstest]
fn what_was_given_for_a_password_is_in_no_recording(#[values(0, 1, 2, 3)] part: usize) {
    // All kinds are in each part. The shift lets each kind meet each place: both numbers are even.
    let (stub, planted) = talkative(move |nth| KINDS[(nth + part) % KINDS.len()], part * PAIRS / 4);
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().to_str().expect("a text");
    let line = format!("record {to} --jobs 1 success/** errors/** parameters/**");
    let finished = Program::at(&stub.endpoint, &line).env("COUNTERSIGN_LOG", "trace").finish();
    finished.expect(0, &["recorded "]);
    let mut written = String::new();
    for (name, text) in files_in(folder.path()) {
        written.push_str(&name);
        written.push_str(&text);
    }
    let planted = planted.lock().expect("nobody else has it");
    assert!(planted.len() > 300 && written.len() > 50_000, "{} texts, {} bytes", planted.len(), written.len());
    assert_nothing_shown(&format!("{}{}{written}", finished.stdout, finished.stderr), &planted);
}

/// What a run and doctor make of a server that always gives this password, and repeats it in some errors: the cases of
/// the report without what differs between any two runs, and doctor's words.
fn told(password: &'static str) -> String {
    let words = format!("you got {password} before");
    let stub = Stub::saying(move |request| {
        let is_plain = request.ends_with(r#"{"workgroupName":"wg-1"}"#);
        if is_plain { right(password) } else { aws("400 Bad", &refusal(&words).to_string()) }
    });
    let line = "run success/* errors/* parameters/workgroup-*/* --seed 1 --report-json r.json";
    let mut program = Program::at(&stub.endpoint, line);
    program.finish().expect(1, &[]);
    let mut report = program.json("r.json");
    for case in report["cases"].as_array_mut().expect("a list") {
        case["duration_ms"] = Value::Null;
        case["exchange"]["request_headers"] = Value::Null;
        case["repro"] = Value::Null;
        for field in case["exchange"]["answer_headers"].as_array_mut().into_iter().flatten() {
            if field[0] == "content-length" {
                field[1] = Value::Null;
            }
        }
    }
    let mut examination = Program::at(&stub.endpoint, "doctor --no-sign --format json").finish().json();
    let findings = examination["findings"].as_array_mut().expect("a list");
    findings.retain(|finding| finding["topic"] != "connection");
    format!("{:#}\n{:#}", report["cases"], examination["findings"])
}

#[test]
fn an_ordinary_word_for_a_password_takes_nothing_from_a_report() {
    let usual_output = told("Xk7-9qLm2-random");
    assert!(
        usual_output.contains("you got *** before") && usual_output.contains("{dbPassword: string, dbUser: string, "),
        "{usual_output}"
    );
    let ordinary =
        ["password", "p", "e", "user", "string", "number", "json", "true", "200", "900", "a", "exception", "status"];
    for password in ordinary {
        assert_eq!(told(password), usual_output, "with the password {password}");
    }
    // What everybody knows is no secret, and nothing of it is masked.
    for password in ["expiration", "dbUser", "workgroup", "ValidationException", "application/json", "***"] {
        let words = format!("you got {password} before");
        assert_eq!(told(password), usual_output.replace("you got *** before", &words), "with the password {password}");
    }
}
