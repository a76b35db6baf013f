//! One process of a driver: started, greeted, asked, and ended from outside when it is late.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::planted_secrets::Planted;
use super::protocol::{self, CallOutcome, DriverCall, FromDriver, Hello, PROTOCOL, ToDriver};
use crate::contract::LoadError;
use crate::sdk::cases::CA;
use crate::sdk::record::Loss;
use crate::text::foreign;

/// The longest line that is taken from a driver, in bytes: 16 MiB.
const LINE_LIMIT: u64 = 16 << 20;

/// How much of an unreadable line is searched for secrets, in bytes: more than is shown, so that a secret is found as a
/// whole.
const SHOWN_WINDOW: usize = 64 << 10;

/// How much of the end of a driver's log is kept, in bytes.
const LOG_LIMIT: usize = 16 << 10;

/// The file with the authority's certificate, in a driver's home.
const AUTHORITY: &str = "authority.pem";
/// How much of it is shown where a driver is lost, in bytes.
const LOG_SHOWN: usize = 160;

/// How much of it is shown where a driver does not start, in bytes: the reason of Python or Node.js.
const REASON_SHOWN: usize = 2_000;

/// How much of a line is quoted at a time, in bytes: less than what a quotation shows.
const QUOTED: usize = 180;

/// How long a driver may take to say hello.
const HELLO_TIMEOUT: Duration = Duration::from_mins(1);

/// How a driver is started.
#[derive(Clone, Debug, Default)]
pub struct DriverCommand {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The SDK that is installed, and where; `None` where nobody knows whether there is one.
    pub sdk: Option<String>,
}

impl std::fmt::Display for DriverCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = std::iter::once(&self.program).chain(&self.arguments).map(|word| word.to_string_lossy());
        f.write_str(&foreign(&words.collect::<Vec<_>>().join(" ")))
    }
}

/// Why a driver cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// It cannot be started.
    #[error("cannot start the driver `{command}`: {problem}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        problem: String,
    },
    /// It ended, was late, or broke the protocol.
    #[error("{what}{log}")]
    Broken {
        /// How the call was lost.
        loss: Loss,
        /// What was expected and what was found.
        what: String,
        /// The end of its log.
        log: String,
    },
}

/// A driver that said hello and waits for calls. Dropping it ends it, with everything that it started.
pub(super) struct DriverProcess {
    child: Child,
    /// `None` when nothing more is said to it.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    log: Arc<Mutex<VecDeque<u8>>>,
    /// Done when the log has ended.
    logged: JoinHandle<()>,
    pub(super) hello: Hello,
    /// As in its command.
    sdk: Option<String>,
    /// The secrets that are masked in everything that it says.
    pub(super) planted: Arc<Planted>,
    /// Its home folder; removed when the process is dropped.
    pub(super) home: TempDir,
}

impl DriverProcess {
    /// Starts a driver and exchanges hellos with it.
    pub(super) async fn start(
        command: &DriverCommand,
        with: &StartedWith<'_>,
        planted: Arc<Planted>,
    ) -> Result<Self, DriverError> {
        let cannot = |problem: String| {
            let error = DriverError::Start { command: command.to_string(), problem };
            match &command.sdk {
                Some(sdk) => broken(sdk, &error.to_string(), String::new()),
                None => error,
            }
        };
        let home = make_home(with).map_err(|error| cannot(format!("no home for it: {error}")))?;
        let mut process = Command::new(&command.program);
        process
            .args(&command.arguments)
            .env_clear()
            .envs(environment(home.path(), &with.environment))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that what the driver started ends with it.
        #[cfg(unix)]
        process.process_group(0);
        let mut child = process.spawn().map_err(|error| cannot(error.to_string()))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(cannot("it has no standard streams".to_owned()));
        };
        let log = Arc::default();
        let logged = keep_log(stderr, Arc::clone(&log));
        let stdout = BufReader::new(stdout);
        let (stdin, hello, sdk) = (Some(stdin), Hello::default(), command.sdk.clone());
        let mut driver = Self { child, stdin, stdout, log, logged, hello, sdk, planted, home };
        match driver.exchange(&ToDriver::Hello { protocol: PROTOCOL }, HELLO_TIMEOUT).await? {
            FromDriver::Hello(hello) if hello.protocol == PROTOCOL => {
                driver.hello = hello.safe_to_show(&driver.planted);
            }
            FromDriver::Hello(hello) => {
                let what = format!("expected protocol {PROTOCOL} in the driver's hello, found {}", hello.protocol);
                return Err(driver.driver_error(Loss::Garbled, what));
            }
            FromDriver::Outcome(_) => {
                let what = "expected a hello as the driver's first line, found an outcome";
                return Err(driver.driver_error(Loss::Garbled, what));
            }
        }
        Ok(driver)
    }

    /// Makes a call. After an error the driver must not be called again.
    pub(super) async fn call(&mut self, call: &DriverCall) -> Result<CallOutcome, DriverError> {
        let patience = Duration::from_millis(call.deadline_ms);
        match self.exchange(&ToDriver::Call(Box::new(call.clone())), patience).await? {
            FromDriver::Outcome(outcome) if outcome.id() == call.id => Ok(outcome),
            FromDriver::Outcome(outcome) => {
                let found = self.planted.masker.quote(outcome.id());
                let what = format!("expected the outcome of {}, found that of {found}", call.id);
                Err(self.driver_error(Loss::Garbled, what))
            }
            FromDriver::Hello(_) => Err(self.driver_error(Loss::Garbled, "expected an outcome, found a second hello")),
        }
    }

    /// Tells it that nothing more comes, and reads its log to the end: the last 16 KiB of it, with secrets masked. A
    /// driver that does not end within two seconds is ended.
    pub(super) async fn finish(mut self) -> String {
        drop(self.stdin.take());
        if timeout(Duration::from_secs(2), &mut self.logged).await.is_err() {
            tracing::debug!("a driver, or something that it started, still writes its log");
        }
        self.masked_log()
    }

    /// Sends a line and waits for the answer.
    async fn exchange(&mut self, message: &ToDriver, patience: Duration) -> Result<FromDriver, DriverError> {
        let mut line = serde_json::to_string(message).expect("what is said to drivers is JSON");
        line.push('\n');
        let mut answer = Vec::new();
        let exchanged = timeout(patience, async {
            let stdin = self.stdin.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await?;
            (&mut self.stdout).take(LINE_LIMIT + 1).read_until(b'\n', &mut answer).await
        });
        match exchanged.await {
            Err(_) => Err(self.driver_error(Loss::Deadline, format!("the driver did not answer within {patience:?}"))),
            Ok(Err(_) | Ok(0)) => Err(self.ended().await),
            Ok(Ok(_)) if answer.len() as u64 > LINE_LIMIT && answer.last() != Some(&b'\n') => {
                let what = format!("the driver wrote a line of more than {LINE_LIMIT} bytes");
                Err(self.driver_error(Loss::Garbled, what))
            }
            Ok(Ok(_)) if answer.last() != Some(&b'\n') => Err(self.ended().await),
            Ok(Ok(_)) => protocol::read(&answer).map_err(|LoadError { pointer, message, .. }| {
                let message = self.planted.masker.quote(&message);
                let place =
                    if pointer.is_empty() { pointer } else { format!(" at {}", self.planted.masker.quote(&pointer)) };
                let line_shown =
                    self.planted.masker.quote(&String::from_utf8_lossy(&answer[..answer.len().min(SHOWN_WINDOW)]));
                let what = format!("the driver wrote a line that is not its protocol: {message}{place}: {line_shown}");
                self.driver_error(Loss::Garbled, what)
            }),
        }
    }

    /// The error for a driver that closed its output: it says how the driver ended.
    async fn ended(&mut self) -> DriverError {
        let status = timeout(Duration::from_secs(1), self.child.wait()).await;
        let how = match status {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it closed its output and goes on".to_owned(),
        };
        // The driver's last words are in the log only after it is read to its end.
        if timeout(Duration::from_secs(1), &mut self.logged).await.is_err() {
            tracing::debug!("something that the driver started still writes its log");
        }
        if self.hello.protocol == PROTOCOL {
            return self.driver_error(Loss::Died, format!("the driver ended: {how}"));
        }
        // Nothing else says why an SDK does not load, so more of the log is shown than elsewhere.
        let log = self.masked_log();
        let lines: Vec<String> = last_lines(&log, REASON_SHOWN).lines().map(|line| self.show_line(line)).collect();
        let log = if log.trim().is_empty() {
            String::new()
        } else {
            format!("; its log ends with:\n  {}", lines.join("\n  "))
        };
        let what = format!("the driver ended before its hello: {how}");
        match &self.sdk {
            Some(sdk) => broken(sdk, &what, log),
            None => DriverError::Broken { loss: Loss::Died, what, log },
        }
    }

    fn driver_error(&self, loss: Loss, what: impl Into<String>) -> DriverError {
        let text = self.planted.masker.quote(last_lines(&self.masked_log(), LOG_SHOWN));
        let log = if text.is_empty() { String::new() } else { format!("; its log ends with: {text}") };
        DriverError::Broken { loss, what: what.into(), log }
    }

    /// What is kept of the driver's log, with its secrets masked. The whole is masked first, so that no half of a secret
    /// is left at a cut. The first line of a log that was cut may be half a line, and is left out.
    fn masked_log(&self) -> String {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let is_cut = log.len() >= LOG_LIMIT;
        let whole = self.planted.masker.mask_escaped(&String::from_utf8_lossy(log.make_contiguous()));
        if is_cut { whole.split_once('\n').map_or("", |(_, rest)| rest).to_owned() } else { whole }
    }

    /// A whole line of a log. What is quoted is cut, so a long line is quoted in parts, between its words.
    fn show_line(&self, line: &str) -> String {
        let indent = line.len() - line.trim_start().len();
        let mut parts = vec![String::new()];
        for word in line.split_whitespace() {
            let part = parts.last_mut().expect("one part");
            if part.is_empty() || part.len() + word.len() < QUOTED {
                part.push_str(if part.is_empty() { "" } else { " " });
                part.push_str(word);
            } else {
                parts.push(word.to_owned());
            }
        }
        let quoted: Vec<String> = parts.iter().map(|part| self.planted.masker.quote(part)).collect();
        format!("{}{}", " ".repeat(indent.min(8)), quoted.join(" "))
    }
}

/// The error for an SDK that is there, and cannot be used.
fn broken(sdk: &str, why: &str, log: String) -> DriverError {
    DriverError::Broken { loss: Loss::Died, what: format!("{sdk} is installed, but does not load: {why}"), log }
}

/// What a driver process is started with, beside its command.
pub(super) struct StartedWith<'a> {
    /// Variables of the environment; `${ca}` in them is the file with the authority's certificate.
    pub(super) environment: BTreeMap<String, String>,
    /// The text of the shared configuration file.
    pub(super) profile: Option<String>,
    /// The certificate of the authority, as PEM, if it is to lie in the driver's home.
    pub(super) authority: Option<&'a str>,
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
            && let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        {
            tracing::debug!(%error, "the driver was gone already");
        }
    }
}

/// The environment of a driver. `home` is its home folder; `extra` has the variables that the case asks for.
///
/// No `AWS_*` variable, proxy or profile of the caller gets through, and no SDK looks for an instance's credentials.
fn environment(home: &Path, extra: &BTreeMap<String, String>) -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
    // Programs need these to start, each on some system.
    for name in ["PATH", "SYSTEMROOT", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            variables.insert(name.into(), value);
        }
    }
    let fixed: [(&str, OsString); 8] = [
        ("LANG", "C.UTF-8".into()),
        ("TZ", "UTC".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        // Else the SDK for Node.js warns about old versions of Node.js, and the warnings change each year.
        ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true".into()),
        ("HOME", home.into()),
        ("TMPDIR", home.into()),
        ("AWS_CONFIG_FILE", home.join(".aws/config").into()),
        ("AWS_SHARED_CREDENTIALS_FILE", home.join(".aws/credentials").into()),
    ];
    variables.extend(fixed.map(|(name, value)| (name.into(), value)));
    variables.extend(extra.iter().map(|(name, value)| (name.into(), with_authority(value, home).into())));
    variables
}

/// A text with the placeholder for the authority's certificate filled in.
fn with_authority(text: &str, home: &Path) -> String {
    text.replace(CA, &home.join(AUTHORITY).to_string_lossy())
}

/// A new folder that only its owner may enter, empty but for a shared configuration file if a profile is given, and for
/// the certificate of the authority.
fn make_home(with: &StartedWith<'_>) -> std::io::Result<TempDir> {
    let home = tempfile::Builder::new().prefix("countersign-driver-").tempdir()?;
    if let Some(profile) = &with.profile {
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("config"), with_authority(profile, home.path()))?;
    }
    if let Some(authority) = with.authority {
        std::fs::write(home.path().join(AUTHORITY), authority)?;
    }
    Ok(home)
}

/// The last lines of a log, which give the reason: at least one, and more if they fit in a number of bytes.
fn last_lines(log: &str, limit: usize) -> &str {
    let log = log.trim_end();
    let least = log.len().saturating_sub(limit);
    let starts = || log.match_indices('\n').map(|(at, _)| at + 1);
    let start = if least == 0 { Some(0) } else { starts().find(|start| *start >= least) };
    &log[start.or_else(|| starts().next_back()).unwrap_or(0)..]
}

/// Reads a driver's log to its end and keeps its last 16 KiB.
fn keep_log(mut stderr: tokio::process::ChildStderr, log: Arc<Mutex<VecDeque<u8>>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.extend(&chunk[..count]);
            let over = log.len().saturating_sub(LOG_LIMIT);
            log.drain(..over);
        }
    })
}

impl Hello {
    /// The hello as it may be shown: short names without secrets, at most 2,000 in each list.
    fn safe_to_show(mut self, planted: &Planted) -> Self {
        /// More than any SDK has dependencies.
        const MOST: usize = 2_000;
        let name = |text: &String| planted.name(text);
        for text in [&mut self.driver, &mut self.language, &mut self.runtime, &mut self.sdk, &mut self.sdk_version] {
            *text = name(text);
        }
        let lists = [&mut self.operations, &mut self.config, &mut self.reports].into_iter().chain(&mut self.outputs);
        lists.for_each(|names| *names = names.iter().take(MOST).map(name).collect());
        self.deps = self.deps.iter().take(MOST).map(|(of, version)| (name(of), name(version))).collect();
        self.inputs = self.inputs.iter().take(MOST).map(|(of, kind)| (name(of), *kind)).collect();
        self
    }
}
