//! What of an exchange may be shown, and what is masked in it.
//!
//! Start with [`Masker`], which hides the secrets that it knows: `mask` takes them out of a text of ours, `mask_escaped`
//! also where they stand encoded; `quote` makes a target's own words fit for a report, `quote_name` what is a name by
//! where it stands, and `fault` the reason of a lost answer. [`SeenSecrets`] is what a run has learnt from a target.
//!
//! | file | |
//! |---|---|
//! | `secrets` | finds what an answer gives in the place of a secret: in JSON, markup, forms, prose and header fields |
//! | `seen_secrets` | remembers it for as long as the target is asked |
//! | `public_words` | knows the words that are no secret, whatever a target gives |
//! | `shelf` | searches a text for secrets, plain, in base64 and in hexadecimal |
//! | `decode` | undoes escapes and codes, to see what stands behind them |
//! | `mask` | knows secrets by their form, and quotes a target's words |
//! | `shown` | shows the fields, the line and the body of a message |

mod decode;
mod mask;
mod masker;
mod public_words;
mod secrets;
mod seen_secrets;
mod shelf;
mod shown;

pub use mask::{Secret, quote};
pub use masker::Masker;
pub use public_words::is_public_name;
pub use secrets::is_password_name;
pub use seen_secrets::SeenSecrets;
pub(super) use shown::may_hold_secret;
pub use shown::{body_sent, fields_received, fields_sent, line_sent};
