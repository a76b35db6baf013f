//! The `countersign` binary; everything is in [`countersign::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::cli::main()
}
