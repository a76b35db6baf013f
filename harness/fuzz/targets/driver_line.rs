//! A line of a driver: whatever stands in it, reading it ends. What was read is written again, and read again as the
//! same; what is wrong is shown without raw characters and without the key that every driver was told.

#![no_main]

use countersign::contract::LoadError;
use countersign::sdk::protocol::read;
use countersign::wire::Masker;
use libfuzzer_sys::fuzz_target;

/// The key of every call.
const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fuzz_target!(|data: &[u8]| {
    match read(data) {
        Ok(line) => {
            let written = serde_json::to_string(&line).expect("a line is JSON");
            let again = read(written.as_bytes()).expect("what was written is read");
            assert_eq!(written, serde_json::to_string(&again).expect("a line is JSON"));
        }
        Err(LoadError { pointer, message, .. }) => {
            let masker = Masker::new([KEY.to_owned()]);
            let line = String::from_utf8_lossy(data);
            for text in [&pointer, &message, &*line].map(|text| masker.quote(text)) {
                assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
                assert!(!text.contains(KEY), "the key is shown: {text:?}");
            }
        }
    }
});
