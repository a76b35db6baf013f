//! Every case as a trial, against the mock, the emulator, and the target that `COUNTERSIGN_ENDPOINT`
//! or `COUNTERSIGN_TARGET` names, with a snapshot for each.

use std::process::ExitCode;

use countersign::cli::trials_of_environment;
use countersign::contract::Feature;
use countersign::servers::emulator::{Emulator, Options};
use countersign::servers::mock::Mock;
use countersign::targets::{Place, Target};
use countersign::trials::{Record, Trials, runtime};
use countersign::wire::Credentials;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let features = ["signature", "custom-domain"].map(|word| word.parse::<Feature>().expect("there is such a feature"));
    let mut targets = vec![Trials::starting("mock", features, mock), Trials::starting("emulator", features, emulator)];
    match trials_of_environment() {
        Ok(named) => targets.extend(named),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    }
    let trials =
        targets.into_iter().flat_map(|target| target.of_every_operation().observed_by(compare).trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A mock that lives as long as the test program.
fn mock() -> Target {
    let mock = runtime().block_on(Mock::embedded()).expect("a free port on loopback");
    let mut target = Target::at(mock.endpoint().parse().expect("a valid URL"))
        .named("mock")
        .signed_by(Credentials::new("AKIDEXAMPLE", "the mock checks no signature"))
        .with_workgroup("a-workgroup")
        .with_custom_domain("db.example.com")
        .claiming([Feature::SIGNATURE])
        .with_jobs(Place::Here.jobs());
    target.path_names_case = true;
    Box::leak(Box::new(mock));
    target
}

/// A reference emulator that lives as long as the test program.
fn emulator() -> Target {
    let emulator = runtime().block_on(Emulator::start(Options::default())).expect("a free port on loopback");
    let options = emulator.options();
    let domain = options.custom_domains.keys().next().expect("the emulator has a custom domain");
    let target = Target::at(emulator.endpoint().parse().expect("a valid URL"))
        .named("emulator")
        .signed_by(options.credentials.clone())
        .with_workgroup(&options.workgroups[0])
        .with_custom_domain(domain)
        .claiming([Feature::SIGNATURE])
        .with_jobs(Place::Here.jobs());
    Box::leak(Box::new(emulator));
    target
}

fn compare(record: &Record) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/snapshots/{}", env!("CARGO_MANIFEST_DIR"), record.target));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(record.case.replace('/', "__"), record.lines));
}
