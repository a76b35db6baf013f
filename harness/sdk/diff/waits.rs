//! The waits between attempts. SDKs draw them at random, so no two runs have the same. They are compared over the whole
//! run, and only a difference that neither chance nor a busy machine explains is reported.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeClass, EVERY_CASE, SdkChange};
use crate::sdk::record::{Gap, GapClass, Timing};

/// The square of the number of standard deviations by which shorter waits must outnumber longer ones, or the reverse.
/// Equal SDKs exceed it about one time in five thousand, and the medians must be far apart too.
const DEVIATIONS_SQUARED: usize = 14;

/// The least ratio of the medians of the two runs.
const RATIO: f64 = 2.5;

/// The least value of the larger median, in milliseconds: shorter waits may be due to the machine. An SDK whose first
/// back-off is drawn from 0 to 50 ms has a median around 40 over several attempts.
const FLOOR_MS: f64 = 30.0;

/// The fewest waits asked for by a server that must all change alike. A random wait is within [`PUNCTUAL_MS`] of a
/// given second one time in thirty, three of them one time in 27 000.
const TOLD: usize = 3;

/// How late an SDK may be that waits as it was told, in milliseconds.
const PUNCTUAL_MS: f64 = 35.0;

/// A case, and its waits before the same attempt in both runs.
type Pair<'a> = (&'a str, &'a Gap, &'a Gap);

/// Compares the waits of all cases, each with its name and both timings.
pub(super) fn compare<'a>(cases: &'a [(&'a str, Timing, Timing)]) -> Vec<(&'a str, SdkChange)> {
    let mut own: Vec<Pair<'_>> = Vec::new();
    let mut by_requested_wait: BTreeMap<i64, Vec<Pair<'_>>> = BTreeMap::new();
    for (case, old, new) in cases {
        for one in &old.gaps {
            let same = |other: &&Gap| (other.call, other.attempt) == (one.call, one.attempt);
            let Some(other) = new.gaps.iter().find(same) else { continue };
            match (one.told_ms.map(milliseconds), other.told_ms.map(milliseconds)) {
                (None, None) => own.push((case, one, other)),
                (Some(was), Some(is)) if was == is => {
                    by_requested_wait.entry(was).or_default().push((case, one, other));
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    let mut tell = |cases: Vec<&'a str>, was: &str, is: &str, meaning: &str| {
        found.extend(
            cases.into_iter().map(|case| (case, SdkChange::new(ChangeClass::Timing, "waits", was, is, meaning))),
        );
    };
    let (as_asked, alone) = ("as the server asks", "by itself");
    let meaning = "The SDK no longer waits as long as the service asks it to: it may be throttled again.";
    tell(cases_that_changed(&by_requested_wait, obeys, ignores), as_asked, alone, meaning);
    let meaning = "The SDK waits as long as the service asks it to, which it did not: a call may take longer.";
    tell(cases_that_changed(&by_requested_wait, ignores, obeys), alone, as_asked, meaning);
    found.extend(by_themselves(&own).map(|change| (EVERY_CASE, change)));
    found
}

#[expect(clippy::cast_possible_truncation, reason = "a wait of more than 2^63 ms is cut like any other")]
fn milliseconds(wait: f64) -> i64 {
    wait.round() as i64
}

/// Whether the SDK waited as the server told it to.
fn obeys(gap: &Gap) -> bool {
    gap.told_ms.is_some_and(|requested| (requested - 1.0..requested + PUNCTUAL_MS).contains(&gap.ms))
}

fn ignores(gap: &Gap) -> bool {
    gap.class != GapClass::Told && !obeys(gap)
}

/// The cases whose waits changed from `was` to `is`. The waits for which a server asked for the same length count only
/// if all of them changed. Fewer than `TOLD` such waits give no case.
fn cases_that_changed<'a>(
    by_requested_wait: &BTreeMap<i64, Vec<Pair<'a>>>,
    was: impl Fn(&Gap) -> bool,
    is: impl Fn(&Gap) -> bool,
) -> Vec<&'a str> {
    let turned = by_requested_wait.values().filter(|pairs| pairs.iter().all(|(_, old, new)| was(old) && is(new)));
    let mut cases: Vec<_> = turned.flatten().map(|(case, ..)| *case).collect();
    let enough = cases.len() >= TOLD;
    let mut seen = BTreeSet::new();
    cases.retain(|case| enough && seen.insert(*case));
    cases
}

/// The change of the waits that no server asked for, if they became longer or shorter: a sign test over the pairs.
fn by_themselves(pairs: &[Pair<'_>]) -> Option<SdkChange> {
    let shorter = pairs.iter().filter(|(_, was, is)| is.ms < was.ms).count();
    let longer = pairs.iter().filter(|(_, was, is)| is.ms > was.ms).count();
    let certain = shorter.abs_diff(longer).pow(2) > DEVIATIONS_SQUARED * pairs.len();
    let [old, new]: [Vec<&Gap>; 2] =
        [pairs.iter().map(|pair| pair.1).collect(), pairs.iter().map(|pair| pair.2).collect()];
    let (old_median, new_median) = (median(&old), median(&new));
    let most = old_median.max(new_median);
    let meaning = if new_median < old_median {
        "The SDK waits less before it tries again: a service in trouble gets its requests sooner."
    } else {
        "The SDK waits longer before it tries again: failing calls take longer."
    };
    (certain && most >= FLOOR_MS && most >= RATIO * old_median.min(new_median))
        .then(|| SdkChange::new(ChangeClass::Timing, "waits", spread(&old), spread(&new), meaning))
}

fn median(gaps: &[&Gap]) -> f64 {
    let mut values: Vec<f64> = gaps.iter().map(|gap| gap.ms).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// How many waits are of each length: `3 of 4 below 20 ms, 1 of 4 longer`.
fn spread(gaps: &[&Gap]) -> String {
    let mut counts: BTreeMap<GapClass, usize> = BTreeMap::new();
    for gap in gaps {
        *counts.entry(gap.class).or_default() += 1;
    }
    let words = counts.iter().map(|(class, count)| {
        let word = match class {
            GapClass::None => "below 20 ms",
            GapClass::Short => "below 300 ms",
            GapClass::Long => "longer",
            GapClass::Told => "as told",
        };
        format!("{count} of {} {word}", gaps.len())
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::sdk::observe::class;

    fn gap(attempt: usize, ms: f64, told_ms: Option<f64>) -> Gap {
        Gap { call: 1, attempt, class: class(ms, told_ms), ms, told_ms }
    }

    fn timing(waits: impl IntoIterator<Item = f64>, told_ms: Option<f64>) -> Timing {
        let gaps = waits.into_iter().enumerate().map(|(index, ms)| gap(index + 2, ms, told_ms));
        Timing { gaps: gaps.collect(), ..Timing::default() }
    }

    /// Back-offs with full jitter: random, up to 1, 2, 4 and 8 times the scale.
    fn jittered(seed: u64, scale_ms: f64) -> Timing {
        let mut random = StdRng::seed_from_u64(seed);
        timing([1.0, 2.0, 4.0, 8.0].map(|most| random.random_range(0.0..most * scale_ms)), None)
    }

    fn changes_between(old: &[Timing], new: &[Timing]) -> Vec<(String, SdkChange)> {
        let ids = ["retries/0", "retries/1", "retries/2"].into_iter().chain(std::iter::repeat("retries/more"));
        let cases: Vec<_> = ids.zip(old).zip(new).map(|((id, old), new)| (id, old.clone(), new.clone())).collect();
        compare(&cases).into_iter().map(|(case, change)| (case.to_owned(), change)).collect()
    }

    #[test]
    fn random_back_off_of_equal_versions_never_differs() {
        for scale in [1.0, 30.0, 100.0, 500.0, 1000.0] {
            for seed in 1..300 {
                let run =
                    |shift: u64| (0..30).map(|case| jittered(seed * 1000 + shift + case, scale)).collect::<Vec<_>>();
                assert_eq!(changes_between(&run(0), &run(500)), [], "scale {scale}, seed {seed}");
            }
        }
    }

    #[test]
    fn a_busy_machine_is_no_change() {
        let quick = vec![timing([1.0, 2.0, 1.5], None); 30];
        let busy = vec![timing([25.0, 40.0, 22.0], None); 30];
        assert_eq!(changes_between(&quick, &busy), []);
        assert_eq!(changes_between(&busy, &quick), []);
    }

    #[test]
    fn waits_that_vanish_are_told_once() {
        let run: Vec<_> = (1..20).map(|seed| jittered(seed, 1000.0)).collect();
        let hurried = vec![timing([1.0, 2.0, 1.0, 1.0], None); 19];
        let found = changes_between(&run, &hurried);
        let [(case, finding)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((case.as_str(), finding.class, finding.what.as_str()), (EVERY_CASE, ChangeClass::Timing, "waits"));
        assert_eq!(finding.new, "76 of 76 below 20 ms");
        assert!(finding.meaning.contains("waits less"), "{}", finding.meaning);
    }

    #[test]
    fn a_few_waits_prove_nothing() {
        let run = [timing([900.0, 1900.0, 3900.0, 7900.0], None)];
        assert_eq!(changes_between(&run, &[timing([1.0, 1.0, 1.0, 1.0], None)]), []);
    }

    #[test]
    fn an_sdk_that_begins_to_wait_as_it_is_told_is_told_with_its_cases() {
        let ignoring = [timing([300.0, 20.0], Some(1000.0)), timing([700.0], Some(900.0)), timing([50.0], None)];
        let obeying = [timing([1003.0, 1010.0], Some(1000.0)), timing([904.0], Some(900.0)), timing([60.0], None)];
        let changes = changes_between(&ignoring, &obeying);
        let cases: Vec<_> = changes.iter().map(|(case, finding)| (case.as_str(), finding.new.as_str())).collect();
        assert_eq!(cases, [("retries/1", "as the server asks"), ("retries/0", "as the server asks")]);
        assert_eq!(changes_between(&obeying, &ignoring).len(), 2);
    }

    #[test]
    fn a_wait_that_happens_to_be_what_was_asked_for_proves_nothing() {
        let random = [timing([300.0, 1005.0], Some(1000.0)), timing([910.0], Some(900.0))];
        let other = [timing([990.0, 20.0], Some(1000.0)), timing([100.0], Some(900.0))];
        assert_eq!(changes_between(&random, &other), []);
    }
}
