//! What can stand where AWS stands: the reference `emulator`, and the `mock` that replays replies.
//!
//! The emulator uses [`crate::wire`] only; it never sees fixtures, schemas or the judge. The mock uses
//! [`crate::corpus`]: it gives each case the reply that is written for it, and knows nothing else.

#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "run")]
pub mod mock;
