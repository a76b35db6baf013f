//! The command that shows the same answer again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::contract::{Contract, Feature};
use crate::corpus::{Call, ExpandedCase, SigningDefect};
use crate::targets::Target;
use crate::wire::Request;

/// The longest body that is shown as part of a line, in bytes.
const LONGEST_BODY: usize = 16 << 10;

/// A curl command for the request of a call, or a `countersign` command if curl cannot make the request. It takes
/// credentials from the environment, so it holds no secret.
pub(super) fn line(
    case: &ExpandedCase,
    call: &Call,
    request: &Request,
    (target, contract): (&Target, &Contract),
) -> String {
    if call.request.caller.is_some() || takes_an_answer(call) {
        return command(case, target, contract);
    }
    let raw = call.request.raw.as_ref();
    let body = std::str::from_utf8(&request.body).ok().filter(|_| raw.is_none_or(|raw| raw.encoding.is_none()));
    let Some(body) = body.filter(|body| body.len() <= LONGEST_BODY) else { return command(case, target, contract) };
    let signature = match raw.and_then(|raw| raw.signing) {
        _ if target.credentials.is_none() => String::new(),
        None => signing_options(target, contract, "$AWS_SECRET_ACCESS_KEY"),
        Some(SigningDefect::Unsigned) => String::new(),
        Some(SigningDefect::WrongSecret) => signing_options(target, contract, "not-the-secret"),
        Some(
            SigningDefect::WrongScheme
            | SigningDefect::NoSignature
            | SigningDefect::NoSignedHeaders
            | SigningDefect::ShortScope
            | SigningDefect::UnknownKey
            | SigningDefect::ChangedSignature
            | SigningDefect::WrongRegion
            | SigningDefect::WrongService
            | SigningDefect::StaleDate
            | SigningDefect::FutureDate
            | SigningDefect::ChangedBody
            | SigningDefect::ChangedTarget,
        ) => return command(case, target, contract),
    };
    let trusted = target.client.ca_file.as_ref().filter(|_| target.endpoint.scheme() == "https");
    let trusted = trusted.map(|file| format!("--cacert {} ", word(&file.to_string_lossy())));
    let trust = trusted.unwrap_or_default();
    let mut line = format!("curl -sS -i {trust}{signature}-X {}", word(&request.method));
    for name in ["content-type", "x-amz-target"] {
        // curl adds a content type of its own unless one is given or taken away.
        let header = request.headers.get(name).map_or_else(|| format!("{name}:"), |value| format!("{name}: {value}"));
        let _ = write!(line, " -H {}", word(&header));
    }
    let _ = write!(line, " --data-binary {}", word(body));
    let origin = target.endpoint.origin().ascii_serialization();
    let _ = write!(line, " {}", word(&format!("{origin}{}", request.target)));
    line
}

/// Whether the request holds a text of an earlier answer. It is of no use later, and may name an account.
fn takes_an_answer(call: &Call) -> bool {
    call.request.texts().any(|text| ["${steps.", "${escaped:steps."].iter().any(|name| text.contains(name)))
}

fn signing_options(target: &Target, contract: &Contract, secret: &str) -> String {
    let scope = format!("aws:amz:{}:{}", target.region, contract.service.signing_name.is);
    let has_token = target.credentials.as_ref().is_some_and(|credentials| credentials.session_token.is_some());
    let token = if has_token { "-H \"x-amz-security-token: $AWS_SESSION_TOKEN\" " } else { "" };
    format!("--aws-sigv4 {} --user \"$AWS_ACCESS_KEY_ID:{secret}\" {token}", word(&scope))
}

fn command(case: &ExpandedCase, target: &Target, contract: &Contract) -> String {
    let mut line = format!("countersign run {} --endpoint {}", word(&case.id), word(target.endpoint.as_str()));
    if case.operation != contract.service.default_operation {
        let _ = write!(line, " --operation {}", word(&case.operation));
    }
    let _ = write!(line, " --region {}", word(target.region.as_str()));
    for resource in &contract.service.resources {
        if let Some(name) = target.resources.get(&resource.id) {
            let _ = write!(line, " --{} {}", resource.flag, word(name));
        }
    }
    if let Some(file) = &target.client.ca_file {
        let _ = write!(line, " --ca-file {}", word(&file.to_string_lossy()));
    }
    if target.credentials.is_none() {
        line.push_str(" --no-sign");
    }
    let claims: BTreeSet<_> = target.features.iter().chain(&case.case.needs).collect();
    let words: Vec<_> = claims.into_iter().filter(|of| **of != Feature::CORE).map(|of| of.word()).collect();
    if !words.is_empty() {
        let _ = write!(line, " --claim {}", words.join(","));
    }
    line
}

/// A text as one word of a shell.
pub(crate) fn word(text: &str) -> String {
    let needs_no_quotes = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(needs_no_quotes) {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        let quoted = text.replace('\\', r"\\").replace('\'', r"\'");
        let escape = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        let escaped: String = quoted.chars().map(escape).collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a-b", "a-b")]
    #[case("", "''")]
    #[case(r#"{"a":1}"#, r#"'{"a":1}'"#)]
    #[case("it's", r"'it'\''s'")]
    #[case("$(reboot)", "'$(reboot)'")]
    #[case("a\nb'", "$'a\\u000ab\\''")]
    fn a_text_is_one_word_of_a_shell(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(word(text), expected);
    }
}
