//! Compares User-Agent word by word, in any order, without versions and without words about the machine.

use std::sync::LazyLock;

use regex::Regex;

use super::{ChangeClass, ChangeKind, SdkChange, show};
use crate::sdk::record::RequestRecord;

/// A version: numbers with dots, and their suffix.
static VERSION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+(?:\.\d+)+[\w.+-]*").expect("the pattern is valid"));

/// Words about the machine: their names are kept, their values removed.
const MACHINE: [&str; 2] = ["os/", "md/arch"];

/// Compares what two requests tell of the SDK; JavaScript SDKs tell it in two fields, and a change is reported once.
pub(super) fn compare(old: &RequestRecord, new: &RequestRecord) -> Vec<SdkChange> {
    let mut found: Vec<SdkChange> = Vec::new();
    for (name, what) in [("user-agent", "User-Agent"), ("x-amz-user-agent", "x-amz-user-agent")] {
        let (Some(was), Some(is)) = (old.headers.get(name), new.headers.get(name)) else { continue };
        let (was, is) = words_of_one(was, is);
        let is_reported = found.iter().any(|change| change.old == was && change.new == is);
        if was != is && !is_reported {
            let mode = retry_mode(&was).zip(retry_mode(&is));
            let cause = mode.map(|(was, is)| format!("retry mode {was} -> {is}"));
            let meaning = match cause {
                Some(_) => "The SDK repeats requests by other rules: how often, after what, and after which wait.",
                None => "What the service logs about the SDK is another; nothing else hangs on it.",
            };
            let change = SdkChange::new(ChangeClass::Agent, what, was, is, meaning);
            found.push(match cause {
                Some(cause) => change.grouped(cause).of(ChangeKind::RetryMode),
                None => change,
            });
        }
    }
    found
}

/// The mode of retries that the words of a User-Agent name: `standard` of `cfg/retry-mode#standard`.
fn retry_mode(words: &str) -> Option<&str> {
    words.split(' ').find_map(|word| word.strip_prefix("cfg/retry-mode#"))
}

/// The words that only one of two texts has.
fn words_of_one(old: &str, new: &str) -> (String, String) {
    let (mut was, mut is) = (sorted_words(old), sorted_words(new));
    was.retain(|word| is.iter().position(|other| other == word).map(|same| is.remove(same)).is_none());
    let list = |words: Vec<String>| match words.as_slice() {
        [] => "nothing else".to_owned(),
        words => show::cut(&words.join(" ")),
    };
    (list(was), list(is))
}

/// The words, sorted. A list of features, `m/A,B`, gives a word for each.
fn sorted_words(text: &str) -> Vec<String> {
    let features = |word: &str| match word.strip_prefix("m/") {
        Some(letters) => letters.split(',').map(|letter| format!("m/{letter}")).collect(),
        None => vec![normalised_word(word)],
    };
    let mut words: Vec<String> = text.split_whitespace().flat_map(features).collect();
    words.sort_unstable();
    words
}

fn normalised_word(word: &str) -> String {
    let word = VERSION.replace_all(word, "<version>");
    match word.split_once('#') {
        Some((name, _)) if MACHINE.iter().any(|about| name.starts_with(about)) => name.to_owned(),
        _ => word.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::versions("Boto3/1.43.127 lang/python#3.11.7", "Boto3/1.44.5 lang/python#3.12.1")]
    #[case::marked_versions("Boto3/<version>", "Boto3/1.44.5")]
    #[case::order_of_features("ua/2.1 m/E,Z,b", "ua/2.1 m/b,Z,E")]
    #[case::order("md/a cfg/b", "cfg/b md/a")]
    #[case::machine("os/linux#5.15.0-1 md/arch#x86_64", "os/linux#6.1 md/arch#aarch64")]
    fn what_says_nothing_about_the_sdk_does_not_show(#[case] old: &str, #[case] new: &str) {
        assert_eq!(words_of_one(old, new), ("nothing else".to_owned(), "nothing else".to_owned()));
    }

    #[rstest]
    #[case(
        "a/1.0 cfg/retry-mode#legacy",
        "a/2.0 cfg/retry-mode#standard",
        "cfg/retry-mode#legacy",
        "cfg/retry-mode#standard"
    )]
    #[case("a", "a lib/other", "nothing else", "lib/other")]
    #[case("a a", "a", "a", "nothing else")]
    #[case("m/A,B", "m/A,C", "m/B", "m/C")]
    fn words_that_only_one_has_are_told(#[case] old: &str, #[case] new: &str, #[case] was: &str, #[case] is: &str) {
        assert_eq!(words_of_one(old, new), (was.to_owned(), is.to_owned()));
    }
}
