//! An answer: whatever a server sends, judging it ends, says the same each time, and says it without raw characters and
//! without the secrets that the answer gave.
//!
//! The first two bytes choose a case. Then comes an answer as HTTP writes it: a status, fields, a blank line, a body.

#![no_main]

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign::contract::{Contract, Fixtures, Service};
use countersign::corpus::{Corpus, fill};
use countersign::judge::Judge;
use countersign::report::reason;
use countersign::wire::{Exchange, Headers, Request, Response, SeenSecrets, fields_received};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

struct Library {
    corpus: Corpus,
    judge: Judge,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract is valid"));
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the cases are valid");
    Library { corpus, judge: Judge::new(contract).expect("the judge is valid") }
});

/// A secret of ours, which a server may send back.
const OURS: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fuzz_target!(|data: &[u8]| {
    let [high, low, answer @ ..] = data else { return };
    let Some(response) = response(answer) else { return };
    let Library { corpus, judge } = &*LIBRARY;
    let index = usize::from(u16::from_be_bytes([*high, *low])) % corpus.cases().len();
    let case = &corpus.cases()[index];

    let seen = SeenSecrets::new([OURS.to_owned()]);
    seen.learn(&response);
    let masker = seen.masker().with_answer(&response);
    let quoted = masker.quote(&String::from_utf8_lossy(&response.body));
    expect_harmless(&quoted);
    for (name, value) in fields_received(&response.headers, &masker) {
        expect_harmless(&name);
        expect_harmless(&value);
    }

    let transcript: Vec<Exchange> =
        case.calls.iter().map(|call| exchange(&call.request.input.to_json(), &response)).collect();
    let [one, two] = [(); 2].map(|()| judge.judge_hiding(case, &transcript, &masker));
    assert_eq!((one.verdict, &one.decided), (two.verdict, &two.decided), "two judgements of one answer differ");
    if let Some(reason_found) = &one.reason {
        expect_harmless(&reason(reason_found));
    }
});

/// An answer as it may stand on the wire; `None` without a status.
fn response(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(2).position(|window| window == b"\n\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next()?.trim().parse().ok().filter(|status| (100..1000).contains(status))?;
    let mut headers = Headers::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.push(name, value.trim());
    }
    Some(Response { status, headers, body: bytes[end + 2..].to_vec() })
}

/// A call that was answered after a tenth of a second.
fn exchange(input: &str, response: &Response) -> Exchange {
    let filled = fill(input, &Service::embedded().resources, |of| Ok::<_, Infallible>(of.sample()));
    let body = filled.map_or_else(|_| input.as_bytes().to_vec(), |text| text.as_bytes().to_vec());
    let sent_at: Timestamp = "2026-11-22T01:02:03Z".parse().expect("a time");
    let elapsed = Duration::from_millis(100);
    let (method, target) = ("POST".to_owned(), "/".to_owned());
    Exchange {
        request: Request { method, target, headers: Headers::new(), body },
        answer: Ok(response.clone()),
        sent_at,
        received_at: sent_at + elapsed,
        elapsed,
        fault_before: None,
        cut_off: None,
    }
}

/// Checks that a text does nothing where it is shown, and shows no key of ours.
fn expect_harmless(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    assert!(!text.contains(OURS), "our key is shown: {text:?}");
}
