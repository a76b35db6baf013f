use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::contract::{Contract, Fixtures, Side};
use crate::corpus::{Defects, Pattern, Selection};

// What only tests of the library below have cannot be used from here.
#[cfg(feature = "login")]
#[path = "../core/servers/emulator/door/cluster.rs"]
mod cluster;

/// The fixtures of this build, and the cases that patterns select.
struct Library {
    corpus: Arc<Corpus>,
    judge: Judge,
    defects: Defects,
    plan: Plan,
}

impl Library {
    fn new(patterns: &[&str]) -> Self {
        Self::of_revision(patterns, None)
    }

    fn of_revision(patterns: &[&str], revision: Option<crate::contract::Revision>) -> Self {
        let contract = Contract::load_in(&Fixtures::Embedded, revision);
        let contract = Arc::new(contract.expect("the contract is valid"));
        let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid"));
        let defects = Defects::load(&Fixtures::Embedded, &contract).expect("the banks are valid");
        let patterns = patterns.iter().map(|text| Pattern::new(text).expect("a pattern")).collect();
        let selection = Selection { patterns, ..Selection::default() };
        let plan = Plan::select(&corpus, &contract.register, &selection).expect("there are cases");
        let judge = Judge::new(contract).expect("the register fits the rules");
        Self { corpus, judge, defects, plan }
    }

    fn try_on(&self, judge: &Judge, entries: &[&Defect]) -> Result<SelftestReport, SelftestError> {
        run(&[self.round(judge, entries)], |_| {})
    }

    fn round<'a>(&'a self, judge: &'a Judge, entries: &[&'a Defect]) -> Round<'a> {
        Round { corpus: &self.corpus, judge, plan: &self.plan, entries: entries.to_vec() }
    }

    fn tripping(&self, rule: &str) -> Vec<&Defect> {
        let register = &self.judge.contract().register;
        let decided =
            |id: &String| register.get(id).and_then(|row| row.decided_by.as_ref()).is_some_and(|by| by.rule == rule);
        self.defects.entries().iter().filter(|entry| entry.requirements.iter().any(decided)).collect()
    }
}

fn entry(text: &str) -> Defect {
    serde_json::from_str(text).expect("an entry")
}

#[test]
fn every_defect_is_found_and_rightly_blamed_and_no_legal_variant_is_accused() {
    let newest = Library::new(&[]);
    let years = newest.judge.contract().service.revisions.iter().map(|row| row.year);
    let libraries: Vec<_> = years.map(|year| Library::of_revision(&[], Some(year))).collect();
    let entries: Vec<_> = newest.defects.entries().iter().collect();
    let mut rounds = Vec::new();
    for library in &libraries {
        let contract = library.judge.contract();
        let mut of_round = entries.clone();
        of_round.retain(|entry| entry.revision.map_or(contract.is_newest(), |year| year == contract.revision));
        rounds.push(library.round(&library.judge, &of_round));
    }
    let report = run(&rounds, |_| {}).expect("the run is not void");
    let faults: Vec<_> = report.details.iter().filter(|outcome| !outcome.faults.is_empty()).collect();
    assert!(report.holds(), "survivors {:?}\n{faults:#?}", report.survivors);
    assert_eq!(report.unbroken, Vec::<String>::new());
    assert_eq!(report.idle_rules, Vec::<String>::new());
    assert!(report.defects >= 90 && report.legal >= 30, "{} and {}", report.defects, report.legal);
    assert_eq!(entries.iter().filter(|entry| entry.canary).count(), 1);
}

#[test]
fn without_any_one_rule_of_the_judge_the_self_test_fails() {
    let library =
        Library::new(&["success", "errors", "lifetimes", "parameters/duration-*", "parameters/database-name"]);
    let rows = library.judge.contract().register.requirements.iter().filter(|row| row.side == Side::Server);
    let rules: BTreeSet<_> = rows.filter_map(|row| Some(row.decided_by.as_ref()?.rule.as_str())).collect();
    assert!(rules.len() > 10, "{rules:?}");
    for rule in rules {
        let blind = library.judge.clone().without(rule);
        let holds = library.try_on(&blind, &library.tripping(rule)).is_ok_and(|report| report.holds());
        assert!(!holds, "nothing notices that the rule {rule} is gone");
    }
}

#[rstest]
#[case::that_never_shows(
    r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-RES-01"],"when":{"status":418},"response":[{"status":201}]}"#,
    "void: a never changed an answer"
)]
#[case::canary_that_is_not_found(
    r#"{"id":"a","kind":"defect","title":"t","canary":true,"requirements":["GC-RES-01"],"response":[{"header":{"name":"x-a","value":"b"}}]}"#,
    "void: the canary a was not found"
)]
fn a_defect_can_void_the_run(#[case] text: &str, #[case] expected: &str) {
    let library = Library::new(&["success/workgroup-only"]);
    let void = library.try_on(&library.judge, &[&entry(text)]).expect_err("it is void");
    assert!(void.to_string().starts_with(expected), "{void}");
}

#[rstest]
#[case::server_that_says_nothing_of_use(
    r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-RES-01"],"response":[{"status":501},{"body":""}]}"#,
    Fate::Survived
)]
#[case::defect_that_breaks_more_than_it_declares(
    r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-PWD-01"],"response":[{"remove":"dbPassword"},{"remove":"dbUser"}]}"#,
    Fate::Misattributed
)]
#[case::legal_variant_that_fails_a_case(
    r#"{"id":"a","kind":"legal","title":"t","response":[{"status":201}]}"#,
    Fate::Accused
)]
fn what_is_held_against_the_suite_is_told_by_its_kind(#[case] text: &str, #[case] fate: Fate) {
    let library = Library::new(&["success/workgroup-only"]);
    let report = library.try_on(&library.judge, &[&entry(text)]).expect("the run is not void");
    let ids_if = |of: Fate| if of == fate { vec!["a".to_owned()] } else { Vec::new() };
    assert_eq!(report.survivors, ids_if(Fate::Survived));
    assert_eq!(report.misattributed, ids_if(Fate::Misattributed));
    assert_eq!(report.accusations, ids_if(Fate::Accused));
    let expected = (report.misattributed.len(), 0, report.accusations.len());
    assert_eq!((report.killed, report.attributed, report.accused), expected);
}

#[tokio::test]
async fn a_server_that_drops_every_connection_is_not_found_but_survives() {
    let library = Library::new(&["success/workgroup-only", "parameters/duration-outside"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let dropping = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let target = Target::at(endpoint.parse().expect("a URL")).with_workgroup("wg");
    let session = Session::new(Arc::clone(&library.corpus), library.judge.clone(), target, 1, 1).expect("a session");
    let mut results = Vec::new();
    run_plan(&session, &library.plan, &Interrupt::never(), |_| false, |result| results.push(result)).await;
    dropping.abort();
    assert_eq!(results.len(), library.plan.cases.len());

    let crashing = entry(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-02"],"response":[{"status":500},{"body":""}]}"#,
    );
    let outcome = DefectOutcome::of(&crashing, library.judge.contract(), &results, 1);
    assert_eq!((outcome.fate, outcome.broken.len()), (Fate::Survived, 0));
}

#[rstest]
#[case::undeclared("", 1)]
#[case::declared(r#","undecided":["GC-ERR-01"]"#, 0)]
#[case::declared_in_vain(r#","undecided":["GC-ERR-01","GC-WG-01"]"#, 1)]
fn a_legal_variant_may_leave_undecided_what_it_declares_and_nothing_else(
    #[case] undecided: &str,
    #[case] accused: usize,
) {
    let library = Library::new(&["success/workgroup-only", "errors/unknown-workgroup"]);
    let denying = format!(
        r#"{{"id":"a","kind":"legal","title":"t"{undecided},"when":{{"error":"ResourceNotFoundException"}},"response":[{{"body":"{{\"__type\":\"AccessDeniedException\"}}"}}]}}"#
    );
    let report = library.try_on(&library.judge, &[&entry(&denying)]).expect("the run is not void");
    assert_eq!(report.accused, accused, "{:?}", report.details);
}

#[test]
fn an_entry_that_changes_log_ins_is_tried_where_the_build_has_a_door() {
    let library = Library::new(&["login/expired"]);
    let entry = library.defects.get("login-never-expires").expect("it is there");
    let report = library.try_on(&library.judge, &[entry]).expect("the run is not void");
    let tried = usize::from(cfg!(feature = "login"));
    assert_eq!((report.killed, report.attributed, report.untried.len()), (tried, tried, 1 - tried));
    // Nothing is said of what only an untried defect breaks.
    assert!(!report.unbroken.iter().any(|id| entry.requirements.contains(id)), "{:?}", report.unbroken);
}

#[cfg(feature = "login")]
#[test]
fn every_wrong_door_is_found_and_rightly_blamed_and_no_legal_one_is_accused() {
    let library = Library::new(&["login"]);
    let entries: Vec<_> = library.defects.entries().iter().filter(|entry| entry.door.is_some()).collect();
    let report = library.try_on(&library.judge, &entries).expect("the run is not void");
    let faults: Vec<_> = report.details.iter().filter(|outcome| !outcome.faults.is_empty()).collect();
    assert!(report.holds(), "survivors {:?}\n{faults:#?}", report.survivors);
    assert!(report.defects >= 20 && report.legal >= 10, "{} and {}", report.defects, report.legal);
}

#[cfg(feature = "login")]
#[tokio::test(flavor = "multi_thread")]
async fn the_log_ins_of_an_emulator_before_a_postgresql_pass_every_case() {
    let Some(cluster) = cluster::Cluster::start().await else { return };
    let library = Library::new(&["login"]);
    let options = EmulatorOptions::for_cases().with_database(cluster.url().parse().expect("a URL"));
    let emulator = Emulator::start(options).await.expect("it starts");
    let target = target_of(&emulator);
    let session = Session::new(Arc::clone(&library.corpus), library.judge.clone(), target, 1, JOBS).expect("a session");
    let mut results = Vec::new();
    run_plan(&session, &library.plan, &Interrupt::never(), |_| false, |result| results.push(result)).await;
    assert_eq!(results.len(), library.plan.cases.len());
    let faults: Vec<_> =
        results.iter().filter(|result| result.verdict != Verdict::Pass || !result.warnings.is_empty()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    emulator.close().await.expect("the roles are dropped");
}
