//! The arguments for accepted changes, which `diff` and `sdk check` share.

use std::path::PathBuf;

use clap::Args;
use jiff::Zoned;
use jiff::civil::Date;

use super::Failure;
use super::baseline::day;
use super::library::Library;
use super::output::say;
use crate::report::BaselineExcuse;
use crate::report::words::count;
use crate::sdk::accepted::Accepted;
use crate::sdk::diff::{Cause, SdkDiff};
use crate::text::{did_you_mean, file_name, foreign};

#[derive(Debug, Args)]
pub(super) struct AcceptedArgs {
    /// For SDKs: a file of changes that are accepted, each with a reason; they fail nothing, and an entry that nothing
    /// needs any more fails
    #[arg(long, env = "COUNTERSIGN_SDK_ACCEPTED", value_name = "FILE")]
    accepted: Option<PathBuf>,

    /// Accept the change with this id, which the comparison shows beside it: adds an entry to the file; repeat it for more
    #[arg(long, value_name = "ID", requires = "reason", requires = "accepted")]
    accept: Vec<String>,

    /// Why it is accepted
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Option<String>,

    /// Where it is followed up
    #[arg(long, value_name = "URL", requires = "accept")]
    issue: Option<String>,

    /// The last day on which it is accepted, such as 2027-01-31 [default: for ever]
    #[arg(long, value_name = "DAY", value_parser = day, requires = "accept")]
    expires: Option<Date>,
}

impl AcceptedArgs {
    /// Whether one of these arguments was given.
    pub(super) fn is_used(&self) -> bool {
        self.accepted.is_some()
    }

    /// Takes the accepted changes out of a comparison, after it has added to the file what is to be accepted now.
    pub(super) fn apply(&self, diff: &mut SdkDiff) -> Result<(), Failure> {
        let (Some(path), today) = (&self.accepted, Zoned::now().date()) else { return Ok(()) };
        let usage = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
        let mut accepted = if self.accept.is_empty() || path.exists() {
            Accepted::load(path).map_err(|error| usage(&error))?
        } else {
            Accepted::empty(path, diff.sdk())
        };
        accepted.check_sdk(diff.sdk()).map_err(|error| usage(&error))?;
        if !self.accept.is_empty() {
            let reason = self.reason.clone().unwrap_or_default();
            let excuse = BaselineExcuse { reason, issue: self.issue.clone(), expires: self.expires };
            excuse.check(today).map_err(Failure::usage)?;
            // What the file accepts already is not accepted again.
            let mut rest = diff.clone();
            accepted.apply(&mut rest, today);
            let (_, clients) = Library::load_with_clients(None)?;
            let known: Vec<&str> = clients.cases().iter().map(|case| case.id.as_str()).collect();
            for id in &self.accept {
                accepted.add(&rest, cause(&rest, id)?, &excuse, &known).map_err(|error| usage(&error))?;
            }
            accepted.write(path).map_err(|error| usage(&error))?;
            say(&format!("{} added to {}", count(self.accept.len(), "accepted change"), file_name(path)));
        }
        accepted.apply(diff, today);
        Ok(())
    }

    /// Takes the changes that a new baseline has in it out of the file. Returns what was done, in words.
    pub(super) fn take_over(&self, diff: &mut SdkDiff) -> Result<Option<String>, Failure> {
        let Some(path) = self.accepted.as_ref().filter(|path| path.exists()) else { return Ok(None) };
        self.apply(diff)?;
        let mut accepted = Accepted::load(path).map_err(|error| Failure::usage(error.to_string()))?;
        let removed = accepted.remove_used(diff);
        if removed == 0 {
            return Ok(None);
        }
        accepted.write(path).map_err(|error| Failure::usage(error.to_string()))?;
        let removed = if removed == 1 { "1 entry".to_owned() } else { format!("{removed} entries") };
        Ok(Some(format!("{removed} of {} removed, since the baseline has their changes in it", file_name(path))))
    }
}

/// The cause with an id.
fn cause<'a>(diff: &'a SdkDiff, id: &str) -> Result<&'a Cause, Failure> {
    diff.causes.iter().find(|cause| cause.id == id).ok_or_else(|| {
        let ids: Vec<&str> = diff.causes.iter().map(|cause| cause.id.as_str()).collect();
        let known = match ids.as_slice() {
            [] => "nothing is left to accept".to_owned(),
            ids => format!("the ids are {}", ids.join(", ")),
        };
        let near = did_you_mean(id, ids.iter().copied());
        Failure::usage(format!("--accept: no change has the id \"{}\"{near}; {known}", foreign(id)))
    })
}
