//! Finds the version that brought a change, by halving the range of versions.
//!
//! Pure but for the probe: whoever calls says how a version is compared with the oldest one.

use std::collections::BTreeMap;

/// Where a change was first seen among the versions from the oldest to the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstSeen {
    /// The id of the change.
    pub id: String,
    /// The place of the last version that was tried before it and does not show it.
    pub before: usize,
    /// The place of the first version that shows it.
    pub at: usize,
    /// Versions that were tried earlier in the range and show it as well: it came, went and came back, so that there is
    /// no one version that brought it.
    pub also: Vec<usize>,
}

/// Which changes each version shows that was tried, by the version's place.
pub type Shown = BTreeMap<usize, Vec<String>>;

/// Finds where each of the changes that the newest version shows was first seen. `probe` gives the ids of the changes
/// between the oldest version and the one at a place, and is told how many more it may be asked for one change. It is
/// asked at most once for each place, never for the oldest, whose changes are none. Returns also what every version showed that was tried.
///
/// # Errors
/// The first error of the probe.
///
/// # Panics
/// Where there are fewer than two versions.
pub fn bisect<E>(
    versions: usize,
    wanted: impl Fn(&str) -> bool,
    mut probe: impl FnMut(usize, usize) -> Result<Vec<String>, E>,
) -> Result<(Vec<FirstSeen>, Shown), E> {
    assert!(versions >= 2, "two versions make a range");
    let newest = versions - 1;
    let mut shown = Shown::from([(0, Vec::new())]);
    shown.insert(newest, probe(newest, steps(versions))?);
    let ids: Vec<String> = shown[&newest].iter().filter(|id| wanted(id)).cloned().collect();
    // What is tried for one change may show that another went and came back, so each is looked at again.
    let open = |shown: &Shown| {
        let ranges = ids.iter().map(|id| bounds(shown, id, newest));
        ranges.max_by_key(|(before, at)| at - before).filter(|(before, at)| at - before > 1)
    };
    while let Some((before, at)) = open(&shown) {
        let middle = before + (at - before) / 2;
        let ids = probe(middle, steps(at - before + 1).saturating_sub(1))?;
        shown.insert(middle, ids);
    }
    let found = ids.iter().map(|id| {
        let (before, at) = bounds(&shown, id, newest);
        let earlier = shown.range(..before).filter(|(_, ids)| ids.contains(id));
        FirstSeen { id: id.clone(), before, at, also: earlier.map(|(place, _)| *place).collect() }
    });
    Ok((found.collect(), shown.clone()))
}

/// How many versions are tried at most in a range of this many, whose ends are known.
pub fn steps(versions: usize) -> usize {
    let mut left = versions.saturating_sub(1);
    let mut steps = 0;
    while left > 1 {
        left = left.div_ceil(2);
        steps += 1;
    }
    steps
}

/// The newest version without a change, and the one after it that was tried, which shows it.
fn bounds(shown: &Shown, id: &str, newest: usize) -> (usize, usize) {
    let has = |ids: &[String]| ids.iter().any(|one| one == id);
    let before = shown.iter().rev().find(|(_, ids)| !has(ids)).map_or(0, |(place, _)| *place);
    let at = shown.range(before + 1..).next().map_or(newest, |(place, _)| *place);
    (before, at)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use rstest::rstest;

    use super::*;

    /// Bisects a range in which the version at each place shows these changes; returns which were tried too.
    fn search(versions: &[&[&str]]) -> (Vec<FirstSeen>, Vec<usize>) {
        let mut tried = Vec::new();
        let probe = |place: usize, _| {
            tried.push(place);
            Ok::<_, Infallible>(versions[place].iter().map(|id| (*id).to_owned()).collect())
        };
        let (found, _) = bisect(versions.len(), |_| true, probe).unwrap_or_else(|never| match never {});
        (found, tried)
    }

    #[rstest]
    #[case::second(1)]
    #[case::middle(7)]
    #[case::last(15)]
    fn the_first_version_that_shows_a_change_is_found_in_few_steps(#[case] first: usize) {
        let versions: Vec<&[&str]> = (0..16).map(|place| if place >= first { &["a"][..] } else { &[] }).collect();
        let (found, tried) = search(&versions);
        assert_eq!(found, [FirstSeen { id: "a".to_owned(), before: first - 1, at: first, also: Vec::new() }]);
        assert!(tried.len() <= 1 + steps(16), "{tried:?}");
    }

    #[test]
    fn several_changes_share_what_was_tried() {
        let versions: [&[&str]; 8] = [&[], &[], &["a"], &["a"], &["a"], &["a", "b"], &["a", "b"], &["a", "b"]];
        let (found, tried) = search(&versions);
        let at: Vec<_> = found.iter().map(|found| (found.id.as_str(), found.at)).collect();
        assert_eq!(at, [("a", 2), ("b", 5)]);
        let mut once = tried.clone();
        once.dedup();
        assert_eq!(once, tried);
    }

    #[test]
    fn nothing_is_tried_between_versions_that_do_not_differ() {
        assert_eq!(search(&[&[], &[], &[], &[]]), (Vec::new(), vec![3]));
    }

    #[test]
    fn a_change_that_went_and_came_back_is_said_to_have() {
        let versions: [&[&str]; 9] = [&[], &["a"], &["a"], &["a"], &["a"], &["a"], &["b"], &["a", "b"], &["a", "b"]];
        let (found, _) = search(&versions);
        let a = found.iter().find(|found| found.id == "a").expect("it is there");
        assert_eq!((a.before, a.at, a.also.is_empty()), (6, 7, false), "{found:?}");
    }

    #[test]
    fn the_number_of_steps_is_that_of_halvings() {
        assert_eq!([2, 3, 4, 5, 9, 17, 18].map(steps), [0, 1, 2, 2, 3, 4, 5]);
    }
}
