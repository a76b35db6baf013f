//! The other side: SDKs under test. A driver is a small program that runs one SDK; the harness starts
//! it, gives it one call after the other, plays the scripted server that the SDK calls, and records
//! what the SDK sent and what it gave its caller. A driver never judges.
//!
//! All code for SDKs is here, behind the feature `sdk`; without the feature none of it is compiled. Uses the contract,
//! what cases of both sides share, the judge's words and the reports. `harness/drivers/GUIDE.md` says how to write a
//! driver, `FORMAT.md` in this folder explains cases and records.
//!
//! | part | holds |
//! |---|---|
//! | [`cases`] | the format of a client case; loading, checking |
//! | [`protocol`] | the messages between harness and driver |
//! | `run` | runs client cases on driver processes |
//! | [`script`] | the server that SDKs are tested against |
//! | [`record`] | what is kept of the run of one case |
//! | [`judge`] | a case and its record in, a verdict out |
//! | [`diff`] | what changed between two runs |
//! | [`accepted`] | changes that are accepted, each with a reason |
//! | [`bisect`], [`versions`] | the version that brought a change, among those that are released |
//! | [`install`], [`drivers`], [`isolation`] | installed SDK versions, known drivers, a private network for a run |
//! | [`lock`], [`project`] | the versions of an SDK in a lock file; where the SDK of a project is |
//! | [`check`] | whether a driver obeys the protocol |

pub mod accepted;
pub mod bisect;
pub mod cases;
pub mod check;
pub mod diff;
pub mod drivers;
pub mod install;
pub mod isolation;
pub mod judge;
mod loads;
pub mod lock;
mod normalise;
mod observe;
mod planted_secrets;
mod process;
pub mod project;
pub mod protocol;
pub mod record;
mod run;
pub mod script;
pub mod versions;
mod warnings;

pub use process::{DriverCommand, DriverError};
pub use run::{Runner, RunnerOptions};

#[cfg(test)]
mod tests {
    pub(super) mod samples;
}
