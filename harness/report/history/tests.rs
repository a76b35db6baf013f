use rstest::rstest;

use super::super::tests::sample::{self, deciding, events_of, run_mut};
use super::super::{Event, Layout, Markdown, Report};
use super::*;
use crate::report::formats::Collecting;
use crate::report::{HistorySink, Sink, TextOptions, conclude};
use crate::verdict::{CaseResult, Verdict, Violation};

/// What a case found about `GC-DUR-02`.
#[derive(Clone, Copy)]
enum Found {
    /// It holds.
    Holds,
    Breaks,
    /// The case gave no usable answer.
    Nothing,
}
use Found::{Breaks, Holds, Nothing};

const ID: &str = "GC-DUR-02";

fn result(id: &str, found: Found) -> CaseResult {
    let broken = || {
        let fault = sample::fault("status", "400", "200");
        Violation { requirement: ID.to_owned(), level: Level::Must, step: None, fault }
    };
    match found {
        Holds => deciding(id, Verdict::Pass, &[ID]),
        Breaks => CaseResult { violations: vec![broken()], ..deciding(id, Verdict::Fail, &[ID]) },
        Nothing => CaseResult { requirements: vec![ID.to_owned()], ..sample::case(id, Verdict::Indeterminate) },
    }
}

/// A run of these cases on a day of November; the case `other/a` decides another requirement, so that the run counts.
fn run(day: usize, cases: &[(&str, Found)]) -> Vec<Event> {
    let mut results: Vec<CaseResult> = cases.iter().map(|(id, found)| result(id, *found)).collect();
    results.push(deciding("other/a", Verdict::Pass, &["GC-RES-01"]));
    let mut events = events_of(results, true);
    run_mut(&mut events).started_at = format!("2026-11-{day:02}T06:00:00Z");
    events
}

/// One run of the case `a/b` for each thing that it found.
fn runs(found: &[Found]) -> Vec<Vec<Event>> {
    found.iter().enumerate().map(|(at, found)| run(at + 1, &[("a/b", *found)])).collect()
}

fn collected(runs: &[Vec<Event>]) -> Vec<Collected> {
    let collect = |events: &Vec<Event>| {
        let mut collected = Collected::default();
        for event in events {
            collected.hear(event);
        }
        collected
    };
    runs.iter().map(collect).collect()
}

/// A spell: from which run, how it began, in which it was last seen, and how it ended.
type Told = (usize, TurnKind, usize, Option<(usize, TurnKind)>);

/// The spells of `GC-DUR-02`.
fn spells(runs: &[Vec<Event>]) -> Vec<Told> {
    let (collected, register) = (collected(runs), sample::register());
    let history = History::of(&collected, &[], &register);
    let track = history.tracks.iter().find(|track| track.id == ID);
    let spells = track.map(|track| track.spells.clone()).unwrap_or_default();
    spells
        .into_iter()
        .map(|spell| (spell.from + 1, spell.began, spell.last + 1, spell.ended.map(|(at, how)| (at + 1, how))))
        .collect()
}

#[rstest]
#[case::never_broken(&[Holds, Holds], &[])]
#[case::broken_and_fixed(&[Holds, Breaks, Breaks, Holds], &[(2, TurnKind::Broken, 3, Some((4, TurnKind::Fixed)))])]
#[case::broken_from_the_first(&[Breaks, Breaks], &[(1, TurnKind::Found, 2, None)])]
#[case::never_decided_before(&[Nothing, Breaks], &[(2, TurnKind::Found, 2, None)])]
#[case::undecided_between_is_one_violation(&[Holds, Breaks, Nothing, Breaks], &[(2, TurnKind::Broken, 4, None)])]
#[case::what_no_run_decides_any_more_stands(&[Breaks, Nothing], &[(1, TurnKind::Found, 1, None)])]
#[case::held_before_an_outage(&[Holds, Nothing, Breaks], &[(3, TurnKind::Broken, 3, None)])]
#[case::twice(
    &[Breaks, Holds, Breaks],
    &[(1, TurnKind::Found, 1, Some((2, TurnKind::Fixed))), (3, TurnKind::Broken, 3, None)]
)]
fn a_violation_stands_from_the_run_that_found_it_to_the_run_that_fixed_it(
    #[case] found: &[Found],
    #[case] expected: &[Told],
) {
    assert_eq!(spells(&runs(found)), expected);
}

#[test]
fn a_run_without_the_case_that_broke_a_requirement_fixes_nothing() {
    let broken = run(1, &[("a/b", Breaks), ("a/c", Holds)]);
    let selected = run(2, &[("a/c", Holds)]);
    let mended = run(3, &[("a/b", Holds)]);
    assert_eq!(spells(&[broken.clone(), selected.clone()]), [(1, TurnKind::Found, 1, None)]);
    assert_eq!(
        spells(&[broken.clone(), selected.clone(), mended]),
        [(1, TurnKind::Found, 1, Some((3, TurnKind::Fixed)))]
    );
    let (collected, register) = (collected(&[broken, selected]), sample::register());
    let history = History::of(&collected, &[], &register);
    let track = history.tracks.iter().find(|track| track.id == ID).expect("it was broken");
    assert_eq!(track.standings, [Standing::Violated, Standing::Undecided], "a strip shows no pass either");
}

#[test]
fn of_another_suite_a_whole_run_without_the_case_fixes_what_it_broke_and_a_part_does_not() {
    let broken = run(1, &[("a/b", Breaks)]);
    let mut renamed = run(2, &[("a/new", Holds)]);
    run_mut(&mut renamed).suite_version = Some(2);
    assert_eq!(spells(&[broken.clone(), renamed.clone()]), [(1, TurnKind::Found, 1, Some((2, TurnKind::Fixed)))]);
    renamed.retain(|event| !matches!(event, Event::Requirement(_) | Event::Summary(_)));
    let killed = conclude(renamed, &sample::register());
    assert_eq!(spells(&[broken, killed]), [(1, TurnKind::Found, 1, None)]);
}

#[test]
fn a_new_case_finds_a_violation_and_does_not_break_what_held() {
    let runs = [run(1, &[("a/b", Holds)]), run(2, &[("a/b", Holds), ("a/new", Breaks)])];
    assert_eq!(spells(&runs), [(2, TurnKind::Found, 2, None)]);
}

#[test]
fn a_requirement_that_asks_for_more_is_not_broken_by_the_server() {
    let mut stricter = run(2, &[("a/b", Breaks)]);
    run_mut(&mut stricter).suite_version = Some(2);
    for event in &mut stricter {
        if let Event::Requirement(row) = event {
            row.since = (row.id == ID).then_some(2);
        }
    }
    assert_eq!(spells(&[run(1, &[("a/b", Holds)]), stricter]), [(2, TurnKind::Found, 2, None)]);
}

#[test]
fn a_requirement_that_no_longer_counts_is_dropped_and_not_fixed() {
    let mut without = run(2, &[]);
    without.retain(|event| !matches!(event, Event::Requirement(row) if row.id == ID));
    assert_eq!(spells(&[run(1, &[("a/b", Breaks)]), without]), [(1, TurnKind::Found, 1, Some((2, TurnKind::Dropped)))]);
}

#[test]
fn what_is_not_as_in_the_run_before_is_told() {
    let [before, mut now] = [run(1, &[]), run(2, &[])];
    let event = run_mut(&mut now);
    (event.suite_version, event.selected) = (Some(3), 12);
    event.target.features = vec!["core".to_owned(), "iam".to_owned()];
    event.target.endpoint = "http://localhost:9/".to_owned();
    let (collected, register) = (collected(&[before, now]), sample::register());
    let history = History::of(&collected, &[], &register);
    assert_eq!(history.runs[0].shifts, []);
    assert_eq!(
        history.runs[1].shifts,
        [
            Shift::Suite(1, 3),
            Shift::Features(vec!["iam".to_owned()], vec!["signature".to_owned()]),
            Shift::Selected(11, 12),
            Shift::Endpoint("http://localhost:4566/".to_owned(), "http://localhost:9/".to_owned()),
        ]
    );
}

#[test]
fn runs_of_two_targets_or_two_operations_are_no_history() {
    let [one, mut other, mut third] = [run(1, &[]), run(2, &[]), run(3, &[])];
    run_mut(&mut other).target.name = "theirs".to_owned();
    run_mut(&mut third).operation = "GetWorkgroup".to_owned();
    let events =
        |runs: &[&Vec<Event>]| -> Vec<RunEvent> { runs.iter().filter_map(|run| run[0].run().cloned()).collect() };
    let found = |runs: &[&Vec<Event>]| misfit(&events(runs).iter().collect::<Vec<_>>());
    assert_eq!(found(&[&one, &one]), None);
    let values = vec![("endpoint".to_owned(), vec![0, 2]), ("theirs".to_owned(), vec![1])];
    assert_eq!(found(&[&one, &other, &one]), Some(Misfit { what: "target", values }));
    assert_eq!(found(&[&one, &third]).map(|misfit| misfit.what), Some("operation"));
    run_mut(&mut third).operation.clone_from(&run_mut(&mut other).operation);
    run_mut(&mut third).service = None;
    assert_eq!(found(&[&one, &third]), None, "an older build did not tell the service");
}

/// The history of these runs as a report of this kind.
fn report(runs: &[Vec<Event>], report: &dyn Report) -> String {
    let files = (1..=runs.len()).map(|run| format!("{run}.jsonl")).collect();
    let mut collecting = Collecting::laid_out(&sample::register(), Layout::OverTime(files));
    for event in runs.iter().flatten() {
        collecting.hear(event).expect("it is collected");
    }
    String::from_utf8(collecting.bytes_of(report).expect("memory takes everything")).expect("UTF-8")
}

fn text(runs: &[Vec<Event>]) -> String {
    let mut out = Vec::new();
    let files: Vec<String> = (1..=runs.len()).map(|run| format!("{run}.jsonl")).collect();
    let mut sink = HistorySink::new(&mut out, &sample::register(), &files, TextOptions::default());
    for event in runs.iter().flatten() {
        sink.hear(event).expect("it is collected");
    }
    sink.finish().expect("memory takes everything");
    drop(sink);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn text_and_markdown_say_since_when_a_violation_stands() {
    let runs = runs(&[Holds, Breaks, Nothing]);
    let since = "since 2026-11-02, run 2 of 3; last seen on 2026-11-02, run 2: what came later did not decide it";
    for told in [text(&runs), report(&runs, &Markdown::default())] {
        assert!(told.contains("GetCredentials of endpoint, 3 runs from 2026-11-01 to 2026-11-03"), "{told}");
        assert!(told.contains(since) && told.contains("a must-requirement was broken once."), "{told}");
    }
    assert!(
        text(&runs)
            .contains("2  2026-11-02 06:00:00    2 of   4 decided,   1 violated  2.jsonl\n     broken: GC-DUR-02\n"),
        "{}",
        text(&runs)
    );
}

#[test]
fn nothing_of_a_target_is_markup_or_steers_a_terminal() {
    const NASTY: &str = "</svg><script>alert(1)</script>\u{1b}[2J\u{202e}|@all";
    let mut runs = runs(&[Holds, Breaks]);
    for events in &mut runs {
        run_mut(events).target.name = NASTY.to_owned();
        run_mut(events).target.endpoint = format!("http://{NASTY}/{}", run_mut(events).started_at);
        run_mut(events).tool = NASTY.to_owned();
    }
    let steers = |text: &str| text.contains(['\u{1b}', '\u{202e}']);
    assert!(!steers(&text(&runs)), "{}", text(&runs));
    let markdown = report(&runs, &Markdown::default());
    let outside_of_code: String = markdown.split('`').step_by(2).collect();
    assert!(!steers(&markdown) && !outside_of_code.contains("<script"), "{markdown}");
    #[cfg(feature = "cli")]
    {
        let page = report(&runs, &super::super::Html);
        assert!(!steers(&page) && !page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    }
}

#[cfg(feature = "cli")]
mod page {
    use super::super::super::Html;
    use super::*;

    #[test]
    fn each_point_is_a_link_to_its_run_and_says_its_numbers() {
        let page = report(&runs(&[Holds, Breaks, Breaks, Holds]), &Html);
        for (run, says) in [
            (1, "2 of 4 decided, 0 violated"),
            (2, "2 of 4 decided, 1 violated; 1 broken"),
            (4, "2 of 4 decided, 0 violated; 1 fixed"),
        ] {
            let label = format!("aria-label=\"Run {run} of 4 on 2026-11-0{run}: {says}\"");
            assert!(page.contains(&label), "{label}: {page}");
            assert!(page.contains(&format!("<a href=\"#run-{run}\"")) && page.contains(&format!(" id=\"run-{run}\"")));
        }
        assert!(page.contains("From 2026-11-01 to 2026-11-04: decided 2 to 2, violated 0 to 0"), "the desc: {page}");
        assert!(page.contains("fixed on 2026-11-04, run 4") && !page.contains("id=\"violations\""), "{page}");
    }

    #[test]
    fn the_scale_begins_at_0_and_the_policy_has_no_script() {
        let page = report(&runs(&[Breaks, Holds]), &Html);
        // The line of 0 is at the bottom of both parts, 158 and 268 pixels from the top.
        for bottom in ["158", "268"] {
            assert!(
                page.contains(&format!(
                    "y1=\"{bottom}.0\" y2=\"{bottom}.0\"/><text x=\"7.0%\" y=\"{}.0\" text-anchor=\"end\">0</text>",
                    bottom.parse::<usize>().expect("a number") + 4
                )),
                "{page}"
            );
        }
        assert!(!page.contains("script"), "{page}");
    }

    #[test]
    fn where_other_requirements_count_the_line_has_a_mark() {
        let mut runs = runs(&[Holds, Holds, Holds]);
        assert!(!report(&runs, &Html).contains("class=\"mark\""));
        run_mut(&mut runs[1]).suite_version = Some(2);
        let page = report(&runs, &Html);
        // Back to the first suite is a change too.
        assert_eq!(page.matches("<line class=\"mark\"").count(), 2, "{page}");
        assert!(page.contains("◆ The suite has version 2, before 1."), "{page}");
    }

    #[test]
    fn a_run_that_was_cut_short_is_an_open_point() {
        let mut runs = runs(&[Holds, Holds]);
        runs[1].retain(|event| !matches!(event, Event::Requirement(_) | Event::Summary(_)));
        let killed = conclude(runs.remove(1), &sample::register());
        let page = report(&[runs.remove(0), killed], &Html);
        assert!(
            page.contains("; not whole\" class=\"open\">") && page.contains("The run was cut short: 2 of 11"),
            "{page}"
        );
    }

    #[test]
    fn many_runs_make_a_small_page() {
        let page = report(&runs(&[[Holds, Breaks]; 150].concat()), &Html);
        assert!(page.len() < 600_000, "{} bytes", page.len());
        assert!(page.contains("class=\"strip long\"") && page.contains("class=\"chart dense\""));
    }
}
