//! Running: a plan and a target in, a result for each case out.
//!
//! Uses everything but reports. Start with [`Session`], which runs one case with all that it needs
//! (its control, its setup and teardown); [`run`] drives a whole plan over it.

mod described;
mod names;
mod repro;
mod request;
mod sender;
mod session;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;

pub use names::random_seed;
#[cfg(feature = "cli")]
pub(crate) use repro::word as shell_word;
pub use session::{Session, SessionError};

use crate::corpus::{ExpandedCase, Plan};
use crate::targets::Target;
use crate::verdict::{CaseResult, Verdict};

/// The request of a case's first call as a command, for a target that need not be there; nothing
/// where the target lacks something that the request needs.
pub fn example_line(case: &ExpandedCase, target: &Target) -> Option<String> {
    let call = case.calls.first()?;
    let mut names = names::Names::new(0, &case.id, 0);
    let built = request::build(&call.request, &case.operation, target, "", &mut names, Timestamp::now()).ok()?;
    Some(repro::line(case, target, &built.request, &built.body))
}

/// How a plan is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How often each case runs.
    pub repeat: u32,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
}

/// Runs a plan, and hands over each case's result in the order of the plan as soon as it and all
/// before it are there. Gives back whether the plan was run to its end.
///
/// Setting `interrupt` to true starts no further case, drops the requests in flight, and finishes
/// the teardown of cases that have one.
pub async fn run(
    session: &Session,
    plan: &Plan,
    options: &RunOptions,
    interrupt: &watch::Receiver<bool>,
    mut report: impl FnMut(CaseResult),
) -> bool {
    let work = plan.cases.iter().flat_map(|case| (0..options.repeat).map(move |run| (case, run)));
    let mut results = stream::iter(work)
        .map(|(case, run)| session.run_case(Arc::clone(case), run, interrupt.clone()))
        // One more than are in flight: its request is made ready meanwhile.
        .buffered(session.jobs() + 1);
    let mut pending: Option<CaseResult> = None;
    let mut complete = true;
    while let Some(result) = results.next().await {
        let Some(result) = result else {
            complete = false;
            break;
        };
        match &mut pending {
            Some(earlier) if earlier.id == result.id => merge(earlier, result),
            _ => {
                let Some(done) = pending.replace(result) else { continue };
                let failed = done.verdict == Verdict::Fail;
                report(done);
                if failed && options.fail_fast {
                    pending = None;
                    complete = false;
                    break;
                }
            }
        }
    }
    if let Some(last) = pending {
        report(last);
    }
    complete
}

/// Adds a later run of the same case: the first that was not a pass is what is told.
fn merge(earlier: &mut CaseResult, later: CaseResult) {
    let (runs, duration_ms) = (earlier.runs + later.runs, earlier.duration_ms + later.duration_ms);
    if earlier.verdict == Verdict::Pass && later.verdict != Verdict::Pass {
        *earlier = later;
    }
    (earlier.runs, earlier.duration_ms) = (runs, duration_ms);
}
