//! What Countersign knows before it judges: the contract, the cases, the wire, the targets and their recordings, the
//! servers that stand in for AWS, and the parts that a verdict is made of.
//!
//! This library is a part of `countersign`, which has all its modules under the same names and says what each is for.
//! Depend on that one: nothing here is promised to stay as it is. It is apart for two reasons. Nothing in it can use the
//! judge, the runner or the reports. And it is not built again when one of those changes.

pub mod contract;
pub mod corpus;
pub mod files;
#[cfg(feature = "run")]
pub mod recording;
#[cfg(any(feature = "run", feature = "emulator"))]
pub mod servers;
#[cfg(feature = "run")]
pub mod targets;
pub mod text;
pub mod verdict;
pub mod wire;
