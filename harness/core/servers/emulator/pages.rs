//! The pages of lists: how a page is cut out of a list, and the tokens that say where a page begins.
//!
//! A token says which list it is of and which item its page begins with, and carries a code that only this emulator can
//! make. So nothing is remembered for it. It stays good if that item is deleted: the page begins with the next one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::errors::ServiceError;
use super::input::Input;
use super::random;
use super::validation::{BrokenConstraint, range};

/// Values of `maxResults`. Source: the service model; it is the same for every list that is served.
const MAX_RESULTS: (i32, i32) = (1, 100);

/// The most items on a page if the caller does not say. The documents give no default; 100 is that of
/// `ListUsageLimits`, the only list of the service that documents one.
const DEFAULT_MAX_RESULTS: usize = 100;

/// The length of the code in a token, in bytes.
const CODE: usize = 32;

/// Makes and reads the tokens of an emulator.
#[derive(Debug)]
pub(super) struct Pages {
    key: Key,
}

/// It is never printed.
struct Key([u8; CODE]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A list of which there are pages.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    /// Which list it is: the operation, whose it is, and its filters.
    pub(super) of: &'a [&'a str],
    /// The member of an answer that has its items.
    pub(super) member: &'a str,
}

/// The page that a caller asks for.
pub(super) struct Asked {
    most: usize,
    token: Option<String>,
}

impl Asked {
    /// Reads `maxResults` and `nextToken`. Lengths of a token are modelled for some lists only.
    pub(super) fn read(
        input: &mut Input<'_>,
        broken_by_token: impl FnOnce(&str) -> Option<BrokenConstraint>,
    ) -> Result<Self, ServiceError> {
        let most = input.integer("maxResults", |most| range(most, MAX_RESULTS))?;
        let token = input.text("nextToken", |token| [broken_by_token(token)])?;
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_MAX_RESULTS);
        Ok(Self { most, token })
    }
}

impl Pages {
    pub(super) fn new() -> Self {
        Self { key: Key(random::bytes()) }
    }

    fn code(&self, list: &[&str], start: &str) -> Hmac<Sha256> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.key.0).expect("a key may have any length");
        for part in list.iter().chain([&start]) {
            code.update(&part.len().to_be_bytes());
            code.update(part.as_bytes());
        }
        code
    }

    fn token(&self, list: &[&str], start: &str) -> String {
        let mut bytes = self.code(list, start).finalize().into_bytes().to_vec();
        bytes.extend_from_slice(start.as_bytes());
        BASE64.encode(bytes)
    }

    /// The name with which a page begins; `None` if the token was not given out for this list.
    fn start(&self, list: &[&str], token: &str) -> Option<String> {
        let bytes = BASE64.decode(token).ok()?;
        let (code, start) = bytes.split_at_checked(CODE)?;
        let start = std::str::from_utf8(start).ok()?;
        self.code(list, start).verify_slice(code).ok()?;
        Some(start.to_owned())
    }

    /// The page that is asked for of a list: its items, and the token of the next page, if there is one.
    ///
    /// `names` are the names of all items, in their order; `show` makes an item.
    pub(super) fn page<'n>(
        &self,
        List { of: list, member }: List<'_>,
        asked: &Asked,
        names: impl Iterator<Item = &'n str>,
        show: impl Fn(&str) -> Result<Value, ServiceError>,
    ) -> Result<Value, PageError> {
        let start = match &asked.token {
            Some(token) => self.start(list, token).ok_or(PageError::Token)?,
            None => String::new(),
        };
        let mut names = names.skip_while(|name| *name < start.as_str());
        let items =
            names.by_ref().take(asked.most).map(show).collect::<Result<Vec<_>, _>>().map_err(PageError::Item)?;
        let mut output = json!({ member: items });
        if let Some(next) = names.next() {
            output["nextToken"] = self.token(list, next).into();
        }
        Ok(output)
    }
}

/// Why there is no page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageError {
    /// The token was not given out for this list.
    Token,
    Item(ServiceError),
}

impl PageError {
    /// The refusal; the operation knows which one is listed for a wrong token.
    pub(super) fn refusal(self, of_token: impl FnOnce(String) -> ServiceError) -> ServiceError {
        match self {
            Self::Token => of_token("The nextToken was not given out for this list.".to_owned()),
            Self::Item(refusal) => refusal,
        }
    }
}
