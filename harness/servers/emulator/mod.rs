//! The reference emulator: `GetCredentials` of Amazon Redshift Serverless as the documents describe it.
//!
//! It is written from the two documents of the operation and from what is publicly known of the wire,
//! and is **independent**: it may use [`crate::wire`] and [`crate::servers::host`], the socket, and
//! nothing else of ours, so that the suite and the emulator can only agree where both have understood the documents. Every documented constraint
//! is checked by code of its own, in `validation.rs`.
//!
//! Start reading at [`Service::answer`], the way of one request, a pure function but for the clock and
//! the random numbers. [`Emulator`] puts it behind a socket.
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | what an emulator is and who may call it |
//! | `service.rs` | the way of one request, from routing to credentials |
//! | `protocol.rs` | AWS JSON 1.1: what is a call of the operation, what its body says |
//! | `validation.rs`, `reserved_words.rs` | the documented constraints, one function each |
//! | `errors.rs` | every refusal: its name, its status, its body |
//! | `random.rs` | passwords, keys, request ids |
//! | `http.rs` | the service behind a socket, alone or behind a layer |
//!
//! # Where the documents leave a choice
//!
//! A protocol rule of Smithy goes before what another AWS service was seen to do; what a service of
//! the same protocol was seen to do goes before a guess.
//!
//! | question | answer here | because |
//! |---|---|---|
//! | order of checks | size, operation, signature, deserialisation, validation, lookup | Smithy: deserialisation precedes validation. The rest is undocumented: the cheapest first, and nothing of the body is looked at for a stranger |
//! | status of refused signatures | 400 | seen on services of this protocol (Cognito, `DynamoDB`), and in the service's own Common Errors page for `IncompleteSignature` |
//! | unknown operation, right media type | 400 `UnknownOperationException` | seen on Athena and `CloudWatch` Logs; newer Common Errors pages say 404 |
//! | another method, path or media type | 404 `UnknownOperationException` | Smithy: not a request of this protocol; Athena answers 404, in XML, here it is JSON for the reader's sake |
//! | empty body | `{}` | Smithy: a server must accept an empty body where no parameters are given |
//! | `1.5` seconds | `SerializationException` | Smithy's malformed-request tests refuse to truncate; Athena truncates |
//! | `900.0`, `9e2` seconds | 900 | a JSON number has a value, not a spelling, and nothing is truncated |
//! | integer beyond 32 bits | `SerializationException` | Smithy's malformed-request tests |
//! | `_ + . @` in `dbName` | accepted | two documented bullets contradict each other; the one that lists them is the more specific |
//! | letters of `dbName` | ASCII | the documents say "uppercase or lowercase letters" |
//! | reserved words | any letter case; the 156 words of the current list | SQL keywords have no case |
//! | custom domain | compared without letter case | it is a DNS name (RFC 4343) |
//! | both names | accepted if they mean the same workgroup, else `ValidationException` | no rule is documented, and the ODBC driver sends both |
//! | unknown custom domain | `ResourceNotFoundException` | the only listed error whose text fits |
//! | session token | must be exactly the one of the emulator's credentials, and absent if they have none; else `UnrecognizedClientException` | the message of that error names the token |
//! | `nextRefreshTime` | two hours after the call | the one public record of a real answer |
//! | each call | a new password | undocumented; it shows clients that cache what they should not |
//! | error in the answer | `__type` with the bare shape name, `message` in lower case, no `x-amzn-errortype` | Smithy: what new servers should do in 1.1; no such header was seen on Athena |

mod errors;
mod http;
mod options;
mod protocol;
mod random;
mod reserved_words;
mod service;
mod validation;

pub use http::Emulator;
pub use options::{Clock, InvalidOptions, Options};
pub use service::{MAX_REQUEST_BYTES, Service};
