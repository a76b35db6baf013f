//! What the reports of several runs say, and those of one part of a run.

use super::*;

use sample::MUSTS;

/// A run of a target of this name whose one case has this verdict, and decides these requirements.
fn run_of(name: &str, verdict: Verdict, decided: &[&str]) -> Vec<Event> {
    let mut events = sample::run_deciding(verdict, decided, true);
    let run = sample::run_mut(&mut events);
    (run.target.name, run.selected) = (name.to_owned(), 1);
    events
}

fn judged(name: &str) -> Vec<Event> {
    run_of(name, Verdict::Pass, &MUSTS)
}

fn absent(name: &str) -> Vec<Event> {
    run_of(name, Verdict::NotImplemented, &[])
}

#[rstest]
#[case::none(&[absent("a"), absent("b")], "None of them could be judged, so that there is nothing to compare.")]
#[case::one(&[judged("a"), absent("b")], "Only a could be judged, so that there is nothing to compare.")]
#[case::one_and_a_silent_one(&[judged("a"), run_of("b", Verdict::Indeterminate, &[])], "Only a could be judged, so that there is nothing to compare.")]
#[case::two_of_three(&[judged("a"), absent("b"), judged("c")], "Those that could be judged differ on no requirement.")]
#[case::all(&[judged("a"), judged("b")], "They differ on no requirement.")]
fn only_targets_that_could_be_judged_are_said_to_have_been_compared(#[case] runs: &[Vec<Event>], #[case] told: &str) {
    let events = runs.concat();
    assert!(markdown(&events).ends_with(&format!("\n\n{told}\n")), "{}", markdown(&events));
    #[cfg(feature = "cli")]
    assert!(html(&events).contains(&format!("<p class=\"note\">{told}</p>")), "{}", html(&events));
}

#[test]
fn each_result_of_several_runs_names_its_target_however_quiet() {
    let runs = [judged("a"), run_of("b", Verdict::Pass, &MUSTS[1..])].concat();
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
    assert!(text(&sample::as_shard(judged("a"), "1/1")).contains("\nconformant for core, signature\n"));
}

#[test]
fn a_mark_that_stands_for_two_things_is_explained_once() {
    let mut unclaimed = judged("d");
    for event in &mut unclaimed {
        if let Event::Requirement(row) = event
            && row.id == "GC-SIG-01"
        {
            row.status = RequirementStatus::NotApplicable;
        }
    }
    let open = run_of("b", Verdict::Pass, &MUSTS[..3]);
    let runs = [judged("a"), open, absent("c"), unclaimed].concat();
    let report = markdown(&runs);
    let legend = report.lines().find(|line| line.contains('✓')).expect("a legend");
    assert_eq!(legend, "? undecided, – not implemented or not applicable, ✓ holds");
    assert!(report.contains("| ✓ | ? | – | – |"), "{report}");
}
