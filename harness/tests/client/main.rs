//! The HTTP client against servers that break every rule: whatever a target does, an exchange ends in
//! time, in bounded memory, and with a word about what happened.
//!
//! Every server is a script on a loopback socket. What holds for the pooled connections of the HTTP
//! library is tried on the raw socket too, which takes the requests that the library would change.

mod answers;
mod connections;
mod faults;
mod requests;
mod server;
mod tls;
