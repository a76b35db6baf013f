//! Cases that log in to a database with the credentials that a target gives.

use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::program::{Finished, Program, events};
use crate::stub_server::{Stub, aws};

const PASSWORD: &str = "canary-7Qx!/+correct horse";

/// The fixtures of the project with one more suite that logs in.
fn fixtures() -> Fixtures {
    let fixtures = Fixtures::copy();
    let fresh = json!({ "name": "fresh", "decides": [], "request": { "input": { "workgroupName": "${workgroup}" } } });
    let login = |changed: Value, refused: bool| {
        let mut login = json!({
            "user": "${steps.fresh/dbUser}", "password": "${steps.fresh/dbPassword}", "database": "${database}"
        });
        if refused {
            (login["refused"], login["changed"]) = (true.into(), changed);
        }
        login
    };
    let right = json!({ "name": "in", "login": login(Value::Null, false) });
    let query = json!({ "name": "user", "query": {
        "on": "in", "sql": "select current_user", "answers": "${steps.fresh/dbUser}" } });
    let forbidden =
        json!({ "name": "forbidden", "query": { "on": "in", "sql": "drop table secrets", "refused": true } });
    let wrong = ["truncated", "empty", "other-end"]
        .map(|change| json!({ "name": change, "login": login(change.into(), true) }));
    let case = |id: &str, title: &str, steps: Vec<Value>| json!({ "id": id, "title": title, "requirements": ["GC-LOGIN-01"], "needs": ["login"], "steps": steps });
    let suite = json!({ "version": 1, "operation": "GetCredentials", "cases": [
        case("logins/right", "The password logs the user in", vec![fresh.clone(), right.clone(), query, forbidden]),
        case("logins/wrong", "Another password is refused", [vec![fresh, right], wrong.to_vec()].concat()),
    ] });
    fixtures.add("server/logins.json", &suite.to_string());
    fixtures
}

/// A server that gives credentials.
fn server() -> Stub {
    let then = jiff::Timestamp::now().as_second() + 900;
    let times = format!(r#""expiration":{then},"nextRefreshTime":{then}"#);
    Stub::answering(aws("200 OK", &format!(r#"{{"dbPassword":"{PASSWORD}","dbUser":"IAM:somebody",{times}}}"#)))
}

fn run(database: &str) -> Finished {
    let (fixtures, server) = (fixtures(), server());
    let line = format!(
        "run logins --claim login --workgroup wg-1 --no-sign --format jsonl --fixtures {} --endpoint {}",
        fixtures.folder(),
        server.endpoint
    );
    let arguments: Vec<_> = line.split(' ').chain(["--database", database]).collect();
    let finished = Program::new(&arguments).finish();
    for secret in [PASSWORD, "correct horse", "canary-7Qx", "correct%20horse"] {
        assert!(!format!("{finished:?}").contains(secret), "{finished:#?}");
    }
    finished
}

fn case(finished: &Finished, id: &str) -> Value {
    let of = |event: &Value| event["event"] == "case" && event["id"] == id;
    events(&finished.stdout).into_iter().find(of).unwrap_or_else(|| panic!("no {id} in {finished:#?}"))
}

#[test]
fn a_wrong_url_of_a_database_is_refused_and_not_repeated() {
    let line = ["run", "--endpoint", "http://127.0.0.1:1", "--database", "postgres://admin:CANARY@localhost"];
    let finished = Program::new(&line).finish();
    finished.expect(2, &["--database: expected a URL such as postgres://{user}:{password}@"]);
    assert!(!format!("{finished:?}").contains("CANARY"), "{finished:#?}");
}

#[test]
fn a_database_of_real_aws_is_refused() {
    let url = "postgres://{user}:{password}@wg.1.us-east-1.redshift-serverless.amazonaws.com:5439";
    let line = ["run", "--endpoint", "http://127.0.0.1:1", "--database", url];
    Program::new(&line).finish().expect(6, &["--database", "real AWS"]);
}

#[cfg(not(feature = "login"))]
#[test]
fn a_build_that_cannot_log_in_says_so() {
    let finished = run("postgres://{user}:{password}@localhost");
    finished.expect(1, &["it was built without the Cargo feature login"]);
    assert_eq!(case(&finished, "logins/right")["verdict"], "blocked");
}

#[cfg(not(feature = "login"))]
#[test]
fn a_build_that_cannot_log_in_tries_no_entry_that_changes_log_ins_and_says_so() {
    let finished = Program::line("selftest login-never-expires unsigned-taken").finish();
    finished.expect(0, &["1 of 1 defects found", "not tried    1 that change log-ins"]);
}

#[test]
fn an_entry_that_changes_log_ins_is_served_by_nobody() {
    let words = "login-never-expires changes log-ins, and stands before the door of a self-test only";
    Program::line("serve emulator --defect login-never-expires").finish().expect(2, &[words]);
}

#[cfg(feature = "login")]
mod with_the_feature {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use rstest::rstest;

    use super::*;
    use crate::stub_server::closed_port;

    /// What is wrong with a database.
    #[derive(Clone, Copy, Default)]
    struct Faults {
        any_password: bool,
        other_user: bool,
        everything_allowed: bool,
        refuses_all: Option<&'static str>,
        /// Whose connection it closes.
        hangs_up_on: Option<Whom>,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Whom {
        WhoHasThePassword,
        Everybody,
    }

    /// A database that lets somebody in with the right password. Source: `PostgreSQL` documentation, frontend/backend
    /// protocol, message formats.
    fn database(faults: Faults) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, faults));
            }
        });
        format!("postgres://{{user}}:{{password}}@127.0.0.1:{port}/?sslmode=prefer")
    }

    fn serve(mut stream: TcpStream, faults: Faults) -> Option<()> {
        let mut user = String::new();
        while user.is_empty() {
            let start = read(&mut stream, false)?;
            // 80877103 asks for TLS.
            if start.starts_with(&80_877_103_u32.to_be_bytes()) {
                stream.write_all(b"N").ok()?;
                continue;
            }
            let mut parts = start[4..].split(|byte| *byte == 0).map(String::from_utf8_lossy);
            while let Some(name) = parts.next() {
                let value = parts.next().unwrap_or_default();
                if name == "user" {
                    user = value.into_owned();
                }
            }
        }
        send(&mut stream, b'R', &3_u32.to_be_bytes())?;
        let password = read(&mut stream, true)?;
        let is_right = password.strip_suffix(&[0]) == Some(PASSWORD.as_bytes());
        match faults.hangs_up_on {
            Some(Whom::WhoHasThePassword) if is_right => return None,
            Some(Whom::Everybody) => return None,
            _ => {}
        }
        if let Some(code) = faults.refuses_all {
            return error(&mut stream, "FATAL", code, "not now");
        }
        if user != "IAM:somebody" || !(is_right || faults.any_password) {
            let words = format!("password {} is wrong", String::from_utf8_lossy(&password));
            return error(&mut stream, "FATAL", "28P01", words.trim_matches('\0'));
        }
        send(&mut stream, b'R', &0_u32.to_be_bytes())?;
        loop {
            send(&mut stream, b'Z', b"I")?;
            let sql = read(&mut stream, true)?;
            if sql.starts_with(b"select current_user") || faults.everything_allowed {
                let answer = if faults.other_user { "master" } else { user.as_str() };
                let mut column = b"\0\x01current_user\0".to_vec();
                column.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0, 64, 255, 255, 255, 255, 0, 0]);
                send(&mut stream, b'T', &column)?;
                let length = u32::try_from(answer.len()).expect("short").to_be_bytes();
                send(&mut stream, b'D', &[&[0, 1], &length[..], answer.as_bytes()].concat())?;
                send(&mut stream, b'C', b"SELECT 1\0")?;
            } else {
                error(&mut stream, "ERROR", "42501", "you may not")?;
            }
        }
    }

    /// The next message, without its kind and its length.
    fn read(stream: &mut TcpStream, with_kind: bool) -> Option<Vec<u8>> {
        let mut head = [0; 5];
        stream.read_exact(&mut head[usize::from(!with_kind)..]).ok()?;
        let length = u32::from_be_bytes(head[1..].try_into().ok()?).checked_sub(4)?;
        let mut body = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut body).ok()?;
        (!with_kind || head[0] != b'X').then_some(body)
    }

    fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Option<()> {
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        stream.write_all(&[&[kind], &length[..], body].concat()).ok()
    }

    fn error(stream: &mut TcpStream, severity: &str, code: &str, words: &str) -> Option<()> {
        let fields = format!("S{severity}\0V{severity}\0C{code}\0M{words}\0\0");
        send(stream, b'E', fields.as_bytes())
    }

    #[test]
    fn the_password_logs_in_and_others_do_not() {
        let finished = run(&database(Faults::default()));
        finished.expect(0, &[]);
        for id in ["logins/right", "logins/wrong"] {
            assert_eq!(case(&finished, id)["verdict"], "pass", "{finished:#?}");
        }
    }

    #[rstest]
    #[case::any_password(Faults { any_password: true, ..Faults::default() }, "logins/wrong", "truncated", "log-in")]
    #[case::other_user(Faults { other_user: true, ..Faults::default() }, "logins/right", "user", "statement")]
    #[case::everybody_is_master(Faults { everything_allowed: true, ..Faults::default() }, "logins/right", "forbidden", "statement")]
    #[case::nobody(Faults { refuses_all: Some("28000"), ..Faults::default() }, "logins/right", "in", "log-in")]
    #[case::hung_up_on(Faults { hangs_up_on: Some(Whom::WhoHasThePassword), ..Faults::default() }, "logins/right", "in", "log-in")]
    fn a_wrong_database_is_found_at_the_step(
        #[case] faults: Faults,
        #[case] id: &str,
        #[case] step: &str,
        #[case] place: &str,
    ) {
        let finished = run(&database(faults));
        let violation = &case(&finished, id)["violations"][0];
        assert_eq!(violation["requirement"], "GC-LOGIN-01", "{finished:#?}");
        assert_eq!(violation["step"], step, "{finished:#?}");
        assert_eq!(violation["at"], format!("{place}, in the step {step}"));
    }

    #[rstest]
    #[case::everybody_is_hung_up_on(
        database(Faults { hangs_up_on: Some(Whom::Everybody), ..Faults::default() }),
        "at the database"
    )]
    #[case::too_many(database(Faults { refuses_all: Some("53300"), ..Faults::default() }), "refused with 53300")]
    #[case::closed(format!("postgres://{{user}}:{{password}}@{}", closed_port().trim_start_matches("http://")), "no connection")]
    #[case::no_database(format!("postgres://{{user}}:{{password}}@{}", server().endpoint.trim_start_matches("http://")), "at the database")]
    fn a_database_that_says_nothing_is_accused_of_nothing(#[case] database: String, #[case] words: &str) {
        let finished = run(&database);
        finished.expect(3, &[words]);
        assert_eq!(case(&finished, "logins/right")["verdict"], "indeterminate", "{finished:#?}");
    }
}

#[cfg(feature = "login")]
#[test]
fn the_database_that_a_run_logs_in_with_is_none_of_the_emulator() {
    let of_a_run = [("COUNTERSIGN_DATABASE", "postgres://{user}:{password}@127.0.0.1:1/")];
    let served = crate::runs::Served::emulator_with(&[], &of_a_run);
    assert!(served.value_of("endpoint").starts_with("http://127.0.0.1:"));
    let mut program = Program::line("serve emulator --listen 127.0.0.1:0")
        .env("COUNTERSIGN_EMULATOR_DATABASE", "postgres://admin:canary@localhost:port/dev");
    let finished = program.finish();
    finished.expect(2, &["--database (or COUNTERSIGN_EMULATOR_DATABASE): expected a URL such as postgres://"]);
    assert!(!finished.stderr.contains("canary"), "{finished:#?}");
}
