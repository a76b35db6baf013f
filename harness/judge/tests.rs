//! The judge against the hand-written replies, without a network: a right one is never accused, and
//! of a wrong one exactly that is said which is wrong with it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::contract::Fixtures;
use crate::corpus::{Corpus, Reply};
use crate::wire::{Headers, Request, Response};

struct Library {
    corpus: Corpus,
    judge: Judge,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).unwrap());
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).unwrap();
    Library { corpus, judge: Judge::new(contract).unwrap() }
});

/// A call that was answered with a reply, within a tenth of a second.
fn answered(call: &Call, reply: &Reply) -> Exchange {
    let body = call.request.input.to_json();
    let input: serde_json::Value = serde_json::from_str(&body).unwrap();
    let duration = input["durationSeconds"].as_f64().unwrap_or(900.0);
    let sent_at: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
    let answer = Response {
        status: reply.status,
        headers: reply.headers.iter().collect(),
        body: reply.body_at(sent_at.as_duration().as_secs_f64(), duration),
    };
    let elapsed = Duration::from_millis(100);
    let request =
        Request { method: "POST".to_owned(), target: "/".to_owned(), headers: Headers::new(), body: body.into() };
    Exchange { request, answer: Ok(answer), sent_at, received_at: sent_at + elapsed, elapsed }
}

/// The requirements that a judgement says are broken, warnings included.
fn broken(judgement: &Judgement) -> BTreeSet<&str> {
    judgement.violations.iter().chain(&judgement.warnings).map(|broken| broken.requirement.as_str()).collect()
}

#[test]
fn a_right_reply_passes_for_every_case_that_names_it() {
    let Library { corpus, judge } = &*LIBRARY;
    for case in corpus.cases() {
        let reply = |call: &Call| answered(call, &corpus.replies()[call.reply.as_ref().unwrap()]);
        let judgement = judge.judge(case, &case.calls.iter().map(reply).collect::<Vec<_>>());
        assert_eq!((judgement.verdict, broken(&judgement)), (Verdict::Pass, BTreeSet::new()), "{}", case.id);
        let cited = |id: &&String| judge.contract.register.get(id).is_some_and(Requirement::is_outcome);
        let undecided: Vec<_> =
            case.case.requirements.iter().filter(cited).filter(|id| !judgement.decided.contains(*id)).collect();
        assert!(undecided.is_empty(), "{} leaves {undecided:?} undecided", case.id);
    }
}

#[test]
fn a_wrong_reply_is_said_to_break_exactly_what_it_breaks() {
    let Library { corpus, judge } = &*LIBRARY;
    for (name, reply) in corpus.replies() {
        let Some(wrong) = &reply.wrong else { continue };
        let case = corpus.get(&wrong.case).unwrap();
        let judgement = judge.judge(case, &[answered(&case.calls[0], reply)]);
        let declared: BTreeSet<_> = wrong.violates.iter().map(String::as_str).collect();
        assert_eq!(broken(&judgement), declared, "{name}: {:?} {:?}", judgement.violations, judgement.warnings);
        let must = |id: &&str| judge.contract.register.get(id).is_some_and(|row| row.level == Level::Must);
        let expected = if declared.iter().any(must) { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(judgement.verdict, expected, "{name}");
    }
}

#[test]
fn every_requirement_that_a_rule_decides_is_broken_by_a_wrong_reply() {
    let Library { corpus, judge } = &*LIBRARY;
    let wrong = corpus.replies().values().filter_map(|reply| reply.wrong.as_ref());
    let breakable: BTreeSet<_> = wrong.flat_map(|wrong| &wrong.violates).collect();
    let rows = judge.contract.register.requirements.iter().filter(|row| row.decided_by.is_some());
    let never: Vec<_> = rows.map(|row| &row.id).filter(|id| !breakable.contains(id)).collect();
    assert!(never.is_empty(), "no wrong reply shows that these can be found broken: {never:?}");
}
