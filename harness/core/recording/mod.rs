//! Recordings: what a target answered to the calls of a case, without its values.
//!
//! A [`Recording`] is one file for one case. It keeps the status, the name and the message of an error, the names of the
//! header fields, and the shape of the body with types and lengths. Passwords, keys, tokens, users, ARNs, account ids and
//! the names that were sent are not kept: they are masked by the name of their member and by their value, and a scanner
//! refuses a file in which one survives.
//!
//! Uses contract, corpus, verdict and wire. Start with `format`, which says what a file holds.
//!
//! | file | |
//! |---|---|
//! | `format` | the types of a recording |
//! | `capture` | makes a recording from what went over the wire |
//! | `scan` | looks for secrets in a recording before it is written |
//! | `replay` | makes an answer of the recorded shape again |
//! | `drift` | compares two recordings of one case |
//! | `folder` | reads and writes the files |

mod capture;
mod drift;
mod folder;
mod format;
mod replay;
mod scan;
#[cfg(test)]
mod tests;

pub use capture::{Capture, Unrecordable};
pub use drift::{Drift, drifts};
pub use folder::{FolderError, RecordingFolder, path_of};
pub use format::{NumberShape, RecordedAnswer, RecordedBody, Recording, Shape, TextForm, TextShape, VERSION};
pub use replay::replay;
