use super::*;
use crate::contract::{Contract, Fixtures};
use crate::corpus::{Defects, Selection};

#[test]
fn every_defect_is_found_and_rightly_blamed_and_no_legal_variant_is_accused() {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract is valid"));
    let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid"));
    let defects = Defects::load(&Fixtures::Embedded, &contract).expect("the banks are valid");
    let plan = Plan::select(&corpus, &contract.register, &Selection::default()).expect("there are cases");
    let judge = Judge::new(contract).expect("the register fits the rules");
    let entries: Vec<_> = defects.entries().iter().collect();
    let report = run(&corpus, &judge, &plan, &entries, |_| {}).expect("the run is not void");
    let faults: Vec<_> = report.details.iter().filter(|outcome| !outcome.faults.is_empty()).collect();
    assert!(report.holds(), "survivors {:?}\n{faults:#?}", report.survivors);
    assert_eq!(report.unbroken, Vec::<String>::new());
    assert_eq!(report.idle_rules, Vec::<String>::new());
}
