//! Every case and every reply.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::expand::ExpandedCase;
use super::reply::Reply;
use crate::contract::LoadError;

/// Every case and every reply, checked against the contract and against each other.
#[derive(Clone, Debug)]
pub struct Corpus {
    pub(super) cases: Vec<Arc<ExpandedCase>>,
    pub(super) by_id: HashMap<String, usize>,
    pub(super) controls: HashSet<String>,
    pub(super) replies: BTreeMap<String, Reply>,
    /// The members of requests that ask for a lifetime, each with the default in seconds.
    pub(super) lifetimes: Vec<(String, i64)>,
}

impl Corpus {
    /// The cases as they are run, in the order of the files and of the cases in them.
    pub fn cases(&self) -> &[Arc<ExpandedCase>] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ExpandedCase>> {
        self.by_id.get(id).map(|index| &self.cases[*index])
    }

    /// The cases that were written as one: a family's members, or the one case itself.
    pub fn family(&self, id: &str) -> impl Iterator<Item = &Arc<ExpandedCase>> {
        self.cases.iter().filter(move |case| case.case.id == id)
    }

    /// Whether another case rests on the one with this id.
    pub fn is_control(&self, id: &str) -> bool {
        self.controls.contains(id)
    }

    /// The mock's replies by name.
    pub fn replies(&self) -> &BTreeMap<String, Reply> {
        &self.replies
    }

    /// The lifetime that a request with this body asks for, or the default, in seconds; 0 where no operation has one.
    #[expect(clippy::cast_precision_loss, reason = "lifetimes are far below what a float holds exactly")]
    pub fn lifetime_asked_for(&self, body: &[u8]) -> f64 {
        let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
        let asked = |member: &str| body.as_ref()?.get(member)?.as_f64();
        let default = self.lifetimes.first().map_or(0.0, |(_, default)| *default as f64);
        self.lifetimes.iter().find_map(|(member, _)| asked(member)).unwrap_or(default)
    }

    /// Adds a case that stands at a place of a file; `places` are those of all before it, by their ids.
    pub(super) fn add(
        &mut self,
        case: ExpandedCase,
        (file, at): (&str, &str),
        places: &mut HashMap<String, String>,
    ) -> Result<(), LoadError> {
        if let Some(first) = places.insert(case.id.clone(), format!("{file} at {at}")) {
            let message = format!("the id {} stands twice, first in {first}", case.id);
            return Err(LoadError::new(file, format!("{at}/id"), message));
        }
        self.controls.extend(case.case.control.as_ref().map(|control| control.case.clone()));
        self.by_id.insert(case.id.clone(), self.cases.len());
        self.cases.push(Arc::new(case));
        Ok(())
    }
}
