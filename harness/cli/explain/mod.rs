//! `countersign explain`: one requirement, operation, case, suite, feature or defect in full, without any network.

mod commands;
pub(super) mod explanation;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;

use super::library::{Catalogue, CitedRequirement, Library, NamedItem};
use super::output::{TextOrJson, print_json, print_prose, wants_colour};
use super::revision::RevisionArg;
use super::{Failure, FixtureArgs};
use crate::contract::{Feature, Side};
use crate::report::sources;
use crate::text::{did_you_mean, escape, foreign, meant, with_parents};
use commands::CommandTarget;
use explanation::{About, AboutFeature, AboutOperation, Case, ClientCase, Defect, Explained, Requirement, Suite};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A requirement, such as GC-DUR-02, a case, such as parameters/duration-outside, a suite, such as parameters, a
    /// feature, such as signature, a defect, such as duration-clamped, or an operation, by its name
    #[arg(value_name = "ID")]
    id: String,

    /// Lines for people, or one JSON object
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,

    #[command(flatten)]
    revision: RevisionArg,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: ExplainArgs) -> Result<ExitCode, Failure> {
    let asked = args.revision.asked();
    let catalogue = Catalogue::load(args.fixtures.fixtures, asked.as_ref())?;
    let id = args.id.trim_end_matches('/');
    let server = CommandTarget::set();
    let meant_id = meant(id, catalogue.ids().flat_map(with_parents)).unwrap_or(id);
    let is_unknown = |feature: Feature| !feature.holds_in(catalogue.library.contract.revision);
    if let Some(feature) = meant_id.parse().ok().filter(|feature| is_unknown(*feature)) {
        return Err(Failure::usage(words_elsewhere(feature.word(), &catalogue)));
    }
    let about = About::find(meant_id, &catalogue, &server).ok_or_else(|| {
        if let Some(words) = elsewhere(id, &catalogue) {
            return Failure::usage(words);
        }
        Failure::usage(format!(
            "there is no requirement, operation, case, suite, feature or defect \"{}\"{}; `countersign list requirements`, \
             `list operations`, `list cases`, `list suites`, `list features` and `list defects` show them all",
            foreign(id),
            did_you_mean(id, catalogue.ids())
        ))
    })?;
    match args.format {
        TextOrJson::Text => print_prose(&text(&about, wants_colour())),
        TextOrJson::Json => print_json(&Explained::new(about)),
    }
}

/// The words for an id of something that holds in other revisions of the documents only.
fn elsewhere(id: &str, catalogue: &Catalogue) -> Option<String> {
    let Library { contract, corpus, .. } = &catalogue.library;
    let row = meant(id, contract.register.ids_elsewhere());
    let is_there = row.is_some() || corpus.holds_elsewhere(id) || contract.knows_elsewhere(id);
    is_there.then(|| words_elsewhere(row.unwrap_or(id), catalogue))
}

fn words_elsewhere(id: &str, catalogue: &Catalogue) -> String {
    format!(
        "{} holds in other revisions of the documents than {}; --revision chooses one, and `countersign list revisions` \
         shows them all",
        foreign(id),
        catalogue.library.contract.revision
    )
}

/// Everything about it, line by line, for people.
/// On a terminal that can show it, sources are links.
fn text(about: &About, on_a_terminal: bool) -> String {
    let lines = match about {
        About::Requirement(about) => requirement(about),
        About::Case(about) => case(about),
        About::ClientCase(about) => client_case(about),
        About::Defect(about) => defect(about, "a fault, which the cases must find"),
        About::Legal(about) => defect(about, "a legal variant of a right server, which the cases must not accuse"),
        About::Suite(about) => suite(about),
        About::Feature(about) => feature(about),
        About::Operation(about) => operation(about),
    };
    let mut lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    if let About::Requirement(about) = about {
        lines.insert(LINES_BEFORE_SOURCE, format!("source        {}", sources(&about.sources, on_a_terminal)));
    }
    lines.join("\n")
}

/// The id and the text of a requirement, an empty line, its level and its evidence.
const LINES_BEFORE_SOURCE: usize = 4;

fn requirement(about: &Requirement) -> Vec<String> {
    let Requirement { id, text, evidence_meaning, .. } = about;
    let mut lines = vec![
        format!("{id}  {text}"),
        String::new(),
        format!("level         {}", word(about.level)),
        format!("evidence      {} ({evidence_meaning})", word(about.evidence)),
        format!("confirmation  {} by recordings of real AWS", word(about.confirmation)),
        match about.side {
            Side::Server => format!("feature       {}", about.feature),
            Side::Client => "binds         SDKs, not endpoints".to_owned(),
        },
    ];
    let joined = |words: &[String], with: &str| (!words.is_empty()).then(|| words.join(with));
    let is_tested = about.excluded.is_none() && about.pending.is_none();
    let decided_by = match (&about.rule, about.side) {
        (Some(rule), Side::Client) => Some(format!("the rule {rule} on every request")),
        (Some(rule), Side::Server) => Some(format!("the rule {rule} on every answer that it applies to")),
        (None, _) if !is_tested => None,
        (None, Side::Client) => Some("what the cases below expect".to_owned()),
        (None, Side::Server) => Some("whether the cases below are accepted or refused".to_owned()),
    };
    let more = [
        ("accepts", joined(&about.accepts, ", or ")),
        ("not counted", about.excluded.clone()),
        ("pending", about.pending.clone()),
        ("holds in", joined(&about.holds_in, ", ")),
        ("revisions", (!about.holds.is_always()).then(|| about.holds.to_string())),
        ("decided by", decided_by),
    ];
    lines.extend(more.into_iter().filter_map(|(label, text)| Some(format!("{label:14}{}", text?))));
    list(&mut lines, "cases", &about.cases);
    list(&mut lines, "client cases", &about.client_cases);
    list(&mut lines, "defects", &about.defects);
    if let (Some(id), Some(example)) = (&about.example_of, &about.example) {
        commands(&mut lines, &format!("try {id}"), [example]);
    }
    lines
}

fn case(about: &Case) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", about.id, about.title), String::new()];
    lines.push(format!("operation     {}", about.operation));
    for alike in about.expects.chunk_by(|one, other| one == other) {
        let how_often = match (alike.len(), about.together) {
            (1, _) => String::new(),
            (count, false) => format!(", for each of {count} calls in a row"),
            (count, true) => format!(", for each of {count} calls at the same time"),
        };
        lines.push(format!("expects       {}{how_often}", alike[0].join(", or ")));
    }
    if let Some(control) = &about.control {
        lines.push(format!("control       {}, from which it differs at {}", control.case, control.differs_at));
    }
    lines.extend(about.breaks_meaning.iter().map(|meaning| format!("breaks        {meaning}")));
    if !about.needs.is_empty() {
        let needs: Vec<_> = about.needs.iter().map(|need| need.word()).collect();
        lines.push(format!("needs         {}", needs.join(", ")));
        if about.needs.contains(&Feature::LOGIN) && !cfg!(feature = "login") {
            lines.push(
                "              this program cannot log in: it was built without the Cargo feature login".to_owned(),
            );
        }
    }
    cited(&mut lines, "requirements", &about.requirement_texts);
    if about.members.len() > 1 {
        lines.extend([String::new(), "runs as".to_owned()]);
        lines.extend(about.members.iter().map(|id| format!("  {id}")));
    }
    let title = if about.is_run_on_the_emulator { "run it on the emulator" } else { "run it" };
    commands(&mut lines, title, [&about.run]);
    if let (Some(first), Some(example)) = (about.members.first(), &about.example) {
        commands(&mut lines, &format!("try {first}"), [example]);
    }
    lines
}

fn client_case(about: &ClientCase) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}", about.id, about.title),
        String::new(),
        format!("input         {}", json(&about.input)),
        format!("config        {}", json(&about.config)),
        format!("endpoint      {}", about.endpoint.as_deref().unwrap_or("not given in code")),
        format!("calls         {}", about.calls),
        format!("script        {} steps, the last one for every further request", about.steps),
    ];
    if about.requirements.is_empty() {
        lines.push("expects       nothing: it is observed, and compared between versions".to_owned());
    }
    cited(&mut lines, "requirements", &about.requirement_texts);
    commands(&mut lines, "try it", [&about.example]);
    lines
}

fn defect(about: &Defect, kind: &str) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", about.id, about.title), String::new(), format!("kind          {kind}")];
    if !about.also.is_empty() {
        lines.push(format!("also          {} may fall with what it breaks", about.also.join(", ")));
    }
    if let Some(revision) = about.revision {
        lines.push(format!("judged        as documented in {revision}"));
    }
    cited(&mut lines, "breaks", &about.requirement_texts);
    commands(&mut lines, "try it", about.serve.iter().chain([&about.selftest]));
    let asking: Vec<&String> = about.run.iter().chain(&about.example).collect();
    if !asking.is_empty() {
        commands(&mut lines, "ask it, with the variables that `serve emulator` prints", asking);
    }
    lines
}

fn suite(about: &Suite) -> Vec<String> {
    let mut lines = vec![format!("{}  a suite: the cases on one topic", about.id)];
    list(&mut lines, "cases", &about.cases);
    list(&mut lines, "client cases", &about.client_cases);
    commands(&mut lines, "try it", &about.examples);
    if let Some(about) = &about.feature {
        lines.push(String::new());
        lines.extend(feature(about));
    }
    lines
}

fn feature(about: &AboutFeature) -> Vec<String> {
    let mut lines = vec![
        format!("{}  a feature: {}", about.id, about.meaning),
        String::new(),
        format!("counts        {}", counts(&about.operations)),
    ];
    list(&mut lines, "requirements", &about.requirements);
    let title = if about.claimable { "not judged" } else { "not judged yet" };
    list(&mut lines, title, &about.not_judged);
    if let Some(example) = &about.example {
        commands(&mut lines, "claim it", [example]);
    } else {
        let why =
            if about.requirements.is_empty() { "it has no requirement yet" } else { "nothing of it is judged yet" };
        lines.extend([
            String::new(),
            "claim it".to_owned(),
            format!("  not yet: {why}, so --claim {} ends with exit code 2 before anything is sent", about.id),
        ]);
    }
    lines
}

fn operation(about: &AboutOperation) -> Vec<String> {
    let selected = match &about.example {
        None => "not yet: no case is about it; the cases of other operations can call it".to_owned(),
        Some(_) if about.default => "by default".to_owned(),
        Some(_) => format!("by --operation {}", about.id),
    };
    let mut lines = vec![
        format!("{}  an operation: {}", about.id, about.meaning),
        String::new(),
        format!("run           {selected}"),
        format!("requirements  {}-*", about.requirements),
        format!("counts        {}", counts(&about.must)),
    ];
    let suites = about.suites.iter().map(|suite| NamedItem::new(&suite.id, &format!("{} cases", suite.cases)));
    list(&mut lines, "suites", &suites.collect::<Vec<_>>());
    if let Some(example) = &about.example {
        commands(&mut lines, "try it", [example]);
    }
    lines
}

/// How many must-requirements each operation, or each feature, has, in words.
pub(super) fn counts(of: &BTreeMap<String, usize>) -> String {
    let counts: Vec<_> = of.iter().map(|(name, must)| format!("{name} {must}")).collect();
    let counts = if counts.is_empty() { "0".to_owned() } else { counts.join(", ") };
    format!("{counts} must-requirements")
}

fn list(lines: &mut Vec<String>, title: &str, things: &[NamedItem]) {
    if !things.is_empty() {
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(things.iter().map(|NamedItem { id, title }| format!("  {id}  {title}")));
    }
}

fn cited(lines: &mut Vec<String>, title: &str, texts: &[CitedRequirement]) {
    list(lines, title, &texts.iter().map(CitedRequirement::as_item).collect::<Vec<_>>());
}

fn commands<'a>(lines: &mut Vec<String>, title: &str, commands: impl IntoIterator<Item = &'a String>) {
    lines.extend([String::new(), title.to_owned()]);
    lines.extend(commands.into_iter().map(|command| format!("  {command}")));
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A serialised enum's word: `documented`.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;
    use crate::cli::examples::tests::words;
    use crate::cli::run::can_be_run;
    use crate::cli::settings::Settings;
    use crate::cli::{Cli, Command};
    use crate::contract::Feature;

    /// Every line that begins a run in the explanations of all ids, each with its id.
    fn runs(catalogue: &Catalogue) -> Vec<(String, String)> {
        let mut ids: BTreeSet<&str> = catalogue.ids().collect();
        Feature::all().for_each(|feature| {
            ids.insert(feature.word());
        });
        for case in catalogue.library.corpus.cases() {
            ids.extend([case.suite.as_str(), case.case.id.as_str()]);
        }
        let mut runs = Vec::new();
        for id in ids {
            let about = text(&About::find(id, catalogue, &CommandTarget::usual()).expect("it can be explained"), false);
            let lines = about.lines().map(str::trim).filter(|line| line.starts_with("countersign run "));
            runs.extend(lines.map(|line| (line.to_owned(), id.to_owned())));
        }
        runs
    }

    #[test]
    fn every_run_that_is_explained_can_be_made_and_judges_something() {
        let catalogue = Catalogue::load(None, None).expect("the fixtures");
        let runs = runs(&catalogue);
        assert!(runs.len() > 100, "only {} were found", runs.len());
        for (line, id) in runs {
            let wrong = |why: &dyn std::fmt::Display| -> ! { panic!("{id}: {line}: {why}") };
            let cli = Cli::try_parse_from(words(&line)).unwrap_or_else(|error| wrong(&error));
            let Some(Command::Run(run)) = cli.command else { wrong(&"it runs nothing") };
            let (_, plan) = run.selection.plan(&catalogue.library).unwrap_or_else(|failure| wrong(&failure));
            let settings = Settings::resolve(run.target).unwrap_or_else(|failure| wrong(&failure));
            can_be_run(&settings, &catalogue.library.contract).unwrap_or_else(|failure| wrong(&failure));
            let features = settings.features();
            if !plan.cases.iter().any(|case| case.case.needs.iter().all(|need| features.contains(need))) {
                wrong(&"it claims too little to judge anything");
            }
        }
    }

    #[test]
    fn a_line_names_only_what_its_case_needs() {
        let catalogue = Catalogue::load(None, None).expect("the fixtures");
        let line = |id: &str| text(&About::find(id, &catalogue, &CommandTarget::usual()).expect("it is there"), false);
        let unknown_key = line("signature/unknown-key");
        assert!(unknown_key.contains(" --workgroup my-workgroup --claim signature"), "{unknown_key}");
        assert!(!unknown_key.contains("--custom-domain") && !unknown_key.contains("--db-name"), "{unknown_key}");
        assert!(line("list-workgroups").contains("countersign run --operation ListWorkgroups list-workgroups"));
        assert!(!line("internal-error-502").contains("--requirement"));
    }
}
