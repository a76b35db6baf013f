//! Placeholders in requests: `${random:20}`, and those that stand for what a target has.

use std::borrow::Cow;

use crate::contract::{AbsentName, Resource};
use crate::text::did_you_mean;

/// The longest filler: 4 MiB, more than any request of the service needs.
const LONGEST_FILLER: usize = 4 << 20;

/// The length of the names of what a case makes.
pub const NAME_LENGTH: usize = 20;

/// Whether a text can be the name of a step, or the key of a name: small letters, digits and hyphens.
pub(crate) fn is_key(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(fits)
}

/// A placeholder, by what stands between `${` and `}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder<'a> {
    /// The name of a resource that the target has.
    Resource(&'a Resource),
    /// A name of such a resource that no target has, new in each run.
    Absent(&'a AbsentName),
    /// `steps.NAME/pointer`: a text in the answer to the step of this name, which comes earlier in the case.
    Answer(&'a str, &'a str),
    /// `name:KEY`: a name of 20 characters `[a-z0-9]` for something that the case makes. It is new in each run, and the
    /// same in all steps of the case.
    Name(&'a str),
    /// `random:N`: a name of N characters `[a-z0-9]`, new in each run, which no target has.
    Random(usize),
    /// `filler:N`: N times the letter x, for a request of a certain size.
    Filler(usize),
}

impl<'a> Placeholder<'a> {
    fn parse(name: &'a str, resources: &'a [Resource]) -> Option<Self> {
        let absent = || resources.iter().filter_map(|resource| resource.absent.as_ref());
        let resource = resources.iter().find(|resource| resource.placeholder == name).map(Self::Resource);
        let nobodys = || absent().find(|absent| absent.placeholder == name).map(Self::Absent);
        resource.or_else(nobodys).or_else(|| {
            if let Some(answer) = name.strip_prefix("steps.") {
                let (step, at) = answer.split_at(answer.find('/')?);
                return is_key(step).then_some(Self::Answer(step, at));
            }
            let (kind, rest) = name.split_once(':')?;
            if kind == "name" {
                return is_key(rest).then_some(Self::Name(rest));
            }
            let length = rest.parse().ok()?;
            match kind {
                "random" if (1..=1024).contains(&length) => Some(Self::Random(length)),
                "filler" if (1..=LONGEST_FILLER).contains(&length) => Some(Self::Filler(length)),
                _ => None,
            }
        })
    }

    /// A value of the right form, for checking fixtures without a target.
    pub fn sample(self) -> String {
        match self {
            Self::Resource(resource) => resource.sample.clone(),
            Self::Absent(absent) => absent.name(|length| "r".repeat(length)),
            Self::Answer(..) => "from-an-answer".to_owned(),
            Self::Name(_) => "r".repeat(NAME_LENGTH),
            Self::Random(length) => "r".repeat(length),
            Self::Filler(length) => "x".repeat(length),
        }
    }
}

/// A text in pieces: each is plain text and the name of the placeholder behind it; the last one has none.
pub fn pieces(text: &str) -> Vec<(&str, Option<&str>)> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, inside)) = rest.split_once("${") {
        let Some((name, behind)) = inside.split_once('}') else { break };
        pieces.push((before, Some(name)));
        rest = behind;
    }
    pieces.push((rest, None));
    pieces
}

/// Fills in the placeholders of a text that is part of a JSON text. A placeholder that begins with `escaped:`, such as
/// `${escaped:random:2}`, becomes a JSON escape for every character of its value.
///
/// # Errors
/// [`FillError`] for a placeholder that does not exist, or that has no value.
pub fn fill<'t, E>(
    text: &'t str,
    resources: &[Resource],
    mut value: impl FnMut(Placeholder<'_>) -> Result<String, E>,
) -> Result<Cow<'t, str>, FillError<E>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("${") {
        out.push_str(before);
        let (name, behind) = inside.split_once('}').ok_or_else(|| unknown(inside, resources))?;
        let unescaped_name = name.strip_prefix("escaped:");
        let placeholder =
            Placeholder::parse(unescaped_name.unwrap_or(name), resources).ok_or_else(|| unknown(name, resources))?;
        let value = value(placeholder).map_err(FillError::NoValue)?;
        if unescaped_name.is_some() {
            out.extend(value.encode_utf16().map(|unit| format!("\\u{unit:04x}")));
        } else {
            let quoted = serde_json::Value::from(value).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// A placeholder that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError<E> {
    /// There is no such placeholder; the message names those that exist.
    #[error("{0}")]
    Unknown(String),
    /// It has no value here.
    #[error("{0}")]
    NoValue(E),
}

fn unknown<E>(name: &str, resources: &[Resource]) -> FillError<E> {
    let resource_placeholders = resources.iter().map(|resource| resource.placeholder.as_str());
    let absent = resources.iter().filter_map(|resource| Some(resource.absent.as_ref()?.placeholder.as_str()));
    let all = resource_placeholders.chain(absent).chain(["steps.NAME/POINTER", "name:KEY", "random:N"]);
    let names: Vec<&str> = all.collect();
    let near = did_you_mean(name, names.iter().copied());
    let known_placeholders = names.iter().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(", ");
    FillError::Unknown(format!(
        "there is no placeholder ${{{name}}}{near}; there are {known_placeholders} and ${{filler:N}}, each also as \
         ${{escaped:…}}"
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Service;

    fn fill<E>(
        text: &str,
        value: impl FnMut(Placeholder<'_>) -> Result<String, E>,
    ) -> Result<Cow<'_, str>, FillError<E>> {
        super::fill(text, &Service::embedded().resources, value)
    }

    #[rstest]
    #[case("{}", "{}")]
    #[case("\"${workgroup}\"", "\"a-workgroup\"")]
    #[case("a ${random:3} b ${custom_domain}", "a rrr b db.example.com")]
    #[case("${filler:2}", "xx")]
    #[case("${absent_domain}", "rrrrrrrrrrrrrrrr.example.com")]
    #[case("${steps.first/nextToken}", "from-an-answer")]
    #[case("${name:group}", "rrrrrrrrrrrrrrrrrrrr")]
    #[case("${escaped:random:2}", r"\u0072\u0072")]
    fn placeholders_are_filled_in(#[case] text: &str, #[case] filled: &str) {
        let out = fill(text, |placeholder| Ok::<_, ()>(placeholder.sample()));
        assert_eq!(out.as_deref(), Ok(filled));
    }

    #[rstest]
    #[case("${wrokgroup}")]
    #[case("${workgroup")]
    #[case("${random:}")]
    #[case("${steps./a}")]
    #[case("${steps.first}")]
    #[case("${name:}")]
    #[case("${name:Group}")]
    #[case("${escaped:}")]
    #[case("${escaped:escaped:workgroup}")]
    #[case("${random:0}")]
    #[case("${filler:4194305}")]
    fn an_unknown_placeholder_is_an_error(#[case] text: &str) {
        assert!(matches!(fill(text, |p| Ok::<_, ()>(p.sample())), Err(FillError::Unknown(_))));
    }

    #[test]
    fn a_value_cannot_break_out_of_its_json_string() {
        assert_eq!(fill("\"${workgroup}\"", |_| Ok::<_, ()>("a\"b".to_owned())).as_deref(), Ok("\"a\\\"b\""));
    }
}
