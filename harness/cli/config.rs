//! `countersign config`: the settings, each with where it came from.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Failure;
use super::origin::{Origin, TracedArgs};
use super::output::{TextOrJson, print, print_json, width};
use super::settings::{Settings, TargetArgs, TargetChoice};
use crate::contract::Service;
use crate::report::hang;
use crate::text::foreign;
use crate::verdict::Restrained;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Show each setting that a run with these flags would have, and where it came from
    ///
    /// Nothing is sent and nothing secret is shown: of credentials, only where they come from.
    #[command(after_help = super::examples::CONFIG_SHOW)]
    Show(Box<ConfigShowArgs>),
}

#[derive(Debug, Args)]
pub(super) struct ConfigShowArgs {
    #[command(flatten)]
    target: TracedArgs<TargetArgs>,

    /// Lines for people, or one JSON object
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,
}

/// The settings of a run, each with where it came from.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ShownSettings {
    /// The version of this format: 1.
    version: u32,
    /// The settings.
    settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Serialize, JsonSchema)]
struct Setting {
    /// Its name: that of its flag.
    name: &'static str,
    /// Its value; null where there is none.
    value: Value,
    /// Where it came from.
    origin: Origin,
}

pub(super) fn run(config: ConfigCommand) -> Result<ExitCode, Failure> {
    let ConfigCommand::Show(show) = config;
    let settings = Settings::resolve(show.target)?;
    let settings_shown = ShownSettings { version: 1, settings: all(&settings) };
    match show.format {
        TextOrJson::Json => print_json(&settings_shown),
        TextOrJson::Text => print(&text(&settings_shown, width())),
    }
}

fn all(settings: &Settings) -> Vec<Setting> {
    let from = &settings.from;
    let setting = |name: &'static str, value: Value| Setting { name, value, origin: from.get(name) };
    let url = match &settings.choice {
        TargetChoice::Mock | TargetChoice::Emulator => Value::Null,
        TargetChoice::Aws { endpoint: url, .. } | TargetChoice::Endpoint { url, .. } => json!(url.as_str()),
    };
    let allowed = match &settings.choice {
        TargetChoice::Aws { allowed, .. } => json!(format!("{}/{}", allowed.region, allowed.resource)),
        TargetChoice::Mock | TargetChoice::Emulator | TargetChoice::Endpoint { .. } => Value::Null,
    };
    // A profile's endpoint has a key of its own.
    let of_url = match (&url, &from.profile) {
        (Value::Null, _) => Origin::Default,
        (_, Some(_)) => from.key("endpoint"),
        (_, None) => from.get("target"),
    };
    let features: Vec<_> = settings.features().iter().map(|feature| feature.word()).collect();
    let mut all = vec![
        setting("target", json!(settings.name())),
        Setting { name: "endpoint", value: url, origin: of_url },
        setting("region", json!(settings.region.as_str())),
    ];
    all.extend(Service::embedded().resources.iter().map(|resource| {
        setting(&resource.flag, json!(settings.resources.get(&resource.id).or(resource.default.as_ref())))
    }));
    all.push(setting("database", json!(settings.database.as_ref().map(ToString::to_string))));
    all.push(setting("denied-profile", json!(settings.denied_profile)));
    all.push(setting("clock", json!(settings.clock.as_ref().map(ToString::to_string))));
    let hooks = settings.hooks.as_ref().map(|of| &of.hooks);
    for (name, hook) in [
        ("hooks.setup", hooks.and_then(|hooks| hooks.setup.as_ref())),
        ("hooks.teardown", hooks.and_then(|hooks| hooks.teardown.as_ref())),
    ] {
        all.push(setting(name, json!(hook)));
    }
    all.push(setting("revision", json!(settings.revision())));
    all.extend([setting("claim", json!(features)), setting("no-sign", json!(!settings.sign))]);
    all.extend(credentials(settings));
    all.extend([
        setting("ca-file", json!(settings.client.ca_file)),
        setting("insecure", json!(settings.client.insecure)),
        setting("timeout", json!(settings.client.timeout.as_secs_f64())),
        setting("wait", json!(settings.wait.as_secs_f64())),
        setting("patience", json!(settings.patience.as_secs_f64())),
        setting("max-time", json!(settings.max_time.map(|time| time.as_secs_f64()))),
        setting("max-calls", json!(settings.restraint.max_calls)),
        setting("rate", json!(settings.restraint.rate)),
        setting("allow-aws", allowed),
        setting("allow-create", json!(settings.restraint.consents.contains(&Restrained::Create))),
        setting("allow-raw", json!(settings.restraint.consents.contains(&Restrained::Raw))),
        setting("jobs", json!(settings.jobs)),
        setting("baseline", json!(settings.baseline)),
        setting("config", json!(from.file)),
    ]);
    all
}

/// Where the credentials of a run come from. Looking further would run programs or ask servers.
fn credentials(settings: &Settings) -> Option<Setting> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let environment = |name: &str| Origin::Environment { name: name.to_owned() };
    if !settings.sign || matches!(settings.choice, TargetChoice::Mock | TargetChoice::Emulator) {
        return None;
    }
    let (value, origin) = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(key), Some(_)) => (format!("access key id {}", mask(&key)), environment("AWS_ACCESS_KEY_ID")),
        _ => match variable("AWS_PROFILE") {
            Some(profile) => (format!("profile {profile}"), environment("AWS_PROFILE")),
            None => ("profile default".to_owned(), Origin::Default),
        },
    };
    Some(Setting { name: "credentials", value: json!(value), origin })
}

/// An access key id of which only the kind is shown, such as `AKIA`.
fn mask(key: &str) -> String {
    const KIND: usize = 4;
    let kind: String = key.chars().take(KIND).collect();
    let is_known_kind = key.len() >= 16 && kind.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_known_kind { format!("{kind}***") } else { "***".to_owned() }
}

fn text(settings_shown: &ShownSettings, width: usize) -> String {
    let word = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => foreign(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let names = settings_shown.settings.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    let lines = settings_shown.settings.iter().map(|Setting { name, value, origin }| {
        hang(&format!("{name:names$}  "), &format!("{} ({})", word(value), origin), width)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AKIAIOSFODNN7EXAMPLE", "AKIA***")]
    #[case("test", "***")]
    #[case("my-own-access-key-id", "***")]
    fn of_an_access_key_id_only_its_kind_is_shown(#[case] key: &str, #[case] masked: &str) {
        assert_eq!(mask(key), masked);
    }
}
