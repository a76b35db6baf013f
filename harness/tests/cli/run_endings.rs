//! How runs end: at the first failure, at an interruption, at a target that is not there.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rstest::rstest;

use crate::fixtures::Fixtures;
use crate::program::Program;
use crate::runs::Served;
use crate::stub_server::{Stub, aws, refusal};

/// A right answer, by the clock of this moment.
fn right() -> String {
    let then = jiff::Timestamp::now().as_second() + 900;
    let body = format!(r#"{{"dbPassword":"p","dbUser":"u","expiration":{then},"nextRefreshTime":{then}}}"#);
    aws("200 OK", &body)
}

#[test]
fn fail_fast_ends_at_a_failure_and_not_at_a_known_one() {
    let served = Served::emulator(&["--defect", "duration-clamped"]);
    let arguments = ["parameters/duration-below", "--fail-fast"];
    served.run(&arguments).finish().expect(1, &["1 fail", "the run was cut short"]);
    let baseline = r#"{"version":1,"entries":[{"pattern":"parameters/duration-below","reason":"not built yet"}]}"#;
    let excused =
        served.run(&[&arguments[..], &["--baseline", "known.json"]].concat()).file("known.json", baseline).finish();
    assert!(!excused.expect(0, &["6 known-fail"]).stdout.contains("cut short"), "{excused:#?}");
}

#[test]
fn fail_fast_ends_at_the_first_of_many_runs_of_a_case_that_fails_and_reports_all_until_then() {
    const BETWEEN: usize = 3;
    // The probe and some runs are answered rightly, and nothing after them.
    let request_count = AtomicUsize::new(0);
    let stub = Stub::saying(move |_| match request_count.fetch_add(1, Ordering::Relaxed) {
        ..=BETWEEN => right(),
        _ => refusal("400 Bad", "ValidationException", "m"),
    });
    let cases = "run success/without-database success/workgroup-only";
    let line = format!("{cases} --repeat 10000 --fail-fast --jobs 1 --report-json r.json");
    let mut program = Program::at(&stub.endpoint, &line);
    program.finish().expect(1, &["1 fail", "the run was cut short"]);
    let report = program.json("r.json");
    let cases = report["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 1, "{report:#}");
    assert_eq!((&cases[0]["verdict"], &cases[0]["runs"]), (&"fail".into(), &(BETWEEN + 1).into()));
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["verdicts"]["fail"], 1);
    // The probe, the runs, one whose request was on its way, and those two again on new connections.
    assert!(stub.connections() <= BETWEEN + 5, "{} connections", stub.connections());
}

#[test]
fn a_baseline_of_a_target_that_is_not_there_is_not_written() {
    // Nothing can listen there: the port is reserved (TCPMUX) and needs privileges.
    let mut program = Program::at("http://127.0.0.1:1", "baseline write known.json");
    program.finish().expect(3, &["nothing was written", "cannot connect"]);
    assert!(!program.folder().join("known.json").exists());
}

#[rstest]
#[case::line_end("AWS_ACCESS_KEY_ID", "test\n")]
#[case::injected_field("AWS_ACCESS_KEY_ID", "te\r\nx-injected: 1")]
#[case::secret("AWS_SECRET_ACCESS_KEY", "CANARY \n")]
#[case::token("AWS_SESSION_TOKEN", "CANARY\u{7}")]
fn credentials_that_no_header_field_can_hold_are_refused_by_name(#[case] variable: &str, #[case] value: &str) {
    let stub = Stub::answering(aws("200 OK", "{}"));
    let finished = Program::at(&stub.endpoint, "run success/workgroup-only").env(variable, value).finish();
    finished.expect(2, &[variable, "line end"]);
    assert!(!finished.stderr.contains("CANARY"), "{finished:#?}");
    assert_eq!(stub.connections(), 0, "nothing is sent");
}

#[rstest]
#[case::twice(&["run", "--report-json", "a.out", "--report-html", "./a.out"], "--report-html and --report-json name the same file")]
#[case::a_badge(&["run", "--report-md", "a.svg", "--badge", "a.svg"], "--badge and --report-md name the same file")]
#[case::its_own_input(&["report", "--from", "run.jsonl", "--report-html", "run.jsonl"], "--report-html and --from name the same file")]
fn a_report_never_takes_the_place_of_another_file_that_is_named(#[case] arguments: &[&str], #[case] expected: &str) {
    let mut program = Program::new(arguments).file("run.jsonl", "the stream");
    program.finish().expect(2, &[expected]);
    assert_eq!(program.read("run.jsonl"), "the stream");
    assert!(!program.folder().join("a.out").exists());
}

#[test]
fn what_a_server_does_not_claim_is_no_known_failure_of_it() {
    let stub = Stub::answering(refusal("400 Bad", "UnknownOperationException", "m"));
    let mut program = Program::at(&stub.endpoint, "baseline write known.json signature success");
    program.finish().expect(0, &["wrote known.json"]);
    let baseline = program.read("known.json");
    assert!(baseline.contains("\"success") && !baseline.contains("\"signature"), "{baseline}");
}

/// A right answer with a password of letters and a hyphen only, so that nothing but having seen it tells what it is,
/// and a refusal that repeats it.
fn given_and_repeated() -> [String; 2] {
    let right = right();
    let (_, body) = right.split_once("\r\n\r\n").expect("a head and a body");
    let echo = refusal("400 Bad Request", "ResourceNotFoundException", "you got correct-horse-canary before");
    [aws("200 OK", &body.replace("\"p\"", "\"correct-horse-canary\"")), echo]
}

#[test]
fn a_password_that_is_always_the_same_is_not_repeated_from_a_later_error() {
    let [right, wrong] = given_and_repeated();
    let stub = Stub::saying(move |request| if request.contains("durationSeconds") { &wrong } else { &right }.clone());
    let line = "run parameters/duration-outside --no-sign --report-json r.json --report-html r.html -v";
    let mut program = Program::at(&stub.endpoint, line);
    let finished = program.finish();
    finished.expect(1, &["you got *** before"]);
    for text in [&finished.stdout, &finished.stderr, &program.read("r.json"), &program.read("r.html")] {
        assert!(!text.contains("correct-horse"), "{text}");
    }
}

#[test]
fn a_password_that_is_given_once_is_not_repeated_from_a_later_error_though_it_looks_like_a_word() {
    let [right, wrong] = given_and_repeated();
    let probed = AtomicBool::new(false);
    let stub = Stub::saying(move |_| if probed.swap(true, Ordering::SeqCst) { &wrong } else { &right }.clone());
    let finished = Program::at(&stub.endpoint, "run success/workgroup-only --no-sign -v").finish();
    finished.expect(1, &["you got *** before"]);
    assert!(!finished.stdout.contains("correct-horse"), "{}", finished.stdout);
}

#[test]
fn a_custom_domain_that_is_given_is_tried_whatever_else_is_claimed() {
    let arguments = ["config", "show", "--endpoint", "http://localhost:1", "--claim", "signature"];
    let all_arguments = [&arguments[..], &["--custom-domain", "db.example.com"]].concat();
    Program::new(&all_arguments).finish().expect(0, &["core, signature, custom-domain"]);
    assert!(!Program::new(&arguments).finish().stdout.contains("signature, custom-domain"));
}

#[rstest]
#[case("timeout = -1.0", "targets.mine.timeout in", "expected 0.001 to 3600 seconds, found -1")]
#[case("timeout = inf", "targets.mine.timeout in", "expected 0.001 to 3600 seconds, found inf")]
#[case("jobs = 9223372036854775807", "targets.mine.jobs in", "expected 1 to 1024, found 9223372036854775807")]
#[case("jobs = 0", "targets.mine.jobs in", "expected 1 to 1024, found 0")]
fn a_number_of_the_config_file_is_held_to_what_its_flag_takes(
    #[case] line: &str,
    #[case] place: &str,
    #[case] expected: &str,
) {
    let config =
        format!("target = \"mine\"\n[targets.mine]\nendpoint = \"http://localhost:1\"\nsign = false\n{line}\n");
    Program::new(&["run"]).file("countersign.toml", &config).finish().expect(2, &[place, expected]);
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let mut program = Program::new(&["run", "success", "--report-json"]);
    program.command().arg(std::ffi::OsStr::from_bytes(b"\xff.json"));
    program.finish().expect(0, &["8 pass"]);
}

#[test]
fn the_command_that_shows_a_case_again_takes_everything_that_it_needs() {
    let stub = Stub::answering(right());
    let line = "run protocol/utf-16 --no-sign --db-name mydb --format jsonl";
    let stream = Program::at(&stub.endpoint, line).finish().stdout;
    assert!(stream.contains("--db-name mydb --no-sign\""), "{stream}");
}

/// Sends a signal as a terminal does.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

#[cfg(unix)]
#[rstest]
#[case::before_the_first_answer(0, "no answer before the run was interrupted")]
#[case::at_the_first_case(1, "200 application/x-amz-json-1.1")]
fn an_interruption_ends_the_run_at_once_with_an_incomplete_report(#[case] answered: usize, #[case] expected: &str) {
    let (stub, wait) = Stub::stuck_after(answered);
    let mut program = Program::at(&stub.endpoint, "run --jobs 1 --timeout 600 --report-json r.json");
    let child = program.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    wait.recv().expect("a request is in flight");
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report = program.json("r.json");
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["conformant"], false);
    assert_eq!(report["run"]["target"]["said"], expected);
}

#[cfg(unix)]
#[test]
fn an_interruption_waits_for_what_is_being_undone() {
    use std::io::{Read, Write};
    use std::sync::{Mutex, mpsc};

    let right = right();
    let (hung, head_hangs) = mpsc::channel();
    let (dropped, head_is_dropped) = mpsc::channel();
    let (began, teardown_began) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (still_there, answered) = mpsc::channel();
    let shared = Mutex::new((hung, dropped, began, still_there));
    let released = Mutex::new(released);
    let stub = Stub::new(move |stream, request| {
        let (hung, dropped, began, still_there) = {
            let shared = shared.lock().expect("one thread at a time");
            (shared.0.clone(), shared.1.clone(), shared.2.clone(), shared.3.clone())
        };
        if request.contains("durationSeconds") {
            // The first case: no answer, until the client gives up.
            let _ = hung.send(());
            let _ = stream.read(&mut [0]);
            let _ = dropped.send(());
            return;
        }
        if !request.contains("wg-1") {
            // The teardown of the second one, which names another workgroup.
            let _ = began.send(());
            let _ = released.lock().expect("one thread at a time").recv();
            let _ = stream.set_nonblocking(true);
            let waits = matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
            let _ = still_there.send(waits);
            let _ = stream.set_nonblocking(false);
        }
        let _ = stream.write_all(right.as_bytes());
    });
    let undo = r#""teardown": [{"request": {"input": {"workgroupName": "${random:20}"}}, "expect": {"status": 200, "schema": "GetCredentialsResponse"}, "reply": "credentials"}], "steps": ["#;
    let fixtures = Fixtures::with("server/success.json", "\"steps\": [", undo);
    let cases = format!("run lifetimes/chosen/900 success/called-twice --fixtures {}", fixtures.folder());
    let mut program = Program::at(&stub.endpoint, &format!("{cases} --jobs 4 --timeout 600"));
    let child = program.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    head_hangs.recv().expect("the first case hangs");
    teardown_began.recv().expect("the second case is being undone");
    interrupt(&child);
    head_is_dropped.recv().expect("the first case is given up");
    release.send(()).expect("the server waits");
    assert!(answered.recv().expect("the server goes on"), "nobody waits for what is being undone");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("teardown failed"), "{output:?}");
}
