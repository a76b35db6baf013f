//! Random values: passwords, keys, ids, tokens.

use rand::{Rng, RngExt};

use crate::wire::{Credentials, Secret};

/// The alphabet of Base64, which includes `/` and `+`: a client that puts the password into a URL
/// must escape it.
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The alphabet of Base32, the one of AWS access key ids.
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const HEX: &[u8] = b"0123456789abcdef";

fn text(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

/// A database password of 72 characters that looks like Base64 with its padding.
///
/// The documents give neither length nor alphabet. The samples of the sibling operation
/// `GetClusterCredentials` have about this length and end in `==`.
pub(super) fn password() -> Secret {
    Secret::from(text(BASE64, 70) + "==")
}

/// Long-term AWS credentials: an access key id of the form `AKIA` and 16 characters, and a secret of 40.
pub(super) fn credentials() -> Credentials {
    Credentials::new(format!("AKIA{}", text(BASE32, 16)), text(BASE64, 40))
}

/// Random bytes, for a salt or a key.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A nonce of SCRAM: 144 random bits.
#[cfg(feature = "login")]
pub(super) fn nonce() -> String {
    text(BASE64, 24)
}

/// The end of the name of a secret of AWS Secrets Manager: six letters and digits. Source: its API reference, "six
/// random characters".
pub(super) fn secret_suffix() -> String {
    text(&BASE64[..62], 6)
}

/// The id of a resource of the network, such as `sg-0123456789abcdef0`.
pub(super) fn resource_id(kind: &str) -> String {
    format!("{kind}-{}", text(HEX, 17))
}

/// A UUID, version 4 (RFC 9562): the form of request ids and of the ids of workgroups.
pub(super) fn uuid() -> String {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    uuid_of(bytes, 4)
}

/// The UUID of a version that is made of these bytes.
pub(super) fn uuid_of(mut bytes: [u8; 16], version: u8) -> String {
    let version = bytes[6] & 0x0f | version << 4;
    let variant = bytes[8] & 0x3f | 0x80;
    (bytes[6], bytes[8]) = (version, variant);
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Whether a text has the form of a UUID, in lower case.
pub(super) fn is_uuid(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| HEX.contains(&byte));
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        let id = uuid();
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
        assert!(id.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)), "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }

    #[test]
    fn an_access_key_id_is_akia_and_sixteen_characters() {
        let id = credentials().access_key_id;
        assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
    }
}
