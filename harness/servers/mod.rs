//! What can stand where AWS stands: the reference [`emulator`], and the mock that replays replies.
//!
//! The emulator uses [`crate::wire`] only; it never sees fixtures, schemas or the judge.

#[cfg(feature = "emulator")]
pub mod emulator;
