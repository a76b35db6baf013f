//! Cases that move the clock of a target, by an HTTP call or a command of `countersign.toml`.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::program::{Finished, Program, events};
use crate::runs::Served;
use crate::stub_server::{Stub, aws, closed_port, refusal};

/// The fixtures of the project with cases that move the clock between two calls.
fn fixtures() -> Fixtures {
    let fixtures = Fixtures::copy();
    let call = json!({ "request": { "input": { "workgroupName": "${workgroup}" } } });
    let case = |id: &str, seconds: &[u32]| {
        let moves = seconds.iter().map(|seconds| json!({ "clock": { "advance_seconds": seconds } }));
        let steps: Vec<Value> = [call.clone()].into_iter().chain(moves).chain([call.clone()]).collect();
        json!({ "id": id, "title": "A call after the clock has moved is answered too", "requirements": ["GC-WG-01"],
                "needs": ["clock"], "steps": steps })
    };
    let suite = json!({ "version": 1, "operation": "GetCredentials",
                        "cases": [case("clock/once", &[901]), case("clock/twice", &[1800, 60])] });
    fixtures.add("server/clock.json", &suite.to_string());
    fixtures
}

/// Right credentials, with the lifetime by default.
fn credentials() -> String {
    let then = jiff::Timestamp::now().as_second() + 900;
    let members = r#""dbPassword":"canary-5aZ9-correct-horse","dbUser":"IAM:somebody""#;
    aws("200 OK", &format!(r#"{{{members},"expiration":{then},"nextRefreshTime":{then}}}"#))
}

fn case(finished: &Finished, id: &str) -> Value {
    let of = |event: &Value| event["event"] == "case" && event["id"] == id;
    events(&finished.stdout).into_iter().find(of).unwrap_or_else(|| panic!("no {id} in {finished:#?}"))
}

/// A run of the cases that move a clock, and one more, at a server whose clock is moved as the file says.
fn program(fixtures: &Fixtures, server: &Stub, clock: &str) -> Program {
    let line = format!(
        "run clock success/workgroup-only --target mine --workgroup wg-1 --format jsonl --jobs 1 --fixtures {}",
        fixtures.folder()
    );
    let file = format!("[targets.mine]\nendpoint = \"{}\"\n{clock}\n", server.endpoint);
    Program::line(&line).signing().file("countersign.toml", &file)
}

#[test]
fn the_clock_of_the_emulator_is_moved_by_a_call_and_moved_back_and_no_lifetime_is_blamed() {
    let (served, fixtures) = (Served::emulator(&["--control"]), fixtures());
    let clock = format!("{}/_countersign/clock", served.value_of("endpoint"));
    let call = format!("POST {clock}");
    let arguments =
        ["--clock", &call, "--fixtures", fixtures.folder(), "--jobs", "8", "--repeat", "3", "--format", "jsonl"];
    let finished = served.run(&[&["clock", "success/*", "parameters/duration*"], &arguments[..]].concat()).finish();
    finished.expect(0, &[]);
    for id in ["clock/once", "clock/twice", "success/workgroup-only"] {
        assert_eq!((&case(&finished, id)["verdict"], &case(&finished, id)["runs"]), (&"pass".into(), &3.into()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shown = runtime.block_on(async { reqwest::get(&clock).await?.text().await }).expect("it is read");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["moved_seconds"], 0.0, "{shown}");
}

#[cfg(unix)]
#[rstest]
#[case::as_text("clock = { command = 'printf \"%s \" \"$COUNTERSIGN_ADVANCE_SECONDS\" >> moves' }")]
#[case::as_table(
    "[targets.mine.clock]\ncommand = 'cat moves /dev/null; printf \"%s \" $COUNTERSIGN_ADVANCE_SECONDS >> ./moves'"
)]
fn a_command_of_the_file_moves_the_clock_in_the_folder_of_the_file(#[case] clock: &str) {
    let (server, fixtures) = (Stub::saying(|_| credentials()), fixtures());
    let mut program = program(&fixtures, &server, clock).file("moves", "");
    let finished = program.finish();
    finished.expect(0, &[]);
    assert_eq!(case(&finished, "clock/twice")["verdict"], "pass", "{finished:#?}");
    assert_eq!(program.read("moves"), "901 -901 1800 60 -1860 ");
}

#[cfg(unix)]
#[test]
fn a_clock_that_is_not_moved_blocks_its_cases_alone_and_is_named_without_secrets() {
    let (server, fixtures) = (Stub::saying(|_| credentials()), fixtures());
    let clock = "clock.command = 'echo no clock here for $AWS_SECRET_ACCESS_KEY >&2; exit 4'";
    let mut program = program(&fixtures, &server, clock).env("AWS_SECRET_ACCESS_KEY", "canary-secret-of-ours/+x");
    let finished = program.finish();
    let words = "the target's clock was not moved by 901 s: the command echo no clock here";
    finished.expect(1, &[words, "it ended with exit code 4: no clock here for ***"]);
    assert_eq!(case(&finished, "clock/once")["verdict"], "blocked");
    assert_eq!(case(&finished, "clock/twice")["verdict"], "blocked");
    assert_eq!(case(&finished, "success/workgroup-only")["verdict"], "pass", "{finished:#?}");
    assert!(!format!("{finished:?}").contains("canary-secret"), "{finished:#?}");
}

#[rstest]
#[case::refused(refusal("400 Bad Request", "NoClock", "there is no clock here"), "400 {\\\"__type\\\":\\\"NoClock\\\"")]
#[case::not_found(crate::stub_server::answer("404 Not Found", "text/plain", "no such page"), "404 no such page")]
fn a_call_that_is_refused_blocks_its_cases_alone(#[case] answer: String, #[case] words: &str) {
    let server =
        Stub::saying(move |request| if request.contains("/my/clock") { answer.clone() } else { credentials() });
    let fixtures = fixtures();
    let clock = format!("clock = \"POST {}/my/clock\"", server.endpoint);
    let finished = program(&fixtures, &server, &clock).finish();
    finished.expect(1, &["the target's clock was not moved by 901 s: POST http://127.0.0.1:", words]);
    assert_eq!(case(&finished, "clock/once")["verdict"], "blocked");
    assert_eq!(case(&finished, "success/workgroup-only")["verdict"], "pass", "{finished:#?}");
}

#[test]
fn a_clock_where_nobody_listens_blocks_its_cases_alone() {
    let (server, fixtures) = (Stub::saying(|_| credentials()), fixtures());
    let finished = program(&fixtures, &server, &format!("clock = \"POST {}/\"", closed_port())).finish();
    finished.expect(1, &["the target's clock was not moved by 901 s"]);
    assert_eq!(case(&finished, "success/workgroup-only")["verdict"], "pass", "{finished:#?}");
}

#[rstest]
#[case::no_answer("\"advance_seconds\": ", "the target's clock was not moved by 901 s: ")]
#[case::not_back("\"advance_seconds\": -", "the target's clock was not moved back by 901 s: ")]
fn where_nobody_knows_what_the_clock_shows_no_further_case_is_judged(#[case] hung: &'static str, #[case] words: &str) {
    let server = Stub::saying(move |request| {
        if request.contains(hung) {
            thread::sleep(Duration::from_secs(2));
        }
        if request.contains("/my/clock") { aws("200 OK", "{}") } else { credentials() }
    });
    let fixtures = fixtures();
    let clock = format!("clock = \"POST {}/my/clock\"\ntimeout = 0.5", server.endpoint);
    let finished = program(&fixtures, &server, &clock).finish();
    finished.expect(1, &[words]);
    for id in ["clock/once", "clock/twice", "success/workgroup-only"] {
        assert_eq!(case(&finished, id)["verdict"], "blocked", "{finished:#?}");
    }
}

#[test]
fn a_call_has_the_method_the_path_and_the_body_that_the_file_gives_it() {
    let (sent, calls) = mpsc::channel();
    let server = Stub::saying(move |request| {
        if request.contains("/ahead") {
            sent.send(request.to_owned()).expect("it is heard");
            return aws("200 OK", "");
        }
        credentials()
    });
    let fixtures = fixtures();
    let clock = "call = \"PUT {server}/ahead/{seconds}?unit=s\"\nbody = '<by>{seconds}</by>'";
    let clock = format!("[targets.mine.clock]\n{}", clock.replace("{server}", &server.endpoint));
    program(&fixtures, &server, &clock).finish().expect(0, &[]);
    let calls: Vec<_> = calls.try_iter().collect();
    let lines: Vec<_> = calls.iter().map(|call| call.lines().next().unwrap_or_default()).collect();
    let expected = ["901", "-901", "1800", "60", "-1860"].map(|by| format!("PUT /ahead/{by}?unit=s HTTP/1.1"));
    assert_eq!(lines, expected);
    assert!(calls[1].ends_with("\r\n\r\n<by>-901</by>") && calls[1].contains("content-type: application/json"));
    assert!(calls.iter().all(|call| !call.to_lowercase().contains("authorization")), "{calls:#?}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_case_moves_the_clock_back() {
    let (server, fixtures) = (Stub::saying(|_| credentials()), fixtures());
    let clock = "clock.command = 'printf \"%s \" $COUNTERSIGN_ADVANCE_SECONDS >> moves; sleep 1'";
    let mut program = program(&fixtures, &server, clock).file("moves", "");
    let mut child = program.command().stdout(std::process::Stdio::null()).spawn().expect("it runs");
    let start = Instant::now();
    while program.read("moves").is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
        thread::sleep(Duration::from_millis(20));
    }
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    assert_eq!(child.wait().expect("it ended").code(), Some(130));
    assert_eq!(program.read("moves"), "901 -901 ");
}

#[rstest]
#[case::no_clock(
    "--claim clock --endpoint http://127.0.0.1:1",
    2,
    "--claim has the feature clock, and nothing says how"
)]
#[case::our_own("--target emulator", 2, "--clock is for a server that --endpoint names, but the target is emulator")]
#[case::no_server("", 2, "--clock describes a server, and nothing says which")]
fn a_clock_and_its_feature_come_together(#[case] arguments: &str, #[case] code: i32, #[case] words: &str) {
    let mut line: Vec<_> = ["run"].into_iter().chain(arguments.split(' ').filter(|word| !word.is_empty())).collect();
    if !line.contains(&"--claim") {
        line.extend(["--clock", "POST http://127.0.0.1:1/clock"]);
    }
    Program::new(&line).finish().expect(code, &[words]);
}

#[rstest]
#[case::get("GET http://127.0.0.1/clock", 2, "--clock: expected a call such as POST http://127.0.0.1:4566/")]
#[case::password("POST http://me:CANARY@127.0.0.1/clock", 2, "without user and password in the URL")]
#[case::aws("POST https://sts.amazonaws.com/", 6, "--clock: the call goes to sts.amazonaws.com, a host of AWS")]
fn a_call_that_cannot_be_made_is_refused_and_not_repeated(#[case] call: &str, #[case] code: i32, #[case] words: &str) {
    let finished = Program::new(&["run", "--endpoint", "http://127.0.0.1:1", "--clock", call]).finish();
    finished.expect(code, &[words]);
    assert!(!format!("{finished:?}").contains("CANARY"), "{finished:#?}");
}

#[rstest]
#[case::aws("clock = \"POST https://sts.amazonaws.com/\"", 6, "targets.mine.clock in ")]
#[case::both("clock = { call = \"POST http://127.0.0.1/\", command = \"x\" }", 2, "expected either `call`")]
#[case::body_of_a_command("clock = { command = \"x\", body = \"\" }", 2, "expected either `call`")]
#[case::no_seconds("clock = { call = \"POST http://127.0.0.1/\", body = \"{}\" }", 2, "expected {seconds} in the body")]
#[case::number("clock = 5", 2, "expected a call such as")]
#[case::unknown("clock = { cmd = \"x\" }", 2, "unknown field `cmd`")]
fn a_file_with_another_clock_is_refused(#[case] clock: &str, #[case] code: i32, #[case] words: &str) {
    let file = format!("[targets.mine]\nendpoint = \"http://127.0.0.1:1\"\n{clock}\n");
    Program::line("run --target mine").file("countersign.toml", &file).finish().expect(code, &[words]);
}

#[test]
fn nobody_moves_the_clock_of_real_aws() {
    let line = "run --target aws --workgroup wg-1 --allow-aws 123456789012/us-east-1/wg-1 --clock";
    let arguments: Vec<_> = line.split(' ').chain(["POST http://127.0.0.1:1/clock"]).collect();
    Program::new(&arguments)
        .signing()
        .finish()
        .expect(6, &["--clock moves a clock, and nobody moves the one of real AWS"]);
}

#[test]
fn what_moves_the_clock_is_among_the_settings_and_claims_its_feature() {
    let file = "[targets.mine]\nendpoint = \"http://127.0.0.1:1\"\nclock.command = \"./ahead\"\n";
    let shown = Program::line("config show --target mine --format json").file("countersign.toml", file).finish();
    shown.expect(0, &[]);
    let shown = shown.json();
    let setting = |name: &str| {
        let mut settings = shown["settings"].as_array().expect("a list").iter();
        settings.find(|setting| setting["name"] == name).unwrap_or_else(|| panic!("no {name} in {shown}"))
    };
    assert_eq!(setting("clock")["value"], "the command ./ahead");
    assert_eq!(setting("clock")["origin"]["key"], "targets.mine.clock");
    assert_eq!(setting("claim")["value"], json!(["core", "clock"]));
}
