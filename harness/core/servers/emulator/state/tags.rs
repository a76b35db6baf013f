use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::validation::{BrokenConstraint, length};

/// How many tags a resource may have. Source: the service model, `TagList`; the only limit that it gives.
pub(super) const MOST: usize = 200;

/// The tags of a resource, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(in crate::servers::emulator) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Tags in the order in which a caller gave them. Of two with the same key, the last one counts.
    pub(in crate::servers::emulator) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// These tags and more; a key that is there gets the new value.
    pub(super) fn with(&self, more: Self, resource: &str) -> Result<Self, ServiceError> {
        let mut all = self.clone();
        all.0.extend(more.0);
        if all.0.len() > MOST { Err(ServiceError::too_many_tags(resource, MOST)) } else { Ok(all) }
    }

    pub(super) fn without(&self, keys: &[String]) -> Self {
        Self(self.0.iter().filter(|(key, _)| !keys.contains(key)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// The list of structures `Tag`, by key.
    pub(in crate::servers::emulator) fn shown(&self) -> Value {
        self.0.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
    }

    pub(in crate::servers::emulator) fn by_key(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// The first constraint that they break: none, if they came from a caller.
    pub(super) fn broken(&self) -> Option<BrokenConstraint> {
        let breach = |(key, value): (&String, &String)| broken_by_key(key).or_else(|| broken_by_value(value));
        let count = length_of_list(self.0.len());
        count.or_else(|| self.0.iter().find_map(breach))
    }
}

/// The breach of the number of tags in a list. Source: the service model, `TagList`.
pub(in crate::servers::emulator) fn length_of_list(count: usize) -> Option<BrokenConstraint> {
    (count > MOST).then(|| format!("have length less than or equal to {MOST}"))
}

/// Source: the service model, `TagKey`.
pub(in crate::servers::emulator) fn broken_by_key(key: &str) -> Option<BrokenConstraint> {
    length(key, (1, 128))
}

/// Source: the service model, `TagValue`.
pub(in crate::servers::emulator) fn broken_by_value(value: &str) -> Option<BrokenConstraint> {
    length(value, (0, 256))
}
