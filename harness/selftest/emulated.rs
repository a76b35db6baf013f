//! An emulator as a target that claims all that it has.

#[cfg(feature = "login")]
use jiff::SignedDuration;

use crate::contract::{self, Feature};
use crate::servers::defects::Upstream;
use crate::servers::emulator::{Emulator, EmulatorOptions, Revision};
use crate::targets::Target;
#[cfg(feature = "login")]
use crate::targets::{ClockFault, TargetClock};

/// An emulator with the options [`EmulatorOptions::for_cases`], as a target that claims all that such an emulator has: if
/// it has a door, its credentials log in there, and its clock is moved.
///
/// # Panics
/// Never: the addresses of an emulator are a URL's.
pub fn target_of(emulator: &Emulator) -> Target {
    let options = emulator.options();
    let endpoint = emulator.endpoint().parse().expect("the address of an emulator is a URL's");
    let callers = options.case_callers.as_ref();
    let signer = callers.map_or(&options.credentials, |callers| &callers.allowed);
    let mut target = Target::at(endpoint).with_name("emulator").signed_by(signer.clone());
    target.resources = options.names().into_iter().map(|(id, name)| (id.to_owned(), name)).collect();
    target.region.clone_from(&options.region);
    target.denied = callers.map(|callers| callers.denied.clone());
    target = target.claiming(features(options.revision));
    #[cfg(feature = "login")]
    if let Some(address) = emulator.first_door() {
        let mover = emulator.clock_mover();
        let advance = move |seconds| {
            let mover = mover.clone();
            async move {
                let outcome = mover.advance(SignedDuration::from_secs(seconds)).await;
                outcome.map_err(|error| ClockFault { words: error.to_string(), in_doubt: true })
            }
        };
        target = logging_in_at(target, address).with_clock(TargetClock::new("the emulator's own clock", advance));
    }
    target
}

/// The features that such an emulator has.
pub(super) fn features(revision: Revision) -> impl Iterator<Item = Feature> {
    EmulatorOptions::features_in(revision).filter_map(|feature| feature.parse().ok())
}

/// What the emulator calls a revision of the documents; `None` if it cannot follow it.
pub fn emulated_revision(revision: contract::Revision) -> Option<Revision> {
    Revision::of_year(revision.year())
}

/// The same target, whose credentials log in at this address.
#[cfg(feature = "login")]
pub(super) fn logging_in_at(target: Target, address: std::net::SocketAddr) -> Target {
    let url = format!("postgres://{{user}}:{{password}}@{address}/?sslmode=prefer");
    target.logging_in_at(url.parse().expect("the address of a door is a URL's"))
}

/// What the layer of a defect must know about an emulator with these options.
pub fn upstream(options: &EmulatorOptions) -> Upstream {
    Upstream {
        credentials: options.credentials.clone(),
        callers: options.callers().skip(1).cloned().collect(),
        region: options.region.clone(),
        resources: options.names().into_iter().map(|(id, name)| (id.to_owned(), name)).collect(),
    }
}
