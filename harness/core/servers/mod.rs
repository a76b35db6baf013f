//! Servers that take the place of AWS: the reference `emulator`, the `mock` that replays replies, and the `defects`
//! layer that turns a right server into a wrong one.
//!
//! The emulator uses [`crate::wire`] only; it never sees fixtures, schemas or the judge. The mock uses
//! [`crate::corpus`]: it gives each case the reply that is written for it, and knows nothing else. `host` is the socket
//! of both. The layer stands between it and any function that answers requests. `postgres` has the messages of the
//! database door and of the layer before it.

#[cfg(feature = "emulator")]
pub mod defects;
#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(any(feature = "run", feature = "emulator"))]
pub mod host;
#[cfg(feature = "run")]
pub mod mock;
#[cfg(feature = "login")]
mod postgres;
#[cfg(any(feature = "run", feature = "emulator"))]
mod stalling;
