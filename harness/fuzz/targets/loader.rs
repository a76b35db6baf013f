//! A file of fixtures: whatever stands in it, loading and checking ends, and every error names its place in one line.
//!
//! The first byte says which kind of file the rest is: `s` a suite, `c` a suite for SDKs, `r` a reply, `d` a bank of
//! defects.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use countersign::contract::{Contract, Fixtures, LoadError};
use countersign::corpus::{Corpus, Defects, LoadErrors};
use countersign::sdk::cases::ClientCorpus;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The replies that a suite may name.
const REPLIES: [&str; 4] = ["credentials", "validation", "not-found", "unknown-operation"];

/// A contract, and a folder with a few replies.
struct Library {
    contract: Contract,
    corpus: Corpus,
    folder: TempDir,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the cases are valid");
    let folder = TempDir::new().expect("a temporary folder");
    for name in ["server", "client", "replies", "defects"] {
        std::fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    for name in REPLIES {
        let path = format!("replies/{name}.json");
        let text = Fixtures::Embedded.read(&path).expect("a reply of ours");
        std::fs::write(folder.path().join(path), text).expect("a file");
    }
    Library { contract, corpus, folder }
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let Library { contract, corpus, folder } = &*LIBRARY;
    let fixtures = Fixtures::Folder(folder.path().to_owned());
    let with_file = |path: &str, load: &dyn Fn() -> Result<(), LoadErrors>| {
        let file: PathBuf = folder.path().join(path);
        std::fs::write(&file, text).expect("a file");
        if let Err(errors) = load() {
            errors.0.iter().for_each(expect_plain);
        }
        std::fs::remove_file(&file).expect("it is there");
    };
    match kind {
        b's' => with_file("server/a.json", &|| Corpus::load(&fixtures, contract).map(drop)),
        b'r' => with_file("replies/a.json", &|| Corpus::load(&fixtures, contract).map(drop)),
        b'c' => with_file("client/a.json", &|| ClientCorpus::load(&fixtures, contract, corpus).map(drop)),
        b'd' => with_file("defects/a.json", &|| {
            let defects = Defects::load(&fixtures, contract)?;
            defects.check_complete(&fixtures, &contract.register)
        }),
        _ => {}
    }
});

/// Checks that an error can be shown as it is.
fn expect_plain(error: &LoadError) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains(|c: char| c.is_control()), "{text:?}");
}
