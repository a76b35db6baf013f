//! The suites of cases with their requests and expectations: read strictly, checked against the contract, expanded, and
//! selected into a [`Plan`].
//!
//! Uses [`crate::contract`], and [`crate::text`] to show foreign text. Start with [`Case`], the format of a fixture;
//! [`Corpus::load`] is the way in.

pub mod budget;
mod case;
mod cases;
mod check;
pub mod defect;
mod expand;
mod files;
mod pattern;
mod reply;
mod revision;
mod select;
pub(crate) mod sendable;
pub mod template;

pub use case::{
    AcceptedAnswer, Act, Call, Caller, Case, Check, ClockMove, Control, Encoding, Expect, Family, Input, Login,
    OtherStep, PasswordChange, Query, RawRequest, RequestSpec, Shown, ShownValue, SigningDefect, Step, Suite, Until,
};
pub use cases::{Corpus, written_id};
pub use defect::{Defect, DefectKind, Defects};
pub use expand::ExpandedCase;
pub use files::{LoadErrors, file_stem, load_folder};
pub use reply::{Reply, WrongReply};
pub use select::{LeftOut, Pattern, Plan, SelectError, Selectable, Selection, Shard};
pub use template::fill;
