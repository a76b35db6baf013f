//! `--open`: shows the HTML report in the browser of the user.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Failure;
use super::output::say;
use crate::text::{file_name, foreign};

/// A report that is to be opened once it is written.
pub(super) struct Opening {
    file: PathBuf,
    /// The folder of a file that the user did not name. It goes away if no report comes to be in it.
    folder: Option<TempDir>,
}

impl Opening {
    /// The report in the file that the user names, or else in a file that nobody but the user can read.
    pub(super) fn new(named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(file) = named {
            return Ok(Self { file: file.to_owned(), folder: None });
        }
        let mut folder = tempfile::Builder::new();
        folder.prefix("countersign-");
        #[cfg(unix)]
        folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = folder.tempdir().map_err(|error| {
            let temporary = file_name(&std::env::temp_dir());
            Failure::usage(format!(
                "--open: no folder for the report can be made in {temporary}: {error}; name a file with --report-html"
            ))
        })?;
        Ok(Self { file: folder.path().join("report.html"), folder: Some(folder) })
    }

    /// The file, if the user did not name it.
    pub(super) fn own_file(&self) -> Option<&Path> {
        self.folder.as_ref().map(|_| self.file.as_path())
    }

    /// Opens the report, or says why it is not opened and where it is. The exit code stays as it is.
    pub(super) fn show(self) {
        let Self { file, folder } = self;
        if let Some(folder) = folder {
            let _ = folder.keep();
            only_for_the_user(&file);
        }
        let file = std::path::absolute(&file).unwrap_or(file);
        let name = file_name(&file);
        let message = match obstacle() {
            Some(obstacle) => format!("the report is not opened, because {obstacle}; it is in {name}"),
            None => match open(&file) {
                Ok(()) => format!("the browser opens {name}"),
                Err(problem) => format!("warning: the report is not opened: {problem}; it is in {name}"),
            },
        };
        say(&message);
    }
}

#[cfg(unix)]
fn only_for_the_user(file: &Path) {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    // Its folder keeps others out already.
    drop(std::fs::set_permissions(file, Permissions::from_mode(0o600)));
}

/// The folder of temporary files belongs to the user.
#[cfg(not(unix))]
fn only_for_the_user(_: &Path) {}

/// Why nobody would see a browser.
fn obstacle() -> Option<&'static str> {
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        Some("CI is set")
    } else if !io::stdout().is_terminal() {
        Some("standard output is no terminal")
    } else {
        None
    }
}

/// Opens a file with the first program that can do it.
fn open(file: &Path) -> Result<(), String> {
    let browser = std::env::var_os("BROWSER").unwrap_or_default();
    let mut problems = Vec::new();
    for words in commands(&browser, file.as_os_str()) {
        match start(&words) {
            Ok(()) => return Ok(()),
            Err(problem) => problems.push(format!("{}: {problem}", foreign(&words[0].to_string_lossy()))),
        }
    }
    Err(problems.join("; "))
}

/// The commands that may open a file, the likeliest first: what `BROWSER` names, and the program of the system.
///
/// `BROWSER` has commands with colons between them; `%s` stands for the file
/// (<https://www.catb.org/~esr/BROWSER/>). No shell reads them.
fn commands(browser: &OsStr, file: &OsStr) -> Vec<Vec<OsString>> {
    // A drive of Windows has a colon too.
    let separator = if cfg!(windows) { ';' } else { ':' };
    let named = browser.to_str().unwrap_or_default().split(separator).filter(|command| !command.trim().is_empty());
    let with_file = |command: &str| {
        // A place inside of a word, as in `--app=file://%s`, has room for a path in Unicode only.
        let word = |word: &str| match file.to_str() {
            Some(file) => word.replace("%s", file).into(),
            None if word == "%s" => file.to_owned(),
            None => OsString::from(word),
        };
        let words = command.split_whitespace().map(word);
        let has_place =
            command.split_whitespace().any(|word| word == "%s" || file.to_str().is_some() && word.contains("%s"));
        words.chain((!has_place).then(|| file.to_owned())).collect()
    };
    let own: &[&str] = if cfg!(windows) {
        &["rundll32.exe", "url.dll,FileProtocolHandler"]
    } else if cfg!(target_os = "macos") {
        &["open"]
    } else {
        &["xdg-open"]
    };
    let own = own.iter().map(OsString::from).chain([file.to_owned()]).collect();
    named.map(with_file).chain([own]).collect()
}

/// Starts a program that opens a file. A browser that this starts goes on after us, and after a Ctrl-C of ours.
fn start(words: &[OsString]) -> Result<(), String> {
    /// A program that fails does so at once.
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A browser has no use for keys and passwords.
    for (name, _) in std::env::vars_os() {
        let word = name.to_string_lossy().to_ascii_uppercase();
        if word.starts_with("AWS_") || word.starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        _ => error.to_string(),
    })?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if !status.success() => return Err(format!("it ended with {status}")),
            Ok(None) if start.elapsed() < PATIENCE => sleep(Duration::from_millis(10)),
            Ok(Some(_) | None) | Err(_) => return Ok(()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none("", &["xdg-open /r.html"])]
    #[case::one("firefox", &["firefox /r.html", "xdg-open /r.html"])]
    #[case::two("a -x %s -y:/b/c", &["a -x /r.html -y", "/b/c /r.html", "xdg-open /r.html"])]
    #[case::inside_of_a_word("a --app=file//%s", &["a --app=file///r.html", "xdg-open /r.html"])]
    #[case::empty_parts(": :", &["xdg-open /r.html"])]
    #[case::no_shell("a;rm", &["a;rm /r.html", "xdg-open /r.html"])]
    fn a_browser_is_asked_before_the_program_of_the_system(#[case] browser: &str, #[case] expected: &[&str]) {
        let expected: Vec<Vec<OsString>> =
            expected.iter().map(|line| line.split(' ').map(OsString::from).collect()).collect();
        assert_eq!(commands(browser.as_ref(), "/r.html".as_ref()), expected);
    }

    #[test]
    fn a_report_that_is_never_written_leaves_no_folder() {
        let opening = Opening::new(None).map_err(|failure| failure.to_string()).expect("a folder");
        let folder = opening.own_file().and_then(Path::parent).expect("a folder").to_owned();
        assert!(folder.is_dir());
        drop(opening);
        assert!(!folder.exists());
    }
}
