//! Makes a target ready from settings: starts servers, finds credentials, checks the account of real AWS.

use std::path::Path;
use std::sync::Arc;

use reqwest::Url;

use super::Failure;
use super::credentials::{self, NoCredentials};
use super::hooks::clock_by_command;
use super::library::Library;
use super::run::can_be_run;
use super::settings::{ClockMover, Settings, TargetChoice};
use crate::contract::Service;
use crate::evidence::target_of_mock;
use crate::selftest::{emulated_revision, target_of};
use crate::servers::emulator::{Emulator, EmulatorOptions};
use crate::servers::mock::Mock;
use crate::targets::gate::{self, AllowedResource};
use crate::targets::{Target, TargetClock};
use crate::text::foreign;
use crate::trials::{Trials, runtime};
use crate::wire::{Client, Credentials, is_loopback};

/// A target, and the server behind it if the server is one of ours; dropping this stops the server.
pub(super) struct Prepared {
    pub(super) target: Target,
    _server: OwnServer,
}

enum OwnServer {
    Mock { _mock: Mock },
    Emulator { _emulator: Emulator },
    Elsewhere,
}

impl Prepared {
    pub(super) async fn new(settings: &Settings, library: &Library) -> Result<Self, Failure> {
        if settings.choice == TargetChoice::Mock {
            return Ok(Self::with(mock(library).await?, settings));
        }
        match Self::to_examine(settings).await? {
            (prepared, None) => Ok(prepared),
            (_, Some(lacking_credentials)) => Err(Failure::usage(format!(
                "no credentials to sign with: {lacking_credentials}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (most \
                 emulators take any), choose a profile with AWS_PROFILE, or send unsigned requests with --no-sign"
            ))),
        }
    }

    /// Makes a target ready to be examined. Without credentials it is examined all the same, and the reason why there
    /// are none is returned.
    pub(super) async fn to_examine(settings: &Settings) -> Result<(Self, Option<String>), Failure> {
        let (found, lacking_credentials) = match &settings.choice {
            TargetChoice::Mock => {
                return Err(Failure::usage(
                    "the mock answers by the path of a case, so there is nothing to examine; `countersign run --target mock` runs it",
                ));
            }
            TargetChoice::Emulator => (emulator(settings).await?, None),
            TargetChoice::Aws { endpoint: url, allowed } => {
                ((aws(url, allowed, settings).await?, OwnServer::Elsewhere), None)
            }
            TargetChoice::Endpoint { name, url } => {
                let (target, lacking_credentials) = endpoint(name, url, settings).await?;
                ((target, OwnServer::Elsewhere), lacking_credentials)
            }
        };
        Ok((Self::with(found, settings), lacking_credentials))
    }

    /// The same target with settings that have other names.
    pub(super) fn renamed(&mut self, settings: &Settings) {
        self.target.features = settings.features();
        self.target.resources.extend(settings.resources.clone());
        if let Some(database) = &settings.database {
            self.target.database = Some(database.clone());
        }
    }

    /// A target with the settings that every target has.
    fn with((mut target, server): (Target, OwnServer), settings: &Settings) -> Self {
        target.features = settings.features();
        target.client = settings.client.clone();
        target.jobs = settings.jobs;
        (target.wait, target.patience) = (settings.wait, settings.patience);
        target.resources.extend(settings.resources.clone());
        if let Some(database) = &settings.database {
            target.database = Some(database.clone());
        }
        settings.restraint.apply(&mut target);
        Self { target, _server: server }
    }
}

async fn mock(library: &Library) -> Result<(Target, OwnServer), Failure> {
    let mock = Mock::start(Arc::clone(&library.corpus), jiff::Timestamp::now, None)
        .await
        .map_err(|error| Failure::harness(format!("cannot start the mock: {error}")))?;
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "the-mock-checks-no-signature");
    let target = target_of_mock(&mock, &library.contract).signed_by(credentials);
    Ok((target, OwnServer::Mock { _mock: mock }))
}

async fn emulator(settings: &Settings) -> Result<(Target, OwnServer), Failure> {
    let revision = emulated_revision(settings.revision()).ok_or_else(|| {
        Failure::usage(format!(
            "the emulator cannot follow the revision {}; name a server with --endpoint",
            settings.revision()
        ))
    })?;
    let mut options = EmulatorOptions::for_cases().in_revision(revision);
    options.region.clone_from(&settings.region);
    let named = Service::embedded().resources.iter().map(|of| &of.id);
    for (kind, name) in named.filter_map(|id| settings.resources.get_key_value(id)) {
        if !options.rename(kind, name) {
            return Err(Failure::usage(format!(
                "the emulator has no {kind} that could be called \"{}\"",
                foreign(name)
            )));
        }
    }
    let emulator = Emulator::start(options)
        .await
        .map_err(|error| Failure::usage(format!("cannot start the emulator: {error}")))?;
    let mut target = target_of(&emulator);
    if !settings.sign {
        target.credentials = None;
    }
    Ok((target, OwnServer::Emulator { _emulator: emulator }))
}

/// A target that is not one of ours, with its settings and without credentials.
fn unsigned(name: &str, url: &Url, settings: &Settings) -> Target {
    let mut target = Target::at(url.clone()).with_name(name);
    target.region.clone_from(&settings.region);
    target
}

/// The same with the credentials of the environment and of files, or the reason why there are none. A session token is
/// refused where it would go to another machine without TLS.
async fn endpoint(name: &str, url: &Url, settings: &Settings) -> Result<(Target, Option<String>), Failure> {
    let mut target = unsigned(name, url, settings);
    target.clock = clock(settings)?;
    if settings.client.insecure && !is_loopback(url).await {
        return Err(Failure::refused(format!(
            "{}: the certificate of a server is left unchecked on this machine only, and {} is not on it; name the \
             certificate, or the authority that signed it, with --ca-file",
            settings.from.place("insecure"),
            foreign(url.as_str())
        )));
    }
    if !settings.sign {
        if settings.denied_profile.is_some() {
            let (denied, unsigned) = (settings.from.place("denied-profile"), settings.from.place("no-sign"));
            return Err(Failure::usage(format!(
                "{denied} names who signs, and {unsigned} signs nothing; leave one out"
            )));
        }
        return Ok((target, None));
    }
    if let Some(name) = &settings.denied_profile {
        let denied = credentials::of_profile(name).await.map_err(|none| match none {
            NoCredentials::Refused(why) => {
                Failure::refused(format!("{}: {why}", settings.from.place("denied-profile")))
            }
            NoCredentials::Unreachable(why) => Failure::unreachable(why),
            NoCredentials::Missing(why) => {
                Failure::usage(format!("{}: no credentials: {why}", settings.from.place("denied-profile")))
            }
        })?;
        check_token(&denied, url).await?;
        target.denied = Some(denied);
    }
    let credentials = match credentials::for_endpoint().await {
        Ok(found) => found,
        Err(NoCredentials::Refused(why)) => return Err(Failure::refused(why)),
        Err(NoCredentials::Unreachable(why)) => return Err(Failure::unreachable(why)),
        Err(NoCredentials::Missing(why)) => return Ok((target, Some(why))),
    };
    check_token(&credentials, url).await?;
    if target.denied.as_ref().is_some_and(|denied| denied.access_key_id == credentials.access_key_id) {
        return Err(Failure::usage(format!(
            "{}: the profile has the access key of the caller of all other requests, who is allowed what the denied one \
             is not; name a profile of somebody else",
            settings.from.place("denied-profile")
        )));
    }
    target.credentials = Some(credentials);
    Ok((target, None))
}

/// What moves the target's clock, if the settings say it.
fn clock(settings: &Settings) -> Result<Option<TargetClock>, Failure> {
    Ok(match &settings.clock {
        None => None,
        Some(ClockMover::Call(call)) => {
            let clock = TargetClock::by_call(call, &settings.client);
            Some(clock.map_err(|error| Failure::of_target(error.into()))?)
        }
        Some(ClockMover::Command(command)) => {
            Some(clock_by_command(command, settings.from.file.as_deref().unwrap_or(Path::new(""))))
        }
    })
}

/// Refuses credentials with a session token for another machine without TLS.
async fn check_token(credentials: &Credentials, url: &Url) -> Result<(), Failure> {
    if credentials.session_token.is_some() && url.scheme() != "https" && !is_loopback(url).await {
        return Err(Failure::refused(format!(
            "the credentials have a session token, which goes to no other machine without TLS, and {} has none; give an \
             https:// endpoint, unset AWS_SESSION_TOKEN (or choose a profile without one), or send unsigned requests with \
             --no-sign",
            foreign(url.as_str())
        )));
    }
    Ok(())
}

/// Real AWS, once the account of the credentials is the one that was allowed.
async fn aws(url: &Url, allowed: &AllowedResource, settings: &Settings) -> Result<Target, Failure> {
    if settings.client.insecure {
        let place = settings.from.place("insecure");
        return Err(Failure::refused(format!("{place}: the certificate of real AWS is always checked; leave it out")));
    }
    // STS is asked with the same certificates.
    let client = Client::new(url.clone(), &settings.client);
    client.map_err(|error| Failure::of_target(error.into()))?;
    let found = credentials::for_aws(&settings.region, settings.client.ca_file.as_deref()).await;
    let (credentials, account) = found.map_err(|none| match none {
        NoCredentials::Missing(why) => Failure::usage(format!(
            "no credentials to ask AWS with: {why}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile \
             with AWS_PROFILE"
        )),
        NoCredentials::Refused(why) => Failure::refused(why),
        NoCredentials::Unreachable(why) => Failure::unreachable(why),
    })?;
    gate::check_account(allowed, &account).map_err(|refusal| Failure::refused(refusal.to_string()))?;
    let target = unsigned("aws", url, settings).allowing(allowed.clone());
    Ok(if settings.sign { target.signed_by(credentials) } else { target })
}

/// The trials of the target that the environment names, for `cargo test`; `None` where it names none, or one of our own
/// servers.
///
/// # Errors
/// What is wrong with the settings, in words.
///
/// # Panics
/// In a trial, when the target cannot be made ready.
pub fn trials_of_environment() -> Result<Option<Trials>, String> {
    let settings = Settings::of_environment().map_err(|failure| failure.to_string())?;
    let Some(settings) =
        settings.filter(|settings| !matches!(settings.choice, TargetChoice::Mock | TargetChoice::Emulator))
    else {
        return Ok(None);
    };
    let library = Library::load_in(None, settings.revision.as_ref()).map_err(|failure| failure.to_string())?;
    can_be_run(&settings, &library.contract).map_err(|failure| failure.to_string())?;
    if settings.hooks.is_some() {
        return Err(
            "the target has hooks, which `countersign run` alone runs; name what the target has instead".to_owned()
        );
    }
    let (name, features, revision) = (settings.name().to_owned(), settings.features(), settings.revision());
    let trials = Trials::starting(name, features, move || {
        let prepared = runtime().block_on(Prepared::new(&settings, &library));
        prepared.unwrap_or_else(|failure| panic!("{failure}")).target
    });
    Ok(Some(trials.by_revision(revision)))
}
