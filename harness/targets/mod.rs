//! Who is asked: where a target is, what it claims, what stands before it.
//!
//! Uses contract (features) and wire. Targets are data: no code knows a target by its name. Start
//! with [`Target`]; [`probe`] says what kind of server answers, [`gate`] keeps real AWS off until it
//! is asked for.

pub mod gate;
pub mod partition;
pub mod probe;
#[cfg(feature = "cli")]
pub mod profile;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Url;

use crate::contract::{Feature, Service};
use crate::wire::{Client, ClientError, ClientOptions, Credentials, Region};

/// An endpoint under test: where it is, how it is addressed, what it claims.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in reports and in the snapshots folder.
    pub name: String,
    /// Where it listens.
    pub endpoint: Url,
    /// The region that requests are signed for.
    pub region: Region,
    /// What of real AWS may be asked, where it is real AWS.
    pub allowed: Option<gate::Allowed>,
    /// What signs requests; nothing where they go out unsigned.
    pub credentials: Option<Credentials>,
    /// The names of the resources that it has, by the resources' ids in the contract.
    pub resources: BTreeMap<String, String>,
    /// What it claims; `core` is always among it.
    pub features: BTreeSet<Feature>,
    /// Whether the path of the URL names the case, as for the replaying mock.
    pub path_names_case: bool,
    /// How it is reached.
    pub client: ClientOptions,
    /// How many requests are in flight together at most.
    pub jobs: usize,
    /// How long it is left alone before a request that it failed at is sent again; before the next time, twice as
    /// long.
    pub recovery: Duration,
}

/// Where a target is: what decides how many requests it gets at once, unless somebody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A server of ours, in this process.
    Here,
    /// Any other server.
    Elsewhere,
    /// Real AWS, which throttles.
    Aws,
}

impl Place {
    /// Where a URL leads to that is none of our own servers.
    pub fn of(endpoint: &Url) -> Self {
        if gate::Owner::of(endpoint) == gate::Owner::Other { Self::Elsewhere } else { Self::Aws }
    }

    /// How many requests are in flight together at most where nobody says: one per core, 4, or 1.
    pub fn jobs(self) -> usize {
        match self {
            Self::Here => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Elsewhere => 4,
            Self::Aws => 1,
        }
    }
}

/// A target that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is real AWS, and that was not allowed.
    #[error(transparent)]
    Refused(#[from] gate::Refusal),
    /// No client can be made for it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

// `with_…(name)` for each resource of the service: what the target has.
include!(concat!(env!("OUT_DIR"), "/having.rs"));

impl Target {
    /// What sends requests to it, with these options. Nothing is sent yet; where it is real AWS that was not allowed,
    /// nothing ever is.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn connect(&self, options: &ClientOptions) -> Result<Client, TargetError> {
        let name = self.resources.get(&gate::resource().id).map(String::as_str);
        gate::check(self.allowed.as_ref(), &self.endpoint, &self.region, name)?;
        Ok(Client::new(self.endpoint.clone(), options)?)
    }

    /// A target at a URL that claims `core`, in `us-east-1`, without resources and credentials.
    pub fn at(endpoint: Url) -> Self {
        Self {
            name: "endpoint".to_owned(),
            jobs: Place::of(&endpoint).jobs(),
            recovery: Duration::from_millis(200),
            endpoint,
            region: Region::us_east_1(),
            allowed: None,
            credentials: None,
            resources: BTreeMap::new(),
            features: BTreeSet::from([Feature::CORE]),
            path_names_case: false,
            client: ClientOptions::default(),
        }
    }

    /// The same target under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same target with what signs its requests.
    #[must_use]
    pub fn signed_by(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The same target, whose requests are signed for this region.
    #[must_use]
    pub fn in_region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// The same target, of which this may be asked where it is real AWS.
    #[must_use]
    pub fn allowing(mut self, allowed: gate::Allowed) -> Self {
        self.allowed = Some(allowed);
        self
    }

    /// The same target with the name of a resource that it has, by the resource's id. It claims the feature that the
    /// resource belongs to, where there is one.
    ///
    /// # Panics
    /// Where the service has no resource with this id: a misspelt one would leave its cases blocked.
    #[must_use]
    pub(crate) fn having(mut self, id: &str, name: impl Into<String>) -> Self {
        let resource = Service::embedded().resource(id).unwrap_or_else(|| panic!("there is no resource \"{id}\""));
        self.resources.insert(id.to_owned(), name.into());
        let feature = resource.feature.as_ref().and_then(|feature| feature.parse().ok());
        self.claiming(feature)
    }

    /// The same target, claiming these features too.
    #[must_use]
    pub fn claiming(mut self, features: impl IntoIterator<Item = Feature>) -> Self {
        self.features.extend(features);
        self
    }

    /// The same target with another time limit for one request.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.client.timeout = timeout;
        self
    }

    /// The same target with another limit for the requests in flight together.
    #[must_use]
    pub fn with_jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// How its host is written in the `Host` header: with the port where it is not the default.
    pub fn authority(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}
