//! Why a case has its verdict, as data, if its violations do not say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AnswerSummary, DatabaseAnswer, Markup, Restrained, TargetAnswer, TargetClass, Verdict, Violation};

/// Why a case has no better verdict, or what a pass leaves open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// The case that it differs from in one place was not accepted.
    BlockedBy {
        /// The id of that case.
        control: String,
        /// Its verdict.
        verdict: Verdict,
        /// Its first violation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        violation: Option<Box<Violation>>,
        /// Its reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Box<Reason>>,
    },
    /// The hook that sets the target up failed.
    SetUpHook {
        /// Its command.
        command: String,
        /// Why, quoted.
        because: String,
    },
    /// A call of its setup failed.
    Setup {
        /// Which one, from 1.
        call: usize,
        /// The operation that it called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<String>,
        /// What came back.
        #[serde(rename = "heard", default, skip_serializing_if = "Option::is_none")]
        answer: Option<TargetAnswer>,
    },
    /// A call that only leads to the next step was not answered as expected.
    Step {
        /// Which one of the calls of its steps, from 1.
        call: usize,
        /// The operation that it called.
        operation: String,
        /// What came back.
        #[serde(rename = "heard")]
        answer: TargetAnswer,
    },
    /// A step at the database that only leads to the next one did not go as expected, or there was no answer to one.
    Database {
        /// The name of the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// What the database said.
        #[serde(rename = "heard")]
        answer: DatabaseAnswer,
    },
    /// It moves the target's clock, and nothing says how.
    NoClock,
    /// The target's clock was not moved: by its own step, or back after a step of an earlier case.
    Clock {
        /// What moves it, quoted.
        by: String,
        /// By how many seconds; negative to move it back.
        seconds: i64,
        /// Why it was not moved, quoted.
        because: String,
    },
    /// It logs in to a database, and this build cannot.
    NoLoginClient,
    /// A call was repeated until a member of its answer had a value, and the time for that ran out.
    Waited {
        /// The operation.
        operation: String,
        /// The JSON pointer of the member.
        at: String,
        /// The value that was waited for.
        is: String,
        /// For how many seconds.
        seconds: u32,
    },
    /// It does something at real AWS that was not allowed.
    NotAllowed {
        /// What it does there.
        does: Restrained,
    },
    /// It makes something, and the journal of what is made cannot be written.
    NoJournal {
        /// Why not.
        because: String,
    },
    /// It needs a resource of the target, and none is named.
    Missing {
        /// What people call it.
        noun: String,
        /// The resource that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// The flag that names it.
        flag: String,
    },
    /// It is about signatures, and requests go out unsigned.
    Unsigned,
    /// It goes on from an earlier answer, which lacks what it needs.
    NothingToGoOnFrom {
        /// Which step was answered, from 1.
        step: usize,
        /// The JSON pointer of what its answer lacks.
        at: String,
    },
    /// Its request cannot be made, for this reason.
    CannotBeMade {
        /// Why.
        because: String,
    },
    /// The target does not claim a feature that it needs.
    NotClaimed {
        /// The feature.
        feature: String,
    },
    /// The target gave no usable answer.
    NoAnswer {
        /// What came back instead.
        #[serde(rename = "heard")]
        answer: TargetAnswer,
    },
    /// It was not run: the target turns every call away.
    TurnedAway {
        /// What the target is.
        class: TargetClass,
        /// What it answered to the probe.
        #[serde(rename = "heard")]
        answer: TargetAnswer,
    },
    /// It was not run: the target left several requests in a row without an answer.
    GivenUp {
        /// How many requests.
        requests: u32,
        /// Whether several were in flight together, which some servers cannot handle.
        together: bool,
    },
    /// The target gave no answer to requests that it answered before, for as long as the harness waits.
    Away {
        /// When it was first away, by the harness's clock: RFC 3339, in UTC.
        from: String,
        /// When the harness stopped waiting: RFC 3339, in UTC.
        to: String,
    },
    /// Its first answer was wrong, and the answer on a new connection was right.
    RightOnNewConnection {
        /// What was wrong.
        violation: Box<Violation>,
    },
    /// Its answer breaks a requirement, and is accepted because a recording shows the same.
    AsRecorded {
        /// What would be wrong.
        violation: Box<Violation>,
    },
    /// It was not run, or not finished: the run has reached its time limit.
    OutOfTime {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It was not run, or not finished: the run has made as many calls as it may.
    OutOfCalls {
        /// How many.
        limit: u64,
    },
    /// The target throttled the request.
    Throttled(AnswerSummary),
    /// The target did not get the request in time.
    NotInTime(AnswerSummary),
    /// Access was denied. The caller may be allowed only what the control names.
    Denied {
        /// The answer.
        answer: AnswerSummary,
        /// The member whose value it may not be allowed.
        member: String,
    },
    /// The answer is whole JSON that cannot be read here.
    JsonBeyondReading(AnswerSummary),
    /// The error cannot be read: it is in an encoding that was not asked for.
    EncodedError {
        /// The answer.
        answer: AnswerSummary,
        /// Which encoding.
        looks_like: Markup,
    },
    /// A name that the documents allow was refused, and not as invalid: the target looks up names of this kind.
    LookedUp {
        /// What people call what has the name.
        noun: String,
        /// What became of the name.
        #[serde(rename = "heard")]
        answer: TargetAnswer,
        /// Whether it became of a plain name that nobody has, beside which the case's name says nothing.
        plain: bool,
    },
    /// The credentials or the signature expired meanwhile.
    Expired(AnswerSummary),
    /// Lifetimes cannot be told: the target gives earlier credentials again, of any age.
    Aged,
    /// Lifetimes cannot be told now: the credentials that the target gives again have just the default lifetime left.
    AgedToDefault,
    /// Lifetimes cannot be told: one of the two clocks is off.
    ClockOff {
        /// How many seconds late everything expires; negative if it expires early.
        seconds: i64,
    },
    /// The target does not have the resource that was named.
    NotThere {
        /// What people call it.
        noun: String,
        /// The resource that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// The flag that names it.
        flag: String,
        /// Its name, quoted.
        name: String,
        /// The error that says so.
        error: String,
    },
    /// The target does not find what the caller is denied: it hides it, or has nothing of that name.
    PerhapsHidden {
        /// What people call it.
        noun: String,
        /// The flag that names it.
        flag: String,
        /// Its name, quoted.
        name: String,
        /// The error that says so.
        error: String,
    },
    /// The documents leave open whether the name that was given can be one.
    DoubtfulName {
        /// What people call the resource.
        noun: String,
        /// The flag that names it.
        flag: String,
        /// Its name, quoted.
        name: String,
        /// The error that refuses it.
        error: String,
    },
    /// No resource is named, and the target may not have the one that is assumed.
    PerhapsNotThere {
        /// What people call it.
        noun: String,
        /// The resource that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// The flag that names it.
        flag: String,
        /// The name that is assumed.
        name: String,
    },
    /// The same call without the resource is not accepted either.
    RefusedWithout {
        /// What people call the resource.
        noun: String,
        /// What became of that call.
        #[serde(rename = "heard")]
        answer: TargetAnswer,
    },
    /// It passes, and the baseline says that it fails.
    Stale {
        /// The pattern of the entry.
        pattern: String,
        /// The file.
        file: String,
    },
    /// The baseline's excuse has expired.
    ExpiredExcuse {
        /// The excuse.
        excuse: Excuse,
        /// The last day on which it excused anything.
        last: String,
        /// Its reason without the baseline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        own: Option<Box<Reason>>,
    },
    /// The baseline has an entry for it.
    Known {
        /// The excuse.
        excuse: Excuse,
        /// What the verdict would be without the baseline.
        was: Verdict,
        /// Its reason without the baseline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        own: Option<Box<Reason>>,
    },
    /// A reason in words alone: of a driver, of the harness, or of a build that had no data for it.
    Told {
        /// The words.
        words: String,
    },
}

impl Reason {
    /// Whether the target's own answers leave nothing to try, which is no fault of the target.
    pub fn is_moot(&self) -> bool {
        matches!(self, Self::NothingToGoOnFrom { .. } | Self::LookedUp { .. })
    }
}

/// Why a baseline accepts a failure: the words of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Excuse {
    /// Why.
    pub reason: String,
    /// Where its repair is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
}
