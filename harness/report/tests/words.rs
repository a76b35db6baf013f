//! That the reports say what happened once, and in words that fit it.

use super::*;

/// A run of 30 cases, with this verdict and for one reason, against a target of this class.
fn run_of(class: Class, said: &str, verdict: Verdict) -> Vec<Event> {
    let reason = sample::reason(said).filter(|_| verdict != Verdict::NotImplemented);
    let case = |index| CaseResult { reason: reason.clone(), ..sample::case(&format!("a/c{index}"), verdict) };
    let mut events = sample::events_of((0..30).map(case).collect(), true);
    let run = sample::run_mut(&mut events);
    (run.selected, run.target.class, run.target.heard) = (30, class, Heard::Told(said.to_owned()));
    events
}

/// The run of a target that cannot be reached.
fn unreachable() -> Vec<Event> {
    run_of(Class::Unreachable, "cannot connect: connection refused", Verdict::Indeterminate)
}

#[test]
fn where_no_case_failed_nothing_is_called_a_failure() {
    for events in [unreachable(), run_of(Class::NotAws, "404 text/html", Verdict::NotImplemented)] {
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
    let told = text(&events);
    assert!(told.contains("\nindeterminate all 30 cases\n  cannot connect: connection refused\n"), "{told}");
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
    let told = "not decided: none of 4 must-requirements could be decided";
    for report in [text(&events), markdown(&events), github(&events)] {
        assert!(report.contains(told) && !report.contains("GC-"), "{report}");
    }
}

#[rstest]
#[case::an_answer(Class::NotAws, "404 text/html", "It said: ")]
#[case::none(Class::Unreachable, "cannot connect: connection refused", "The call ended with: ")]
fn only_a_target_that_answered_said_something(#[case] class: Class, #[case] said: &str, #[case] before: &str) {
    let events = run_of(class, said, Verdict::Indeterminate);
    assert!(text(&events).contains(&format!("\n{before}{said}\n")), "{}", text(&events));
    assert!(markdown(&events).contains(&format!("\n> {before}`{said}`\n")), "{}", markdown(&events));
    #[cfg(feature = "cli")]
    {
        let page = html(&events);
        let quoted = page.contains(&format!("to the probe it said: <q>{said}</q>"));
        assert_eq!((quoted, page.contains(&format!("the probe ended with: {said}"))), (before == "It said: ", !quoted));
    }
}

#[test]
fn what_a_run_comes_to_stands_in_its_heading_alone_where_that_says_it_all() {
    let conformant = markdown(&sample::run_deciding(Verdict::Pass, &sample::MUSTS, true));
    assert_eq!(conformant.matches("conformant").count(), 1, "{conformant}");
    let violated = markdown(&sample::events());
    assert!(
        violated.contains("\n**not conformant: 3 must-requirements violated: GC-DUR-02, GC-ERR-02, GC-SIG-01**\n"),
        "{violated}"
    );
}

#[test]
fn of_one_requirement_that_many_cases_violate_markdown_tells_the_reason_once_before_them() {
    let report = markdown(&sample::events());
    let (short, long) = report.split_once("\n### Failures\n").expect("both parts");
    let rows: Vec<&str> = short.lines().filter(|line| line.starts_with("| GC-")).collect();
    assert_eq!(rows.len(), 2, "{short}");
    assert!(
        rows[0].starts_with("| GC-DUR-02 (must")
            && rows[0].contains(" | 2 | `parameters/duration-outside/899`: expected ")
    );
    assert!(long.contains("both cases of `parameters/duration-outside`"), "{long}");
    let one = sample::cases().into_iter().filter(|case| case.id == "errors/not-found").collect();
    assert!(!markdown(&sample::events_of(one, true)).contains("| violated requirement"), "one case is no list");
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
    let events = sample::events_of(vec![sample::deciding("a/b", Verdict::Pass, &sample::MUSTS[..3]), open], true);
    for report in [text(&events), markdown(&events)] {
        assert!(report.contains("not decided: 1 must-requirement") && report.contains("1 case: it is old"), "{report}");
    }
}
