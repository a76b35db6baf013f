//! The input of an operation: its members are read one after the other, and the constraints that they break are noted.
//!
//! A value of the wrong type is refused at once, so that it takes precedence over every broken constraint, of whatever
//! member. [`Input::check`] refuses the rest.

use super::errors::ServiceError;
use super::protocol::Members;
use super::state::Tags;
use super::state::{broken_by_tag_key, broken_by_tag_value, length_of_tags};
use super::validation::{Breaches, BrokenConstraint};
use crate::wire::Secret;

pub(super) struct Input<'a> {
    members: &'a Members<'a>,
    breaches: Breaches,
}

impl<'a> Input<'a> {
    pub(super) fn of(members: &'a Members<'a>) -> Self {
        Self { members, breaches: Breaches::default() }
    }

    /// Notes a constraint that the value of a member breaks.
    pub(super) fn note(&mut self, member: &str, breach: Option<BrokenConstraint>) {
        self.breaches.at(member, [breach]);
    }

    /// A text.
    pub(super) fn text<B: IntoIterator<Item = Option<BrokenConstraint>>>(
        &mut self,
        member: &str,
        constraints: impl FnOnce(&str) -> B,
    ) -> Result<Option<String>, ServiceError> {
        let text = self.members.string(member)?;
        if let Some(text) = &text {
            self.breaches.at(member, constraints(text));
        }
        Ok(text)
    }

    /// A text that must be there.
    pub(super) fn required<B: IntoIterator<Item = Option<BrokenConstraint>>>(
        &mut self,
        member: &str,
        constraints: impl FnOnce(&str) -> B,
    ) -> Result<String, ServiceError> {
        let text = self.text(member, constraints)?;
        if text.is_none() {
            self.breaches.absent(member);
        }
        Ok(text.unwrap_or_default())
    }

    /// A text that is never printed.
    pub(super) fn secret(&self, member: &str) -> Result<Option<Secret>, ServiceError> {
        Ok(self.members.string(member)?.map(Secret::from))
    }

    pub(super) fn integer(
        &mut self,
        member: &str,
        constraint: impl FnOnce(i32) -> Option<BrokenConstraint>,
    ) -> Result<Option<i32>, ServiceError> {
        let integer = self.members.integer(member)?;
        self.breaches.at(member, integer.map(constraint));
        Ok(integer)
    }

    pub(super) fn boolean(&self, member: &str) -> Result<Option<bool>, ServiceError> {
        self.members.boolean(member)
    }

    pub(super) fn texts(&self, member: &str) -> Result<Option<Vec<String>>, ServiceError> {
        self.members.strings(member)
    }

    pub(super) fn structure(&self, member: &str) -> Result<Option<Members<'a>>, ServiceError> {
        self.members.structure(member)
    }

    pub(super) fn structures(&self, member: &str) -> Result<Option<Vec<Members<'a>>>, ServiceError> {
        self.members.structures(member)
    }

    /// A list of tags. Source of the names of their members in a breach: seen on services of this protocol.
    pub(super) fn tags(&mut self, member: &str) -> Result<Option<Tags>, ServiceError> {
        let Some(structures) = self.members.structures(member)? else { return Ok(None) };
        self.note(member, length_of_tags(structures.len()));
        let mut pairs = Vec::new();
        for (index, tag) in structures.iter().enumerate() {
            let mut input = Input::of(tag);
            let mut part = |part: &str, breach: fn(&str) -> Option<BrokenConstraint>| {
                let text = input.members.string(part)?;
                let at = format!("{member}.{}.member.{part}", index + 1);
                match &text {
                    Some(text) => input.note(&at, breach(text)),
                    None => input.breaches.absent(&at),
                }
                Ok::<_, ServiceError>(text.unwrap_or_default())
            };
            pairs.push((part("key", broken_by_tag_key)?, part("value", broken_by_tag_value)?));
            self.breaches.append(input.breaches);
        }
        Ok(Some(Tags::new(pairs)))
    }

    /// A list of keys of tags. Source of the wording for items of a list: seen on services of this protocol.
    pub(super) fn tag_keys(&mut self, member: &str) -> Result<Option<Vec<String>>, ServiceError> {
        let keys = self.members.strings(member)?;
        if let Some(keys) = &keys {
            self.note(member, length_of_tags(keys.len()));
            let breach = keys.iter().find_map(|key| broken_by_tag_key(key));
            self.note(member, breach.map(|breach| format!("satisfy constraint: [Member must {breach}]")));
        }
        Ok(keys)
    }

    /// Notes that a member that must be there is absent.
    pub(super) fn absent(&mut self, member: &str) {
        self.breaches.absent(member);
    }

    /// Refuses an input that breaks constraints, and names all of them.
    pub(super) fn check(self) -> Result<(), ServiceError> {
        self.breaches.refuse()
    }
}
