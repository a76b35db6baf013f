//! Countersign: contract tests and conformance certification for the AWS operation `GetCredentials` of
//! Amazon Redshift Serverless and, from the contract as data, for its neighbours.
//!
//! # In your `cargo test`
//!
//! To try a client of yours, start the [mock](servers::mock::Mock). It replays hand-written answers, right and wrong
//! ones; the path of the URL chooses one. `my_client` stands for your client:
//!
//! ```
//! # mod my_client {
//! #     use countersign::wire::{Client, ClientOptions, Headers, Request};
//! #
//! #     pub async fn expiration(endpoint: &str) -> Result<f64, &'static str> {
//! #         let url = reqwest::Url::parse(endpoint).map_err(|_| "no address")?;
//! #         let (method, target) = ("POST".to_owned(), url.path().to_owned());
//! #         let headers = Headers::from_iter([("host", url.authority())]);
//! #         let request = Request { method, target, headers, body: b"{}".to_vec() };
//! #         let client = Client::new(url, &ClientOptions::default()).map_err(|_| "no client")?;
//! #         let answer = client.send(request).await.answer.map_err(|_| "no answer")?;
//! #         answer.json().and_then(|body| body["expiration"].as_f64()).ok_or("the expiration is no number")
//! #     }
//! # }
//! # fn main() -> std::io::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use countersign::servers::mock::Mock;
//!
//! let mock = Mock::embedded().await?;
//!
//! assert!(my_client::expiration(&mock.case("success/workgroup-only")).await.is_ok());
//! assert!(my_client::expiration(&mock.reply("wrong-expiration-iso")).await.is_err());
//! # Ok(()) }) }
//! ```
//!
//! `countersign list cases` shows the cases, and `countersign list replies` the replies. If your client signs its
//! requests, or if the documented constraints are to be checked, use the [emulator](servers::emulator::Emulator)
//! instead. To have a *server* of yours judged, with one test for each case, see [`trials`].
//!
//! # The map of the code
//!
//! Data flows one way, and this is the order in which to read the code:
//!
//! ```text
//!  services, requirements ─ contract ─┐
//!  suites ───────────────── corpus ───┴→ Plan → run (wire: sign, send) → Transcript → judge → Verdict → report
//!                                               ↓
//!                                  mock · emulator · endpoint · AWS
//! ```
//!
//! The modules that know nothing of judge, runner and reports are a library of their own below this one,
//! `countersign-core`, and their files are in `harness/core`. Of `verdict`, a part is there. Which module may use which is
//! checked by a test, and between the two libraries by the compiler.
//!
//! | module | is for |
//! |---|---|
//! | [`files`] | opens files that others name, within bounds of size and time |
//! | [`text`] | makes text from outside safe to show |
//! | [`contract`] | what the documents say: the service, its operations, requirements, JSON Schemas made from them |
//! | [`corpus`] | what is asked: suites, cases, families; loading, checking, selecting |
//! | [`wire`] | what goes over the wire: requests, signatures, the HTTP client, exchanges; how secrets are masked |
//! | [`recording`] | what a target answered, without its values: files, and answers of the same shape |
//! | [`verdict`] | conclusions as data: what judge and run conclude, and the reports put into words |
//! | [`judge`] | pure rules: a case and its transcript in, a verdict out |
//! | [`targets`] | the target of a run: endpoints, features, profiles, the probe, the gate before real AWS |
//! | [`servers`] | stand-ins for AWS: the reference emulator, alone or behind a defect, and the replaying mock |
//! | [`run`] | the runner: concurrency, deadlines, controls, random names, set-up and teardown |
//! | [`evidence`] | what recordings say of requirements |
//! | `doctor` | examines a target before a run |
//! | `sdk` | the other side: client cases, drivers, the scripted server, records, their judge, the diff of two runs |
//! | [`report`] | the run stream and the reports made from it; baselines |
//! | `selftest` | runs the suite against every defect and legal variant: what it finds, what it accuses |
//! | [`trials`] | every case as one `cargo test` trial, for this project and for adopters |

#[cfg(any(feature = "run", feature = "emulator"))]
pub use countersign_core::servers;
pub use countersign_core::{contract, corpus, files, text, wire};
#[cfg(feature = "run")]
pub use countersign_core::{recording, targets};

#[cfg(feature = "run")]
pub mod doctor;
#[cfg(feature = "run")]
pub mod evidence;
pub mod judge;
pub mod report;
#[cfg(feature = "run")]
pub mod run;
#[cfg(feature = "sdk")]
pub mod sdk;
#[cfg(all(feature = "run", feature = "emulator"))]
pub mod selftest;
#[cfg(feature = "run")]
pub mod trials;
pub mod verdict;

#[cfg(feature = "cli")]
pub mod cli;
