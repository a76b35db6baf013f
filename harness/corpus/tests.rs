use super::*;
use crate::contract::{Contract, Fixtures};

fn contract() -> Contract {
    Contract::load(&Fixtures::Embedded).expect("the embedded contract is valid")
}

#[test]
fn the_embedded_corpus_loads() {
    if let Err(errors) = Corpus::load(&Fixtures::Embedded, &contract()) {
        panic!("{errors}");
    }
}
