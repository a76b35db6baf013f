//! What an adopter writes: the test file of `harness/docs/rust.md`, against a server of its own.

use std::process::ExitCode;

use countersign::targets::Target;
use countersign::trials::Trials;
use countersign::wire::Credentials;

fn main() -> ExitCode {
    let endpoint = my_emulator::start();
    let credentials = Credentials::new(my_emulator::KEY, my_emulator::SECRET);
    let target =
        Target::at(endpoint.parse().expect("a valid URL")).signed_by(credentials).with_workgroup("my-workgroup");
    Trials::new(target).main()
}

/// Stands for the adopter's own server: here the reference emulator with fixed credentials.
mod my_emulator {
    use countersign::servers::emulator::{Emulator, EmulatorOptions};
    use countersign::trials::runtime;
    use countersign::wire::Credentials;

    pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    pub(super) const SECRET: &str = "of-the-adopter";

    pub(super) fn start() -> String {
        let options = EmulatorOptions {
            workgroups: vec!["my-workgroup".to_owned()],
            custom_domains: [].into(),
            credentials: Credentials::new(KEY, SECRET),
            ..EmulatorOptions::default()
        };
        let emulator = runtime().block_on(Emulator::start(options)).expect("a free port on loopback");
        let endpoint = emulator.endpoint();
        Box::leak(Box::new(emulator));
        endpoint
    }
}
