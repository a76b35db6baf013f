//! Credentials from a single sign-on, in exchange for the token that `aws sso login` has left on this machine.
//! Source: the AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider"; botocore, `tokens.py` and
//! `SSOTokenLoader`, for the files.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::FoundCredentials;
use super::guard::{Guard, request};
use super::profile::SignOn;
use crate::files::read_text;
use crate::targets::partition::Partition;
use crate::text::foreign;
use crate::wire::sigv4::hexadecimal;
use crate::wire::{Credentials, Region, Secret};

/// The content of the file that holds the token of a sign-on.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedOn {
    #[serde(serialize_with = "exposed")]
    access_token: Secret,
    expires_at: Timestamp,
    #[serde(serialize_with = "exposed_if_there", skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(serialize_with = "exposed_if_there", skip_serializing_if = "Option::is_none")]
    client_secret: Option<Secret>,
    /// All other members of the file; they are kept when the token is renewed.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Writes a secret into the file of a token, where it came from.
fn exposed<S: Serializer>(secret: &Secret, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(secret.expose())
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn exposed_if_there<S: Serializer>(secret: &Option<Secret>, into: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(into)
}

/// Asks for the credentials of the role with the token in the file. An expired token is first renewed, as the AWS tools
/// do, if the sign-on allows it.
///
/// # Errors
/// Why there are none, and what the user can do.
pub(super) async fn credentials(sign_on: &SignOn, profile: &str, guard: &Guard) -> Result<FoundCredentials, String> {
    let login = format!("run `aws sso login --profile {}`", foreign(profile));
    let file = token_file(&sign_on.token_name).ok_or("the folder of the user is not known")?;
    let text = read_text(&file).map_err(|_| format!("nobody is signed on; {login}"))?;
    let unreadable = |_| format!("the file of the sign-on's token cannot be read; {login}");
    let mut token: SignedOn = serde_json::from_str(&text).map_err(unreadable)?;
    if token.expires_at <= Timestamp::now() {
        token = renewed(token, sign_on, guard).await.ok_or_else(|| format!("the sign-on has expired; {login}"))?;
        // The renewal may have replaced the refresh token too, so the file must have the new one.
        save(&token, &file).map_err(|error| format!("cannot save the renewed token of the sign-on: {error}"))?;
    }
    let mut url = url("portal.sso", &sign_on.region, "federation/credentials")?;
    url.query_pairs_mut().append_pair("role_name", &sign_on.role).append_pair("account_id", &sign_on.account);
    let asked = request("GET", &url, [("x-amz-sso_bearer_token", token.access_token.expose())], Vec::new());
    let answer = guard.send(&url, asked).await.map_err(|error| format!("the single sign-on: {error}"))?;
    match (answer.status, serde_json::from_slice::<Answer>(&answer.body)) {
        (200, Ok(answer)) => Ok(answer.role_credentials.found()),
        (401, _) => Err(format!("the sign-on is not valid any more; {login}")),
        (403 | 404, _) => Err(format!(
            "the single sign-on does not give the role {} of the account {}; correct sso_role_name or sso_account_id",
            foreign(&sign_on.role),
            foreign(&sign_on.account)
        )),
        (status, _) => Err(format!("the single sign-on answers {status}, without credentials")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    /// In milliseconds since 1970.
    expiration: i64,
}

impl RoleCredentials {
    fn found(self) -> FoundCredentials {
        let credentials = Credentials::new(self.access_key_id, self.secret_access_key);
        let credentials = credentials.with_session_token(Some(self.session_token));
        FoundCredentials { credentials, expires: Timestamp::from_millisecond(self.expiration).ok() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewal {
    access_token: Secret,
    /// In seconds.
    expires_in: i64,
    refresh_token: Option<Secret>,
}

async fn renewed(mut token: SignedOn, sign_on: &SignOn, guard: &Guard) -> Option<SignedOn> {
    let url = url("oidc", &sign_on.region, "token").ok()?;
    let body = json!({
        "grantType": "refresh_token",
        "clientId": token.client_id.as_ref()?,
        "clientSecret": token.client_secret.as_ref()?.expose(),
        "refreshToken": token.refresh_token.as_ref()?.expose(),
    });
    let asked = request("POST", &url, [("content-type", "application/json")], body.to_string().into_bytes());
    let answer = guard.send(&url, asked).await.ok()?;
    let renewal: Renewal = serde_json::from_slice(&answer.body).ok()?;
    token.access_token = renewal.access_token;
    token.expires_at = Timestamp::now().checked_add(SignedDuration::from_secs(renewal.expires_in)).ok()?;
    token.refresh_token = renewal.refresh_token.or(token.refresh_token);
    Some(token)
}

/// The URL of a service of single sign-on in a region.
fn url(service: &str, region: &str, path: &str) -> Result<Url, String> {
    let unknown = || format!("sso_region: AWS has no region {}", foreign(region));
    let region: Region = region.parse().map_err(|_| unknown())?;
    let [host, ..] = Partition::of(&region).ok_or_else(unknown)?.hosts(service, &region);
    format!("https://{host}/{path}").parse().map_err(|_| unknown())
}

/// The file in which the AWS tools keep the token of a sign-on.
fn token_file(token_name: &str) -> Option<PathBuf> {
    let name = hexadecimal(&Sha1::digest(token_name));
    Some(std::env::home_dir()?.join(".aws/sso/cache").join(name).with_extension("json"))
}

/// Replaces the file of a token in one step. Only the user can read the new file.
fn save(token: &SignedOn, file: &Path) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(&serde_json::to_vec(token)?)?;
    new.persist(file)?;
    Ok(())
}
