//! Names that say that what stands behind them is a secret.

use super::SHORTEST;
use crate::wire::public_words::plain;

/// The least length of a secret behind this name, where it says that its value is one, all that is in it
/// included: passwords and users may have any.
pub(super) fn is_secret_name(name: &str) -> Option<usize> {
    const OF_PASSWORDS: [&str; 10] =
        ["passw", "passphrase", "pwd", "secret", "dbuser", "kennwort", "motdepasse", "contrase", "senha", "пароль"];
    const OF_OTHERS: [&str; 6] = ["token", "signature", "credential", "accesskey", "apikey", "privatekey"];
    // Longer texts are sentences.
    if name.len() > 100 {
        return None;
    }
    let plain = plain(name);
    let holds = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    if holds(&OF_PASSWORDS) || ["pass", "user", "username"].contains(&&*plain) {
        Some(1)
    } else {
        (holds(&OF_OTHERS) || plain == "authorization").then_some(SHORTEST)
    }
}

/// Whether a text is the name of a password or a user and nothing else, so that what stands beside it is its value.
pub(super) fn is_password_label(text: &str) -> bool {
    const LABELS: [&str; 9] =
        ["dbpassword", "dbuser", "password", "passwd", "pwd", "secret", "secretaccesskey", "sessiontoken", "user"];
    text.len() <= 20 && LABELS.contains(&plain(text).trim_end_matches(':'))
}

/// Whether a member says when something is to end.
pub(super) fn is_time_name(name: &str) -> bool {
    ["expiration", "nextrefreshtime", "expires", "expiresin", "expiresat"].contains(&&*plain(name))
}

/// Whether a text is a point in time: seconds or milliseconds since the epoch, or a date.
pub(super) fn is_time(text: &str) -> bool {
    let is_date = text.len() <= 40 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    is_date || text.parse::<f64>().is_ok_and(|number| number >= 1e9)
}

/// Names of members that hold the name of something else, and of those that hold its value.
pub(super) const LABELS: [&str; 5] = ["key", "name", "field", "k", "parametername"];
pub(super) const LABELLED: [&str; 8] =
    ["value", "val", "v", "content", "text", "data", "stringvalue", "parametervalue"];

/// Whether a text says that there is no value, or only whether there is one.
pub(super) fn is_no_value(text: &str) -> bool {
    ["true", "false", "null", "none", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(text.trim()))
}
