//! Several shards of one run as the one run that they are parts of.

use std::collections::{BTreeMap, HashSet};

use super::{Event, RunEvent, Tally, VERSION};
use crate::contract::{Feature, Register, Side};
use crate::corpus::Shard;
use crate::verdict::CaseResult;
use crate::verdict::Class;

/// At most so many missing shards are named: a stream may say that there are any number of them.
const NAMED_LIMIT: usize = 10;

/// Why streams are not the shards of one run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("there is no run stream to merge: expected one for each shard")]
    Nothing,
    /// A stream does not begin with `run`.
    #[error("run stream {0}: expected a run event first; is it a run stream?")]
    NoRun(usize),
    /// A stream is no shard.
    #[error("run stream {stream}: expected one shard of a run, such as 1/4, found {found}; run it with --shard I/N")]
    NotAShard {
        /// Which stream, from 1.
        stream: usize,
        /// What it says of its shard.
        found: String,
    },
    /// Two streams tell of different runs.
    #[error(
        "run stream {stream}, shard {shard}: expected {what} {expected}, as in run stream {first}, found {found}; \
         only shards of one run can be merged"
    )]
    Differs {
        /// Which stream, from 1.
        stream: usize,
        /// What it says of its shard.
        shard: String,
        /// The stream that it is held against.
        first: usize,
        /// In what it differs.
        what: &'static str,
        /// What that stream says.
        expected: String,
        /// What this stream says.
        found: String,
    },
    /// A shard is there twice.
    #[error("run stream {stream}: expected each shard once, found {shard} again, first in stream {first}")]
    ShardTwice {
        /// Which stream, from 1.
        stream: usize,
        /// The shard.
        shard: String,
        /// The stream in which it is first.
        first: usize,
    },
    /// Shards are missing.
    #[error(
        "expected all {count} shards, found none for {}{}; did each job keep its run stream?",
        named.join(", "),
        more(count - found - named.len())
    )]
    Missing {
        /// How many there should be.
        count: usize,
        /// How many there are.
        found: usize,
        /// The first of those that are not there.
        named: Vec<String>,
    },
    /// A case is in two shards.
    #[error("run stream {stream}: expected each case in one shard, found {case} again")]
    CaseTwice {
        /// Which stream, from 1.
        stream: usize,
        /// The case.
        case: String,
    },
    /// A word is none of this build's.
    #[error(
        "run stream {stream}: {word} is not in this build's register; merge with the countersign that ran the shards"
    )]
    Unknown {
        /// Which stream, from 1.
        stream: usize,
        /// A requirement or a feature.
        word: String,
    },
}

/// `, and 3 more`.
fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more") }
}

/// One stream, taken apart.
struct Part<'a> {
    run: &'a RunEvent,
    shard: Shard,
    cases: Vec<&'a CaseResult>,
    duration_ms: f64,
    complete: bool,
}

/// Merges the streams of all shards of one run, in any order, into the stream of that run.
///
/// Streams are shards of one run where each says its `shard`, and all agree on tool, operation, side, SDK,
/// target name, region, features, seed and number of shards; the endpoint may differ, since each job of a
/// CI matrix has its own server. The cases come in the order of the whole run; requirements and summary
/// are counted anew. The run began when its first shard began, and took as long as the longest. It is
/// complete, and can be conformant, only where every shard is; a shard that is missing altogether is an
/// error.
///
/// # Errors
/// When the streams are not the shards of one run, one is missing, or the register lacks what they name.
pub fn merge(streams: &[Vec<Event>], register: &Register) -> Result<Vec<Event>, MergeError> {
    let parts =
        streams.iter().enumerate().map(|(index, stream)| part(index + 1, stream)).collect::<Result<Vec<_>, _>>()?;
    let first = parts.first().ok_or(MergeError::Nothing)?;
    agree(&parts)?;
    // Each is there at most once, so that this is few steps, whatever a stream says.
    if parts.len() < first.shard.count {
        let there: HashSet<usize> = parts.iter().map(|part| part.shard.index).collect();
        let missing = (1..=first.shard.count).filter(|index| !there.contains(index)).take(NAMED_LIMIT);
        let named = missing.map(|index| Shard { index, ..first.shard }.to_string()).collect();
        return Err(MergeError::Missing { count: first.shard.count, found: parts.len(), named });
    }
    known(&parts, register)?;

    known_features(first.run)?;
    let run = whole(&parts, first);
    let mut tally = Tally::of_run(&run);
    let mut cases: Vec<(usize, usize, &CaseResult)> = Vec::new();
    for part in &parts {
        // A shard has every Nth case of the whole run.
        cases.extend(part.cases.iter().enumerate().map(|(at, case)| (at, part.shard.index, *case)));
    }
    cases.sort_by_key(|(at, shard, _)| (*at, *shard));
    for (_, _, case) in &cases {
        tally.add(case);
    }

    let complete = parts.iter().all(|part| part.complete);
    let duration_ms = parts.iter().map(|part| part.duration_ms).fold(0.0, f64::max);
    let mut events = vec![Event::Run(run)];
    events.extend(cases.into_iter().map(|(_, _, case)| Event::Case(case.clone())));
    events.extend(tally.requirements(register).into_iter().map(Event::Requirement));
    events.push(Event::Summary(tally.summary(register, duration_ms, complete)));
    Ok(events)
}

/// Merges what are shards and leaves alone what are whole runs: a stream without a `shard` is a run of its
/// own; those with one are put together by what makes them one run, see [`merge`]. Runs come in the order of
/// their first streams.
///
/// # Errors
/// Those of [`merge`], with streams counted within their run; where what one run lacks is there as a shard of
/// another that is not whole either, in what the two differ, with streams counted over all.
pub fn merge_shards(streams: Vec<Vec<Event>>, register: &Register) -> Result<Vec<Vec<Event>>, MergeError> {
    let mut runs: Vec<(Option<Identity>, Vec<usize>)> = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        let key = match stream.first() {
            Some(Event::Run(run)) if run.shard.is_some() => Some(identity(run)),
            _ => None,
        };
        match runs.iter_mut().find(|(other, _)| key.is_some() && *other == key) {
            Some((_, shards)) => shards.push(index),
            None => runs.push((key, vec![index])),
        }
    }
    stray(&streams, &runs)?;
    let mut streams: Vec<Option<Vec<Event>>> = streams.into_iter().map(Some).collect();
    let mut taken = |index: &usize| streams[*index].take().unwrap_or_default();
    let merged = |(key, indices): &(Option<Identity>, Vec<usize>)| {
        let mut parts: Vec<_> = indices.iter().map(&mut taken).collect();
        match key {
            None => Ok(parts.remove(0)),
            Some(_) => merge(&parts, register),
        }
    };
    runs.iter().map(merged).collect()
}

/// Looks for a shard that one run lacks among those of another that is not whole either: most likely it
/// was meant to be that shard, and its job ran with another seed or against another target.
fn stray(streams: &[Vec<Event>], runs: &[(Option<Identity>, Vec<usize>)]) -> Result<(), MergeError> {
    let shard = |index: &usize| match streams[*index].first() {
        Some(Event::Run(run)) => run.shard.as_deref().and_then(|shard| shard.parse::<Shard>().ok()),
        _ => None,
    };
    let partial = |(key, indices): &(Option<Identity>, Vec<usize>)| {
        key.is_some() && indices.iter().filter_map(shard).any(|shard| indices.len() < shard.count)
    };
    let mut partial: Vec<_> = runs.iter().filter(|run| partial(run)).collect();
    // The run with the most shards is the one that was meant.
    partial.sort_by_key(|(_, indices)| std::cmp::Reverse(indices.len()));
    let Some(((Some(expected), meant), others)) = partial.split_first().map(|(first, others)| (*first, others)) else {
        return Ok(());
    };
    let there: Vec<usize> = meant.iter().filter_map(shard).map(|shard| shard.index).collect();
    for (key, indices) in others {
        let Some(stray) = indices.iter().find(|index| shard(index).is_some_and(|one| !there.contains(&one.index)))
        else {
            continue;
        };
        if let (Some(found), Some(named)) = (key, shard(stray)) {
            differs(stray + 1, &named.to_string(), meant[0] + 1, expected, found)?;
        }
    }
    Ok(())
}

fn part(stream: usize, events: &[Event]) -> Result<Part<'_>, MergeError> {
    let Some(Event::Run(run)) = events.first() else { return Err(MergeError::NoRun(stream)) };
    let shard = run.shard.as_deref().unwrap_or("a whole run");
    let shard = shard.parse().map_err(|_| MergeError::NotAShard { stream, found: crate::text::foreign(shard) })?;
    let cases: Vec<_> =
        events.iter().filter_map(|event| if let Event::Case(case) = event { Some(case) } else { None }).collect();
    let summary =
        events.iter().find_map(|event| if let Event::Summary(summary) = event { Some(summary) } else { None });
    Ok(Part {
        run,
        shard,
        duration_ms: summary
            .map_or_else(|| cases.iter().map(|case| case.duration_ms).sum(), |summary| summary.duration_ms),
        complete: summary.is_some_and(|summary| summary.complete),
        cases,
    })
}

/// What the shards of one run have in common, each with its name.
type Identity = [(&'static str, String); 9];

fn identity(run: &RunEvent) -> Identity {
    let RunEvent { tool, suite, seed, target, shard, side, driver, .. } = run;
    let count = shard.as_deref().and_then(|shard| shard.parse::<Shard>().ok()).map_or(0, |shard| shard.count);
    let mut features = target.features.clone();
    features.sort();
    [
        ("the tool", tool.clone()),
        ("the operation", suite.clone()),
        ("the side", if *side == Side::Server { "server".to_owned() } else { "client".to_owned() }),
        (
            "the SDK",
            driver
                .as_ref()
                .map_or_else(|| "none".to_owned(), |driver| format!("{} {}", driver.driver, driver.sdk_version)),
        ),
        ("the target", target.name.clone()),
        ("the region", target.region.clone()),
        ("the features", features.join(", ")),
        ("the seed", seed.to_string()),
        ("a number of shards of", count.to_string()),
    ]
}

/// Holds every stream against the first, and looks for what is there twice.
fn agree(parts: &[Part<'_>]) -> Result<(), MergeError> {
    let expected = parts.first().map(|part| identity(part.run));
    let mut shards: BTreeMap<usize, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (index, part) in parts.iter().enumerate() {
        let stream = index + 1;
        if let Some(expected) = &expected {
            differs(stream, &part.shard.to_string(), 1, expected, &identity(part.run))?;
        }
        if let Some(first) = shards.insert(part.shard.index, stream) {
            return Err(MergeError::ShardTwice { stream, shard: part.shard.to_string(), first });
        }
        if let Some(twice) = part.cases.iter().find(|case| !seen.insert(case.id.as_str())) {
            return Err(MergeError::CaseTwice { stream, case: crate::text::foreign(&twice.id) });
        }
    }
    Ok(())
}

/// The first thing in which a stream is not of the run that it is held against.
fn differs(stream: usize, shard: &str, first: usize, expected: &Identity, found: &Identity) -> Result<(), MergeError> {
    let Some(((what, expected), (_, found))) = expected.iter().zip(found).find(|(one, other)| one != other) else {
        return Ok(());
    };
    let [found, expected] = [found, expected].map(|text| crate::text::foreign(text));
    Err(MergeError::Differs { stream, shard: shard.to_owned(), first, what, expected, found })
}

/// Nothing that a shard found may be lost because this build does not know it.
fn known(parts: &[Part<'_>], register: &Register) -> Result<(), MergeError> {
    for (index, part) in parts.iter().enumerate() {
        for case in &part.cases {
            let broken = case.violations.iter().chain(&case.warnings).map(|violation| &violation.requirement);
            if let Some(id) =
                case.decided.iter().chain(&case.undecided).chain(broken).find(|id| register.get(id).is_none())
            {
                return Err(MergeError::Unknown { stream: index + 1, word: crate::text::foreign(id) });
            }
        }
    }
    Ok(())
}

/// The same for what the target claims, in which the streams agree.
fn known_features(run: &RunEvent) -> Result<(), MergeError> {
    let unknown = run.target.features.iter().find(|word| word.parse::<Feature>().is_err());
    let error = |word: &String| MergeError::Unknown { stream: 1, word: crate::text::foreign(word) };
    unknown.map_or(Ok(()), |word| Err(error(word)))
}

/// The event of the whole run.
fn whole(parts: &[Part<'_>], first: &Part<'_>) -> RunEvent {
    // A shard whose probe met an obstacle must not be hidden by one that met none.
    let probed = parts.iter().find(|part| part.run.target.class != Class::Answers).unwrap_or(first);
    RunEvent {
        version: VERSION,
        selected: parts.iter().map(|part| part.run.selected).sum(),
        shard: None,
        started_at: parts.iter().map(|part| &part.run.started_at).min().unwrap_or(&first.run.started_at).clone(),
        target: probed.run.target.clone(),
        ..first.run.clone()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::sample;
    use super::*;
    use crate::verdict::Verdict;

    fn run_mut(stream: &mut [Event]) -> &mut RunEvent {
        match stream.first_mut() {
            Some(Event::Run(run)) => run,
            _ => panic!("a run comes first"),
        }
    }

    /// The sample run, as so many shards.
    fn shards(count: usize) -> Vec<Vec<Event>> {
        let shard = |index: usize| {
            let cases = sample::cases().into_iter().skip(index - 1).step_by(count).collect::<Vec<_>>();
            let selected = cases.len();
            let mut events = sample::events_of(cases, true);
            let run = run_mut(&mut events);
            (run.shard, run.selected) = (Some(format!("{index}/{count}")), selected);
            run.target.endpoint = format!("http://localhost:{index}/");
            events
        };
        (1..=count).map(shard).collect()
    }

    #[test]
    fn the_shards_of_a_run_merge_into_that_run() {
        for count in 1..=11 {
            let mut streams = shards(count);
            streams.reverse();
            let mut merged = merge(&streams, &sample::register()).expect("they are shards of one run");
            run_mut(&mut merged).target.endpoint = "http://localhost:4566/".to_owned();
            assert_eq!(merged, sample::events(), "{count} shards");
        }
    }

    #[rstest]
    #[case::nothing(|streams: &mut Vec<Vec<Event>>| streams.clear(), "no run stream to merge")]
    #[case::missing(|streams: &mut Vec<Vec<Event>>| { streams.remove(1); }, "expected all 3 shards, found none for 2/3")]
    #[case::twice(|streams: &mut Vec<Vec<Event>>| streams[2] = streams[0].clone(), "found 1/3 again, first in stream 1")]
    #[case::whole(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).shard = None, "run stream 2: expected one shard of a run, such as 1/4, found a whole run")]
    #[case::other_count(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).shard = Some("2/4".to_owned()), "expected a number of shards of 3, as in run stream 1, found 4")]
    #[case::other_target(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).target.name = "b".to_owned(), "expected the target endpoint, as in run stream 1, found b")]
    #[case::other_tool(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).tool = "x".to_owned(), "the tool countersign 0.1.0")]
    #[case::other_features(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).target.features.clear(), "the features core, signature")]
    #[case::other_seed(|streams: &mut Vec<Vec<Event>>| run_mut(&mut streams[1]).seed = 7, "expected the seed 42, as in run stream 1, found 7")]
    #[case::no_run(|streams: &mut Vec<Vec<Event>>| { streams[1].remove(0); }, "run stream 2: expected a run event first")]
    #[case::a_case_twice(|streams: &mut Vec<Vec<Event>>| { let case = streams[0][1].clone(); streams[1].insert(1, case); }, "found success/workgroup-only again")]
    fn what_is_no_set_of_shards_is_refused(#[case] change: fn(&mut Vec<Vec<Event>>), #[case] expected: &str) {
        let mut streams = shards(3);
        change(&mut streams);
        let error = merge(&streams, &sample::register()).expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case::seed(|run: &mut RunEvent| run.seed = 7, "expected the seed 42, as in run stream 1, found 7")]
    #[case::target(|run: &mut RunEvent| run.target.name = "b".to_owned(), "expected the target endpoint, as in run stream 1, found b")]
    #[case::region(|run: &mut RunEvent| run.target.region = "eu-west-1".to_owned(), "expected the region us-east-1, as in run stream 1, found eu-west-1")]
    #[case::side(|run: &mut RunEvent| run.side = Side::Client, "expected the side server, as in run stream 1, found client")]
    fn a_shard_that_is_none_of_the_others_run_is_told_with_what_differs(
        #[case] change: fn(&mut RunEvent),
        #[case] expected: &str,
    ) {
        let mut streams = shards(4);
        change(run_mut(&mut streams[1]));
        let error = merge_shards(streams, &sample::register()).expect_err("it is refused").to_string();
        assert!(error.starts_with(&format!("run stream 2, shard 2/4: {expected};")), "{error}");
    }

    #[test]
    fn a_shard_that_is_missing_is_not_looked_for_in_a_run_that_is_whole() {
        let mut streams = shards(2);
        let mut other = shards(2);
        for stream in &mut other {
            run_mut(stream).target.name = "other".to_owned();
        }
        streams.push(other.remove(0));
        let error = merge_shards(streams, &sample::register()).expect_err("it is refused").to_string();
        assert_eq!(error, "expected all 2 shards, found none for 2/2; did each job keep its run stream?");
    }

    #[rstest]
    #[case(13, "2/13, 3/13, 4/13, 5/13, 6/13, 7/13, 8/13, 9/13, 10/13, 11/13, and 2 more;")]
    #[case(usize::MAX, ", and 18446744073709551604 more; did each")]
    fn a_number_of_shards_that_nobody_has_costs_nothing(#[case] count: usize, #[case] expected: &str) {
        let mut stream = shards(1).remove(0);
        run_mut(&mut stream).shard = Some(format!("1/{count}"));
        let error = merge(&[stream], &sample::register()).expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_violation_that_this_build_does_not_know_is_refused_and_not_lost() {
        let mut streams = shards(2);
        let lost = |event: &mut Event| match event {
            Event::Case(case) if !case.violations.is_empty() => case.violations[0].requirement = "GC-NEW-01".to_owned(),
            _ => {}
        };
        streams.iter_mut().flatten().for_each(lost);
        let error = merge(&streams, &sample::register()).expect_err("it is refused").to_string();
        assert!(error.contains("GC-NEW-01 is not in this build's register"), "{error}");
    }

    #[test]
    fn a_run_conforms_only_where_every_shard_came_to_its_end() {
        let decided = ["GC-RES-01", "GC-DUR-02", "GC-ERR-02", "GC-SIG-01"];
        let case = |(index, id): (usize, &&str)| CaseResult {
            decided: vec![(*id).to_owned()],
            ..sample::case(&format!("a/c{index}"), Verdict::Pass)
        };
        let conformant = |complete: [bool; 2]| {
            let streams: Vec<Vec<Event>> = (0..2)
                .map(|shard| {
                    let cases = decided.iter().enumerate().skip(shard).step_by(2).map(case).collect();
                    let mut events = sample::events_of(cases, complete[shard]);
                    run_mut(&mut events).shard = Some(format!("{}/2", shard + 1));
                    events
                })
                .collect();
            match merge(&streams, &sample::register()).expect("shards").pop() {
                Some(Event::Summary(summary)) => (summary.complete, summary.conformant),
                _ => panic!("a summary comes last"),
            }
        };
        assert_eq!(conformant([true, true]), (true, true));
        assert_eq!(conformant([true, false]), (false, false));
    }

    #[test]
    fn shards_of_several_runs_are_told_apart_and_whole_runs_stay_as_they_are() {
        let mut other = shards(2);
        for stream in &mut other {
            run_mut(stream).target.name = "other".to_owned();
        }
        let [a, b]: [_; 2] = shards(2).try_into().expect("two");
        let [c, d]: [_; 2] = other.try_into().expect("two");
        let runs = merge_shards(vec![a, c, sample::events(), b, d], &sample::register()).expect("two runs in shards");
        let mut names = Vec::new();
        for mut run in runs {
            let count = run.iter().filter(|event| matches!(event, Event::Case(_))).count();
            names.push((run_mut(&mut run).target.name.clone(), count));
        }
        assert_eq!(
            names,
            [("endpoint", 11), ("other", 11), ("endpoint", 11)].map(|(name, count)| (name.to_owned(), count))
        );
    }
}
