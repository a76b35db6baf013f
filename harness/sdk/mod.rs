//! The other side: SDKs under test. A driver is a small program that runs one SDK; the harness starts
//! it, gives it one call after the other, plays the scripted server that the SDK calls, and records
//! what the SDK sent and what it gave its caller. A driver never judges.
//!
//! Uses the corpus, the judge, the scripted server and the words of record and verdict. Start with
//! [`protocol`], what is said between harness and driver; `run` drives client cases over it.
//! `FORMAT.md` in this folder explains cases and records, `harness/drivers/GUIDE.md` how to write a driver.

pub mod check;
pub mod drivers;
mod environment;
pub mod install;
pub mod isolation;
mod normalise;
mod observe;
mod planted;
mod process;
pub mod protocol;
mod run;

pub use process::{DriverCommand, DriverError};
pub use run::{Options, Runner};
