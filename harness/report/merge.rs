//! Merges the shards of one run into that run.

use std::collections::{BTreeMap, HashSet};

use super::collected::grouped;
use super::{Event, RunEvent, Tally, VERSION};
use crate::contract::{Feature, Register, Side};
use crate::corpus::Shard;
use crate::text::foreign;
use crate::verdict::{CaseResult, TargetClass};

/// At most 10 missing shards are named: a stream may claim any number of shards.
const NAMED_LIMIT: usize = 10;

/// Why streams are not the shards of one run. Streams are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("there is no run stream to merge: expected one for each shard")]
    Nothing,
    /// A stream does not begin with `run`.
    #[error("run stream {0}: expected a run event first; is it a run stream?")]
    NoRun(usize),
    /// A stream does not say that it is a shard; what it says instead.
    #[error("run stream {0}: expected one shard of a run, such as 1/4, found {1}; run it with --shard I/N")]
    NotAShard(usize, String),
    /// Two streams tell of different runs.
    #[error(
        "run stream {stream}, shard {shard}: expected {what} {expected}, as in run stream {first}, found {found}; \
         only shards of one run can be merged"
    )]
    Differs {
        /// The number of the stream.
        stream: usize,
        /// Its shard, as it says.
        shard: String,
        /// The number of the stream that it is compared with.
        first: usize,
        /// What differs.
        what: &'static str,
        /// The value in the other stream.
        expected: String,
        /// The value in this stream.
        found: String,
    },
    /// A stream has a shard that an earlier one has.
    #[error("run stream {0}: expected each shard once, found {1} again, first in stream {2}")]
    ShardTwice(usize, Shard, usize),
    /// Shards are missing: how many there should be, how many there are, and the first of those that are not there.
    #[error(
        "expected all {0} shards, found none for {named}{more}; did each job keep its run stream?",
        named = .2.join(", "),
        more = and_more(.0 - .1 - .2.len())
    )]
    Missing(usize, usize, Vec<String>),
    /// A stream has a case that an earlier one has.
    #[error("run stream {0}: expected each case in one shard, found {1} again")]
    CaseTwice(usize, String),
    /// A stream names a requirement or a feature that this build does not know.
    #[error("run stream {0}: {1} is not in this build's register; merge with the countersign that ran the shards")]
    Unknown(usize, String),
}

/// `, and 3 more`.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more") }
}

struct Part<'a> {
    run: &'a RunEvent,
    shard: Shard,
    cases: Vec<&'a CaseResult>,
    duration_ms: f64,
    complete: bool,
}

/// Merges the streams of all shards of one run, in any order, into the stream of that run.
///
/// Streams are shards of one run where each says its `shard`, and all agree on tool, operation, revision, side, SDK,
/// target name, region, features, seed and number of shards; the endpoint may differ, since each job of a
/// CI matrix has its own server. The cases come in the order of the whole run; requirements and summary
/// are counted anew. The run began when its first shard began, and took as long as the longest. It is
/// complete, and can be conformant, only where every shard is; a shard that is missing altogether is an
/// error.
///
/// # Errors
/// When the streams are not the shards of one run, one is missing, or the register lacks what they name.
pub fn merge(streams: &[Vec<Event>], register: &Register) -> Result<Vec<Event>, MergeError> {
    let parts: Vec<Part<'_>> =
        streams.iter().enumerate().map(|(index, stream)| part(index + 1, stream)).collect::<Result<_, _>>()?;
    let first = parts.first().ok_or(MergeError::Nothing)?;
    agree(&parts, first)?;
    // Each shard occurs at most once, so this takes few steps, whatever number a stream claims.
    if parts.len() < first.shard.count {
        let there: HashSet<usize> = parts.iter().map(|part| part.shard.index).collect();
        let missing = (1..=first.shard.count).filter(|index| !there.contains(index)).take(NAMED_LIMIT);
        let shard_names = missing.map(|index| Shard { index, ..first.shard }.to_string()).collect();
        return Err(MergeError::Missing(first.shard.count, parts.len(), shard_names));
    }
    check_known(&parts, register)?;

    // A shard has every Nth case of the whole run.
    let mut cases: Vec<(usize, usize, &CaseResult)> = parts
        .iter()
        .flat_map(|part| part.cases.iter().enumerate().map(|(at, case)| (at, part.shard.index, *case)))
        .collect();
    cases.sort_by_key(|(at, shard, _)| (*at, *shard));
    // A shard whose probe met an obstacle must not be hidden by one that met none.
    let probed = parts.iter().find(|part| part.run.target.class != TargetClass::Answers).unwrap_or(first);
    let run = RunEvent {
        version: VERSION,
        selected: parts.iter().map(|part| part.run.selected).sum(),
        shard: None,
        left_out: parts.iter().filter_map(|part| part.run.left_out.clone()).reduce(|one, two| one.with(&two)),
        started_at: parts.iter().map(|part| &part.run.started_at).min().unwrap_or(&first.run.started_at).clone(),
        target: probed.run.target.clone(),
        ..first.run.clone()
    };
    let mut tally = Tally::of_run(&run);
    for (_, _, case) in &cases {
        tally.add(case);
    }
    let complete = parts.iter().all(|part| part.complete);
    let duration_ms = parts.iter().map(|part| part.duration_ms).fold(0.0, f64::max);
    let mut events = vec![Event::Run(run)];
    events.extend(cases.into_iter().map(|(_, _, case)| Event::Case(case.clone())));
    events.extend(tally.closing(register, duration_ms, complete));
    Ok(events)
}

/// Merges shards and keeps whole runs as they are. A stream without a `shard` is a whole run; streams with one are
/// grouped into runs, see [`merge`]. Runs are in the order of their first streams.
///
/// # Errors
/// Those of [`merge`], with streams counted within their run. Where two runs are incomplete and one has a shard that
/// the other lacks, what differs between them, with streams counted over all.
pub fn merge_shards(mut streams: Vec<Vec<Event>>, register: &Register) -> Result<Vec<Vec<Event>>, MergeError> {
    let runs = grouped(0..streams.len(), |index| run_of_shard(&streams[index]).map(identity).ok_or(index));
    stray(&streams, &runs)?;
    let merged = |indices: Vec<usize>| {
        let mut parts: Vec<_> = indices.into_iter().map(|index| std::mem::take(&mut streams[index])).collect();
        if run_of_shard(&parts[0]).is_some() { merge(&parts, register) } else { Ok(parts.remove(0)) }
    };
    runs.into_iter().map(merged).collect()
}

/// Looks for a shard that one run lacks among those of another incomplete run: most likely it was meant to be that
/// shard, and its job ran with another seed or against another target.
fn stray(streams: &[Vec<Event>], runs: &[Vec<usize>]) -> Result<(), MergeError> {
    let shards = |run: &[usize]| -> Vec<(usize, &RunEvent, Shard)> {
        let shard = |index: &usize| run_of_shard(&streams[*index]).and_then(|run| Some((*index, run, shard_of(run)?)));
        run.iter().filter_map(shard).collect()
    };
    let mut partial: Vec<_> = runs.iter().map(|run| shards(run)).collect();
    partial.retain(|shards| shards.iter().any(|(_, _, shard)| shards.len() < shard.count));
    // The run with the most shards is the one that was meant.
    partial.sort_by_key(|shards| std::cmp::Reverse(shards.len()));
    let Some((meant, others)) = partial.split_first() else { return Ok(()) };
    for shards in others {
        let is_lacking = |lacked: &Shard| !meant.iter().any(|(_, _, shard)| shard.index == lacked.index);
        if let Some((index, run, _)) = shards.iter().find(|(_, _, shard)| is_lacking(shard)) {
            differs(index + 1, run, meant[0].0 + 1, meant[0].1)?;
        }
    }
    Ok(())
}

/// The run of a stream that is a shard; `None` for a whole run.
fn run_of_shard(stream: &[Event]) -> Option<&RunEvent> {
    stream.first()?.run().filter(|run| run.shard.is_some())
}

fn part(stream: usize, events: &[Event]) -> Result<Part<'_>, MergeError> {
    let Some(Event::Run(run)) = events.first() else { return Err(MergeError::NoRun(stream)) };
    let shard = run.shard.as_deref().unwrap_or("a whole run");
    let shard = shard.parse().map_err(|_| MergeError::NotAShard(stream, foreign(shard)))?;
    let cases: Vec<_> = events.iter().filter_map(Event::case).collect();
    let summary =
        events.iter().find_map(|event| if let Event::Summary(summary) = event { Some(summary) } else { None });
    let of_cases = || cases.iter().map(|case| case.duration_ms).sum();
    let duration_ms = summary.map_or_else(of_cases, |summary| summary.duration_ms);
    Ok(Part { run, shard, duration_ms, complete: summary.is_some_and(|summary| summary.complete), cases })
}

/// The shard of a run; `None` for a whole run.
fn shard_of(run: &RunEvent) -> Option<Shard> {
    run.shard.as_deref()?.parse().ok()
}

/// What the shards of one run have in common, each with its name.
type RunIdentity = [(&'static str, String); 11];

fn identity(run: &RunEvent) -> RunIdentity {
    let RunEvent { tool, operation, revision, seed, target, side, driver, .. } = run;
    let mut features = target.features.clone();
    features.sort();
    let recordings = run.recordings.as_ref().map_or_else(
        || "none".to_owned(),
        |of| format!("{} of {} from {} to {}", of.recordings, of.of, of.from, of.to),
    );
    let sdk = driver.as_ref().map(|driver| format!("{} {}", driver.driver, driver.sdk_version));
    [
        ("the tool", tool.clone()),
        ("the operation", operation.clone()),
        ("the revision", revision.map_or_else(|| "the newest".to_owned(), |revision| revision.to_string())),
        ("the side", if *side == Side::Server { "server".to_owned() } else { "client".to_owned() }),
        ("the SDK", sdk.unwrap_or_else(|| "none".to_owned())),
        ("the target", target.name.clone()),
        ("the region", target.region.clone()),
        ("the features", features.join(", ")),
        ("the recordings", recordings),
        ("the seed", seed.to_string()),
        ("a number of shards of", shard_of(run).map_or(0, |shard| shard.count).to_string()),
    ]
}

/// Checks that every stream agrees with the first, and that no shard and no case occurs twice.
fn agree(parts: &[Part<'_>], first: &Part<'_>) -> Result<(), MergeError> {
    let mut shards: BTreeMap<usize, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (stream, part) in (1..).zip(parts) {
        differs(stream, part.run, 1, first.run)?;
        if let Some(first) = shards.insert(part.shard.index, stream) {
            return Err(MergeError::ShardTwice(stream, part.shard, first));
        }
        if let Some(twice) = part.cases.iter().find(|case| !seen.insert(case.id.as_str())) {
            return Err(MergeError::CaseTwice(stream, foreign(&twice.id)));
        }
    }
    Ok(())
}

/// Refuses a stream that is not of the same run as the other, with the first difference.
fn differs(stream: usize, run: &RunEvent, first: usize, other: &RunEvent) -> Result<(), MergeError> {
    let mut pairs = identity(run).into_iter().zip(identity(other));
    let Some(((what, found), (_, expected))) = pairs.find(|(one, other)| one != other) else { return Ok(()) };
    let shard = shard_of(run).map_or_else(String::new, |shard| shard.to_string());
    let [expected, found] = [expected, found].map(|text| foreign(&text));
    Err(MergeError::Differs { stream, shard, first, what, expected, found })
}

/// Checks that this build knows every requirement that a shard names, so that no result is lost, and every feature that
/// the target claims. The streams agree on the features.
fn check_known(parts: &[Part<'_>], register: &Register) -> Result<(), MergeError> {
    for (stream, part) in (1..).zip(parts) {
        for case in &part.cases {
            let broken = case.violations.iter().chain(&case.warnings).map(|violation| &violation.requirement);
            let mut ids_named = case.decided.iter().chain(&case.undecided).chain(broken);
            if let Some(id) = ids_named.find(|id| register.get(id).is_none()) {
                return Err(MergeError::Unknown(stream, foreign(id)));
            }
        }
    }
    let unknown = parts[0].run.target.features.iter().find(|word| word.parse::<Feature>().is_err());
    unknown.map_or(Ok(()), |word| Err(MergeError::Unknown(1, foreign(word))))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::sample::{self, as_shard, run_mut};
    use super::*;
    use crate::verdict::Verdict;

    /// The sample run as `count` shards.
    fn shards(count: usize) -> Vec<Vec<Event>> {
        let shard = |index: usize| {
            let cases = sample::cases().into_iter().skip(index - 1).step_by(count).collect::<Vec<_>>();
            let selected = cases.len();
            let mut events = as_shard(sample::events_of(cases, true), &format!("{index}/{count}"));
            let run = run_mut(&mut events);
            (run.selected, run.target.endpoint) = (selected, format!("http://localhost:{index}/"));
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

    /// The same shards of another target.
    fn other_shards(count: usize) -> Vec<Vec<Event>> {
        let mut other = shards(count);
        for stream in &mut other {
            run_mut(stream).target.name = "other".to_owned();
        }
        other
    }

    #[test]
    fn a_shard_that_is_missing_is_not_looked_for_in_a_run_that_is_whole() {
        let streams = [shards(2), other_shards(2)[..1].to_vec()].concat();
        let error = merge_shards(streams, &sample::register()).expect_err("it is refused").to_string();
        assert_eq!(error, "expected all 2 shards, found none for 2/2; did each job keep its run stream?");
    }

    #[rstest]
    #[case(13, "2/13, 3/13, 4/13, 5/13, 6/13, 7/13, 8/13, 9/13, 10/13, 11/13, and 2 more;")]
    #[case(usize::MAX, ", and 18446744073709551604 more; did each")]
    fn a_number_of_shards_that_nobody_has_costs_nothing(#[case] count: usize, #[case] expected: &str) {
        let stream = as_shard(sample::events(), &format!("1/{count}"));
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
        let conformant = |complete: [bool; 2]| {
            let shard = |at: usize| {
                let decided: Vec<&str> = sample::MUSTS.into_iter().skip(at).step_by(2).collect();
                let case = sample::deciding(&format!("a/c{at}"), Verdict::Pass, &decided);
                as_shard(sample::events_of(vec![case], complete[at]), &format!("{}/2", at + 1))
            };
            match merge(&[shard(0), shard(1)], &sample::register()).expect("shards").pop() {
                Some(Event::Summary(summary)) => (summary.complete, summary.conformant),
                _ => panic!("a summary comes last"),
            }
        };
        assert_eq!(conformant([true, true]), (true, true));
        assert_eq!(conformant([true, false]), (false, false));
    }

    #[test]
    fn shards_of_several_runs_are_told_apart_and_whole_runs_stay_as_they_are() {
        let [a, b]: [_; 2] = shards(2).try_into().expect("two");
        let [c, d]: [_; 2] = other_shards(2).try_into().expect("two");
        let runs = merge_shards(vec![a, c, sample::events(), b, d], &sample::register()).expect("two runs in shards");
        let name_and_count =
            |mut run: Vec<Event>| (run_mut(&mut run).target.name.clone(), run.iter().filter_map(Event::case).count());
        let names: Vec<_> = runs.into_iter().map(name_and_count).collect();
        assert_eq!(names, ["endpoint", "other", "endpoint"].map(|name| (name.to_owned(), 11)));
    }
}
