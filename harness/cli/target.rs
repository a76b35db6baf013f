//! From settings to a target that can be asked: servers started, credentials found, the account of
//! real AWS checked.

use std::sync::Arc;

use reqwest::Url;

use super::Failure;
use super::library::Library;
use super::settings::{Choice, Settings};
use crate::servers::emulator::{Emulator, Options};
use crate::servers::mock::Mock;
use crate::targets::Target;
use crate::trials::{Trials, runtime};
use crate::wire::Credentials;

/// A target, and the server behind it where it is one of ours; the server stops with this.
pub(super) struct Prepared {
    pub(super) target: Target,
    _server: Server,
}

enum Server {
    Mock { _mock: Mock },
    Emulator { _emulator: Emulator },
    Elsewhere,
}

impl Prepared {
    /// Makes the target of a run ready.
    pub(super) async fn new(settings: &Settings, library: &Library) -> Result<Self, Failure> {
        let (mut target, server) = match &settings.choice {
            Choice::Mock => mock(library).await?,
            Choice::Emulator => emulator(settings).await?,
            Choice::Endpoint { name, url } => (endpoint(name, url, settings).await?, Server::Elsewhere),
            Choice::Aws { endpoint: url, allowed } => (aws(url, allowed, settings).await?, Server::Elsewhere),
        };
        complete(&mut target, settings);
        Ok(Self { target, _server: server })
    }

    /// Makes a target ready to be looked at: without credentials it is asked all the same, and why
    /// there are none is given back.
    pub(super) async fn to_examine(settings: &Settings) -> Result<(Self, Option<String>), Failure> {
        let mut lacking = None;
        let (mut target, server) = match &settings.choice {
            Choice::Mock => {
                return Err(Failure::usage(
                    "the mock answers by the path of a case, so there is nothing to examine; `countersign run --target mock` runs it",
                ));
            }
            Choice::Emulator => emulator(settings).await?,
            Choice::Aws { endpoint: url, allowed } => (aws(url, allowed, settings).await?, Server::Elsewhere),
            Choice::Endpoint { name, url } => {
                let mut target = unsigned(name, url, settings);
                if settings.sign {
                    match super::credentials::for_endpoint(&settings.region).await {
                        Ok(found) => target.credentials = Some(found),
                        Err(reason) => lacking = Some(reason),
                    }
                }
                (target, Server::Elsewhere)
            }
        };
        complete(&mut target, settings);
        Ok((Self { target, _server: server }, lacking))
    }
}

/// Adds what the settings say of every target.
fn complete(target: &mut Target, settings: &Settings) {
    target.features = settings.features();
    target.client = settings.client.clone();
    target.jobs = settings.jobs;
    target.database.clone_from(&settings.db_name);
}

async fn mock(library: &Library) -> Result<(Target, Server), Failure> {
    let mock = Mock::start(Arc::clone(&library.corpus), jiff::Timestamp::now, None)
        .await
        .map_err(|error| Failure::harness(format!("cannot start the mock: {error}")))?;
    let mut target = Target::at(local(&mock.endpoint()))
        .named("mock")
        .signed_by(Credentials::new("AKIAIOSFODNN7EXAMPLE", "the-mock-checks-no-signature"))
        .with_workgroup("a-workgroup")
        .with_custom_domain("db.example.com");
    target.path_names_case = true;
    Ok((target, Server::Mock { _mock: mock }))
}

async fn emulator(settings: &Settings) -> Result<(Target, Server), Failure> {
    let mut options = Options { region: settings.region.clone(), ..Options::default() };
    if let Some(workgroup) = &settings.workgroup {
        options.workgroups = vec![workgroup.clone()];
        options.custom_domains.values_mut().for_each(|of| of.clone_from(workgroup));
    }
    if let Some(domain) = &settings.custom_domain {
        options.custom_domains = [(domain.clone(), options.workgroups[0].clone())].into();
    }
    let emulator = Emulator::start(options)
        .await
        .map_err(|error| Failure::usage(format!("cannot start the emulator: {error}")))?;
    let options = emulator.options();
    let mut target = Target::at(local(&emulator.endpoint())).named("emulator").with_workgroup(&options.workgroups[0]);
    target.custom_domain = options.custom_domains.keys().next().cloned();
    target.region.clone_from(&options.region);
    target.credentials = settings.sign.then(|| options.credentials.clone());
    Ok((target, Server::Emulator { _emulator: emulator }))
}

fn local(endpoint: &str) -> Url {
    Url::parse(endpoint).expect("our own servers have valid endpoints")
}

/// A target somewhere else with what the settings say of it, without anything to sign with.
fn unsigned(name: &str, url: &Url, settings: &Settings) -> Target {
    let mut target = Target::at(url.clone()).named(name);
    target.region.clone_from(&settings.region);
    target.workgroup.clone_from(&settings.workgroup);
    target.custom_domain.clone_from(&settings.custom_domain);
    target
}

/// The same with the credentials that the standard places hold.
async fn endpoint(name: &str, url: &Url, settings: &Settings) -> Result<Target, Failure> {
    let mut target = unsigned(name, url, settings);
    if settings.sign {
        let found = super::credentials::for_endpoint(&settings.region).await;
        target.credentials = Some(found.map_err(|error| {
            Failure::usage(format!(
                "no credentials to sign with: {error}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (most emulators take any), \
                 choose a profile with AWS_PROFILE, or send unsigned requests with --no-sign"
            ))
        })?);
    }
    Ok(target)
}

/// The trials of the target that the environment names, for `cargo test`; nothing where it names
/// none, or one of our own servers.
///
/// # Errors
/// What is wrong with the settings, in words.
///
/// # Panics
/// In a trial, when the target cannot be made ready.
pub fn trials_of_environment() -> Result<Option<Trials>, String> {
    let settings = Settings::of_environment().map_err(|failure| failure.to_string())?;
    let Some(settings) = settings.filter(|settings| !matches!(settings.choice, Choice::Mock | Choice::Emulator)) else {
        return Ok(None);
    };
    let library = Library::load(None).map_err(|failure| failure.to_string())?;
    super::run::can_be_run(&settings, &library.contract).map_err(|failure| failure.to_string())?;
    let (name, features) = (settings.name().to_owned(), settings.features());
    Ok(Some(Trials::starting(name, features, move || {
        let prepared = runtime().block_on(Prepared::new(&settings, &library));
        prepared.unwrap_or_else(|failure| panic!("{failure}")).target
    })))
}

/// Real AWS, once the account of the credentials is the one that was allowed.
async fn aws(url: &Url, allowed: &crate::targets::gate::Allowed, settings: &Settings) -> Result<Target, Failure> {
    use crate::targets::gate;

    let (credentials, account) = super::credentials::for_aws(&settings.region).await.map_err(Failure::usage)?;
    gate::check_account(allowed, &account).map_err(|refusal| Failure::refused(refusal.to_string()))?;
    Ok(unsigned("aws", url, settings).signed_by(credentials))
}
