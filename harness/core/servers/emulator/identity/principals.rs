//! The principals that an emulator knows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::decision::Policies;
use super::file::{IdentitiesFile, PolicyDocument, PolicyEntry, PrincipalEntry, SecretEntry};
use super::policy::Policy;
use crate::servers::emulator::{CaseCallers, EmulatorOptions, names, state};
use crate::text::foreign;
use crate::wire::{Credentials, Secret};

/// The version of the format.
const VERSION: u32 = 1;

/// The most principals in a file.
const MOST_PRINCIPALS: usize = 1000;

/// The most policies of one kind that a principal has. Source: the quotas of IAM, 20 managed policies of a role.
const MOST_POLICIES: usize = 20;

/// The name of a role's session, if the file gives none.
const SESSION_NAME: &str = "session";

/// Who may call an emulator besides the caller of its own credentials, and what each of them may do. Printing them
/// masks their secrets.
#[derive(Clone, Debug)]
pub struct Identities(Vec<Identity>);

/// A user or a session of a role, before it is known which emulator it calls.
#[derive(Clone, Debug)]
struct Identity {
    name: IdentityName,
    /// `None` is the account of the emulator.
    account: Option<String>,
    credentials: Credentials,
    expires: Option<Timestamp>,
    /// Condition keys, their names in lower case.
    keys: BTreeMap<String, Vec<String>>,
    /// The same, in place of whatever else would be known of them.
    context: BTreeMap<String, Vec<String>>,
    policies: Policies,
}

#[derive(Clone, Debug)]
enum IdentityName {
    User(String),
    Role { role: String, session: String },
}

/// Identities that cannot be: the place in the file, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {}: {}", foreign(.pointer), foreign(.message))]
pub struct InvalidIdentities {
    /// The JSON pointer of the place.
    pub pointer: String,
    /// What is wrong, and what is expected there.
    pub message: String,
}

impl Identities {
    /// Makes identities of a file that was read. `environment` gives the value of an environment variable, and `policy`
    /// reads the policy in a file of this name.
    ///
    /// # Errors
    /// The first place that no principal can have.
    pub fn new(
        file: IdentitiesFile,
        environment: impl Fn(&str) -> Option<String>,
        policy: impl Fn(&str) -> Result<PolicyDocument, String>,
    ) -> Result<Self, InvalidIdentities> {
        if file.version != VERSION {
            return Err(invalid("/version", format!("expected {VERSION}, found {}", file.version)));
        }
        if file.principals.len() > MOST_PRINCIPALS {
            let found = file.principals.len();
            return Err(invalid(
                "/principals",
                format!("expected at most {MOST_PRINCIPALS} principals, found {found}"),
            ));
        }
        let mut seen = BTreeSet::new();
        let entries = file.principals.into_iter().enumerate().map(|(index, entry)| {
            let at = format!("/principals/{index}");
            if !seen.insert(entry.access_key_id.clone()) {
                let message = "expected an access key id of its own, found the one of an entry before it";
                return Err(invalid(format!("{at}/access_key_id"), message));
            }
            Reader { at, environment: &environment, policy: &policy }.identity(entry)
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The credentials of each of them.
    pub(in crate::servers::emulator) fn credentials(&self) -> impl Iterator<Item = &Credentials> {
        self.0.iter().map(|identity| &identity.credentials)
    }
}

impl Identity {
    /// A user of the emulator's account with these policies.
    fn user(name: &str, credentials: &Credentials, identity: Vec<Policy>) -> Self {
        Self {
            name: IdentityName::User(name.to_owned()),
            account: None,
            credentials: credentials.clone(),
            expires: None,
            keys: BTreeMap::new(),
            context: BTreeMap::new(),
            policies: Policies { identity, ..Policies::default() },
        }
    }

    /// The callers of a run of cases.
    fn of_cases(options: &EmulatorOptions) -> Vec<Self> {
        let Some(CaseCallers { allowed, denied }) = &options.case_callers else { return Vec::new() };
        let mut statements = vec![json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })];
        if let Some(workgroup) = options.denied_workgroup() {
            let arn = state::arn_at_the_start(options, workgroup);
            let action = "redshift-serverless:GetCredentials";
            statements.push(json!({ "Effect": "Deny", "Action": action, "Resource": arn }));
        }
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        let document = serde_json::from_value(document).expect("the policy has the form of one");
        let policy = Policy::read(&document).expect("the policy is valid");
        vec![Self::user("countersign", allowed, vec![policy]), Self::user("denied", denied, Vec::new())]
    }
}

fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> InvalidIdentities {
    InvalidIdentities { pointer: pointer.into(), message: message.into() }
}

/// Reads one entry of a file.
struct Reader<'a, E, P> {
    at: String,
    environment: &'a E,
    policy: &'a P,
}

impl<E: Fn(&str) -> Option<String>, P: Fn(&str) -> Result<PolicyDocument, String>> Reader<'_, E, P> {
    fn invalid(&self, member: &str, message: impl Into<String>) -> InvalidIdentities {
        invalid(format!("{}{member}", self.at), message)
    }

    fn identity(&self, entry: PrincipalEntry) -> Result<Identity, InvalidIdentities> {
        let name = self.name(&entry)?;
        let is_role = matches!(name, IdentityName::Role { .. });
        if entry.account.as_deref().is_some_and(|account| !names::is_account(account)) {
            return Err(self.invalid("/account", "expected an account id of 12 digits, found something else"));
        }
        let key = &entry.access_key_id;
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(self.invalid("/access_key_id", "expected letters and digits of ASCII, found something else"));
        }
        let token = entry.session_token.as_ref();
        let token = token.map(|token| self.secret("/session_token", token)).transpose()?;
        let expires = entry.expires.as_deref().map(|text| {
            let expected = "expected a time such as 2026-11-27T12:00:00Z, found something else";
            text.parse().map_err(|_| self.invalid("/expires", expected))
        });
        match token {
            None if is_role => return Err(self.invalid("", "a role has temporary credentials: add its session_token")),
            None if expires.is_some() => {
                return Err(self.invalid("/expires", "expected a session_token that expires, found none: add it"));
            }
            _ => {}
        }
        if !is_role && !entry.session_policies.is_empty() {
            return Err(self.invalid("/session_policies", "expected none of a user, found some: only a role has them"));
        }
        let credentials = Credentials {
            secret_access_key: self.secret("/secret_access_key", &entry.secret_access_key)?,
            access_key_id: entry.access_key_id,
            session_token: token,
        };
        let policies = Policies {
            identity: self.policies("/policies", entry.policies)?,
            boundary: entry.boundary.map(|policy| self.policy("/boundary", policy)).transpose()?,
            session: self.policies("/session_policies", entry.session_policies)?,
        };
        let tag =
            |(key, value): (String, String)| (format!("aws:principaltag/{}", key.to_ascii_lowercase()), vec![value]);
        let texts = |values: super::file::OneOrMany<super::file::Scalar>| values.each.into_iter().map(|value| value.0);
        Ok(Identity {
            name,
            account: entry.account,
            credentials,
            expires: expires.transpose()?,
            keys: entry.tags.into_iter().map(tag).collect(),
            context: entry.context.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), texts(v).collect())).collect(),
            policies,
        })
    }

    fn name(&self, entry: &PrincipalEntry) -> Result<IdentityName, InvalidIdentities> {
        let check = |member: &str, name: &str, most: usize| {
            let expected = format!("expected 1 to {most} letters, digits and +=,.@_- of ASCII, found \"{name}\"");
            if is_iam_name(name, most) { Ok(name.to_owned()) } else { Err(self.invalid(member, expected)) }
        };
        match (&entry.user, &entry.role) {
            (Some(user), None) if entry.session_name.is_none() => Ok(IdentityName::User(check("/user", user, 64)?)),
            (Some(_), None) => {
                Err(self.invalid("/session_name", "expected none of a user, found one: only a role has it"))
            }
            (None, Some(role)) => {
                let session = entry.session_name.as_deref().unwrap_or(SESSION_NAME);
                let session = check("/session_name", session, 64)?;
                Ok(IdentityName::Role { role: check("/role", role, 64)?, session })
            }
            (None, None) => Err(self.invalid("", "expected a user or a role, found neither: add one of the two")),
            (Some(_), Some(_)) => Err(self.invalid("", "expected a user or a role, found both: remove one of the two")),
        }
    }

    fn secret(&self, member: &str, secret: &SecretEntry) -> Result<Secret, InvalidIdentities> {
        let text = match secret {
            SecretEntry::Literal(secret) => secret.clone(),
            SecretEntry::Environment(name) => {
                let missing = || format!("expected the environment variable {name}, found none of that name: set it");
                (self.environment)(name).ok_or_else(|| self.invalid(member, missing()))?.into()
            }
        };
        if text.expose().is_empty() {
            return Err(self.invalid(member, "expected a secret, found an empty text"));
        }
        Ok(text)
    }

    fn policies(&self, member: &str, entries: Vec<PolicyEntry>) -> Result<Vec<Policy>, InvalidIdentities> {
        if entries.len() > MOST_POLICIES {
            let found = entries.len();
            return Err(self.invalid(member, format!("expected at most {MOST_POLICIES} policies, found {found}")));
        }
        let entries = entries.into_iter().enumerate();
        entries.map(|(index, entry)| self.policy(&format!("{member}/{index}"), entry)).collect()
    }

    fn policy(&self, member: &str, entry: PolicyEntry) -> Result<Policy, InvalidIdentities> {
        match entry {
            PolicyEntry::Document(document) => {
                Policy::read(&document).map_err(|(at, fault)| self.invalid(&format!("{member}{at}"), fault))
            }
            PolicyEntry::File(name) => {
                let document = (self.policy)(&name).map_err(|fault| self.invalid(member, fault))?;
                Policy::read(&document)
                    .map_err(|(at, fault)| self.invalid(member, format!("the file {name} at {at}: {fault}")))
            }
        }
    }
}

/// Source: the IAM User Guide, "IAM and AWS STS quotas, name requirements".
fn is_iam_name(name: &str, most: usize) -> bool {
    let may_have = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    (1..=most).contains(&name.len()) && name.chars().all(may_have)
}

/// A principal of a running emulator.
#[derive(Clone, Debug)]
pub(in crate::servers::emulator) struct Principal {
    pub(in crate::servers::emulator) credentials: Credentials,
    expires: Option<Timestamp>,
    pub(in crate::servers::emulator) account: String,
    /// Source: the Redshift Management Guide: `IAM:` and the name of the user, `IAMR:` and the name of the role.
    pub(in crate::servers::emulator) database_user: String,
    /// As denials name it: the ARN of the user, or of the role's session.
    pub(in crate::servers::emulator) arn: String,
    /// Condition keys that it has in every request, their names in lower case.
    pub(super) keys: BTreeMap<String, Vec<String>>,
    pub(super) policies: Policies,
}

impl Principal {
    /// Whether its session token has expired.
    pub(in crate::servers::emulator) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Source of the keys: the IAM User Guide, "AWS global condition context keys".
    fn new(identity: &Identity, partition: &str, account: &str) -> Self {
        let Identity { name, account: own, credentials, expires, keys, context, policies } = identity;
        let account = own.as_deref().unwrap_or(account);
        let iam = |what: &str, name: &str| format!("arn:{partition}:iam::{account}:{what}/{name}");
        let (database_user, arn, principal_arn, kind) = match name {
            IdentityName::User(user) => (format!("IAM:{user}"), iam("user", user), iam("user", user), "User"),
            IdentityName::Role { role, session } => {
                let arn = format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}");
                (format!("IAMR:{role}"), arn, iam("role", role), "AssumedRole")
            }
        };
        let mut keys = keys.clone();
        let facts = [
            ("aws:principalaccount", account),
            ("aws:principalarn", principal_arn.as_str()),
            ("aws:principalisawsservice", "false"),
            ("aws:principaltype", kind),
            ("aws:viaawsservice", "false"),
        ];
        keys.extend(facts.map(|(key, value)| (key.to_owned(), vec![value.to_owned()])));
        if let IdentityName::User(user) = name {
            keys.insert("aws:username".to_owned(), vec![user.clone()]);
        }
        keys.extend(context.clone());
        Self {
            credentials: credentials.clone(),
            expires: *expires,
            account: account.to_owned(),
            database_user,
            arn,
            keys,
            policies: policies.clone(),
        }
    }
}

/// The principals of a running emulator, by access key id.
#[derive(Clone, Debug, Default)]
pub(in crate::servers::emulator) struct Principals(BTreeMap<String, Principal>);

impl Principals {
    pub(in crate::servers::emulator) fn new(options: &EmulatorOptions, partition: &str) -> Self {
        let of_cases = Identity::of_cases(options);
        let identities = options.identities.iter().flat_map(|identities| &identities.0).chain(&of_cases);
        let principals = identities.map(|identity| Principal::new(identity, partition, &options.account));
        Self(principals.map(|principal| (principal.credentials.access_key_id.clone(), principal)).collect())
    }

    pub(in crate::servers::emulator) fn with_key(&self, access_key_id: &str) -> Option<&Principal> {
        self.0.get(access_key_id)
    }
}
