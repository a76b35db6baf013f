//! What a caller may set of a resource: tables of members, and how each of them is checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::validation::{BrokenConstraint, enumeration, range};

/// A member that a caller may set, and that is shown as it was set.
pub(in crate::servers::emulator) struct Setting {
    pub(super) member: &'static str,
    pub(super) kind: Kind,
}

/// What a setting is and which constraints it has.
pub(super) enum Kind {
    Text(fn(&str) -> Vec<Option<BrokenConstraint>>),
    /// A list of any texts.
    Texts,
    /// A list of at most so many of these words.
    Words {
        most: usize,
        of: &'static [&'static str],
    },
    Integer(fn(i32) -> Option<BrokenConstraint>),
    Boolean,
    /// A list of structures of two texts: parameters of the database, by key.
    Parameters,
    /// The structure `PerformanceTarget`.
    PerformanceTarget,
}

/// The members of a resource that were set, as a request has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(in crate::servers::emulator) struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Reads the members of a table.
    pub(in crate::servers::emulator) fn read(input: &mut Input<'_>, table: &[Setting]) -> Result<Self, ServiceError> {
        let mut settings = BTreeMap::new();
        for Setting { member, kind } in table {
            if let Some(value) = kind.read(input, member)? {
                settings.insert((*member).to_owned(), value);
            }
        }
        Ok(Self(settings))
    }

    /// What is wrong with settings that did not come from a caller: they are read again as if they did.
    pub(super) fn fault(&self, table: &[Setting]) -> Option<String> {
        let known = |member: &String| table.iter().any(|setting| setting.member == member);
        if let Some(unknown) = self.0.keys().find(|member| !known(member)) {
            return Some(format!("there is no setting \"{unknown}\""));
        }
        let text = json!(self.0).to_string();
        let read = Members::of(text.as_bytes()).and_then(|members| {
            let mut input = Input::of(&members);
            let settings = Self::read(&mut input, table)?;
            input.check().map(|()| settings)
        });
        match read {
            Ok(settings) if settings == *self => None,
            Ok(_) => Some("a setting is not written as it is saved".to_owned()),
            Err(refusal) => Some(refusal.message),
        }
    }

    pub(in crate::servers::emulator) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, member: &str) -> Option<&Value> {
        self.0.get(member)
    }

    pub(in crate::servers::emulator) fn has(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    /// Gives a member a value if it has none.
    pub(super) fn default_to(&mut self, member: &str, value: &str) {
        self.0.entry(member.to_owned()).or_insert_with(|| value.into());
    }

    /// Sets members anew. Of parameters, those that are not named stay.
    pub(super) fn change(&mut self, new: Self) {
        for (member, value) in new.0 {
            let merged = match self.0.get(&member) {
                Some(old) if member == PARAMETERS => merge_parameters(old, &value),
                _ => value,
            };
            self.0.insert(member, merged);
        }
    }

    /// Puts the members into the structure that shows the resource.
    pub(super) fn show_in(&self, shown: &mut Value) {
        for (member, value) in &self.0 {
            let value = if member == PARAMETERS { merge_parameters(&shown[member], value) } else { value.clone() };
            shown[member] = value;
        }
    }

    /// About how many bytes they take.
    pub(super) fn weight(&self) -> usize {
        json!(self.0).to_string().len()
    }
}

/// The member whose items are set one by one.
pub(super) const PARAMETERS: &str = "configParameters";

/// Parameters with new values in place of old ones, and the others behind them.
fn merge_parameters(old: &Value, new: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut merged = list(old);
    for parameter in list(new) {
        match merged.iter_mut().find(|known| known["parameterKey"] == parameter["parameterKey"]) {
            Some(known) => *known = parameter,
            None => merged.push(parameter),
        }
    }
    merged.into()
}

impl Kind {
    fn read(&self, input: &mut Input<'_>, member: &str) -> Result<Option<Value>, ServiceError> {
        Ok(match self {
            Self::Text(constraints) => input.text(member, constraints)?.map(Value::from),
            Self::Texts => input.texts(member)?.map(Value::from),
            Self::Words { most, of } => {
                let words = input.texts(member)?;
                if let Some(words) = &words {
                    let too_long = words.len() > *most;
                    input.note(member, too_long.then(|| format!("have length less than or equal to {most}")));
                    // Source of the wording for items of a list: seen on services of this protocol.
                    let breach = words.iter().find_map(|word| enumeration(word, of));
                    input.note(member, breach.map(|breach| format!("satisfy constraint: [Member must {breach}]")));
                }
                words.map(Value::from)
            }
            Self::Integer(constraint) => input.integer(member, constraint)?.map(Value::from),
            Self::Boolean => input.boolean(member)?.map(Value::from),
            Self::Parameters => {
                let Some(parameters) = input.structures(member)? else { return Ok(None) };
                let parameter = |members: &Members<'_>| {
                    Ok(structure([
                        ("parameterKey", members.string("parameterKey")?.map(Value::from)),
                        ("parameterValue", members.string("parameterValue")?.map(Value::from)),
                    ]))
                };
                Some(parameters.iter().map(parameter).collect::<Result<Value, ServiceError>>()?)
            }
            Self::PerformanceTarget => {
                let Some(members) = input.structure(member)? else { return Ok(None) };
                let (level, status) = (members.integer("level")?, members.string("status")?);
                // Source: the service model, `PerformanceTargetLevelInteger` and `PerformanceTargetStatus`.
                input.note(&format!("{member}.level"), level.and_then(|level| range(level, (1, 100))));
                let breach = status.as_deref().and_then(|status| enumeration(status, &["ENABLED", "DISABLED"]));
                input.note(&format!("{member}.status"), breach);
                Some(structure([("level", level.map(Value::from)), ("status", status.map(Value::from))]))
            }
        })
    }
}

/// A structure of the members that have a value.
fn structure<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
