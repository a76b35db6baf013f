//! The report as one HTML file: it opens from disk, needs no network, and can be read without script.
//!
//! [`Html`] shows one run, or several side by side or over time. [`HtmlPage`] is the content of the page, `page.html` its layout.
//! Every value in the page is escaped twice: invisible characters are made visible, and markup of HTML becomes text.

mod cases;
mod exchange;
mod findings;
mod grid;
mod history;
mod map;
mod parts;
mod requirements;
mod runs;
mod suites;

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, Output, State};
use serde::Serialize;
use sha2::{Digest, Sha256};

use exchange::CommonHeaders;
use findings::{FindingView, findings, names};
use grid::{Grid, grid};
use map::{MapRow, map};
use requirements::{RequirementGroup, RequirementView, groups, rows};
use runs::{RunView, runs};
use suites::{SuiteView, suites};

use super::collected::Collected;
use super::conclusion::Tone;
use super::formats::{Report, Runs};
use super::{matrix, words};
use crate::contract::Register;
use crate::text::escape;
use crate::verdict::Verdict;

const TEMPLATES: [(&str, &str); 9] = [
    ("page.html", include_str!("page.html")),
    ("overview.html", include_str!("overview.html")),
    ("one_run.html", include_str!("one_run.html")),
    ("map.html", include_str!("map.html")),
    ("findings.html", include_str!("findings.html")),
    ("grid.html", include_str!("grid.html")),
    ("requirements.html", include_str!("requirements.html")),
    ("cases.html", include_str!("cases.html")),
    ("macros.html", include_str!("macros.html")),
];
const STYLE: &str = concat!(
    include_str!("page.css"),
    include_str!("map.css"),
    include_str!("narrow.css"),
    include_str!("print.css"),
    include_str!("standing.css"),
    include_str!("grid.css")
);
const SCRIPT: &str = include_str!("page.js");

/// The report as HTML.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Report for Html {
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        if let Some(history) = collected.history() {
            return out.write_all(history::page(&history, collected.register)?.as_bytes());
        }
        let page = page(collected.runs, collected.register);
        let tool = page.runs.first().map_or("", |run| run.tool.as_str());
        let text = render_page(&TEMPLATES, &page, tool, STYLE, Some(SCRIPT)).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}

/// At most 5 targets fit beside each other in a window of the usual width.
const TARGETS_ACROSS: usize = 5;

#[derive(Debug, Serialize)]
struct HtmlPage {
    title: String,
    subject: String,
    /// Which targets conform; only for several runs.
    lead: String,
    /// On how many requirements the targets differ, of how many; only for several runs.
    difference: String,
    several: bool,
    many: bool,
    runs: Vec<RunView>,
    /// A square for each case; only for one run.
    map: Vec<MapRow>,
    /// Only for several runs.
    grid: Option<Grid>,
    /// What needs attention; only for one run.
    findings: Vec<FindingView>,
    /// Where there are very many, those that are folded.
    more_findings: Vec<FindingView>,
    /// What those are about, each once.
    more_names: Vec<String>,
    /// Requirements on which the targets differ; only for several runs.
    differing: Vec<RequirementView>,
    groups: Vec<RequirementGroup>,
    common_headers: Vec<CommonHeaders>,
    suites: Vec<SuiteView>,
    verdicts: Vec<VerdictFilter>,
    departing: usize,
    /// The filter for the cases that did not pass, where some did.
    not_passed: Option<String>,
}

/// A verdict, what it means, and how many cases have it for at least one target.
#[derive(Debug, Serialize)]
struct VerdictFilter {
    word: &'static str,
    meaning: &'static str,
    cases: usize,
}

fn page(collected: &[Collected], register: &Register) -> HtmlPage {
    let mut runs = runs(collected);
    let mut findings = if let [one] = collected { findings(one, register) } else { Vec::new() };
    if findings.iter().any(|finding| finding.advice.is_some()) {
        for run in &mut runs {
            run.advice = None;
        }
    }
    let more_findings = findings.split_off(in_sight(findings.len()));
    let (title, subject) = match (runs.as_slice(), collected) {
        ([one], [collected]) => {
            let subject = runs::subject(one, collected);
            (format!("{} – {subject}", one.headline), subject)
        }
        (all, _) => {
            let operation = all.first().map_or("Countersign", |run| run.operation.as_str());
            let subject = format!("{operation} of {}", words::subjects(collected));
            (subject.clone(), subject)
        }
    };
    let labels: Vec<String> = runs.iter().map(|run| run.label.clone()).collect();
    let (differing, rows): (Vec<RequirementView>, Vec<RequirementView>) =
        rows(collected, register).into_iter().partition(|row| row.differs);
    let common_headers: Vec<CommonHeaders> =
        collected.iter().zip(&labels).map(|(run, label)| CommonHeaders::of(run, label)).collect();
    let suites = suites(collected, &common_headers);
    let cases = || suites.iter().flat_map(SuiteView::cases);
    let verdicts: Vec<VerdictFilter> = Verdict::ALL
        .into_iter()
        .map(|verdict| VerdictFilter {
            word: verdict.word(),
            meaning: meaning(verdict),
            cases: cases().filter(|case| case.has(verdict)).count(),
        })
        .filter(|word| word.cases > 0)
        .collect();
    let difference = match (runs.len(), differing.len()) {
        (0 | 1, _) => String::new(),
        (_, 0) => matrix::nothing_differs(collected, &labels),
        (all, some) => {
            let who = match matrix::judged_count(collected) {
                judged if judged == all => "They".to_owned(),
                judged => format!("The {judged} that could be judged"),
            };
            format!("{who} differ on {some} of {} requirements.", some + rows.len())
        }
    };
    HtmlPage {
        title,
        subject,
        lead: if runs.len() > 1 { runs::who_conforms(&runs, collected) } else { String::new() },
        difference,
        grid: grid(collected, &labels, register),
        several: runs.len() > 1,
        many: runs.len() > TARGETS_ACROSS,
        map: if let [one] = collected { map(one) } else { Vec::new() },
        findings,
        more_names: names(&more_findings),
        more_findings,
        differing,
        groups: groups(rows),
        departing: cases().filter(|case| case.departs).count(),
        not_passed: not_passed(&verdicts, runs.len() > 1),
        suites,
        common_headers,
        verdicts,
        runs,
    }
}

/// How many of so many things that need attention are in sight before anything is opened: all, or the first of very
/// many.
const fn in_sight(things: usize) -> usize {
    /// These fill about two windows of the usual size.
    const ALL: usize = 12;
    const FIRST: usize = 6;
    if things > ALL { FIRST } else { things }
}

/// The filter for the cases that were tried and did not pass, as in the page's address.
fn not_passed(verdicts: &[VerdictFilter], several: bool) -> Option<String> {
    let mut passed = vec![Verdict::Pass.word(), Verdict::NotApplicable.word()];
    if several {
        // Otherwise one target without the operation would put every case into the filter.
        passed.push(Verdict::NotImplemented.word());
    }
    let (fine, others): (Vec<&VerdictFilter>, Vec<&VerdictFilter>) =
        verdicts.iter().partition(|word| passed.contains(&word.word));
    let others: Vec<String> = others.iter().map(|word| format!("verdict={}", word.word)).collect();
    (!fine.is_empty() && !others.is_empty()).then(|| others.join("&"))
}

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every must-requirement that the case decides holds",
        Verdict::Fail => "a must-requirement is violated",
        Verdict::KnownFail => "it fails, and the baseline says so",
        Verdict::Fixed => "it passes, and the baseline still says that it fails",
        Verdict::Blocked => "its control or its setup failed, or it needs something that was not given",
        Verdict::NotImplemented => "the target does not have the operation",
        Verdict::Indeterminate => {
            "no usable answer: timeout, connection lost, throttled past patience, a denial of what only this case names"
        }
        Verdict::NotApplicable => "the target does not claim the feature",
        Verdict::HarnessError => "Countersign itself went wrong",
    }
}

/// Renders a page: the first of the templates with the page's values, and the head that all pages share.
pub(crate) fn render_page<'t>(
    templates: &[(&'t str, &'t str)],
    page: &impl Serialize,
    tool: &str,
    style: &str,
    script: Option<&str>,
) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(visible);
    environment.add_template("head.html", include_str!("head.html"))?;
    for (name, template) in templates {
        environment.add_template(name, template)?;
    }
    let context = minijinja::context! {
        page => Value::from(Serde(page)),
        tool => tool,
        policy => policy(style, script),
        style => Value::from_safe_string(style.to_owned()),
        script => Value::from_safe_string(script.unwrap_or_default().to_owned()),
    };
    environment.get_template(templates[0].0)?.render(context)
}

/// The content security policy: only this style and this script; nothing is loaded, sent or embedded.
fn policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let script = script.map_or_else(String::new, |script| format!(" script-src {};", hash(script)));
    format!("default-src 'none'; style-src {};{script} base-uri 'none'; form-action 'none'", hash(style))
}

/// Writes a value: texts with every control and invisible character shown, and escaped for HTML, in
/// text and in double-quoted attributes.
fn visible(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            for character in escape(text).chars() {
                match character {
                    '&' => out.write_str("&amp;")?,
                    '<' => out.write_str("&lt;")?,
                    '>' => out.write_str("&gt;")?,
                    '"' => out.write_str("&#34;")?,
                    character => out.write_char(character)?,
                }
            }
            Ok(())
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests;
