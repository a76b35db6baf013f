//! Every case as a trial, against the mock, the emulator, and the target that `COUNTERSIGN_ENDPOINT`
//! or `COUNTERSIGN_TARGET` names, with a snapshot for each.

use std::process::ExitCode;

use countersign::cli::trials_of_environment;
use countersign::contract::{Feature, Service};
use countersign::selftest::target_of;
use countersign::servers::emulator::{Emulator, EmulatorOptions};
use countersign::servers::mock::Mock;
use countersign::targets::{Target, TargetPlace};
use countersign::trials::{TrialRecord, Trials, runtime};
use countersign::wire::Credentials;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut targets = vec![
        Trials::starting("mock", features(&OF_MOCK), mock),
        Trials::starting("emulator", features(EmulatorOptions::FEATURES), emulator),
    ];
    match trials_of_environment() {
        Ok(named) => targets.extend(named),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    }
    let trials: Result<Vec<_>, _> = targets
        .into_iter()
        .map(|target| target.of_every_operation().observed_by(compare).trials_for(&arguments))
        .collect();
    match trials {
        Ok(trials) => libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The features that the mock claims: it has a reply to every case of theirs.
const OF_MOCK: [&str; 4] = ["signature", "iam", "custom-domain", "denied-workgroup"];

fn features(names: &[&str]) -> Vec<Feature> {
    names.iter().map(|name| name.parse().expect("there is such a feature")).collect()
}

/// A mock that lives as long as the test program.
fn mock() -> Target {
    let mock = runtime().block_on(Mock::embedded()).expect("a free port on loopback");
    let mut target = Target::at(mock.endpoint().parse().expect("a valid URL"))
        .with_name("mock")
        .signed_by(Credentials::new("AKIDEXAMPLE", "the mock checks no signature"))
        .claiming(features(&OF_MOCK))
        .with_jobs(TargetPlace::Here.jobs());
    target.denied = Some(Credentials::new("AKIDDENIED", "nor this one"));
    target.path_names_case = true;
    // It takes any name.
    let resources = Service::embedded().resources.iter();
    target.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
    Box::leak(Box::new(mock));
    target
}

/// A reference emulator that lives as long as the test program.
fn emulator() -> Target {
    let emulator = runtime().block_on(Emulator::start(EmulatorOptions::for_cases())).expect("a free port on loopback");
    let target = target_of(&emulator).with_jobs(TargetPlace::Here.jobs());
    Box::leak(Box::new(emulator));
    target
}

fn compare(record: &TrialRecord) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/snapshots/{}", env!("CARGO_MANIFEST_DIR"), record.target));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(record.case.replace('/', "__"), record.lines));
}
