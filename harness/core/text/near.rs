//! Names that are near to a mistyped one. Everything in the program that looks a user's name up asks here.

use std::collections::BTreeSet;

use strsim::osa_distance;

use super::foreign;

/// The most names that are offered.
const OFFERED: usize = 3;

/// A longer text, in bytes, is no mistyped name, and a longer name is offered to nobody.
const LONGEST: usize = 400;

/// A name must have this many characters to be searched for inside others.
const SHORTEST_PART: usize = 3;

/// The name that a text means for certain: the name itself, or else the only one that differs from it just in what is
/// easily mistyped, such as the letter case (see [`did_you_mean`]).
pub fn meant<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<&str> = names.into_iter().collect();
    // Most names are right, and normalising all the others is dear.
    if let Some(same) = names.iter().find(|name| **name == text) {
        return Some(same);
    }
    let wanted = normalised(text);
    let alike: BTreeSet<&str> = names.into_iter().filter(|name| normalised(name) == wanted).collect();
    alike.first().copied().filter(|_| alike.len() == 1)
}

/// ` (did you mean a, b or c?)` with the leading blank; empty where no name is near.
///
/// Near are names that differ only in letter case, `_` for `-`, zeros before numbers and outer slashes; else those with
/// the same last part; else those that contain the text, whose `*` do not count; else those with the fewest letters
/// added, left out, exchanged or swapped. At most three are named. A part of a path counts as a name, as it does in a
/// pattern.
pub fn did_you_mean<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let near: Vec<String> = similar(text, names).into_iter().map(foreign).collect();
    match near.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" (did you mean {only}?)"),
        Some((last, others)) => format!(" (did you mean {} or {last}?)", others.join(", ")),
    }
}

/// The names that are near, the nearest first.
pub fn similar<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let wanted = normalised(text);
    let bare = wanted.replace('*', "").trim_matches('/').to_owned();
    let all: BTreeSet<&str> = names.into_iter().filter(|name| name.len() <= LONGEST).flat_map(with_parents).collect();
    let all: Vec<Name<'a>> = all.into_iter().map(Name::new).collect();
    let contains = |name: &Name<'_>| bare.chars().count() >= SHORTEST_PART && name.normalised.contains(&bare);
    let same_end = |name: &Name<'_>| !wanted.is_empty() && last_part(&name.normalised) == last_part(&wanted);
    let same = |name: &Name<'_>| name.normalised == wanted;
    let tests: [&dyn Fn(&Name<'_>) -> bool; 3] = [&same, &same_end, &contains];
    let passing = |test: &dyn Fn(&Name<'_>) -> bool| -> Vec<&'a str> {
        all.iter().filter(|name| test(name)).map(|name| name.written).collect()
    };
    let found = tests.into_iter().map(passing).find(|found| !found.is_empty());
    let mut found = found.unwrap_or_else(|| nearest(&bare, &all));
    // A name below another offered name adds nothing to the offer.
    let all_found = found.clone();
    found.retain(|name| !with_parents(name).any(|parent| parent != *name && all_found.contains(&parent)));
    found.sort_by_key(|name| name.len());
    found.truncate(OFFERED);
    found
}

/// A name, and its form to compare.
struct Name<'a> {
    written: &'a str,
    normalised: String,
}

impl<'a> Name<'a> {
    fn new(written: &'a str) -> Self {
        Self { written, normalised: normalised(written) }
    }
}

fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// The names with the least distance to a text. A text without a slash is also compared with the last parts of names.
/// The shorter the text, the fewer letters may differ.
fn nearest<'a>(text: &str, names: &[Name<'a>]) -> Vec<&'a str> {
    /// A longer text is no mistyped name, and would take long to compare.
    const LONGEST: usize = 100;
    let length = text.chars().count();
    let most = match length {
        0..SHORTEST_PART | LONGEST.. => return Vec::new(),
        3..5 => 1,
        5..9 => 2,
        _ => 3,
    };
    // Texts whose lengths differ by more have a greater distance.
    let distance = |name: &str| {
        let is_near = name.chars().count().abs_diff(length) <= most;
        is_near.then(|| osa_distance(text, name)).filter(|by| *by <= most)
    };
    let least_of = |Name { written, normalised }: &Name<'a>| {
        let last = normalised.rsplit_once('/').filter(|_| !text.contains('/')).and_then(|(_, last)| distance(last));
        Some((distance(normalised).into_iter().chain(last).min()?, *written))
    };
    let distances: Vec<(usize, &str)> = names.iter().filter_map(least_of).collect();
    let least = distances.iter().map(|(by, _)| *by).min().unwrap_or_default();
    distances.into_iter().filter(|(by, _)| *by == least).map(|(_, name)| name).collect()
}

/// A path and the paths above it, the shortest first: `a`, `a/b` and `a/b/c` of `a/b/c`.
pub fn with_parents(id: &str) -> impl Iterator<Item = &str> {
    id.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at).chain([id.len()]).map(|end| &id[..end])
}

/// A name without the differences that are easily mistyped: letter case, `_` for `-`, zeros before a number, outer
/// slashes.
fn normalised(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut characters = text.trim_matches('/').chars().peekable();
    while let Some(character) = characters.next() {
        let follows_digit = name.ends_with(|c: char| c.is_ascii_digit() || c == '.');
        let is_leading = character == '0' && !follows_digit && characters.peek().is_some_and(char::is_ascii_digit);
        match character {
            _ if is_leading => {}
            '_' => name.push('-'),
            _ if character.is_ascii() => name.push(character.to_ascii_lowercase()),
            _ => name.extend(character.to_lowercase()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NAMES: [&str; 7] = [
        "GC-WG-02",
        "success/all",
        "values/outside/1",
        "values/outside/2",
        "values/too-short",
        "errors/outside-in",
        "report-junit",
    ];

    #[test]
    fn a_text_or_a_name_that_is_longer_than_any_name_is_near_nothing() {
        let long = "success/all".repeat(10_000);
        assert_eq!(similar(&long, NAMES), [""; 0]);
        assert_eq!(similar("succes/all", [long.as_str(), "success/all"]), ["success/all"]);
    }

    #[rstest]
    #[case::letters("gc_wg_02", &["GC-WG-02"])]
    #[case::zeros("GC-WG-2", &["GC-WG-02"])]
    #[case::without_the_suite("outside", &["values/outside"])]
    #[case::with_another_suite("errors/too-short", &["values/too-short"])]
    #[case::a_part_of_the_name("short", &["values/too-short"])]
    #[case::the_family_and_not_its_members("utside", &["values/outside", "errors/outside-in"])]
    #[case::a_part_of_a_pattern("*outsid*", &["values/outside", "errors/outside-in"])]
    #[case::a_letter_left_out("valus", &["values"])]
    #[case::letters_swapped("vlaues/too-shrot", &["values/too-short"])]
    #[case::in_the_last_part("too-shoort", &["values/too-short"])]
    #[case::a_wrong_letter("report-jumit", &["report-junit"])]
    #[case::nothing_is_near("zzz", &[])]
    #[case::too_little_to_tell("a", &[])]
    #[case::nothing("", &[])]
    #[case::a_letter_of_all("*", &[])]
    fn what_is_near_is_offered(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(similar(text, NAMES), expected);
    }

    #[test]
    fn a_text_of_any_length_is_compared_in_no_time() {
        let long = "outside-".repeat(100_000);
        assert_eq!(similar(&long, NAMES), [""; 0]);
    }

    #[test]
    fn an_offer_is_a_question() {
        assert_eq!(did_you_mean("outside", NAMES), " (did you mean values/outside?)");
        assert_eq!(did_you_mean("utside", NAMES), " (did you mean values/outside or errors/outside-in?)");
        assert_eq!(did_you_mean("zzz", NAMES), "");
    }

    #[rstest]
    #[case::itself("GC-WG-02", Some("GC-WG-02"))]
    #[case::zeros_and_letter_case("gc-wg-2", Some("GC-WG-02"))]
    #[case::more_zeros("GC_WG_002", Some("GC-WG-02"))]
    #[case::another_number("GC-WG-20", None)]
    #[case::a_mistyped_letter("GC-WH-02", None)]
    fn a_name_is_meant_where_nothing_else_can_be(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(meant(text, NAMES), expected);
    }

    #[test]
    fn of_two_names_that_differ_only_in_letter_case_the_exact_one_is_meant() {
        assert_eq!(meant("a", ["a", "A"]), Some("a"));
        assert_eq!(meant("aa", ["aA", "Aa"]), None);
    }
}
