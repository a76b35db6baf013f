//! What each step of a run costs by itself: loading, a check of a server in this process, judging, each report.
//!
//! The reports are of the run that a plain `countersign run` makes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use countersign::contract::{Contract, Fixtures};
use countersign::corpus::{Corpus, Defects, ExpandedCase};
use countersign::judge::Judge;
use countersign::report::{Collecting, CutShort, FORMATS, ReportMaker, Sink, read};
use countersign::run::{Interrupt, Session};
use countersign::servers::emulator::{Emulator, EmulatorOptions};
use countersign::targets::Target;
use countersign::trials::runtime;
use countersign::wire::{Exchange, Headers, Request, Response};
use divan::{Bencher, black_box};
use jiff::Timestamp;

fn main() {
    divan::main();
}

fn library() -> (Arc<Contract>, Arc<Corpus>) {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract of this build");
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the cases of this build");
    (Arc::new(contract), Arc::new(corpus))
}

fn case(corpus: &Corpus) -> Arc<ExpandedCase> {
    Arc::clone(corpus.get("success/workgroup-only").expect("there is this case"))
}

/// What every command begins with.
#[divan::bench]
fn load() {
    black_box(library());
}

#[divan::bench]
fn load_defects(bencher: Bencher<'_, '_>) {
    let (contract, _) = library();
    bencher.bench(|| Defects::load(&Fixtures::Embedded, &contract).expect("the defects of this build"));
}

/// A check over the wire, with the server's part of it: both are in this process.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let (contract, corpus) = library();
    let judge = Judge::new(contract).expect("the rules of this build");
    let case = case(&corpus);
    let emulator = runtime().block_on(Emulator::start(EmulatorOptions::default())).expect("a free port on loopback");
    let mut target = Target::at(emulator.endpoint().parse().expect("a URL"));
    target.credentials = Some(emulator.options().credentials.clone());
    target.resources = emulator.options().names().into_iter().map(|(id, name)| (id.to_owned(), name)).collect();
    let session = runtime().block_on(async { Session::new(corpus, judge, target, 1, 1) }).expect("a client");
    // Later runs of a case are made anew.
    let check = || runtime().block_on(session.run_case(Arc::clone(&case), 1, &Interrupt::never())).expect("a result");
    bencher.bench(check);
}

/// The judgement of a right answer.
#[divan::bench]
fn judge(bencher: Bencher<'_, '_>) {
    let (contract, corpus) = library();
    let case = case(&corpus);
    let reply = &corpus.replies()[case.calls[0].reply.as_ref().expect("the mock has a reply")];
    let now = Timestamp::now();
    let fields = reply.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let body = reply.body_at(now.as_duration().as_secs_f64(), 900.0);
    let answer = Response { status: reply.status, headers: fields.collect::<Headers>(), body };
    let request = Request {
        method: "POST".to_owned(),
        target: "/".to_owned(),
        headers: Headers::new(),
        body: br#"{"workgroupName":"my-workgroup"}"#.to_vec(),
    };
    let exchange = Exchange {
        request,
        answer: Ok(answer),
        cut_off: None,
        sent_at: now,
        received_at: now,
        elapsed: std::time::Duration::ZERO,
        fault_before: None,
    };
    let judge = Judge::new(contract).expect("the rules of this build");
    bencher.bench(|| judge.judge(&case, std::slice::from_ref(&exchange)));
}

/// One report of a whole run, by the flag that asks for it.
#[divan::bench(args = ["report-json", "report-junit", "report-html", "report-md", "badge"])]
fn report(bencher: Bencher<'_, '_>, flag: &str) {
    let stream = Command::new(env!("CARGO_BIN_EXE_countersign")).args(["run", "--format", "jsonl"]).output();
    let events = read(&*stream.expect("it runs").stdout, CutShort::Refuse).expect("a run stream");
    let (contract, _) = library();
    let format = FORMATS.iter().find(|format| format.flag == flag).expect("there is this format");
    let ReportMaker::AtTheEnd(report) = format.made else { panic!("{flag} is made as it is heard") };
    bencher.bench(|| {
        let mut collecting = Collecting::new(&contract.register);
        for event in &events {
            collecting.hear(event).expect("it is kept");
        }
        collecting.bytes_of(&*report(Path::new("badge.json"))).expect("a report")
    });
}
