use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::collected::Collected;
use super::event::RunEvent;
use super::formats::{Report, Runs};
use super::words::{self, FaultText};
use crate::contract::Register;
use crate::text::escape;
use crate::verdict::{CaseResult, Verdict};

/// A `JUnit` report: a suite for each suite, a test case for each case.
///
/// | verdict | is |
/// |---|---|
/// | `pass` | passed; its warnings stand in `system-out` |
/// | `fail`, `fixed` | `failure`, with the verdict as its type: what was claimed does not hold |
/// | `blocked`, `not-implemented`, `indeterminate`, `harness-error` | `error`, with the verdict as its type: nothing could be judged |
/// | `known-fail`, `not-applicable` | `skipped`, with the verdict as its type and the reason |
///
/// Readers of `JUnit` files take a skipped test for fine, so only verdicts that leave the exit code at 0 are skipped. A
/// failure accuses the target; a target without the operation, or a case whose control failed, is not accused. A run
/// that was cut short has one more suite, `countersign`, with an error.
#[derive(Clone, Copy, Debug)]
pub struct Junit;

impl Report for Junit {
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let page = JunitPage { collected: collected.first(), register: collected.register };
        page.report().serialize(out).map_err(io::Error::other)
    }
}

struct JunitPage<'a> {
    collected: &'a Collected,
    register: &'a Register,
}

impl JunitPage<'_> {
    fn report(&self) -> Document {
        let name = self.collected.run.as_ref().map_or("countersign", |run| run.operation.as_str());
        let mut report = Document::new(escape(name));
        if let Some(summary) = &self.collected.summary {
            report.set_time(time(summary.duration_ms));
        }
        report.add_test_suites(self.collected.suites().into_iter().map(|suite| self.suite(suite)));
        // An interrupted run must not look like a whole one.
        if let Some(cut_short) = words::cut_short(self.collected) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(cut_short).set_type("incomplete");
            let mut case = TestCase::new("the run came to its end", status);
            case.set_classname("countersign");
            let mut suite = TestSuite::new("countersign");
            suite.add_test_case(case);
            report.add_test_suite(suite);
        }
        report
    }

    fn suite(&self, name: &str) -> TestSuite {
        let mut suite = TestSuite::new(escape(name));
        if let Some(run) = &self.collected.run {
            suite.extra.insert("timestamp".into(), escape(&run.started()).into());
            suite.add_properties(properties(run));
        }
        let cases = || self.collected.cases.iter().filter(|case| case.suite == name);
        suite.set_time(time(cases().map(|case| case.duration_ms).sum()));
        suite.add_test_cases(cases().map(|case| self.case(case)));
        suite
    }

    fn case(&self, case: &CaseResult) -> TestCase {
        let name = case.id.strip_prefix(&format!("{}/", case.suite)).unwrap_or(&case.id);
        let mut test = TestCase::new(escape(name), self.status(case));
        test.set_classname(escape(&case.suite)).set_time(time(case.duration_ms));
        test.add_property(Property::new("title", escape(&case.title)));
        test.add_properties(case.requirements.iter().map(|id| Property::new("requirement", escape(id))));
        if !case.warnings.is_empty() {
            test.set_system_out(lines(
                &[vec!["Warnings:".to_owned()], words::each_violation(&case.warnings, self.register)].concat(),
            ));
        }
        test
    }

    fn status(&self, case: &CaseResult) -> TestCaseStatus {
        let mut status = match case.verdict {
            Verdict::Pass => return TestCaseStatus::success(),
            Verdict::KnownFail | Verdict::NotApplicable => {
                let mut skipped = TestCaseStatus::skipped();
                skipped.set_message(escape(&format!("{}: {}", case.verdict, words::reason_of(case))));
                skipped.set_type(case.verdict.word());
                return skipped;
            }
            Verdict::Fail | Verdict::Fixed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Verdict::Blocked | Verdict::NotImplemented | Verdict::Indeterminate | Verdict::HarnessError => {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            }
        };
        let message = match case.violations.first() {
            Some(first) => {
                let requirement = &first.requirement;
                let FaultText { at, expected, actual } = FaultText::of(first);
                let more = match case.violations.len() {
                    0 | 1 => String::new(),
                    several => format!(" (and {} more)", several - 1),
                };
                format!("{requirement}: at {at}: expected {expected}, found {actual}{more}")
            }
            None => words::reason_of(case),
        };
        status.set_message(escape(&message)).set_type(case.verdict.word()).set_description(self.story(case));
        status
    }

    fn story(&self, case: &CaseResult) -> String {
        let mut story = vec![case.title.clone()];
        if case.violations.is_empty() || case.reason.is_some() {
            story.push(words::reason_of(case));
        }
        story.extend(words::each_violation(&case.violations, self.register));
        // Nothing is wrong with an answer that a stale entry of the baseline calls a failure.
        if case.verdict != Verdict::Fixed {
            story.extend(words::answer(case).map(|answer| format!("the answer was: {answer}")));
            story.extend(case.repro.as_ref().map(|repro| format!("to see it: {repro}")));
        }
        lines(&story)
    }
}

fn properties(run: &RunEvent) -> Vec<Property> {
    let RunEvent { tool, suite_version, seed, shard, revision, target, .. } = run;
    let features = target.features.join(",");
    let (seed, suite_version) = (seed.to_string(), suite_version.unwrap_or(1).to_string());
    let probe_answer = words::answer_text(&target.answer);
    let pairs = [
        ("tool", tool.as_str()),
        ("suite-version", &suite_version),
        ("target", &target.name),
        ("endpoint", &target.endpoint),
        ("region", &target.region),
        ("features", &features),
        ("class", target.class.word()),
        ("said", &probe_answer),
        ("seed", &seed),
    ];
    let shard = shard.as_deref().map(|shard| ("shard", shard));
    let revision = revision.map(|revision| revision.to_string());
    let revision = revision.as_deref().map(|revision| ("revision", revision));
    pairs.into_iter().chain(shard).chain(revision).map(|(name, value)| Property::new(name, escape(value))).collect()
}

/// Texts, each on a line of its own.
fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| words::no_command(&escape(text)).into_owned() + "\n").collect()
}

fn time(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Event;
    use super::super::tests::{junit, sample};
    use super::*;

    #[test]
    fn the_file_is_xml_with_a_test_case_for_each_case() {
        let report = Document::deserialize_from_str(&junit(&sample::events())).expect("well-formed XML");
        assert_eq!(report.tests, sample::cases().len());
        assert_eq!((report.failures, report.errors, report.skipped), (4, 3, 2));
    }

    #[rstest]
    #[case(Verdict::Pass, None)]
    #[case(Verdict::Fail, Some("failure"))]
    #[case(Verdict::Fixed, Some("failure"))]
    #[case(Verdict::Blocked, Some("error"))]
    #[case(Verdict::NotImplemented, Some("error"))]
    #[case(Verdict::Indeterminate, Some("error"))]
    #[case(Verdict::HarnessError, Some("error"))]
    #[case(Verdict::KnownFail, Some("skipped"))]
    #[case(Verdict::NotApplicable, Some("skipped"))]
    fn only_what_was_claimed_and_does_not_hold_is_a_failure(#[case] verdict: Verdict, #[case] element: Option<&str>) {
        let xml = junit(&sample::events_of(vec![sample::case("a/b", verdict)], true));
        for other in ["failure", "error", "skipped"] {
            assert_eq!(xml.contains(&format!("<{other} ")), element == Some(other), "{xml}");
        }
        assert_eq!(xml.contains(&format!("type=\"{verdict}\"")), element.is_some(), "{xml}");
    }

    #[test]
    fn no_character_breaks_the_file() {
        let nasty: String =
            (0..=0x20_u32).chain(0x7f..=0xa0).chain(0xfff0..=0xffff).filter_map(char::from_u32).collect();
        let nasty = format!("{nasty}]]><&\"'\u{1b}[31m");
        let mut case = sample::cases().remove(1);
        (case.title, case.repro) = (nasty.clone(), Some(nasty.clone()));
        case.violations[0].fault = sample::fault("status", "400", &nasty);
        let xml = junit(&[Event::Case(case)]);
        let allowed = |c: char| c == '\n' || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
        assert!(xml.chars().all(allowed), "{xml}");
        let report = Document::deserialize_from_str(&xml).expect("well-formed XML");
        assert!(format!("{report:?}").contains(r"\\u{0}"), "escaped, not left out: {report:?}");
    }
}
