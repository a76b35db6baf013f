//! Every case against the reference emulator, as trials of libtest-mimic, with a snapshot for each.

use std::process::ExitCode;

use countersign::contract::Feature;
use countersign::servers::emulator::{Emulator, Options};
use countersign::targets::Target;
use countersign::trials::{Record, Trials, runtime};
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = Trials::starting("emulator", [Feature::Signature, Feature::CustomDomain], emulator)
        .observed_by(compare)
        .trials();
    libtest_mimic::run(&arguments, trials).exit_code()
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
        .claiming([Feature::Signature]);
    Box::leak(Box::new(emulator));
    target
}

/// Compares what a trial saw with its snapshot.
fn compare(record: &Record) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/snapshots/{}", env!("CARGO_MANIFEST_DIR"), record.target));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(record.case.replace('/', "__"), record.lines));
}
