use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The built binary with an environment of its own: nothing of the caller's AWS or Countersign
/// settings, no proxy, and an empty folder to stand in.
pub(crate) struct Program {
    command: Command,
    folder: tempfile::TempDir,
}

/// What a finished program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if ["AWS_", "COUNTERSIGN_", "GITHUB_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
                .iter()
                .any(|part| upper.starts_with(part))
            {
                command.env_remove(name);
            }
        }
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("CI", "true");
        Self { command, folder }
    }

    /// The same with arguments that have no blanks, as one line.
    pub(crate) fn line(arguments: &str) -> Self {
        Self::new(&arguments.split(' ').collect::<Vec<_>>())
    }

    /// Such a line about the workgroup wg-1 of an endpoint, with credentials.
    pub(crate) fn at(endpoint: &str, arguments: &str) -> Self {
        Self::line(&format!("{arguments} --endpoint {endpoint} --workgroup wg-1")).signing()
    }

    /// With the credentials that most emulators take.
    pub(crate) fn signing(self) -> Self {
        self.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test")
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).expect("the folder is writable");
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file that it wrote.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("the file is there")
    }

    /// A file that it wrote, as JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Runs it to its end.
    pub(crate) fn finish(&mut self) -> Finished {
        self.command.output().expect("the binary runs").into()
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Finished {
    /// Checks the exit code, and that every text is somewhere in the output.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, texts: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        for text in texts {
            assert!(self.stdout.contains(text) || self.stderr.contains(text), "no \"{text}\" in {self:#?}");
        }
        self
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }
}

/// The events of a run stream.
pub(crate) fn events(stream: &str) -> Vec<Value> {
    stream.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}
