//! Settings of a run that concern the target: from flags, the environment, `countersign.toml`, the shared files of AWS
//! tools and defaults, in this order of precedence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::Url;

use super::Failure;
use super::credentials::{ConfiguredServer, FromFile};
use super::hooks::TargetHooks;
use super::origin::{Origin, Origins, TracedArgs};
use super::resources::ResourceArgs;
use super::restraint::{Restraint, RestraintArgs};
use super::revision::AskedRevision;
use super::variables::{read, variable_of, variable_set as env};
use crate::contract::{Feature, Resource, Revision, Service};
use crate::servers::emulator::EmulatorOptions;
use crate::targets::gate::{self, AllowedResource};
use crate::targets::profile::{ClockSetting, Distrust, Hooks, Profile, Profiles, Span};
use crate::targets::{ClockCall, InvalidClockCall, TargetPlace};
use crate::text::{did_you_mean, file_name, foreign, foreign_within};
use crate::wire::{ClientOptions, DatabaseUrl, InvalidDatabaseUrl, InvalidRegion, Region};

/// The default time for one request, in seconds.
const DEFAULT_TIMEOUT: f64 = 10.0;

/// How long the default run waits for a target that is away in mid-run.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a run may take by default, unless the target is one of our own servers.
const LONGEST_RUN: Duration = Duration::from_mins(10);

/// The help of `--database`.
const DATABASE_HELP: &str = "Where the credentials log in, such as \
                             postgres://{user}:{password}@localhost:5439/?sslmode=require; for the feature login";

/// The help of `--clock`.
const CLOCK_HELP: &str = "The call that moves the target's clock, such as 'POST \
                          http://127.0.0.1:4566/_countersign/clock'; for the feature clock";

/// At most this many characters of a wrong value are shown.
const SHOWN: usize = 80;

/// How many cases can be in flight together.
const JOBS: std::ops::RangeInclusive<usize> = 1..=1024;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Target")]
pub(super) struct TargetArgs {
    /// What to test: mock, emulator, aws, or a target of countersign.toml [env: COUNTERSIGN_TARGET]
    /// [default: emulator]
    // clap does not read the variable: a flag beats the environment, even where the flag is `--endpoint`.
    #[arg(long, value_name = "NAME", conflicts_with = "endpoint")]
    target: Option<String>,

    /// Test the server at this URL [env: COUNTERSIGN_ENDPOINT]
    // Parsed later: clap prints a value that it cannot parse, and a URL can hold a password.
    #[arg(long, aliases = ["endpoint-url", "url"], value_name = "URL")]
    endpoint: Option<String>,

    /// Region to sign for [default: $AWS_REGION, or that of the AWS profile, or us-east-1]
    #[arg(long, env = "COUNTERSIGN_REGION", value_name = "REGION")]
    region: Option<String>,

    #[command(flatten)]
    resources: ResourceArgs,

    // Parsed later: clap prints a value that it cannot parse, and a URL can hold a password.
    #[arg(long, env = "COUNTERSIGN_DATABASE", hide_env_values = true, value_name = "URL", help = DATABASE_HELP)]
    database: Option<String>,

    /// A profile of the AWS configuration whose identity a policy denies the operation; for the feature iam
    #[arg(long, env = "COUNTERSIGN_DENIED_PROFILE", value_name = "NAME")]
    denied_profile: Option<String>,

    // Parsed later: clap prints a value that it cannot parse, and a URL can hold a password.
    #[arg(long, env = "COUNTERSIGN_CLOCK", hide_env_values = true, value_name = "CALL", help = CLOCK_HELP)]
    clock: Option<String>,

    /// Judge by the documents as they were in this year; `countersign list revisions` shows them all [default: the newest]
    #[arg(long, env = "COUNTERSIGN_REVISION", value_name = "YEAR")]
    revision: Option<Revision>,

    /// Features that the target claims [default: core for an endpoint, all it has for mock and emulator]
    #[arg(long, env = "COUNTERSIGN_CLAIM", value_name = "FEATURE,...", value_delimiter = ',')]
    claim: Vec<Feature>,

    /// Send requests without a signature
    #[arg(long, env = "COUNTERSIGN_NO_SIGN")]
    no_sign: bool,

    /// Trust the PEM certificates in this file too [default: what AWS tools are told to trust]
    #[arg(long, env = "COUNTERSIGN_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Do not check the server's certificate; for servers on this machine only
    #[arg(long, alias = "no-verify-ssl", env = "COUNTERSIGN_INSECURE")]
    insecure: bool,

    /// Seconds for one request, from connecting to the last byte [default: 10]
    #[arg(long, env = "COUNTERSIGN_TIMEOUT", value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<f64>,

    /// How long to wait until the target answers at all: a server that starts, such as 30s [default: 0]
    #[arg(long, env = "COUNTERSIGN_WAIT", value_name = "TIME")]
    wait: Option<Span>,

    /// How long to wait for the target when it is away in mid-run [default: 10s]
    #[arg(long, env = "COUNTERSIGN_PATIENCE", value_name = "TIME")]
    patience: Option<Span>,

    /// How long a run may take, such as 10m; cases that are left then are indeterminate [default: 10m, no limit for
    /// mock and emulator]
    #[arg(long, env = "COUNTERSIGN_MAX_TIME", value_name = "TIME")]
    max_time: Option<Span>,

    /// Allow real AWS, for exactly this account, this region and what is named in it
    #[arg(long, env = "COUNTERSIGN_ALLOW_AWS", value_name = gate::form())]
    allow_aws: Option<AllowedResource>,

    #[command(flatten)]
    restraint: RestraintArgs,

    /// Cases in flight together [default: one per core for mock and emulator, 4 for an endpoint, 1 for AWS]
    #[arg(long, short, aliases = ["concurrency", "parallel", "threads", "workers"], env = "COUNTERSIGN_JOBS")]
    #[arg(value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Known failures: a file that `baseline write` makes
    #[arg(long, env = "COUNTERSIGN_BASELINE", value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Read targets from this file [default: the nearest countersign.toml upwards from here]
    #[arg(long, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl TargetArgs {
    /// The file with targets that they name.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

impl TracedArgs<TargetArgs> {
    /// The same arguments for another server: that of an earlier run, at this URL and in this region.
    pub(super) fn at_server(mut self, url: String, region: String) -> Result<Self, Failure> {
        self.args.region = Some(region);
        self.flags.insert("region".to_owned());
        self.at_urls(vec![url])
    }

    /// The same arguments, with a URL that stands by itself as the endpoint.
    pub(super) fn at_urls(mut self, urls: Vec<String>) -> Result<Self, Failure> {
        let named = if self.args.target.is_some() { Some("--target") } else { None };
        let named = named.or(self.args.endpoint.is_some().then_some("--endpoint"));
        let mut urls = urls.into_iter();
        let Some(url) = urls.next() else { return Ok(self) };
        // The URL is not repeated: it may hold a password.
        if let Some(flag) = named {
            return Err(Failure::usage(format!(
                "a URL by itself names the server to test, but {flag} does that already"
            )));
        }
        if urls.next().is_some() {
            return Err(Failure::usage(
                "a URL by itself names the server to test, but there are several; a run tests one",
            ));
        }
        self.args.endpoint = Some(url);
        self.flags.insert("endpoint".to_owned());
        Ok(self)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TargetChoice {
    Mock,
    Emulator,
    /// Real AWS, allowed for one resource of one account.
    Aws {
        endpoint: Url,
        allowed: AllowedResource,
    },
    Endpoint {
        name: String,
        url: Url,
    },
}

/// Everything that is decided about the target before anything is sent.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) choice: TargetChoice,
    pub(super) region: Region,
    /// The names of resources, by the resources' ids.
    pub(super) resources: BTreeMap<String, String>,
    pub(super) database: Option<DatabaseUrl>,
    /// The profile whose identity is denied.
    pub(super) denied_profile: Option<String>,
    /// What moves its clock.
    pub(super) clock: Option<ClockMover>,
    /// What a run does before and behind its cases.
    pub(super) hooks: Option<TargetHooks>,
    /// The revision of the documents by which it is judged; the newest where there is none.
    pub(super) revision: Option<AskedRevision>,
    pub(super) claim: Option<BTreeSet<Feature>>,
    pub(super) sign: bool,
    pub(super) jobs: usize,
    pub(super) client: ClientOptions,
    /// How long to wait until the target answers at all.
    pub(super) wait: Duration,
    /// How long to wait for the target when it is away in mid-run.
    pub(super) patience: Duration,
    /// How long a run may take; `None` for ever.
    pub(super) max_time: Option<Duration>,
    pub(super) restraint: Restraint,
    pub(super) baseline: Option<PathBuf>,
    pub(super) from: Origins,
}

impl Settings {
    /// Decides all settings. A failure has exit code 2 if they are wrong, and 6 if the target is real AWS that was not
    /// allowed.
    pub(super) fn resolve(args: TracedArgs<TargetArgs>) -> Result<Self, Failure> {
        let TracedArgs { args, flags } = args;
        let mut from = Origins::of_flags(flags);
        // A target that is named by its URL needs no profile.
        let is_named = args.endpoint.is_some() || (args.target.is_none() && env("COUNTERSIGN_ENDPOINT")?.is_some());
        let profiles = load_profiles(from.pick("config", args.config.clone(), [], None), is_named, &mut from)?;
        let configured = ConfiguredServer::load();
        let (named, url, profile) = choose(&args, &profiles, configured.as_ref(), &mut from)?;
        let is_ours = url.is_none() && ["mock", "emulator"].contains(&named.as_str());
        // What the AWS profile says counts for other servers only. Its faults are told where it is needed.
        let configured = configured.ok().filter(|_| !is_ours).unwrap_or_default();
        let region = [("AWS_REGION", env("AWS_REGION")?), ("AWS_DEFAULT_REGION", env("AWS_DEFAULT_REGION")?)];
        let region = from.pick("region", args.region, region, profile.region);
        let region = region.or_else(|| from.of_file("region", configured.region));
        let region = region.map_or_else(|| Ok(Region::us_east_1()), |name| region_named(&name, &from))?;
        let mut resources = BTreeMap::new();
        for Resource { id, flag, .. } in &Service::embedded().resources {
            let (argument, key) = (args.resources.0.get(flag.as_str()), profile.resources.0.get(flag));
            if let Some(name) = from.pick(flag, argument.cloned(), [], key.cloned()) {
                resources.insert(id.clone(), name);
            }
        }
        let allowed = from.pick("allow-aws", args.allow_aws, [], None);
        let choice = gated(named, url, &region, &resources, allowed)?;
        let other = match &choice {
            TargetChoice::Mock => Some(("mock".to_owned(), "add --target aws")),
            TargetChoice::Emulator => Some(("emulator".to_owned(), "add --target aws")),
            TargetChoice::Endpoint { url, .. } => Some((foreign(url.as_str()), "leave it out")),
            TargetChoice::Aws { .. } => None,
        };
        if let (Some((target, advice)), Origin::Flag { name }) = (other, from.get("allow-aws")) {
            return Err(Failure::usage(format!("{name} is for real AWS, but the target is {target}; {advice}")));
        }
        let place = match &choice {
            TargetChoice::Mock | TargetChoice::Emulator => TargetPlace::Here,
            TargetChoice::Endpoint { url, .. } | TargetChoice::Aws { endpoint: url, .. } => TargetPlace::of(url),
        };
        let claim = Some(args.claim).filter(|claim| !claim.is_empty());
        let no_sign = args.no_sign.then_some(true);
        let sign = profile.sign.map(|sign| !sign);
        if sign.is_some() && no_sign.is_none() {
            from.set("no-sign", from.key("sign"));
        }
        if let Some(Err(wrong)) = profile.timeout.map(within_an_hour) {
            return Err(Failure::usage(format!("{}: {wrong}", from.key("timeout"))));
        }
        if let Some(jobs) = profile.jobs.filter(|jobs| !JOBS.contains(jobs)) {
            let (least, most) = JOBS.into_inner();
            return Err(Failure::usage(format!("{}: expected {least} to {most}, found {jobs}", from.key("jobs"))));
        }
        let timeout = from.pick("timeout", args.timeout, [], profile.timeout).unwrap_or(DEFAULT_TIMEOUT);
        let ca_file = match from.pick("ca-file", args.ca_file, [], profile.ca_file) {
            Some(file) => Some(file),
            None if is_ours => None,
            None => from
                .pick("ca-file", None, [("AWS_CA_BUNDLE", env("AWS_CA_BUNDLE")?.map(PathBuf::from))], None)
                .or_else(|| from.of_file("ca-file", configured.ca_bundle).map(PathBuf::from)),
        };
        let insecure = from.pick("insecure", args.insecure.then_some(true), [], profile.insecure).unwrap_or_default();
        let time = |span: Option<Span>| span.map(|Span(time)| time);
        let max_time = time(from.pick("max-time", args.max_time, [], profile.max_time));
        let database = from.pick("database", args.database, [], profile.database);
        let database = database.map(|text| database_setting(&text, &from)).transpose()?;
        let clock = args.clock.map(|call| ClockSetting::Call { call, body: None });
        let clock = from.pick("clock", clock, [], profile.clock);
        let clock = clock.map(|setting| ClockMover::of(setting, &from.place("clock"))).transpose()?;
        let restraint = Restraint::resolve(&args.restraint, (profile.max_calls, profile.rate), &mut from)?.at(&choice);
        let revision = from.pick("revision", args.revision, [], profile.revision);
        let revision = revision.map(|year| AskedRevision { year, place: from.place("revision") });
        let hooks = profile.hooks.map(|hooks| target_hooks(hooks, &mut from));
        let settings = Self {
            choice,
            region,
            resources,
            database,
            denied_profile: from.pick("denied-profile", args.denied_profile, [], profile.denied_profile),
            clock,
            hooks,
            revision,
            claim: from.pick("claim", claim, [], profile.claim).map(BTreeSet::from_iter),
            sign: !from.pick("no-sign", no_sign, [], None).or(sign).unwrap_or(false),
            jobs: from.pick("jobs", args.jobs.map(usize::from), [], profile.jobs).unwrap_or(place.jobs()).max(1),
            client: ClientOptions {
                timeout: Duration::from_secs_f64(timeout),
                ca_file_named_by: ca_file.is_some().then(|| from.place("ca-file")),
                ca_file,
                insecure,
            },
            wait: time(from.pick("wait", args.wait, [], profile.wait)).unwrap_or_default(),
            patience: time(from.pick("patience", args.patience, [], profile.patience)).unwrap_or(PATIENCE),
            restraint,
            max_time: max_time.or((place != TargetPlace::Here).then_some(LONGEST_RUN)),
            baseline: from.pick("baseline", args.baseline, [], profile.baseline),
            from,
        };
        refuse_without_target(&settings.from)?;
        settings.check_clock()?;
        Ok(settings)
    }

    /// Refuses what moves the clock of a server that nobody moves so, and a claim of the feature that nothing stands
    /// behind.
    fn check_clock(&self) -> Result<(), Failure> {
        let place = self.from.place("clock");
        match (&self.choice, &self.clock) {
            (TargetChoice::Aws { .. }, Some(_)) => Err(Failure::refused(format!(
                "{place} moves a clock, and nobody moves the one of real AWS; leave it out"
            ))),
            (TargetChoice::Mock | TargetChoice::Emulator, Some(_)) => Err(Failure::usage(format!(
                "{place} is for a server that --endpoint names, but the target is {}; leave it out",
                self.name()
            ))),
            (TargetChoice::Aws { .. } | TargetChoice::Endpoint { .. }, None)
                if self.claim.as_ref().is_some_and(|claim| claim.contains(&Feature::CLOCK)) =>
            {
                Err(Failure::usage(format!(
                    "{} has the feature clock, and nothing says how the clock is moved; name the call with --clock, or \
                     leave the feature out",
                    self.from.place("claim")
                )))
            }
            _ => Ok(()),
        }
    }

    /// The same settings with the names that the set-up hook printed, by the keys of a profile. A flag and an environment
    /// variable count more.
    ///
    /// # Errors
    /// In words, when a key is none of a name, or its value cannot be one.
    pub(super) fn with_names(&self, names: &BTreeMap<String, String>) -> Result<Self, String> {
        const DATABASE: &str = "database";
        let mut settings = self.clone();
        for (key, name) in names {
            let resources = &Service::embedded().resources;
            let resource = resources.iter().find(|resource| resource.flag == *key);
            let flag = match resource {
                Some(resource) => resource.flag.as_str(),
                None if key == DATABASE => DATABASE,
                None => {
                    let known = || resources.iter().map(|resource| resource.flag.as_str()).chain([DATABASE]);
                    let near = did_you_mean(key, known());
                    let known: Vec<_> = known().collect();
                    let key = foreign(key);
                    return Err(format!("it printed the key \"{key}\"{near}, expected one of {}", known.join(", ")));
                }
            };
            if matches!(self.from.get(flag), Origin::Flag { .. } | Origin::Environment { .. }) {
                continue;
            }
            if let Some(resource) = resource {
                settings.resources.insert(resource.id.clone(), name.clone());
            } else {
                let database = database_url(name, &format!("its {DATABASE}"));
                let database = database.map_err(|failure| failure.to_string())?;
                let folder = self.from.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
                settings.database = Some(database.in_folder(folder));
            }
            settings.from.set(flag, self.from.key("hooks.setup"));
        }
        Ok(settings)
    }

    /// The target that `COUNTERSIGN_TARGET` or `COUNTERSIGN_ENDPOINT` names, with everything that the other variables
    /// say of it; `None` where neither is set.
    pub(super) fn of_environment() -> Result<Option<Self>, Failure> {
        if env("COUNTERSIGN_TARGET")?.is_none() && env("COUNTERSIGN_ENDPOINT")?.is_none() {
            return Ok(None);
        }
        Self::without_flags().map(Some)
    }

    /// The target of a command that has no flags for one.
    pub(super) fn without_flags() -> Result<Self, Failure> {
        #[derive(Debug, clap::Parser)]
        struct Alone {
            #[command(flatten)]
            target: TracedArgs<TargetArgs>,
        }
        let alone = read::<Alone>(&["countersign".into()]).map_err(|error| Failure::usage(error.to_string()))?;
        Self::resolve(alone.args.target)
    }

    /// The target's name in reports and in the snapshots folder.
    pub(super) fn name(&self) -> &str {
        match &self.choice {
            TargetChoice::Mock => "mock",
            TargetChoice::Emulator => "emulator",
            TargetChoice::Aws { .. } => "aws",
            TargetChoice::Endpoint { name, .. } => name,
        }
    }

    /// The arguments that name the target on a command line; `None` where its own arguments do, or nothing names one.
    pub(super) fn target_words(&self) -> Option<[String; 2]> {
        if !matches!(self.from.get("target"), Origin::Environment { .. } | Origin::File { .. }) {
            return None;
        }
        Some(match (&self.choice, &self.from.profile) {
            // Its other settings are in the file too.
            (_, Some(name)) => ["--target".to_owned(), name.clone()],
            (TargetChoice::Mock | TargetChoice::Emulator, None) => ["--target".to_owned(), self.name().to_owned()],
            (TargetChoice::Aws { endpoint: url, .. } | TargetChoice::Endpoint { url, .. }, None) => {
                ["--endpoint".to_owned(), url.to_string()]
            }
        })
    }

    /// The revision of the documents by which the target is judged.
    pub(super) fn revision(&self) -> Revision {
        self.revision.as_ref().map_or_else(|| Service::embedded().newest_revision(), |asked| asked.year)
    }

    /// The features that the target claims, of those that the documents of the revision know: those of the settings, or else its default. The mock and the emulator claim
    /// all that they have, AWS claims `signature`, and an endpoint claims nothing. `core` is always claimed.
    pub(super) fn features(&self) -> BTreeSet<Feature> {
        let mut features = self.claim.clone().unwrap_or_else(|| match &self.choice {
            TargetChoice::Emulator => {
                EmulatorOptions::FEATURES.iter().filter_map(|feature| feature.parse().ok()).collect::<BTreeSet<_>>()
            }
            TargetChoice::Mock => {
                let of_resources = Service::embedded().resources.iter().filter_map(feature_of);
                of_resources.chain([Feature::SIGNATURE]).collect()
            }
            TargetChoice::Aws { .. } => BTreeSet::from([Feature::SIGNATURE]),
            TargetChoice::Endpoint { .. } => BTreeSet::new(),
        });
        // A named resource claims its feature, whatever else is claimed.
        let named_resources = Service::embedded().resources.iter().filter(|of| self.resources.contains_key(&of.id));
        features.extend(named_resources.filter_map(feature_of));
        features.extend(self.clock.is_some().then_some(Feature::CLOCK));
        features.insert(Feature::CORE);
        features.retain(|feature| feature.holds_in(self.revision()));
        features
    }
}

/// The hooks of the profile that counts.
fn target_hooks(hooks: Hooks, from: &mut Origins) -> TargetHooks {
    for (name, hook) in [("hooks.setup", &hooks.setup), ("hooks.teardown", &hooks.teardown)] {
        if hook.is_some() {
            from.set(name, from.key(name));
        }
    }
    let (file, target) = (from.file.clone().unwrap_or_default(), from.profile.clone().unwrap_or_default());
    TargetHooks { file, target, hooks }
}

/// The database of the settings. A file of certificates that a `countersign.toml` names is looked for from its folder on.
fn database_setting(text: &str, from: &Origins) -> Result<DatabaseUrl, Failure> {
    let database = database_url(text, &from.place("database"))?;
    Ok(match from.get("database") {
        Origin::File { file, .. } => database.in_folder(file.parent().unwrap_or(Path::new(""))),
        Origin::Flag { .. } | Origin::Environment { .. } | Origin::Default => database,
    })
}

/// The URL of a database that was given at `place`.
fn database_url(text: &str, place: &str) -> Result<DatabaseUrl, Failure> {
    let database = text.parse::<DatabaseUrl>();
    let database = database.map_err(|error: InvalidDatabaseUrl| Failure::usage(format!("{place}: {error}")))?;
    let url = Url::parse(&format!("https://{}", database.host));
    if url.is_ok_and(|url| TargetPlace::of(&url) == TargetPlace::Aws) {
        return Err(Failure::refused(format!("{place} leads to real AWS, where no case logs in yet; leave it out")));
    }
    Ok(database)
}

/// What moves the target's clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ClockMover {
    Call(ClockCall),
    /// A command for the shell.
    Command(String),
}

impl fmt::Display for ClockMover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => call.fmt(f),
            Self::Command(command) => write!(f, "the command {command}"),
        }
    }
}

impl ClockMover {
    fn of(setting: ClockSetting, place: &str) -> Result<Self, Failure> {
        let (call, body) = match setting {
            ClockSetting::Command(command) => return Ok(Self::Command(command)),
            ClockSetting::Call { call, body } => (call, body),
        };
        let call = call.parse::<ClockCall>();
        match call.and_then(|call| body.map_or(Ok(call.clone()), |body| call.with_body(body))) {
            Ok(call) => Ok(Self::Call(call)),
            Err(error @ InvalidClockCall::Aws { .. }) => Err(Failure::refused(format!("{place}: {error}"))),
            Err(error) => Err(Failure::usage(format!("{place}: {error}"))),
        }
    }
}

/// The feature that a target claims by having a resource.
fn feature_of(resource: &Resource) -> Option<Feature> {
    resource.feature.as_ref()?.parse().ok()
}

/// The profiles of the file that the user named, or of the nearest `countersign.toml`. The nearest one is refused if
/// somebody else may have put it there. If the target `is_named` by its URL, it is ignored instead, because no profile
/// counts then.
fn load_profiles(file: Option<PathBuf>, is_named: bool, from: &mut Origins) -> Result<Profiles, Failure> {
    let found = || Profiles::find(&std::env::current_dir().ok()?);
    from.file = match file.or_else(found) {
        Some(found) if from.get("config") == Origin::Default => match followed(found) {
            Err(_) if is_named => None,
            followed => Some(followed?),
        },
        named => named,
    };
    match &from.file {
        Some(file) => Profiles::load(file).map_err(|error| Failure::usage(error.to_string())),
        None => Ok(Profiles::default()),
    }
}

/// Returns a file that the user did not name. Refuses it if somebody else may have put it there.
fn followed(file: PathBuf) -> Result<PathBuf, Failure> {
    match Distrust::of(&file, std::env::home_dir().as_deref()) {
        None => Ok(file),
        Some(why) => Err(Failure::refused(format!(
            "the profiles in {file} are not followed, because the file {why}; name it with --config {file} to use it, or \
             give --config /dev/null to use none",
            file = file_name(&file)
        ))),
    }
}

/// The name of the target, its URL, and its profile, which is empty if it has none.
fn choose(
    args: &TargetArgs,
    profiles: &Profiles,
    configured: Result<&ConfiguredServer, &String>,
    from: &mut Origins,
) -> Result<(String, Option<Url>, Profile), Failure> {
    let none = Profile::default();
    let (target, endpoint) = match (&args.target, &args.endpoint) {
        (None, None) => named_by_environment(from)?,
        (target, text) => {
            let url = text.as_deref().map(|text| endpoint_url("--endpoint", text)).transpose()?;
            from.set("target", Origin::Flag { name: if target.is_some() { "--target" } else { "--endpoint" }.into() });
            (target.clone(), url)
        }
    };
    if let Some(url) = endpoint {
        return Ok(("endpoint".to_owned(), Some(url), none));
    }
    if let (None, Some(_), Some(file)) = (&target, &profiles.target, &from.file) {
        from.set("target", Origin::File { file: file.clone(), key: "target".to_owned() });
    }
    let Some(name) = target.as_ref().or(profiles.target.as_ref()) else {
        let endpoint = configured_endpoint(configured, from)?;
        let name = if endpoint.is_some() { "endpoint" } else { "emulator" };
        return Ok((name.to_owned(), endpoint, none));
    };
    if let Some(profile) = profiles.targets.get(name) {
        let target = format!("the target \"{}\"", foreign(name));
        let Some(text) = &profile.endpoint else {
            return Err(Failure::usage(format!("{target} of countersign.toml has no endpoint")));
        };
        let url = endpoint_url(&target, text)?;
        from.profile = Some(name.clone());
        return Ok((name.clone(), Some(url), profile.clone()));
    }
    if ["mock", "emulator", "aws"].contains(&name.as_str()) {
        return Ok((name.clone(), None, none));
    }
    let place = from.place("target");
    // The name is not repeated: a URL may hold a password.
    if name.contains("://") || name.contains('@') {
        let words = "expected the name of a target, found what looks like a URL; give that with --endpoint";
        return Err(Failure::usage(format!("{place}: {words}")));
    }
    let mut known_names = vec!["mock", "emulator", "aws"];
    known_names.extend(profiles.targets.keys().map(String::as_str));
    let near = did_you_mean(name, known_names.iter().copied());
    Err(Failure::usage(format!(
        "{place}: there is no target \"{}\"{near}; there are {}. Name others in countersign.toml, or give a URL with --endpoint",
        foreign(name),
        foreign(&known_names.join(", "))
    )))
}

/// The endpoint that is configured for the SDKs, in variables or in their shared files. It counts only where no target
/// is named.
/// Source: AWS SDKs and Tools Reference Guide, service-specific endpoints.
fn configured_endpoint(
    configured: Result<&ConfiguredServer, &String>,
    from: &mut Origins,
) -> Result<Option<Url>, Failure> {
    let is_ignored = match configured {
        Ok(configured) => configured.ignores_endpoints,
        Err(_) => env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.is_some_and(|value| value.eq_ignore_ascii_case("true")),
    };
    for name in [Service::embedded().endpoint_variable(), "AWS_ENDPOINT_URL".to_owned()] {
        if let Some(value) = env(&name)?.filter(|_| !is_ignored) {
            let url = endpoint_url(&name, &value)?;
            from.set("target", Origin::Environment { name });
            return Ok(Some(url));
        }
    }
    // Nobody can tell which server a file means that cannot be read.
    let configured = configured.map_err(|error| {
        Failure::usage(format!("{error}. To test the reference emulator all the same, add --target emulator"))
    })?;
    let Some(FromFile { value, file, key }) = configured.endpoint.clone() else { return Ok(None) };
    let origin = Origin::File { file, key };
    let url = endpoint_url(&origin.to_string(), &value)?;
    from.set("target", origin);
    Ok(Some(url))
}

/// Refuses a setting that describes a server, where no server is named. Otherwise the reference emulator would be judged
/// in its place.
fn refuse_without_target(from: &Origins) -> Result<(), Failure> {
    if from.get("target") != Origin::Default {
        return Ok(());
    }
    let resources = Service::embedded().resources.iter().map(|resource| resource.flag.as_str());
    let describing =
        resources.chain(["region", "database", "denied-profile", "clock", "claim", "no-sign", "ca-file", "insecure"]);
    let given = describing.map(|name| (from.get(name), variable_of(name))).find_map(|(origin, own)| match origin {
        Origin::Flag { name } => Some(name),
        // A region of the AWS tools describes no single server.
        Origin::Environment { name } if name == own => Some(name),
        Origin::Environment { .. } | Origin::File { .. } | Origin::Default => None,
    });
    given.map_or(Ok(()), |given| {
        Err(Failure::usage(format!(
            "{given} describes a server, and nothing says which; add --endpoint URL, or --target emulator for the \
             reference emulator"
        )))
    })
}

/// The target or the URL that the environment names.
fn named_by_environment(from: &mut Origins) -> Result<(Option<String>, Option<Url>), Failure> {
    let (target, endpoint) = (env("COUNTERSIGN_TARGET")?, env("COUNTERSIGN_ENDPOINT")?);
    let name = match (&target, &endpoint) {
        (Some(_), Some(_)) => {
            let words = "COUNTERSIGN_TARGET and COUNTERSIGN_ENDPOINT are both set; unset one of them";
            return Err(Failure::usage(words));
        }
        (None, None) => return Ok((None, None)),
        (Some(_), None) => "COUNTERSIGN_TARGET",
        (None, Some(_)) => "COUNTERSIGN_ENDPOINT",
    };
    let url = endpoint.map(|text| endpoint_url(name, &text)).transpose()?;
    from.set("target", Origin::Environment { name: name.to_owned() });
    Ok((target, url))
}

/// The target, after the gate has checked it: real AWS must have been allowed.
fn gated(
    name: String,
    url: Option<Url>,
    region: &Region,
    resources: &BTreeMap<String, String>,
    allowed: Option<AllowedResource>,
) -> Result<TargetChoice, Failure> {
    let url = match (name.as_str(), url) {
        ("mock", None) => return Ok(TargetChoice::Mock),
        ("emulator", None) => return Ok(TargetChoice::Emulator),
        ("aws", None) => gate::aws_endpoint(region).ok_or_else(|| {
            Failure::usage(format!("AWS has no region such as {region}; name one that it has, such as us-east-1"))
        })?,
        (_, Some(url)) => url,
        (_, None) => return Err(Failure::usage(format!("the target \"{}\" has no endpoint", foreign(&name)))),
    };
    gate::check(allowed.as_ref(), &url, region, gate::names(resources))
        .map_err(|refusal| Failure::refused(refusal.to_string()))?;
    // Nobody knows how a proxy or a resolver treats a name with an empty part.
    if url.host_str().is_some_and(|host| host.contains("..") || host.starts_with('.')) {
        let url = foreign(url.as_str());
        return Err(Failure::usage(format!("expected a host name without empty parts between dots, found {url}")));
    }
    match allowed {
        Some(allowed) if TargetPlace::of(&url) == TargetPlace::Aws => {
            Ok(TargetChoice::Aws { endpoint: canonical(url), allowed })
        }
        _ => Ok(TargetChoice::Endpoint { name, url }),
    }
}

/// A URL whose host has no dot at its end. Certificates and signatures have host names without that dot.
fn canonical(mut url: Url) -> Url {
    if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) {
        // A host that is valid with the dot is valid without it.
        let _ = url.set_host(Some(&host));
    }
    url
}

fn region_named(name: &str, from: &Origins) -> Result<Region, Failure> {
    name.parse().map_err(|error: InvalidRegion| {
        let found = foreign_within(name, SHOWN);
        Failure::usage(format!("{}: {error}, found \"{found}\"", from.place("region")))
    })
}

/// Parses the URL of a target that was given at `place`. A text with an `@` is not repeated: it may hold a password.
fn endpoint_url(place: &str, text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| Failure::usage(format!("{place}: expected a URL such as http://localhost:4566{why}"));
    let found = if text.contains('@') { String::new() } else { format!(", found \"{}\"", foreign(text)) };
    if text.contains(['?', '#']) {
        return Err(wrong(", without query and fragment"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&format!("{found}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(&found));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(", without user and password; credentials are read from the environment"));
    }
    Ok(url)
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("expected seconds, such as 10, found \"{}\"", foreign(text)))?;
    within_an_hour(value)
}

fn within_an_hour(seconds: f64) -> Result<f64, String> {
    let wrong = || format!("expected 0.001 to 3600 seconds, found {seconds}");
    (0.001..=3600.0).contains(&seconds).then_some(seconds).ok_or_else(wrong)
}
