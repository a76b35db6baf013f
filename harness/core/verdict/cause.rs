//! Why a target cannot be judged, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a target cannot be judged, as far as its answer to the probe tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Cause {
    /// It redirects the call.
    Redirected {
        /// Where to, quoted, if it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// It redirects the call to real AWS, or to a host that looks like one of AWS.
    RedirectedToAws {
        /// Where to, quoted.
        to: String,
    },
    /// It asks for TLS, and the call came without.
    WantsTls,
    /// It refuses a request that was sent without a signature.
    NotSigned,
    /// The request was signed, and it says that no signature arrived.
    SignatureLost,
    /// It cannot read the signature.
    SignatureUnreadable,
    /// The signature is not the one that it computes.
    WrongSignature,
    /// It does not accept the region, the service or the day in the signature.
    WrongScope,
    /// Its clock, by its own `Date`, and this machine's are further apart than a signature is good for.
    ClockOff {
        /// By how many seconds its clock is ahead; negative if it is behind.
        seconds: i64,
    },
    /// It says that the signature is of another time. Its `Date` does not show why.
    SignatureOutOfDate,
    /// It does not know the access key, or the session token.
    UnknownKey,
    /// The session token has expired.
    TokenExpired,
    /// It knows who asks, who is not allowed to call the operation.
    Denied,
    /// The account of the keys has not opted in.
    NotOptedIn,
    /// It refuses the call and does not say why. A gateway without a route for it does the same.
    Unexplained,
}
