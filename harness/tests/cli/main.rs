//! The built binary as a user meets it: exit codes, messages, reports, secrets.

mod again;
mod bad_input;
mod causes;
mod classes;
mod doctor;
mod endings;
mod fixtures;
mod foreign;
mod given_secrets;
mod hostile;
mod marks;
mod program;
mod reports;
mod runs;
mod sdk_diff;
mod secrets;
mod stub;
mod terminal;
mod words;
mod worked_examples;
