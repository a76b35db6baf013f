//! Inputs that would make a program hang, fill the memory or panic end in bounded time with a sentence and an exit code.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::fixtures::Fixtures;
use crate::program::Program;

/// A program with `pipe`, a pipe that nobody uses, and `sparse`, a file of gigabytes, in its folder.
#[cfg(unix)]
fn among_odd_files(arguments: &str) -> Program {
    let program = Program::line(arguments).signing();
    let made = Command::new("mkfifo").arg(program.folder().join("pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    let sparse = File::create(program.folder().join("sparse")).expect("a file");
    sparse.set_len(5 << 30).expect("a file with a hole");
    program
}

#[cfg(unix)]
#[rstest]
#[case::certificates("run --endpoint https://127.0.0.1:1 --ca-file", "(--ca-file)")]
#[case::baseline("run --baseline", "cannot read the baseline")]
#[case::config("run --config", "cannot use")]
#[case::run_stream("report --from", "line 1 of the run stream")]
#[case::two_run_streams("diff sparse", "line 1 of the run stream")]
fn a_file_without_end_is_refused_as_input(
    #[case] arguments: &str,
    #[case] expected: &str,
    #[values("sparse", "/dev/zero")] file: &str,
) {
    let started = Instant::now();
    let finished = among_odd_files(&format!("{arguments} {file}")).finish();
    finished.expect(2, &[expected, "expected at most", "found more; is it "]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[cfg(unix)]
#[rstest]
#[case::input("run --endpoint https://127.0.0.1:1 --ca-file pipe", 2, "nothing came from it for 5 seconds")]
#[case::run_stream("report --from pipe", 2, "nothing came from it for 5 seconds")]
#[case::report("run success/workgroup-only --report-html pipe", 2, "nobody read from it for 5 seconds")]
fn a_pipe_that_nobody_uses_is_given_up(#[case] arguments: &str, #[case] code: i32, #[case] expected: &str) {
    among_odd_files(arguments).finish().expect(code, &[expected]);
}

#[cfg(unix)]
#[rstest]
#[case::aws_configuration("AWS_CONFIG_FILE")]
#[case::aws_keys("AWS_SHARED_CREDENTIALS_FILE")]
fn a_file_without_end_is_refused_as_configuration_of_aws(#[case] variable: &str) {
    let mut program = among_odd_files("run --endpoint http://127.0.0.1:1").env(variable, "sparse");
    program.command().env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    program.finish().expect(2, &["cannot read sparse: expected at most 16 MiB, found more"]);
}

#[test]
fn a_pipe_that_speaks_is_a_run_stream() {
    let mut run = Program::line("run success/workgroup-only --report-jsonl run.jsonl");
    run.finish().expect(0, &[]);
    let stream = run.folder().join("run.jsonl");
    let mut report = Program::line("report --from /dev/stdin --report-json report.json");
    report.command().stdin(File::open(stream).expect("a run stream"));
    report.finish().expect(0, &[]);
    assert_eq!(report.json("report.json")["cases"][0]["verdict"], "pass");
}

fn deep_pattern() -> String {
    format!("{}a{}", "{".repeat(250), "}".repeat(250))
}

#[rstest]
#[case::deep(deep_pattern(), "nested too deeply")]
#[case::long(format!("[{}]", "a".repeat(100_000)), "expected at most 1000 characters, found 100002")]
fn a_pattern_beyond_the_bounds_is_refused_wherever_it_stands(#[case] pattern: String, #[case] expected: &str) {
    for arguments in [&["run", &*pattern][..], &["run", "--skip", &pattern], &["selftest", &pattern]] {
        Program::new(arguments).finish().expect(2, &[expected]);
    }
    Program::line("run").env("COUNTERSIGN_SKIP", &pattern).finish().expect(2, &[expected]);
    let baseline = format!(r#"{{"version": 1, "entries": [{{"pattern": "{pattern}", "reason": "r"}}]}}"#);
    let mut run = Program::line("run --baseline known.json").file("known.json", &baseline);
    run.finish().expect(2, &["/entries/0/pattern", expected]);
}

#[rstest]
#[case::status(r#"{"status": 99}"#, "/status: expected a status from 200 to 999, found 99")]
#[case::header(r#"{"header": {"name": "x", "value": "a\r\nb"}}"#, "/header: expected the value of a header field")]
#[case::length(r#"{"header": {"name": "content-length", "value": "5"}}"#, "/header: expected no Content-Length")]
fn a_defect_that_cannot_be_sent_is_refused_by_every_command(#[case] change: &str, #[case] expected: &str) {
    let fixtures = Fixtures::with(
        "defects/success.json",
        r#""response": [{"status": 201}]"#,
        &format!(r#""response": [{change}]"#),
    );
    for command in ["validate", "selftest", "serve emulator --defect success-201"] {
        Program::line(&format!("{command} --fixtures {}", fixtures.folder())).finish().expect(5, &[expected]);
    }
}

#[rstest]
#[case::status("\"status\": 200", "\"status\": 99", "/status: expected a status that can be replayed")]
#[case::header("\"headers\": {", "\"headers\": {\"a b\": \"c\", ", "/headers: expected the name of a header field")]
fn a_reply_that_cannot_be_sent_is_refused(#[case] old: &str, #[case] new: &str, #[case] expected: &str) {
    let fixtures = Fixtures::with("replies/credentials.json", old, new);
    Program::new(&["validate", "--fixtures", fixtures.folder()]).finish().expect(5, &[expected]);
}

/// The program with a limit of open files.
#[cfg(unix)]
fn with_few_files(arguments: &str, limit: u32) -> Program {
    let mut program = Program::line("-c");
    let binary = env!("CARGO_BIN_EXE_countersign");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {limit}; exec {binary} {arguments}")]).current_dir(program.folder());
    *program.command() = shell;
    program
}

#[cfg(unix)]
#[rstest]
#[case::run("run success/workgroup-only")]
#[case::mock("run success/workgroup-only --target mock")]
#[case::endpoint("run --endpoint http://127.0.0.1:1 --no-sign")]
#[case::doctor("doctor --endpoint http://127.0.0.1:1 --no-sign")]
#[case::selftest("selftest success-201")]
#[case::serve_mock("serve mock --listen 127.0.0.1:0")]
#[case::serve_emulator("serve emulator --listen 127.0.0.1:0")]
fn too_few_files_are_a_sentence(#[case] arguments: &str, #[values(4, 6, 7, 9)] limit: u32) {
    let finished = with_few_files(arguments, limit).finish();
    assert!(matches!(finished.code, 2 | 3 | 5), "{finished:#?}");
    finished.expect(finished.code, &["error: ", "Too many open files"]);
}

#[cfg(unix)]
#[rstest]
#[case::mock("serve mock --listen 127.0.0.1:0 --format json")]
#[case::emulator("serve emulator --listen 127.0.0.1:0 --format json")]
fn a_server_that_ran_out_of_files_serves_again(#[case] arguments: &str) {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::Stdio;

    let mut program = with_few_files(arguments, 48);
    let mut server = program.command().stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut ready = String::new();
    BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut ready).expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    let address =
        ready["endpoint"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an endpoint").to_owned();
    let crowd: Vec<_> = (0..100).map(|_| TcpStream::connect(&address).expect("the system takes it")).collect();
    std::thread::sleep(Duration::from_millis(300));
    drop(crowd);
    let mut client = TcpStream::connect(&address).expect("it listens");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").expect("it takes a request");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(server.try_wait().expect("its state").is_none(), "it ended");
    server.kill().and_then(|()| server.wait()).expect("it ends");
}

#[cfg(unix)]
#[rstest]
fn a_signal_before_the_run_ends_the_program_like_ctrl_c(#[values("-INT", "-TERM")] signal: &str) {
    use std::process::Stdio;

    let mut program = among_odd_files("run --config pipe");
    let child = program.command().stderr(Stdio::piped()).spawn().expect("the binary runs");
    // It waits for its configuration now.
    std::thread::sleep(Duration::from_millis(500));
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "interrupted\n");
}
