use rstest::rstest;

use super::super::tests::sample;
use super::*;

fn run(cases: &[(&str, Verdict)]) -> Vec<Event> {
    sample::events_of(cases.iter().map(|(id, verdict)| sample::case(id, *verdict)).collect(), true)
}

fn lists(comparison: &Comparison) -> [usize; 6] {
    let Comparison { fixed, broken, new, gone, changed, unchanged, .. } = comparison;
    [fixed.len(), broken.len(), new.len(), gone.len(), changed.len(), *unchanged]
}

#[rstest]
#[case::same(Verdict::Pass, Verdict::Pass, [0, 0, 0, 0, 0, 1])]
#[case::still_fails(Verdict::Fail, Verdict::Fail, [0, 0, 0, 0, 0, 1])]
#[case::fixed(Verdict::Fail, Verdict::Pass, [1, 0, 0, 0, 0, 0])]
#[case::fixed_though_in_the_baseline(Verdict::KnownFail, Verdict::Fixed, [1, 0, 0, 0, 0, 0])]
#[case::implemented(Verdict::NotImplemented, Verdict::Pass, [1, 0, 0, 0, 0, 0])]
#[case::broken(Verdict::Pass, Verdict::Fail, [0, 1, 0, 0, 0, 0])]
#[case::broken_though_in_the_baseline(Verdict::Fixed, Verdict::KnownFail, [0, 1, 0, 0, 0, 0])]
#[case::taken_away(Verdict::Pass, Verdict::NotImplemented, [0, 1, 0, 0, 0, 0])]
#[case::silent(Verdict::Pass, Verdict::Indeterminate, [0, 1, 0, 0, 0, 0])]
#[case::blocked(Verdict::Pass, Verdict::Blocked, [0, 1, 0, 0, 0, 0])]
#[case::not_judged(Verdict::Fixed, Verdict::HarnessError, [0, 1, 0, 0, 0, 0])]
#[case::no_longer_claimed(Verdict::Pass, Verdict::NotApplicable, [0, 0, 0, 0, 1, 0])]
#[case::silent_instead_of_wrong(Verdict::Fail, Verdict::Indeterminate, [0, 0, 0, 0, 1, 0])]
#[case::excused(Verdict::Fail, Verdict::KnownFail, [0, 0, 0, 0, 1, 0])]
#[case::no_longer_blocked(Verdict::Blocked, Verdict::Pass, [0, 0, 0, 0, 1, 0])]
fn what_passed_and_does_not_hold_any_more_is_broken_and_only_what_failed_is_fixed(
    #[case] old: Verdict,
    #[case] new: Verdict,
    #[case] expected: [usize; 6],
) {
    let comparison = Comparison::new(&run(&[("a/b", old)]), &run(&[("a/b", new)])).expect("comparable");
    assert_eq!(lists(&comparison), expected);
}

#[test]
fn cases_that_come_and_go_are_told_and_are_no_breakage() {
    let old = run(&[("a/b", Verdict::Pass), ("a/old", Verdict::Pass)]);
    let new = run(&[("a/b", Verdict::Pass), ("a/new", Verdict::Fail)]);
    let comparison = Comparison::new(&old, &new).expect("comparable");
    assert_eq!(lists(&comparison), [0, 0, 1, 1, 0, 1]);
    let change = |change: &CaseChange| (change.id.clone(), change.old, change.new);
    assert_eq!(change(&comparison.new[0]), ("a/new".to_owned(), None, Some(Verdict::Fail)));
    assert_eq!(change(&comparison.gone[0]), ("a/old".to_owned(), Some(Verdict::Pass), None));
}

#[test]
fn a_case_that_fails_for_another_requirement_has_changed() {
    let with = |requirement: &str| {
        let mut cases = sample::cases();
        cases[1].violations.iter_mut().for_each(|broken| broken.requirement = requirement.to_owned());
        sample::events_of(cases, true)
    };
    let comparison = Comparison::new(&with("GC-ERR-02"), &with("GC-RES-01")).expect("comparable");
    assert_eq!(lists(&comparison), [0, 0, 0, 0, 1, 10]);
    assert_eq!(comparison.changed[0].violations[0].requirement, "GC-RES-01");
}

#[rstest]
#[case::empty(|new: &mut Vec<Event>| *new = run(&[]), "the new run has no case")]
#[case::interrupted(|new: &mut Vec<Event>| *new = sample::run_deciding(Verdict::Pass, &[], false), "the new run was cut short: 1 of 11 cases")]
#[case::other_cases(|new: &mut Vec<Event>| *new = run(&[("x/y", Verdict::Pass)]), "no case in common")]
#[case::other_side(|new: &mut Vec<Event>| if let Event::Case(case) = &mut new[1] { case.side = Side::Client }, "expected two runs of the same side, found server and client")]
#[case::other_operation(|new: &mut Vec<Event>| sample::run_mut(new).operation = "GetWorkgroup".to_owned(), "expected two runs of the same operation, found GetCredentials and GetWorkgroup")]
fn what_would_say_nothing_is_refused(#[case] change: fn(&mut Vec<Event>), #[case] expected: &str) {
    let old = run(&[("a/b", Verdict::Pass)]);
    let mut new = old.clone();
    change(&mut new);
    let error = Comparison::new(&old, &new).expect_err("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

/// The sample run before, and after a repair of one failure, the breakage of four cases, one of them by silence,
/// and a case that is not blocked any more.
fn sample_comparison() -> Comparison {
    let old = sample::cases();
    let mut new = old.clone();
    let broken = new[1].clone();
    (new[1].verdict, new[1].violations) = (Verdict::Pass, Vec::new());
    (new[0].verdict, new[0].violations) = (Verdict::Fail, broken.violations);
    (new[2].verdict, new[2].reason) = (Verdict::Indeterminate, sample::reason("no answer within 10 s"));
    (new[5].verdict, new[5].reason) = (Verdict::Pass, None);
    let family = ["errors/many/1", "errors/many/2"];
    let mut old: Vec<_> = old.into_iter().chain(family.map(|id| sample::case(id, Verdict::Pass))).collect();
    new.extend(family.map(|id| sample::case(id, Verdict::NotImplemented)));
    old.push(sample::case("errors/old", Verdict::Pass));
    new.push(sample::case("errors/new", Verdict::Pass));
    Comparison::new(&sample::events_of(old, true), &sample::events_of(new, true)).expect("comparable")
}

#[test]
fn a_family_is_told_as_a_whole_only_where_all_of_it_changed() {
    let family = |verdicts: [Verdict; 3]| {
        let ids = ["a/f/1", "a/f/2", "a/f/3"];
        run(&ids.into_iter().zip(verdicts).collect::<Vec<_>>())
    };
    let [pass, fail] = [Verdict::Pass, Verdict::Fail];
    let groups = |new: [Verdict; 3]| {
        let comparison = Comparison::new(&family([pass; 3]), &family(new)).expect("comparable");
        (comparison.text(&sample::register()), comparison.markdown(&sample::register()))
    };
    let (text, markdown) = groups([fail; 3]);
    assert!(text.contains("broken 3 cases: all of a/f\n"), "{text}");
    assert!(markdown.contains("- all 3 cases of `a/f`: pass"), "{markdown}");
    let (text, markdown) = groups([fail, pass, fail]);
    assert!(text.contains("broken 2 cases: 2 of the 3 cases of a/f\n"), "{text}");
    assert!(markdown.contains("- 2 of the 3 cases of `a/f`: pass"), "{markdown}");
}

#[rstest]
#[case("2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00Z")]
#[case("2026-11-22T10:00:59Z", "2026-11-22T10:00:59Z")]
#[case("soon", "soon")]
fn the_time_of_a_run_is_told_to_the_second(#[case] began: &str, #[case] start_text: &str) {
    let mut run = run(&[("a/b", Verdict::Pass)]);
    sample::run_mut(&mut run).started_at = began.to_owned();
    let text = Comparison::new(&run, &run).expect("comparable").text(&sample::register());
    assert!(text.contains(&format!("; 11 cases, {start_text}, countersign")), "{text}");
    #[cfg(feature = "cli")]
    assert!(super::super::tests::junit(&run).contains(&format!("timestamp=\"{start_text}\"")));
}

#[test]
fn a_comparison_is_as_reviewed_in_each_format() {
    let comparison = sample_comparison();
    let (json, text, markdown) =
        (comparison.json(), comparison.text(&sample::register()), comparison.markdown(&sample::register()));
    for (name, report) in [("diff-text", &text), ("diff-json", &json), ("diff-markdown", &markdown)] {
        super::super::tests::snapshot(name, report);
    }
    assert!([text, json, markdown].iter().all(|report| report.chars().all(|c| c == '\n' || !c.is_control())));
}
