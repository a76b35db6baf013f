//! The reference emulator: `GetCredentials`, `GetWorkgroup` and `ListWorkgroups` of Amazon Redshift
//! Serverless as the documents describe them.
//!
//! It is written from the API reference, the service model and what is publicly known of the wire, and is
//! **independent**: it may use [`crate::wire`] and [`crate::servers::host`], the socket, and nothing else of ours, so
//! that the suite and the emulator agree only where both have understood the documents. Every documented constraint is
//! checked by code of its own, and the facts of the service, such as its media type and its signing name, are written
//! down here once more.
//!
//! Start reading at [`EmulatedService::answer`], which answers one request: a pure function but for the clock and the
//! random numbers. [`Emulator`] puts it behind a socket.
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | what an emulator is and who may call it |
//! | `service.rs` | the answer to one request: which operation it calls, who signed it, what is returned |
//! | `protocol.rs` | AWS JSON 1.1: which operation a request calls, what its body says |
//! | `operations/` | the operations, one file each, and the table of them |
//! | `validation.rs` | how a value is checked against a constraint, and how a refusal reports a breach |
//! | `names.rs` | the documented constraints of names |
//! | `errors.rs` | every refusal: its name, its status, its body |
//! | `workgroups.rs` | the workgroups, as answers show them |
//! | `logins.rs` | the log-ins that were given out |
//! | `proof.rs` | how a password is proved: by SCRAM-SHA-256 or by MD5 |
//! | `door/` | the database door, where they log in |
//! | `clock.rs`, `control.rs` | the clock, and the requests that move it |
//! | `random.rs` | passwords, keys, ids, tokens |
//! | `http.rs` | the service behind a socket, alone or behind a layer |
//!
//! To serve a further operation, begin in `operations/mod.rs`.
//!
//! # Where the documents leave a choice
//!
//! A protocol rule of Smithy takes precedence over the observed behaviour of another AWS service. The observed
//! behaviour of a service of the same protocol takes precedence over a guess.
//!
//! | question | answer here | because |
//! |---|---|---|
//! | order of checks | size, operation, signature, deserialisation, validation, lookup | Smithy: deserialisation precedes validation. The rest is undocumented: the cheapest first, and the body of a stranger's request is not parsed |
//! | status of refused signatures | 400 | seen on services of this protocol (Cognito, `DynamoDB`), and in the service's own Common Errors page for `IncompleteSignature` |
//! | session token | must be exactly the one of the emulator's credentials, and absent if they have none; else `UnrecognizedClientException` | the message of that error names the token |
//! | unknown operation, right media type | 400 `UnknownOperationException` | seen on Athena and `CloudWatch` Logs; newer Common Errors pages say 404 |
//! | another method, path or media type | 404 `UnknownOperationException` | Smithy: not a request of this protocol; Athena answers 404 in XML; here it is JSON, so that a client can read it |
//! | empty body | `{}` | Smithy: a server must accept an empty body where no parameters are given |
//! | `1.5` for an integer | `SerializationException` | Smithy's malformed-request tests refuse to truncate; Athena truncates |
//! | `900.0`, `9e2` for an integer | 900 | a JSON number has a value, not a spelling, and nothing is truncated |
//! | integer beyond 32 bits | `SerializationException` | Smithy's malformed-request tests |
//! | a required member that is absent | `ValidationException`, "Value null at ..." | seen on services of this protocol |
//! | error in the answer | `__type` with the bare shape name, `message` in lower case, no `x-amzn-errortype` | Smithy: what new servers should do in 1.1; no such header was seen on Athena |
//!
//! Of `GetCredentials`:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | `_ + . @` in `dbName` | accepted | two documented bullets contradict each other; the one that lists them is the more specific |
//! | letters of `dbName` | ASCII | the documents say "uppercase or lowercase letters" |
//! | reserved words | any letter case; the 156 words of the current list | SQL keywords have no case |
//! | custom domain | compared without letter case | it is a DNS name (RFC 4343) |
//! | both names | accepted if they mean the same workgroup, else `ValidationException` | no rule is documented, and the ODBC driver sends both |
//! | unknown custom domain | `ResourceNotFoundException` | the only listed error whose text fits |
//! | `nextRefreshTime` | two hours after the call | the one public record of a real answer |
//! | each call | a new password | undocumented; it shows clients that cache what they should not |
//!
//! Of `GetWorkgroup` and `ListWorkgroups`:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | members of a workgroup | those of one that was created with only a name | a member that exists only after it was set, or that is not documented, would be invented |
//! | `creationDate` | the start of the emulator, a text in UTC with milliseconds | the model says `iso8601`, and leaves the fraction to the server |
//! | `namespaceName` | the workgroup's own name | a namespace has at most one workgroup, and the options name none |
//! | `customDomainName` | the first that stands for the workgroup, with a certificate | the model has room for one, and no association without a certificate |
//! | order of a list | by name | undocumented; a page must not depend on when it is asked for |
//! | `maxResults` absent | 100 | undocumented; the only list of the service that documents a default, `ListUsageLimits`, has 100 |
//! | `nextToken` | says where a page begins: valid for any `maxResults`, any number of times, for the same `ownerAccount` | "a unique pagination token for each page"; no expiry is documented |
//! | a token that was not issued, or an empty one | `ValidationException` | the only listed error whose text fits |
//! | `ownerAccount` of somebody else | an empty list | it is "the owner account for the workgroup", which makes it a filter; nobody shares a workgroup with the caller, and neither a missing nor a denied resource is among the listed errors |
//! | `ownerAccount`, pattern without anchors | twelve ASCII digits | twelve digits anywhere, in at most twelve characters |

mod clock;
mod control;
#[cfg(feature = "login")]
mod door;
mod errors;
mod http;
#[cfg(feature = "login")]
mod logins;
mod names;
mod operations;
mod options;
#[cfg(feature = "login")]
mod proof;
mod protocol;
mod random;
mod service;
mod validation;
mod workgroups;

pub use clock::{Clock, ClockRange};
pub use control::CLOCK_PATH;
#[cfg(feature = "login")]
pub use door::{Database, DoorOptions};
pub use http::Emulator;
pub use options::{EmulatorOptions, InvalidOptions};
pub use service::{EmulatedService, MAX_REQUEST_BYTES};

#[cfg(test)]
mod tests;
