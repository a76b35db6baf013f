//! What an emulator has: namespaces, workgroups and custom domains, apart for each account and region.
//!
//! [`State`] is shared by all requests. A request looks at one [`Realm`] or changes it, and holds the lock only for
//! that. Nothing happens by itself: what has begun to be created, modified or deleted is settled when somebody looks at
//! it later, by the clock.

mod custom_domain;
mod file;
mod namespace;
mod phase;
mod place;
mod realm;
mod settings;
mod tags;
mod workgroup;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

pub(super) use custom_domain::CustomDomain;
pub(super) use namespace::{DATABASE, NAMESPACE_SETTINGS, Namespace};
pub(super) use phase::Moment;
pub(super) use place::partition;
pub(super) use realm::{Realm, Resource};
pub(super) use settings::Settings;
pub(super) use tags::Tags;
pub(super) use workgroup::{WORKGROUP_SETTINGS, Workgroup};

pub(super) use tags::length_of_list as length_of_tags;
pub(super) use tags::{broken_by_key as broken_by_tag_key, broken_by_value as broken_by_tag_value};

pub use file::SavedState;

use super::errors::ServiceError;
use super::{EmulatorOptions, InvalidOptions};
use crate::wire::Region;
use file::StateFile;
use place::Place;

/// Everything that an emulator has.
pub(super) struct State {
    realms: Mutex<Realms>,
    /// Where it is saved. Whoever holds this lock makes the only change that is under way, so that no change is lost.
    file: Option<Mutex<StateFile>>,
}

/// The realms that anybody has looked at. They are few, and a copy of them is cheap until one of them is changed.
#[derive(Clone, Default)]
struct Realms(Vec<Arc<Realm>>);

/// The ARN of a workgroup that the options name, unless it comes from a file.
pub(super) fn arn_at_the_start(EmulatorOptions { account, region, .. }: &EmulatorOptions, workgroup: &str) -> String {
    let place = Place { account, region };
    place.arn("redshift-serverless", &format!("workgroup/{}", place.id_at_the_start(workgroup)))
}

impl State {
    /// What the file of the options has. The realm of the options' account and region begins with their workgroups and
    /// custom domains if it is not in the file.
    pub(super) fn new(options: &EmulatorOptions, at: Moment) -> Result<Self, InvalidOptions> {
        let (mut file, realms) = match &options.state {
            Some(path) => StateFile::open(path, at).map(|(file, realms)| (Some(file), realms))?,
            None => (None, Vec::new()),
        };
        let mut realms = Realms(realms.into_iter().map(Arc::new).collect());
        let EmulatorOptions { account, region, .. } = options;
        if realms.position(account, region).is_none() {
            realms.0.push(Arc::new(Realm::of_options(options, at)));
        }
        // A file that cannot be written is found now, and not at the first change.
        if let Some(file) = &mut file {
            file.save(realms.0.iter().map(Arc::as_ref)).map_err(|problem| file.invalid(problem.to_string()))?;
        }
        Ok(Self { realms: Mutex::new(realms), file: file.map(Mutex::new) })
    }

    /// Looks at the realm of an account and region.
    pub(super) fn look<T>(&self, account: &str, region: &Region, at: Moment, look: impl FnOnce(&Realm) -> T) -> T {
        look(lock(&self.realms).look(account, region, at))
    }

    /// Changes the realm of an account and region, and saves the change before anybody sees it. A `change` that is
    /// refused must have changed nothing.
    pub(super) fn change<T>(
        &self,
        account: &str,
        region: &Region,
        at: Moment,
        change: impl FnOnce(&mut Realm) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let Some(file) = &self.file else {
            return change(lock(&self.realms).change(account, region, at));
        };
        blocking(|| {
            let mut file = lock(file);
            // The answers of others wait for the copy, and not for the disk.
            let mut realms = lock(&self.realms).clone();
            let answer = change(realms.change(account, region, at))?;
            file.save(realms.0.iter().map(Arc::as_ref)).map_err(|problem| {
                tracing::error!(%problem, "the state is not saved");
                problem.refusal()
            })?;
            *lock(&self.realms) = realms;
            Ok(answer)
        })
    }
}

impl Realms {
    fn position(&self, account: &str, region: &Region) -> Option<usize> {
        self.0.iter().position(|realm| realm.is_of(account, region))
    }

    /// The realm as it is now. One that nobody has looked at is empty.
    fn realm(&mut self, account: &str, region: &Region, at: Moment) -> &mut Arc<Realm> {
        let position = self.position(account, region).unwrap_or_else(|| {
            self.0.push(Arc::new(Realm::empty(account, region)));
            self.0.len() - 1
        });
        let realm = &mut self.0[position];
        if realm.is_due(at.now) {
            Arc::make_mut(realm).settle(at.now);
        }
        realm
    }

    fn look(&mut self, account: &str, region: &Region, at: Moment) -> &Realm {
        self.realm(account, region, at)
    }

    fn change(&mut self, account: &str, region: &Region, at: Moment) -> &mut Realm {
        Arc::make_mut(self.realm(account, region, at))
    }
}

impl fmt::Debug for State {
    /// Without its contents: users' names are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

/// Does what waits for the disk. A runtime with several threads goes on with other requests meanwhile.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A panic of another request leaves nothing half-made: what is shared is put in place in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
