//! One fixed run with every kind of thing that a report has to show.

use crate::contract::{Level, Register, Service, Side, parse};
use crate::report::{Event, RunEvent, Tally, TargetEvent, VERSION};
use crate::verdict::{CaseResult, Excuse, Fault, Reason, ShownExchange, TargetAnswer, TargetClass, Verdict, Violation};

const MESSAGE: &str = "{__type: string, message: string}";

const REGISTER: &str = r#"{ "version": 1, "suite_version": 1, "requirements": [
  { "id": "GC-RES-01", "level": "must", "evidence": "documented", "text": "A successful call answers with HTTP status 200.",
    "source": [{ "document": "api-reference", "place": "Response Elements" }] },
  { "id": "GC-DUR-02", "level": "must", "evidence": "documented",
    "text": "A durationSeconds below 900 or above 3600 is refused with ValidationException.",
    "source": [{ "document": "api-reference", "place": "Request Parameters, durationSeconds" }] },
  { "id": "GC-ERR-02", "level": "must", "evidence": "documented",
    "text": "ResourceNotFoundException comes with HTTP status 400.", "source": [{ "document": "api-reference", "place": "Errors" }] },
  { "id": "GC-ERR-06", "level": "should", "evidence": "protocol",
    "text": "An error carries its name in the body's __type.", "source": [{ "document": "smithy", "place": "operation error serialization" }] },
  { "id": "GC-SIG-01", "level": "must", "evidence": "documented", "feature": "signature",
    "text": "A request without a signature is refused.", "source": [{ "document": "common-errors" }] },
  { "id": "GC-DOM-01", "level": "must", "evidence": "documented", "feature": "custom-domain",
    "text": "A request with a custom domain name is accepted.", "source": [{ "document": "api-reference", "place": "customDomainName" }] }
] }"#;

pub(crate) fn register() -> Register {
    let mut register: Register = parse("requirements.json", REGISTER).expect("a good register");
    for row in &mut register.requirements {
        row.operation = "GetCredentials".to_owned();
        row.source.iter_mut().for_each(|place| place.resolve(&Service::embedded().documents));
    }
    register
}

/// A case with a verdict and no other result.
pub(crate) fn case(id: &str, verdict: Verdict) -> CaseResult {
    let suite = id.split('/').next().unwrap_or_default();
    CaseResult { verdict, ..CaseResult::blank(id, suite, Side::Server, &format!("What {id} claims"), &[]) }
}

/// The must-requirements that count for the target of the run.
pub(crate) const MUSTS: [&str; 4] = ["GC-RES-01", "GC-DUR-02", "GC-ERR-02", "GC-SIG-01"];

pub(crate) fn deciding(id: &str, verdict: Verdict, requirements: &[&str]) -> CaseResult {
    CaseResult { decided: requirements.iter().map(|id| (*id).to_owned()).collect(), ..case(id, verdict) }
}

/// A run of one case that decided these requirements.
pub(crate) fn run_deciding(verdict: Verdict, requirements: &[&str], complete: bool) -> Vec<Event> {
    events_of(vec![deciding("a/b", verdict, requirements)], complete)
}

/// The run event of a stream, to change it.
pub(crate) fn run_mut(events: &mut [Event]) -> &mut RunEvent {
    let Some(Event::Run(run)) = events.first_mut() else { panic!("a run comes first") };
    run
}

/// The run as this shard of another.
pub(crate) fn as_shard(mut events: Vec<Event>, shard: &str) -> Vec<Event> {
    run_mut(&mut events).shard = Some(shard.to_owned());
    events
}

/// A run of a target with this name and endpoint that has these cases.
pub(crate) fn run_at(name: &str, endpoint: &str, results: Vec<CaseResult>) -> Vec<Event> {
    let mut events = events_of(results, true);
    let target = &mut run_mut(&mut events).target;
    (target.name, target.endpoint) = (name.to_owned(), endpoint.to_owned());
    events
}

/// A case that passed, with what it claims and decided and with its answer.
fn answered_case(id: &str, title: &str, requirement: &str, (status, error, body): (u16, &str, &str)) -> CaseResult {
    CaseResult {
        title: title.to_owned(),
        requirements: vec![requirement.to_owned()],
        decided: vec![requirement.to_owned()],
        status: Some(status),
        error: Some(error.to_owned()).filter(|error| !error.is_empty()),
        media_type: Some("application/x-amz-json-1.1".to_owned()),
        body: Some(body.to_owned()),
        duration_ms: 12.345_678_9,
        repro: Some(format!("curl -sS -i -X POST --data-binary '{{}}' http://localhost:4566/ # {id}")),
        ..case(id, Verdict::Pass)
    }
}

/// An exchange with the header fields of every request, and one field of the answer beside its media type.
fn exchange(request_body: &str, answer_field: (&str, &str), answer_body: &str) -> Box<ShownExchange> {
    let fields = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let media = ("content-type", "application/x-amz-json-1.1");
    Box::new(ShownExchange {
        request: "POST /".to_owned(),
        request_headers: fields(&[
            ("host", "localhost:4566"),
            media,
            ("x-amz-target", "RedshiftServerless.GetCredentials"),
        ]),
        request_body: request_body.to_owned(),
        answer_headers: fields(&[media, answer_field]),
        answer_body: Some(answer_body.to_owned()),
        fault: None,
    })
}

fn violation(requirement: &str, at: &str, expected: &str, actual: &str) -> Violation {
    let level = if requirement == "GC-ERR-06" { Level::Should } else { Level::Must };
    Violation { requirement: requirement.to_owned(), level, step: None, fault: fault(at, expected, actual) }
}

pub(crate) fn fault(at: &str, expected: &str, actual: &str) -> Fault {
    Fault::Told { at: at.to_owned(), expected: expected.to_owned(), actual: actual.to_owned() }
}

#[expect(clippy::unnecessary_wraps, reason = "what is asked for is the reason of a case, which need not have one")]
pub(crate) fn reason(words: &str) -> Option<Reason> {
    Some(Reason::Told { words: words.to_owned() })
}

pub(crate) fn cases() -> Vec<CaseResult> {
    const CREDENTIALS: &str = "{dbPassword: string, dbUser: string, expiration: number, nextRefreshTime: number}";
    // Markup, a terminal code and text that runs backwards. What a target sends is escaped before it comes here; a
    // report does not rely on that.
    const HOSTILE: &str = "\"\u{1b}[2J\u{1b}[31m<script>alert(1)</script> ]]> & \u{202e}txet\"";
    let accepted = (200, "", CREDENTIALS);
    let validation = (400, "ValidationException", MESSAGE);
    let wrong_signature = (403, "InvalidSignatureException", MESSAGE);
    let not_found = (404, "ResourceNotFoundException", MESSAGE);
    let outside = |id| CaseResult {
        verdict: Verdict::Fail,
        violations: vec![violation("GC-DUR-02", "status", "400 ValidationException", "200 application/x-amz-json-1.1")],
        ..answered_case(id, "A duration outside 900 to 3600 seconds is refused", "GC-DUR-02", accepted)
    };
    let without = |id, verdict, reason: &str| CaseResult { reason: self::reason(reason), ..case(id, verdict) };
    let no_workgroup = "it needs a workgroup that the target has; name one with --workgroup";
    let no_name = "no such text, only header x-amzn-errortype";
    vec![
        CaseResult {
            expected: vec!["200".to_owned()],
            exchange: Some(exchange(r#"{"workgroupName":"wg"}"#, ("x-amzn-requestid", "***"), CREDENTIALS)),
            ..answered_case("success/workgroup-only", "A workgroup is enough", "GC-RES-01", accepted)
        },
        CaseResult {
            verdict: Verdict::Fail,
            violations: vec![
                violation("GC-ERR-02", "status", "400 with ResourceNotFoundException", "404"),
                violation("GC-ERR-02", "body /message", "a plain sentence", HOSTILE),
            ],
            expected: vec!["400 ResourceNotFoundException".to_owned()],
            exchange: Some(exchange(
                r#"{"workgroupName":"no-such"}"#,
                ("x-note", "</pre><script>alert(2)</script>\u{200b}"),
                r#"{__type: "ResourceNotFoundException", message: "no \u{1b}[31m<b>such</b>"}"#,
            )),
            ..answered_case("errors/not-found", "A workgroup that does not exist is not found", "GC-ERR-02", not_found)
        },
        CaseResult {
            warnings: vec![violation("GC-ERR-06", "body /__type", "\"ValidationException\"", no_name)],
            ..answered_case("errors/named", "An error has a name", "GC-ERR-06", validation)
        },
        outside("parameters/duration-outside/899"),
        outside("parameters/duration-outside/3601"),
        without("parameters/database-name", Verdict::Blocked, no_workgroup),
        without("parameters/database-null", Verdict::Blocked, no_workgroup),
        CaseResult {
            requirements: vec!["GC-SIG-01".to_owned()],
            expected: vec!["200".to_owned()],
            exchange: Some(Box::new(ShownExchange {
                answer_headers: Vec::new(),
                answer_body: None,
                fault: Some("no complete answer within 10 s".to_owned()),
                ..*exchange("{}", ("", ""), "")
            })),
            repro: Some("curl -sS -i -X POST http://localhost:4566/".to_owned()),
            duration_ms: 10_000.4,
            ..without("lifetimes/default", Verdict::Indeterminate, "no answer within 10 s")
        },
        CaseResult {
            verdict: Verdict::KnownFail,
            violations: vec![violation("GC-SIG-01", "status", "4xx with an error type", "200")],
            reason: Some(Reason::Known {
                excuse: Excuse {
                    reason: "signatures are not checked yet".to_owned(),
                    issue: Some("https://example.com/issues/7".to_owned()),
                },
                was: Verdict::Fail,
                own: None,
            }),
            ..answered_case("signature/unsigned", "A request without a signature is refused", "GC-SIG-01", accepted)
        },
        CaseResult {
            verdict: Verdict::Fixed,
            reason: reason("it passes, and the entry \"signature/wrong-secret\" still says that it fails"),
            ..answered_case("signature/wrong-secret", "A wrong secret is refused", "GC-SIG-01", wrong_signature)
        },
        without("custom-domain/plain", Verdict::NotApplicable, "the target does not claim custom-domain"),
    ]
}

pub(crate) fn events() -> Vec<Event> {
    events_of(cases(), true)
}

pub(crate) fn events_of(results: Vec<CaseResult>, complete: bool) -> Vec<Event> {
    let run = RunEvent {
        version: VERSION,
        tool: "countersign 0.1.0".to_owned(),
        operation: "GetCredentials".to_owned(),
        service: Some("redshift-serverless".to_owned()),
        selected: 11,
        suite_version: None,
        revision: None,
        baseline_suite_version: None,
        recordings: None,
        shard: None,
        left_out: None,
        seed: 42,
        side: Side::Server,
        driver: None,
        target: TargetEvent {
            name: "endpoint".to_owned(),
            endpoint: "http://localhost:4566/".to_owned(),
            region: "us-east-1".to_owned(),
            features: ["core", "signature"].map(str::to_owned).to_vec(),
            class: TargetClass::Answers,
            meaning: "answers GetCredentials".to_owned(),
            answer: TargetAnswer::Told("200 application/x-amz-json-1.1".to_owned()),
            cause: None,
        },
        started_at: "2026-11-22T10:00:00Z".to_owned(),
    };
    let mut tally = Tally::of_run(&run);
    for case in &results {
        tally.add(case);
    }
    let mut events = vec![Event::Run(run)];
    events.extend(results.into_iter().map(Event::Case));
    events.extend(tally.closing(&register(), 1_234.567_89, complete));
    events
}

/// The run and two others of the same cases: one of a target where the failed cases pass, and one of a target that does
/// not have the operation.
pub(crate) fn matrix() -> Vec<Event> {
    let mended = |case: CaseResult| match case.verdict {
        Verdict::Fail => CaseResult {
            verdict: Verdict::Pass,
            violations: Vec::new(),
            status: Some(400),
            error: case.error.or_else(|| Some("ValidationException".to_owned())),
            body: Some(MESSAGE.to_owned()),
            exchange: None,
            ..case
        },
        _ => case,
    };
    let mended = run_at("mended", "http://localhost:4567/", cases().into_iter().map(mended).collect());
    let without_operation = |of: CaseResult| CaseResult { title: of.title, ..case(&of.id, Verdict::NotImplemented) };
    let mut absent = run_at("absent", "http://localhost:4568/", cases().into_iter().map(without_operation).collect());
    let target = &mut run_mut(&mut absent).target;
    target.class = TargetClass::UnknownOperation;
    target.answer = TargetAnswer::Told("400 application/x-amz-json-1.1 UnknownOperationException".to_owned());
    [events(), mended, absent].concat()
}
