//! `countersign doctor`: finds what prevents a run against a target, in less than two seconds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::styling::AnsiColor;
use tokio::time::timeout;

use super::Failure;
use super::origin::TracedArgs;
use super::output::{TextOrJson, paint, print, print_json, wants_colour, width};
use super::resources;
use super::run::{OperationArg, can_be_run};
use super::settings::{Settings, TargetArgs, TargetChoice};
use super::target::Prepared;
use crate::contract::{Contract, Fixtures, Operation};
use crate::doctor::{Diagnosis, DiagnosisStatus, Examination, Topic, examine};
use crate::report::{Exit, hang};
use crate::text::{LINE_SHOWN, foreign, foreign_within};
use crate::verdict::{Cause, ProbeOutcome, TargetAnswer, TargetClass};

/// The time for the whole examination. Together with the start of the program, it stays below two seconds even on a
/// busy machine.
const WITHIN: Duration = Duration::from_millis(1500);

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    target: TracedArgs<TargetArgs>,

    /// The server to examine; the same as --endpoint
    #[arg(value_name = "URL", hide = true)]
    urls: Vec<String>,

    #[command(flatten)]
    operation: OperationArg,

    /// Lines for people, or one JSON object
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,
}

/// The pause before a target that is waited for is examined again.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn run(args: DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::resolve(args.target.at_urls(args.urls)?)?;
    if let Some(asked) = &settings.revision {
        asked.check(&Fixtures::Embedded)?;
    }
    let contract = Contract::load_in(&Fixtures::Embedded, Some(settings.revision()));
    let contract = contract.map_err(|error| Failure::harness(error.to_string()))?;
    can_be_run(&settings, &contract)?;
    let operation = args.operation.of(&contract)?;
    let mut examination = super::block_on(examination(&settings, &contract, operation))??;
    let answer = examination.answer.clone().unwrap_or_else(|| TargetAnswer::Told(examination.said.clone()));
    let probe = ProbeOutcome { class: examination.class, answer, cause: None };
    let slip = resources::refused_name(&settings, &contract, operation, &probe);
    let is_slip = slip.is_some();
    if let Some((resource, slip)) = slip {
        examination.blame_name(resource, &slip);
    }
    match args.format {
        TextOrJson::Json => print_json(&examination)?,
        TextOrJson::Text => print(&text(&examination, wants_colour(), width()))?,
    };
    Ok(exit(&examination, is_slip).into())
}

async fn examination(settings: &Settings, contract: &Contract, operation: &Operation) -> Result<Examination, Failure> {
    let start = Instant::now();
    let Ok(prepared) = timeout(WITHIN, Prepared::to_examine(settings)).await else {
        let is_aws = matches!(settings.choice, TargetChoice::Aws { .. });
        let sts = if is_aws { ", or STS, which is asked whose they are," } else { "" };
        return Err(Failure::usage(format!(
            "no credentials within {} s: the profile or the program that gives them{sts} takes too long; set \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose another profile with AWS_PROFILE",
            WITHIN.as_secs_f64()
        )));
    };
    let (prepared, lacking_credentials) = prepared?;
    let time_left = WITHIN.saturating_sub(start.elapsed()).max(Duration::from_millis(100));
    let mut examination = loop {
        let examined = examine(&prepared.target, contract, &operation.name.is, time_left).await;
        let examination = examined.map_err(Failure::of_target)?;
        let no_route = examination.answer.as_ref().is_some_and(TargetAnswer::is_no_route);
        let may_start = examination.class == TargetClass::Unreachable || (no_route && !examination.class.is_judged());
        if !may_start || start.elapsed() >= settings.wait {
            break examination;
        }
        tokio::time::sleep(PAUSE).await;
    };
    if let Some(reason) = lacking_credentials {
        examination.findings.retain(|finding| finding.topic != Topic::Credentials);
        let place = examination.findings.iter().position(|finding| finding.topic > Topic::Tls);
        let place = place.unwrap_or(examination.findings.len());
        examination.findings.insert(place, Diagnosis::no_credentials(&foreign(&reason)));
    }
    examination.findings.extend(hooks(settings));
    Ok(examination)
}

/// What a run would do with the hooks and the clock of the settings.
fn hooks(settings: &Settings) -> Option<Diagnosis> {
    let hooks = settings.hooks.as_ref().map(|of| &of.hooks);
    let hook = |word: &str, command: Option<&String>| Some(format!("the {word} runs {}", foreign(command?)));
    let clock = settings.clock.as_ref().map(|clock| format!("the clock is moved by {}", foreign(&clock.to_string())));
    let what = [
        hook("set-up", hooks.and_then(|hooks| hooks.setup.as_ref())),
        hook("teardown", hooks.and_then(|hooks| hooks.teardown.as_ref())),
        clock,
    ];
    let what: Vec<_> = what.into_iter().flatten().collect();
    (!what.is_empty()).then(|| Diagnosis::of_hooks(&what))
}

/// The exit code that a run against this target would have, as far as this is known before any answer is judged. `slip`
/// says whether the target refuses a name that no resource can have.
fn exit(examination: &Examination, slip: bool) -> Exit {
    let problem = |of: fn(&Topic) -> bool| {
        examination.findings.iter().any(|finding| finding.status == DiagnosisStatus::Problem && of(&finding.topic))
    };
    // Each of these makes cases fail, or blocks them.
    let is_broken = || problem(|topic| matches!(topic, Topic::Signature | Topic::Operation | Topic::Resource(_)));
    let at_once = match examination.class {
        TargetClass::Unreachable => Exit::Undecided,
        TargetClass::Redirect if matches!(examination.cause, Some(Cause::RedirectedToAws { .. })) => Exit::Safety,
        TargetClass::RefusedCredentials | TargetClass::NoResource | TargetClass::Redirect => Exit::Usage,
        TargetClass::Answers | TargetClass::ServerFault if slip => Exit::Usage,
        TargetClass::Answers | TargetClass::ServerFault if !is_broken() => Exit::Fine,
        TargetClass::Answers
        | TargetClass::ServerFault
        | TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::OwnJson
        | TargetClass::NotAws
        | TargetClass::WrongService => Exit::Failed,
    };
    // A run without credentials to sign with never starts.
    Exit::first_of([(Exit::Usage, problem(|topic| *topic == Topic::Credentials)), (at_once, true)])
}

fn text(examination: &Examination, colour: bool, width: usize) -> String {
    let Examination { target, endpoint, region, findings, duration_ms, .. } = examination;
    let mut lines = vec![
        hang("", &format!("{} at {} in {}", foreign(target), foreign(endpoint), foreign(region)), width),
        String::new(),
    ];
    for Diagnosis { topic, status, found, fix } in findings {
        let (word, tone) = match status {
            DiagnosisStatus::Ok => ("ok", AnsiColor::Green),
            DiagnosisStatus::Warning => ("warning", AnsiColor::Yellow),
            DiagnosisStatus::Problem => ("problem", AnsiColor::Red),
            DiagnosisStatus::Unknown => ("unknown", AnsiColor::BrightBlack),
        };
        let label = format!("{}  {:<13}  ", paint(&format!("{word:<7}"), tone, colour), topic.word());
        lines.push(hang(&label, &foreign_within(found, LINE_SHOWN), width));
        if let Some(fix) = fix {
            lines.push(hang(&format!("{:24}to do: ", ""), &foreign_within(fix, LINE_SHOWN), width));
        }
    }
    let problems = findings.iter().filter(|finding| finding.status == DiagnosisStatus::Problem).count();
    let conclusion = match problems {
        0 => "nothing stands in the way of a run".to_owned(),
        1 => "1 problem".to_owned(),
        several => format!("{several} problems"),
    };
    lines.extend([String::new(), hang("", &format!("{conclusion}; asked for {duration_ms:.0} ms"), width)]);
    lines.join("\n")
}
