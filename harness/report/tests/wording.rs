//! Tests that the reports say what happened once and in fitting words: for one run, for several, for a part of one.

use sample::MUSTS;

use super::*;
use crate::contract::{Constraint, JsonKind, Level};
use crate::report::words::FaultText;
use crate::verdict::{Markup, ValueLikeness, Violation, WrongBody};

/// A run of 30 cases, with this verdict and for one reason, against a target of this class.
fn run_of(class: TargetClass, words: &str, verdict: Verdict) -> Vec<Event> {
    let reason = sample::reason(words).filter(|_| verdict != Verdict::NotImplemented);
    let case = |index| CaseResult { reason: reason.clone(), ..sample::case(&format!("a/c{index}"), verdict) };
    let mut events = sample::events_of((0..30).map(case).collect(), true);
    let run = sample::run_mut(&mut events);
    (run.selected, run.target.class, run.target.answer) = (30, class, TargetAnswer::Told(words.to_owned()));
    events
}

/// The run of a target that cannot be reached.
fn unreachable() -> Vec<Event> {
    run_of(TargetClass::Unreachable, "cannot connect: connection refused", Verdict::Indeterminate)
}

#[rstest]
#[case(LifetimeLikeness::RightMilliseconds, "milliseconds: in seconds it would be right")]
#[case(LifetimeLikeness::Milliseconds, "milliseconds")]
#[case(LifetimeLikeness::Now, "the time of the call itself")]
#[case(LifetimeLikeness::Duration, "the lifetime instead of a point in time")]
#[case(LifetimeLikeness::Default, "the default, with durationSeconds ignored")]
#[case(LifetimeLikeness::Minutes, "minutes taken for seconds")]
#[case(LifetimeLikeness::LocalTime, "local time taken for UTC")]
fn where_a_wrong_lifetime_may_come_from_is_told(#[case] like: LifetimeLikeness, #[case] words: &str) {
    let fault = Fault::Lifetime {
        at: "/expiration".to_owned(),
        asked: 900,
        found: MeasuredLifetime::ByUs(7),
        looks_like: Some(like),
        asked_by: "durationSeconds".to_owned(),
    };
    let text = FaultText::of(&Violation { requirement: String::new(), level: Level::Must, step: None, fault });
    assert_eq!(text.at, "body /expiration");
    assert_eq!(text.expected, "900 s after the call by the harness's clock, give or take 60 s");
    assert_eq!(text.actual, format!("7 s after the call, which looks like {words}"));
}

#[rstest]
#[case(None, "")]
#[case(Some(Markup::Html), ", which look like HTML")]
#[case(Some(Markup::Xml), ", which look like XML")]
#[case(Some(Markup::CutJson), ", which look like JSON that ends too early")]
#[case(Some(Markup::JsonAndMore), ", which look like JSON with more behind it")]
#[case(Some(Markup::ByteOrderMark), ", which look like JSON behind a byte order mark")]
#[case(Some(Markup::Utf16), ", which look like JSON in UTF-16 instead of UTF-8")]
#[case(Some(Markup::NotUtf8), ", which look like text that is not UTF-8")]
#[case(Some(Markup::Gzip), ", which look like gzip, though none was asked for")]
#[case(Some(Markup::Deflate), ", which look like deflate, though none was asked for")]
#[case(Some(Markup::Brotli), ", which look like Brotli, though none was asked for")]
#[case(Some(Markup::Zstandard), ", which look like Zstandard, though none was asked for")]
fn what_a_body_looks_like_is_told(#[case] looks_like: Option<Markup>, #[case] words: &str) {
    let fault = Fault::NoObject { found: WrongBody::NotJson { bytes: 17, looks_like } };
    let text = FaultText::of(&Violation { requirement: String::new(), level: Level::Must, step: None, fault });
    assert_eq!(text.actual, format!("17 bytes that are not JSON{words}"));
}

#[rstest]
#[case(ValueLikeness::Milliseconds, "milliseconds instead of seconds")]
#[case(ValueLikeness::Microseconds, "microseconds instead of seconds")]
#[case(ValueLikeness::Nanoseconds, "nanoseconds instead of seconds")]
#[case(ValueLikeness::Unset, "a time that was never set")]
#[case(ValueLikeness::Duration, "a number of seconds instead of a point in time")]
fn what_a_time_looks_like_is_told(#[case] like: ValueLikeness, #[case] words: &str) {
    let expected = Constraint::Time { first: 946_684_800, last: 253_402_300_799 };
    let (at, found) = ("/expiration".to_owned(), JsonKind::Integer);
    let fault = Fault::Member { at, expected, found, looks_like: Some(like) };
    let text = FaultText::of(&Violation { requirement: String::new(), level: Level::Must, step: None, fault });
    assert_eq!(text.expected, "a time from 2000-01-01T00:00:00Z to 9999-12-31T23:59:59Z");
    assert_eq!(text.actual, format!("an integer, which looks like {words}"));
}

#[rstest]
#[case(0, "an empty string")]
#[case(1, "one blank")]
#[case(3, "3 blanks")]
fn a_text_without_anything_to_see_is_told_by_its_blanks(#[case] blanks: usize, #[case] words: &str) {
    let fault = Fault::Empty { at: "/dbUser".to_owned(), blanks };
    let text = FaultText::of(&Violation { requirement: String::new(), level: Level::Must, step: None, fault });
    assert_eq!((text.actual.as_str(), text.expected.as_str()), (words, "at least one character that can be seen"));
}

#[test]
fn where_no_case_failed_nothing_is_called_a_failure() {
    for events in [unreachable(), run_of(TargetClass::NotAws, "404 text/html", Verdict::NotImplemented)] {
        for report in [text(&events), markdown(&events)] {
            assert!(report.contains("Not judged\n") && !report.contains("Failures"), "{report}");
        }
    }
    for report in [text(&sample::events()), markdown(&sample::events())] {
        assert!(report.contains("Failures\n") && !report.contains("Not judged"), "{report}");
    }
}

#[test]
fn all_cases_of_a_run_are_not_named_one_by_one() {
    let events = unreachable();
    let report = text(&events);
    assert!(report.contains("\nindeterminate all 30 cases\n  cannot connect: connection refused\n"), "{report}");
    assert!(markdown(&events).contains("\n#### indeterminate: all 30 cases\n"), "{}", markdown(&events));
    assert!(
        github(&events).contains("::error title=indeterminate all 30 cases::cannot connect"),
        "{}",
        github(&events)
    );
    let in_full = text_with(&events, with(Detail::Verbose));
    assert!(in_full.contains("indeterminate 30 cases: a/c0, a/c1,") && in_full.contains(", a/c29\n"), "{in_full}");
}

#[test]
fn where_nothing_was_decided_no_requirement_is_named() {
    let events = unreachable();
    let sentence = "not decided: none of 4 must-requirements could be decided";
    for report in [text(&events), markdown(&events), github(&events)] {
        assert!(report.contains(sentence) && !report.contains("GC-"), "{report}");
    }
}

#[rstest]
#[case::an_answer(TargetClass::NotAws, "404 text/html", "It said: ")]
#[case::none(TargetClass::Unreachable, "cannot connect: connection refused", "The call ended with: ")]
fn only_a_target_that_answered_said_something(#[case] class: TargetClass, #[case] words: &str, #[case] before: &str) {
    let events = run_of(class, words, Verdict::Indeterminate);
    assert!(text(&events).contains(&format!("\n{before}{words}\n")), "{}", text(&events));
    assert!(markdown(&events).contains(&format!("\n> {before}`{words}`\n")), "{}", markdown(&events));
    #[cfg(feature = "cli")]
    {
        let page = html(&events);
        let quoted = page.contains(&format!("to the probe it said: <q>{words}</q>"));
        assert_eq!(
            (quoted, page.contains(&format!("the probe ended with: {words}"))),
            (before == "It said: ", !quoted)
        );
    }
}

#[test]
fn what_a_run_comes_to_stands_in_its_heading_alone_where_that_says_it_all() {
    let conformant = markdown(&sample::run_deciding(Verdict::Pass, &MUSTS, true));
    assert_eq!(conformant.matches("conformant").count(), 1, "{conformant}");
    let violated = markdown(&sample::events());
    assert!(
        violated.contains("\n**not conformant: 3 must-requirements violated: GC-DUR-02, GC-ERR-02, GC-SIG-01**\n"),
        "{violated}"
    );
}

#[rstest]
#[case::text(text, 1, "; in 2 cases: all of parameters/duration-outside\n")]
#[case::markdown(markdown, 0, ", in both cases of `parameters/duration-outside`\n")]
#[case::github(github, 2, "::error title=fail GC-DUR-02%3A parameters/duration-outside (2 cases)::")]
#[cfg_attr(feature = "cli", case::html(html, 0, "parameters/duration-outside (2 cases)</a></dd>"))]
fn a_violated_requirement_is_told_once_with_its_cases(
    #[case] report: fn(&[Event]) -> String,
    #[case] headings: usize,
    #[case] cases: &str,
) {
    let report = report(&sample::events());
    assert!(report.contains(cases), "{report}");
    assert_eq!(report.matches("GC-DUR-02 (must, documented): ").count(), headings, "{report}");
}

#[rstest]
#[case::text(text)]
#[case::markdown(markdown)]
#[case::github(github)]
#[cfg_attr(feature = "cli", case::html(html))]
fn no_list_of_violated_requirements_is_cut(#[case] report: fn(&[Event]) -> String) {
    let ids: Vec<String> = (0..60).map(|index| format!("GC-NEW-{index:02}")).collect();
    let violation = |id: &String| Violation {
        requirement: id.clone(),
        level: Level::Must,
        step: None,
        fault: sample::fault("status", "400", "200"),
    };
    let failed = CaseResult { violations: ids.iter().map(violation).collect(), ..sample::case("a/b", Verdict::Fail) };
    let mut events = sample::events_of(vec![failed], true);
    let place = events.iter().position(|event| matches!(event, Event::Requirement(_))).expect("a requirement");
    let Event::Requirement(row) = events[place].clone() else { panic!("a requirement stands here") };
    let rows = ids.iter().map(|id| RequirementEvent {
        id: id.clone(),
        level: Level::Must,
        status: RequirementStatus::Fail,
        ..row.clone()
    });
    events.splice(place..place, rows.map(Event::Requirement));
    let report = report(&events);
    for id in &ids {
        assert!(report.contains(id), "{id} is missing: {report}");
    }
}

#[test]
fn warnings_about_one_requirement_stand_below_it_once() {
    let warned = |id: &str, found: &str| {
        let warned = sample::cases().into_iter().find(|case| !case.warnings.is_empty()).expect("one has a warning");
        let mut case = CaseResult { id: id.to_owned(), ..warned };
        case.warnings[0].fault = sample::fault("body /__type", "\"ValidationException\"", found);
        case
    };
    let report = markdown(&sample::events_of(vec![warned("a/b", "no name"), warned("a/c", "a number")], true));
    let (_, warnings) = report.split_once("### Warnings").expect("warnings");
    assert_eq!(warnings.matches("GC-ERR-06").count(), 1, "{report}");
    for (found, case) in [("no name", "a/b"), ("a number", "a/c")] {
        assert!(warnings.contains(&format!("found `{found}`, in `{case}`")), "{report}");
    }
}

#[test]
fn why_cases_that_pass_leave_something_open_is_told() {
    let (undecided, reason) = (vec!["GC-SIG-01".to_owned()], sample::reason("it is old"));
    let open = CaseResult { undecided, reason, ..sample::case("a/c", Verdict::Pass) };
    let events = sample::events_of(vec![sample::deciding("a/b", Verdict::Pass, &MUSTS[..3]), open], true);
    for report in [text(&events), markdown(&events)] {
        assert!(
            report.contains("not decided for signature: 1 must-requirement") && report.contains("1 case: it is old"),
            "{report}"
        );
    }
}

/// A run of a target of this name whose one case has this verdict, and decides these requirements.
fn run_named(name: &str, verdict: Verdict, decided: &[&str]) -> Vec<Event> {
    let mut events = sample::run_deciding(verdict, decided, true);
    let run = sample::run_mut(&mut events);
    (run.target.name, run.selected) = (name.to_owned(), 1);
    events
}

fn judged_run(name: &str) -> Vec<Event> {
    run_named(name, Verdict::Pass, &MUSTS)
}

fn absent(name: &str) -> Vec<Event> {
    run_named(name, Verdict::NotImplemented, &[])
}

#[rstest]
#[case::none(&[absent("a"), absent("b")], "None of them could be judged, so that there is nothing to compare.")]
#[case::one(&[judged_run("a"), absent("b")], "Only a could be judged, so that there is nothing to compare.")]
#[case::one_and_a_silent_one(&[judged_run("a"), run_named("b", Verdict::Indeterminate, &[])], "Only a could be judged, so that there is nothing to compare.")]
#[case::two_of_three(&[judged_run("a"), absent("b"), judged_run("c")], "Those that could be judged differ on no requirement.")]
#[case::all(&[judged_run("a"), judged_run("b")], "They differ on no requirement.")]
fn only_targets_that_could_be_judged_are_said_to_have_been_compared(
    #[case] runs: &[Vec<Event>],
    #[case] sentence: &str,
) {
    let events = runs.concat();
    assert!(markdown(&events).ends_with(&format!("\n\n{sentence}\n")), "{}", markdown(&events));
    #[cfg(feature = "cli")]
    assert!(html(&events).contains(&format!("<p class=\"note\">{sentence}</p>")), "{}", html(&events));
}

#[test]
fn each_result_of_several_runs_names_its_target_however_quiet() {
    let runs = [judged_run("a"), run_named("b", Verdict::Pass, &MUSTS[1..])].concat();
    let report = text_with(&runs, TextOptions { detail: Detail::Quiet, several: true, ..TextOptions::default() });
    let expected = "\
countersign 0.1.0: GetCredentials of a at http://localhost:4566/ in us-east-1, which claims core, signature; 1 case, seed 42

Totals
a: 1 case: 1 pass; 1 check in 1.23 s
a: core: 3 of 3 must-requirements decided, 0 violated, 0 confirmed by recordings of real AWS
a: signature: 1 of 1 must-requirements decided, 0 violated, 0 confirmed by recordings of real AWS
a: conformant for core, signature

countersign 0.1.0: GetCredentials of b at http://localhost:4566/ in us-east-1, which claims core, signature; 1 case, seed 42

Totals
b: 1 case: 1 pass; 1 check in 1.23 s
b: core: 2 of 3 must-requirements decided, 0 violated, 0 confirmed by recordings of real AWS
b: signature: 1 of 1 must-requirements decided, 0 violated, 0 confirmed by recordings of real AWS
b: not decided: 1 must-requirement left undecided: GC-RES-01
";
    assert_eq!(report, expected);
}

#[rstest]
#[case::all_decided(&MUSTS, "not decided: this is shard 2/4 of a run")]
#[case::one_open(&MUSTS[1..], "not decided: this is shard 2/4 of a run, and 1 must-requirement is undecided in it")]
#[case::two_open(&MUSTS[2..], "not decided: this is shard 2/4 of a run, and 2 must-requirements are undecided in it")]
fn a_shard_is_not_blamed_for_what_others_decide(#[case] decided: &[&str], #[case] sentence: &str) {
    let report = text(&sample::as_shard(sample::run_deciding(Verdict::Pass, decided, true), "2/4"));
    assert!(report.lines().any(|line| line == sentence), "{report}");
}

#[test]
fn the_one_shard_of_a_run_is_the_run() {
    assert!(text(&sample::as_shard(judged_run("a"), "1/1")).contains("\nconformant for core, signature\n"));
}

#[test]
fn a_mark_that_stands_for_two_things_is_explained_once() {
    let mut unclaimed = judged_run("d");
    for event in &mut unclaimed {
        if let Event::Requirement(row) = event
            && row.id == "GC-SIG-01"
        {
            row.status = RequirementStatus::NotApplicable;
        }
    }
    let open = run_named("b", Verdict::Pass, &MUSTS[..3]);
    let runs = [judged_run("a"), open, absent("c"), unclaimed].concat();
    let report = markdown(&runs);
    let legend = report.lines().find(|line| line.contains('✓')).expect("a legend");
    assert_eq!(legend, "? undecided, – not implemented or not applicable, ✓ holds");
    assert!(report.contains("| ✓ | ? | – | – |"), "{report}");
}
