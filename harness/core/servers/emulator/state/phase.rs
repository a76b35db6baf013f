use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A call's time, and the time at which what it begins is done.
#[derive(Clone, Copy, Debug)]
pub(in crate::servers::emulator) struct Moment {
    pub(in crate::servers::emulator) now: Timestamp,
    pub(super) settled: Timestamp,
}

impl Moment {
    pub(in crate::servers::emulator) fn new(now: Timestamp, settle: SignedDuration) -> Self {
        Self { now, settled: now.checked_add(settle).unwrap_or(Timestamp::MAX) }
    }
}

/// What is being done to a resource, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Available,
    Creating(#[schemars(with = "String", extend("format" = "date-time"))] Timestamp),
    Modifying(#[schemars(with = "String", extend("format" = "date-time"))] Timestamp),
    Deleting(#[schemars(with = "String", extend("format" = "date-time"))] Timestamp),
}

impl Phase {
    /// The phase at this time; `None` if the resource is gone by then.
    pub(super) fn at(self, now: Timestamp) -> Option<Self> {
        match self {
            Self::Creating(until) | Self::Modifying(until) if until <= now => Some(Self::Available),
            Self::Deleting(until) if until <= now => None,
            _ => Some(self),
        }
    }

    /// When it ends by itself.
    pub(super) fn until(self) -> Option<Timestamp> {
        match self {
            Self::Available => None,
            Self::Creating(until) | Self::Modifying(until) | Self::Deleting(until) => Some(until),
        }
    }

    /// The same phase, which ends at this time at the latest. It is for what was saved under a clock that was moved
    /// forward: nobody waits for that time.
    pub(super) fn within(self, latest: Timestamp) -> Self {
        match self {
            Self::Available => Self::Available,
            Self::Creating(until) => Self::Creating(until.min(latest)),
            Self::Modifying(until) => Self::Modifying(until.min(latest)),
            Self::Deleting(until) => Self::Deleting(until.min(latest)),
        }
    }

    /// The word in `status`. Source: the service model, `WorkgroupStatus` and `NamespaceStatus`.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Creating(_) => "CREATING",
            Self::Modifying(_) => "MODIFYING",
            Self::Deleting(_) => "DELETING",
        }
    }
}
