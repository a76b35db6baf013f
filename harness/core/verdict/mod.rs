//! What is concluded about answers and about a target, as data: the part that needs no judge.

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
