//! Runs the AWS SDK for Rust for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).
//!
//! Usage: `cargo run` in this folder. It gives the SDK exactly what the harness says and reports exactly what the
//! SDK gave back. It never judges.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::iter::successors;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_redshiftserverless::Client;
use aws_sdk_redshiftserverless::config::retry::{RetryConfig, RetryMode, RetryPartition};
use aws_sdk_redshiftserverless::config::timeout::TimeoutConfig;
use aws_sdk_redshiftserverless::config::{Builder, Credentials};
use aws_sdk_redshiftserverless::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftserverless::operation::RequestId;
use aws_sdk_redshiftserverless::operation::get_credentials::GetCredentialsError;
use aws_sdk_redshiftserverless::primitives::DateTime;
use aws_smithy_json::deserialize::error::DeserializeError;
use serde_json::{Map, Value, json};

/// Why a call has no outcome of the SDK's: it cannot be said in Rust, or the line itself is wrong.
enum Refused {
    Unsupported(String),
    Wrong(String),
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut clients = HashMap::new();
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.expect("stdin can be read");
        let said: Value = serde_json::from_slice(&line).expect("a line is one JSON object");
        let reply =
            if said["type"] == "hello" { hello() } else { runtime.block_on(answer(&said, number, &mut clients)) };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{reply}").and_then(|()| stdout.flush()).expect("stdout can be written");
    }
}

/// What this driver can do, and the locked versions of all that the SDK needs.
fn hello() -> Value {
    let mut deps = Map::new();
    let mut name = "";
    for line in include_str!("../Cargo.lock").lines() {
        match line.split_once(" = ") {
            Some(("name", quoted)) => name = quoted.trim_matches('"'),
            Some(("version", quoted)) if !name.is_empty() && name != env!("CARGO_PKG_NAME") => {
                let versions = deps.entry(name).or_insert_with(|| json!(""));
                *versions =
                    json!(format!("{} {}", versions.as_str().unwrap_or_default(), quoted.trim_matches('"')).trim());
            }
            _ => {}
        }
    }
    let sdk_version = deps.remove("aws-sdk-redshiftserverless");
    json!({
        "type": "hello", "protocol": 1, "driver": "rust", "language": "rust", "runtime": "native",
        "sdk": "aws-sdk-redshiftserverless", "sdkVersion": sdk_version, "deps": deps,
        "operations": ["GetCredentials"], "config": ["maxAttempts", "retryMode", "readTimeoutMs", "connectTimeoutMs"],
        "inputs": { "workgroupName": "string", "dbName": "string", "durationSeconds": "int32", "customDomainName": "string",
                    "*": "inexpressible" },
        "reports": ["requestId"], "tls": false,
    })
}

/// The outcome of one call.
async fn answer(call: &Value, number: usize, clients: &mut HashMap<String, Client>) -> Value {
    let start = Instant::now();
    let mut outcome = match perform(call, number, clients).await {
        Ok(outcome) => outcome,
        Err(Refused::Unsupported(reason)) => json!({"outcome": "unsupported", "reason": reason}),
        Err(Refused::Wrong(message)) => {
            let error = json!({"phase": "driver", "class": "Wrong", "bases": [], "message": message});
            json!({"outcome": "error", "error": error, "meta": {}})
        }
    };
    if outcome["outcome"] != "unsupported" {
        outcome["elapsedMs"] = json!(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX));
    }
    outcome["type"] = json!("outcome");
    outcome["id"] = call["id"].clone();
    outcome
}

/// Makes the call, by a new client or by the one of that name if the harness asks for it again.
async fn perform(call: &Value, number: usize, clients: &mut HashMap<String, Client>) -> Result<Value, Refused> {
    if call["operation"] != "GetCredentials" {
        return Err(Refused::Unsupported(format!("operation {}", call["operation"])));
    }
    let client = match call["reuse"].as_str() {
        Some(name) if clients.contains_key(name) => clients[name].clone(),
        Some(name) => clients.entry(name.to_owned()).or_insert(make_client(call, number).await?).clone(),
        None => make_client(call, number).await?,
    };
    let mut request = client.get_credentials();
    let input = call["input"].as_object().ok_or_else(|| Refused::Wrong("input is no object".to_owned()))?;
    for (member, tagged) in input {
        request = match member.as_str() {
            "workgroupName" => request.workgroup_name(text(member, tagged)?),
            "dbName" => request.db_name(text(member, tagged)?),
            "customDomainName" => request.custom_domain_name(text(member, tagged)?),
            "durationSeconds" => request.duration_seconds(whole(member, tagged)?),
            _ => return Err(Refused::Unsupported(format!("there is no setter for {member}"))),
        };
    }
    Ok(match request.send().await {
        Ok(output) => {
            let texts = [("dbPassword", output.db_password()), ("dbUser", output.db_user())];
            let times = [("expiration", output.expiration()), ("nextRefreshTime", output.next_refresh_time())];
            let texts =
                texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!({"string": value?}))));
            let times = times.into_iter().filter_map(|(name, value)| {
                Some((name.to_owned(), json!({"timestamp": seconds(value?), "native": "DateTime"})))
            });
            let meta = meta(output.request_id(), None);
            json!({"outcome": "result", "result": texts.chain(times).collect::<Map<_, _>>(), "meta": meta})
        }
        Err(error) => describe(&error),
    })
}

/// A client with what the call sets; what it leaves out, the SDK finds in its environment.
async fn make_client(call: &Value, number: usize) -> Result<Client, Refused> {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(endpoint) = call["endpoint"].as_str() {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(region) = call["region"].as_str() {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let given = &call["credentials"];
    if let (Some(key), Some(secret)) = (given["accessKeyId"].as_str(), given["secretAccessKey"].as_str()) {
        let token = given["sessionToken"].as_str().map(str::to_owned);
        loader = loader.credentials_provider(Credentials::new(key, secret, token, None, "driver"));
    }
    let mut config = Builder::from(&loader.load().await);
    // Clients of one process share their retry quota by this name.
    config.set_retry_partition(Some(RetryPartition::new(format!("client {number}"))));
    let (mut retry, mut timeout) = (RetryConfig::standard(), TimeoutConfig::builder());
    for (name, value) in call["config"].as_object().into_iter().flatten() {
        let milliseconds =
            || value.as_u64().map(Duration::from_millis).ok_or_else(|| Refused::Wrong(format!("{name} is no number")));
        match (name.as_str(), value.as_str()) {
            ("maxAttempts", _) => {
                let most = value.as_u64().and_then(|most| u32::try_from(most).ok());
                retry = retry.with_max_attempts(most.ok_or_else(|| Refused::Wrong(format!("{name} is no number")))?);
                config.set_retry_config(Some(retry.clone()));
            }
            ("retryMode", Some(mode @ ("standard" | "adaptive"))) => {
                let mode = if mode == "standard" { RetryMode::Standard } else { RetryMode::Adaptive };
                retry = retry.with_retry_mode(mode);
                config.set_retry_config(Some(retry.clone()));
            }
            ("readTimeoutMs", _) => timeout = timeout.read_timeout(milliseconds()?),
            ("connectTimeoutMs", _) => timeout = timeout.connect_timeout(milliseconds()?),
            _ => return Err(Refused::Unsupported(format!("config {name} {value}"))),
        }
    }
    Ok(Client::from_conf(config.timeout_config(timeout.build()).build()))
}

/// A caller's text; a member of a typed language has no other type.
fn text(member: &str, tagged: &Value) -> Result<String, Refused> {
    let value = tagged.get("string").and_then(Value::as_str).map(str::to_owned);
    value.ok_or_else(|| inexpressible(member, tagged, "String"))
}

fn whole(member: &str, tagged: &Value) -> Result<i32, Refused> {
    let value = tagged.get("integer").and_then(Value::as_str).and_then(|digits| digits.parse().ok());
    value.ok_or_else(|| inexpressible(member, tagged, "i32"))
}

fn inexpressible(member: &str, tagged: &Value, kind: &str) -> Refused {
    let tag = tagged.as_object().and_then(|value| value.keys().next()).map_or("", String::as_str);
    if ["string", "integer", "float", "boolean", "null", "list", "map"].contains(&tag) {
        Refused::Unsupported(format!("{member} is {kind}"))
    } else {
        Refused::Wrong(format!("unknown tag \"{tag}\""))
    }
}

/// Seconds since 1970 as decimal text without needless zeros.
fn seconds(time: &DateTime) -> String {
    let nanoseconds = i128::from(time.secs()) * 1_000_000_000 + i128::from(time.subsec_nanos());
    let (sign, size) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    let digits = format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn meta(request_id: Option<&str>, status: Option<u16>) -> Map<String, Value> {
    let known = [("requestId", request_id.map(Value::from)), ("httpStatus", status.map(Value::from))];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What an error came from, nearest first.
fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    successors(error.source(), |&cause| cause.source())
}

/// An error as the caller would see it.
fn describe(error: &SdkError<GetCredentialsError>) -> Value {
    let chain = || causes(error);
    let (phase, class) = match error {
        SdkError::ConstructionFailure(_) => ("client", "ConstructionFailure"),
        SdkError::TimeoutError(_) => ("timeout", "TimeoutError"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ("timeout", "DispatchFailure"),
        SdkError::DispatchFailure(failure) if failure.is_user() => ("client", "DispatchFailure"),
        SdkError::DispatchFailure(_) => {
            let is_connect = |error: &hyper_util::client::legacy::Error| error.is_connect();
            let connect = chain().filter_map(<dyn Error>::downcast_ref).any(is_connect);
            (if connect { "connect" } else { "transport" }, "DispatchFailure")
        }
        SdkError::ResponseError(_) => {
            (if chain().any(<dyn Error>::is::<hyper::Error>) { "transport" } else { "parse" }, "ResponseError")
        }
        SdkError::ServiceError(service) => match service.err() {
            GetCredentialsError::InternalServerException(_) => ("service", "InternalServerException"),
            GetCredentialsError::ResourceNotFoundException(_) => ("service", "ResourceNotFoundException"),
            GetCredentialsError::ValidationException(_) => ("service", "ValidationException"),
            _ if chain().any(<dyn Error>::is::<DeserializeError>) => ("parse", "Unhandled"),
            _ => ("service", "Unhandled"),
        },
        _ => ("crash", "SdkError"),
    };
    let messages = chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let mut described = json!({"phase": phase, "class": class, "bases": ["SdkError"], "message": messages});
    let status = error.raw_response().map(|response| response.status().as_u16());
    let meta = meta(error.request_id(), status);
    if phase == "service" {
        described["bases"] = json!(["GetCredentialsError", "SdkError"]);
        described.as_object_mut().expect("an object").extend(meta.clone());
        described["members"] = members(error.as_service_error());
        for (name, told) in [("code", error.code()), ("message", error.message())] {
            match told {
                Some(told) => described[name] = json!(told),
                None => drop(described.as_object_mut().expect("an object").remove(name)),
            }
        }
    }
    json!({"outcome": "error", "error": described, "meta": meta})
}

/// The modelled members of an error.
fn members(error: Option<&GetCredentialsError>) -> Value {
    let (message, resource) = match error {
        Some(GetCredentialsError::InternalServerException(error)) => (Some(error.message.as_str()), None),
        Some(GetCredentialsError::ResourceNotFoundException(error)) => {
            (Some(error.message.as_str()), error.resource_name())
        }
        Some(GetCredentialsError::ValidationException(error)) => (Some(error.message.as_str()), None),
        _ => (None, None),
    };
    let known = [("message", message), ("resourceName", resource)];
    known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!({"string": value?}))))
        .collect::<Map<_, _>>()
        .into()
}
