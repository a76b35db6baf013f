//! The reference emulator: `GetCredentials` of Amazon Redshift Serverless as the documents describe it, and the
//! operations that create, show, change and delete what it needs: namespaces, workgroups, custom domains and tags.
//!
//! It is written from the API reference, the service model and what is publicly known of the wire, and is
//! **independent**: it may use [`crate::wire`] and [`crate::servers::host`], the socket, and nothing else of ours, so
//! that the suite and the emulator agree only where both have understood the documents. Every documented constraint is
//! checked by code of its own, and the facts of the service, such as its media type and its signing name, are written
//! down here once more.
//!
//! Start reading at [`EmulatedService::answer`], which answers one request: a pure function but for the clock, the
//! random numbers and the state. [`Emulator`] puts it behind a socket.
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | what an emulator is and who may call it |
//! | `identity/` | who may call what: principals, and the IAM policies that say what each may do |
//! | `service.rs` | the answer to one request: which operation it calls, who signed it, what is returned |
//! | `protocol.rs` | AWS JSON 1.1: which operation a request calls, what its body says |
//! | `operations/` | the operations, one file each, and the table of them |
//! | `input.rs` | how an operation reads its members and notes the constraints that they break |
//! | `validation.rs` | how a value is checked against a constraint, and how a refusal reports a breach |
//! | `names.rs` | the documented constraints of names |
//! | `revision.rs` | what an emulator that is as older documents said lacks and asks for |
//! | `errors.rs` | every refusal: its name, its status, its body |
//! | `state/` | what there is, for each account and region: how it is shown, changed, settled and saved |
//! | `pages.rs` | the pages of lists, and their tokens |
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
//! | order of checks | size, operation, signature, deserialisation, validation, authorisation, lookup, authorisation on what was found | Smithy: deserialisation precedes validation. The rest is undocumented: the cheapest first, and the body of a stranger's request is not parsed |
//! | status of refused signatures | 400 | seen on services of this protocol (Cognito, `DynamoDB`), and in the service's own Common Errors page for `IncompleteSignature` |
//! | session token | must be exactly the one of the emulator's credentials, and absent if they have none; else `UnrecognizedClientException` | the message of that error names the token |
//! | expired session token | 400 `ExpiredTokenException`, after the signature was found right | seen on `DynamoDB` (guregu/dynamo #68); newer Common Errors pages say 403. Who cannot sign learns nothing of a token |
//! | call that no policy allows | 400 `AccessDeniedException`, `message` in lower case | Athena answers 400, and the service's own Common Errors page has 400; the newer ones have 403. The service model has `message` |
//! | text of a denial | `User: <ARN> is not authorized to perform: <action> on resource: <ARN>`, and why | the IAM User Guide, "Access denied error message examples"; Athena |
//! | denial or not found | who may call the operation on no workgroup (no namespace, where it is about one) is denied, on resource `workgroup/*`, before a name is looked up. Who may call it on some is told that a name is not there, and denied on the ARN of one that it may not use | an ARN has the id, so a name must be looked up first; a stranger must not learn which names there are |
//! | resource of a list | `*` | the Service Authorization Reference: the lists have no resource |
//! | condition keys of the service, such as `redshift-serverless:workgroupId` | absent | the Service Authorization Reference lists them for no action that is served |
//! | `aws:SecureTransport`, `aws:SourceIp` | `false`, and the address that it listens on | it listens on loopback, without TLS |
//! | a wildcard in a resource | stands for characters of one of the six parts of an ARN | the IAM User Guide: "within ARN segments (the parts separated by colons)" |
//! | a variable without a value | fits nothing | the IAM User Guide: "might cause the entire statement to be invalid" |
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
//! | a workgroup that is being created, modified or deleted | credentials | no error for a state is listed, and `GetWorkgroup` shows it, so that "not found" would be untrue |
//! | a workgroup that was deleted | `ResourceNotFoundException`, also for its custom domains | it is not there |
//!
//! Of `GetWorkgroup` and the lists:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | members of a workgroup | those of one that was created with only a name | a member that exists only after it was set, or that is not documented, would be invented |
//! | `creationDate` | a text in UTC with milliseconds; of what the options name, the start of the emulator | the model says `iso8601`, and leaves the fraction to the server |
//! | `namespaceName` of a workgroup of the options | its own name | a namespace has at most one workgroup, and the options name none |
//! | `customDomainName` | the first that stands for the workgroup, with a certificate | the model has room for one, and no association without a certificate |
//! | order of a list | by name | undocumented; a page must not depend on when it is asked for |
//! | `maxResults` absent | 100 | undocumented; the only list of the service that documents a default, `ListUsageLimits`, has 100 |
//! | `nextToken` | says where a page begins: valid for any `maxResults`, any number of times, for the same filters, until the emulator ends; if that item is deleted, the page begins with the next one | "a unique pagination token for each page"; no expiry is documented |
//! | a token that was not issued, or an empty one | `ValidationException`; of `ListCustomDomainAssociations` `InvalidPaginationException` | the only listed errors whose texts fit |
//! | `ownerAccount` of somebody else | an empty list | it is "the owner account for the workgroup", which makes it a filter; nobody shares a workgroup with the caller, and neither a missing nor a denied resource is among the listed errors |
//! | `ownerAccount`, pattern without anchors | twelve ASCII digits | twelve digits anywhere, in at most twelve characters |
//!
//! Of the operations that create, change and delete:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | status of `ConflictException`, `TooManyTagsException`, `InvalidPaginationException` | 400 | the model gives none; every error of the service whose status was seen has 400 |
//! | order of checks of the state | what is named is there, nothing is under way, the name is free, the namespace is free | undocumented |
//! | creating a name that is taken, with the same input or another | `ConflictException` | the model marks creating and deleting as idempotent, which in Smithy speaks of the effect and not of the answer; the error is listed, and clients know it for what exists already |
//! | deleting what is being deleted | `ConflictException`; when it is gone, `ResourceNotFoundException` | both are listed, and Terraform's code quotes the first: "There is an operation running on the workgroup. Try deleting the workgroup again later." |
//! | a name of a namespace that is a reserved word | accepted | the request has a pattern and no such rule; the prose that forbids it stands in the answer, and forbids hyphens too |
//! | a new namespace | `AVAILABLE` at once | `NamespaceStatus` has no `CREATING` |
//! | a new workgroup | `CREATING`, then `AVAILABLE`; after a change `MODIFYING`; each for the time in the options | how long it takes is undocumented, and minutes in reality |
//! | deleting a namespace that has a workgroup, or that has one which is being deleted | `ConflictException` | undocumented; a workgroup cannot be without its namespace |
//! | a second workgroup in a namespace | `ConflictException` | the Management Guide: only one workgroup for each namespace |
//! | `dbName` of a namespace that named none | absent, and `dev` from its first workgroup on | a public record of real AWS (terraform-provider-aws #39273) |
//! | `adminUserPassword` | must come with `adminUsername`; is not kept, since nobody can ask for it | a real answer (terraform-provider-aws #39333) |
//! | `manageAdminPassword` | an ARN of a secret is shown; there is no secret | the model shows the ARN and leaves its form to Secrets Manager |
//! | a final snapshot | accepted, and made nowhere | no operation that is here shows snapshots |
//! | `baseCapacity`, `maxCapacity`, the keys of `configParameters` | any | the model has no constraint, and the prose names values without saying that others are refused |
//! | `port` outside 5431-5455 and 8191-8215 | `ValidationException` | the model's prose calls these ranges valid |
//! | `UpdateWorkgroup` of several members | `ValidationException` | a real answer (terraform-provider-aws #28108), and the model's prose |
//! | `UpdateWorkgroup` of no member | nothing changes, not even the status | only the name is required |
//! | `configParameters` in an update | the ones that are named; the others stay | undocumented; a caller who names one does not mean to reset the others |
//! | changing or deleting a workgroup, or giving it a custom domain, while an operation is under way | `ConflictException` | listed for all of them; Terraform's code waits and repeats |
//! | a second custom domain for a workgroup | `ConflictException`; the options may have several | `Workgroup` has room for one |
//! | a custom domain of a workgroup that is deleted | goes with it | deleting it needs the workgroup's name, so that nobody could delete it later |
//! | the certificate of a custom domain | any ARN of the modelled form; it expires a year after the association | there are no certificates here |
//! | tags | of namespaces and workgroups; at most 200, then `TooManyTagsException`; of two with one key the last counts | the Service Authorization Reference for what has tags; 200 is the only limit in the model |
//! | more than 4 MiB in one account and region | `ServiceQuotaExceededException` | the service has the error, though not for these operations; nobody may fill the memory |
//! | other regions | those of the options; the credential scope says which one is meant; they begin empty | a signature for a region that is not served is refused as before |
//! | a change that cannot be saved | is not made: `InternalServerException` | an answer says what holds after a restart too |

mod clock;
mod control;
#[cfg(feature = "login")]
mod door;
mod errors;
mod http;
mod identity;
mod input;
#[cfg(feature = "login")]
mod logins;
mod names;
mod operations;
mod options;
mod pages;
#[cfg(feature = "login")]
mod proof;
mod protocol;
mod random;
mod revision;
mod service;
mod state;
mod validation;

pub use clock::{Clock, ClockRange};
pub use control::CLOCK_PATH;
#[cfg(feature = "login")]
pub use door::{Database, DoorOptions};
pub use http::{ClockMover, Emulator};
pub use identity::{Identities, IdentitiesFile, InvalidIdentities, PolicyDocument};
pub use options::{CaseCallers, EmulatorOptions, InvalidOptions};
pub use revision::Revision;
pub use service::{EmulatedService, MAX_REQUEST_BYTES};
pub use state::SavedState;

#[cfg(feature = "login")]
pub use super::postgres::GivenOut;

#[cfg(test)]
mod tests;
