//! A pattern over the ids of cases: whatever it is, reading it and matching end, and a pattern that is an id selects it.

#![no_main]

use countersign::corpus::Pattern;
use libfuzzer_sys::fuzz_target;

/// Ids as they are, and texts that are none.
const IDS: [&str; 6] = ["a/b", "success/all-members", "parameters/duration-outside/899", "", "a//b", "ä/🦀/\u{202e}"];

fuzz_target!(|text: &str| {
    match Pattern::new(text) {
        Ok(pattern) => {
            for id in IDS {
                let _ = pattern.selects(id);
            }
            let is_id =
                text.split('/').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert!(!is_id || (pattern.selects(text) && pattern.selects(&format!("{text}/899"))), "{text:?}");
            assert!(!pattern.to_string().contains(|c: char| c.is_control()));
        }
        Err(error) => assert!(!error.contains(|c: char| c.is_control()), "{error:?}"),
    }
});
