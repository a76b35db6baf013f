//! The standard credential chain, for real AWS: environment, profile, web identity, container, machine.
//! Source: the AWS SDKs and Tools Reference Guide, "Credential provider chain"; the order is that of the AWS SDK for
//! Rust.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use reqsign_aws_core::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider, IMDSv2CredentialProvider,
};
use reqsign_core::{Context, Env, Error, FileRead, ProvideCredential};

use super::guard::Guard;
use super::profile::{Profiles, Role, Source};
use super::{FoundCredentials, SESSION_NAME, of_environment, program, selected_profile, sign_on, sts, variable};
use crate::files::read_text;
use crate::text::foreign;
use crate::wire::{Credentials, Region, Secret};

/// The first credentials that the chain finds; `None` where there are none.
///
/// # Errors
/// The first place that names credentials does not give them: the reason.
pub(super) async fn credentials(region: &Region, guard: &Guard) -> Result<Option<FoundCredentials>, String> {
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
    let session_name = variable("AWS_ROLE_SESSION_NAME")?.unwrap_or_else(|| SESSION_NAME.to_owned());
    let of_environment = AssumeRoleWithWebIdentityCredentialProvider::new().with_role_session_name(session_name);
    if let Some(found) = chain.web_identity(of_environment).await? {
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
    async fn of(&self, source: Source, profile: &str) -> Result<FoundCredentials, String> {
        let none = |from: &str| {
            format!("the profile \"{}\" takes its credentials from {from}, which has none", foreign(profile))
        };
        match source {
            Source::Keys(keys) => Ok(keys.into()),
            Source::Environment => of_environment()?.map(FoundCredentials::from).ok_or_else(|| none("the environment")),
            Source::Program(program) => program::credentials(&program, profile).await,
            Source::SignOn(sign_on) => sign_on::credentials(&sign_on, profile, self.guard).await,
            Source::WebIdentity { role_arn, token_file, session_name } => {
                let provider = AssumeRoleWithWebIdentityCredentialProvider::with_config(role_arn, token_file);
                let name = session_name.unwrap_or_else(|| SESSION_NAME.to_owned());
                self.web_identity(provider.with_role_session_name(name)).await?.ok_or_else(|| none("a web identity"))
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
    ) -> Result<Option<FoundCredentials>, String> {
        self.ask(&provider.with_region(self.region.to_string()).with_regional_sts_endpoint()).await
    }

    async fn ask(
        &self,
        provider: &impl ProvideCredential<Credential = Credential>,
    ) -> Result<Option<FoundCredentials>, String> {
        let context = Context::new().with_http_send(self.guard.clone()).with_env(Environment).with_file_read(ReadFiles);
        let found = provider.provide_credential(&context).await.map_err(|error| foreign(&error.to_string()))?;
        Ok(found.map(|found| {
            let token = found.session_token.map(Secret::from);
            let credentials = Credentials::new(found.access_key_id, found.secret_access_key).with_session_token(token);
            let expires = found.expires_in.and_then(|time| time.as_system_time().try_into().ok());
            FoundCredentials { credentials, expires }
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
        let text = read_text(Path::new(path)).map(String::into_bytes);
        text.map_err(|error| Error::config_invalid(format!("cannot read {}: {error}", foreign(path))))
    }
}
