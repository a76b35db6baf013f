//! Countersign: contract tests and conformance certification for one AWS operation, Amazon Redshift
//! Serverless `GetCredentials`.
//!
//! Data flows one way, and this is the order in which to read the code:
//!
//! ```text
//!  shapes, requirements ─ contract ─┐
//!  suites ─────────────── corpus ───┴→ Plan → run (wire: sign, send) → Transcript → judge → Verdict → report
//!                                             ↓
//!                                mock · emulator · endpoint · AWS
//! ```
//!
//! | module | is for |
//! |---|---|
//! | [`contract`] | what the documents say: shapes, requirements, the JSON Schemas made from them |
//! | [`corpus`] | what is asked: suites, cases, families; loading, checking, selecting |
//! | [`record`] | what a run of one SDK leaves behind: outcomes and requests, the same in every run |
//! | [`wire`] | what goes over the wire: requests, signatures, the HTTP client, exchanges |
//! | [`verdict`] | the words that the judge speaks and the reports hear |
//! | [`judge`] | pure rules: a case and its transcript in, a verdict out |
//! | [`targets`] | who is asked: endpoints, features, profiles, the probe, the gate before real AWS |
//! | [`servers`] | what can stand where AWS stands: the reference emulator, alone or behind a defect, and the replaying mock |
//! | [`run`] | the runner: concurrency, deadlines, controls, random names |
//! | `sdk` | the other side: driver processes, their protocol, client cases, installed SDK versions |
//! | [`report`] | the run stream and the reports made from it; baselines |
//! | `selftest` | the suite against every defect and legal variant: what it finds, what it accuses |
//! | [`trials`] | every case as one `cargo test` trial, for this project and for adopters |

pub mod contract;
pub mod corpus;
pub mod judge;
pub mod record;
pub mod report;
#[cfg(feature = "run")]
pub mod run;
#[cfg(feature = "sdk")]
pub mod sdk;
#[cfg(all(feature = "run", feature = "emulator"))]
pub mod selftest;
#[cfg(any(feature = "run", feature = "emulator"))]
pub mod servers;
#[cfg(feature = "run")]
pub mod targets;
#[cfg(feature = "run")]
pub mod trials;
pub mod verdict;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;
