//! `--open`: the HTML report in the browser, or where it is.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::program::Program;

/// The folders of temporary files that hold a report, and that report.
fn reports_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|folder| folder.join("report.html")).filter(|file| file.exists()).collect()
}

#[rstest]
#[case::in_ci("true", "because CI is set")]
#[case::piped("", "because standard output is no terminal")]
fn where_nobody_looks_it_is_said_where_the_report_is(#[case] ci: &str, #[case] because: &str) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().to_str().expect("text");
    let mut program = Program::line("run success/workgroup-only").env("COUNTERSIGN_OPEN", "true").env("CI", ci);
    // What would open it would fail.
    let finished = program_in(&mut program, folder).finish();
    let [file] = reports_in(temporary.path()).try_into().expect("one report");
    finished.expect(0, &[&format!("the report is not opened, {because}; it is in {}", file.to_str().expect("text"))]);
    assert!(fs::read_to_string(&file).expect("a report").contains("success/workgroup-only"));
    assert!(!finished.stdout.contains("--open"), "{finished:#?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
    }
}

/// With its temporary files in a folder, and a browser that would fail.
fn program_in<'p>(program: &'p mut Program, folder: &str) -> &'p mut Program {
    program.command().env("TMPDIR", folder).env("TEMP", folder).env("TMP", folder).env("BROWSER", "false");
    program
}

#[test]
fn a_run_that_ends_early_leaves_no_report_to_open() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut program = Program::line("run --open --endpoint http://127.0.0.1:1 --workgroup wg-1 --report-json .");
    let finished = program_in(&mut program, temporary.path().to_str().expect("text")).finish();
    finished.expect(2, &["it is a folder"]);
    assert_eq!(fs::read_dir(temporary.path()).expect("a folder").count(), 0, "{finished:#?}");
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::terminal::{on_a_terminal, plain};

    /// A program that writes down with what it was started.
    const OPENER: &str = "#!/bin/sh\n{ for word; do echo \"word $word\"; done; env; } >\"$OPENED\"\n";

    /// What is shown on the terminal, and what the opener wrote down. The opener goes by a name, in a folder of its own.
    fn opened(opener: &str, arguments: &[&str], browser: &str) -> Option<(String, String)> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
        // The one of the machine must not be found.
        for (name, script) in [("xdg-open", "#!/bin/sh\nexit 4\n"), (opener, OPENER)] {
            fs::write(at(name), script).expect("writable");
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).expect("its own");
        }
        let path = format!("{}:/usr/bin:/bin", folder.path().to_str().expect("text"));
        let (said, browser) = (at("said"), browser.replace("HERE", folder.path().to_str().expect("text")));
        let variables = [
            ("PATH", path.as_str()),
            ("OPENED", &said),
            ("BROWSER", &browser),
            ("TMPDIR", folder.path().to_str().expect("text")),
            ("AWS_SECRET_ACCESS_KEY", "canary-of-the-browser"),
            ("AWS_ACCESS_KEY_ID", "AKIACANARY"),
        ];
        let screen = on_a_terminal(500, arguments, &variables)?;
        Some((plain(&screen), fs::read_to_string(said).unwrap_or_default()))
    }

    #[rstest]
    #[case::program_of_the_system("xdg-open", "")]
    #[case::browser("my-browser", "missing-browser:HERE/my-browser")]
    fn the_report_is_opened_and_the_browser_gets_no_secret(#[case] opener: &str, #[case] browser: &str) {
        let Some((screen, said)) = opened(opener, &["run", "success/workgroup-only", "--open"], browser) else {
            return;
        };
        assert!(screen.contains("the browser opens /"), "{screen}");
        let words: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("word ")).collect();
        assert!(matches!(words[..], [file] if file.starts_with('/') && file.ends_with("/report.html")), "{said}");
        assert!(!said.contains("canary-of-the-browser") && !said.contains("AKIACANARY"), "{said}");
    }

    #[test]
    fn the_file_that_the_user_names_is_opened() {
        let words = ["run", "success/workgroup-only", "--open", "--report-html", "mine.html"];
        let Some((screen, said)) = opened("b", &words, "HERE/b --new %s") else { return };
        assert!(screen.contains("the browser opens "), "{screen}");
        let words: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("word ")).collect();
        assert!(
            matches!(words[..], ["--new", file] if file.starts_with('/') && file.ends_with("/mine.html")),
            "{said}"
        );
    }

    #[test]
    fn a_browser_that_fails_is_named_and_the_next_one_is_tried() {
        let Some((screen, said)) = opened("xdg-open", &["run", "success/workgroup-only", "--open"], "false") else {
            return;
        };
        assert!(screen.contains("the browser opens /") && said.contains("word /"), "{screen}");
        let Some((screen, _)) = opened("other", &["run", "success/workgroup-only", "--open"], "false:none") else {
            return;
        };
        let problems = "false: it ended with exit status: 1; none: there is no such program; xdg-open: it ended with exit status: 4";
        assert!(screen.contains(&format!("warning: the report is not opened: {problems}; it is in /")), "{screen}");
        assert!(screen.contains("conformant") || screen.contains("not decided"), "the run is as it was: {screen}");
    }
}
