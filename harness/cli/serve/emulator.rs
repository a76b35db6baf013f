//! `countersign serve emulator`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, iter};

use clap::Args;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use super::identities::identities;
use super::{Failure, Library, ReadyFormat, address, shell, until_interrupted};
use crate::corpus::{Defect, DefectKind};
use crate::selftest::{emulated_revision, upstream};
use crate::servers::defects::Layer;
#[cfg(feature = "login")]
use crate::servers::emulator::{Database, DoorOptions};
use crate::servers::emulator::{Emulator, EmulatorOptions, Revision};
use crate::text::{did_you_mean, file_name, foreign, meant};
use crate::wire::{Credentials, Region, Secret};

#[derive(Debug, Args)]
pub(in crate::cli) struct EmulatorArgs {
    /// Loopback address and port to listen on; port 0 takes a free one
    #[arg(long, env = "COUNTERSIGN_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:4567", value_parser = address)]
    listen: SocketAddr,

    /// Port to listen on
    #[arg(long, value_name = "PORT", hide = true)]
    port: Option<u16>,

    /// Region that callers must sign for; repeat it for more, which have nothing at the start
    #[arg(
        long = "region",
        env = "COUNTERSIGN_REGION",
        value_name = "REGION",
        value_delimiter = ',',
        default_value = "us-east-1"
    )]
    regions: Vec<Region>,

    /// Account that the emulator stands for, 12 digits
    #[arg(long, env = "COUNTERSIGN_ACCOUNT", value_name = "ID", default_value = "123456789012")]
    account: String,

    /// Workgroup to have; repeat it for more
    #[arg(
        long = "workgroup",
        env = "COUNTERSIGN_WORKGROUP",
        value_name = "NAME",
        value_delimiter = ',',
        default_values_t = EmulatorOptions::default().workgroups
    )]
    workgroups: Vec<String>,

    /// Custom domain to have, for the workgroup given or else the first one; repeat it for more
    /// [default: one for each workgroup, of the first one countersign-emulator.example.com]
    #[arg(
        long = "custom-domain",
        env = "COUNTERSIGN_CUSTOM_DOMAIN",
        value_name = "DOMAIN[=WORKGROUP]",
        value_delimiter = ','
    )]
    custom_domains: Vec<String>,

    /// Follow the documents as they were in this year: 2022, 2023 or 2024. Before 2024 there are no custom domains
    /// [default: the newest]
    #[arg(long, env = "COUNTERSIGN_REVISION", value_name = "YEAR")]
    revision: Option<Revision>,

    /// Access key id that callers sign with [default: a new random one]
    #[arg(long, env = "COUNTERSIGN_ACCESS_KEY_ID", value_name = "ID")]
    access_key_id: Option<String>,

    /// Secret access key that callers sign with [default: a new random one]. It is printed, and other
    /// users of this machine can see a command line: invent one, never give a real one
    #[arg(long, env = "COUNTERSIGN_SECRET_ACCESS_KEY", value_name = "SECRET", hide_env_values = true)]
    secret_access_key: Option<Secret>,

    /// Session token that callers must send [default: none, and none is accepted]
    #[arg(long, env = "COUNTERSIGN_SESSION_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    session_token: Option<Secret>,

    /// Database user to answer with, as IAM:<user> or IAMR:<role>
    #[arg(long, env = "COUNTERSIGN_USER", value_name = "NAME", default_value = "IAM:countersign")]
    user: String,

    /// File in which to save what is created, changed and deleted: JSON, without secrets. If it is there, it says what
    /// there is, and --workgroup and --custom-domain do not [default: nothing is saved]
    #[arg(long, env = "COUNTERSIGN_STATE", value_name = "FILE")]
    state: Option<PathBuf>,

    /// How long a workgroup is CREATING or MODIFYING, and how long it or a namespace is DELETING
    #[arg(long, env = "COUNTERSIGN_SETTLE", value_name = "SECONDS", default_value = "1", value_parser = settle)]
    settle: SignedDuration,
    /// File of more callers, with the IAM policies that say what each of them may do; the caller of the
    /// flags above may do everything
    #[arg(long, env = "COUNTERSIGN_IDENTITIES", value_name = "FILE")]
    identities: Option<PathBuf>,
    /// Let requests without a signature move the clock, so that passwords expire at once: POST JSON with
    /// `advance_seconds` or `set` to `/_countersign/clock`
    #[arg(long, env = "COUNTERSIGN_CONTROL")]
    control: bool,

    /// Loopback address and port where the passwords log in to the first workgroup, by the PostgreSQL protocol; port 0
    /// takes a free one, and so does each further workgroup
    #[cfg(feature = "login")]
    #[arg(long, env = "COUNTERSIGN_DOOR", value_name = "ADDR:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    door: SocketAddr,

    /// Let no password log in anywhere
    #[cfg(feature = "login")]
    #[arg(long, conflicts_with = "ca_out")]
    no_door: bool,

    /// PostgreSQL to have behind the door, such as <postgres://admin@localhost/dev>: each database user is a role there,
    /// until the emulator ends
    #[cfg(feature = "login")]
    // `COUNTERSIGN_DATABASE` is what `run` logs in with: a template, and of another database. It is read later: an error
    // of `clap` would show it, and there may be a password in it.
    #[arg(
        long,
        env = "COUNTERSIGN_EMULATOR_DATABASE",
        value_name = "URL",
        hide_env_values = true,
        conflicts_with = "no_door"
    )]
    database: Option<Secret>,

    /// Drop the roles that emulators left behind at the PostgreSQL of --database, list them, and end
    #[cfg(feature = "login")]
    #[arg(long, requires = "database")]
    drop_roles: bool,

    /// File to write the certificate to that clients of the door must trust [default: a temporary file]
    #[cfg(feature = "login")]
    #[arg(long, env = "COUNTERSIGN_CA_OUT", value_name = "FILE")]
    ca_out: Option<PathBuf>,

    /// Put this defect or legal variant before it; `countersign list defects` shows them all
    #[arg(long, env = "COUNTERSIGN_DEFECT", value_name = "ID")]
    defect: Option<String>,

    /// Take the defects of this fixtures folder instead of those that were compiled in
    #[arg(long, env = "COUNTERSIGN_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,

    /// What to print when ready: shell commands to read, or one line of JSON
    #[arg(long, value_enum, default_value_t = ReadyFormat::Text)]
    format: ReadyFormat,
}

impl EmulatorArgs {
    /// Whether it saves what it has in a file.
    pub(super) fn saves(&self) -> bool {
        self.state.is_some()
    }
}

pub(super) async fn serve(mut args: EmulatorArgs) -> Result<(), Failure> {
    let format = args.format;
    let defect = args.defect.take().map(|id| find(&id, args.fixtures.take())).transpose()?.map(Arc::new);
    if let Some(defect) = defect.as_ref().filter(|defect| defect.door.is_some()) {
        return Err(Failure::usage(format!(
            "--defect: {id} changes log-ins, and stands before the door of a self-test only; try it with `countersign \
             selftest {id}`",
            id = defect.id
        )));
    }
    // An entry of an older revision is a fault of a server of that time.
    if let Some(revision) = defect.as_ref().and_then(|defect| defect.revision).and_then(emulated_revision) {
        args.revision.get_or_insert(revision);
    }
    #[cfg(feature = "login")]
    let database = args.database.take().as_ref().map(door::database).transpose()?;
    #[cfg(feature = "login")]
    if let Some(database) = database.as_ref().filter(|_| args.drop_roles) {
        return door::drop_roles(database).await;
    }
    #[cfg(feature = "login")]
    let ca_out = args.ca_out.take();
    let identities = args.identities.take().map(|path| identities(&path)).transpose()?;
    let options = EmulatorOptions { identities, ..options(args) };
    #[cfg(feature = "login")]
    let options = EmulatorOptions { door: options.door.map(|door| DoorOptions { database, ..door }), ..options };
    let (listen, clock) = (options.listen, options.clock.clone());
    let layer = defect.clone().map(|defect| Layer::new(defect, upstream(&options)));
    let start = Emulator::start_behind(options, move |answer, request| match &layer {
        Some(layer) => layer.answer(request, clock.unmoved(), answer),
        None => Some(answer(request)),
    });
    #[cfg(feature = "login")]
    let mut ca_file = None;
    let ready = |emulator: &Emulator| {
        #[cfg(feature = "login")]
        let door = door::ready(emulator, ca_out.as_deref(), &mut ca_file)?;
        #[cfg(not(feature = "login"))]
        let door = ReadyDoor::default();
        ready(emulator, defect.as_deref(), door, format)
    };
    let emulator = until_interrupted(listen, start, ready).await?;
    let left = |error| Failure::usage(format!("the emulator leaves something behind: {error}"));
    emulator.close().await.map_err(left)
}

fn find(id: &str, fixtures: Option<PathBuf>) -> Result<Defect, Failure> {
    let (_, defects) = Library::load_with_defects(fixtures, None)?;
    let ids = || defects.entries().iter().map(|defect| defect.id.as_str());
    meant(id, ids()).and_then(|id| defects.get(id)).cloned().ok_or_else(|| {
        let near = did_you_mean(id, ids());
        Failure::usage(format!(
            "there is no defect \"{}\"{near}; `countersign list defects` shows them all",
            foreign(id)
        ))
    })
}

/// A time in seconds, at most an hour.
fn settle(text: &str) -> Result<SignedDuration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    let wrong = || format!("expected 0 to 3600 seconds, such as 0.5, found \"{}\"", foreign(text));
    seconds.map(SignedDuration::from_secs_f64).ok_or_else(wrong)
}

fn options(args: EmulatorArgs) -> EmulatorOptions {
    let new = EmulatorOptions::default();
    // The first default domain belongs to the first workgroup, whichever that is, and so on.
    let default_domains = new.custom_domains.into_keys().zip(args.workgroups.iter().cloned());
    let first = args.workgroups.first().cloned().unwrap_or_default();
    let domains = args.custom_domains.into_iter().map(|domain| match domain.split_once('=') {
        Some((domain, workgroup)) => (domain.to_owned(), workgroup.to_owned()),
        None => (domain, first.clone()),
    });
    let mut custom_domains = domains.collect::<BTreeMap<_, _>>();
    // A custom domain that is asked for is refused where there are none.
    let revision = args.revision.unwrap_or_default();
    if custom_domains.is_empty() && revision.has_custom_domains() {
        custom_domains.extend(default_domains);
    }
    let mut regions = args.regions.into_iter();
    EmulatorOptions {
        listen: SocketAddr::new(args.listen.ip(), args.port.unwrap_or(args.listen.port())),
        region: regions.next().unwrap_or(new.region),
        regions: regions.collect(),
        account: args.account,
        revision,
        workgroups: args.workgroups,
        namespace: new.namespace,
        custom_domains,
        credentials: Credentials {
            access_key_id: args.access_key_id.unwrap_or(new.credentials.access_key_id),
            secret_access_key: args.secret_access_key.unwrap_or(new.credentials.secret_access_key),
            session_token: args.session_token,
        },
        user: args.user,
        settle: args.settle,
        state: args.state,
        clock: new.clock,
        identities: None,
        case_callers: None,
        control: args.control,
        #[cfg(feature = "login")]
        door: (!args.no_door).then_some(DoorOptions { listen: args.door, ..DoorOptions::default() }),
    }
}

/// The ready line of `--format json`. Programs read it: its keys stay.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct Ready<'a> {
    /// Where it listens.
    endpoint: String,
    /// The region that requests are signed for.
    region: &'a str,
    /// The account that it plays.
    account: &'a str,
    /// The workgroups that it has.
    workgroups: &'a [String],
    /// The custom domain names that it has.
    custom_domains: Vec<&'a str>,
    /// The access key id that it accepts.
    access_key_id: &'a str,
    /// The secret that goes with it; good for nothing else.
    secret_access_key: &'a str,
    #[serde(flatten)]
    door: ReadyDoor,
}

/// What a client of the database door needs. Nothing, where there is no door.
#[derive(Default, Serialize, JsonSchema)]
struct ReadyDoor {
    /// Where the passwords log in: address and port for each workgroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    doors: Option<BTreeMap<String, String>>,
    /// The file with the certificate that clients must trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
}

#[cfg(feature = "login")]
mod door {
    use std::io::Write as _;
    use std::path::Path;
    use std::{fs, io};

    use tempfile::NamedTempFile;

    use super::{Database, Emulator, Failure, ReadyDoor};
    use crate::cli::output::harmless;
    use crate::text::file_name;
    use crate::wire::Secret;

    /// The PostgreSQL that a URL names. The error does not show the URL.
    pub(super) fn database(url: &Secret) -> Result<Database, Failure> {
        let place = "--database (or COUNTERSIGN_EMULATOR_DATABASE)";
        url.expose().parse().map_err(|error: String| Failure::usage(format!("{place}: {error}")))
    }

    /// Drops the roles that emulators left behind, and lists them.
    pub(super) async fn drop_roles(database: &Database) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::usage(error.to_string());
        let dropped = database.drop_roles().await.map_err(failed)?;
        let mut out = io::stdout().lock();
        for name in dropped {
            writeln!(out, "{}", harmless(&name, false)).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes the certificate of the door, and says where everything is. A temporary file goes when `temporary` does.
    pub(super) fn ready(
        emulator: &Emulator,
        ca_out: Option<&Path>,
        temporary: &mut Option<NamedTempFile>,
    ) -> io::Result<ReadyDoor> {
        let Some(authority) = emulator.authority() else { return Ok(ReadyDoor::default()) };
        let path = if let Some(path) = ca_out {
            let named = |error| io::Error::other(format!("cannot write {}: {error}", file_name(path)));
            fs::write(path, authority).map_err(named)?;
            path.to_owned()
        } else {
            let mut file = tempfile::Builder::new().prefix("countersign-ca-").suffix(".pem").tempfile()?;
            file.write_all(authority.as_bytes())?;
            let path = file.path().to_owned();
            *temporary = Some(file);
            path
        };
        let address = |name: &String| Some((name.clone(), emulator.door(name)?.to_string()));
        let doors = emulator.options().workgroups.iter().filter_map(address).collect();
        Ok(ReadyDoor { doors: Some(doors), ca_file: Some(path.to_string_lossy().into_owned()) })
    }
}

/// The text that says what a caller needs. It shows the emulator's own credentials, which are good for nothing else.
fn ready(emulator: &Emulator, defect: Option<&Defect>, door: ReadyDoor, format: ReadyFormat) -> io::Result<String> {
    let (options, service) = (emulator.options(), emulator.service());
    let (workgroups, custom_domains) = (service.workgroups(), service.custom_domains());
    let ready = Ready {
        endpoint: emulator.endpoint(),
        region: options.region.as_str(),
        account: &options.account,
        workgroups: &workgroups,
        custom_domains: custom_domains.iter().map(|(name, _)| name.as_str()).collect(),
        access_key_id: &options.credentials.access_key_id,
        secret_access_key: options.credentials.secret_access_key.expose(),
        door,
    };
    format.ready(&ready, &text(&ready, &custom_domains, options, defect))
}

fn text(
    ready: &Ready<'_>,
    custom_domains: &[(String, String)],
    options: &EmulatorOptions,
    defect: Option<&Defect>,
) -> String {
    let Ready { endpoint, region, account, .. } = ready;
    let mut behind = String::new();
    if let Some(Defect { id, kind, title, requirements, .. }) = defect {
        let kind = if *kind == DefectKind::Legal { "legal variant" } else { "defect" };
        let _ = writeln!(behind, "  {kind:<14}  {id}: {title}");
        if !requirements.is_empty() {
            let _ = writeln!(behind, "  breaks          {}", requirements.join(", "));
        }
    }
    if options.revision != Revision::default() {
        let _ = writeln!(behind, "  documents       those of {}", options.revision);
    }
    let domains = custom_domains.iter().map(|(name, workgroup)| format!("{name} ({workgroup})"));
    let domains = if options.revision.has_custom_domains() {
        format!("  custom domains  {}\n", domains.collect::<Vec<_>>().join(", "))
    } else {
        String::new()
    };
    let regions = iter::once(&options.region).chain(&options.regions).map(Region::as_str);
    if let Some(identities) = &options.identities {
        let _ = writeln!(behind, "  identities      {} more callers", identities.len());
    }
    for (workgroup, address) in ready.door.doors.iter().flatten() {
        let _ = writeln!(behind, "  door            {address} ({workgroup})");
    }
    if let Some(file) = &ready.door.ca_file {
        let _ = writeln!(behind, "  certificate     {file}");
    }
    let token = options.credentials.session_token.as_ref();
    let token = token.map(|token| format!("export AWS_SESSION_TOKEN={}", shell(token.expose())));
    // boto3 reads AWS_DEFAULT_REGION, the other SDKs AWS_REGION.
    let text = format!(
        "The reference emulator listens on {endpoint} (Ctrl-C stops it).
{behind}  region          {}
  account         {account}
  workgroups      {}
{domains}{}
Point an AWS client at it:

export AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS={endpoint}
export AWS_ACCESS_KEY_ID={}
export AWS_SECRET_ACCESS_KEY={}
{}
export AWS_REGION={region} AWS_DEFAULT_REGION={region}
",
        regions.collect::<Vec<_>>().join(", "),
        ready.workgroups.join(", "),
        options.state.as_deref().map(|path| format!("  saved in        {}\n", file_name(path))).unwrap_or_default(),
        shell(ready.access_key_id),
        shell(ready.secret_access_key),
        token.unwrap_or_else(|| "unset AWS_SESSION_TOKEN".to_owned()),
    );
    let Some(workgroup) = ready.workgroups.first() else { return text };
    let is_newest = options.revision == Revision::default();
    let revision = if is_newest { String::new() } else { format!(" --revision {}", options.revision) };
    format!(
        "{text}
Try it:

aws redshift-serverless get-credentials --region {region} --workgroup-name {workgroup}

Judge it:

countersign run --endpoint {endpoint} --workgroup {workgroup}{revision}"
    )
}

#[cfg(test)]
mod tests {
    use clap::builder::Resettable;
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct TestCli {
        #[command(flatten)]
        args: EmulatorArgs,
    }

    /// The options that these flags give, without the environment.
    fn parse(flags: &str) -> EmulatorOptions {
        let line = ["emulator"].into_iter().chain(flags.split_whitespace());
        let command = TestCli::command().mut_args(|argument| argument.env(Resettable::Reset));
        options(TestCli::from_arg_matches(&command.get_matches_from(line)).unwrap().args)
    }

    #[test]
    fn without_flags_the_emulator_has_workgroups_and_the_first_has_the_first_custom_domain() {
        let options = parse("");
        assert_eq!(options.check(), Ok(()));
        assert_eq!(options.listen, "127.0.0.1:4567".parse().unwrap());
        assert_eq!(options.workgroups, EmulatorOptions::default().workgroups);
        assert_eq!(options.custom_domains.values().next(), options.workgroups.first());
    }

    #[test]
    fn a_custom_domain_without_a_workgroup_stands_for_the_first_one() {
        let options = parse("--workgroup wg-1 --workgroup wg-2 --custom-domain a.bc --custom-domain d.ef=wg-2");
        assert_eq!(options.check(), Ok(()));
        assert_eq!(
            options.custom_domains.into_iter().collect::<Vec<_>>(),
            [("a.bc".into(), "wg-1".into()), ("d.ef".into(), "wg-2".into())]
        );
    }

    #[test]
    fn the_first_region_is_the_default_and_the_others_are_served_too() {
        let options = parse("--region eu-west-1 --region us-east-1 --region cn-north-1");
        assert_eq!(options.region.as_str(), "eu-west-1");
        assert_eq!(options.regions.iter().map(Region::as_str).collect::<Vec<_>>(), ["us-east-1", "cn-north-1"]);
    }

    #[test]
    fn nothing_is_saved_without_the_flag_and_things_settle_within_a_second() {
        let options = parse("");
        assert_eq!((options.state, options.settle), (None, SignedDuration::from_secs(1)));
        let options = parse("--state a.json --settle 0.25");
        assert_eq!((options.state, options.settle), (Some("a.json".into()), SignedDuration::from_millis(250)));
    }

    #[test]
    fn printing_the_arguments_masks_the_secrets() {
        let line = ["emulator", "--secret-access-key", "CANARY", "--session-token", "CANARY"];
        let printed = format!("{:?}", TestCli::try_parse_from(line).unwrap());
        assert!(!printed.contains("CANARY"), "{printed}");
    }
}
