//! Where the reports of a run go.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::open::Opening;
use super::output::{Stdout, say, wants_colour, width};
use super::rerun::RerunCommands;
use super::variables::variable_of;
use super::{Failure, summary};
use crate::contract::Contract;
use crate::report::{
    self, Collecting, Detail, Event, FORMATS, GithubSink, HistorySink, Layout, ReportFile, ReportMaker, Sink,
    StreamSink, TextOptions, TextSink,
};
use crate::run::Described;
use crate::text::file_name;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// What goes to standard output [default: auto]
    #[arg(long, env = "COUNTERSIGN_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<RunFormat>,

    /// Print a line for every case
    #[arg(long, short, env = "COUNTERSIGN_VERBOSE")]
    verbose: bool,

    /// Print failures and totals only, whatever --format and --verbose say, and name no files
    // No conflict: clap would take a variable of the others for one.
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    files: FileArgs,

    /// Open the HTML report in the browser: the file of --report-html, or else a temporary one. Where standard output is
    /// no terminal, or CI is set, only say where it is
    #[arg(long, env = "COUNTERSIGN_OPEN")]
    open: bool,
}

/// The flag of the report that a browser shows.
const HTML: &str = "report-html";

/// The files that reports are written into, each with its format; each format has a flag.
#[derive(Clone, Debug, Default)]
struct FileArgs(Vec<(&'static report::ReportFormat, PathBuf)>);

impl Args for FileArgs {
    fn augment_args(command: Command) -> Command {
        let argument = |format: &'static report::ReportFormat| {
            let variable: &str = variable_of(format.flag).leak();
            let alias = format.flag.strip_prefix("report-");
            let argument = Arg::new(format.flag)
                .long(format.flag)
                .aliases(alias)
                .env(variable)
                .value_name("FILE")
                .help(format.help);
            let argument =
                argument.value_parser(PathBufValueParser::new().try_map(|file| with_fitting_ending(format, file)));
            // One run can have several files of a format whose files differ by their endings.
            match format.endings {
                [] => argument,
                _ => argument.action(ArgAction::Append).value_delimiter(','),
            }
        };
        FORMATS.iter().fold(command, |command, format| command.arg(argument(format)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FileArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let of = |format: &'static report::ReportFormat| {
            let files = matches.get_many::<PathBuf>(format.flag).unwrap_or_default();
            files.map(move |file| (format, file.clone()))
        };
        Ok(Self(FORMATS.iter().flat_map(of).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Checks that the ending of a file fits its format.
fn with_fitting_ending(format: &report::ReportFormat, file: PathBuf) -> Result<PathBuf, String> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let fits = |ending_of_format: &&str| ending.as_deref() == Some(*ending_of_format);
    if format.endings.is_empty() || format.endings.iter().any(fits) {
        return Ok(file);
    }
    let endings: Vec<_> = format.endings.iter().map(|ending| format!(".{ending}")).collect();
    Err(format!("expected a file that ends in {}", endings.join(" or ")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    /// Text, unless a report is written to standard output
    Auto,
    /// Text for people
    Text,
    /// Failures and totals only
    Quiet,
    /// The run stream, one JSON object a line
    Jsonl,
    /// Text as a log of GitHub Actions, with annotations
    Github,
}

impl ReportArgs {
    pub(super) fn write_stream_to(&mut self, file: PathBuf) {
        let is_stream = |format: &&report::ReportFormat| matches!(format.made, ReportMaker::AsHeard(_));
        self.files.0.extend(FORMATS.iter().find(is_stream).map(|format| (format, file)));
    }

    /// The results that some report shows in full.
    pub(super) fn described(&self) -> Described {
        let in_a_file = self.open || self.files.0.iter().any(|(format, _)| format.shows_passes);
        let on_stdout = self.verbose || self.format == Some(RunFormat::Jsonl);
        if in_a_file || on_stdout { Described::All } else { Described::Findings }
    }

    /// Whether as little as possible is to be printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet || matches!(self.format, Some(RunFormat::Quiet))
    }

    pub(super) fn writes_files(&self) -> bool {
        self.open || self.files().next().is_some()
    }

    /// The files that reports are written into, each with its flag.
    fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = self.files.0.iter().map(|(format, file)| (format.flag, file.as_path()));
        files.filter(|(_, file)| *file != Path::new("-"))
    }

    /// Names each file that was written, on standard error.
    pub(super) fn name_files(&self) {
        for (flag, file) in self.files().filter(|_| !self.quiet) {
            say(&format!("wrote {} (--{flag})", file_name(file)));
        }
    }

    /// Refuses two reports in one file, and a report in one of the files that are `read`.
    pub(super) fn check_files(&self, read: &[PathBuf]) -> Result<(), Failure> {
        let mut flags_by_path: BTreeMap<PathBuf, &str> = read.iter().map(|file| (place(file), "from")).collect();
        for (flag, file) in self.files() {
            if let Some(other) = flags_by_path.insert(place(file), flag) {
                return Err(Failure::usage(format!(
                    "--{flag} and --{other} name the same file, {}; give each its own",
                    file_name(file)
                )));
            }
        }
        Ok(())
    }

    /// The flag of the first requested report that can show only one run.
    pub(super) fn for_one_run(&self) -> Option<String> {
        let mut files = self.files.0.iter().filter(|(format, _)| !format.several);
        let in_a_file = files.next().map(|(format, _)| format!("--{}", format.flag));
        in_a_file.or_else(|| match self.format {
            Some(RunFormat::Jsonl) => Some("--format jsonl".to_owned()),
            Some(RunFormat::Github) => Some("--format github".to_owned()),
            Some(RunFormat::Auto | RunFormat::Text | RunFormat::Quiet) | None => None,
        })
    }
}

/// Every report of a run. The first error is kept and returned at the end; the other reports go on.
pub(super) struct Reports {
    /// The reports that are written during the run.
    sinks: Vec<Box<dyn Sink>>,
    /// The reports that are made after the run; `None` where there are none.
    collecting: Option<Collecting>,
    /// The job summary. The user did not ask for it by name, so a failure to write it changes no exit code.
    summary: Option<PathBuf>,
    /// The report that is to be opened at the end.
    opening: Option<Opening>,
    error: Option<io::Error>,
}

impl Reports {
    /// Opens every report, so that a path that cannot be written is found before anything is sent.
    pub(super) fn open(args: &ReportArgs, contract: &Contract, again: &RerunCommands) -> Result<Self, Failure> {
        Self::open_for(args, contract, again, &Layout::Alone)
    }

    /// The same for runs that stand to each other in this way.
    pub(super) fn open_for(
        args: &ReportArgs,
        contract: &Contract,
        again: &RerunCommands,
        layout: &Layout,
    ) -> Result<Self, Failure> {
        let to_stdout = args.files.0.iter().filter(|(_, file)| file.as_os_str() == "-");
        let to_stdout: Vec<_> = to_stdout.map(|(format, _)| format!("--{} -", format.flag)).collect();
        let chosen = if args.quiet { Some(RunFormat::Quiet).filter(|_| to_stdout.is_empty()) } else { args.format };
        let format = match chosen.unwrap_or(RunFormat::Auto) {
            RunFormat::Auto if !to_stdout.is_empty() => None,
            RunFormat::Auto => Some(RunFormat::Text),
            format @ (RunFormat::Text | RunFormat::Quiet | RunFormat::Jsonl | RunFormat::Github) => Some(format),
        };
        let word = format.and_then(|format| Some(format!("--format {}", format.to_possible_value()?.get_name())));
        if let [one, other, ..] = word.into_iter().chain(to_stdout).collect::<Vec<_>>().as_slice() {
            return Err(Failure::usage(format!(
                "only one report can go to standard output, and both {one} and {other} would; give {other} a file"
            )));
        }
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        let register = &contract.register;
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
        let collector = || Collecting::laid_out(register, layout.clone());
        let mut collecting = summary.is_some().then(collector);
        let named = args.files().find(|(flag, _)| *flag == HTML).map(|(_, file)| file);
        let opening = args.open.then(|| Opening::new(named)).transpose()?;
        let own = opening.as_ref().and_then(Opening::own_file);
        let own = own.and_then(|file| Some((FORMATS.iter().find(|format| format.flag == HTML)?, file.to_owned())));
        for (format, path) in args.files.0.iter().chain(&own) {
            let file = ReportFile::open(path).map_err(|error| Failure::usage(error.to_string()))?;
            match format.made {
                ReportMaker::AsHeard(make) => {
                    let report = file.report(make).map_err(|error| Failure::usage(error.to_string()))?;
                    sinks.push(Box::new(report));
                }
                ReportMaker::AtTheEnd(make) => {
                    collecting.get_or_insert_with(collector).add(make(path), file);
                }
            }
        }
        let stdout = || io::BufWriter::new(Stdout);
        match format {
            Some(RunFormat::Jsonl) => sinks.push(Box::new(StreamSink::new(stdout()))),
            Some(format) => {
                let detail = match format {
                    RunFormat::Quiet => Detail::Quiet,
                    _ if args.verbose => Detail::Verbose,
                    RunFormat::Auto | RunFormat::Text | RunFormat::Jsonl | RunFormat::Github => Detail::Normal,
                };
                let options = TextOptions {
                    detail,
                    several: *layout == Layout::SideBySide,
                    colour: wants_colour(),
                    links: wants_colour(),
                    width: Some(width()),
                    again: again.whole.clone(),
                    again_for: again.part.clone(),
                    again_behind: again.behind.clone(),
                };
                if let Layout::OverTime(files) = layout {
                    sinks.push(Box::new(HistorySink::new(stdout(), register, files, options)));
                } else if format == RunFormat::Github {
                    sinks.push(Box::new(GithubSink::new(stdout(), register, options)));
                } else {
                    sinks.push(Box::new(TextSink::new(stdout(), register, options)));
                }
            }
            None => {}
        }
        Ok(Self { sinks, collecting, summary, opening, error: None })
    }

    pub(super) fn hear(&mut self, event: &Event) {
        self.each(|sink| sink.hear(event));
    }

    /// Does something with every report, and keeps the first error.
    fn each(&mut self, does: impl Fn(&mut dyn Sink) -> io::Result<()>) {
        let collecting = self.collecting.as_mut().map(|collecting| collecting as &mut dyn Sink);
        for sink in self.sinks.iter_mut().map(|sink| &mut **sink).chain(collecting) {
            if let Err(error) = does(sink) {
                self.error.get_or_insert(error);
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.each(|sink| sink.finish());
        if let (Some(path), Some(collecting)) = (&self.summary, &self.collecting)
            && let Err(error) = summary::add(path, collecting)
        {
            say(&format!("warning: the job summary is not written: {error}"));
        }
        match self.error.take() {
            // A reader that has read enough, such as `head`, is no failure.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::usage(error.to_string())),
            _ => {
                if let Some(opening) = self.opening.take() {
                    opening.show();
                }
                Ok(())
            }
        }
    }
}

/// The path of a file that is there or will be, the same for every path that names the file.
pub(super) fn place(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let in_folder = || Some(folder.canonicalize().ok()?.join(file.file_name()?));
    file.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| file.to_owned())
}
