//! Credentials from where AWS's own tools look for them.
//!
//! Unless real AWS was allowed, they come from the environment and from files alone: nothing is asked over a network,
//! and a profile that would have to ask is refused. Where it was allowed, the credential chain may ask the services of
//! AWS that hand out credentials, and nothing else.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::credential_process::CredentialProcessProvider;
use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region as AwsRegion, SdkConfig};
use aws_credential_types::Credentials as AwsCredentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::os_shim_internal::{Env, Fs};

use super::guard::{Guard, Reach};
use super::output::say;
use super::variables::variable_set;
use crate::targets::partition::Partition;
use crate::text::foreign;
use crate::wire::{Credentials, Region, Secret};

/// Why there are no credentials to sign with.
#[derive(Debug)]
pub(super) enum Lacking {
    /// AWS, which must say which account they belong to, cannot be reached.
    Unreachable(String),
    /// There are no credentials, or none that can be used.
    None(String),
    /// AWS would have to be asked for them, or for their account, in a way that was not allowed.
    Refused(String),
}

/// How long a program that gives credentials may take before the user is told what the run waits for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Credentials for a server that is not AWS: from the environment or a profile, and from nowhere else. The program
/// that a profile's `credential_process` names is run; AWS is never asked.
pub(super) async fn for_endpoint(region: &Region) -> Result<Credentials, Lacking> {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        variable_set(name).map_err(|failure| Lacking::None(failure.to_string()))?;
    }
    match EnvironmentVariableCredentialsProvider::new().provide_credentials().await {
        Ok(found) => return usable(&found).map_err(Lacking::None),
        Err(CredentialsError::CredentialsNotLoaded(_)) => {}
        Err(error) => return Err(Lacking::None(causes(&error))),
    }
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &<_>::default(), None).await;
    let profiles = profiles.map_err(|error| Lacking::None(causes(&error)))?;
    let name = foreign(profiles.selected_profile());
    let Some(profile) = profiles.get_profile(profiles.selected_profile()) else {
        return Err(Lacking::None(format!("{}, and there is no profile \"{name}\"", not_set())));
    };
    match source(profile) {
        Source::Aws(key) => Err(Lacking::Refused(format!(
            "the profile \"{name}\" has to ask AWS for its credentials, because it has {key}. {WITHOUT_AWS}"
        ))),
        Source::Keys(keys) => usable(&keys).map_err(Lacking::None),
        Source::Program(program) => of_provider(&CredentialProcessProvider::new(program), &name, true).await,
        Source::Other => of_files(region, &name, profile).await,
    }
}

/// Says which variables the environment lacks.
fn not_set() -> String {
    let [key, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match (is_set(key), is_set(secret)) {
        (true, false) => format!("{key} is set, but {secret} is not"),
        (false, true) => format!("{secret} is set, but {key} is not"),
        (true, true) | (false, false) => "none are in the environment".to_owned(),
    }
}

/// Credentials of a profile that needs no network, as the SDK reads it.
async fn of_files(region: &Region, name: &str, profile: &Profile) -> Result<Credentials, Lacking> {
    // The profile was checked before; the guard keeps the promise even where that check missed something.
    let guard = Guard::new(Reach::Nothing);
    let config =
        ProviderConfig::default().with_region(Some(aws_region(region))).with_http_client(guard.clone().into_client());
    let provider = ProfileFileCredentialsProvider::builder().configure(&config).build();
    let found = of_provider(&provider, name, profile.get("credential_process").is_some()).await;
    match (found, guard.denied()) {
        (Err(_), Some(url)) => {
            Err(Lacking::Refused(format!("the profile \"{name}\" would ask {url} for credentials. {WITHOUT_AWS}")))
        }
        (found, _) => found,
    }
}

/// The credentials that a provider gives for a profile; it may run a program.
async fn of_provider(
    provider: &impl ProvideCredentials,
    name: &str,
    runs_program: bool,
) -> Result<Credentials, Lacking> {
    let found = provider.provide_credentials();
    tokio::pin!(found);
    let found = tokio::select! {
        found = &mut found => found,
        () = tokio::time::sleep(PATIENCE) => {
            say(&format!("waiting for the credentials of the profile \"{name}\""));
            found.await
        }
    };
    match found {
        Ok(found) => usable(&found).map_err(Lacking::None),
        // The output of a program may hold the secret that it was to give.
        Err(_) if runs_program => Err(Lacking::None(format!(
            "the program in credential_process of the profile \"{name}\" gave none; run it by itself to see why"
        ))),
        Err(CredentialsError::CredentialsNotLoaded(_)) => {
            Err(Lacking::None(format!("{}, and none are in the profile \"{name}\"", not_set())))
        }
        Err(error) => Err(Lacking::None(causes(&error))),
    }
}

/// The advice where a profile is of no use without AWS.
const WITHOUT_AWS: &str = "AWS is not asked for credentials unless it is what is tested; set AWS_ACCESS_KEY_ID and \
                           AWS_SECRET_ACCESS_KEY (most emulators take any), or name a profile with keys of its own or a \
                           credential_process in AWS_PROFILE";

/// Where the credentials of a profile come from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// From AWS: a role, a web identity, a single sign-on, the console or the metadata of a machine, by this key.
    Aws(&'static str),
    /// From the keys of the profile, which also has parts of a single sign-on that give no credentials.
    Keys(AwsCredentials),
    /// From this program of the profile, which also has such parts.
    Program(String),
    /// From whatever the SDK finds in the profile without a network.
    Other,
}

/// Where the credentials of a profile come from, whatever else it has.
/// Source: the AWS SDKs and Tools Reference Guide; the resolvers of botocore and of the Rust SDK. Where they differ, on
/// a single sign-on without an account and a role, botocore takes the profile's own keys.
fn source(profile: &Profile) -> Source {
    const ASKING: [&str; 5] =
        ["role_arn", "web_identity_token_file", "sso_account_id", "sso_role_name", "login_session"];
    const PARTS: [&str; 3] = ["sso_session", "sso_start_url", "sso_region"];
    let has = |key: &&str| profile.get(key).is_some();
    if let Some(key) = ASKING.into_iter().find(|key| has(key)) {
        return Source::Aws(key);
    }
    if profile.get("credential_source").is_some_and(|source| source != "Environment") {
        return Source::Aws("credential_source");
    }
    let Some(part) = PARTS.into_iter().find(|key| has(key)) else { return Source::Other };
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(key), Some(secret)) => {
            let token = profile.get("aws_session_token").map(str::to_owned);
            Source::Keys(AwsCredentials::new(key, secret, token, None, "profile"))
        }
        _ => profile.get("credential_process").map_or(Source::Aws(part), |program| Source::Program(program.to_owned())),
    }
}

/// Credentials for real AWS by the whole standard chain, and the account that they belong to, as STS says.
pub(super) async fn for_aws(region: &Region) -> Result<(Credentials, String), Lacking> {
    let partition = Partition::of(region).ok_or_else(|| Lacking::None(format!("AWS has no region {region}")))?;
    let guard = Guard::new(Reach::credentials(partition));
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(aws_region(region))
        .http_client(guard.clone().into_client())
        .load()
        .await;
    let provider = config
        .credentials_provider()
        .ok_or_else(|| Lacking::None("the standard credential chain has no provider".to_owned()))?;
    let found = provider.provide_credentials().await.map_err(|error| match (guard.denied(), error) {
        (Some(url), _) => Lacking::Refused(format!(
            "the credential chain would ask {url}, which is not a service of AWS for credentials in the partition of \
             {region}, over TLS; unset AWS_ENDPOINT_URL and the like, or endpoint_url in the profile"
        )),
        (None, CredentialsError::CredentialsNotLoaded(_)) => {
            Lacking::None(format!("{}, and none are in a profile", not_set()))
        }
        (None, error) => Lacking::None(causes(&error)),
    })?;
    let credentials = usable(&found).map_err(Lacking::None)?;
    let account = account(&config, partition, region).await?;
    Ok((credentials, account))
}

/// The account that the credentials of a configuration belong to, as STS says.
async fn account(config: &SdkConfig, partition: &Partition, region: &Region) -> Result<String, Lacking> {
    // The endpoint is set here, so that no setting for emulators can answer instead of AWS.
    let [host, ..] = partition.hosts("sts", region);
    let endpoint = format!("https://{host}");
    let sts = aws_sdk_sts::config::Builder::from(config)
        .use_fips(false)
        .use_dual_stack(false)
        .endpoint_url(&endpoint)
        .http_client(Guard::new(Reach::Host(host)).into_client())
        .build();
    let identity = aws_sdk_sts::Client::from_conf(sts).get_caller_identity().send().await;
    let identity = identity.map_err(|error| unasked(&endpoint, &error))?;
    let account =
        identity.account().ok_or_else(|| Lacking::None("STS gives no account for these credentials".to_owned()))?;
    Ok(account.to_owned())
}

/// Why STS does not say whose credentials these are: it cannot be reached, or it does not know them.
fn unasked<E: Error + 'static>(endpoint: &str, error: &SdkError<E, HttpResponse>) -> Lacking {
    let cause = match error {
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map(|error| causes(error)),
        SdkError::TimeoutError(_) => Some("no answer in time".to_owned()),
        _ => None,
    };
    match cause {
        Some(cause) => Lacking::Unreachable(format!(
            "cannot reach STS at {endpoint} to ask whose account this is: {cause}. Check the network"
        )),
        None => Lacking::None(format!(
            "STS, asked at {endpoint}, does not say whose credentials these are: {}; they must be credentials of AWS",
            causes(error)
        )),
    }
}

fn aws_region(region: &Region) -> AwsRegion {
    AwsRegion::new(region.as_str().to_owned())
}

/// The message of an error and of each of its causes, without repetitions.
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
    foreign(&said.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The credentials in the form that signs requests, or why they cannot sign.
fn usable(found: &AwsCredentials) -> Result<Credentials, String> {
    if found.expiry().is_some_and(|expiry| expiry <= SystemTime::now()) {
        return Err("they have expired".to_owned());
    }
    let parts = [
        ("access key id", "ACCESS_KEY_ID", Some(found.access_key_id())),
        ("secret key", "SECRET_ACCESS_KEY", Some(found.secret_access_key())),
        ("session token", "SESSION_TOKEN", found.session_token()),
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
    let mut credentials = Credentials::new(found.access_key_id(), found.secret_access_key());
    credentials.session_token = found.session_token().map(Secret::from);
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_config::profile::Property;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::keys(&[("aws_access_key_id", "AKID"), ("aws_secret_access_key", "secret")], None)]
    #[case::program(&[("credential_process", "/bin/true")], None)]
    #[case::nothing(&[("region", "us-east-1")], None)]
    #[case::from_the_environment(&[("credential_source", "Environment")], None)]
    #[case::role(&[("role_arn", "arn"), ("source_profile", "a")], Some("role_arn"))]
    #[case::role_beside_keys(&[("aws_access_key_id", "AKID"), ("role_arn", "arn")], Some("role_arn"))]
    #[case::sign_on(&[("sso_session", "a")], Some("sso_session"))]
    #[case::older_sign_on(&[("sso_start_url", "a")], Some("sso_start_url"))]
    #[case::sign_on_of_a_role(&[("sso_session", "a"), ("sso_role_name", "a")], Some("sso_role_name"))]
    #[case::sign_on_beside_a_program(&[("credential_process", "a"), ("sso_account_id", "1")], Some("sso_account_id"))]
    #[case::web_identity(&[("web_identity_token_file", "a")], Some("web_identity_token_file"))]
    #[case::console(&[("login_session", "a")], Some("login_session"))]
    #[case::machine(&[("credential_source", "Ec2InstanceMetadata")], Some("credential_source"))]
    #[case::container(&[("credential_source", "EcsContainer")], Some("credential_source"))]
    fn a_profile_that_asks_aws_is_known_by_its_keys(
        #[case] keys: &[(&str, &str)],
        #[case] expected: Option<&'static str>,
    ) {
        assert_eq!(source(&profile(keys)), expected.map_or(Source::Other, Source::Aws));
    }

    #[test]
    fn a_network_that_is_down_is_told_from_credentials_that_sts_does_not_know() {
        let down = SdkError::<std::fmt::Error, _>::dispatch_failure(ConnectorError::io("no route".into()));
        let Lacking::Unreachable(why) = unasked("https://sts", &down) else { panic!("it cannot be reached") };
        assert!(why.starts_with("cannot reach STS at https://sts to ask whose account this is: "), "{why}");
        assert!(why.ends_with("no route. Check the network") && !why.contains("dispatch failure"), "{why}");
        let unknown = SdkError::service_error(
            std::fmt::Error,
            HttpResponse::new(403_u16.try_into().expect("a status"), "".into()),
        );
        assert!(matches!(unasked("https://sts", &unknown), Lacking::None(why) if why.contains("does not say whose")));
    }

    #[test]
    fn keys_beside_parts_of_a_sign_on_are_the_credentials() {
        let keys = [("aws_access_key_id", "AKID"), ("aws_secret_access_key", "secret"), ("sso_session", "a")];
        let Source::Keys(found) = source(&profile(&keys)) else { panic!("the keys are there") };
        assert_eq!((found.access_key_id(), found.secret_access_key()), ("AKID", "secret"));
    }

    #[test]
    fn a_program_beside_parts_of_a_sign_on_gives_the_credentials() {
        let keys = [("credential_process", "/bin/program"), ("sso_region", "us-east-1")];
        assert_eq!(source(&profile(&keys)), Source::Program("/bin/program".to_owned()));
    }

    fn profile(keys: &[(&str, &str)]) -> Profile {
        let property =
            |(key, value): &(&str, &str)| ((*key).to_owned(), Property::new((*key).to_owned(), (*value).to_owned()));
        Profile::new("a", keys.iter().map(property).collect::<HashMap<_, _>>())
    }
}
