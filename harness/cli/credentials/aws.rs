//! The standard credential chain, for real AWS: environment, profile, web identity, container, machine.
//! Source: the AWS SDKs and Tools Reference Guide, "Credential provider chain"; the order is that of the AWS SDK for
//! Rust.

use std::collections::HashMap;
use std::path::PathBuf;

use reqsign_aws_core::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider, IMDSv2CredentialProvider,
};
use reqsign_core::{Context, Env, Error, FileRead, ProvideCredential};

use super::guard::Guard;
use super::profile::{Profiles, Role, Source};
use super::{Found, of_environment, program, selected_profile, sign_on, sts};
use crate::text::foreign;
use crate::wire::{Credentials, Region, Secret};

/// The first credentials that the chain finds; `None` where there are none.
///
/// # Errors
/// The first place that names credentials does not give them: the reason.
pub(super) async fn credentials(region: &Region, guard: &Guard) -> Result<Option<Found>, String> {
    if let Some(found) = of_environment()? {
        return Ok(Some(found.into()));
    }
    let chain = Chain { region, guard };
    let (name, profiles) = (selected_profile()?, Profiles::load()?);
    // The profile `default` may be missing. A profile that `AWS_PROFILE` names must be there.
    if (profiles.get(&name).is_some() || name != "default")
        && let Some(source) = profiles.source(&name)?
    {
        return chain.of(source, &name).await.map(Some);
    }
    if let Some(found) = chain.web_identity(AssumeRoleWithWebIdentityCredentialProvider::new()).await? {
        return Ok(Some(found));
    }
    if let Some(found) = chain.ask(&ECSCredentialProvider::new()).await? {
        return Ok(Some(found));
    }
    // Most machines do not run in AWS and have no metadata, so an error means only that there are no credentials.
    Ok(chain.ask(&IMDSv2CredentialProvider::new()).await.ok().flatten())
}

struct Chain<'a> {
    region: &'a Region,
    guard: &'a Guard,
}

impl Chain<'_> {
    /// The credentials of a profile with this source.
    async fn of(&self, source: Source, profile: &str) -> Result<Found, String> {
        let none = |from: &str| {
            format!("the profile \"{}\" takes its credentials from {from}, which has none", foreign(profile))
        };
        match source {
            Source::Keys(keys) => Ok(keys.into()),
            Source::Environment => of_environment()?.map(Found::from).ok_or_else(|| none("the environment")),
            Source::Program(program) => program::credentials(&program, profile).await,
            Source::SignOn(sign_on) => sign_on::credentials(&sign_on, profile, self.guard).await,
            Source::WebIdentity { role_arn, token_file, session_name } => {
                let provider = AssumeRoleWithWebIdentityCredentialProvider::with_config(role_arn, token_file);
                let provider = match session_name {
                    Some(name) => provider.with_role_session_name(name),
                    None => provider,
                };
                self.web_identity(provider).await?.ok_or_else(|| none("a web identity"))
            }
            Source::Role(role) => {
                let Role { base, asked } = *role;
                let base = Box::pin(self.of(base, profile)).await?;
                sts::role(&asked, &base.credentials, self.region, self.guard).await
            }
            Source::Machine => self.ask(&IMDSv2CredentialProvider::new()).await?.ok_or_else(|| none("the machine")),
            Source::Container => self.ask(&ECSCredentialProvider::new()).await?.ok_or_else(|| none("the container")),
        }
    }

    async fn web_identity(
        &self,
        provider: AssumeRoleWithWebIdentityCredentialProvider,
    ) -> Result<Option<Found>, String> {
        self.ask(&provider.with_region(self.region.to_string()).with_regional_sts_endpoint()).await
    }

    async fn ask(&self, provider: &impl ProvideCredential<Credential = Credential>) -> Result<Option<Found>, String> {
        let context = Context::new().with_http_send(self.guard.clone()).with_env(Environment).with_file_read(ReadFiles);
        let found = provider.provide_credential(&context).await.map_err(|error| foreign(&error.to_string()))?;
        Ok(found.map(|found| {
            let mut credentials = Credentials::new(found.access_key_id, found.secret_access_key);
            credentials.session_token = found.session_token.map(Secret::from);
            let expires = found.expires_in.and_then(|time| time.as_system_time().try_into().ok());
            Found { credentials, expires }
        }))
    }
}

/// The variables that are set and not empty. One that is not UTF-8 counts as not set.
#[derive(Debug)]
struct Environment;

impl Env for Environment {
    fn var(&self, key: &str) -> Option<String> {
        std::env::var(key).ok().filter(|value| !value.is_empty())
    }

    fn vars(&self) -> HashMap<String, String> {
        let texts =
            std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        texts.filter(|(_, value)| !value.is_empty()).collect()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        std::env::home_dir()
    }
}

/// Reads the file that holds a token.
#[derive(Debug)]
struct ReadFiles;

impl FileRead for ReadFiles {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        std::fs::read(path).map_err(|error| Error::config_invalid(format!("cannot read {}: {error}", foreign(path))))
    }
}
