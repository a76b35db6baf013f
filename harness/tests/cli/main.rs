//! The built binary as a user meets it: exit codes, messages, reports, secrets.

mod bad_input;
mod classes;
mod hostile;
mod program;
mod runs;
mod secrets;
mod stub;
mod worked_examples;
