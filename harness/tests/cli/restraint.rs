//! How a run holds back: how many calls it makes, and what real AWS is asked only where that is allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rstest::rstest;

use crate::program::{Finished, Program, events};
use crate::stub_server::{Stub, aws, refusal};

const AWS: &str = "--target aws --region us-east-1 --workgroup wg-1 --allow-aws 123456789012/us-east-1/wg-1";

fn dry_run(arguments: &str) -> Finished {
    Program::line(&format!("run --dry-run {AWS} {arguments}")).signing().finish()
}

#[test]
fn a_dry_run_shows_every_call_their_number_and_their_costs_and_what_is_left_out() {
    let finished = dry_run("--max-calls 40");
    finished.expect(
        0,
        &[
            "(probe)  POST / GetCredentials, signed\n",
            "\nat most 39 calls for ",
            "one to AWS STS",
            ", 2 a second (--rate)",
            "no more than 40 are made (--max-calls)",
            "\nthey decide ",
            " must-requirements, if every answer is as documented\n",
            "nothing was sent",
            "at AWS, GetCredentials, 39 calls: no price is named for a call",
            "https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html",
            "40 of 40 calls for ",
            "no other choice of cases decides more must-requirements with so many calls; --max-calls ",
            "cases left out, which send requests that are malformed, or not rightly signed",
            "only with --allow-raw",
        ],
    );
    let calls = finished.stdout.lines().filter(|line| line.contains("  POST /")).count();
    assert_eq!(calls, 39);
    assert!(!finished.stdout.contains("wrongly") && !finished.stdout.contains("not signed"), "{}", finished.stdout);
}

#[rstest]
#[case::raw_by_name(
    "signature",
    6,
    "the case signature/unsigned sends a request that is malformed, or not rightly signed"
)]
#[case::raw_allowed("signature --allow-raw --max-calls 99", 0, "signed wrongly (unknown-key)")]
#[case::unsigned(
    "success --no-sign",
    6,
    "--no-sign: a request without a signature goes to real AWS only with --allow-raw"
)]
#[case::unsigned_allowed(
    "success --no-sign --allow-raw",
    0,
    "success/workgroup-only  POST / GetCredentials, not signed"
)]
#[case::no_calls("success --max-calls 0", 2, "--max-calls")]
#[case::too_few_calls("success --max-calls 1", 2, "--max-calls: a run makes 2 calls before its first case, to AWS STS")]
#[case::no_rate("success --rate 0", 2, "expected 0.001 to 1000 calls a second, found 0")]
#[case::wrong_rate("success --rate fast", 2, "expected calls a second, such as 0.5, found \"fast\"")]
fn what_is_risky_at_real_aws_is_refused_with_the_flag_that_allows_it(
    #[case] arguments: &str,
    #[case] code: i32,
    #[case] words: &str,
) {
    dry_run(arguments).expect(code, &[words]);
}

#[test]
fn the_settings_say_how_much_real_aws_is_asked() {
    let shown = |line: &str| {
        let finished = Program::line(&format!("config show --format json {line}")).signing().finish();
        let settings = finished.expect(0, &[]).json()["settings"].clone();
        let value = |name: &str| {
            let all = settings.as_array().expect("a list").iter();
            all.clone().find(|setting| setting["name"] == name).map(|setting| setting["value"].clone())
        };
        ["max-calls", "rate", "allow-create", "allow-raw"].map(|name| value(name).expect("it is shown").to_string())
    };
    assert_eq!(shown(AWS), ["60", "2.0", "false", "false"]);
    assert_eq!(shown(&format!("{AWS} --max-calls 5 --rate 0.5 --allow-raw")), ["5", "0.5", "false", "true"]);
    assert_eq!(shown("--endpoint http://127.0.0.1:1"), ["null", "null", "false", "false"]);
}

/// A server that answers so, and counts the requests.
fn counting(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> (Stub, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    (Stub::saying(move |_| answer(counter.fetch_add(1, Ordering::Relaxed))), count)
}

fn run_at(stub: &Stub, arguments: &str) -> Finished {
    let endpoint = &stub.endpoint;
    Program::line(&format!("run --endpoint {endpoint} --workgroup wg-1 --no-sign --format jsonl {arguments}")).finish()
}

#[rstest]
#[case::throttled(|_| refusal("429 Too Many Requests", "ThrottlingException", "slower"))]
#[case::away(|_| refusal("503 Service Unavailable", "ServiceUnavailableException", "later"))]
#[case::faults(|_| refusal("500 Internal Server Error", "InternalServerException", "sorry"))]
#[case::wrong_everywhere(|_| aws("200 OK", "{}"))]
#[case::refused_everywhere(|_| refusal("400 Bad Request", "ValidationException", "no"))]
fn whatever_a_server_answers_it_gets_no_more_requests_than_allowed(#[case] answer: fn(usize) -> String) {
    for limit in [1, 7] {
        let (stub, count) = counting(answer);
        let finished =
            run_at(&stub, &format!("success errors parameters --max-calls {limit} --patience 0 --timeout 5"));
        let made = count.load(Ordering::Relaxed);
        assert!((1..=limit).contains(&made), "{made} of {limit}: {finished:#?}");
        let events = events(&finished.stdout);
        let is_conformant = events.last().is_some_and(|summary| summary["conformant"] == true);
        assert!(!is_conformant, "{finished:#?}");
    }
}

#[test]
fn a_case_that_could_not_be_tried_again_is_not_held_against_the_server() {
    // The second call is that of the case. It is wrong, and there is no third one to make sure on a new connection.
    let (stub, _) = counting(|_| aws("200 OK", r#"{"dbUser":1}"#));
    let finished = run_at(&stub, "success/workgroup-only --max-calls 2");
    let case = events(&finished.stdout).into_iter().find(|event| event["event"] == "case").expect("a case");
    assert_eq!(case["verdict"], "indeterminate", "{finished:#?}");
    assert_eq!(case["because"]["why"], "out-of-calls", "{case:#}");
    finished.expect(3, &["--max-calls gives it more"]);
}

#[test]
fn a_run_that_leaves_cases_out_says_so_in_each_report_and_claims_nothing_for_them() {
    let mut program =
        Program::line("run --target emulator --claim core --max-calls 70 --report-md r.md --report-json r.json");
    let finished = program.finish();
    finished.expect(0, &["cases left out: no other choice of cases decides more must-requirements", "runs all"]);
    assert!(program.read("r.md").contains("cases left out"), "{}", program.read("r.md"));
    let report = program.json("r.json");
    assert_eq!(
        (&report["summary"]["conformant"], &report["run"]["left_out"]["max_calls"]),
        (&false.into(), &70.into())
    );
    let core = &report["summary"]["features"]["core"];
    assert_eq!(core["decided"], core["must"], "{core}");
    assert!(
        finished.stdout.contains("not decided: the cases that were run decide every must-requirement"),
        "{finished:#?}"
    );
}
