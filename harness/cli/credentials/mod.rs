//! Finds credentials in the places where AWS's own tools look for them.
//!
//! If real AWS was not allowed, credentials come from the environment, from a profile's keys or from the program that a
//! profile names. Nothing is asked over a network, and a profile that would have to ask AWS is refused. If real AWS was
//! allowed, only the services that hand out credentials may be asked.

mod aws;
mod configured;
mod guard;
mod profile;
mod program;
mod sign_on;
mod sts;

use std::path::Path;

use jiff::Timestamp;

pub(super) use self::configured::{ConfiguredServer, FromFile};
use self::guard::{Guard, Reach};
use self::profile::{Profiles, Source, key_that_asks_aws};
use super::variables::variable_set;
use crate::targets::partition::Partition;
use crate::text::foreign;
use crate::wire::{Credentials, Region, Secret};

/// Why there are no credentials to sign with.
#[derive(Debug)]
pub(super) enum NoCredentials {
    /// AWS cannot be reached to say which account the credentials belong to.
    Unreachable(String),
    /// There are no credentials, or none that can be used.
    Missing(String),
    /// AWS would have to be asked for the credentials, or for their account, in a way that was not allowed.
    Refused(String),
}

/// Credentials, and the time at which they expire; `None` if nothing says when.
#[derive(Debug)]
struct FoundCredentials {
    credentials: Credentials,
    expires: Option<Timestamp>,
}

impl From<Credentials> for FoundCredentials {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, expires: None }
    }
}

/// Credentials for a server that is not AWS: from the environment or a profile, and from nowhere else. The program
/// that a profile's `credential_process` names is run; AWS is never asked.
pub(super) async fn for_endpoint() -> Result<Credentials, NoCredentials> {
    if let Some(found) = of_environment().map_err(NoCredentials::Missing)? {
        return usable(found.into()).map_err(NoCredentials::Missing);
    }
    of(&selected_profile().map_err(NoCredentials::Missing)?, Whose::Callers).await
}

/// The credentials of a profile that a setting names, for a server that is not AWS.
pub(super) async fn of_profile(name: &str) -> Result<Credentials, NoCredentials> {
    of(name, Whose::Named).await
}

/// Whose credentials are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Those of the caller of all requests, which may be in the environment too.
    Callers,
    /// Those of the profile that a setting names.
    Named,
}

async fn of(name: &str, whose: Whose) -> Result<Credentials, NoCredentials> {
    let not_set = if whose == Whose::Callers { format!("{NOT_SET}, and ") } else { String::new() };
    let profiles = Profiles::load().map_err(NoCredentials::Missing)?;
    let shown = foreign(name);
    let Some(profile) = profiles.get(name) else {
        let named = if whose == Whose::Callers
            && variable("AWS_PROFILE").is_ok_and(|selected| selected.as_deref() == Some(name))
        {
            "AWS_PROFILE names one, but "
        } else {
            ""
        };
        return Err(NoCredentials::Missing(format!("{not_set}{named}{}", profiles.missing(name))));
    };
    if let Some(key) = key_that_asks_aws(profile) {
        return Err(NoCredentials::Refused(format!(
            "the profile \"{shown}\" has to ask AWS for its credentials, because it has {key}. {}",
            if whose == Whose::Callers { WITHOUT_AWS } else { NAMED_WITHOUT_AWS }
        )));
    }
    let found = match profiles.source(name).map_err(NoCredentials::Missing)? {
        Some(Source::Keys(keys)) => keys.into(),
        Some(Source::Program(program)) => program::credentials(&program, name).await.map_err(NoCredentials::Missing)?,
        // The environment was tried above and has none. The other sources ask AWS, and were refused above.
        None
        | Some(
            Source::Environment
            | Source::SignOn(_)
            | Source::WebIdentity { .. }
            | Source::Role(_)
            | Source::Machine
            | Source::Container,
        ) => {
            return Err(NoCredentials::Missing(format!("{not_set}none are in the profile \"{shown}\"")));
        }
    };
    usable(found).map_err(NoCredentials::Missing)
}

/// Credentials for real AWS by the whole standard chain, and the account that they belong to, as STS says. The
/// certificates of `ca_file` are trusted as for the target.
pub(super) async fn for_aws(region: &Region, ca_file: Option<&Path>) -> Result<(Credentials, String), NoCredentials> {
    let partition =
        Partition::of(region).ok_or_else(|| NoCredentials::Missing(format!("AWS has no region {region}")))?;
    let guard = Guard::new(Reach::credentials(partition), ca_file);
    let found = match (aws::credentials(region, &guard).await, guard.denied()) {
        (Ok(Some(found)), _) => found,
        (Ok(None) | Err(_), Some(url)) => {
            return Err(NoCredentials::Refused(format!(
                "{url} would have to be asked for credentials, which is not a service of AWS for credentials in the \
                 partition of {region}, over TLS; unset the variable that names it"
            )));
        }
        (Ok(None), None) => return Err(NoCredentials::Missing(format!("{NOT_SET}, and none are in a profile"))),
        (Err(why), None) => return Err(NoCredentials::Missing(why)),
    };
    let credentials = usable(found).map_err(NoCredentials::Missing)?;
    let account = sts::account(&credentials, partition, region, ca_file).await?;
    Ok((credentials, account))
}

/// The credentials in the environment; `None` if neither key is set.
///
/// # Errors
/// Only one of the two keys is set. Keys from elsewhere would not be those that the user means.
fn of_environment() -> Result<Option<Credentials>, String> {
    let [id, secret] = KEYS.map(variable);
    let token = variable("AWS_SESSION_TOKEN")?.map(Secret::from);
    match (id?, secret?) {
        (Some(id), Some(secret)) => Ok(Some(Credentials::new(id, secret).with_session_token(token))),
        (None, None) => Ok(None),
        (id, _) => {
            let [key, secret] = KEYS;
            let (set, missing) = if id.is_some() { (key, secret) } else { (secret, key) };
            Err(format!("{set} is set, but {missing} is not: set both, or neither"))
        }
    }
}

fn variable(name: &str) -> Result<Option<String>, String> {
    variable_set(name).map_err(|failure| failure.to_string())
}

/// The name of the sessions of roles that STS is asked for, where nothing else names them.
const SESSION_NAME: &str = "countersign";

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

fn selected_profile() -> Result<String, String> {
    Ok(variable("AWS_PROFILE")?.unwrap_or_else(|| "default".to_owned()))
}

const NOT_SET: &str = "none are in the environment";

/// The advice for a profile that gives no credentials unless AWS is asked.
const WITHOUT_AWS: &str = "AWS is not asked for credentials unless it is what is tested; set AWS_ACCESS_KEY_ID and \
                           AWS_SECRET_ACCESS_KEY (most emulators take any), or name a profile with keys of its own or a \
                           credential_process in AWS_PROFILE";

/// The same for a profile that a setting names.
const NAMED_WITHOUT_AWS: &str =
    "AWS is not asked for credentials unless it is what is tested; name a profile with keys of its own";

/// The credentials, or the reason why requests cannot be signed with them.
fn usable(found: FoundCredentials) -> Result<Credentials, String> {
    if found.expires.is_some_and(|expires| expires <= Timestamp::now()) {
        return Err("they have expired".to_owned());
    }
    let credentials = found.credentials;
    let parts = [
        ("access key id", "ACCESS_KEY_ID", Some(credentials.access_key_id.as_str())),
        ("secret key", "SECRET_ACCESS_KEY", Some(credentials.secret_access_key.expose())),
        ("session token", "SESSION_TOKEN", credentials.session_token.as_ref().map(Secret::expose)),
    ];
    for (noun, name, text) in parts {
        if text.is_some_and(|text| text.contains(|c: char| c.is_control() || c.is_whitespace())) {
            return Err(format!(
                "the {noun} (AWS_{name}, or aws_{} of the profile) holds a line break, a blank or a control character, \
                 which no key does; a secret that was pasted with its line end is the usual cause",
                name.to_lowercase()
            ));
        }
    }
    Ok(credentials)
}
