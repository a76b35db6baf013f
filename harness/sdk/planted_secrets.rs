//! The secrets that the harness gives to drivers: keys, session tokens, the passwords of scripted answers. They are
//! masked in everything that is shown or kept of a driver's words.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::normalise::pattern;
use crate::sdk::cases::{ClientCase, ScriptedBody};
use crate::text::foreign_within;
use crate::wire::{Masker, is_password_name, quote};

/// The access key id of every call: the example in AWS's documentation.
pub(super) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";

/// The secret access key of every call: the example in AWS's documentation.
pub(super) const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A member whose name says that it is secret, with its value. The text around it need not be JSON.
pub(super) static SECRET_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)"([a-z]*(?:password|passwd|secret|token)[a-z]*)"\s*:\s*("(?:[^"\\]|\\.)*"|[0-9.]+)"#)
});

/// A key or token in a shared configuration file.
static PROFILE_SECRET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^\s*aws_(?:secret_access_key|access_key_id|session_token)\s*=\s*(\S+)"));

/// Shorter numbers occur in too many texts by chance.
const SHORTEST_NUMBER: usize = 4;

/// The first characters of a secret, this many, occur in no other text by chance.
pub(super) const LONG: usize = 8;

/// The longest name or version of a driver that is kept, in characters.
const NAME_LIMIT: usize = 200;

/// Every secret in the answers of a case, with the name of its member in lower case.
pub(super) fn sent_by(case: &ClientCase) -> Vec<(String, Json)> {
    let mut sent = Vec::new();
    for step in &case.script {
        let bytes = step.raw.as_ref().map_or_else(|| step.body_bytes(), ScriptedBody::bytes);
        // A script that cannot be played was refused when it was loaded.
        collect(&bytes.unwrap_or_default(), &mut sent);
    }
    sent
}

/// Every secret that the driver of a case gets: in its answers, its credentials, its environment.
pub(super) fn secrets_of(case: &ClientCase) -> BTreeSet<String> {
    let sent = sent_by(case);
    let texts = sent.iter().filter_map(|(_, value)| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()).filter(|digits| digits.len() >= SHORTEST_NUMBER),
        _ => None,
    });
    let request = &case.request;
    let variables = request.environment.iter().filter(|(name, _)| is_password_name(name)).map(|(_, text)| text.clone());
    let profile = request.profile.as_deref().unwrap_or_default();
    let of_profile = PROFILE_SECRET.captures_iter(profile).map(|found| found[1].to_owned());
    let secrets = keys().chain(texts).chain(variables).chain(of_profile).chain(request.session_token.clone());
    secrets.filter(|secret| !secret.trim().is_empty()).collect()
}

/// The keys of every call.
fn keys() -> impl Iterator<Item = String> {
    [ACCESS_KEY_ID, SECRET_ACCESS_KEY].into_iter().map(str::to_owned)
}

/// The secrets of all cases of a run. A driver process outlives a case, and may repeat later what it was told before.
pub(super) struct Planted {
    pub(super) masker: Masker,
    /// The secrets that are masked in every record, also of a case without them. Shorter ones may occur there by
    /// chance.
    pub(super) long: Vec<String>,
}

impl Planted {
    /// The secrets of a run of these cases.
    pub(super) fn of<'a>(cases: impl IntoIterator<Item = &'a ClientCase>) -> Self {
        let secrets: BTreeSet<String> = cases.into_iter().flat_map(secrets_of).chain(keys()).collect();
        let long = secrets.iter().filter(|secret| secret.chars().count() >= LONG).cloned().collect();
        Self { masker: Masker::new(secrets), long }
    }

    /// A name or a version from a driver, fit for a report.
    pub(super) fn name(&self, text: &str) -> String {
        // Masked before it is cut, so that no half of a secret is left. The length of a driver's line is bounded.
        let masked = self.masker.mask_escaped(text);
        // A version has digits, as passwords have. So only a text that calls itself secret is quoted as one.
        let masked = if is_password_name(&masked) { quote(&masked) } else { masked };
        foreign_within(&masked, NAME_LIMIT)
    }
}

/// Collects the secret members of an answer, by name in lower case, and any text that looks like one.
fn collect(body: &[u8], sent: &mut Vec<(String, Json)>) {
    if let Ok(Json::Object(members)) = serde_json::from_slice::<Json>(body) {
        let members = members.into_iter().filter(|(name, _)| is_password_name(name));
        sent.extend(members.map(|(name, value)| (name.to_ascii_lowercase(), value)));
    }
    // Finds repeated and nested members too, also in a body that is cut off or is not JSON.
    for found in SECRET_TEXT.captures_iter(&String::from_utf8_lossy(body)) {
        let value = serde_json::from_str(&found[2]).unwrap_or_else(|_| Json::from(found[2].trim_matches('"')));
        sent.push((found[1].to_ascii_lowercase(), value));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_a_case_gives_away_is_known() {
        let case = crate::contract::parse(
            "a.json",
            r#"{"id":"a/b","title":"t",
                "request":{"session_token":"the-token","environment":{"AWS_SESSION_TOKEN":"of-the-environment","AWS_REGION":"a-1"},
                    "profile":"[default]\nregion = b-1\naws_session_token = of-the-profile\n"},
                "script":[{"body":{"text":"{\"dbPassword\":\"p\",\"a\":{\"secret\":\"deep\"},\"token\":12345,\"dbUser\":\"u\"}"}}]}"#,
        )
        .expect("a case");
        let secrets = secrets_of(&case);
        for secret in ["the-token", "of-the-environment", "of-the-profile", "p", "deep", "12345", SECRET_ACCESS_KEY] {
            assert!(secrets.contains(secret), "{secret} is not in {secrets:?}");
        }
        assert!(["u", "a-1", "b-1"].iter().all(|public| !secrets.contains(*public)), "{secrets:?}");
    }

    #[test]
    fn secrets_are_found_in_answers_that_are_no_json() {
        let mut sent = Vec::new();
        collect(br#"{"dbPassword":"one","dbPassword":"two","x""#, &mut sent);
        let expected = ["one", "two"].map(|secret| ("dbpassword".to_owned(), Json::from(secret)));
        assert_eq!(sent, expected);
    }

    #[rstest]
    #[case::plain("CPython 3.11.7", "CPython 3.11.7")]
    #[case::a_version("1.0.0-alpha.20261122", "1.0.0-alpha.20261122")]
    #[case::a_package("@aws-sdk/token-providers", "@aws-sdk/token-providers")]
    #[case::a_key("with wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "with ***")]
    #[case::in_a_url("x%77JalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY", "***")]
    #[case::named("password=hunter2", "password=***")]
    #[case::codes("\u{1b}[31mred", "\\u{1b}[31mred")]
    fn the_names_of_a_driver_are_kept_without_secrets(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(Planted::of([]).name(text), expected);
    }
}
