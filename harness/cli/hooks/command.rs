//! Commands of the user's own configuration, run by the shell within a time limit. What they print is read within bounds.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// At most this many bytes of the standard output are read: names, and no more.
const OUTPUT_LIMIT: usize = 64 << 10;

/// At most this many bytes of the end of the standard error are kept.
const LOG_LIMIT: usize = 2 << 10;

/// How long the output of a command is read on after the command has ended: something that it started may hold it open.
const REST: Duration = Duration::from_millis(500);

/// A command for the shell.
#[derive(Clone, Debug)]
pub(super) struct ShellCommand<'a> {
    pub(super) text: &'a str,
    /// The folder in which it runs.
    pub(super) folder: &'a Path,
    /// Environment variables beside those of this program.
    pub(super) variables: &'a [(&'a str, String)],
    pub(super) stdin: &'a str,
    pub(super) limit: Duration,
}

/// A command that did not do what it was to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandFault {
    /// How it ended, and the last words of it. They may hold secrets.
    pub(super) words: String,
    /// Whether it may have been in the middle of its work.
    pub(super) in_doubt: bool,
}

impl ShellCommand<'_> {
    /// Runs it to its end. Returns its standard output.
    pub(super) async fn run(&self) -> Result<String, CommandFault> {
        let cannot = |words: String| CommandFault { words, in_doubt: false };
        let mut child = self.command().spawn().map_err(|error| cannot(format!("cannot start: {error}")))?;
        let output = Kept::of(child.stdout.take(), |kept, bytes| {
            kept.extend_from_slice(&bytes[..bytes.len().min((OUTPUT_LIMIT + 1).saturating_sub(kept.len()))]);
        });
        let log = Kept::of(child.stderr.take(), |kept, bytes| {
            kept.extend_from_slice(bytes);
            kept.drain(..kept.len().saturating_sub(LOG_LIMIT));
        });
        let mut stdin = child.stdin.take();
        let ended = timeout(self.limit, async {
            if let Some(stdin) = &mut stdin {
                // It need not read it.
                let _ = stdin.write_all(self.stdin.as_bytes()).await;
            }
            drop(stdin.take());
            child.wait().await
        });
        let ended = ended.await;
        if ended.is_err() {
            kill(&mut child).await;
        }
        let (output, log) = (output.text().await, log.text().await);
        let in_doubt = ended.is_err();
        let how = match ended {
            Ok(Ok(status)) if status.success() && output.len() <= OUTPUT_LIMIT => return Ok(output),
            Ok(Ok(status)) if status.success() => {
                return Err(cannot(format!("it printed more than {} KiB", OUTPUT_LIMIT >> 10)));
            }
            Ok(Ok(status)) => ending(status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than {} s", self.limit.as_secs_f64()),
        };
        let last_words = if log.trim().is_empty() { output } else { log };
        let words = last_lines(&last_words);
        let words = if words.is_empty() { how } else { format!("{how}: {words}") };
        Err(CommandFault { words, in_doubt })
    }

    fn command(&self) -> Command {
        let mut command = if cfg!(windows) { Command::new("cmd.exe") } else { Command::new("sh") };
        command.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(self.text).current_dir(self.folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C interrupts the run, which then lets its commands finish.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("it ended with exit code {code}"))
}

/// The last lines of a text, as one line.
fn last_lines(text: &str) -> String {
    const LINES: usize = 3;
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" ")
}

/// Ends a command with everything that it started.
async fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        && let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
    {
        tracing::debug!(%error, "the command was gone already");
    }
    if let Err(error) = child.kill().await {
        tracing::debug!(%error, "the command was gone already");
    }
}

/// What is kept of an output, while it is read.
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Kept {
    fn of(
        output: Option<impl AsyncRead + Unpin + Send + 'static>,
        keep: impl Fn(&mut Vec<u8>, &[u8]) + Send + 'static,
    ) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&bytes);
        let reading = output.map(|mut output| {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = output.read(&mut buffer).await {
                    keep(&mut kept.lock().unwrap_or_else(PoisonError::into_inner), &buffer[..count]);
                }
            })
        });
        Self { bytes, reading }
    }

    /// The text. Waits a moment for the end of the output.
    async fn text(self) -> String {
        if let Some(mut reading) = self.reading
            && timeout(REST, &mut reading).await.is_err()
        {
            reading.abort();
        }
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use rstest::rstest;

    use super::*;

    async fn run(text: &str, limit: Duration) -> Result<String, CommandFault> {
        let folder = tempfile::tempdir().expect("a folder");
        let variables = [("COUNTERSIGN_RUN_ID", "cs1".to_owned())];
        ShellCommand { text, folder: folder.path(), variables: &variables, stdin: "{\"workgroup\":\"wg-1\"}", limit }
            .run()
            .await
    }

    #[rstest]
    #[case::output("echo hello; echo log >&2", "hello\n")]
    #[case::variable("printf %s \"$COUNTERSIGN_RUN_ID\"", "cs1")]
    #[case::input("cat", "{\"workgroup\":\"wg-1\"}")]
    #[case::nothing("true", "")]
    // What it leaves running goes on, and does not hold up the run.
    #[case::something_goes_on("sleep 30 & echo started", "started\n")]
    #[tokio::test]
    async fn a_command_gives_its_output(#[case] text: &str, #[case] output: &str) {
        let start = Instant::now();
        assert_eq!(run(text, Duration::from_secs(20)).await.as_deref(), Ok(output));
        assert!(start.elapsed() < Duration::from_secs(15));
    }

    #[rstest]
    #[case::code("echo one; echo two >&2; exit 3", "it ended with exit code 3: two", false)]
    #[case::output_alone("echo one; false", "it ended with exit code 1: one", false)]
    #[case::last_lines("seq 1 1000 >&2; false", "it ended with exit code 1: 998 999 1000", false)]
    #[case::signal("kill -9 $$", "signal: 9 (SIGKILL)", false)]
    #[case::late("echo first >&2; sleep 60", "it took longer than 0.3 s: first", true)]
    #[case::late_below("sh -c 'sleep 60; echo never' & wait", "it took longer than 0.3 s", true)]
    #[case::endless("yes", "it took longer than 0.3 s: y y y", true)]
    #[tokio::test]
    async fn a_command_that_fails_tells_how_and_its_last_words(
        #[case] text: &str,
        #[case] words: &str,
        #[case] in_doubt: bool,
    ) {
        let start = Instant::now();
        let limit = if in_doubt { Duration::from_millis(300) } else { Duration::from_secs(20) };
        let fault = run(text, limit).await.expect_err("it fails");
        assert!(fault.words.starts_with(words) && fault.in_doubt == in_doubt, "{fault:?}");
        assert!(fault.words.len() < 8 * LOG_LIMIT && start.elapsed() < Duration::from_secs(15), "{fault:?}");
    }

    #[tokio::test]
    async fn a_command_that_prints_without_end_is_stopped_at_a_limit() {
        let fault = run("head -c 70000 /dev/zero | tr '\\0' x", Duration::from_secs(20)).await.expect_err("too much");
        assert_eq!(fault.words, "it printed more than 64 KiB");
    }
}
