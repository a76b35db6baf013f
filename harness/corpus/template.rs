//! Placeholders in requests: `${workgroup}` and the like.

use std::borrow::Cow;

/// The longest filler: 4 MiB, more than any request of the service needs.
const LONGEST_FILLER: usize = 4 << 20;

/// A placeholder, by what stands between `${` and `}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// `workgroup`: the target's workgroup.
    Workgroup,
    /// `custom_domain`: a custom domain name of that workgroup.
    CustomDomain,
    /// `database`: a database of that workgroup.
    Database,
    /// `random:N`: a name of N characters `[a-z0-9]` that no workgroup has, new in each run.
    Random(usize),
    /// `filler:N`: N times the letter x, for a request of a certain size.
    Filler(usize),
    /// `absent_domain`: a domain name that no workgroup has, new in each run.
    AbsentDomain,
}

impl Placeholder {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "workgroup" => Some(Self::Workgroup),
            "custom_domain" => Some(Self::CustomDomain),
            "database" => Some(Self::Database),
            "absent_domain" => Some(Self::AbsentDomain),
            _ => {
                let (kind, length) = name.split_once(':')?;
                let length = length.parse().ok()?;
                match kind {
                    "random" if (1..=1024).contains(&length) => Some(Self::Random(length)),
                    "filler" if (1..=LONGEST_FILLER).contains(&length) => Some(Self::Filler(length)),
                    _ => None,
                }
            }
        }
    }

    /// A value of the right form, for checking fixtures without a target.
    pub fn sample(self) -> String {
        match self {
            Self::Workgroup => "a-workgroup".to_owned(),
            Self::CustomDomain => "db.example.com".to_owned(),
            Self::Database => "dev".to_owned(),
            Self::AbsentDomain => "absent.example.com".to_owned(),
            Self::Random(length) => "r".repeat(length),
            Self::Filler(length) => filler(length),
        }
    }
}

/// So many times the letter x.
pub fn filler(length: usize) -> String {
    "x".repeat(length)
}

/// A text with its placeholders filled in, as part of a JSON text; one that begins with `escaped:`, such as
/// `${escaped:workgroup}`, has every character as a JSON escape. The error is what `value` says, or the name of an
/// unknown placeholder.
///
/// # Errors
/// [`FillError`] for a placeholder that does not exist, or that has no value.
pub fn fill<E>(
    text: &str,
    mut value: impl FnMut(Placeholder) -> Result<String, E>,
) -> Result<Cow<'_, str>, FillError<E>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let end = inside.find('}').ok_or_else(|| FillError::Unknown(inside.to_owned()))?;
        let name = &inside[..end];
        let plain = name.strip_prefix("escaped:");
        let placeholder =
            Placeholder::parse(plain.unwrap_or(name)).ok_or_else(|| FillError::Unknown(name.to_owned()))?;
        let value = value(placeholder).map_err(FillError::NoValue)?;
        if plain.is_some() {
            out.extend(value.encode_utf16().map(|unit| format!("\\u{unit:04x}")));
        } else {
            let quoted = serde_json::Value::from(value).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// A placeholder that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError<E> {
    /// There is no such placeholder.
    #[error(
        "there is no placeholder ${{{0}}}; there are ${{workgroup}}, ${{custom_domain}}, ${{database}}, ${{absent_domain}}, ${{random:N}} and ${{filler:N}}, each also as ${{escaped:…}}"
    )]
    Unknown(String),
    /// It has no value here.
    #[error("{0}")]
    NoValue(E),
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{}", "{}")]
    #[case("\"${workgroup}\"", "\"a-workgroup\"")]
    #[case("a ${random:3} b ${custom_domain}", "a rrr b db.example.com")]
    #[case("${filler:2}", "xx")]
    #[case("${escaped:random:2}", r"\u0072\u0072")]
    fn placeholders_are_filled_in(#[case] text: &str, #[case] filled: &str) {
        let out = fill(text, |placeholder| Ok::<_, ()>(placeholder.sample()));
        assert_eq!(out.as_deref(), Ok(filled));
    }

    #[rstest]
    #[case("${wrokgroup}")]
    #[case("${workgroup")]
    #[case("${random:}")]
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
