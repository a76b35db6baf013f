//! The parts of a conclusion, as data: what is wrong with an answer, what a target is, what it is not asked.
//!
//! `countersign` has all of it in its own `verdict`, which adds verdicts, their reasons and results. Uses contract and
//! wire. Start with [`Fault`].

mod cause;
mod class;
mod fault;
mod recorded;
mod restrained;

pub use cause::Cause;
pub use class::{ProbeOutcome, TargetAnswer, TargetClass};
pub use fault::{
    AnswerSummary, DatabaseAct, DatabaseAnswer, ExpectedValue, Fault, LifetimeLikeness, Markup, MeasuredLifetime,
    NameSubstitute, RightAnswer, RightDatabaseAnswer, StrikingDetail, ValueLikeness, WrongBody,
};
pub use recorded::RecordedTarget;
pub use restrained::Restrained;
