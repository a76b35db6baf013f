//! Which parts of an exchange may be shown, and which are masked.
//!
//! Start with [`Masker`], which masks the secrets that it knows. `mask` masks them in our own texts; `mask_escaped`
//! also finds encoded ones. `quote` makes a target's words fit for a report, `quote_name` a name, and `fault` the
//! reason why there is no answer. [`SeenSecrets`] holds the secrets that a run has learnt from a target.
//!
//! | file | |
//! |---|---|
//! | `secrets` | finds the secrets in an answer: in JSON, markup, forms, prose and header fields |
//! | `seen_secrets` | remembers them for the whole run |
//! | `public_words` | knows the words that are never secret |
//! | `public_forms` | knows the forms of dates, versions and technical words |
//! | `fixed_secrets` | searches a text for secrets, plain, in base64 and in hexadecimal |
//! | `decode` | decodes escapes, base64 and hexadecimal |
//! | `mask` | recognises secrets by their form, and quotes a target's words |
//! | `show_message` | shows the fields, the line and the body of a message |

mod decode;
mod fixed_secrets;
mod mask;
mod masker;
mod public_forms;
mod public_words;
mod secrets;
mod seen_secrets;
mod show_message;

#[cfg(feature = "run")]
pub(crate) use mask::mask_identities;
pub use mask::{Secret, quote};
pub use masker::Masker;
pub use public_words::is_public_name;
pub use secrets::is_password_name;
pub use seen_secrets::SeenSecrets;
pub(crate) use show_message::may_hold_secret;
pub use show_message::{body_sent, fields_received, fields_sent, line_sent};

#[cfg(test)]
mod real_texts;
