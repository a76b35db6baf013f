//! What is shown of the texts that servers send in errors, and that none of it shows a secret of the same form.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rstest::rstest;

use super::{Masker, SeenSecrets, quote};
use crate::contract::ContractNames;
use crate::wire::{Headers, Response};

/// Each text with the number of its line, and what is shown of it.
fn texts() -> Vec<(usize, String, &'static str)> {
    let lines: Vec<_> = include_str!("server_texts.txt").lines().enumerate().skip(2).collect();
    let is_text = |line: &str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("=> ");
    let texts = lines.iter().filter(|(_, line)| is_text(line));
    texts
        .map(|(number, text)| {
            let next = lines.get(number - 1).and_then(|(_, line)| line.strip_prefix("=> "));
            (number + 1, text.replace("\\n", "\n"), next.unwrap_or(text))
        })
        .collect()
}

#[test]
fn what_a_server_says_is_shown_without_its_secrets_and_identities() {
    let texts = texts();
    assert!(texts.len() > 90, "{} texts", texts.len());
    for (number, text, expected) in texts {
        // A quotation has at most 200 characters.
        let cut: String = expected.chars().take(200).collect();
        let expected = if cut == expected { cut } else { format!("{cut}…") };
        assert_eq!(quote(&text), expected, "line {number}");
    }
}

fn coded<T>(units: impl Iterator<Item = T>, code: impl Fn(T) -> String) -> String {
    units.map(code).collect::<Vec<_>>().concat()
}

#[rstest]
#[case::product("nginx/1.22.1")]
#[case::product_with_a_suffix("OpenSSL/3.0.2-0ubuntu1.10")]
#[case::product_of_one_number("Microsoft_IIS/10")]
#[case::basic_time("20261127T070000Z")]
#[case::time("2026-11-27T07:00:00Z")]
#[case::time_of_java("2026-11-27T08:00:00.123+01:00[Europe/Berlin]")]
#[case::day("27-Nov-2026")]
#[case::day_of_digits("20261127")]
#[case::date_of_http("Fri, 27 Nov 2026 07:00:00 GMT")]
#[case::scope("20261127/us-east-1/sqs/aws4_request")]
#[case::length_of_time("1h30m29.998s")]
#[case::arn("arn:aws:iam:us-east-1:aws:root")]
#[case::path("/usr/lib/python3.11/site-packages/app.py")]
#[case::host("queue.us-east-1.amazonaws.com")]
#[case::technical("base64sha256")]
#[case::standard("ISO-8601")]
#[case::class("org.apache.coyote.http11.Http11Processor")]
#[case::count("maxAge=86400")]
#[case::capitals("UNAUTHENTICATED")]
#[case::error("JsonWebTokenError")]
#[case::nobody("anonymous")]
#[case::reason("Internal Server Error")]
fn a_secret_in_the_form_of_something_public_is_masked_all_the_same(#[case] secret: &str) {
    let escaped = coded(secret.encode_utf16(), |unit| format!("\\u{unit:04x}"));
    let in_url = coded(secret.bytes(), |byte| format!("%{byte:02X}"));
    let in_html = coded(secret.bytes(), |byte| format!("&#{byte};"));
    let hexadecimal = coded(secret.bytes(), |byte| format!("{byte:02x}"));
    let pair = format!("user:{secret}");
    let echoes = [
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        format!("'{secret}'"),
        format!("server={secret}/x"),
        escaped,
        in_url,
        in_html,
        BASE64_STANDARD.encode(secret),
        BASE64_STANDARD.encode(pair),
        hexadecimal,
    ];
    let names = ContractNames::embedded().sensitive.iter().map(String::as_str).chain(["secretAccessKey"]);
    for (member, status) in names.flat_map(|name| [(name, 200), (name, 400)]) {
        let body = serde_json::json!({ member: secret }).to_string().into_bytes();
        let answer = Response { status, headers: Headers::new(), body };
        let seen = SeenSecrets::new([]);
        seen.learn(&answer);
        for masker in [seen.masker(), Masker::default().with_answer(&answer)] {
            for echo in &echoes {
                let quoted = masker.quote(&format!("you got {echo} before"));
                let lower = quoted.to_lowercase();
                let is_shown = [secret, echo].iter().any(|text| lower.contains(&text.to_lowercase()));
                assert!(quoted.contains("***") && !is_shown, "{member} {secret} as {echo}: {quoted}");
            }
        }
    }
}
