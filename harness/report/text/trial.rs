//! What a trial of `cargo test` says when it fails.

use super::super::collected::Collected;
use super::{Audience, CaseResult, Detail, Register, TextOptions, TextPage, findings};

/// Why a trial failed, by the results of its cases: what the report of a run says of them, with the requests instead of
/// commands, since a target often ends with its trials. Ends with a line break.
pub(crate) fn trial_failure(results: Vec<CaseResult>, register: &Register) -> String {
    let mut collected = Collected::default();
    collected.cases = results;
    let mut page = TextPage { audience: Audience::Trial, ..TextPage::new(&TextOptions::default(), true) };
    findings::problems(&mut page, &collected, register, Detail::Normal);
    page.text
}
