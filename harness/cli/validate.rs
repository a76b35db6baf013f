//! `countersign validate`: checks every fixture, and says what recordings say of requirements.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::library::{Catalogue, Library};
use super::output::{print, print_prose};
use super::record::load_recordings;
use super::{Failure, FixtureArgs};
use crate::contract::Side;
use crate::evidence::{Evidence, RecordedFinding, Silence};
use crate::recording::RecordingFolder;
use crate::report::in_a_line;
use crate::text::{file_name, foreign};
use crate::verdict::RecordedTarget;

/// At most this many contradictions of one requirement are shown.
const MOST_SHOWN: usize = 3;

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Also say which requirements the recordings of this folder confirm or contradict
    #[arg(long, env = "COUNTERSIGN_RECORDINGS", value_name = "DIR")]
    recordings: Option<PathBuf>,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: ValidateArgs) -> Result<ExitCode, Failure> {
    let catalogues = Catalogue::load_complete(args.fixtures.fixtures)?;
    let Some((catalogue, older)) = catalogues.split_first() else { return Ok(ExitCode::SUCCESS) };
    let Catalogue { library, clients, banks } = catalogue;
    let years: Vec<_> = older.iter().map(|of| of.library.contract.revision.to_string()).collect();
    let older = match years.as_slice() {
        [] => String::new(),
        [year] => format!("; so are those of the older revision {year}"),
        years => format!("; so are those of the older revisions {}", years.join(", ")),
    };
    let valid = print_prose(&format!(
        "all fixtures are valid: {} requirements, {} cases ({} with every member of a family), {} client cases, {} replies, {} defects and legal variants{older}",
        library.contract.register.requirements.len(),
        catalogue.cases(|_| true).len(),
        library.corpus.cases().len(),
        clients.cases().len(),
        library.corpus.replies().len(),
        banks.entries().len(),
    ))?;
    match &args.recordings {
        Some(folder) => recorded(folder, library),
        None => Ok(valid),
    }
}

/// Says what the recordings of a folder say.
fn recorded(folder: &Path, library: &Library) -> Result<ExitCode, Failure> {
    let folder = load_recordings(folder, &library.corpus)?;
    let evidence = evidence(&folder, library)?;
    print(&text(&evidence, &folder, library))
}

/// What the recordings of a folder say.
pub(super) fn evidence(folder: &RecordingFolder, library: &Library) -> Result<Evidence, Failure> {
    let judged = Evidence::of(&library.corpus, &library.judge, folder);
    super::block_on(judged)?.map_err(|why| Failure::harness(format!("cannot judge the recordings: {why}")))
}

/// A table of the requirements with what is said of each, the contradictions in full, and how many there are of each
/// kind.
fn text(evidence: &Evidence, folder: &RecordingFolder, library: &Library) -> String {
    let by_requirement = evidence.by_requirement();
    let operations: BTreeSet<&str> = folder
        .recordings()
        .keys()
        .filter_map(|id| library.corpus.get(id))
        .map(|case| case.operation.as_str())
        .collect();
    let register = &library.contract.register;
    let rows = operations.iter().flat_map(|operation| register.of(Side::Server, operation));
    let rows: Vec<_> = rows.filter(|row| row.is_tested()).collect();
    let mut lines = vec![String::new(), row(["requirement", "it is", "by", "in", "on", "case"])];
    let (mut confirmed, mut contradicted, mut silent) = (0, 0, 0);
    let mut details = Vec::new();
    for requirement in rows {
        let Some(findings) = by_requirement.get(requirement.id.as_str()) else {
            silent += 1;
            lines.push(row([&requirement.id, "silent", "-", "-", "-", "-"]));
            continue;
        };
        let contradictions: Vec<_> = findings.iter().filter(|finding| finding.violation.is_some()).collect();
        if contradictions.is_empty() {
            confirmed += 1;
        } else {
            contradicted += 1;
        }
        for (is_contradicted, findings) in grouped(findings) {
            let [first, others @ ..] = findings.as_slice() else { continue };
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            let word = if is_contradicted { "contradicted" } else { "confirmed" };
            let RecordedFinding { case, of, region, date, .. } = first;
            let case = format!("{case}{more}");
            lines.push(row([&requirement.id, word, of.meaning(), &foreign(region), &date.to_string(), &case]));
        }
        for finding in contradictions.iter().take(MOST_SHOWN) {
            let line = finding.violation.as_ref().map(in_a_line).unwrap_or_default();
            let file = file_name(&folder.file_of(&finding.case));
            details.push(format!("contradicted by {file}: {line}"));
        }
    }
    if !details.is_empty() {
        lines.push(String::new());
        lines.append(&mut details);
    }
    lines.push(String::new());
    lines.push(format!(
        "{} recordings: {confirmed} requirements confirmed, {contradicted} contradicted, {silent} silent",
        folder.recordings().len()
    ));
    lines.extend(silences(evidence));
    let elsewhere = folder.elsewhere().len();
    if elsewhere > 0 {
        lines.push(format!(
            "{elsewhere} more are of cases that hold in other revisions of the documents; `countersign run --revision` \
             takes them"
        ));
    }
    let others: BTreeSet<_> = folder.recordings().values().map(|recording| recording.of).collect();
    let others: Vec<_> =
        others.into_iter().filter(|of| *of != RecordedTarget::Aws).map(RecordedTarget::meaning).collect();
    if !others.is_empty() {
        lines.push(format!("recordings of {} are never counted as AWS", others.join(" and of ")));
    }
    lines.join("\n")
}

/// The findings on one requirement by what they say, what answered, region and day.
fn grouped<'e>(findings: &[&'e RecordedFinding]) -> Vec<(bool, Vec<&'e RecordedFinding>)> {
    let mut groups: BTreeMap<_, Vec<&RecordedFinding>> = BTreeMap::new();
    for finding in findings {
        let is_contradicted = finding.violation.is_some();
        groups.entry((!is_contradicted, finding.of, &finding.region, finding.date)).or_default().push(finding);
    }
    groups.into_iter().map(|((is_confirmed, ..), findings)| (!is_confirmed, findings)).collect()
}

/// How many recordings say nothing, for each reason.
fn silences(evidence: &Evidence) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for silence in evidence.silent.values() {
        let why = match silence {
            Silence::NotInTheAnswers => "their case makes something or logs in, which no answer shows".to_owned(),
            Silence::NoControl(_) => "their control is not recorded".to_owned(),
            Silence::Unread => "a body was not recorded".to_owned(),
            Silence::Verdict(verdict) => format!("the recorded answer is {}", verdict.word()),
        };
        *counts.entry(why).or_default() += 1;
    }
    counts.into_iter().map(|(why, count)| format!("{count} of them say nothing: {why}")).collect()
}

/// A line of the table.
fn row([id, word, by, region, date, case]: [&str; 6]) -> String {
    format!("{id:<12}  {word:<12}  {by:<22}  {region:<14}  {date:<10}  {case}")
}
