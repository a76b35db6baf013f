//! The words of the reports: the text for people that stands for conclusions, which are data everywhere else.

mod cause;
mod class;
mod fault;
mod history;
mod reason;

#[cfg(feature = "run")]
pub(crate) use cause::{AskedCall, CauseText};
#[cfg(feature = "cli")]
pub(crate) use class::has_answered;
pub(crate) use class::{Obstacle, meaning, obstacle};
pub(crate) use fault::FaultText;
#[cfg(feature = "cli")]
pub(super) use history::{earlier, not_whole, shift, turn_meaning};
pub(super) use history::{history_lead, history_title, ids, run_notes, since, turn};
pub(crate) use reason::answer_text;
#[cfg(feature = "cli")]
pub(crate) use reason::excuse;
#[cfg(all(feature = "run", feature = "emulator"))]
pub(crate) use reason::in_a_line;
pub use reason::reason;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::collected::{Collected, count_each};
use super::event::{DriverEvent, RecordingsEvent, RequirementEvent, RequirementStatus, SourceEvent};
use crate::contract::{Level, Register, Requirement};
use crate::corpus::LeftOut;
use crate::text::{LINE_SHOWN, begins_log_command, escape, line_command};
#[cfg(feature = "cli")]
use crate::verdict::Leftover;
use crate::verdict::{CaseResult, Restrained, Verdict, Violation};

/// `1 case`, `2 cases`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What was left out of a run of so many cases, and what it takes to have it run: a line for each reason.
pub(crate) fn left_out(left_out: &LeftOut, run: usize) -> Vec<String> {
    let LeftOut { cases, max_calls, calls, calls_of_all, is_best, not_allowed } = left_out;
    let budget = max_calls.filter(|_| *cases > 0).map(|most| {
        let best = if *is_best {
            "no other choice of cases decides more must-requirements with so many calls"
        } else {
            "another choice of cases might decide more must-requirements with so many calls"
        };
        format!(
            "{calls} of {most} calls for {}; {} left out: {best}; --max-calls {calls_of_all} runs all",
            count(run, "case"),
            count(*cases, "case"),
        )
    });
    let flags = [Restrained::Create, Restrained::Raw].into_iter();
    let refused = flags.filter_map(|does| {
        let cases = not_allowed.get(does.flag())?;
        let of = match does {
            Restrained::Create => "create, change or delete something",
            Restrained::Raw => "send requests that are malformed, or not rightly signed",
        };
        let flag = does.flag();
        Some(format!("{} left out, which {of}: real AWS is asked that only with --{flag}", count(*cases, "case")))
    });
    budget.into_iter().chain(refused).collect()
}

pub(super) fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// `12.3 ms`, `4.56 s`, `2 min 5 s`.
pub(super) fn duration(milliseconds: f64) -> String {
    let seconds = milliseconds / 1000.0;
    if seconds < 1.0 {
        format!("{milliseconds:.1} ms")
    } else if seconds < 120.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// Something that was left behind: `cluster abc of the case lifecycle/made at http://localhost:4566/ in us-east-1`.
/// Escaped.
#[cfg(feature = "cli")]
pub(crate) fn leftover_text(leftover: &Leftover) -> String {
    let Leftover { noun, name, case, endpoint, region, hook, .. } = leftover;
    let [noun, name, case, endpoint, region] = [noun, name, case, endpoint, region].map(|text| escape(text));
    match hook {
        None if case.is_empty() => format!("{noun} {name} of a run at {endpoint} in {region}"),
        None => format!("{noun} {name} of the case {case} at {endpoint} in {region}"),
        Some(hook) => format!("{noun} {name} by the hook of {} at {endpoint} in {region}", escape(&hook.target)),
    }
}

/// `3 pass, 1 fail`: the verdicts that some case has.
pub(super) fn verdicts(counts: &BTreeMap<Verdict, usize>) -> Option<String> {
    let some = counts.iter().filter(|(_, count)| **count > 0);
    let counts = some.map(|(verdict, count)| format!("{count} {verdict}")).collect::<Vec<_>>().join(", ");
    (!counts.is_empty()).then_some(counts)
}

/// A sentence that the run was cut short, and how far it came; `None` where it came to its end.
pub(super) fn cut_short(collected: &Collected) -> Option<String> {
    let selected = collected.run.as_ref().map_or(0, |run| run.selected);
    let sentence =
        format!("the run was cut short: {} of {} have a verdict", collected.cases.len(), count(selected, "case"));
    (!collected.summary.as_ref().is_some_and(|summary| summary.complete)).then_some(sentence)
}

/// The violated requirements that are newer than the baseline, as a sentence; `None` without any.
pub(super) fn newer_than_baseline(collected: &Collected) -> Option<String> {
    let run = collected.run.as_ref()?;
    let (known, now) = (run.baseline_suite_version?, run.suite_version.unwrap_or(1));
    let is_newer = |row: &&RequirementEvent| {
        row.level == Level::Must
            && row.status == RequirementStatus::Fail
            && row.since.is_some_and(|since| since > known)
    };
    let ids: Vec<_> = collected.requirements.iter().filter(is_newer).map(|row| escape(&row.id)).collect();
    let sentence = || {
        format!(
            "newer than the baseline, which was written with suite {known} (this is suite {now}): {};              `countersign baseline write` takes these failures as known",
            ids.join(", ")
        )
    };
    (!ids.is_empty()).then(sentence)
}

/// Whose recordings a run accepts beside what the documents say, and what they say of requirements, escaped.
pub(super) fn recordings(collected: &Collected) -> Option<String> {
    let recordings = collected.run.as_ref()?.recordings.as_ref()?;
    let RecordingsEvent { of, recordings: files, regions, from, to, confirmed, .. } = &**recordings;
    let ids: Vec<_> = recordings.contradicted_ids().into_iter().map(escape).collect();
    let contradicted = match ids.as_slice() {
        [] => "0 contradicted".to_owned(),
        ids => {
            format!("{} contradicted, of which the recorded answers are accepted too ({})", ids.len(), ids.join(", "))
        }
    };
    let days =
        if from == to { format!("on {}", escape(from)) } else { format!("from {} to {}", escape(from), escape(to)) };
    let mark = if recordings.is_demonstration() { "; a demonstration, never counted as AWS" } else { "" };
    Some(format!(
        "{} of {}, in {} {days}: {} confirmed, {contradicted}{mark}",
        count(*files, "recording"),
        of.meaning(),
        escape(&regions.join(", ")),
        count(confirmed.len(), "requirement"),
    ))
}

/// An SDK with what ran it: `boto3 1.43.127 on CPython 3.11.7, driver boto3, with nothing but loopback`.
pub(super) fn sdk(driver: &DriverEvent) -> String {
    let DriverEvent { sdk, sdk_version, driver, runtime, isolated, .. } = driver;
    let network = if *isolated { "with nothing but loopback" } else { "in this machine's network" };
    format!("{sdk} {sdk_version} on {runtime}, driver {driver}, {network}")
}

/// `4 targets`, or `2 SDKs` where all of them are runs of SDKs.
pub(super) fn subjects(runs: &[Collected]) -> String {
    let of_sdk = |run: &Collected| run.run.as_ref().is_some_and(|run| run.driver.is_some());
    count(runs.len(), if runs.iter().all(of_sdk) { "SDK" } else { "target" })
}

/// Why a case that has no violations did not pass. Escaped.
pub(super) fn reason_of(case: &CaseResult) -> String {
    match (&case.reason, case.verdict) {
        (Some(of), _) => escape(&reason(of)),
        (None, Verdict::NotImplemented) => "the target does not have the operation".to_owned(),
        (None, Verdict::NotApplicable) => "the target does not claim a feature that it needs".to_owned(),
        (None, Verdict::Fixed) => "it passes, and the baseline says that it fails".to_owned(),
        (None, Verdict::KnownFail) => "the baseline says so".to_owned(),
        (None, verdict) => format!("{verdict}, and nothing says why"),
    }
}

/// A requirement as a heading: `GC-DUR-02 (must, documented): A durationSeconds below …`.
pub(super) fn requirement(violation: &Violation, register: &Register) -> String {
    let (standing, text) = requirement_parts(violation, register);
    format!("{standing}: {text}")
}

/// A requirement in two parts: its id with its level and evidence, and what it asks for.
pub(super) fn requirement_parts(violation: &Violation, register: &Register) -> (String, String) {
    let Violation { requirement, level, .. } = violation;
    let level = format!("{level:?}").to_lowercase();
    match register.get(requirement) {
        Some(row) => {
            let evidence = format!("{:?}", row.evidence).to_lowercase();
            (format!("{requirement} ({level}, {evidence})"), escape(&row.text))
        }
        None => (format!("{} ({level})", escape(requirement)), "not in this build's register".to_owned()),
    }
}

/// Violations of one case for people, as plain lines: those of one requirement together, below its heading, with its
/// source.
pub(super) fn each_violation(violations: &[Violation], register: &Register) -> Vec<String> {
    let particular = |label: &str, text: &str| format!("  {label:<8}  {}", escape(text));
    let mut lines = Vec::new();
    for of_one in violations.chunk_by(|one, other| one.requirement == other.requirement) {
        lines.push(requirement(&of_one[0], register));
        for FaultText { at, expected, actual } in of_one.iter().map(FaultText::of) {
            lines.extend([particular("at", &at), particular("expected", &expected), particular("found", &actual)]);
        }
        lines.extend(register.get(&of_one[0].requirement).map(|row| particular("source", &source(row))));
    }
    lines
}

/// The sources of a requirement, on one line. Not escaped.
pub(crate) fn source(row: &Requirement) -> String {
    row.source.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The sources of a requirement on one line, escaped; on a terminal that can show it, each is a link to its address.
pub(crate) fn sources(sources: &[SourceEvent], links: bool) -> String {
    let plain = |source: &SourceEvent| escape(&source.text);
    let link = |source: &SourceEvent| match &source.address {
        Some(address) => terminal_link(&plain(source), address),
        None => plain(source),
    };
    let linked = sources.iter().map(link).collect::<Vec<_>>().join("; ");
    // A longer line is cut, and a cut link would have no end.
    if links && linked.chars().count() <= LINE_SHOWN {
        return linked;
    }
    sources.iter().map(plain).collect::<Vec<_>>().join("; ")
}

/// A text that a terminal shows as a link. Source: ECMA-48, 8.3.89, Operating System Command; the hyperlinks of
/// terminals, command 8.
fn terminal_link(text: &str, address: &str) -> String {
    format!("{LINK}{address}{CODE_END}{text}{LINK}{CODE_END}")
}

/// What begins the code of a link, before its address; without an address, the code ends the link.
pub(crate) const LINK: &str = "\u{1b}]8;;";

/// What ends such a code.
pub(crate) const CODE_END: &str = "\u{1b}\\";

/// What a target answered, on one line: status, error, media type, the shape of the body.
pub(super) fn answer(case: &CaseResult) -> Option<String> {
    let status = case.status?;
    let mut parts = vec![status.to_string()];
    parts.extend(case.error.as_deref().map(escape));
    parts.push(case.media_type.as_deref().map_or_else(|| "no media type".to_owned(), escape));
    parts.extend(case.body.as_deref().map(|body| format!("body {}", escape(body))));
    Some(parts.join(", "))
}

/// The same JSON with every control character and every invisible one as an escape, so that it can be shown on a
/// terminal. JSON itself asks for that only below U+0020.
pub(crate) fn visible_json(json: &str) -> String {
    /// Every character but a line break and printable ASCII; and `#`, which begins commands of CI services.
    static UNUSUAL: LazyLock<Regex> = LazyLock::new(|| Regex::new("[^\n -\"$-~]").expect("the pattern is valid"));
    let (mut out, mut copied) = (String::with_capacity(json.len()), 0);
    for found in UNUSUAL.find_iter(json) {
        let character = found.as_str();
        let is_visible = match character {
            "#" => !begins_log_command(&json[found.start()..]),
            _ => escape(character) == character,
        };
        if is_visible {
            continue;
        }
        out.push_str(&json[copied..found.start()]);
        // Outside of texts, JSON has none of these characters.
        out.extend(character.encode_utf16().map(|unit| format!("\\u{unit:04x}")));
        copied = found.end();
    }
    out.push_str(&json[copied..]);
    out
}

/// The line, changed where GitHub Actions would take it for a workflow command.
pub(crate) fn no_command(line: &str) -> Cow<'_, str> {
    match line_command(line) {
        Some(start) => Cow::Owned(format!("{}\\u{{3a}}{}", &line[..start], &line[start + 1..])),
        None => Cow::Borrowed(line),
    }
}

/// The family that a case belongs to, by its id.
pub(super) fn family(id: &str) -> Option<&str> {
    let (family, _) = id.rsplit_once('/')?;
    family.contains('/').then_some(family)
}

/// Ids in their order, a whole family as its own id, each with how many cases it stands for. `sizes` has how many cases
/// each family has in all.
pub(super) fn collapse(ids: &[&str], sizes: &BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let among = family_sizes(ids.iter().copied());
    // A family of one member is named by that member: more may be added to it.
    let is_whole = |family: &&str| among[*family] > 1 && sizes.get(*family) == among.get(*family);
    let mut collapsed: Vec<(String, usize)> = Vec::new();
    for id in ids {
        match family(id).filter(is_whole) {
            Some(family) if collapsed.last().is_some_and(|(last, _)| last == family) => {}
            Some(family) => collapsed.push((family.to_owned(), among[family])),
            None => collapsed.push(((*id).to_owned(), 1)),
        }
    }
    collapsed
}

/// How many cases each family has among these.
pub(super) fn family_sizes<'a>(ids: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    count_each(ids.filter_map(family).map(str::to_owned))
}

/// Names, each put into words by `word` with how many cases it stands for: at most `limit` names, then the number of
/// the remaining cases.
pub(super) fn list_of_names(names: &[(String, usize)], limit: usize, word: impl Fn(&str, usize) -> String) -> String {
    let (names_shown, names_hidden) = names.split_at(names.len().min(limit));
    let mut texts: Vec<String> = names_shown.iter().map(|(name, count)| word(name, *count)).collect();
    let rest: usize = names_hidden.iter().map(|(_, count)| count).sum();
    texts.extend((rest > 0).then(|| format!("and {}", count(rest, "more case"))));
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::text::is_invisible;

    #[rstest]
    #[case(0.04, "0.0 ms")]
    #[case(12.34, "12.3 ms")]
    #[case(4560.0, "4.56 s")]
    #[case(125_000.0, "2 min 5 s")]
    fn a_duration_is_told_in_the_unit_that_fits(#[case] milliseconds: f64, #[case] expected: &str) {
        assert_eq!(duration(milliseconds), expected);
    }

    #[test]
    fn json_says_the_same_when_everything_in_it_is_visible() {
        let text = "a\u{7f}\u{9b}\u{202e}\u{e0041}é\"\\\n ##[x] # ##";
        let json = visible_json(&serde_json::to_string(text).expect("JSON"));
        assert_eq!(json, r#""a\u007f\u009b\u202e\udb40\udc41é\"\\\n \u0023#[x] # ##""#);
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
    }

    proptest! {
        #[test]
        fn json_of_any_text_says_the_same_and_steers_nothing(text in "(?s)(?:##?[a-z]{0,3}\\[?|.){0,40}") {
            let json = visible_json(&serde_json::to_string(&text).expect("JSON"));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
            let steers = |(at, c): (usize, char)| c.is_control() || is_invisible(c) || begins_log_command(&json[at..]);
            prop_assert!(!json.char_indices().any(steers), "{}", json);
        }
    }

    #[rstest]
    #[case("::error::x", "\\u{3a}:error::x")]
    #[case("  \u{a0}::error::x", "  \u{a0}\\u{3a}:error::x")]
    #[case("a ::error::x", "a ::error::x")]
    #[case(":", ":")]
    fn no_line_begins_a_workflow_command(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(no_command(line), expected);
    }

    #[test]
    fn only_whole_families_are_named_as_one() {
        let all = ["a/x", "a/y/1", "a/y/2", "a/z/1", "a/z/2", "a/o/1"];
        let ids = ["a/x", "a/y/1", "a/y/2", "a/z/2", "a/o/1"];
        let expected = [("a/x", 1), ("a/y", 2), ("a/z/2", 1), ("a/o/1", 1)];
        assert_eq!(collapse(&ids, &family_sizes(all.into_iter())), expected.map(|(id, count)| (id.to_owned(), count)));
    }
}
