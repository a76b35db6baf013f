//! `countersign sdk bisect`: the version of an SDK that brought a change.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::records::{RunRecords, RunWords};
use super::run::JOBS;
use crate::cli::library::Library;
use crate::cli::output::{print, print_prose, say};
use crate::cli::{Failure, FixtureArgs};
use crate::report::Event;
use crate::report::words::count;
use crate::sdk::bisect::{FirstSeen, bisect, steps};
use crate::sdk::diff::{Cause, SdkDiff};
use crate::sdk::drivers::driver_named;
use crate::sdk::install::{Cache, SdkVersion};
use crate::sdk::versions::{between, released};
use crate::text::escape;

/// How many cases of a change are named.
const CASES_SHOWN: usize = 3;

/// The arguments of `sdk bisect`.
#[derive(Debug, Args)]
pub(super) struct SdkBisectArgs {
    /// The driver, such as boto3
    #[arg(value_name = "NAME")]
    name: String,

    /// The version without the change
    #[arg(value_name = "OLD")]
    old: String,

    /// The version with the change
    #[arg(value_name = "NEW")]
    new: String,

    /// Run only the cases that this pattern selects, as in `sdk run`; repeat it for more
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    case: Vec<String>,

    /// Look for the change with this id alone, which `diff` shows beside it [default: every change of the classes caller,
    /// attempts and wire]
    #[arg(long, value_name = "ID")]
    change: Option<String>,

    /// Say how many versions there are and how many would be tried; install and run nothing
    #[arg(long)]
    dry_run: bool,

    /// Run this number of cases at a time, each with a process of the driver
    #[arg(long, short, env = "COUNTERSIGN_JOBS", value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: &SdkBisectArgs) -> Result<ExitCode, Failure> {
    let driver = driver_named(&args.name).map_err(Failure::usage)?;
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::select(&library, &clients, &args.case, &[])?;
    let all = released(driver.kind, driver.package).map_err(Failure::usage)?;
    let versions = between(&all, &args.old, &args.new).map_err(Failure::usage)?;
    let range = format!("{} {} -> {}", driver.name, args.old, args.new);
    if args.dry_run {
        return print(&format!(
            "{range}: {}; the two ends are run, and at most {} more for each change, {} each",
            count(versions.len(), "released version"),
            steps(versions.len()),
            count(cases.len(), "case"),
        ));
    }
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let words = RunWords { patterns: &args.case, fixtures: args.fixtures.fixtures.as_deref(), jobs: args.jobs };
    let records = RunRecords::new(&cache, &library, &cases, words);
    let run_of = |version: &str| -> Result<Vec<Event>, Failure> {
        let wanted: SdkVersion = format!("{}@{version}", driver.name).parse().map_err(Failure::usage)?;
        let installed = match cache.find(&wanted) {
            Ok(installed) => installed,
            Err(_) => cache.install(&wanted, say).map_err(Failure::usage)?,
        };
        records.of(&installed)
    };
    let oldest = run_of(&args.old)?;
    let compare =
        |old: &[Event], new: &[Event]| SdkDiff::new(old, new).map_err(|error| Failure::usage(error.to_string()));
    let wanted = |cause: &&Cause| match &args.change {
        Some(id) => cause.id == *id,
        None => cause.class.counts(),
    };
    let mut whole = SdkDiff::default();
    let mut tried = 1;
    let probe = |place: usize, left: usize| {
        let diff = compare(&oldest, &run_of(&versions[place])?)?;
        let ids: Vec<String> = diff.causes.iter().filter(wanted).map(|cause| cause.id.clone()).collect();
        tried += 1;
        let more = if left == 0 { String::new() } else { format!("; at most {left} more for one change") };
        say(&format!("{}: {} since {}{more}", versions[place], count(ids.len(), "change"), args.old));
        if place == versions.len() - 1 {
            whole = diff;
        }
        Ok(ids)
    };
    let (found, _) = bisect(versions.len(), |_| true, probe)?;
    if found.is_empty() {
        return print(&match &args.change {
            Some(id) => format!("{range}: no change has the id {}", escape(id)),
            None => format!("{range}: nothing changed in {}", count(whole.compared().count(), "case")),
        });
    }
    let mut text = format!(
        "{range}: {}, found with {tried} of {}\n",
        count(found.len(), "change"),
        count(versions.len(), "version")
    );
    for seen in &found {
        let Some(cause) = whole.causes.iter().find(|cause| cause.id == seen.id) else { continue };
        let brought = compare(&run_of(&versions[seen.before])?, &run_of(&versions[seen.at])?)?;
        let _ = write!(text, "\n{}", told(cause, seen, &versions, &brought, driver.name));
    }
    print_prose(text.trim_end())
}

/// A change and where it was first seen.
fn told(cause: &Cause, seen: &FirstSeen, versions: &[String], brought: &SdkDiff, name: &str) -> String {
    let (before, at) = (&versions[seen.before], &versions[seen.at]);
    let mut text = format!("{}: {} (id {})\n", count(cause.cases.len(), "case"), escape(&cause.what), cause.id);
    match brought.packages.as_slice() {
        [package] if package.name != name => {
            let (package, version) = (escape(&package.name), escape(&package.new));
            let _ =
                writeln!(text, "  first seen in {package} {version} ({name} {at}); {name} {before} does not show it");
        }
        _ => _ = writeln!(text, "  first seen in {name} {at}; {before} does not show it"),
    }
    for package in &brought.packages {
        let _ = writeln!(text, "  changelog of {}: {}", escape(&package.name), package.changelog);
    }
    if !seen.also.is_empty() {
        let also: Vec<_> = seen.also.iter().map(|place| versions[*place].as_str()).collect();
        let _ = writeln!(
            text,
            "  but {} shows it too: it came, went and came back, so that others in between may show it as well",
            also.join(", ")
        );
    }
    let shown: Vec<_> = cause.cases.iter().take(CASES_SHOWN).map(|case| escape(case)).collect();
    let more = match cause.cases.len().saturating_sub(CASES_SHOWN) {
        0 => String::new(),
        more => format!(", and {}", count(more, "more case")),
    };
    let _ = writeln!(text, "  {}{more}", shown.join(", "));
    text
}
