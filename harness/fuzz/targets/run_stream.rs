//! A run stream: whatever stands in it, reading it ends. What was read is written again, is read again as the same, and
//! makes every report.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use countersign::contract::{Contract, Fixtures};
use countersign::report::{CutShort, Event, FORMATS, ReportMaker, StreamSink, read, replay, report_of};
use libfuzzer_sys::fuzz_target;

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::load(&Fixtures::Embedded).expect("the contract is valid"));

fuzz_target!(|data: &[u8]| {
    if let Err(error) = read(data, CutShort::Refuse) {
        let text = error.to_string();
        assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    }
    let Ok(events) = read(data, CutShort::Accept) else { return };
    let written = written(&events);
    let again = read(written.as_slice(), CutShort::Accept).expect("what was written is read");
    assert_eq!(written, self::written(&again), "what was written is read as something else");
    let summary_is_there = matches!(events.last(), Some(Event::Summary(_)));
    for format in FORMATS {
        if let ReportMaker::AtTheEnd(make) = format.made
            && summary_is_there
        {
            let report = report_of(&events, &*make(Path::new("r.svg")), &CONTRACT.register);
            let text = String::from_utf8(report.expect("memory takes it")).expect("text");
            assert!(!text.contains(|c: char| c.is_control() && !"\n\t".contains(c)), "{}: {text:?}", format.flag);
        }
    }
});

fn written(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    replay(events, &mut StreamSink::new(&mut bytes)).expect("memory takes it");
    bytes
}
