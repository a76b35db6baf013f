//! The HTTP client against servers that break every rule: whatever a target does, an exchange ends in
//! time, in bounded memory, and with a word about what happened.
//!
//! Every server is a script on a loopback socket.

mod connections;
#[cfg(feature = "login")]
mod database_tls;
mod missing_answers;
mod odd_answers;
mod requests_sent;
mod script_server;
mod tls;
