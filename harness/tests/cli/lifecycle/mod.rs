//! Cases that make something at a target: set-up, steps, and how all of it is deleted again, whatever happens.

mod server;

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::fixtures::Fixtures;
use crate::program::{Finished, Program, events};
use crate::stub_server::{answer, refusal};
use server::Server;

const SUITE: &str = include_str!("suite.json");
const ROWS: &str = include_str!("requirements.json");

/// The fixtures of the project with the suite of this folder in place of its own.
fn fixtures() -> Fixtures {
    let fixtures = Fixtures::copy();
    fixtures.change("server/lifecycle.json", |_| SUITE.to_owned());
    fixtures.change_json("requirements.json", |register| {
        let rows: Vec<Value> = serde_json::from_str(ROWS).expect("JSON");
        let all = register["requirements"].as_array_mut().expect("a list");
        all.retain(|row| row["id"].as_str().is_none_or(|id| !id.starts_with("GC-LIFE-")));
        all.extend(rows);
    });
    fixtures
}

struct Run {
    fixtures: Fixtures,
    state: tempfile::TempDir,
    server: Server,
}

impl Run {
    fn on(server: Server) -> Self {
        Self { fixtures: fixtures(), state: tempfile::tempdir().expect("a folder"), server }
    }

    fn program(&self, arguments: &str) -> Program {
        let line = format!(
            "{arguments} --fixtures {} --no-sign --endpoint {}",
            self.fixtures.folder(),
            self.server.stub.endpoint
        );
        Program::line(&line).env("XDG_STATE_HOME", self.state.path().to_str().expect("a text"))
    }

    fn run(&self, arguments: &str) -> Finished {
        self.program(&format!("run --claim provisioning --workgroup wg-1 --format jsonl {arguments}")).finish()
    }

    fn cleanup(&self, more: &str) -> Finished {
        self.program(&format!("cleanup{more}")).finish()
    }

    /// The files of journals.
    fn journals(&self) -> Vec<String> {
        let folder = self.state.path().join("countersign/leftovers");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).expect("readable")).collect()
    }
}

fn case(finished: &Finished, id: &str) -> Value {
    let of = |event: &Value| event["event"] == "case" && event["id"] == id;
    events(&finished.stdout).into_iter().find(of).unwrap_or_else(|| panic!("no {id} in {finished:#?}"))
}

fn summary(finished: &Finished) -> Value {
    events(&finished.stdout).pop().expect("a summary")
}

#[test]
fn a_workgroup_is_made_used_and_deleted_and_nothing_is_left() {
    let run = Run::on(Server::right());
    let finished = run.run("lifecycle --seed 7");
    finished.expect(0, &[]);
    for id in ["lifecycle/made", "lifecycle/deleted"] {
        assert_eq!(case(&finished, id)["verdict"], "pass", "{finished:#?}");
    }
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
    assert!(!format!("{finished:?}").contains("correct-horse"), "{finished:#?}");
    let calls = run.server.look(|state| std::mem::take(&mut state.calls));
    assert_eq!(calls.iter().filter(|call| call.starts_with("DeleteWorkgroup")).count(), 2, "{calls:?}");
    // The same seed makes the same names again.
    run.run("lifecycle --seed 7").expect(0, &[]);
    let made = |calls: &[String]| calls.iter().filter(|call| call.starts_with("Create")).cloned().collect::<Vec<_>>();
    let mut names = [made(&calls), run.server.look(|state| made(&state.calls))];
    for names in &mut names {
        names.sort();
    }
    assert_eq!(names[0], names[1]);
}

#[test]
fn a_target_that_claims_no_provisioning_is_asked_to_make_nothing() {
    let run = Run::on(Server::right());
    let line = "run lifecycle --workgroup wg-1 --format jsonl";
    let finished = run.program(line).finish();
    finished.expect(0, &["the target does not claim provisioning"]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "not-applicable");
    assert!(run.server.look(|state| state.calls.iter().all(|call| !call.starts_with("Create"))));
}

#[test]
fn the_violation_of_a_case_with_steps_names_the_step() {
    // After the deletion, the workgroup still gives credentials.
    let run = Run::on(Server::with(|operation, _| (operation == "GetCredentials").then(server::credentials)));
    let finished = run.run("lifecycle/deleted");
    let failed = case(&finished, "lifecycle/deleted");
    assert_eq!(failed["verdict"], "fail", "{finished:#?}");
    assert_eq!(
        (&failed["violations"][0]["requirement"], &failed["violations"][0]["step"]),
        (&"GC-LIFE-02".into(), &"deleted".into())
    );
    assert_eq!(failed["violations"][0]["at"], "status, in the step deleted");
    assert_eq!(failed["violations"].as_array().map(Vec::len), Some(1));
}

#[rstest]
#[case::of_no_requirement(
    r#"{"decides": "GC-WG-01", "at": "/dbUser", "has": {"is": "a"}}"#,
    "expected a requirement of the case, found GC-WG-01"
)]
#[case::of_an_outcome(
    r#"{"decides": "GC-LIFE-01", "at": "/dbUser", "has": {"is": "a"}}"#,
    "the outcome of a step decides GC-LIFE-01, so no value can"
)]
#[case::nowhere(
    r#"{"decides": "GC-LIFE-02", "at": "dbUser", "has": {"is": "a"}}"#,
    "expected a JSON pointer such as /member, found \"dbUser\""
)]
#[case::of_no_answer(
    r#"{"decides": "GC-LIFE-02", "at": "/dbUser", "has": {"answered": "first/dbUser"}}"#,
    "there is no earlier step with the name \"first\""
)]
fn what_no_answer_can_show_is_refused_with_its_place(#[case] shown: &str, #[case] words: &str) {
    let fixtures = fixtures();
    fixtures.change_json("server/lifecycle.json", |suite| {
        let shown: Value = serde_json::from_str(shown).expect("JSON");
        suite["cases"][1]["steps"][0]["shows"] = vec![shown].into();
    });
    let finished = Program::line(&format!("validate --fixtures {}", fixtures.folder())).finish();
    finished.expect(5, &["/cases/1/steps/0/shows/0", words]);
}

#[rstest]
#[case::the_first("CreateNamespace", "its setup call 1, CreateNamespace, failed: 400 AccessDeniedException")]
#[case::the_second("CreateWorkgroup", "its setup call 2, CreateWorkgroup, failed: 400 AccessDeniedException")]
fn a_failed_set_up_blocks_the_case_and_names_the_call(#[case] denied: &'static str, #[case] words: &str) {
    let run = Run::on(Server::denying(denied));
    let finished = run.run("lifecycle/made");
    finished.expect(1, &[words]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "blocked");
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

#[test]
fn what_was_made_and_is_seen_late_is_waited_for() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let run = Run::on(Server::with(|operation, _| {
        let is_early = operation == "GetWorkgroup" && ASKED.fetch_add(1, Ordering::Relaxed) < 2;
        is_early.then(|| refusal("400 Bad Request", "ResourceNotFoundException", "it is not there"))
    }));
    let finished = run.run("lifecycle/made");
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "pass", "{finished:#?}");
    assert!(ASKED.load(Ordering::Relaxed) > 2 && run.server.is_clean());
}

#[test]
fn what_is_never_there_blocks_the_case_with_what_was_waited_for() {
    let run = Run::on(Server::never_done());
    let finished = run.run("lifecycle/made");
    finished.expect(1, &["GetWorkgroup did not give /workgroup/status the value AVAILABLE within 5 s"]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "blocked");
    assert!(run.server.is_clean());
}

#[test]
fn a_failed_teardown_is_listed_ends_with_7_and_can_be_cleaned_up_later() {
    let run = Run::on(Server::denying("DeleteNamespace"));
    let finished = run.run("lifecycle/made --seed 5");
    finished.expect(7, &["left behind: namespace ", "countersign cleanup"]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "pass");
    let left = &summary(&finished)["leftovers"][0];
    assert_eq!(
        (&left["noun"], &left["case"], &left["undone_by"]),
        (&"namespace".into(), &"lifecycle/made".into(), &"DeleteNamespace".into())
    );
    let [journal] = run.journals().try_into().expect("one journal");
    let journal: String = journal;
    assert!(
        journal.contains(left["name"].as_str().expect("a name")) && !journal.contains("correct-horse"),
        "{journal}"
    );
    run.cleanup("").expect(7, &["still there: namespace ", "AccessDeniedException"]);
    assert_eq!(run.journals().len(), 1);
}

#[rstest]
#[case::by_the_journal("", true)]
#[case::by_the_seed(" --seed 5", false)]
fn a_run_that_is_killed_is_cleaned_up_and_a_strangers_things_stay(#[case] how: &str, #[case] has_journal: bool) {
    // The server stops in the middle: it answers the first wait for the workgroup after the run is killed.
    let run = Run::on(Server::with(|operation, _| {
        if operation == "GetWorkgroup" {
            thread::sleep(Duration::from_secs(3));
        }
        None
    }));
    run.server.look(|state| state.workgroups.extend([("wg-1".to_owned(), 0)]));
    let mut program = run.program("run --claim provisioning --workgroup wg-1 lifecycle/made --seed 5");
    let mut child = spawn(&mut program);
    wait_for(|| run.server.look(|state| state.workgroups.len() == 2));
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    assert!(!run.server.is_clean());
    assert_eq!(run.journals().len(), 1);
    if !has_journal {
        std::fs::remove_dir_all(run.state.path().join("countersign")).expect("it is there");
    }
    run.cleanup(how).expect(0, &["deleted: workgroup ", "deleted: namespace "]);
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
    assert!(run.server.look(|state| state.workgroups.contains_key("wg-1")));
    run.cleanup("").expect(0, &["nothing is left behind"]);
}

#[test]
fn what_is_made_after_a_run_was_killed_does_not_keep_the_rest_from_being_deleted() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    // The workgroup comes after the first attempt to delete it, and before one to delete its namespace.
    let run = Run::on(Server::with(|operation, _| {
        match operation {
            "CreateWorkgroup" => {
                ASKED.store(true, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(600));
            }
            "DeleteNamespace" => thread::sleep(Duration::from_millis(900)),
            _ => {}
        }
        None
    }));
    let mut program = run.program("run --claim provisioning --workgroup wg-1 lifecycle/made");
    let mut child = spawn(&mut program);
    wait_for(|| ASKED.load(Ordering::Relaxed));
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    run.cleanup("").expect(0, &["deleted: workgroup ", "deleted: namespace "]);
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

/// The program, started; nobody reads what it prints.
fn spawn(program: &mut Program) -> Child {
    program.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_deletes_what_it_made() {
    let run = Run::on(Server::never_done());
    let mut program = run.program("run --claim provisioning --workgroup wg-1 lifecycle/made");
    let mut child = spawn(&mut program);
    wait_for(|| run.server.look(|state| !state.workgroups.is_empty()));
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    assert_eq!(child.wait().expect("it ended").code(), Some(130));
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

#[test]
fn a_run_at_the_end_of_its_time_deletes_what_it_made() {
    let run = Run::on(Server::never_done());
    let finished = run.run("lifecycle/made --max-time 1s");
    finished.expect(3, &["--max-time gives it more"]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "indeterminate");
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

#[test]
fn what_was_there_before_under_the_same_name_is_never_deleted() {
    let run = Run::on(Server::with(|operation, _| {
        (operation == "CreateNamespace")
            .then(|| refusal("400 Bad Request", "ConflictException", "somebody else has it"))
    }));
    let finished = run.run("lifecycle/made");
    finished.expect(1, &["its setup call 1, CreateNamespace, failed: 400 ConflictException"]);
    assert!(run.journals().is_empty());
    run.cleanup("").expect(0, &["nothing is left behind"]);
    assert!(run.server.look(|state| state.calls.iter().all(|call| !call.starts_with("Delete"))));
}

#[rstest]
#[case::at_the_workgroup("CreateWorkgroup")]
#[case::at_the_credentials("GetCredentials")]
fn an_outage_in_the_middle_is_no_violation_and_leaves_nothing(#[case] operation: &'static str) {
    // The probe is the first call of all.
    let fault: server::Fault = match operation {
        "CreateWorkgroup" => |operation, number| away(operation == "CreateWorkgroup" && number < 4),
        _ => |operation, number| away(operation == "GetCredentials" && (1..12).contains(&number)),
    };
    let run = Run::on(Server::with(fault));
    run.server.look(|state| state.workgroups.extend([("wg-1".to_owned(), 0)]));
    let finished = run.run("lifecycle --jobs 1");
    finished.expect(0, &[]);
    assert_eq!(case(&finished, "lifecycle/made")["verdict"], "pass", "{finished:#?}");
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

fn away(is_away: bool) -> Option<String> {
    is_away.then(|| answer("502 Bad Gateway", "text/html", "<h1>502 Bad Gateway</h1>"))
}

#[test]
fn nothing_is_made_where_it_cannot_be_written_down_first() {
    let run = Run::on(Server::right());
    let file = run.state.path().join("not-there/left.jsonl");
    let finished = run.run(&format!("lifecycle/made --leftovers {}", file.to_str().expect("a text")));
    finished.expect(1, &["cannot be written down first", "--leftovers names another file"]);
    assert!(run.server.look(|state| state.calls.iter().all(|call| !call.starts_with("Create"))));
}

#[test]
fn a_journal_that_a_run_names_is_worked_off_by_a_clean_up_that_names_it() {
    let run = Run::on(Server::denying("DeleteNamespace"));
    let file = run.state.path().join("left.jsonl");
    let option = format!(" --leftovers {}", file.to_str().expect("a text"));
    run.run(&format!("lifecycle/made{option}")).expect(7, &[]);
    run.server.look(|state| state.denied = None);
    run.cleanup("").expect(0, &["nothing is left behind"]);
    assert!(!run.server.is_clean());
    run.cleanup(&option).expect(0, &["deleted: namespace "]);
    assert!(run.server.is_clean() && !file.exists());
}

#[test]
fn a_clean_up_of_one_target_leaves_those_of_others() {
    let run = Run::on(Server::denying("DeleteNamespace"));
    run.run("lifecycle/made").expect(7, &[]);
    run.server.look(|state| state.denied = None);
    let other = Server::right();
    let line = format!("cleanup --fixtures {} --no-sign --endpoint {}", run.fixtures.folder(), other.stub.endpoint);
    let state = run.state.path().to_str().expect("a text");
    Program::line(&line).env("XDG_STATE_HOME", state).finish().expect(0, &["nothing is left behind"]);
    assert_eq!((run.journals().len(), other.stub.connections()), (1, 0));
    // Without a target, every one in the journals is cleaned up.
    let line = format!("cleanup --fixtures {}", run.fixtures.folder());
    Program::line(&line).signing().env("XDG_STATE_HOME", state).finish().expect(0, &["deleted: namespace "]);
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

#[rstest]
#[case::asked_by_name("lifecycle", 6, "the case lifecycle/made creates, changes or deletes something")]
#[case::asked_by_claim("--skip parameters", 6, "only with --allow-create")]
#[case::allowed("lifecycle/made --allow-create --max-calls 400", 0, "CreateNamespace, signed, creates a namespace")]
#[case::too_few_calls("lifecycle/made --allow-create --max-calls 20", 4, "none can be run with 20 calls")]
fn something_is_made_at_real_aws_only_where_it_is_allowed(
    #[case] arguments: &str,
    #[case] code: i32,
    #[case] words: &str,
) {
    let fixtures = fixtures();
    let line = format!(
        "run {arguments} --dry-run --claim provisioning --fixtures {} --target aws --workgroup wg-1 --allow-aws \
         123456789012/us-east-1/wg-1",
        fixtures.folder()
    );
    Program::line(&line).signing().finish().expect(code, &[words]);
}

#[rstest]
#[case::nothing_can_be_made(20)]
#[case::one_thing_can(30)]
#[case::both_can(60)]
#[case::enough(400)]
fn a_run_never_makes_more_calls_than_it_may_and_leaves_nothing(#[case] calls: usize) {
    // The plan does not fit into few calls, so the guard behind the plan is tried: nobody trims the plan of repeats.
    let run = Run::on(Server::never_done());
    run.server.look(|state| state.workgroups.extend([("wg-1".to_owned(), 0)]));
    let finished = run.run(&format!("lifecycle success --max-calls {calls}"));
    let made = run.server.look(|state| state.calls.len());
    assert!(made <= calls, "{made} calls: {finished:#?}");
    assert_eq!(summary(&finished)["calls"], made);
    assert!(run.server.is_clean() && run.journals().is_empty(), "{:?}", run.journals());
}

#[test]
fn what_has_the_tag_of_a_run_is_tagged_only_where_it_is_asked_for() {
    let tags = |arguments: &str| {
        let run = Run::on(Server::right());
        run.run(&format!("lifecycle/made --seed 7 {arguments}"));
        run.server.look(|state| std::mem::take(&mut state.tags))
    };
    assert_eq!(tags(""), Vec::<String>::new());
    let tag = r#"[{"key":"countersign-run","value":"7"}]"#;
    assert_eq!(tags("--allow-create"), [tag, tag]);
}

#[test]
fn things_at_real_aws_stay_in_the_journal_until_it_may_be_asked() {
    let run = Run::on(Server::right());
    let thing = r#"{"noun":"namespace","name":"n","case":"a/b","undone_by":"DeleteNamespace","input":{"namespaceName":"n"},
        "endpoint":"https://redshift-serverless.us-east-1.amazonaws.com/","region":"us-east-1"}"#;
    let file = run.state.path().join("left.jsonl");
    let line = format!(r#"{{"made":{{"id":1,"version":1,"thing":{}}}}}"#, thing.replace('\n', ""));
    std::fs::write(&file, line + "\n").expect("writable");
    let words = ["still there: namespace n", "real AWS is off; add --target aws --allow-aws"];
    let line = format!("cleanup --fixtures {} --leftovers {}", run.fixtures.folder(), file.to_str().expect("a text"));
    Program::line(&line).signing().finish().expect(7, &words);
    Program::line("cleanup --tagged").finish().expect(2, &["--tagged needs the target of that run"]);
    Program::line("cleanup --tagged x --endpoint http://127.0.0.1:1")
        .finish()
        .expect(2, &["expected the seed of a run, or nothing for any run, found \"x\""]);
}
