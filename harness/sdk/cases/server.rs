//! What stands at the endpoint of a case, and the placeholders for it in the settings of a case.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// The placeholder for the address of the case's server, without a path: `http://127.0.0.1:PORT`.
pub const ENDPOINT: &str = "${endpoint}";

/// The placeholder for the address of a second server, which plays the same script. An SDK that calls it chose the
/// wrong one of two settings.
pub const DECOY: &str = "${decoy}";

/// The placeholder for the address of a forward proxy, which plays the same script. Through a tunnel (`CONNECT`) it
/// leads to the case's server.
pub const PROXY: &str = "${proxy}";

/// The placeholder for the file that holds the certificate of the authority, as PEM.
pub const CA: &str = "${ca}";

/// What stands at the endpoint of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointKind {
    /// The scripted server.
    #[default]
    Http,
    /// The scripted server over TLS. Its certificate is for 127.0.0.1, and of the authority in `${ca}`.
    Https,
    /// The same with a certificate of another authority.
    HttpsOtherAuthority,
    /// The same with a certificate for another host.
    HttpsOtherName,
    /// The same with a certificate that has expired.
    HttpsExpired,
    /// Nobody: the connection is refused.
    Closed,
    /// Nobody: the name of the host has no address.
    Unresolvable,
}

impl EndpointKind {
    /// Whether the endpoint is asked over TLS.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::HttpsOtherAuthority | Self::HttpsOtherName | Self::HttpsExpired)
    }
}

/// What the placeholders of a case stand for.
#[derive(Clone, Debug)]
pub struct Places {
    /// What stands at the endpoint.
    pub kind: EndpointKind,
    /// The port of the endpoint.
    pub endpoint: u16,
    /// The port of the second server.
    pub decoy: Option<u16>,
    /// The port of the proxy.
    pub proxy: Option<u16>,
}

impl Places {
    /// A text with the placeholders for addresses filled in.
    pub fn fill(&self, text: &str) -> String {
        let places = [(DECOY, self.decoy), (PROXY, self.proxy)];
        let text = text.replace(ENDPOINT, &self.to_string());
        let found = places.into_iter().filter_map(|(placeholder, port)| Some((placeholder, port?)));
        found.fold(text, |text, (placeholder, port)| text.replace(placeholder, &format!("http://127.0.0.1:{port}")))
    }
}

/// The address of the endpoint, without a path.
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.endpoint;
        match self.kind {
            // No name below `invalid` has an address (RFC 6761, section 6.4).
            EndpointKind::Unresolvable => write!(f, "http://nobody.invalid:{port}"),
            kind if kind.is_tls() => write!(f, "https://127.0.0.1:{port}"),
            _ => write!(f, "http://127.0.0.1:{port}"),
        }
    }
}
