//! The wire: requests and answers, how a request is signed, and how it is sent.
//!
//! Uses only `text` and the names in `contract`. Start with [`Exchange`]: one request and its answer, unchanged. Types
//! that can hold a secret mask it when they are printed; `masking` decides what may be shown.

#[cfg(feature = "run")]
mod client;
mod credentials;
pub mod database;
#[cfg(feature = "run")]
mod diagnosis;
mod error_type;
mod json_weight;
mod masking;
mod message;
mod region;
#[cfg(feature = "run")]
mod route;
#[cfg(feature = "sigv4")]
pub mod sigv4;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "run")]
pub use client::{ANSWER_LIMIT, Client, ClientError, ClientOptions};
pub use credentials::Credentials;
pub use database::{DatabaseExchange, DatabaseOutcome, DatabaseUrl, InvalidDatabaseUrl, TlsMode};
pub use error_type::{
    ErrorNames, NOT_IMPLEMENTED, NamePlace, REFUSED_CREDENTIALS, UNKNOWN_OPERATION, UNKNOWN_SERVICE, bare_type,
    error_type, error_types,
};
pub use masking::{
    Masker, Secret, SeenSecrets, body_sent, fields_received, fields_sent, is_password_name, is_public_name, line_sent,
    quote,
};
#[cfg(feature = "run")]
pub(crate) use masking::{mask_identities, may_hold_secret};
pub use message::{Exchange, Headers, Request, Response, Transcript, TransportFault};
pub use region::{InvalidRegion, Region};
#[cfg(feature = "run")]
pub use route::{address, addresses, is_localhost, is_loopback, is_own, leads_to_metadata};
