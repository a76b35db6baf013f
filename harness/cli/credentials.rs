//! Credentials from where AWS's own tools look for them.

use std::error::Error;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::wire::{Credentials, Secret, foreign};

/// Credentials for a server that is not AWS: from the environment or a profile. Nothing else is
/// asked; the metadata services of a cloud have no business with an emulator.
pub(super) async fn for_endpoint(region: &str) -> Result<Credentials, String> {
    let config = ProviderConfig::default().with_region(Some(Region::new(region.to_owned()))).with_http_client(http());
    let chain = CredentialsProviderChain::first_try("environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("profile", ProfileFileCredentialsProvider::builder().configure(&config).build());
    found(&chain).await
}

/// Credentials for real AWS by the whole standard chain, and the account that they belong to, as STS says.
pub(super) async fn for_aws(region: &str) -> Result<(Credentials, String), String> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http())
        .load()
        .await;
    let provider = config.credentials_provider().ok_or("the standard credential chain has no provider")?;
    let credentials = found(&provider).await?;
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    // Named here, so that no setting for emulators can answer instead of AWS.
    let endpoint = format!("https://sts.{region}.{suffix}");
    let sts =
        aws_sdk_sts::Client::from_conf(aws_sdk_sts::config::Builder::from(&config).endpoint_url(&endpoint).build());
    let identity = sts.get_caller_identity().send().await;
    let identity = identity.map_err(|error| {
        format!(
            "STS, asked at {endpoint}, does not say whose credentials these are: {}; they must be credentials of AWS, and the \
             network must let it be reached",
            causes(&error)
        )
    })?;
    let account = identity.account().ok_or("STS gives no account for these credentials")?.to_owned();
    Ok((credentials, account))
}

/// What an error says, and what each error behind it says that was not said before it.
fn causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    foreign(&said)
}

async fn found(provider: &impl ProvideCredentials) -> Result<Credentials, String> {
    let found = provider.provide_credentials().await.map_err(|error| match error {
        CredentialsError::CredentialsNotLoaded(_) => "none are in the environment or in a profile".to_owned(),
        error => foreign(&error.to_string()),
    })?;
    let parts = [
        ("access key id (AWS_ACCESS_KEY_ID, or aws_access_key_id of the profile)", Some(found.access_key_id())),
        (
            "secret key (AWS_SECRET_ACCESS_KEY, or aws_secret_access_key of the profile)",
            Some(found.secret_access_key()),
        ),
        ("session token (AWS_SESSION_TOKEN, or aws_session_token of the profile)", found.session_token()),
    ];
    for (name, text) in parts {
        if text.is_some_and(|text| text.contains(|c: char| c.is_control() || c.is_whitespace())) {
            return Err(format!(
                "the {name} holds a line break, a blank or a control character, which no key does; a secret that was \
                 pasted with its line end is the usual cause"
            ));
        }
    }
    let mut credentials = Credentials::new(found.access_key_id(), found.secret_access_key());
    credentials.session_token = found.session_token().map(Secret::from);
    Ok(credentials)
}

fn http() -> aws_sdk_sts::config::SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
