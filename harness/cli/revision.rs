//! The revision of the documents that a command asks for.

use clap::Args;

use super::Failure;
use super::settings::Settings;
use crate::contract::{Contract, Feature, Fixtures, Revision, Service, no_such_revision};

/// For commands without a target.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct RevisionArg {
    /// The revision of the documents, by its year; `countersign list revisions` shows them all [default: the newest]
    #[arg(long, env = "COUNTERSIGN_REVISION", value_name = "YEAR")]
    revision: Option<Revision>,
}

impl RevisionArg {
    pub(super) fn asked(self) -> Option<AskedRevision> {
        self.revision.map(|year| AskedRevision { year, place: "--revision".to_owned() })
    }
}

/// A revision, and where it was asked for.
#[derive(Clone, Debug)]
pub(super) struct AskedRevision {
    pub(super) year: Revision,
    pub(super) place: String,
}

impl AskedRevision {
    /// Refuses a revision that the documents of these fixtures do not have.
    pub(super) fn check(&self, fixtures: &Fixtures) -> Result<(), Failure> {
        let loaded;
        let service = match fixtures {
            Fixtures::Embedded | Fixtures::EmbeddedToCheck => Service::embedded(),
            Fixtures::Folder(_) | Fixtures::ReadBefore(_) => {
                // What is wrong with the folder is told when all of it is loaded.
                let service = Service::folder(fixtures).and_then(|folder| Service::load(fixtures, &folder));
                let Ok(service) = service else { return Ok(()) };
                loaded = service.into();
                &loaded
            }
        };
        if service.revisions.iter().any(|row| row.year == self.year) {
            return Ok(());
        }
        let Self { year, place } = self;
        Err(Failure::usage(format!(
            "{place}: {}; `countersign list revisions` says what changed in each",
            no_such_revision(*year, &service.revisions)
        )))
    }
}

/// Refuses settings that need what the documents of the revision do not know: a claim of a feature, and the name of a
/// resource.
pub(super) fn knows_all(settings: &Settings, contract: &Contract) -> Result<(), Failure> {
    let unknown = |feature: &Feature| !feature.holds_in(contract.revision);
    let claimed = settings.claim.iter().flatten().find(|feature| unknown(feature)).map(|feature| ("claim", *feature));
    let resources = Service::embedded().resources.iter().filter(|of| settings.resources.contains_key(&of.id));
    let named = resources.filter_map(|of| Some((of.flag.as_str(), of.feature.as_ref()?.parse::<Feature>().ok()?)));
    match claimed.into_iter().chain(named).find(|(_, feature)| unknown(feature)) {
        None => Ok(()),
        Some((flag, feature)) => Err(Failure::usage(format!(
            "{}: the documents of the revision {} do not know the feature {feature}; leave it out, or choose a newer \
             revision with --revision",
            settings.from.place(flag),
            contract.revision
        ))),
    }
}
