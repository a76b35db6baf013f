//! The reports of one fixed run, as snapshots, and what holds for each of them.

pub(crate) mod sample;
mod several;
mod words;

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use rstest::rstest;

use super::*;
use crate::verdict::{CaseResult, Class, Fault, Heard, LifetimeLikeness, Measured, Verdict};

/// Memory that a sink writes to and a test reads.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written<S: Sink>(events: &[Event], make: impl FnOnce(Memory) -> S) -> String {
    let memory = Memory::default();
    replay(events, &mut make(memory.clone())).expect("memory takes everything");
    String::from_utf8(memory.0.take()).expect("UTF-8")
}

/// A report that is made when everything was heard.
fn made(events: &[Event], report: &dyn Report) -> String {
    let report = report_of(events, report, &sample::register()).expect("memory takes everything");
    String::from_utf8(report).expect("UTF-8")
}

fn text(events: &[Event], options: TextOptions) -> String {
    written(events, |out| TextSink::new(out, &sample::register(), options))
}

fn options() -> TextOptions {
    TextOptions {
        again: "countersign run --endpoint http://localhost:4566/ --claim core,signature --seed 42 '**'".to_owned(),
        again_for: "countersign run --endpoint http://localhost:4566/ --claim core,signature --seed 42".to_owned(),
        ..TextOptions::default()
    }
}

pub(super) fn snapshot(name: &str, report: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/reports"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

#[rstest]
#[case::text("text", Detail::Normal)]
#[case::quiet("text-quiet", Detail::Quiet)]
#[case::verbose("text-verbose", Detail::Verbose)]
fn the_text_report_is_as_reviewed(#[case] name: &str, #[case] detail: Detail) {
    snapshot(name, &text(&sample::events(), TextOptions { detail, ..options() }));
}

#[test]
fn the_run_stream_is_as_reviewed() {
    snapshot("jsonl", &written(&sample::events(), StreamSink::new));
}

#[test]
fn the_json_report_is_as_reviewed_and_is_read_back() {
    let report = made(&sample::events(), &Json);
    snapshot("json", &report);
    let report: RunReport = serde_json::from_str(&report).expect("a report");
    assert_eq!(report.cases.len(), sample::cases().len());
}

#[cfg(feature = "cli")]
#[test]
fn the_junit_report_is_as_reviewed() {
    snapshot("junit", &made(&sample::events(), &Junit));
}

#[cfg(feature = "cli")]
#[rstest]
#[case::one_run("html", sample::events())]
#[case::a_matrix("html-matrix", sample::matrix())]
fn the_html_report_is_as_reviewed(#[case] name: &str, #[case] events: Vec<Event>) {
    let page = made(&events, &Html);
    // Style and script are files of their own; their hashes change with them.
    let own = regex::Regex::new("(?s)<(style|script)>.*?</(?:style|script)>").expect("a pattern");
    let hashes = regex::Regex::new("sha256-[A-Za-z0-9+/=]+").expect("a pattern");
    let page = own.replace_all(&page, "<$1>…</$1>");
    snapshot(name, &hashes.replace_all(&page, "sha256-…"));
}

#[test]
fn the_markdown_report_is_as_reviewed() {
    snapshot("markdown", &made(&sample::events(), &Markdown::default()));
}

#[test]
fn the_markdown_matrix_is_as_reviewed() {
    snapshot("markdown-matrix", &made(&sample::matrix(), &Markdown::default()));
}

#[test]
fn a_matrix_as_markdown_keeps_within_its_limit_and_counts_the_rest() {
    let mut events = Vec::new();
    for run in 0..500 {
        let mut more = sample::events();
        if let Some(Event::Run(run_event)) = more.first_mut() {
            run_event.target.name = format!("target {run}");
        }
        events.extend(more);
    }
    let limited = |limit: usize| made(&events, &Markdown { limit });
    for limit in [0, 3000, 10_000] {
        let report = limited(limit);
        assert!(report.len() <= limit.max(2000), "{} bytes for {limit}", report.len());
        assert!(report.contains(" more targets; the HTML report has them all"), "{report}");
    }
    assert!(!limited(MARKDOWN_LIMIT).contains("more target"));
}

#[cfg(feature = "cli")]
#[rstest]
#[case::text("(shard 2/4)", |events: &[Event]| text(events, options()))]
#[case::markdown("(shard `2/4`)", |events: &[Event]| made(events, &Markdown::default()))]
#[case::html("shard 2/4 of the run", |events: &[Event]| made(events, &Html))]
#[case::junit(r#"name="shard" value="2/4""#, |events: &[Event]| made(events, &Junit))]
#[case::json(r#""shard":"2/4""#, |events: &[Event]| written(events, StreamSink::new))]
fn a_part_of_a_run_is_told_as_one(#[case] words: &str, #[case] report: fn(&[Event]) -> String) {
    let mut events = sample::events();
    assert!(!report(&events).contains(words));
    if let Some(Event::Run(run)) = events.first_mut() {
        run.shard = Some("2/4".to_owned());
    }
    assert!(report(&events).contains(words), "{}", report(&events));
}

#[rstest]
#[case::text(|events: &[Event]| text(events, options()))]
#[case::markdown(|events: &[Event]| made(events, &Markdown::default()))]
#[case::github(|events: &[Event]| written(events, |out| GithubSink::new(out, &sample::register(), options())))]
fn a_part_of_a_run_is_never_conformant(#[case] report: fn(&[Event]) -> String) {
    let decided = ["GC-RES-01", "GC-DUR-02", "GC-ERR-02", "GC-SIG-01"].map(str::to_owned).to_vec();
    let mut events = sample::events_of(vec![CaseResult { decided, ..sample::case("a/b", Verdict::Pass) }], true);
    assert!(report(&events).contains("conformant for core, signature"));
    if let Some(Event::Run(run)) = events.first_mut() {
        run.shard = Some("2/4".to_owned());
    }
    let report = report(&events);
    assert!(!report.contains("conformant") && report.contains("not decided: this is shard 2/4 of a run"), "{report}");
}

#[cfg(feature = "cli")]
#[rstest]
#[case::text(|events: &[Event]| text(events, options()))]
#[case::markdown(|events: &[Event]| made(events, &Markdown::default()))]
#[case::html(|events: &[Event]| made(events, &Html))]
#[case::github(|events: &[Event]| written(events, |out| GithubSink::new(out, &sample::register(), options())))]
fn a_lifetime_that_was_measured_twice_is_told_once(#[case] report: fn(&[Event]) -> String) {
    let measured = |id: &str, seconds: i64| {
        let failed = sample::cases().into_iter().find(|case| case.verdict == Verdict::Fail).expect("one failed");
        let mut case = CaseResult { id: id.to_owned(), exchange: None, ..failed };
        case.violations.truncate(1);
        case.violations[0].fault = Fault::Lifetime {
            at: "/expiration".to_owned(),
            asked: 900,
            found: Measured::ByDate(seconds),
            looks_like: Some(LifetimeLikeness::RightMilliseconds),
            asked_by: "durationSeconds".to_owned(),
        };
        case
    };
    let cases = vec![measured("lifetimes/one", 1_793_540_952_152), measured("lifetimes/two", 1_793_540_952_164)];
    let report = report(&sample::events_of(cases, true));
    let told = report.split("and 1 more alike, with other numbers").next().expect("a beginning");
    assert!(told.len() < report.len() && told.contains("1793540952152"), "{report}");
    assert!(!told.contains("1793540952164"), "{report}");
}

#[test]
fn the_log_of_github_actions_is_as_reviewed() {
    snapshot("github", &written(&sample::events(), |out| GithubSink::new(out, &sample::register(), options())));
}

#[rstest]
#[case::json("badge-json", BadgeForm::Json)]
#[case::svg("badge-svg", BadgeForm::Svg)]
fn the_badge_is_as_reviewed(#[case] name: &str, #[case] form: BadgeForm) {
    snapshot(name, &made(&sample::events(), &Badge(form)));
}

#[test]
fn the_text_has_no_control_character_without_colour_and_only_its_own_with_it() {
    let plain = text(&sample::events(), options());
    assert!(plain.chars().all(|c| c == '\n' || !c.is_control()));
    let coloured = text(&sample::events(), TextOptions { colour: true, ..options() });
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    assert_eq!(codes.replace_all(&coloured, ""), plain);
}

/// The run with only these cases.
fn run_of(class: Class, cases: Vec<CaseResult>, complete: bool) -> Vec<Event> {
    let mut events = sample::events_of(cases, complete);
    if let Some(Event::Run(run)) = events.first_mut() {
        run.target.class = class;
        run.target.meaning = "does not know the operation GetCredentials".to_owned();
        run.target.heard = Heard::Told("400 application/x-amz-json-1.1 UnknownOperationException".to_owned());
    }
    events
}

#[rstest]
#[case(Detail::Quiet)]
#[case(Detail::Normal)]
fn a_target_without_the_operation_is_told_once_and_not_accused(#[case] detail: Detail) {
    let cases = ["a/b", "a/c"].map(|id| sample::case(id, Verdict::NotImplemented)).to_vec();
    let report = text(&run_of(Class::UnknownOperation, cases, true), TextOptions { detail, ..options() });
    assert_eq!(report.matches("The target does not know the operation GetCredentials.\nIt said: 400").count(), 1);
    assert!(
        report.contains("not-implemented 2 cases: a/b, a/c\n  the target does not have the operation\n"),
        "{report}"
    );
    assert!(report.contains("\nnot implemented: without the operation, no requirement could be tested\n"), "{report}");
    assert!(report.ends_with("--seed 42 '**'\n"), "{report}");
}

#[test]
fn one_reason_of_many_cases_is_told_once() {
    let blocked =
        |id: &String| CaseResult { reason: sample::reason("no workgroup"), ..sample::case(id, Verdict::Blocked) };
    let cases = (0..41).map(|index| format!("a/c{index}")).collect::<Vec<_>>();
    let report = text(&sample::events_of(cases.iter().map(blocked).collect(), true), options());
    let expected =
        "blocked 41 cases: a/c0, a/c1, a/c2, a/c3, a/c4, a/c5, and 35 more cases (-v lists them)\n  no workgroup\n";
    assert!(report.contains(expected), "{report}");
    assert_eq!(report.matches("no workgroup").count(), 1);
}

#[rstest]
#[case::all_decided(&[("a/b", Verdict::Pass, "GC-DUR-02"), ("a/c", Verdict::Pass, "GC-ERR-02"), ("a/d", Verdict::Pass, "GC-RES-01"), ("a/e", Verdict::Pass, "GC-SIG-01")], true, "conformant for core, signature")]
#[case::one_open(&[("a/b", Verdict::Pass, "GC-DUR-02")], true, "not decided: 3 must-requirements left undecided: GC-RES-01, GC-ERR-02, GC-SIG-01")]
#[case::interrupted(&[("a/b", Verdict::Pass, "GC-DUR-02")], false, "the run was cut short: 1 of 11 cases have a verdict")]
fn the_conformance_sentence_says_what_was_decided(
    #[case] cases: &[(&str, Verdict, &str)],
    #[case] complete: bool,
    #[case] sentence: &str,
) {
    let case = |(id, verdict, decided): &(&str, Verdict, &str)| CaseResult {
        decided: vec![(*decided).to_owned()],
        ..sample::case(id, *verdict)
    };
    let report = text(&sample::events_of(cases.iter().map(case).collect(), complete), options());
    assert!(report.lines().any(|line| line == sentence), "{report}");
}

#[test]
fn a_run_that_was_killed_is_reported_as_cut_short() {
    let mut events = sample::events();
    events.truncate(3);
    let report = text(&events, options());
    assert!(report.contains("the run was cut short: 2 of 11 cases have a verdict"), "{report}");
}

#[test]
fn every_format_has_a_schema_that_its_reports_meet() {
    let formats = formats();
    let validator = |name: &str| jsonschema::validator_for(&formats[name]).expect("a schema");
    let stream = validator("run-stream.schema.json");
    for line in written(&sample::events(), StreamSink::new).lines() {
        let line = serde_json::from_str(line).expect("JSON");
        assert!(stream.is_valid(&line), "{line}");
    }
    let report = serde_json::from_str(&made(&sample::events(), &Json)).expect("JSON");
    assert!(validator("run-report.schema.json").is_valid(&report));
    let entry = serde_json::json!({ "pattern": "a", "reason": "r", "expires": "2026-11-22" });
    let mut baseline = serde_json::json!({ "version": 1, "entries": [entry] });
    assert!(validator("baseline.schema.json").is_valid(&baseline));
    baseline["entries"][0]["expires"] = "tomorrow".into();
    assert!(!validator("baseline.schema.json").is_valid(&baseline));
}
