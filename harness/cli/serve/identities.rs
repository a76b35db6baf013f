//! The file of `serve emulator --identities`.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::Failure;
use crate::contract::parse;
use crate::files::read_text;
use crate::servers::emulator::{Identities, IdentitiesFile};
use crate::text::file_name;

/// The largest file of identities or of a policy, in bytes: a thousand principals have room in it.
const SIZE_LIMIT: usize = 4 << 20;

pub(super) fn identities(path: &Path) -> Result<Identities, Failure> {
    let cannot = |fault: String| Failure::usage(format!("cannot use the identities: {fault}"));
    let file = read::<IdentitiesFile>(path).map_err(cannot)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Identities::new(file, |name| std::env::var(name).ok(), |name| read(&folder.join(name)))
        .map_err(|error| cannot(format!("{} {error}", file_name(path))))
}

/// Reads a file of strict JSON.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let name = file_name(path);
    let text = read_text(path).map_err(|error| format!("{name}: {error}"))?;
    if text.len() > SIZE_LIMIT {
        return Err(format!("{name}: expected at most {SIZE_LIMIT} bytes, found {}", text.len()));
    }
    parse(&name, &text).map_err(|error| error.to_string())
}
