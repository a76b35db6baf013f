//! The reports of one fixed run, as snapshots, and what holds for each of them.

pub(crate) mod sample;
mod wording;

use rstest::rstest;

use super::*;
use crate::verdict::{CaseResult, Fault, LifetimeLikeness, MeasuredLifetime, TargetAnswer, TargetClass, Verdict};

/// What a sink writes of these events.
fn sink_text(events: &[Event], make: impl FnOnce(&mut Vec<u8>) -> Box<dyn Sink + '_>) -> String {
    let mut out = Vec::new();
    replay(events, &mut *make(&mut out)).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// A report that is made after the last event.
pub(super) fn report_text(events: &[Event], report: &dyn Report) -> String {
    let report = report_of(events, report, &sample::register()).expect("memory takes everything");
    String::from_utf8(report).expect("UTF-8")
}

fn text_with(events: &[Event], options: TextOptions) -> String {
    sink_text(events, |out| Box::new(TextSink::new(out, &sample::register(), options)))
}

fn text(events: &[Event]) -> String {
    text_with(events, options())
}

pub(super) fn stream(events: &[Event]) -> String {
    sink_text(events, |out| Box::new(StreamSink::new(out)))
}

pub(super) fn github(events: &[Event]) -> String {
    sink_text(events, |out| Box::new(GithubSink::new(out, &sample::register(), options())))
}

fn markdown(events: &[Event]) -> String {
    report_text(events, &Markdown::default())
}

fn badge(events: &[Event]) -> String {
    report_text(events, &Badge(BadgeForm::Json))
}

#[cfg(feature = "cli")]
pub(super) fn junit(events: &[Event]) -> String {
    report_text(events, &Junit)
}

#[cfg(feature = "cli")]
pub(super) fn html(events: &[Event]) -> String {
    report_text(events, &Html)
}

/// The page without style and script, which are files of their own, and without their hashes.
#[cfg(feature = "cli")]
fn plain_html(events: &[Event]) -> String {
    let own = regex::Regex::new("(?s)<(style|script)>.*?</(?:style|script)>").expect("a pattern");
    let hashes = regex::Regex::new("sha256-[A-Za-z0-9+/=]+").expect("a pattern");
    hashes.replace_all(&own.replace_all(&html(events), "<$1>…</$1>"), "sha256-…").into_owned()
}

fn options() -> TextOptions {
    TextOptions {
        again: "countersign run --endpoint http://localhost:4566/ --claim core,signature --seed 42 '**'".to_owned(),
        again_for: "countersign run --endpoint http://localhost:4566/ --claim core,signature --seed 42".to_owned(),
        again_behind: String::new(),
        ..TextOptions::default()
    }
}

fn with(detail: Detail) -> TextOptions {
    TextOptions { detail, ..options() }
}

pub(super) fn snapshot(name: &str, report: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/reports"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

#[rstest]
#[case::text("text", text(&sample::events()))]
#[case::quiet("text-quiet", text_with(&sample::events(), with(Detail::Quiet)))]
#[case::verbose("text-verbose", text_with(&sample::events(), with(Detail::Verbose)))]
#[case::stream("jsonl", stream(&sample::events()))]
#[case::json("json", report_text(&sample::events(), &Json))]
#[case::markdown("markdown", markdown(&sample::events()))]
#[case::markdown_matrix("markdown-matrix", markdown(&sample::matrix()))]
#[case::github("github", github(&sample::events()))]
#[case::badge_json("badge-json", badge(&sample::events()))]
#[case::badge_svg("badge-svg", report_text(&sample::events(), &Badge(BadgeForm::Svg)))]
#[cfg_attr(feature = "cli", case::junit("junit", junit(&sample::events())))]
#[cfg_attr(feature = "cli", case::html("html", plain_html(&sample::events())))]
#[cfg_attr(feature = "cli", case::html_matrix("html-matrix", plain_html(&sample::matrix())))]
fn every_report_is_as_reviewed(#[case] name: &str, #[case] report: String) {
    snapshot(name, &report);
}

#[test]
fn a_matrix_as_markdown_keeps_within_its_limit_and_counts_the_rest() {
    let run = |at| sample::run_at(&format!("target {at}"), "http://localhost:4566/", sample::cases());
    let events: Vec<Event> = (0..500).flat_map(run).collect();
    let limited = |limit: usize| report_text(&events, &Markdown { limit });
    for limit in [0, 3000, 10_000] {
        let report = limited(limit);
        assert!(report.len() <= limit.max(2000), "{} bytes for {limit}", report.len());
        assert!(report.contains(" more targets; the HTML report has them all"), "{report}");
    }
    assert!(!limited(MARKDOWN_LIMIT).contains("more target"));
}

#[rstest]
#[case::text("(shard 2/4)", text)]
#[case::markdown("(shard `2/4`)", markdown)]
#[case::json(r#""shard":"2/4""#, stream)]
#[cfg_attr(feature = "cli", case::html("shard 2/4 of the run", html))]
#[cfg_attr(feature = "cli", case::junit(r#"name="shard" value="2/4""#, junit))]
fn a_part_of_a_run_is_told_as_one(#[case] words: &str, #[case] report: fn(&[Event]) -> String) {
    assert!(!report(&sample::events()).contains(words));
    let report = report(&sample::as_shard(sample::events(), "2/4"));
    assert!(report.contains(words), "{report}");
}

#[rstest]
#[case::text(text)]
#[case::markdown(markdown)]
#[case::github(github)]
fn a_part_of_a_run_is_never_conformant(#[case] report: fn(&[Event]) -> String) {
    let conformant = sample::run_deciding(Verdict::Pass, &sample::MUSTS, true);
    assert!(report(&conformant).contains("conformant for core, signature"));
    let report = report(&sample::as_shard(conformant, "2/4"));
    assert!(!report.contains("conformant") && report.contains("not decided: this is shard 2/4 of a run"), "{report}");
}

#[rstest]
#[case::text("\nthe run was cut short: 2 of 11 cases have a verdict\n", text)]
#[case::markdown("\n**the run was cut short: 2 of 11 cases have a verdict**\n", markdown)]
#[case::github(
    "::notice title=GetCredentials of endpoint::the run was cut short: 2 of 11 cases have a verdict%0A",
    github
)]
#[case::badge(r#""message":"run cut short""#, badge)]
#[cfg_attr(feature = "cli", case::html(">The run was cut short: 2 of 11 cases have a verdict<", html))]
#[cfg_attr(
    feature = "cli",
    case::junit("<error message=\"the run was cut short: 2 of 11 cases have a verdict\" type=\"incomplete\"/>", junit)
)]
fn a_run_that_was_cut_short_says_so_to_every_reader(#[case] expected: &str, #[case] report: fn(&[Event]) -> String) {
    let killed = sample::events()[..3].to_vec();
    let interrupted = sample::events_of(["a/b", "a/c"].map(|id| sample::case(id, Verdict::Pass)).to_vec(), false);
    for report in [killed, interrupted].map(|events| report(&events)) {
        assert!(report.contains(expected), "{report}");
    }
}

#[rstest]
#[case::text(text)]
#[case::markdown(markdown)]
#[case::github(github)]
#[cfg_attr(feature = "cli", case::html(html))]
fn a_lifetime_that_was_measured_twice_is_told_once(#[case] report: fn(&[Event]) -> String) {
    let measured = |id: &str, seconds: i64| {
        let failed = sample::cases().into_iter().find(|case| case.verdict == Verdict::Fail).expect("one failed");
        let mut case = CaseResult { id: id.to_owned(), exchange: None, ..failed };
        case.violations.truncate(1);
        case.violations[0].fault = Fault::Lifetime {
            at: "/expiration".to_owned(),
            asked: 900,
            found: MeasuredLifetime::ByDate(seconds),
            looks_like: Some(LifetimeLikeness::RightMilliseconds),
            asked_by: "durationSeconds".to_owned(),
        };
        case
    };
    let cases = [("lifetimes/one", 152), ("lifetimes/two", 152), ("lifetimes/three", 164)];
    let cases = cases.map(|(id, milliseconds)| measured(id, 1_793_540_952_000 + milliseconds)).to_vec();
    let report = report(&sample::events_of(cases, true));
    let beginning = report.split("and 1 more alike, with other values").next().expect("a beginning");
    assert!(beginning.len() < report.len() && beginning.contains("1793540952152"), "{report}");
    assert!(!beginning.contains("1793540952164"), "{report}");
}

#[test]
fn the_text_has_no_control_character_without_colour_and_only_its_own_with_it() {
    let colourless = text(&sample::events());
    assert!(colourless.chars().all(|c| c == '\n' || !c.is_control()));
    let coloured = text_with(&sample::events(), TextOptions { colour: true, ..options() });
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    assert_eq!(codes.replace_all(&coloured, ""), colourless);
}

/// The text without the codes of its links, and the address of each link.
fn without_links(text: &str) -> (String, Vec<String>) {
    let codes = regex::Regex::new("\u{1b}]8;;([^\u{1b}]*)\u{1b}\\\\").expect("a pattern");
    let addresses = codes.captures_iter(text).map(|found| found[1].to_owned()).filter(|address| !address.is_empty());
    (codes.replace_all(text, "").into_owned(), addresses.collect())
}

#[test]
fn sources_are_links_in_the_text_for_a_terminal_however_it_is_folded() {
    let errors = "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html\
                  #API_GetCredentials_Errors";
    for width in [None, Some(30), Some(80)] {
        let plain = text_with(&sample::events(), TextOptions { width, ..options() });
        let linked = text_with(&sample::events(), TextOptions { links: true, width, ..options() });
        let (text, addresses) = without_links(&linked);
        assert_eq!(text, plain);
        assert_eq!(addresses.len(), 2, "{linked}");
        assert_eq!(addresses[1], errors);
        assert_eq!(linked.matches("\u{1b}]8;;\u{1b}").count(), 2, "each link has its end");
    }
}

#[test]
fn no_address_that_could_leave_its_link_becomes_one() {
    let mut register = sample::register();
    let nasty =
        ["javascript:alert(1)", "https://a/ b", "https://a/\u{1b}[2J", "https://a/)[x](http://b", "https://a/é"];
    for address in nasty {
        for row in &mut register.requirements {
            row.source[0].address = Some(address.to_owned());
        }
        let mut out = Vec::new();
        let options = TextOptions { links: true, ..options() };
        replay(&sample::events(), &mut TextSink::new(&mut out, &register, options)).expect("memory takes everything");
        let markdown = report_of(&sample::events(), &Markdown::default(), &register).expect("memory takes everything");
        for report in [out, markdown] {
            let report = String::from_utf8(report).expect("UTF-8");
            assert!(!report.contains("](") && !report.contains('\u{1b}'), "{report}");
        }
    }
}

#[rstest]
#[case(Detail::Quiet)]
#[case(Detail::Normal)]
fn a_target_without_the_operation_is_told_once_and_not_accused(#[case] detail: Detail) {
    let cases = ["a/b", "a/c"].map(|id| sample::case(id, Verdict::NotImplemented)).to_vec();
    let mut events = sample::events_of(cases, true);
    let target = &mut sample::run_mut(&mut events).target;
    target.class = TargetClass::UnknownOperation;
    target.answer = TargetAnswer::Told("400 application/x-amz-json-1.1 UnknownOperationException".to_owned());
    let report = text_with(&events, with(detail));
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
    let report = text(&sample::events_of(cases.iter().map(blocked).collect(), true));
    let expected =
        "blocked 41 cases: a/c0, a/c1, a/c2, a/c3, a/c4, a/c5, and 35 more cases (-v lists them)\n  no workgroup\n";
    assert!(report.contains(expected), "{report}");
    assert_eq!(report.matches("no workgroup").count(), 1);
}

#[rstest]
#[case::all_decided(&sample::MUSTS, "conformant for core, signature")]
#[case::one_open(&sample::MUSTS[1..2], "not decided: 3 must-requirements left undecided: GC-RES-01, GC-ERR-02, GC-SIG-01")]
fn the_conformance_sentence_says_what_was_decided(#[case] decided: &[&str], #[case] sentence: &str) {
    let cases = decided.iter().enumerate().map(|(at, id)| sample::deciding(&format!("a/c{at}"), Verdict::Pass, &[id]));
    let report = text(&sample::events_of(cases.collect(), true));
    assert!(report.lines().any(|line| line == sentence), "{report}");
}

#[test]
fn every_format_has_a_schema_that_its_reports_meet() {
    let formats = formats();
    let validator = |name: &str| jsonschema::validator_for(&formats[name]).expect("a schema");
    let line_validator = validator("run-stream.schema.json");
    for line in stream(&sample::events()).lines() {
        let line = serde_json::from_str(line).expect("JSON");
        assert!(line_validator.is_valid(&line), "{line}");
    }
    let json = report_text(&sample::events(), &Json);
    assert!(validator("run-report.schema.json").is_valid(&serde_json::from_str(&json).expect("JSON")));
    let report: RunReport = serde_json::from_str(&json).expect("it is read back");
    assert_eq!(report.cases.len(), sample::cases().len());
    let entry = serde_json::json!({ "pattern": "a", "reason": "r", "expires": "2026-11-22" });
    let mut baseline = serde_json::json!({ "version": 1, "entries": [entry] });
    assert!(validator("baseline.schema.json").is_valid(&baseline));
    baseline["entries"][0]["expires"] = "tomorrow".into();
    assert!(!validator("baseline.schema.json").is_valid(&baseline));
}
