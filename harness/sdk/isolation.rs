//! A network of its own for a run of an SDK: a Linux network namespace that has only loopback.
//!
//! The whole `sdk run` moves into it, since the scripted servers must be in the driver's network and the harness needs
//! no other. There, a connection of an SDK to any other address fails at once.

use std::ffi::OsString;
use std::process::{Command, Stdio};

/// Set for the program that runs inside, so that it does not try to move again.
const MOVED: &str = "COUNTERSIGN_SDK_MOVED";

/// Brings loopback up, then runs the command in its place.
const INSIDE: &str = r#"ip link set lo up && exec "$0" "$@""#;

/// Whether this process has no network device but loopback.
pub fn is_isolated() -> bool {
    let Ok(devices) = std::fs::read_to_string("/proc/net/dev") else { return false };
    // Two lines of headings, then a line for each device.
    let mut names = devices.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.all(|name| name == "lo")
}

/// The command that runs this program again, with the same arguments, in a network with only loopback.
///
/// # Errors
/// When it cannot be done here; the message says why.
pub fn command() -> Result<Command, String> {
    if std::env::var_os(MOVED).is_some() {
        return Err("this program was moved already, and still has other devices than loopback".to_owned());
    }
    let program = std::env::current_exe().map_err(|error| format!("this program is not found: {error}"))?;
    let mut problem = String::new();
    // As root, or as any user in a user namespace of its own.
    for flags in [&["--net"][..], &["--net", "--map-root-user"]] {
        let shell = |words: &[OsString]| {
            let mut command = Command::new("unshare");
            command.args(flags).args(["--", "sh", "-c", INSIDE]).args(words);
            command
        };
        match shell(&["true".into()]).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => {
                let words = [program.into_os_string()].into_iter().chain(std::env::args_os().skip(1));
                let mut command = shell(&words.collect::<Vec<_>>());
                command.env(MOVED, "1");
                return Ok(command);
            }
            Ok(output) => problem = crate::wire::quote(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => problem = format!("unshare cannot be run: {error}"),
        }
    }
    Err(problem)
}
