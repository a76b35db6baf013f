//! The rule for encodings: how an answer becomes bytes.

use super::{Finding, Findings, Observation, Subject, guess};
use crate::verdict::{Fault, Markup};

/// An answer is plain UTF-8 without a byte order mark, says of no other encoding that it has it, and has one media
/// type. The request offers no other encoding. A success that hides its JSON breaks another requirement already.
pub(super) fn plain(observation: &Observation<'_>) -> Findings {
    let is_readable = observation.body.is_some();
    let hidden = encoding(observation).filter(|_| !is_readable);
    if observation.is_success() && (!is_readable || observation.response.has_byte_order_mark()) {
        return None;
    }
    (is_readable || hidden.is_some()).then_some(())?;
    let headers = &observation.response.headers;
    let declared = headers.get("content-encoding").map(str::trim);
    let declared = declared.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    let media_types = headers.get("content-type").filter(|types| types.contains(','));
    let fault = if observation.response.has_byte_order_mark() {
        Some(Fault::Encoded { looks_like: Markup::ByteOrderMark })
    } else if let Some(looks_like) = hidden {
        Some(Fault::Encoded { looks_like })
    } else if let Some(coding) = declared {
        Some(Fault::DeclaredEncoding { found: observation.quote(coding) })
    } else {
        media_types.map(|types| Fault::MediaType {
            expected: observation.contract.service.content_type.is.clone(),
            found: Some(observation.quote(types)),
        })
    };
    Some(vec![Finding { subject: Subject::default(), fault }])
}

/// The encoding that hides the JSON of an answer; `None` if its body is JSON, or something else.
pub(in crate::judge) fn encoding(observation: &Observation<'_>) -> Option<Markup> {
    (observation.body.is_none()).then(|| guess::of_body(observation.response)).flatten().filter(|of| of.is_encoding())
}
