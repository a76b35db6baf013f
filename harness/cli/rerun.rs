//! The commands that repeat a run, made from the words that it was started with.

use clap::Command;

use crate::report::FORMATS;
use crate::run::shell_word;

#[derive(Default)]
pub(super) struct RerunCommands {
    /// The whole run, with its seed.
    pub(super) whole: String,
    /// The same without patterns, shard, report files and --open, to be followed by ids of cases.
    pub(super) part: String,
    /// What follows those ids; empty if nothing does.
    pub(super) behind: String,
}

impl RerunCommands {
    /// The commands for the run of this process; `command` has the arguments of its command. `target` are the arguments
    /// that name the target, if the command line does not.
    pub(super) fn of_run(seed: u64, command: &Command, target: Option<[String; 2]>) -> Self {
        let sharded = std::env::var_os("COUNTERSIGN_SHARD").is_some_and(|value| !value.is_empty());
        let mut words = process_words();
        // They stand before any "--".
        let start = usize::from(words.first().is_some_and(|word| word == "run"));
        words.splice(start..start, target.into_iter().flatten());
        Self::from_words(words, command, seed, sharded)
    }

    /// The commands for a run that was started with these words; `sharded` says that the environment names a shard.
    fn from_words(words_given: Vec<String>, command: &Command, seed: u64, sharded: bool) -> Self {
        // Behind "--" there are patterns only.
        let Words { mut whole, flags: mut part, behind: patterns } = Words::sort(&["run"], words_given, command);
        if !part.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
            let seed = [String::from("--seed"), seed.to_string()];
            part.extend(seed.clone());
            whole.extend(seed);
        }
        whole.extend(patterns);
        if sharded {
            part.extend(["--shard".to_owned(), "1/1".to_owned()]);
        }
        Self { whole: command_line(&whole), part: command_line(&part), behind: String::new() }
    }

    /// The commands for the run of SDK cases of this process; `command` has the arguments of its command.
    pub(super) fn of_sdk_run(command: &Command) -> Self {
        Self::from_sdk_words(process_words(), command)
    }

    pub(super) fn from_sdk_words(words_given: Vec<String>, command: &Command) -> Self {
        // Behind "--" there is the driver's own command.
        let Words { mut whole, flags, behind } = Words::sort(&["sdk", "run"], words_given, command);
        whole.extend(behind.clone());
        Self { whole: command_line(&whole), part: command_line(&flags), behind: command_line(&behind) }
    }
}

/// The words of a command line that runs cases.
struct Words {
    /// All up to "--".
    whole: Vec<String>,
    /// Those of them that are no pattern, no shard and no file for a report.
    flags: Vec<String>,
    /// "--" and what is behind it.
    behind: Vec<String>,
}

impl Words {
    /// `names` are the names of the command, `command` has its arguments.
    fn sort(names: &[&str], words: Vec<String>, command: &Command) -> Self {
        let start: Vec<_> = std::iter::once("countersign").chain(names.iter().copied()).map(str::to_owned).collect();
        let (mut whole, mut flags) = (start.clone(), start);
        let mut words = words.into_iter().peekable();
        for name in names {
            words.next_if(|word| word == name);
        }
        while let Some(word) = words.next_if(|word| word != "--") {
            let (long, short) = (word.strip_prefix("--"), word.strip_prefix('-').and_then(|rest| rest.chars().next()));
            let name = long.map(|long| long.split_once('=').map_or(long, |(name, _)| name));
            let argument = command.get_arguments().find(|argument| match name {
                Some(name) => {
                    argument.get_long() == Some(name)
                        || argument.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
                }
                None => short.is_some() && argument.get_short() == short,
            });
            let has_value = if long.is_some() { word.contains('=') } else { word.chars().count() > 2 };
            let takes_value = argument.is_some_and(|argument| argument.get_action().takes_values());
            let long = argument.and_then(clap::Arg::get_long).unwrap_or_default();
            // A word that is neither a flag nor the value of one is a pattern.
            let of_whole =
                ["open", "output", "shard"].contains(&long) || FORMATS.iter().any(|format| format.flag == long);
            let is_kept = word.starts_with('-') && !of_whole;
            let value = if takes_value && !has_value { words.next() } else { None };
            let both: Vec<String> = [word].into_iter().chain(value).collect();
            if is_kept {
                flags.extend(both.clone());
            }
            whole.extend(both);
        }
        Self { whole, flags, behind: words.collect() }
    }
}

/// The words that this process was started with, behind its name.
pub(super) fn process_words() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

pub(super) fn command_line(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use clap::Args as _;

    use super::super::run::RunArgs;
    use super::*;

    fn run_command() -> Command {
        RunArgs::augment_args(Command::new("run"))
    }

    #[rstest]
    #[case::patterns("run errors a/b --region x", "run --region x")]
    #[case::a_value_like_a_pattern("run parameters --workgroup parameters", "run --workgroup parameters")]
    #[case::a_value_behind_an_equals_sign("run a --skip=a -v", "run --skip=a -v")]
    #[case::a_switch_takes_no_value("run --no-sign a", "run --no-sign")]
    #[case::a_shard("run --shard 1/4 a --shard=2/4", "run")]
    #[case::reports("run --report-html a.html --badge=b.svg -v --open", "run -v")]
    #[case::a_short_flag("run -j 4 a -j8", "run -j 4 -j8")]
    #[case::another_name_of_a_flag("run --threads 4 a", "run --threads 4")]
    fn a_run_is_repeated_as_it_was_started(#[case] typed: &str, #[case] part: &str) {
        it_is_repeated(typed, &format!("{typed} --seed 7"), &format!("{part} --seed 7"));
    }

    #[rstest]
    #[case::nothing("", "run --seed 7", "run --seed 7")]
    #[case::a_seed("run --seed 5 a", "run --seed 5 a", "run --seed 5")]
    #[case::patterns_only("run --no-sign -- a --seed", "run --no-sign --seed 7 -- a --seed", "run --no-sign --seed 7")]
    #[case::quotes("run --skip 'a'", r"run --skip ''\''a'\''' --seed 7", r"run --skip ''\''a'\''' --seed 7")]
    fn it_is_repeated(#[case] typed: &str, #[case] whole: &str, #[case] part: &str) {
        let commands =
            RerunCommands::from_words(typed.split_whitespace().map(str::to_owned).collect(), &run_command(), 7, false);
        assert_eq!(commands.whole, format!("countersign {whole}"));
        assert_eq!(commands.part, format!("countersign {part}"));
    }

    #[test]
    fn the_ids_of_failed_cases_are_not_cut_by_a_shard_of_the_environment() {
        let commands = RerunCommands::from_words(vec!["run".to_owned()], &run_command(), 7, true);
        assert_eq!(commands.whole, "countersign run --seed 7");
        assert_eq!(commands.part, "countersign run --seed 7 --shard 1/1");
    }
}
