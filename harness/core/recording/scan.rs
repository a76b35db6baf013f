//! Looks for secrets in a recording before it is written.
//!
//! It reads the finished recording, and knows nothing of how that was masked.

use std::collections::BTreeMap;

use super::format::{RecordedAnswer, RecordedBody, Shape, TextForm, TextShape};
use crate::wire::{Masker, is_public_name, mask_identities};

/// The place of the first text in which a known secret, an account id, an ARN or a user survives, plain or encoded.
pub(super) fn survivor(answers: &[RecordedAnswer], masker: &Masker) -> Option<String> {
    let mut found = None;
    let mut look = |place: &str, text: &str| {
        if found.is_none() && survives(text, masker) {
            found = Some(place.to_owned());
        }
    };
    for (index, answer) in answers.iter().enumerate() {
        let at = format!("/answers/{index}");
        if let Some(error) = &answer.error {
            look(&format!("{at}/error"), error);
        }
        for (name, value) in &answer.headers {
            let at = format!("{at}/headers");
            look(&at, name);
            look(&at, value.as_deref().unwrap_or_default());
        }
        match &answer.body {
            RecordedBody::Json(shape) => shapes(shape, &format!("{at}/body"), &mut look),
            RecordedBody::Text(text) => look(&format!("{at}/body"), text),
            RecordedBody::Empty | RecordedBody::Bytes(_) | RecordedBody::Unread => {}
        }
    }
    found
}

fn survives(text: &str, masker: &Masker) -> bool {
    !text.is_empty() && !is_public_name(text) && (masker.mask_escaped(text) != text || mask_identities(text) != text)
}

/// Shows every text of a shape that comes from the target.
fn shapes(shape: &Shape, at: &str, look: &mut impl FnMut(&str, &str)) {
    match shape {
        Shape::Null | Shape::Boolean(_) => {}
        Shape::Number(number) => look(at, &number.value.as_ref().map(ToString::to_string).unwrap_or_default()),
        Shape::Text(TextShape { value, form, .. }) => {
            let form = match form {
                Some(TextForm::Arn(text) | TextForm::Name(text) | TextForm::Time(text)) => Some(text),
                Some(TextForm::Blank) | None => None,
            };
            value.iter().chain(form).for_each(|text| look(at, text));
        }
        Shape::List(items) => items.iter().for_each(|item| shapes(item, at, look)),
        Shape::Object(members) => each_member(members, at, look),
    }
}

fn each_member(members: &BTreeMap<String, Shape>, at: &str, look: &mut impl FnMut(&str, &str)) {
    for (name, member) in members {
        look(at, name);
        // The name of a place must not repeat what is at fault there.
        let place = if is_public_name(name) { format!("{at}/{name}") } else { format!("{at}/*") };
        shapes(member, &place, look);
    }
}
