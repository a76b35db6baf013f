//! Credentials from the program that a profile names in `credential_process`.
//! Source: the AWS SDKs and Tools Reference Guide, "Process credential provider".

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::FoundCredentials;
use crate::cli::output::say;
use crate::text::foreign;
use crate::wire::{Credentials, Secret};

/// At most this many bytes of the program's output are read. A session token has a few thousand bytes.
const OUTPUT_LIMIT: u64 = 256 << 10;

/// How long the program may take before the user is told that the run waits for it.
const SILENT_WAIT: Duration = Duration::from_secs(5);

/// What the program prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    version: u64,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<Timestamp>,
}

/// Runs the program of a profile in a shell, and reads the credentials that it prints.
///
/// # Errors
/// When the program fails, or does not print credentials. The error repeats nothing of the output, which may hold the
/// secret.
pub(super) async fn credentials(program: &str, profile: &str) -> Result<FoundCredentials, String> {
    let printed = printed(program);
    tokio::pin!(printed);
    let output = tokio::select! {
        output = &mut printed => output,
        () = tokio::time::sleep(SILENT_WAIT) => {
            say(&format!("waiting for the credentials of the profile \"{}\"", foreign(profile)));
            printed.await
        }
    };
    let output = output.ok_or_else(|| {
        format!(
            "the program in credential_process of the profile \"{}\" gave none; run it by itself to see why",
            foreign(profile)
        )
    })?;
    let credentials = Credentials::new(output.access_key_id, output.secret_access_key);
    let credentials = credentials.with_session_token(output.session_token);
    Ok(FoundCredentials { credentials, expires: output.expiration })
}

async fn printed(program: &str) -> Option<Output> {
    let mut command = if cfg!(windows) { Command::new("cmd.exe") } else { Command::new("sh") };
    command.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().ok()?;
    let mut output = Vec::new();
    child.stdout.take()?.take(OUTPUT_LIMIT).read_to_end(&mut output).await.ok()?;
    let succeeded = child.wait().await.ok()?.success();
    let output: Output = serde_json::from_slice(&output).ok()?;
    (succeeded && output.version == 1).then_some(output)
}

#[cfg(all(test, unix))]
mod tests {
    use rstest::rstest;

    use super::*;

    const KEYS: &str = r#""AccessKeyId":"AKID","SecretAccessKey":"secret""#;

    #[rstest]
    #[case::keys(&format!(r#"{{"Version":1,{KEYS}}}"#), None, None)]
    #[case::temporary(
        &format!(r#"{{"Version":1,{KEYS},"SessionToken":"token","Expiration":"2026-11-22T01:02:03Z"}}"#),
        Some("token"),
        Some("2026-11-22T01:02:03Z")
    )]
    #[tokio::test]
    async fn a_program_gives_its_keys(
        #[case] output: &str,
        #[case] token: Option<&str>,
        #[case] expires: Option<&str>,
    ) {
        let found = credentials(&format!("printf '%s' '{output}'"), "p").await.expect("credentials");
        assert_eq!(found.credentials.access_key_id, "AKID");
        assert_eq!(found.credentials.secret_access_key.expose(), "secret");
        assert_eq!(found.credentials.session_token.as_ref().map(Secret::expose), token);
        assert_eq!(found.expires, expires.map(|text| text.parse().expect("a time")));
    }

    #[rstest]
    #[case::no_program("/nowhere/program")]
    #[case::no_json("echo CANARY")]
    #[case::another_version(r#"echo '{"Version":2,"AccessKeyId":"AKID","SecretAccessKey":"CANARY"}'"#)]
    #[case::half(r#"echo '{"Version":1,"AccessKeyId":"CANARY"}'"#)]
    #[case::failure(r#"echo '{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"CANARY"}'; exit 1"#)]
    #[case::endless("yes CANARY")]
    #[tokio::test]
    async fn of_a_program_that_gives_none_nothing_is_repeated(#[case] program: &str) {
        let said = credentials(program, "p").await.expect_err("it gives none");
        assert!(said.contains("run it by itself") && !said.contains("CANARY"), "{said}");
    }
}
