//! Names that say that their value is a secret.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::{LazyLock, OnceLock};

use super::SHORTEST;
use crate::contract::ContractNames;
use crate::wire::masking::public_words::{public_names, squeezed, words_of_name};

/// Names of the contract, in lower case and without the characters that join their words.
struct ContractWords {
    /// Members whose values are secrets.
    sensitive: HashSet<String>,
    /// Members that are points in time.
    times: HashSet<String>,
    /// Members that lead to the next page of a list.
    page_tokens: HashSet<String>,
    /// Resources that a target must have; a password may belong to one.
    resources: HashSet<String>,
}

static OF_CONTRACT: LazyLock<ContractWords> = LazyLock::new(|| {
    let names = ContractNames::embedded();
    let squeezed_all = |names: &BTreeSet<String>| names.iter().map(|name| squeezed(name)).collect();
    ContractWords {
        sensitive: squeezed_all(&names.sensitive),
        times: squeezed_all(&names.times),
        page_tokens: squeezed_all(&names.page_tokens),
        resources: squeezed_all(&names.resources),
    }
});

const OF_PASSWORDS: &str =
    "passw passphrase passcode pwd secret kennwort motdepasse contrase senha wachtwoord hasło lösenord пароль 密码";

/// Whether a name, as `squeezed` returns it, has a word for a password in it.
pub(in crate::wire::masking) fn names_password(squeezed: &str) -> bool {
    OF_PASSWORDS.split(' ').any(|part| squeezed.contains(part))
}

/// Whether the value behind this name grants access: a password or a token. The name of a user and the token of a page
/// do not.
pub fn is_password_name(name: &str) -> bool {
    let squeezed = squeezed(name);
    let is_page_token = OF_CONTRACT.page_tokens.contains(&squeezed);
    names_password(&squeezed) || (squeezed.contains("token") && !is_page_token)
}

/// The result of `tell_secret_name` for each public name, computed when it is first asked for.
static KNOWN: LazyLock<HashMap<&str, OnceLock<Option<usize>>>> =
    LazyLock::new(|| public_names().map(|name| (name, OnceLock::new())).collect());

/// The least length of a secret behind this name; `None` if the name does not say that its value is secret. Everything
/// inside such a value is secret too. Passwords and users may have any length.
pub(in crate::wire::masking) fn is_secret_name(name: &str) -> Option<usize> {
    let told = || tell_secret_name(name);
    KNOWN.get(name).map_or_else(told, |known| *known.get_or_init(told))
}

fn tell_secret_name(name: &str) -> Option<usize> {
    const OF_OTHERS: [&str; 8] =
        ["token", "signature", "credential", "accesskey", "apikey", "privatekey", "sessionkey", "signingkey"];
    // Longer texts are sentences.
    if name.len() > 100 {
        return None;
    }
    let name = narrow(name);
    let squeezed = squeezed(&name);
    let squeezed = if squeezed.is_ascii() { squeezed } else { squeezed.to_lowercase() };
    let holds = |parts: &[&str]| parts.iter().any(|part| squeezed.contains(part));
    let contract = &*OF_CONTRACT;
    if contract.page_tokens.contains(&squeezed) {
        return None;
    }
    let is_sensitive = contract.sensitive.iter().any(|member| squeezed.contains(member.as_str()));
    if is_sensitive || names_password(&squeezed) || ["user", "username", "パスワード"].contains(&&*squeezed) {
        return Some(1);
    }
    let last = words_of_name(&name).last().unwrap_or_default().to_ascii_lowercase();
    if ["pass", "pw", "pin", "clave"].contains(&&*last) || is_owners_password(&squeezed) {
        return Some(1);
    }
    let is_other = ["otp", "jwt", "bearer", "creds", "auth"].contains(&&*last);
    (is_other || holds(&OF_OTHERS) || squeezed == "authorization").then_some(SHORTEST)
}

/// A name with the full-width letters of East Asian texts replaced by ordinary ones.
fn narrow(name: &str) -> Cow<'_, str> {
    const WIDE: RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
    const DISTANCE: u32 = 0xfee0;
    if !name.contains(|c| WIDE.contains(&c)) {
        return Cow::Borrowed(name);
    }
    let narrow = |c: char| if WIDE.contains(&c) { char::from_u32(u32::from(c) - DISTANCE).unwrap_or(c) } else { c };
    Cow::Owned(name.chars().map(narrow).collect())
}

/// Whether a name says whose password it is, all in one word: `dbpass`. Other words end like this too: `bypass`.
fn is_owners_password(squeezed: &str) -> bool {
    const OWNERS: [&str; 7] = ["db", "user", "admin", "root", "master", "my", "temp"];
    let is_owner = |name: &str| OWNERS.contains(&name) || OF_CONTRACT.resources.contains(name);
    ["pass", "pw", "pin"].iter().filter_map(|end| squeezed.strip_suffix(end)).any(is_owner)
}

/// Whether a text is only the name of a password or a user, so that the text beside it is the value.
pub(super) fn is_password_label(text: &str) -> bool {
    const LABELS: [&str; 7] = ["password", "passwd", "pwd", "secret", "secretaccesskey", "sessiontoken", "user"];
    let text = squeezed(text);
    let text = text.trim_end_matches(':');
    text.len() <= 20 && (LABELS.contains(&text) || OF_CONTRACT.sensitive.contains(text))
}

pub(super) fn is_time_name(name: &str) -> bool {
    let squeezed = squeezed(name);
    ["expires", "expiresin", "expiresat"].contains(&&*squeezed) || OF_CONTRACT.times.contains(&squeezed)
}

/// Whether a text is a point in time: seconds or milliseconds since the epoch, or a date.
pub(super) fn is_time(text: &str) -> bool {
    let is_date = text.len() <= 40 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    is_date || text.parse::<f64>().is_ok_and(|number| number >= 1e9)
}

/// Names of members that hold the name of a value, and of those that hold the value.
pub(super) const LABELS: [&str; 7] = ["key", "name", "field", "k", "id", "parameter", "parametername"];
const LABELLED: [&str; 6] = ["val", "v", "content", "text", "data", "default"];

/// Whether a member of this name, as `squeezed` returns it, holds the value that another member names.
pub(super) fn is_labelled(squeezed: &str) -> bool {
    squeezed.ends_with("value") || LABELLED.contains(&squeezed)
}

/// Whether a text is not a value: it says whether there is one, or that the value is on the next lines.
pub(super) fn is_no_value(text: &str) -> bool {
    let text = text.trim();
    ["true", "false", "null", "none", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(text))
        || is_start_of_block(text)
}

/// Whether a text says in YAML that the value is on the next lines.
pub(super) fn is_start_of_block(text: &str) -> bool {
    let marks = text.strip_prefix(['|', '>']);
    marks.is_some_and(|marks| marks.len() <= 2 && marks.bytes().all(|mark| b"+-123456789".contains(&mark)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_password(
        Some(1),
        "dbPassword userPass user_pass dbpass dbPass DB_PASS pw db_pw PASS passcode pin userPin clave \
         wachtwoord hasło HASŁO lösenord Пароль 密码 パスワード"
    )]
    #[case::in_wide_letters(Some(1), "\u{ff50}\u{ff57} \u{ff24}\u{ff22}\u{ff30}\u{ff41}\u{ff53}\u{ff53}")]
    #[case::another_secret(
        Some(SHORTEST),
        "sessionKey session-key access_key apiKey privateKey signingKey otp loginOtp jwt idJwt bearer creds \
         dbCreds auth x-auth authToken"
    )]
    #[case::nothing_of_secrets(
        None,
        "bypass key status hash compass author monkey passed pinned passCount spin opinion keyId bearerFormat \
         authType enclave primaryKey shipping"
    )]
    #[case::no_name(None, "")]
    fn a_name_says_what_its_value_is(#[case] expected: Option<usize>, #[case] names: &str) {
        for name in names.split(' ') {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }
}
