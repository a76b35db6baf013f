//! Where the requests of a case go: to the endpoint that the case names, to AWS, or nowhere because the SDK refuses.

use std::sync::LazyLock;

use regex::Regex;

use super::show;
use super::{ChangeClass, ChangeKind, SdkChange, bodies};
use crate::sdk::record::{OutcomeRecord, Phase, Record, RequestRecord};

/// A host of AWS in the message of an error. The regions of the cases are of the partition `aws`.
/// Source: botocore 1.44.8, `partitions.json`: `dnsSuffix` and `dualStackDnsSuffix`.
static HOST_OF_AWS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)[a-z0-9-]\.(?:amazonaws\.com|api\.aws)\b").expect("the pattern is valid"));

/// Where the requests of a case go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To a server of the case.
    Endpoint,
    /// To AWS: an error says so.
    Aws,
    /// The SDK sends none, and gives an error of its own.
    Refused,
    /// None arrives, and nothing says where they go.
    Unknown,
}

impl Reach {
    pub(super) fn of(record: &Record) -> Self {
        let is_of_network = |outcome: &&OutcomeRecord| matches!(outcome, OutcomeRecord::Error { error, .. } if is_of_network(error.phase));
        let names_aws = |outcome: &OutcomeRecord| matches!(outcome, OutcomeRecord::Error { error, .. } if error.message.as_deref().is_some_and(|message| HOST_OF_AWS.is_match(message)));
        if record.attempts > 0 || !record.requests.is_empty() {
            Self::Endpoint
        } else if record.outcomes.iter().filter(is_of_network).any(names_aws) {
            Self::Aws
        } else if record.outcomes.iter().any(is_refusal) {
            Self::Refused
        } else {
            Self::Unknown
        }
    }
}

const fn is_of_network(phase: Phase) -> bool {
    matches!(phase, Phase::Connect | Phase::Transport | Phase::Timeout)
}

/// Whether an outcome without any request is an error that the SDK makes by itself.
fn is_refusal(outcome: &OutcomeRecord) -> bool {
    matches!(outcome, OutcomeRecord::Error { error, .. } if !is_of_network(error.phase))
}

/// The change of where the requests go. It explains whatever else changed in the case.
pub(super) fn compare(old: &Record, new: &Record) -> Option<SdkChange> {
    let to_aws = "requests go to AWS instead of your endpoint";
    let (group, cause, meaning) = match (Reach::of(old), Reach::of(new)) {
        (was, is) if was == is => return None,
        (Reach::Endpoint, Reach::Aws) => {
            (to_aws.to_owned(), None, "The setting that names your endpoint is no longer heeded.")
        }
        (Reach::Refused, Reach::Aws) => (
            "requests go to AWS where the SDK refused to send any".to_owned(),
            Some(to_aws),
            "The setting that names your endpoint is passed over where it was an error.",
        ),
        (Reach::Aws, Reach::Endpoint) => (
            "requests go to your endpoint instead of AWS".to_owned(),
            None,
            "The setting that names your endpoint is heeded, which it was not.",
        ),
        (Reach::Aws, Reach::Refused) => (
            "the SDK refuses to send where requests went to AWS".to_owned(),
            None,
            "A setting that was passed over is an error now.",
        ),
        (Reach::Endpoint, Reach::Unknown) => (
            "requests no longer reach your endpoint".to_owned(),
            None,
            "Nothing says where they go: the setting that names your endpoint may no longer be heeded.",
        ),
        (Reach::Unknown, Reach::Endpoint) => (
            "requests reach your endpoint, which they did not".to_owned(),
            None,
            "Nothing says where they went: the setting that names your endpoint may not have been heeded.",
        ),
        (Reach::Endpoint, Reach::Refused) => (
            format!("the SDK refuses a request with {}", members(old)),
            None,
            "What reached the service is refused by the SDK.",
        ),
        (Reach::Refused, Reach::Endpoint) => (
            format!("the SDK no longer refuses a request with {}", members(new)),
            None,
            "What the SDK refused to send reaches the service, which decides.",
        ),
        // Whether an error without a request is the SDK's own or one of the network says nothing of where it went.
        (Reach::Unknown | Reach::Aws | Reach::Refused, _) | (Reach::Endpoint, Reach::Endpoint) => return None,
    };
    let change = SdkChange::new(ChangeClass::Wire, "requests", first(old), first(new), meaning);
    let change = change.grouped(group).of(ChangeKind::Reach);
    Some(match cause {
        Some(cause) => change.caused_by(cause),
        None => change,
    })
}

/// The first request, or where it went instead.
fn first(record: &Record) -> String {
    match (record.requests.first(), Reach::of(record)) {
        (Some(request), _) => show::cut(&format!("{} {}", request.line, bodies::raw(&request.body))),
        (None, Reach::Endpoint) => "a connection".to_owned(),
        (None, Reach::Aws) => "to AWS".to_owned(),
        (None, Reach::Refused) => "none sent".to_owned(),
        (None, Reach::Unknown) => "none arrived".to_owned(),
    }
}

/// The names of the members of the first request: `{customDomainName}`.
fn members(record: &Record) -> String {
    let json = |request: &RequestRecord| request.body.json.as_ref()?.as_object().cloned();
    match record.requests.first().and_then(json) {
        Some(members) => format!("{{{}}}", members.keys().map(|name| show::cut(name)).collect::<Vec<_>>().join(", ")),
        None => "another body than JSON".to_owned(),
    }
}
