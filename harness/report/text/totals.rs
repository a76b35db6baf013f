//! The totals: suites, verdicts, divergence and coverage, conformance, the next command.

use super::super::case_groups::{self, is_problem};
use super::super::collected::{Collected, count_each};
use super::super::conclusion::Conclusion;
use super::super::event::{FeatureSummary, SummaryEvent};
use super::{TextOptions, TextPage, Tone, escape, words};

/// The longest command for the failed cases alone, in bytes; instead of a longer one, the whole run is repeated.
const COMMAND_LIMIT: usize = 400;

pub(super) fn suites(page: &mut TextPage, collected: &Collected) {
    let suites = collected.suites();
    if suites.is_empty() {
        return;
    }
    page.title("Suites");
    let width = suites.iter().map(|suite| suite.chars().count()).max().unwrap_or_default();
    for suite in suites {
        let cases = || collected.cases.iter().filter(|case| case.suite == suite);
        let tone = if cases().any(|case| is_problem(case.verdict)) { Tone::Bad } else { Tone::Good };
        let warned = match cases().filter(|case| !case.warnings.is_empty()).count() {
            0 => String::new(),
            some => format!("; {some} with warnings"),
        };
        let counts = words::verdicts(&count_each(cases().map(|case| case.verdict))).unwrap_or_default();
        let counts = page.paint(tone, &counts);
        page.labelled(&format!("  {:<width$}  ", escape(suite)), &format!("{counts}{warned}"));
    }
}

/// Verdicts, features, and whether the target conforms.
///
/// With several runs, each line begins with its target, so that it can be read or found alone.
pub(super) fn totals(page: &mut TextPage, collected: &Collected, options: &TextOptions) {
    page.title("Totals");
    let target = collected.run.as_ref().filter(|_| options.several).map(|run| escape(&run.target.name));
    let target = target.map_or_else(String::new, |name| format!("{name}: "));
    if let Some(SummaryEvent { verdicts, checks, duration_ms, .. }) = &collected.summary {
        let cases = words::count(verdicts.values().sum(), "case");
        let checks = words::count(usize::try_from(*checks).unwrap_or(usize::MAX), "check");
        let counts = words::verdicts(verdicts).unwrap_or_else(|| "none".to_owned());
        page.line(&format!("{target}{cases}: {counts}; {checks} in {}", words::duration(*duration_ms)));
    }
    let left_out = collected.run.as_ref().and_then(|run| run.left_out.as_ref());
    if let (Some(left_out), Some(summary)) = (left_out, &collected.summary) {
        if let (Some(most), Some(made)) = (left_out.max_calls, summary.calls) {
            page.line(&format!(
                "{target}{made} of at most {} made",
                words::count(usize::try_from(most).unwrap_or(usize::MAX), "call")
            ));
        }
        for line in words::left_out(left_out, collected.cases.len()) {
            page.line(&format!("{target}{}", page.paint(Tone::Doubt, &line)));
        }
    }
    if let Some(cut_short) = words::cut_short(collected) {
        page.line(&format!("{target}{}", page.paint(Tone::Bad, &cut_short)));
    }
    let Some(SummaryEvent { features, .. }) = &collected.summary else { return };
    for (name, FeatureSummary { must, violated, decided, confirmed }) in features {
        page.line(&format!(
            "{target}{}: {decided} of {must} must-requirements decided, {violated} violated, {confirmed} confirmed by recordings \
             of real AWS",
            escape(name)
        ));
    }
    let conclusion = Conclusion::of(collected);
    let revision = collected.run.as_ref().and_then(|run| run.revision);
    let revision = revision.map(|revision| format!(" (as documented in {revision})")).unwrap_or_default();
    page.line(&format!("{target}{}{revision}", page.paint((&conclusion).into(), &conclusion.sentence())));
    if let Some(newer) = words::newer_than_baseline(collected) {
        page.line(&format!("{target}{newer}"));
    }
    if let Some(recordings) = words::recordings(collected) {
        page.line(&format!("{target}{recordings}"));
    }
    if matches!(conclusion, Conclusion::Undecided { .. }) {
        for (reason, count) in case_groups::open_passes(collected) {
            page.labelled("  ", &format!("{}: {}", words::count(count, "case"), escape(&reason)));
        }
    }
}

/// The longest command that is shown, in characters; half of a longer one would do something else.
const LONGEST_COMMAND: usize = 8_000;

/// The command that repeats the failed cases, or the whole run.
pub(super) fn rerun_command(page: &mut TextPage, collected: &Collected, options: &TextOptions) {
    // A report that was made later does not know the command.
    if options.again.is_empty() {
        return;
    }
    let problems = || collected.cases.iter().filter(|case| is_problem(case.verdict));
    let failed: Vec<&str> = problems().map(|case| case.id.as_str()).collect();
    let names: Vec<String> =
        words::collapse(&failed, collected.families()).into_iter().map(|(name, _)| escape(&name)).collect();
    let mut command = format!("{} {}", options.again_for, names.join(" "));
    if !options.again_behind.is_empty() {
        command = format!("{command} {}", options.again_behind);
    }
    // Where everything failed, or the list is too long for a line, the whole run is repeated.
    let some = !failed.is_empty() && failed.len() < collected.cases.len() && command.len() <= COMMAND_LIMIT;
    let (label, command) =
        if some { ("To run what failed again:", command) } else { ("To run this again:", options.again.clone()) };
    let command = escape(&command);
    page.gap();
    if command.chars().count() > LONGEST_COMMAND {
        page.line("The command that runs this again is too long to be shown; give the same arguments again.");
        return;
    }
    page.line(&page.paint(Tone::Calm, label));
    page.command(&command);
}
