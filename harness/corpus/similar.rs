//! What somebody may have meant by an id that is not there.

use std::collections::BTreeSet;

use crate::text::foreign;

/// The most that are offered.
const OFFERED: usize = 3;

/// The ids that are nearest to a text that is none: the same in other letters, then those that end with it
/// as a part of its own, then those that contain it; at most three of them, and none where nothing is near.
/// A part of an id counts as an id, as it does in a pattern.
pub fn similar<'a>(text: &str, ids: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const SHORTEST: usize = 3;
    let wanted = plain(text);
    let last = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let all: BTreeSet<&str> = ids.into_iter().flat_map(with_parents).collect();
    let contains = |id: &&str| wanted.len() >= SHORTEST && plain(id).contains(&wanted);
    let same_end = |id: &&str| !wanted.is_empty() && last(&plain(id)) == last(&wanted);
    let same = |id: &&str| plain(id) == wanted;
    let tests: [&dyn Fn(&&str) -> bool; 3] = [&same, &same_end, &contains];
    let found = tests.into_iter().map(|test| all.iter().copied().filter(|id| test(id)).collect::<Vec<_>>());
    let mut found = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    // What lies below another one that is offered says no more than that.
    let shown = found.clone();
    found.retain(|id| !with_parents(id).any(|parent| parent != *id && shown.contains(&parent)));
    found.sort_by_key(|id| id.len());
    found.truncate(OFFERED);
    found
}

/// ` (did you mean a, b or c?)` with its blank, or nothing.
pub fn did_you_mean<'a>(text: &str, ids: impl IntoIterator<Item = &'a str>) -> String {
    let near: Vec<String> = similar(text, ids).into_iter().map(foreign).collect();
    match near.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" (did you mean {only}?)"),
        Some((last, others)) => format!(" (did you mean {} or {last}?)", others.join(", ")),
    }
}

fn with_parents(id: &str) -> impl Iterator<Item = &str> {
    id.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at).chain([id.len()]).map(|end| &id[..end])
}

/// An id without what is easily mistaken.
fn plain(text: &str) -> String {
    text.trim_matches('/').to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const IDS: [&str; 6] =
        ["GC-WG-02", "success/all", "values/outside/1", "values/outside/2", "values/too-short", "errors/outside-in"];

    #[rstest]
    #[case::letters("gc_wg_02", &["GC-WG-02"])]
    #[case::without_the_suite("outside", &["values/outside"])]
    #[case::with_another_suite("errors/too-short", &["values/too-short"])]
    #[case::a_part_of_the_name("short", &["values/too-short"])]
    #[case::the_family_and_not_its_members("utside", &["values/outside", "errors/outside-in"])]
    #[case::nothing_is_near("zzz", &[])]
    #[case::too_little_to_tell("a", &[])]
    #[case::nothing("", &[])]
    fn what_is_near_is_offered(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(similar(text, IDS), expected);
    }

    #[test]
    fn an_offer_is_a_question() {
        assert_eq!(did_you_mean("outside", IDS), " (did you mean values/outside?)");
        assert_eq!(did_you_mean("utside", IDS), " (did you mean values/outside or errors/outside-in?)");
        assert_eq!(did_you_mean("zzz", IDS), "");
    }
}
