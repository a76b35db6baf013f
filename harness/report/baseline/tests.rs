use rstest::rstest;
use serde_json::json;

use super::super::tests::sample::{self, case};
use super::super::words;
use super::*;

const NAME: &str = "baseline.json";

fn read(text: &str) -> Result<Baseline, LoadError> {
    Baseline::new(NAME, parse(NAME, text)?)
}

fn baseline(entries: &serde_json::Value) -> Baseline {
    read(&json!({ "version": 1, "entries": entries }).to_string()).expect("a good baseline")
}

fn entry(pattern: &str) -> serde_json::Value {
    json!({ "pattern": pattern, "reason": "known" })
}

fn words_of(case: &CaseResult) -> String {
    case.reason.as_ref().map(words::reason).unwrap_or_default()
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

#[rstest]
#[case::version(r#"{"version":2,"entries":[]}"#, "/version", "expected version 1, found 2")]
#[case::unknown_key(r#"{"version":1,"entries":[],"x":1}"#, "/x", "unknown field")]
fn a_wrong_baseline_is_refused_with_its_place(#[case] text: &str, #[case] pointer: &str, #[case] message: &str) {
    let error = read(text).expect_err("it is wrong");
    assert_eq!((error.file.as_str(), error.pointer.as_str()), (NAME, pointer), "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[rstest]
#[case::unknown_key(r#"{"pattern":"a","reason":"r","why":1}"#, "/entries/0/why", "unknown field")]
#[case::no_reason(r#"{"pattern":"a"}"#, "/entries/0", "missing field `reason`")]
#[case::empty_reason(r#"{"pattern":"a","reason":" "}"#, "/entries/0/reason", "found an empty text")]
#[case::bad_pattern(r#"{"pattern":"a/[","reason":"r"}"#, "/entries/0/pattern", "cannot be read")]
#[case::twice(
    r#"{"pattern":"a","reason":"r"},{"pattern":"a/","reason":"s"}"#,
    "/entries/1/pattern",
    "stands here twice"
)]
#[case::no_day(r#"{"pattern":"a","reason":"r","expires":"2026-02-30"}"#, "/entries/0/expires", "expected a day")]
#[case::another_form(r#"{"pattern":"a","reason":"r","expires":"20260228"}"#, "/entries/0/expires", "expected a day")]
fn a_wrong_entry_is_refused_with_its_place(#[case] entries: &str, #[case] pointer: &str, #[case] message: &str) {
    let text = format!(r#"{{"version":1,"entries":[{entries}]}}"#);
    a_wrong_baseline_is_refused_with_its_place(&text, pointer, message);
}

#[test]
fn a_pattern_that_matches_no_case_is_an_error() {
    let baseline = baseline(&json!([entry("a/b"), entry("a/c")]));
    let error = baseline.check_ids(&["a/b", "a/b/1"]).expect_err("nothing is a/c");
    assert_eq!(error.pointer, "/entries/1/pattern");
    assert_eq!(baseline.check_ids(&["a/b", "a/c/1"]), Ok(()));
}

#[rstest]
#[case(Verdict::Fail, Verdict::KnownFail, "known")]
#[case(Verdict::Blocked, Verdict::KnownFail, "known; it is blocked")]
#[case(Verdict::NotImplemented, Verdict::KnownFail, "known; it is not-implemented")]
#[case(Verdict::Pass, Verdict::Fixed, "it passes, and the entry \"a\" of baseline.json")]
#[case(Verdict::Indeterminate, Verdict::Indeterminate, "")]
#[case(Verdict::NotApplicable, Verdict::NotApplicable, "")]
#[case(Verdict::HarnessError, Verdict::HarnessError, "")]
fn an_entry_excuses_failures_and_only_those(#[case] before: Verdict, #[case] after: Verdict, #[case] reason: &str) {
    let mut case = case("a/b", before);
    baseline(&json!([entry("a")])).apply(&mut case, day("2026-01-01"));
    assert_eq!(case.verdict, after);
    assert!(words_of(&case).starts_with(reason), "{case:?}");
}

#[test]
fn what_no_entry_selects_stays_as_it_is() {
    let before = CaseResult { reason: sample::reason("own"), ..case("b/b", Verdict::Blocked) };
    let mut after = before.clone();
    baseline(&json!([entry("a")])).apply(&mut after, day("2026-01-01"));
    assert_eq!(after, before);
}

#[rstest]
#[case::last_day("2026-06-30", Verdict::KnownFail, "known (#7)")]
#[case::day_after("2026-07-01", Verdict::Fail, "the baseline's excuse \"known (#7)\" expired on 2026-06-30")]
fn an_entry_excuses_up_to_its_last_day(#[case] today: &str, #[case] verdict: Verdict, #[case] reason: &str) {
    let entries = json!([{ "pattern": "a", "reason": "known", "issue": "#7", "expires": "2026-06-30" }]);
    let mut case = case("a/b", Verdict::Fail);
    baseline(&entries).apply(&mut case, day(today));
    assert_eq!((case.verdict, words_of(&case).as_str()), (verdict, reason));
}

#[rstest]
#[case::family_and_member(&["a/f", "a/f/1"], "/entries/1/pattern", "found a/f/1 in \"a/f\" and in \"a/f/1\"")]
#[case::member_first(&["a/f/1", "b", "a"], "/entries/2/pattern", "found a/f/1 in \"a/f/1\" and in \"a\"")]
#[case::two_wide_ones(&["a/*/1", "a/f"], "/entries/1/pattern", "found a/f/1 in \"a/*/1\" and in \"a/f\"")]
fn entries_that_share_a_case_are_refused_by_name(
    #[case] patterns: &[&str],
    #[case] pointer: &str,
    #[case] message: &str,
) {
    let entries: Vec<_> = patterns.iter().map(|pattern| entry(pattern)).collect();
    let error = baseline(&json!(entries)).check_ids(&["a/f/1", "a/f/2", "b/one"]).expect_err("one case, two entries");
    assert_eq!(error.pointer, pointer);
    assert!(error.message.contains(message), "{error}");
}

#[rstest]
#[case::the_wide_one("a", "a/b")]
#[case::the_narrow_one("a/b", "a")]
fn an_expired_entry_is_hidden_by_no_other(#[case] expired: &str, #[case] alive: &str) {
    let expired = json!({ "pattern": expired, "reason": "old", "expires": "2020-01-01" });
    for entries in [json!([expired, entry(alive)]), json!([entry(alive), expired])] {
        let mut case = case("a/b", Verdict::Fail);
        baseline(&entries).apply(&mut case, day("2026-01-01"));
        assert_eq!(case.verdict, Verdict::Fail);
        assert_eq!(words_of(&case), "the baseline's excuse \"old\" expired on 2020-01-01");
    }
}

#[rstest]
#[case::for_ever("later", None, None)]
#[case::today("later", Some("2026-01-01"), None)]
#[case::over(
    "later",
    Some("2025-12-31"),
    Some("expected a last day that is not over, such as 2026-01-01, found 2025-12-31")
)]
#[case::no_reason(" ", None, Some("found an empty text"))]
fn an_excuse_that_excuses_nothing_is_refused(
    #[case] reason: &str,
    #[case] expires: Option<&str>,
    #[case] expected: Option<&str>,
) {
    let excuse = BaselineExcuse { reason: reason.to_owned(), issue: None, expires: expires.map(day) };
    let error = excuse.check(day("2026-01-01")).err();
    assert_eq!(error.is_some(), expected.is_some(), "{error:?}");
    assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()));
}

fn excuse(reason: &str) -> BaselineExcuse {
    BaselineExcuse { reason: reason.to_owned(), issue: Some("#1".to_owned()), expires: Some(day("2027-01-31")) }
}

const IDS: [&str; 5] = ["a/one", "a/f/1", "a/f/2", "a/g/1", "a/g/2"];

/// The patterns and reasons after a run in which these cases fail and the others pass.
fn renewed_entries(old: &serde_json::Value, run: &[&str], failing: &[&str]) -> Vec<(String, String)> {
    let verdict = |id: &&str| if failing.contains(id) { Verdict::Fail } else { Verdict::Pass };
    let results: Vec<_> = run.iter().map(|id| case(id, verdict(id))).collect();
    let file = baseline(old).rewritten(&IDS, &results, &excuse("new"));
    file.entries.into_iter().map(|entry| (entry.pattern, entry.reason)).collect()
}

#[rstest]
#[case::all_pass(&json!([]), &[], &[])]
#[case::families(&json!([]), &["a/one", "a/f/1", "a/f/2", "a/g/1"], &[("a/f", "new"), ("a/g/1", "new"), ("a/one", "new")])]
#[case::a_whole_suite(&json!([]), &IDS, &[("a", "new")])]
#[case::a_suite_with_two_reasons(&json!([entry("a/one")]), &IDS, &[("a/f", "new"), ("a/g", "new"), ("a/one", "known")])]
#[case::stale_entries_go(&json!([entry("a/one"), entry("a/f")]), &["a/one"], &[("a/one", "known")])]
#[case::wide_patterns_stay_while_they_hold(&json!([entry("a/*/1")]), &["a/f/1", "a/g/1"], &[("a/*/1", "known")])]
#[case::wide_patterns_are_split_when_they_do_not(&json!([entry("a")]), &["a/f/1", "a/f/2", "a/g/1"], &[("a/f", "known"), ("a/g/1", "known")])]
#[case::reasons_are_kept_apart(&json!([entry("a/f/1")]), &["a/f/1", "a/f/2"], &[("a/f/1", "known"), ("a/f/2", "new")])]
#[case::what_two_entries_share_goes_to_the_first(&json!([entry("a/f"), entry("a/*/1")]), &["a/f/1", "a/f/2", "a/g/1"], &[("a/f", "known"), ("a/g/1", "known")])]
#[case::a_member_goes_to_its_family(&json!([entry("a/f/1"), { "pattern": "a/f", "reason": "family" }]), &["a/f/1", "a/f/2"], &[("a/f", "family")])]
#[case::members_become_their_family(&json!([entry("a/f/1"), entry("a/f/2")]), &["a/f/1", "a/f/2"], &[("a/f", "known")])]
fn a_baseline_is_renewed_to_what_still_fails(
    #[case] old: &serde_json::Value,
    #[case] failing: &[&str],
    #[case] expected: &[(&str, &str)],
) {
    let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(renewed_entries(old, &IDS, failing), expected);
}

#[test]
fn what_is_written_anew_has_the_issue_and_the_last_day_that_were_given() {
    let file = baseline(&json!([])).rewritten(&IDS, &[case("a/one", Verdict::Fail)], &excuse("new"));
    assert_eq!(file.entries[0].issue.as_deref(), Some("#1"));
    assert_eq!(file.entries[0].expires, Some(day("2027-01-31")));
}

proptest::proptest! {
    #[test]
    fn a_baseline_excuses_what_failed_and_nothing_else(failing in proptest::collection::vec(proptest::bool::ANY, 9)) {
        let ids = ["a/one", "a/f/1", "a/f/2", "a/g/1", "ab/f/1", "ab/f/2", "ab/two", "b/h/1", "b/h/2"];
        let verdict = |fails: bool| if fails { Verdict::Fail } else { Verdict::Pass };
        let results: Vec<_> = ids.iter().zip(&failing).map(|(id, fails)| case(id, verdict(*fails))).collect();
        let file = baseline(&json!([])).rewritten(&ids, &results, &excuse("new"));
        let baseline = Baseline::new(NAME, file).expect("a good baseline");
        for mut result in results {
            let expected = if result.verdict == Verdict::Fail { Verdict::KnownFail } else { Verdict::Pass };
            baseline.apply(&mut result, day("2026-01-01"));
            proptest::prop_assert_eq!(result.verdict, expected, "{}", result.id);
        }
        let rewritten = baseline.rewritten(&ids, &[], &excuse("other"));
        proptest::prop_assert_eq!(&rewritten, &baseline.content, "nothing changes where nothing ran");
    }
}

#[test]
fn a_run_of_some_cases_leaves_the_others_excused_and_excuses_no_others() {
    let old = json!([entry("a/one"), entry("a/g")]);
    let expected = [("a/f/1", "new"), ("a/g", "known"), ("a/one", "known")];
    assert_eq!(renewed_entries(&old, &["a/f/1"], &["a/f/1"]), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_case_without_a_verdict_stays_excused_where_it_was() {
    let results = [case("a/one", Verdict::Indeterminate), case("a/f/1", Verdict::Indeterminate)];
    let file = baseline(&json!([entry("a/one")])).rewritten(&IDS, &results, &excuse("new"));
    assert_eq!(file.entries.len(), 1);
    assert_eq!(file.entries[0].pattern, "a/one");
}

#[test]
fn a_written_baseline_is_read_back_and_excuses_the_same_run() {
    let fixtures = crate::contract::Fixtures::Embedded;
    let contract = crate::contract::Contract::load(&fixtures).expect("the contract");
    let corpus = Corpus::load(&fixtures, &contract).expect("the corpus");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("baseline.json");
    let mut results: Vec<_> = corpus.cases().iter().map(|found| case(&found.id, Verdict::Fail)).collect();
    results[0].verdict = Verdict::Pass;

    let origin = BaselineOrigin { suite_version: 2, revision: None };
    let written = Baseline::write(&path, &corpus, origin, &results, &excuse("no time")).expect("it can be written");
    let baseline = Baseline::load(&path).expect("it can be read");
    assert_eq!(baseline.entries(), written.entries());
    assert!(baseline.entries().len() < results.len(), "families are one entry");
    baseline.check(&corpus).expect("every pattern matches");
    for result in &mut results {
        baseline.apply(result, day("2026-01-01"));
        assert!(matches!(result.verdict, Verdict::Pass | Verdict::KnownFail), "{}: {}", result.id, result.verdict);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing but the baseline");

    std::fs::write(&path, "{").expect("half a file");
    let error =
        Baseline::write(&path, &corpus, origin, &results, &excuse("no time")).expect_err("its reasons would be lost");
    assert!(matches!(error, BaselineError::Load(_)));
}
