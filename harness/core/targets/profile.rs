//! Target profiles: the file `countersign.toml`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::json;

use crate::contract::{Feature, Resource, Revision, Service};
use crate::files::read_text;
use crate::text::{did_you_mean, file_name, foreign, foreign_within};

/// The name of the file with profiles.
pub const FILE_NAME: &str = "countersign.toml";

/// What a `countersign.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profiles {
    /// The target of a run that names none.
    pub target: Option<String>,
    /// Targets by name.
    #[serde(default)]
    pub targets: BTreeMap<String, Profile>,
}

/// One target of a `countersign.toml`.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Its URL.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// Where the credentials that it gives log in.
    pub database: Option<String>,
    /// The profile of the AWS configuration whose identity it denies the operation.
    pub denied_profile: Option<String>,
    /// What moves its clock; with it, the target claims the feature `clock`.
    #[schemars(with = "Option<ClockForm>")]
    pub clock: Option<ClockSetting>,
    /// What a run does at the target before its cases and behind them.
    pub hooks: Option<Hooks>,
    /// The revision of the documents by which it is judged, by its year; the newest where it is not said.
    pub revision: Option<Revision>,
    /// The features that it claims beside `core`.
    pub claim: Option<Vec<Feature>>,
    /// Whether requests are signed; they are unless this is false.
    pub sign: Option<bool>,
    /// A file with PEM certificates to trust, relative to the folder of this file.
    pub ca_file: Option<PathBuf>,
    /// Whether the server's certificate is not checked; for servers on this machine only.
    pub insecure: Option<bool>,
    /// A file with known failures, relative to the folder of this file.
    pub baseline: Option<PathBuf>,
    /// How many cases are in flight together.
    pub jobs: Option<usize>,
    /// The time for one request, in seconds.
    pub timeout: Option<f64>,
    /// How long a run waits until it answers at all.
    pub wait: Option<Span>,
    /// How long a run waits for it when it is away in mid-run.
    pub patience: Option<Span>,
    /// How long a run may take.
    pub max_time: Option<Span>,
    /// How many calls a run may make.
    pub max_calls: Option<u32>,
    /// How many calls may begin in a second.
    pub rate: Option<f64>,
    /// The names of the resources that it has, each by the flag that names it.
    #[schemars(flatten)]
    pub resources: NamedResources,
}

/// What moves the clock of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockSetting {
    /// An HTTP call.
    Call {
        /// Its method and its URL.
        call: String,
        /// Its body, if it has a body of its own.
        body: Option<String>,
    },
    /// A command for the shell. It gets the number of seconds in an environment variable.
    Command(String),
}

/// How the clock of a target is written: a call, as for `--clock`, or a table.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum ClockForm {
    /// A call, such as `POST http://127.0.0.1:4566/_countersign/clock`.
    Call(String),
    /// A call or a command.
    Table(ClockTable),
}

/// What moves the clock of a target: exactly one of `call` and `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ClockTable {
    /// An HTTP call, such as `POST http://127.0.0.1:4566/_countersign/clock`. `{seconds}` in the path or the query stands
    /// for the number of seconds; it is negative to move the clock back.
    call: Option<String>,
    /// The body of the call, in which `{seconds}` stands for the number of seconds; `{"advance_seconds": {seconds}}`
    /// where it is not said.
    body: Option<String>,
    /// A command for the shell, which runs in the folder of this file. The number of seconds is in the environment
    /// variable `COUNTERSIGN_ADVANCE_SECONDS`; it is negative to move the clock back.
    command: Option<String>,
}

impl TryFrom<ClockTable> for ClockSetting {
    type Error = &'static str;

    fn try_from(table: ClockTable) -> Result<Self, &'static str> {
        match table {
            ClockTable { call: Some(call), body, command: None } => Ok(Self::Call { call, body }),
            ClockTable { call: None, body: None, command: Some(command) } => Ok(Self::Command(command)),
            _ => Err("expected either `call`, with or without a `body`, or `command`"),
        }
    }
}

impl<'de> Deserialize<'de> for ClockSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = ClockSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a call such as \"POST http://127.0.0.1:4566/_countersign/clock\", or a table with `call` or `command`")
            }

            fn visit_str<E>(self, text: &str) -> Result<ClockSetting, E> {
                Ok(ClockSetting::Call { call: text.to_owned(), body: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClockSetting, A::Error> {
                ClockTable::deserialize(MapAccessDeserializer::new(map))?.try_into().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

/// Commands for the shell that a run executes at the target, in the folder of this file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hooks {
    /// Is executed before the first case. It prints the names of what it made: a JSON object with keys of this file, such
    /// as `{"workgroup": "wg-1"}`.
    pub setup: Option<String>,
    /// Is executed behind the last case, whatever happened. What the set-up printed is its standard input.
    pub teardown: Option<String>,
    /// How long each of them may take; 5 minutes where it is not said.
    pub timeout: Option<Span>,
}

/// The names of resources, by the flags that name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedResources(pub BTreeMap<String, String>);

/// Reads key by key, so that an error tells the line of its key: a flattened map has no lines.
impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Profile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Profile, A::Error> {
                let mut profile = Profile::default();
                while let Some(Key(key)) = map.next_key()? {
                    match key.as_str() {
                        "endpoint" => profile.endpoint = map.next_value()?,
                        "region" => profile.region = map.next_value()?,
                        "database" => profile.database = map.next_value()?,
                        "denied-profile" => profile.denied_profile = map.next_value()?,
                        "revision" => profile.revision = map.next_value()?,
                        "clock" => profile.clock = map.next_value()?,
                        "hooks" => profile.hooks = map.next_value()?,
                        "claim" => profile.claim = map.next_value()?,
                        "sign" => profile.sign = map.next_value()?,
                        "ca-file" => profile.ca_file = map.next_value()?,
                        "insecure" => profile.insecure = map.next_value()?,
                        "baseline" => profile.baseline = map.next_value()?,
                        "jobs" => profile.jobs = map.next_value()?,
                        "timeout" => profile.timeout = map.next_value()?,
                        "wait" => profile.wait = map.next_value()?,
                        "patience" => profile.patience = map.next_value()?,
                        "max-time" => profile.max_time = map.next_value()?,
                        "max-calls" => profile.max_calls = map.next_value()?,
                        "rate" => profile.rate = map.next_value()?,
                        _ => drop(profile.resources.0.insert(key, map.next_value()?)),
                    }
                }
                Ok(profile)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// A length of time: a number of seconds, or a text with units, such as `30s`. At most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    const LONGEST: SignedDuration = SignedDuration::from_hours(24);

    fn of_seconds(seconds: f64) -> Result<Self, String> {
        let span = SignedDuration::try_from_secs_f64(seconds).ok();
        span.and_then(Self::within_a_day).ok_or_else(|| wrong_span(&seconds.to_string()))
    }

    fn within_a_day(span: SignedDuration) -> Option<Self> {
        (SignedDuration::ZERO..=Self::LONGEST).contains(&span).then(|| Self(span.unsigned_abs()))
    }
}

fn wrong_span(found: &str) -> String {
    format!("expected a time of at most a day, such as 30s or 2m, found \"{}\"", foreign(found))
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seconds) = text.parse() {
            return Self::of_seconds(seconds);
        }
        text.parse().ok().and_then(Self::within_a_day).ok_or_else(|| wrong_span(text))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl Visitor<'_> for Form {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds, or a text such as \"30s\"")
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Span, E> {
                Span::of_seconds(seconds).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of seconds, or a text with units, such as 30s. At most a day.",
            "anyOf": [{ "type": "number", "minimum": 0, "maximum": 86400 }, { "type": "string" }],
        })
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const PLAIN: [&str; 19] = [
            "endpoint",
            "region",
            "database",
            "denied-profile",
            "clock",
            "hooks",
            "revision",
            "claim",
            "sign",
            "ca-file",
            "insecure",
            "baseline",
            "jobs",
            "timeout",
            "wait",
            "patience",
            "max-time",
            "max-calls",
            "rate",
        ];
        let key = String::deserialize(deserializer)?;
        let known_names = PLAIN.into_iter().chain(Service::embedded().resources.iter().map(|of| of.flag.as_str()));
        let known_names: Vec<_> = known_names.collect();
        if known_names.contains(&key.as_str()) {
            return Ok(Self(key));
        }
        let near = did_you_mean(&key, known_names.iter().copied());
        let known_names: Vec<_> = known_names.iter().map(|name| format!("`{name}`")).collect();
        Err(de::Error::custom(format_args!("unknown field `{key}`{near}, expected one of {}", known_names.join(", "))))
    }
}

impl JsonSchema for NamedResources {
    fn schema_name() -> Cow<'static, str> {
        "NamedResources".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |resource: &Resource| json!({ "description": resource.help, "type": "string" });
        let resources = &Service::embedded().resources;
        let properties: serde_json::Map<_, _> =
            resources.iter().map(|resource| (resource.flag.clone(), text(resource))).collect();
        json_schema!({ "type": "object", "properties": properties })
    }
}

/// A file with profiles that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {reason}", file_name(.file))]
pub struct ProfileError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Profiles {
    /// Reads a file; paths in it start from its folder.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or has something that no profile has.
    pub fn load(file: &Path) -> Result<Self, ProfileError> {
        let wrong = |reason: String| ProfileError { file: file.to_owned(), reason };
        let text = read_text(file).map_err(|error| wrong(error.to_string()))?;
        let mut profiles: Self = toml::from_str(&text).map_err(|error| wrong(error_text(&error)))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for profile in profiles.targets.values_mut() {
            for path in [&mut profile.ca_file, &mut profile.baseline].into_iter().flatten() {
                *path = folder.join(&*path);
            }
        }
        Ok(profiles)
    }

    /// The nearest such file, in `from` or in a folder above it.
    pub fn find(from: &Path) -> Option<PathBuf> {
        from.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
    }
}

/// Why a file that the user did not name is not used. It decides where requests go, and another user may have put it
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Another user owns it, or a link that leads to it.
    #[error("belongs to another user")]
    Owner,
    /// It lies above the home folder, where others may write.
    #[error("lies above the home folder")]
    AboveHome,
}

impl Distrust {
    /// Why a file that the user did not name is not used; `None` if it is used.
    pub fn of(file: &Path, home: Option<&Path>) -> Option<Self> {
        if is_foreign(file) {
            return Some(Self::Owner);
        }
        // Without a home folder, no file lies above it.
        let (folder, home) = (file.parent()?.canonicalize().ok()?, home?.canonicalize().ok()?);
        (home != folder && home.starts_with(&folder)).then_some(Self::AboveHome)
    }
}

/// Whether a file, or a link that leads to it, belongs to another user.
#[cfg(unix)]
fn is_foreign(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    /// The most links that Linux follows.
    const LINKS: usize = 40;
    let own = rustix::process::geteuid().as_raw();
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        match file.symlink_metadata() {
            Ok(data) if data.uid() != own => return true,
            Ok(data) if data.is_symlink() => {
                let Ok(target) = file.read_link() else { return true };
                file = file.parent().unwrap_or(Path::new("")).join(target);
            }
            // If its owner cannot be read, reading the file gives the error.
            Ok(_) | Err(_) => return false,
        }
    }
    true
}

/// On Windows the owner of a file is not checked.
#[cfg(not(unix))]
fn is_foreign(_: &Path) -> bool {
    false
}

/// What is wrong, and where. The line itself may hold a secret, and is not shown.
fn error_text(error: &toml::de::Error) -> String {
    const LONGEST: usize = 400;
    let text = error.to_string();
    let place = text.lines().next().unwrap_or_default();
    format!("{}: {}", foreign(place), foreign_within(error.message(), LONGEST))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn load(text: &str) -> Result<Profiles, ProfileError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(FILE_NAME);
        std::fs::write(&file, text).expect("the folder is writable");
        let mut loaded = Profiles::load(&file)?;
        for profile in loaded.targets.values_mut() {
            profile.baseline =
                profile.baseline.take().map(|path| path.strip_prefix(folder.path()).expect("inside").to_owned());
        }
        Ok(loaded)
    }

    #[test]
    fn a_profile_is_read_with_its_paths_from_the_folder_of_the_file() {
        let text = "target = \"mine\"\n[targets.mine]\nendpoint = \"http://localhost:4566\"\nclaim = [\"custom-domain\"]\nbaseline = \"known.json\"\n";
        let profiles = load(text).expect("the file is right");
        let profile = &profiles.targets["mine"];
        assert_eq!(profiles.target.as_deref(), Some("mine"));
        assert_eq!(profile.claim, Some(vec!["custom-domain".parse().expect("there is one")]));
        assert_eq!(profile.baseline.as_deref(), Some(Path::new("known.json")));
    }

    #[test]
    fn every_file_that_the_documents_show_is_one() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/running.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let blocks: Vec<_> = page.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        assert!(blocks.len() >= 3, "{blocks:?}");
        let profiles = blocks.iter().map(|block| load(block).unwrap_or_else(|error| panic!("{error}: {block}")));
        let profiles: Vec<_> = profiles.flat_map(|profiles| profiles.targets.into_values()).collect();
        assert!(profiles.iter().any(|profile| profile.hooks.is_some()), "{profiles:?}");
        for profile in profiles.iter().filter_map(|profile| profile.clock.as_ref()) {
            let ClockSetting::Call { call, body } = profile else { continue };
            let call: crate::targets::ClockCall = call.parse().expect("a call");
            assert!(body.clone().is_none_or(|body| call.with_body(body).is_ok()), "{body:?}");
        }
    }

    #[rstest]
    #[case::seconds("30", Some(30_000))]
    #[case::with_a_unit("30s", Some(30_000))]
    #[case::minutes("2m", Some(120_000))]
    #[case::parts_of_seconds("0.25", Some(250))]
    #[case::several_units("1m 30s", Some(90_000))]
    #[case::nothing("0", Some(0))]
    #[case::a_day("24h", Some(86_400_000))]
    #[case::more("25h", None)]
    #[case::negative("-1s", None)]
    #[case::no_number("soon", None)]
    #[case::not_a_number("nan", None)]
    #[case::endless("inf", None)]
    fn a_span_is_seconds_or_has_units(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        let expected = milliseconds.map(|milliseconds| Span(Duration::from_millis(milliseconds)));
        assert_eq!(text.parse().ok(), expected);
        let in_a_file = load(&format!("[targets.mine]\nwait = \"{text}\""));
        assert_eq!(in_a_file.ok().and_then(|profiles| profiles.targets["mine"].wait), expected);
    }

    #[rstest]
    #[case::in_the_home("a/b/countersign.toml", "a/b", None)]
    #[case::below_it("a/b/c/countersign.toml", "a/b", None)]
    #[case::beside_it("a/c/countersign.toml", "a/b", None)]
    #[case::above_it("a/countersign.toml", "a/b", Some(Distrust::AboveHome))]
    #[case::far_above_it("countersign.toml", "a/b", Some(Distrust::AboveHome))]
    #[case::name_that_begins_alike("a/b/countersign.toml", "a/bc", None)]
    fn a_file_above_the_home_folder_is_not_followed(
        #[case] file: &str,
        #[case] home: &str,
        #[case] expected: Option<Distrust>,
    ) {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["a/b/c", "a/bc", "a/c"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("the folder is writable");
        }
        let file = root.path().join(file);
        std::fs::write(&file, "").expect("the folder is writable");
        assert_eq!(Distrust::of(&file, Some(&root.path().join(home))), expected);
        assert_eq!(Distrust::of(&file, None), None);
    }

    #[rstest]
    #[case::not_toml("target =", "line 1")]
    #[case::unknown_key("[targets.a]\nendpiont = \"x\"", "endpiont")]
    #[case::unknown_feature("[targets.a]\nclaim = [\"speed\"]", "speed")]
    #[case::a_key_that_there_is_not("[targets.mine]\nsecret_access_key = \"canary-7\"\n", "line 2")]
    #[case::another_file("aws_secret_access_key = canary-7\n", "line 1")]
    #[case::json(&format!("{{\"event\":\"{}\"}}", "x".repeat(100_000)), "line 1")]
    #[case::too_large(&"\0".repeat(17 << 20), "at most 16 MiB")]
    #[case::escape_code("[targets.a]\nregion = \"\u{1b}[2J\"", "line 2")]
    fn a_wrong_file_is_refused_with_the_place_and_in_a_few_words(#[case] text: &str, #[case] expected: &str) {
        let error = load(text).expect_err("the file is wrong").to_string();
        assert!(error.contains(expected) && error.contains(FILE_NAME) && error.len() < 500, "{error}");
        // The message shows no line that may hold a secret, and no control character.
        assert!(!error.contains("canary") && !error.contains('\u{1b}'), "{error:?}");
    }
}
