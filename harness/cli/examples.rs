//! The examples below each command's help. A test reads every one of them as a command line.

use crate::contract::Service;

/// Fills in a text of this file for the resource that must be named. `{named}` becomes the resource's flag with an
/// example of a name, `{name}` the name alone, and `{noun}` what people call the resource.
pub(super) fn fill_template(template: &str) -> String {
    let resources = &Service::embedded().resources;
    let Some(resource) = resources.iter().find(|resource| resource.must_be_named) else { return template.to_owned() };
    let flag_with_name = format!("--{} {}", resource.flag, resource.example);
    template.replace("{named}", &flag_with_name).replace("{name}", &resource.example).replace("{noun}", &resource.noun)
}

pub(super) const MAIN: &str = "\
Examples:
  countersign
      Judge the reference emulator
  countersign doctor --endpoint http://localhost:4566 {named}
      See what stands between your server and a run
  countersign run --endpoint http://localhost:4566 {named}
      Judge your server
  countersign explain GC-DUR-02
      Read one requirement, with its source and its cases";

pub(super) const RUN: &str = "\
Examples:
  countersign run --endpoint http://localhost:4566 {named}
      Judge a server with the credentials of the environment
  countersign run --endpoint http://localhost:4566 {named} --no-sign parameters
      Run one suite, without signatures
  countersign run parameters/duration-outside --target mine
      Run one family against a target of countersign.toml
  countersign run --endpoint http://localhost:4566 {named} --claim signature --report-junit junit.xml
      Hold it to the feature signature too, and write a report
  countersign run --endpoint http://localhost:4566 {named} --open
      See the report in the browser
  countersign run --endpoint http://localhost:4566 {named} --wait 30s --format github
      In CI: wait until the server has started, and write the summary of the job
  countersign run --endpoint http://127.0.0.1:4567 {named} --clock 'POST http://127.0.0.1:4567/_countersign/clock'
      Let cases move the clock of the server, as `countersign serve emulator --control` allows it
  countersign run --target aws {named} --allow-aws 123456789012/us-east-1/{name}
      Ask real AWS, for this {noun} only, with 60 calls
  countersign run --target aws {named} --allow-aws 123456789012/us-east-1/{name} --max-calls 200 --dry-run
      See every call that this would make there, and what it may cost
  countersign run --endpoint http://localhost:4566 {named} --recordings recordings/aws
      Count what recordings of real AWS confirm, and accept what they show

Exit codes:
  0    nothing unexpected
  1    something failed, is blocked or not implemented, or a baseline entry is stale
  2    wrong usage or configuration, or the server refused the credentials, redirects the call or lacks the {noun}
  3    the server is unreachable, or its silence leaves must-requirements undecided
  4    no case is selected
  5    Countersign itself went wrong, or a fixture is invalid
  6    refused by a safety rule
  7    a teardown left something behind
  130  interrupted";

pub(super) const DOCTOR: &str = "\
Examples:
  countersign doctor --endpoint http://localhost:4566 {named}
      Say what is wrong, and what to do about it
  countersign doctor --endpoint https://emulator.internal {named} --ca-file ca.pem --format json
      The same for a private certificate authority, for a program

Exit codes:
  0  nothing stands in the way of a run
  1  the operation or what is named is not there or broken, no {noun} is named, or a claim does not hold
  2  the target does not take the credentials or have the {noun}, or redirects; or settings are wrong
  3  the target cannot be reached
  6  real AWS was not allowed, or the target redirects to it";

pub(super) const CLEANUP: &str = "\
Examples:
  countersign cleanup
      Delete what all earlier runs left behind, at every target
  countersign cleanup --endpoint http://localhost:4566
      Delete what they left behind at this one
  countersign cleanup --endpoint http://localhost:4566 --seed 1234
      Delete what a run with this seed may have made there, where its journal is lost too
  countersign cleanup --endpoint http://localhost:4566 --tagged 1234
      Delete what has the tag of that run, which --allow-create gives
  countersign cleanup --target aws {named} --allow-aws 123456789012/us-east-1/{name}
      Delete what they left behind at real AWS

Exit codes:
  0  nothing is left behind
  2  settings are wrong
  6  real AWS was not allowed
  7  something is still there";

pub(super) const REPORT: &str = "\
Examples:
  countersign report --from run.jsonl --report-html run.html --report-md run.md
      Two reports of one run
  countersign report --from a.jsonl --from b.jsonl --report-html matrix.html
      Several targets side by side
  countersign report --from a.jsonl --from b.jsonl --report-md matrix.md
      The same for a pull request
  countersign report --from shard-1.jsonl --from shard-2.jsonl --report-junit junit.xml
      The shards of one run, put together
  countersign report --history runs/ --report-html history.html
      What was fixed and broken over time, and since when each violation stands
  countersign report --history --from monday.jsonl --from friday.jsonl
      The same of a few runs of one target";

pub(super) const DIFF: &str = "\
Examples:
  countersign diff old.jsonl new.jsonl
      What a change of the server fixed and broke
  countersign diff old.jsonl new.jsonl --format md
      The same for a pull request
  countersign diff boto3-1.43.jsonl boto3-1.44.jsonl --fail-on attempts
      What a new version of an SDK changes

Exit codes:
  0  nothing broke; for SDKs, nothing of the class of --fail-on or a worse one changed
  1  something did
  2  the two cannot be compared";

pub(super) const RECORD: &str = "\
Examples:
  countersign record recordings/emulator
      Record the reference emulator
  countersign record recordings/mine --endpoint http://localhost:4566 {named}
      Record a server
  countersign record recordings/aws --target aws {named} --allow-aws 123456789012/us-east-1/{name} --stale 180d
      Record real AWS, for this {noun} only: what is missing, with 60 calls each time
  countersign record recordings/mine --stale 180d --endpoint http://localhost:4566 {named}
      Record again what is older than half a year, and what is missing
  countersign record recordings/mine --check --endpoint http://localhost:4566 {named}
      Write nothing, and say what the server answers otherwise now

Exit codes:
  0    recorded; with --check, nothing drifted
  1    nothing could be recorded; with --check, something drifted
  2    wrong usage or configuration, or the server refused the credentials, or a file is no recording
  3    the server is unreachable, or left cases without an answer
  4    no case is selected
  6    refused by a safety rule
  7    a teardown left something behind
  130  interrupted; what was recorded by then stays";

pub(super) const LIST: &str = "\
Examples:
  countersign list
      Every case
  countersign list cases parameters/duration-outside
      The cases of one family
  countersign list operations
      What a run can be about
  countersign list requirements --format md
      The register as a table
  countersign list defects --format json
      Every defect and legal variant, for a program";

pub(super) const EXPLAIN: &str = "\
Examples:
  countersign explain GC-DUR-02
      A requirement
  countersign explain parameters/duration-outside
      A case
  countersign explain duration-clamped --format json
      A defect, for a program";

pub(super) const BASELINE: &str = "\
Examples:
  countersign baseline write known.json --endpoint http://localhost:4566 {named} --issue https://example.com/7
      Write down what fails today
  countersign baseline check known.json
      Check the file";

pub(super) const BASELINE_WRITE: &str = "\
Example:
  countersign baseline write known.json --endpoint http://localhost:4566 {named} --reason later";

pub(super) const BASELINE_CHECK: &str = "\
Example:
  countersign baseline check known.json";

pub(super) const SCHEMA: &str = "\
Examples:
  countersign schema
      Write schemas/ anew
  countersign schema --check
      Fail where a file is not current";

pub(super) const VALIDATE: &str = "\
Examples:
  countersign validate
      Check the fixtures that were compiled in
  countersign validate --fixtures fixtures
      Check those of a folder
  countersign validate --recordings recordings/aws
      See which requirements recordings confirm, and which they contradict";

pub(super) const SELFTEST: &str = "\
Examples:
  countersign selftest
      Try the cases on every defect and legal variant
  countersign selftest duration-clamped --report-json -
      Try it on one, for a program";

pub(super) const SERVE: &str = "\
Examples:
  countersign serve emulator
      The reference emulator
  countersign serve mock
      The replaying mock";

pub(super) const SERVE_EMULATOR: &str = "\
Examples:
  countersign serve emulator
      Serve on 127.0.0.1:4567, and print what a client needs
  countersign serve emulator --listen 127.0.0.1:0 --format json
      Serve on a free port, for a script
  countersign serve emulator --state emulator.json
      Keep what clients create, change and delete until the next time
  countersign serve emulator --control
      Let requests to /_countersign/clock move the clock
  countersign serve emulator --defect duration-clamped
      Serve a server with a fault
  countersign serve emulator --identities identities.json
      Let more callers do what their IAM policies allow";

pub(super) const SERVE_MOCK: &str = "\
Examples:
  countersign serve mock --listen 127.0.0.1:4568
      Give each case its hand-written reply
  countersign serve mock --recordings recordings/aws
      Give each case what was recorded";

pub(super) const CONFIG: &str = "\
Example:
  countersign config show --target mine";

pub(super) const CONFIG_SHOW: &str = "\
Examples:
  countersign config show
      The settings of a plain `countersign run`
  countersign config show --target mine --region eu-central-1 --format json
      Those of a run with these flags, for a program";

pub(super) const COMPLETIONS: &str = "\
Examples:
  countersign completions bash
      For bash: write it to ~/.local/share/bash-completion/completions/countersign
  countersign completions zsh
      For zsh: write it to a file _countersign in a folder of $fpath
  countersign completions fish
      For fish: write it to ~/.config/fish/completions/countersign.fish";

pub(super) const MAN: &str = "\
Examples:
  countersign man
      Print the manual page; `countersign man | man -l -` shows it
  countersign man target/man1
      Write a page for each command into a folder";

pub(super) const SDK: &str = "\
Examples:
  countersign sdk install boto3@1.44.5
      Put a version into the cache folder
  countersign sdk run --driver boto3@1.44.5 -o new.jsonl
      Record what it sends and what it gives its caller";

pub(super) const SDK_INSTALL: &str = "\
Examples:
  countersign sdk install boto3@1.44.5
      From PyPI, into an environment of its own, with the botocore that it was released with
  countersign sdk install boto3@1.44.5 --with urllib3==1.26.20
      With this version of another package
  countersign sdk install boto3 --lock uv.lock
      In the versions of a project
  countersign sdk install js-v3@3.1169.0
      From npm";

pub(super) const SDK_LIST: &str = "\
Examples:
  countersign sdk list
      What is installed, and what cannot be";

pub(super) const SDK_RUN: &str = "\
Examples:
  countersign sdk run --driver boto3@1.44.5 -o new.jsonl
      Every client case, into a run stream
  countersign sdk run --driver js-v3 errors
      One suite on the newest that is installed
  countersign sdk run -o mine.jsonl -- python3 my_driver.py
      A driver of yours";

pub(super) const SDK_CHECK: &str = "\
Examples:
  countersign sdk check --from origin/main
      Say what the lock file of a pull request changes; exit code 1 where callers notice
  countersign sdk check --baseline boto3.jsonl --update
      Record the SDK of the project in this folder
  countersign sdk check --python .venv --baseline boto3.jsonl
      Compare the boto3 of a virtual environment with that
  countersign sdk check --python .venv --baseline boto3.jsonl --accepted accepted.json
      The same, without the changes that the file accepts
  countersign sdk check --node-dir . --baseline js.jsonl --fail-on attempts
      The same for JavaScript, and also where it repeats requests differently";

pub(super) const SDK_BISECT: &str = "\
Examples:
  countersign sdk bisect boto3 1.39.0 1.40.0 --case errors
      Which version changed what errors look like
  countersign sdk bisect boto3 1.39.0 1.40.0 --dry-run
      How many versions that would install and run";

pub(super) const SDK_HISTORY: &str = "\
Examples:
  countersign sdk history boto3
      What each installed version changed
  countersign sdk history boto3 --from 1.39.0 --format md
      The newer ones, as a table
  countersign sdk history boto3 --format html
      All as a page, on standard output: the versions along a line, and below it each change";

pub(super) const SDK_PROTOCOL: &str = "\
Examples:
  countersign sdk protocol --driver boto3@1.44.5
      Check one of ours
  countersign sdk protocol -- python3 my_driver.py
      Check one of yours";

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::path::Path;

    use clap::error::ErrorKind;
    use clap::{Command, CommandFactory, Parser};
    use regex::Regex;

    use super::super::Cli;

    /// Every command below this one with its path, except the built-in `help`.
    fn commands(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
            let path = format!("{path} {}", part.get_name());
            found.push((path.clone(), part.clone()));
            commands(part, &path, found);
        }
    }

    /// The words of a shell line: quotes hold words together, and a comment ends it.
    pub(in crate::cli) fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for character in line.chars().chain([' ']) {
            match (character, quote) {
                (_, Some(open)) if character == open => quote = None,
                ('"' | '\'', None) => quote = Some(character),
                ('#', None) if word.is_empty() => break,
                (' ', None) if word.is_empty() => {}
                (' ', None) => words.push(std::mem::take(&mut word)),
                _ => word.push(character),
            }
        }
        words
    }

    /// The page whose flags are there with the feature `login` only.
    const LOGINS: &str = "harness/docs/logins.md";

    /// The documents that show command lines, and the least number of command lines that each shows.
    const DOCUMENTS: [(&str, usize); 14] = [
        ("README.md", 2),
        ("harness/docs/aws.md", 14),
        ("harness/docs/baselines.md", 3),
        ("harness/docs/contributing.md", 2),
        ("harness/docs/emulator.md", 4),
        ("harness/docs/installing.md", 0),
        (LOGINS, 2),
        ("harness/docs/recordings.md", 8),
        ("harness/docs/reports.md", 6),
        ("harness/docs/running.md", 3),
        ("harness/docs/rust.md", 0),
        ("harness/docs/sdks.md", 7),
        ("harness/drivers/GUIDE.md", 4),
        ("harness/kit/GUIDE.md", 14),
    ];

    /// The command lines of a document: at a prompt, or in a step of a workflow.
    fn commands_in(document: &str) -> Vec<String> {
        let text = document.replace("\\\n", " ");
        // A line that begins with a flag continues the step above it.
        let steps = Regex::new(r"\n +--").expect("a regex").replace_all(&text, " --").into_owned();
        let steps = Regex::new(r"\$\{\{.*?\}\}").expect("a regex").replace_all(&steps, "1").into_owned();
        let alone = |line: &str| {
            let line = line.trim_start();
            let line = line.strip_prefix("$ ").or_else(|| line.strip_prefix("- run: "))?;
            line.starts_with("countersign ").then(|| line.to_owned())
        };
        steps.lines().filter_map(alone).collect()
    }

    /// The commands that the text of a document names, such as `countersign diff`. Required arguments are often left
    /// out.
    fn named(document: &str) -> impl Iterator<Item = &str> {
        document.split('`').filter(|span| span.starts_with("countersign ") && !span.contains('\n'))
    }

    #[test]
    fn every_command_line_that_a_document_shows_is_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, at_least) in DOCUMENTS {
            if name == LOGINS && !cfg!(feature = "login") {
                continue;
            }
            let text = fs::read_to_string(root.join(name)).expect("it can be read");
            let commands_shown = commands_in(&text);
            assert!(commands_shown.len() >= at_least, "{name} shows only {commands_shown:?}");
            for line in commands_shown {
                if line.contains(" --door ") && !cfg!(feature = "login") {
                    continue;
                }
                if let Err(error) = Cli::try_parse_from(words(&line)) {
                    panic!("{name}: {line}: {error}");
                }
            }
            for line in named(&text) {
                let Err(error) = Cli::try_parse_from(words(line)) else { continue };
                // `serve` stands for both of its commands.
                let short = [ErrorKind::MissingRequiredArgument, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];
                let is_short = short.contains(&error.kind()) || !error.use_stderr();
                assert!(is_short, "{name}: {line}: {error}");
            }
        }
    }

    #[test]
    fn every_page_is_among_the_documents_whose_command_lines_are_read() {
        let pages = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/docs")).expect("a folder");
        for page in pages {
            let page = page.expect("a page").path();
            // A page shows a picture; nobody reads commands in it.
            if page.extension().is_some_and(|extension| extension == "svg" || extension == "png") {
                continue;
            }
            let name = format!("harness/docs/{}", page.file_name().expect("a name").to_string_lossy());
            assert!(DOCUMENTS.iter().any(|(document, _)| *document == name), "{name} is not among them");
        }
    }

    #[test]
    fn every_command_has_examples_that_are_command_lines_of_its_own() {
        let mut all = vec![("countersign".to_owned(), Cli::command())];
        commands(&Cli::command(), "countersign", &mut all);
        assert!(all.len() > 15, "only {} commands were found", all.len());
        for (path, command) in all {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  countersign")).collect();
            assert!(!lines.is_empty(), "{path} has no example");
            for line in lines {
                let line = format!("countersign{line}");
                assert!(line.starts_with(&path), "{line} is no example of {path}");
                if let Err(error) = Cli::try_parse_from(words(&line)) {
                    panic!("{line}: {error}");
                }
            }
        }
    }
}
