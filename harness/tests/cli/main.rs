//! The built binary as a user meets it: exit codes, messages, reports, secrets.

mod configured_server;
mod credential_lifetimes;
mod doctor;
mod failure_causes;
mod fixtures;
mod foreign_text;
mod hostile_input;
mod invalid_input;
mod misbehaving_servers;
mod outages;
mod planted_secrets;
mod program;
mod report_from_stream;
mod reports_use_data;
mod run_endings;
mod runs;
mod sdk_diff;
mod secrets_from_servers;
mod stub_server;
mod target_classes;
mod terminal;
mod tls_stub;
mod trust;
mod turned_away;
mod worked_examples;
mod written_files;
