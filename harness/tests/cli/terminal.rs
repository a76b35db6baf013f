//! Terminals, wide and narrow, dumb ones and none at all; pipes that are closed early; shells and
//! readers of manuals.

use std::io::Write;
use std::process::{Command, Stdio};

use rstest::rstest;

use crate::program::Program;
use crate::stub_server::{Stub, answer, aws};

/// Runs the program on a pseudo-terminal of this width in columns, and gives what it shows there: standard
/// output and standard error. Nothing where the machine cannot make one.
#[cfg(target_os = "linux")]
pub(crate) fn on_a_terminal(columns: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    if Command::new("script").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no script command to make a terminal with");
        return None;
    }
    let mut program = Program::new(&[]);
    let line =
        format!("stty cols {columns} rows 24; exec {} {}", env!("CARGO_BIN_EXE_countersign"), arguments.join(" "));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &line, "typescript"]);
    for (name, value) in program.command().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env_remove("CI").env_remove("NO_COLOR").env_remove("COLUMNS").env("TERM", "xterm-256color");
    command.envs(variables.iter().copied()).current_dir(program.folder()).stdin(Stdio::null());
    let output = command.output().expect("script runs");
    Some(String::from_utf8(output.stdout).expect("text").replace("\r\n", "\n").replace('\r', "\n"))
}

/// A text without the codes that steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    let mut without_codes = String::new();
    let mut rest = text;
    while let Some((before, code)) = rest.split_once('\u{1b}') {
        without_codes.push_str(before);
        let end = match code.strip_prefix(']') {
            // A link ends with a code of its own.
            Some(command) => command.find("\u{1b}\\").map_or(code.len(), |at| at + 3),
            None => code.find(|c: char| c.is_ascii_alphabetic()).map_or(code.len(), |at| at + 1),
        };
        rest = &code[end..];
    }
    without_codes + rest
}

#[cfg(target_os = "linux")]
#[rstest]
#[case::report(&["run", "success/**"])]
#[case::doctor(&["doctor"])]
#[case::help(&["--help"])]
#[case::error(&["run", "--endpiont"])]
fn colour_is_for_terminals_and_not_for_those_who_refuse_it(#[case] arguments: &[&str]) {
    let Some(coloured) = on_a_terminal(100, arguments, &[]) else { return };
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    // A progress bar moves the cursor; CI has none.
    let no_bar = ("CI", "true");
    for refusal in [&[("NO_COLOR", "1"), no_bar][..], &[("TERM", "dumb")]] {
        let screen = on_a_terminal(100, arguments, refusal).expect("there is a terminal");
        assert!(!screen.contains('\u{1b}'), "{refusal:?}: {screen:?}");
        assert!(screen.len() > 50, "{screen}");
    }
    let piped = Program::new(arguments).finish();
    assert!(!piped.stdout.contains('\u{1b}') && !piped.stderr.contains('\u{1b}'), "{piped:#?}");
}

/// Whether a text has the total of a progress bar, such as `/429 `.
#[cfg(target_os = "linux")]
fn has_bar(text: &str) -> bool {
    let is_total = |rest: &str| {
        let total = rest.split(' ').next().unwrap_or_default();
        total.len() == 3 && total.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() > 3
    };
    text.split('/').skip(1).any(is_total)
}

#[cfg(target_os = "linux")]
#[test]
fn the_progress_bar_is_for_terminals_that_can_redraw_it_and_not_for_ci() {
    let bar = |variables: &[(&str, &str)]| on_a_terminal(100, &["run"], variables).map(|screen| has_bar(&screen));
    let Some(bar_shown) = bar(&[]) else { return };
    assert!(bar_shown);
    assert_eq!(bar(&[("CI", "true")]), Some(false));
    assert_eq!(bar(&[("TERM", "dumb")]), Some(false));
}

#[cfg(target_os = "linux")]
#[rstest]
#[case(&["doctor"])]
#[case(&["list", "requirements"])]
#[case(&["explain", "duration-clamped"])]
#[case(&["explain", "GC-EXP-02"])]
#[case(&["config", "show"])]
fn prose_fits_on_a_narrow_terminal(#[case] arguments: &[&str]) {
    let Some(screen) = on_a_terminal(40, arguments, &[]) else { return };
    let screen = plain(&screen);
    assert!(screen.lines().count() > 5, "{screen}");
    let is_command = |line: &str| line.starts_with("  curl ") || line.starts_with("  countersign ");
    for line in screen.lines().filter(|line| line.trim().contains(' ') && !is_command(line)) {
        assert!(line.chars().count() <= 40, "{line:?} in\n{screen}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_fits_on_a_narrow_terminal_and_its_commands_stay_whole() {
    let stub = Stub::of_operations(aws("200 OK", "{}"));
    let arguments = ["run", "success/workgroup-only", "parameters/duration-outside", "--endpoint", &stub.endpoint];
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("COUNTERSIGN_WORKGROUP", "workgroup"),
        ("CI", "1"),
    ];
    let Some(screen) = on_a_terminal(40, &arguments, &variables) else { return };
    assert!(
        screen.contains("\u{1b}]8;;https://docs.aws.amazon.com/redshift-serverless/"),
        "a source is a link: {screen}"
    );
    let screen = plain(&screen);
    let is_command = |line: &str| line.contains("curl ") || line.starts_with("countersign run");
    for command in ["  to see it: curl ", "countersign run "] {
        assert!(screen.lines().any(|line| line.starts_with(command) && line.len() > 80), "{command} in\n{screen}");
    }
    for line in screen.lines().filter(|line| !is_command(line) && line.trim().contains(' ')) {
        assert!(line.chars().count() <= 40, "{line:?} in\n{screen}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_progress_bar_fits_on_a_narrow_terminal() {
    let Some(screen) = on_a_terminal(40, &["run", "--format", "quiet"], &[]) else { return };
    let bars: Vec<String> = plain(&screen).lines().filter(|line| has_bar(line)).map(str::to_owned).collect();
    assert!(!bars.is_empty(), "{screen:?}");
    assert!(bars.iter().all(|bar| bar.trim_end().chars().count() <= 40), "{bars:#?}");
}

#[rstest]
#[case(&["list"])]
#[case(&["list", "requirements", "--format", "json"])]
#[case(&["explain", "GC-DUR-02"])]
#[case(&["run", "--format", "jsonl"])]
#[case(&["run", "--verbose"])]
#[case(&["doctor"])]
#[case(&["config", "show"])]
#[case(&["completions", "bash"])]
#[case(&["man"])]
#[case(&["--help"])]
fn a_reader_that_goes_away_early_is_no_failure(#[case] arguments: &[&str]) {
    let mut program = Program::new(arguments);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = program.command().stdout(writer).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_error_that_nobody_reads_is_still_an_exit_code() {
    let mut program = Program::new(&["explain", "GC-XXX-01"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = program.command().stdout(Stdio::null()).stderr(writer).status().expect("the binary runs");
    assert_eq!(status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn closed_standard_streams_are_no_failure() {
    let line = format!("{} list >&- 2>&- <&-", env!("CARGO_BIN_EXE_countersign"));
    assert_eq!(Command::new("sh").args(["-c", &line]).status().expect("sh is there").code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    for arguments in [&["list"][..], &["run", "success"], &["run", "success", "--report-json", "-"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full is there");
        let mut program = Program::new(arguments);
        let child = program.command().stdout(full).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("error: cannot write to standard output: No space left"), "{arguments:?}: {stderr}");
    }
}

/// What a program says to a text on its standard input; nothing where the machine does not have it.
fn fed(program: &str, arguments: &[&str], text: &str) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: there is no {program} on this machine");
        return None;
    };
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let output_text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), output_text))
}

#[rstest]
#[case::bash(
    "bash",
    "",
    "\nCOMP_WORDS=(countersign expl); COMP_CWORD=1; _countersign countersign expl countersign; echo \"${COMPREPLY[@]}\"\n"
)]
#[case::zsh(
    "zsh",
    "autoload -U compinit; compinit -u -D\n",
    "\nprint -l ${_comps[countersign]}; functions _countersign_commands\n"
)]
#[case::fish("fish", "", "\ncomplete -C 'countersign expl'\n")]
fn completions_work_in_their_shell(#[case] shell: &str, #[case] before: &str, #[case] after: &str) {
    let script = Program::new(&["completions", shell]).finish().stdout;
    assert!(script.contains("explain"), "{script}");
    let arguments: &[&str] = match shell {
        "bash" => &["--norc"],
        "zsh" => &["-f"],
        _ => &["--no-config"],
    };
    let Some((succeeded, output_text)) = fed(shell, arguments, &format!("{before}{script}{after}")) else { return };
    assert!(succeeded, "{output_text}");
    assert!(output_text.contains("explain"), "{output_text}");
}

#[rstest]
#[case("powershell")]
#[case("elvish")]
fn completions_are_there_for_other_shells(#[case] shell: &str) {
    Program::new(&["completions", shell]).finish().expect(0, &["countersign", "explain"]);
}

#[rstest]
#[case::mandoc("mandoc", &["-Tlint", "-Wwarning"])]
#[case::groff("groff", &["-man", "-Tutf8", "-ww", "-z"])]
fn the_manual_pages_are_well_formed(#[case] reader: &str, #[case] arguments: &[&str]) {
    let mut program = Program::new(&["man", "pages"]);
    program.finish().expect(0, &["pages"]);
    let pages = std::fs::read_dir(program.folder().join("pages")).expect("a folder");
    let pages: Vec<_> = pages.map(|page| page.expect("a page").path()).collect();
    assert!(pages.iter().any(|page| page.ends_with("countersign-serve-emulator.1")), "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"EXIT STATUS\"", "ENVIRONMENT", "EXAMPLES"] {
            assert!(sections.contains(&section), "{} has no {section}: {sections:?}", page.to_string_lossy());
        }
        assert!(!sections.contains(&"EXTRA"), "{}", page.to_string_lossy());
        let Some((_, output_text)) = fed(reader, arguments, &text) else { return };
        // The library sets a line break beside a paragraph, which shows nothing.
        let output_text: Vec<_> =
            output_text.lines().filter(|line| !line.contains("skipping paragraph macro")).collect();
        assert!(output_text.is_empty(), "{}: {output_text:#?}", page.to_string_lossy());
    }
}

#[test]
fn a_manual_page_says_how_it_ends_what_it_reads_and_what_it_is_used_for() {
    let mut program = Program::new(&["man", "pages"]);
    program.finish().expect(0, &["pages"]);
    let page = |name: &str| program.read(&format!("pages/{name}"));
    let below = |page: &str, section: &str| {
        let (_, rest) = page.split_once(&format!(".SH {section}\n")).expect("the section");
        rest.split(".SH ").next().unwrap_or_default().to_owned()
    };
    let [main, run, diff] = ["countersign.1", "countersign-run.1", "countersign-diff.1"].map(page);
    assert_eq!(below(&main, "\"EXIT STATUS\""), below(&run, "\"EXIT STATUS\""));
    assert_eq!(below(&run, "\"EXIT STATUS\"").matches(".TP").count(), 9, "{run}");
    assert!(below(&diff, "\"EXIT STATUS\"").contains("\\fB1\\fR\nsomething did"), "{diff}");
    for name in ["COUNTERSIGN_ENDPOINT", "AWS_PROFILE", "GITHUB_STEP_SUMMARY", "NO_COLOR"] {
        assert!(below(&run, "ENVIRONMENT").contains(name), "{run}");
    }
    assert!(!below(&diff, "ENVIRONMENT").contains("AWS_"), "{diff}");
    assert!(below(&diff, "EXAMPLES").contains("\\fBcountersign diff old.jsonl new.jsonl\\fR\nWhat a change"), "{diff}");
}

#[test]
fn manual_pages_go_to_a_folder_and_not_to_a_file() {
    let mut program = Program::new(&["man", "countersign.1"]).file("countersign.1", "mine");
    program.finish().expect(2, &["expected a folder", "found countersign.1, which is none"]);
    assert_eq!(program.read("countersign.1"), "mine");
}

#[rstest]
#[case("GC-DUR-02", "requirement")]
#[case("parameters/duration-outside", "case")]
#[case("duration-clamped", "defect")]
fn an_explanation_as_json_says_what_it_is_about(#[case] id: &str, #[case] kind: &str) {
    let object = Program::new(&["explain", id, "--format", "json"]).finish().expect(0, &[]).json();
    assert_eq!((&object["version"], &object["kind"], &object["id"]), (&1.into(), &kind.into(), &id.into()));
}

/// The origin of a setting, as one line.
fn origin(mut program: Program, setting: &str) -> String {
    let settings_json = program.finish().expect(0, &[]).json();
    let mut settings = settings_json["settings"].as_array().expect("a list").iter();
    let found = settings.find(|row| row["name"] == setting).expect("the setting is shown");
    format!("{} {} {} {}", found["value"], found["origin"]["kind"], found["origin"]["name"], found["origin"]["key"])
}

#[test]
fn each_setting_is_shown_with_where_it_came_from() {
    let config =
        "target = \"mine\"\n[targets.mine]\nendpoint = \"http://localhost:1\"\nregion = \"eu-west-1\"\nsign = false\n";
    let show = |more: &[&str]| {
        let arguments = [&["config", "show", "--format", "json"], more].concat();
        Program::new(&arguments).file("countersign.toml", config)
    };
    let key = |value: &str, key: &str| format!("{value} \"file\" null \"{key}\"");
    assert_eq!(origin(show(&[]), "target"), key("\"mine\"", "target"));
    assert_eq!(origin(show(&[]), "endpoint"), key("\"http://localhost:1/\"", "targets.mine.endpoint"));
    assert_eq!(origin(show(&[]), "region"), key("\"eu-west-1\"", "targets.mine.region"));
    assert_eq!(origin(show(&[]), "no-sign"), key("true", "targets.mine.sign"));
    assert_eq!(origin(show(&["--region", "a-1"]), "region"), "\"a-1\" \"flag\" \"--region\" null");
    let variable = |name: &str, value: &str, setting: &str| origin(show(&[]).env(name, value), setting);
    assert_eq!(variable("AWS_REGION", "a-2", "region"), "\"a-2\" \"environment\" \"AWS_REGION\" null");
    assert_eq!(variable("COUNTERSIGN_REGION", "a-3", "region"), "\"a-3\" \"environment\" \"COUNTERSIGN_REGION\" null");
    assert_eq!(variable("COUNTERSIGN_JOBS", "7", "jobs"), "7 \"environment\" \"COUNTERSIGN_JOBS\" null");
    assert_eq!(variable("COUNTERSIGN_DB_NAME", "7", "db-name"), "\"7\" \"environment\" \"COUNTERSIGN_DB_NAME\" null");
    assert_eq!(origin(show(&[]), "timeout"), "10.0 \"default\" null null");
}

#[test]
fn of_credentials_only_where_they_come_from_is_shown() {
    let stub = Stub::answering(answer("200 OK", "text/plain", ""));
    for format in ["text", "json"] {
        let finished = Program::new(&["config", "show", "--endpoint", &stub.endpoint, "--format", format])
            .env("AWS_ACCESS_KEY_ID", "AKIACANARYCANARY1234")
            .env("AWS_SECRET_ACCESS_KEY", "CANARY-secret")
            .env("AWS_SESSION_TOKEN", "CANARY-token")
            .finish();
        finished.expect(0, &["AKIA***", "AWS_ACCESS_KEY_ID"]);
        assert!(!finished.stdout.contains("CANARY"), "{finished:#?}");
    }
    assert_eq!(stub.connections(), 0, "nothing is sent");
}
