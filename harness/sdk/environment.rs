//! What a driver is started with: an environment of its own, with nothing of the caller's but the path.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The access key id of every call: the one of AWS's documentation.
pub(super) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";

/// The secret access key of every call: the one of AWS's documentation.
pub(super) const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The environment of a driver: `home` is an empty folder, `extra` what the case asks for.
///
/// No `AWS_*` variable, proxy or profile of the caller gets through, and no SDK looks for an instance's credentials.
pub(super) fn of_driver(home: &Path, extra: &BTreeMap<String, String>) -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
    // What programs need to start at all, on any system.
    for name in ["PATH", "SYSTEMROOT", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            variables.insert(name.into(), value);
        }
    }
    let fixed = [
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // Node's SDK says each year that old versions of Node are no longer welcome.
        ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true"),
    ];
    variables.extend(fixed.map(|(name, value)| (name.into(), value.into())));
    for (name, file) in
        [("HOME", ""), ("TMPDIR", ""), ("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")]
    {
        let path = if file.is_empty() { home.to_path_buf() } else { home.join(".aws").join(file) };
        variables.insert(name.into(), path.into());
    }
    variables.extend(extra.iter().map(|(name, value)| (name.into(), value.into())));
    variables
}
