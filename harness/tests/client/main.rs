//! The HTTP client against servers that break every rule: whatever a target does, an exchange ends in
//! time, in bounded memory, and with a word about what happened.
//!
//! Every server is a script on a loopback socket.

mod answers;
mod connections;
mod faults;
mod requests;
mod server;
mod tls;
