//! Driver processes, whatever they do: this program is the tests, and the drivers that they start.
//!
//! A driver that is started as `driver` does what the workgroup's name in each call says; see `driver`.

mod driver_secrets;
mod sdk_commands;
#[cfg(unix)]
mod sdk_versions;
mod test_driver;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::contract::{Contract, Fixtures, parse};
use countersign::report::reason;
use countersign::run::Interrupt;
use countersign::sdk::cases::ClientCase;
use countersign::sdk::judge::ClientJudge;
use countersign::sdk::record::{Loss, OutcomeRecord, Record};
use countersign::sdk::{DriverCommand, DriverError, Runner, RunnerOptions, check};
use countersign::verdict::{CaseResult, Verdict};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

use driver_secrets::{no_key_comes_out_of_a_hello, no_secret_that_a_driver_was_told_comes_out_again};
#[cfg(unix)]
use sdk_commands::{
    a_check_ends_with_its_verdict_and_says_how_to_accept_a_change,
    an_installation_pins_what_decides_and_one_that_fails_leaves_nothing,
    what_is_installed_is_read_where_nothing_can_be_written,
};
use sdk_commands::{
    a_driver_that_is_not_there_is_named_with_what_to_do, a_run_is_written_as_a_stream_with_its_records,
    client_cases_are_listed_and_explained, the_protocol_check_says_each_claim,
    what_is_installed_is_listed_and_what_was_cut_is_not,
};

#[cfg(unix)]
use sdk_versions::the_version_that_brought_a_change_is_found_and_the_history_has_it;

/// Functions as trials of their names.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($test), || { $test(); Ok(()) })),*]
    };
}
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "driver") {
        test_driver::serve(words.get(2).map_or("", String::as_str));
        return std::process::ExitCode::SUCCESS;
    }
    let mut trials = tests![
        a_call_gives_a_record_and_a_verdict,
        two_runs_give_equal_records,
        results_come_in_the_order_of_the_cases,
        a_driver_that_is_lost_is_replaced,
        a_driver_that_hangs_is_ended,
        a_driver_that_does_not_start_or_say_hello_is_named,
        what_a_driver_cannot_do_is_not_applicable,
        a_driver_sees_nothing_of_the_callers_environment,
        a_case_with_settings_gets_a_process_of_its_own,
        a_password_is_never_recorded_but_its_loss_is,
        several_calls_are_recorded_one_by_one,
        a_case_may_have_nobody_at_its_endpoint,
        what_a_driver_warns_of_is_recorded_in_a_process_of_its_own,
        the_protocol_check_finds_each_fault_of_a_driver,
        a_run_is_written_as_a_stream_with_its_records,
        the_protocol_check_says_each_claim,
        what_is_installed_is_listed_and_what_was_cut_is_not,
        a_driver_that_is_not_there_is_named_with_what_to_do,
        no_secret_that_a_driver_was_told_comes_out_again,
        no_key_comes_out_of_a_hello,
        client_cases_are_listed_and_explained,
    ];
    #[cfg(unix)]
    trials.extend(tests![
        an_installation_pins_what_decides_and_one_that_fails_leaves_nothing,
        a_check_ends_with_its_verdict_and_says_how_to_accept_a_change,
        what_is_installed_is_read_where_nothing_can_be_written,
        the_version_that_brought_a_change_is_found_and_the_history_has_it,
    ]);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The driver of this program, in a manner of its own.
fn command(manner: &str) -> DriverCommand {
    let program = std::env::current_exe().expect("this program has a path").into_os_string();
    DriverCommand { program, arguments: ["driver", manner].map(OsString::from).to_vec(), ..DriverCommand::default() }
}

fn judge() -> ClientJudge {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    ClientJudge::new(Arc::new(contract)).expect("the judge is valid")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// A case whose call names a workgroup, which tells the driver what to do.
fn case(id: &str, workgroup: &str, more: &Value) -> Arc<ClientCase> {
    let mut text =
        json!({ "id": id, "title": "t", "request": { "input": { "workgroupName": { "string": workgroup } } } });
    for (name, value) in more["request"].as_object().into_iter().flatten() {
        text["request"][name] = value.clone();
    }
    for name in ["script", "expect", "requirements", "server"] {
        if let Some(value) = more.get(name) {
            text[name] = value.clone();
        }
    }
    Arc::new(parse("a.json", &text.to_string()).expect("a case"))
}

fn plain(id: &str, workgroup: &str) -> Arc<ClientCase> {
    case(id, workgroup, &json!({}))
}

/// Runs cases with this number of processes.
fn run(jobs: usize, cases: &[Arc<ClientCase>]) -> Vec<CaseResult> {
    run_with(RunnerOptions { jobs, max_attempts: None, isolated: true, tls: false }, cases)
}

fn run_with(options: RunnerOptions, cases: &[Arc<ClientCase>]) -> Vec<CaseResult> {
    block_on(async {
        let runner = Runner::start(command("honest"), judge(), options).await.expect("the driver says hello");
        let mut results = Vec::new();
        assert!(runner.run(cases, &Interrupt::never(), |result| results.push(result)).await, "all cases were run");
        results
    })
}

fn record_of(result: &CaseResult) -> &Record {
    result.record.as_ref().expect("a record")
}

/// A member of the result that the first call of a case came to.
fn member(result: &CaseResult, name: &str) -> Value {
    let OutcomeRecord::Result { result, .. } = &record_of(result).outcomes[0] else { panic!("no result: {result:?}") };
    serde_json::to_value(&result[name]).expect("JSON")
}

fn said(result: &CaseResult) -> String {
    result.reason.as_ref().map(reason).unwrap_or_default()
}

fn a_call_gives_a_record_and_a_verdict() {
    let result = &run(1, &[plain("a/b", "honest")])[0];
    let record = record_of(result);
    assert_eq!(record.attempts, 1);
    let request = &record.requests[0];
    assert_eq!(request.line, "POST / HTTP/1.1");
    assert_eq!(request.headers["host"], "127.0.0.1:<port>");
    assert_eq!(request.body.text.as_deref(), Some(r#"{"workgroupName":"honest"}"#));
    // The driver signs nothing and says no target, and the rules find exactly that.
    let broken: Vec<_> = result.violations.iter().map(|violation| violation.requirement.as_str()).collect();
    assert_eq!(broken, ["GC-CREQ-02", "GC-CSIG-01"]);
    assert_eq!(result.verdict, Verdict::Fail);
}

fn two_runs_give_equal_records() {
    let cases: Vec<_> = (0..6).map(|n| plain(&format!("a/case-{n}"), "honest")).collect();
    let [one, two] = [1, 3].map(|jobs| {
        let records: Vec<_> = run(jobs, &cases).into_iter().map(|result| result.record).collect();
        serde_json::to_string(&records).expect("JSON")
    });
    assert_eq!(one, two);
}

fn results_come_in_the_order_of_the_cases() {
    // The first is done last: it waits, and those with more attempts begin first.
    let cases = [
        case("a/0", "honest", &json!({ "script": [{ "delay_ms": 400 }] })),
        plain("a/1", "honest"),
        case("a/2", "honest", &json!({ "request": { "config": { "maxAttempts": 3 } } })),
    ];
    let ids: Vec<_> = run(3, &cases).into_iter().map(|result| result.id).collect();
    assert_eq!(ids, ["a/0", "a/1", "a/2"]);
}

fn a_driver_that_is_lost_is_replaced() {
    for (workgroup, loss, word) in [
        ("die", Loss::Died, "the driver ended"),
        ("garbage", Loss::Garbled, "not its protocol"),
        ("half-line", Loss::Died, "the driver ended"),
        ("endless-line", Loss::Garbled, "more than"),
        ("other-id", Loss::Garbled, "expected the outcome of a/b, found that of other"),
        ("second-hello", Loss::Garbled, "second hello"),
    ] {
        let results = run(1, &[plain("a/b", workgroup), plain("a/c", "honest")]);
        assert_eq!(results[0].verdict, Verdict::Indeterminate, "{workgroup}");
        assert!(said(&results[0]).contains(word), "{workgroup}: {}", said(&results[0]));
        assert_eq!(record_of(&results[0]).outcomes, [OutcomeRecord::Lost { reason: loss }], "{workgroup}");
        let next = &record_of(&results[1]).outcomes[0];
        assert!(matches!(next, OutcomeRecord::Result { .. }), "{workgroup}: the next case goes on");
    }
}

fn a_driver_that_hangs_is_ended() {
    let hang = case("a/b", "hang", &json!({ "request": { "deadline_ms": 500 } }));
    let start = Instant::now();
    let results = run(1, &[hang, plain("a/c", "honest")]);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(record_of(&results[0]).outcomes, [OutcomeRecord::Lost { reason: Loss::Deadline }]);
    assert_eq!(record_of(&results[0]).attempts, 1, "what it had sent is kept");
    assert_eq!(record_of(&results[1]).outcomes.len(), 1);
}

fn a_driver_that_does_not_start_or_say_hello_is_named() {
    let options = RunnerOptions { jobs: 1, max_attempts: None, isolated: true, tls: false };
    let start = |command| block_on(Runner::start(command, judge(), options)).expect_err("it cannot be used");
    let error = start(DriverCommand { program: "/nonexistent/driver".into(), ..DriverCommand::default() });
    assert!(matches!(error, DriverError::Start { .. }), "{error}");
    assert!(error.to_string().contains("/nonexistent/driver"), "{error}");
    for (manner, words) in [
        ("mute", "ended before its hello: exit status: 3; its log ends with:\n  no SDK here"),
        ("old", "expected protocol 1 in the driver's hello, found 7"),
        ("no-hello", "expected a hello as the driver's first line"),
        ("unknown-field", "unknown field `colour`"),
    ] {
        let error = start(command(manner)).to_string();
        assert!(error.contains(words), "{manner}: {error}");
    }
}

fn what_a_driver_cannot_do_is_not_applicable() {
    let input = |name: &str, value: Value| json!({ "request": { "input": { name: value } } });
    let cases = [
        case("a/mode", "honest", &json!({ "request": { "config": { "retryMode": "standard" } } })),
        case("a/large", "honest", &input("durationSeconds", json!({ "integer": "2147483648" }))),
        case("a/unknown", "honest", &input("bogus", json!({ "string": "x" }))),
        case("a/number", "honest", &input("workgroupName", json!({ "integer": "1" }))),
        plain("a/said", "unsupported"),
        case("a/fits", "honest", &input("durationSeconds", json!({ "integer": "900" }))),
    ];
    let results = run(2, &cases);
    for (result, words) in results.iter().zip([
        "cannot set retryMode",
        "cannot express this integer in durationSeconds, which is int32",
        "cannot express this string in bogus, which is inexpressible",
        "cannot express this integer in workgroupName, which is string",
        "not today",
    ]) {
        assert_eq!(result.verdict, Verdict::NotApplicable);
        assert!(said(result).contains(words), "{}", said(result));
    }
    assert_ne!(results[5].verdict, Verdict::NotApplicable);
    // Without a network of its own an SDK that finds no endpoint would call AWS.
    let settings = json!({ "request": { "endpoint": null, "environment": { "AWS_ENDPOINT_URL": "${endpoint}" } } });
    let options = RunnerOptions { jobs: 1, max_attempts: None, isolated: false, tls: false };
    let result = &run_with(options, &[case("a/env", "honest", &settings)])[0];
    assert_eq!(result.verdict, Verdict::NotApplicable);
    assert!(said(result).contains("would call AWS"), "{}", said(result));
}

fn a_driver_sees_nothing_of_the_callers_environment() {
    let result = &run(1, &[plain("a/b", "environment")])[0];
    let names = member(result, "names");
    let mut names: Vec<&str> = names["string"].as_str().expect("a text").split(' ').collect();
    // What the driver was started with here, CARGO_MANIFEST_DIR among it, is all gone.
    names.retain(|name| *name != "LD_LIBRARY_PATH");
    names.sort_unstable();
    let expected = [
        "AWS_CONFIG_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED",
        "AWS_SHARED_CREDENTIALS_FILE",
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
        "TZ",
    ];
    assert_eq!(names, expected);
    assert_eq!(member(result, "home")["string"], "<home>");
}

fn a_case_with_settings_gets_a_process_of_its_own() {
    let settings = json!({ "request": { "endpoint": null, "profile": "[default]\nendpoint_url = ${decoy}\n",
        "environment": { "AWS_ENDPOINT_URL": "${endpoint}" } } });
    let results = run(1, &[case("a/b", "from-environment", &settings), plain("a/c", "environment")]);
    let record = record_of(&results[0]);
    assert_eq!(record.attempts, 1);
    assert_eq!(serde_json::to_value(record.requests[0].server).expect("JSON"), "endpoint");
    let next = serde_json::to_string(&results[1].record).expect("JSON");
    assert!(!next.contains("AWS_ENDPOINT_URL"), "{next}");
}

fn a_password_is_never_recorded_but_its_loss_is() {
    let cases =
        ["honest", "truncate", "truncate-more", "say-password"].map(|asked| plain(&format!("a/{asked}"), asked));
    let results = run(2, &cases);
    let text = serde_json::to_string(&results).expect("JSON");
    assert!(!text.contains("Example+Pass"), "{text}");
    let password = |index: usize| member(&results[index], "dbPassword");
    assert_eq!(password(0), json!({ "string": "***", "equals": "sent" }));
    assert_eq!(password(1), json!({ "string": "***", "equals": "beginning", "characters": 12 }));
    assert_eq!(password(2), json!({ "string": "***", "equals": "beginning", "characters": 3 }));
}

fn several_calls_are_recorded_one_by_one() {
    let script = json!({ "request": { "calls": 3, "same_client": true },
        "script": [{}, { "status": 500, "body": { "text": "{\"__type\":\"InternalServerException\"}" } }, {}] });
    let result = &run(1, &[case("a/b", "honest", &script)])[0];
    let record = record_of(result);
    let words: Vec<_> = record.outcomes.iter().map(OutcomeRecord::word).collect();
    assert_eq!(words, ["result", "error", "result"]);
    let calls: Vec<_> = record.requests.iter().map(|request| (request.call, request.attempt)).collect();
    assert_eq!(calls, [(1, 1), (2, 1), (3, 1)]);
}

fn a_case_may_have_nobody_at_its_endpoint() {
    let [closed, unresolvable, tls] = ["closed", "unresolvable", "https"]
        .map(|server| case(&format!("a/{server}"), "honest", &json!({ "server": server })));
    let result = &run(1, &[closed])[0];
    let record = record_of(result);
    assert_eq!((record.attempts, record.outcomes[0].word()), (0, "error"));
    let options = RunnerOptions { jobs: 1, max_attempts: None, isolated: false, tls: false };
    let result = &run_with(options, &[unresolvable])[0];
    assert_eq!(result.verdict, Verdict::NotApplicable);
    assert!(said(result).contains("asked for outside this machine"), "{}", said(result));
    // The driver says that it speaks no TLS.
    let over_tls = RunnerOptions { tls: true, isolated: true, ..options };
    for result in run_with(options, &[tls]).iter().chain(&run_with(over_tls, &[plain("a/b", "honest")])) {
        assert_eq!(result.verdict, Verdict::NotApplicable);
        assert!(said(result).contains("cannot speak TLS"), "{}", said(result));
    }
}

fn what_a_driver_warns_of_is_recorded_in_a_process_of_its_own() {
    let own = json!({ "request": { "own_process": true } });
    let results = run(1, &[case("a/own", "warn", &own), plain("a/shared", "warn"), case("a/silent", "honest", &own)]);
    let warnings: Vec<_> = results.iter().map(|result| record_of(result).warnings.clone()).collect();
    let expected = ["(node:<id>) Old: <path>/a.py:<line>: Python 3.9 ends on 2026-04-29.", "at <home>/x"];
    assert_eq!(warnings, [expected.map(str::to_owned).to_vec(), Vec::new(), Vec::new()]);
}

fn the_protocol_check_finds_each_fault_of_a_driver() {
    let faults = |manner: &str| -> Vec<String> {
        let findings = block_on(check::check(command(manner), judge(), true));
        findings.into_iter().filter_map(|finding| finding.fault).collect()
    };
    assert_eq!(faults("honest"), Vec::<String>::new());
    for (manner, words) in [
        ("mute", "the driver ended"),
        ("no-star", "expected an input \"*\""),
        ("odd-setting", "found colour"),
        ("always-garbage", "not its protocol"),
        ("wrong-phase", "expected the phase service, found parse"),
        ("never-sends", "expected one request, 0 arrived"),
    ] {
        let found = faults(manner);
        assert!(found.iter().any(|fault| fault.contains(words)), "{manner}: {found:?}");
    }
}
