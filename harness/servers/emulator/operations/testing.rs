//! Calls for the tests of the operations, without protocol and signature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::servers::emulator::errors::Refusal;
use crate::servers::emulator::{Clock, Options, Service};

/// 2023-11-14T22:13:20.059Z, when the clock stands still.
const NOW: i64 = 1_700_000_000_059;

/// What the service of the tests is made of.
pub(super) fn options() -> Options {
    Options {
        workgroups: vec!["wg-2".into(), "wg-1".into()],
        custom_domains: BTreeMap::from([("db.Example.com".into(), "wg-1".into())]),
        user: "IAM:alice".into(),
        clock: Clock::new(|| Timestamp::from_millisecond(NOW).unwrap()),
        ..Options::default()
    }
}

pub(super) fn service() -> Service {
    Service::new(options()).unwrap()
}

/// What a service answers to an operation with this input.
pub(super) fn answer(service: &Service, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let call = super::named(operation).unwrap();
    call(service, input.to_string().as_bytes()).map(|body| serde_json::from_slice(&body).unwrap())
}

/// Status, name and message of what a service refuses.
pub(super) fn refusal(operation: &str, input: &Value) -> (u16, &'static str, String) {
    let refusal = answer(&service(), operation, input).unwrap_err();
    let body: Value = serde_json::from_slice(&refusal.body()).unwrap();
    (refusal.status, refusal.name, body["message"].as_str().unwrap().to_owned())
}
