//! Turns the errors of the HTTP and TLS libraries into faults: in few words, each cause once, without the URL.

use std::error::Error;
use std::io;

use super::TransportFault;
#[cfg(feature = "tls")]
use super::tls::fault as of_tls;
use crate::text::foreign_within;

/// How far an exchange has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExchangeStage {
    /// Connecting, the TLS handshake included.
    Connecting,
    /// The request is on its way, or the answer's header is.
    Head,
    /// This many bytes of the answer's body have arrived.
    Body(usize),
}

/// The most characters that the words of an error have: a certificate may list a thousand names.
const WORDS_LIMIT: usize = 500;

/// The fault for an error that ended an exchange at this stage.
pub(super) fn fault_of(error: &(dyn Error + 'static), stage: ExchangeStage) -> TransportFault {
    let other = if matches!(stage, ExchangeStage::Connecting) { TransportFault::Connect } else { TransportFault::Lost };
    let is_of_name = causes(error).any(|cause| cause.to_string() == "dns error");
    let bounded = |words: String| foreign_within(&words, WORDS_LIMIT);
    match causes(error).find_map(|cause| known_fault(cause, stage)).unwrap_or_else(|| other(chain(error))) {
        TransportFault::Connect(words) if is_of_name => TransportFault::Resolve(bounded(words)),
        TransportFault::Connect(words) => TransportFault::Connect(bounded(words)),
        TransportFault::Resolve(words) => TransportFault::Resolve(bounded(words)),
        TransportFault::Tls(words) => TransportFault::Tls(bounded(words)),
        TransportFault::Lost(words) => TransportFault::Lost(bounded(words)),
        TransportFault::HungUp(words) => TransportFault::HungUp(bounded(words)),
        TransportFault::NotHttp(words) => TransportFault::NotHttp(bounded(words)),
        without @ (TransportFault::Unsendable(_)
        | TransportFault::Timeout(_)
        | TransportFault::HeadTooLarge
        | TransportFault::TooLarge(_)) => without,
    }
}

/// The fault for one cause; `None` if the cause does not say enough.
fn known_fault(cause: &(dyn Error + 'static), stage: ExchangeStage) -> Option<TransportFault> {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return of_hyper(error, stage);
    }
    if let Some(fault) = of_tls(cause, stage) {
        return Some(fault);
    }
    let mut error = cause.downcast_ref::<io::Error>()?;
    // `source` does not return what an io::Error wraps, and the libraries wrap one in another.
    while let Some(inner) = error.get_ref() {
        if let Some(fault) = of_tls(inner, stage) {
            return Some(fault);
        }
        match inner.downcast_ref::<io::Error>() {
            Some(inner) => error = inner,
            None => break,
        }
    }
    Some(of_io(error, stage))
}

fn of_hyper(error: &hyper::Error, stage: ExchangeStage) -> Option<TransportFault> {
    if error.is_parse_too_large() {
        Some(TransportFault::HeadTooLarge)
    } else if error.is_parse() {
        Some(TransportFault::NotHttp(format!("{error}; the port may speak TLS (try https://) or another protocol")))
    } else if error.to_string() == "received unexpected message from connection" {
        // The library has no predicate for this error.
        Some(TransportFault::NotHttp("it spoke before it was asked; the port may speak another protocol".to_owned()))
    } else if error.is_incomplete_message() || error.is_closed() {
        Some(lost("closed", stage))
    } else {
        None
    }
}

/// Without TLS no error is one of TLS.
#[cfg(not(feature = "tls"))]
fn of_tls(_: &(dyn Error + 'static), _: ExchangeStage) -> Option<TransportFault> {
    None
}

fn of_io(error: &io::Error, stage: ExchangeStage) -> TransportFault {
    use io::ErrorKind as Kind;
    match (stage, error.kind()) {
        // Only the handshake reads or writes at this stage.
        (ExchangeStage::Connecting, Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe) => {
            TransportFault::Tls(
                "the connection ended during the handshake; the port may speak plain http (try http://)".to_owned(),
            )
        }
        (ExchangeStage::Connecting, _) => TransportFault::Connect(error_words(error)),
        (ExchangeStage::Head | ExchangeStage::Body(_), kind) => match kind {
            Kind::UnexpectedEof | Kind::NotConnected => lost("closed", stage),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => lost("reset", stage),
            // The library uses these kinds for a body that is not framed by the rules of HTTP.
            Kind::InvalidInput | Kind::InvalidData => TransportFault::NotHttp(error_words(error)),
            _ => TransportFault::Lost(error_words(error)),
        },
    }
}

fn lost(how: &str, stage: ExchangeStage) -> TransportFault {
    TransportFault::Lost(match stage {
        ExchangeStage::Connecting | ExchangeStage::Head => format!("{how} before the end of the header"),
        ExchangeStage::Body(1) => format!("{how} after 1 byte of the body"),
        ExchangeStage::Body(count) => format!("{how} after {count} bytes of the body"),
    })
}

/// An error of the system without its number: `connection refused`.
fn error_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// An error and its causes on one line, each once, without the URL.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if !cause.is::<reqwest::Error>() && !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_certificate_says_is_bounded_and_escaped() {
        let error = io::Error::other(format!("only valid for \u{1b}[2J{}", "a.example ".repeat(1_000)));
        let TransportFault::Lost(words) = fault_of(&error, ExchangeStage::Head) else { panic!("another fault") };
        assert!(words.starts_with("only valid for \\u{1b}[2Ja.example "), "{words}");
        assert!(words.chars().count() < WORDS_LIMIT + 10, "{words}");
    }
}
