//! The other side: SDKs under test. A driver is a small program that runs one SDK; the harness starts
//! it, gives it one call after the other, plays the scripted server that the SDK calls, and records
//! what the SDK sent and what it gave its caller. A driver never judges.
//!
//! Everything of this side stands here, behind the feature `sdk`; an adopter without it compiles none of it. Uses the
//! contract, what cases of both sides share, the judge's words and the reports. `harness/drivers/GUIDE.md` says how to
//! write a driver, `FORMAT.md` in this folder explains cases and records.
//!
//! | part | holds |
//! |---|---|
//! | [`cases`] | the format of a client case; loading, checking |
//! | [`protocol`] | what is said between harness and driver |
//! | `run` | drives client cases over driver processes |
//! | [`script`] | the server that SDKs are tried against |
//! | [`record`] | what a run of one case leaves behind |
//! | [`judge`] | a case and its record in, a verdict out |
//! | [`diff`] | what changed between two runs |
//! | [`install`], [`drivers`], [`isolation`] | installed SDK versions, known drivers, a network of their own |
//! | [`check`] | whether a driver obeys the protocol |

pub mod cases;
pub mod check;
pub mod diff;
pub mod drivers;
pub mod install;
pub mod isolation;
pub mod judge;
mod normalise;
mod observe;
mod planted;
mod process;
pub mod protocol;
pub mod record;
mod run;
pub mod script;

pub use process::{DriverCommand, DriverError};
pub use run::{Options, Runner};

#[cfg(test)]
mod tests {
    pub(super) mod samples;
}
