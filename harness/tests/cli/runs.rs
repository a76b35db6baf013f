//! Runs as a user makes them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use rstest::rstest;
use serde_json::Value;

use crate::program::Program;
use crate::stub::Stub;

/// `serve emulator`, stopped when dropped.
pub(crate) struct Served {
    child: Child,
    ready: Value,
}

impl Served {
    pub(crate) fn emulator(arguments: &[&str]) -> Self {
        let all = [&["serve", "emulator", "--listen", "127.0.0.1:0", "--format", "json"], arguments].concat();
        let mut program = Program::new(&all);
        let mut child = program.command().stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        Self { child, ready: serde_json::from_str(&line).expect("one line of JSON") }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Program {
        let text = |name: &str| self.ready[name].as_str().expect("a text").to_owned();
        let mut all = vec!["run".to_owned(), "--endpoint".to_owned(), text("endpoint")];
        all.extend(["--workgroup".to_owned(), self.ready["workgroups"][0].as_str().expect("a text").to_owned()]);
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Program::new(&all)
            .env("AWS_ACCESS_KEY_ID", &text("access_key_id"))
            .env("AWS_SECRET_ACCESS_KEY", &text("secret_access_key"))
            .env("AWS_REGION", &text("region"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn without_arguments_the_embedded_emulator_is_certified() {
    Program::new(&[]).finish().expect(0, &["emulator", "conformant for core"]);
}

#[test]
fn the_mock_passes_every_case() {
    Program::new(&["run", "--target", "mock"]).finish().expect(0, &["conformant for core"]);
}

#[test]
fn the_served_emulator_is_certified_over_the_network_with_all_its_features() {
    let served = Served::emulator(&[]);
    let domain = served.ready["custom_domains"][0].as_str().expect("a text").to_owned();
    let finished = served.run(&["--claim", "signature,custom-domain", "--custom-domain", &domain]).finish();
    finished.expect(0, &["conformant for core"]);
}

#[test]
fn an_emulator_behind_a_defect_fails_for_what_the_defect_breaks() {
    let served = Served::emulator(&["--defect", "validation-422"]);
    served.run(&[]).finish().expect(1, &["GC-ERR-03", "422"]);
}

/// What a server says when it is ready, up to a line that holds `last`.
fn ready_text(arguments: &[&str], last: &str) -> String {
    let mut program = Program::new(&[&["serve", "emulator", "--listen", "127.0.0.1:0"], arguments].concat());
    let mut child = program.command().stdout(Stdio::piped()).spawn().expect("the binary runs");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map(|line| line.expect("UTF-8"));
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
        if line.contains(last) {
            break;
        }
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    text
}

#[test]
fn a_defect_that_is_not_there_leads_to_the_one_that_was_meant() {
    Program::new(&["serve", "emulator", "--defect", "clamped"]).finish().expect(2, &["did you mean duration-clamped"]);
    Program::new(&["selftest", "duration_clamped"]).finish().expect(4, &["did you mean duration-clamped?"]);
}

#[test]
fn a_served_defect_or_legal_variant_is_said_at_the_start() {
    let text = ready_text(&["--defect", "validation-422"], "countersign run");
    assert!(text.contains("  defect          validation-422: "), "{text}");
    assert!(text.contains("  breaks          GC-ERR-03, GW-ERR-03, LW-ERR-03\n"), "{text}");
    let text = ready_text(&["--defect", "type-in-code"], "countersign run");
    assert!(text.contains("  legal variant   type-in-code: ") && !text.contains("breaks"), "{text}");
    let text = ready_text(&[], "countersign run");
    assert!(!text.contains("defect") && text.contains("\ncountersign run --endpoint http://127.0.0.1:"), "{text}");
}

#[test]
fn an_emulator_behind_a_legal_variant_is_certified() {
    let served = Served::emulator(&["--defect", "chunked-answers"]);
    served.run(&[]).finish().expect(0, &["conformant for core"]);
}

#[test]
fn a_defect_that_does_not_exist_is_exit_2() {
    let arguments = ["serve", "emulator", "--listen", "127.0.0.1:0", "--defect", "nothing"];
    Program::new(&arguments).finish().expect(2, &["no defect \"nothing\"", "list defects"]);
}

#[test]
fn a_self_test_prints_its_numbers_and_writes_them_as_json() {
    let mut program = Program::new(&["selftest", "success-201", "chunked-answers", "--report-json", "s.json"]);
    program.finish().expect(0, &["1 of 1 defects found (100 %)", "0 of 1 legal variants accused"]);
    let report = fs::read_to_string(program.folder().join("s.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let numbers = ["defects", "killed", "attributed", "legal", "accused"].map(|name| report[name].as_u64());
    assert_eq!(numbers, [1, 1, 1, 1, 0].map(Some));
    assert_eq!((&report["survivors"], &report["accusations"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
}

#[test]
fn a_self_test_of_nothing_is_exit_4() {
    Program::new(&["selftest", "no-such-defect"]).finish().expect(4, &["matches no defect"]);
}

#[test]
fn a_wrong_secret_ends_the_run_with_exit_2() {
    let served = Served::emulator(&[]);
    served
        .run(&[])
        .env("AWS_SECRET_ACCESS_KEY", "wrong")
        .finish()
        .expect(2, &["InvalidSignatureException", "refuses the credentials"]);
}

#[test]
fn without_a_workgroup_cases_are_blocked_with_the_flag_named() {
    let served = Served::emulator(&[]);
    let endpoint = served.ready["endpoint"].as_str().expect("a text").to_owned();
    let key = served.ready["access_key_id"].as_str().expect("a text");
    let secret = served.ready["secret_access_key"].as_str().expect("a text");
    let mut program = Program::new(&["run", "--endpoint", &endpoint])
        .env("AWS_ACCESS_KEY_ID", key)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    program.finish().expect(1, &["blocked", "--workgroup"]);
}

#[test]
fn all_reports_of_a_run_agree() {
    let mut program =
        Program::new(&["run", "--report-json", "r.json", "--report-jsonl", "r.jsonl", "--report-junit", "r.xml"]);
    program.finish().expect(0, &["conformant"]);
    let read = |name: &str| fs::read_to_string(program.folder().join(name)).expect("the report is there");
    let whole: Value = serde_json::from_str(&read("r.json")).expect("JSON");
    let lines: Vec<Value> = read("r.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("an event")).collect();
    assert_eq!((events.first(), events.last()), (Some(&"run"), Some(&"summary")));
    let cases: Vec<&str> =
        lines.iter().filter(|line| line["event"] == "case").map(|line| line["id"].as_str().expect("an id")).collect();
    assert_eq!(cases.len(), whole["cases"].as_array().expect("a list").len());
    assert_eq!(cases.len(), read("r.xml").matches("<testcase ").count());
    assert_eq!(lines.last().expect("a summary")["verdicts"], whole["summary"]["verdicts"]);
    assert_eq!(whole["summary"]["conformant"], true);
    assert_eq!(whole["summary"]["complete"], true);
    let mut leftovers = fs::read_dir(program.folder()).expect("a folder").count();
    leftovers -= 3;
    assert_eq!(leftovers, 0, "no temporary file is left");
}

#[test]
fn the_stream_on_standard_output_is_all_there_is_on_it() {
    let finished = Program::new(&["run", "success/**", "--format", "jsonl"]).finish();
    finished.expect(0, &[]);
    for line in finished.stdout.lines() {
        serde_json::from_str::<Value>(line).expect("every line is JSON");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let ids = |seed: &str| {
        let finished = Program::new(&["run", "errors/unknown-workgroup", "--seed", seed, "--format", "jsonl"]).finish();
        let case = finished.stdout.lines().find(|line| line.contains("\"event\":\"case\"")).expect("a case").to_owned();
        let repro = serde_json::from_str::<Value>(&case).expect("JSON")["repro"].as_str().expect("a line").to_owned();
        repro.split("--data-binary").nth(1).and_then(|rest| rest.split("http").next()).expect("a body").to_owned()
    };
    assert_eq!(ids("7"), ids("7"));
    assert_ne!(ids("7"), ids("8"));
}

#[test]
fn shards_are_complete_and_disjoint() {
    let selected = |shard: &str| -> Vec<String> {
        let finished = Program::new(&["run", "--dry-run", "--shard", shard]).finish();
        finished.expect(0, &[]).stdout.lines().map(str::to_owned).collect()
    };
    let parts: Vec<String> = ["1/3", "2/3", "3/3"].into_iter().flat_map(selected).collect();
    let whole = selected("1/1");
    assert_eq!(parts.len(), whole.len());
    assert_eq!(parts.into_iter().collect::<BTreeSet<_>>(), whole.into_iter().collect());
}

#[test]
fn a_case_runs_as_often_as_asked_and_is_reported_once() {
    let finished =
        Program::new(&["run", "success/workgroup-only", "--repeat", "50", "--jobs", "4", "--format", "jsonl"]).finish();
    let lines: Vec<Value> =
        finished.expect(0, &[]).stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let cases: Vec<_> = lines.iter().filter(|line| line["event"] == "case").collect();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["runs"], 50);
}

#[rstest]
#[case::level(&["--level", "should"])]
#[case::requirement(&["--requirement", "GC-DUR-02"])]
fn a_filter_leaves_cases_that_cite_it(#[case] filter: &[&str]) {
    let mut arguments = vec!["run", "--dry-run"];
    arguments.extend(filter);
    let some = Program::new(&arguments).finish();
    let all = Program::new(&["run", "--dry-run"]).finish();
    assert!((1..all.stdout.lines().count()).contains(&some.expect(0, &[]).stdout.lines().count()));
}

#[test]
fn the_variable_of_a_flag_counts_and_the_flag_beats_it() {
    let count = |program: Program| {
        let mut program = program;
        program.finish().expect(0, &[]).stdout.lines().count()
    };
    let by_variable = count(Program::new(&["run", "--dry-run"]).env("COUNTERSIGN_SHARD", "1/10"));
    let by_flag = count(Program::new(&["run", "--dry-run", "--shard", "1/1"]).env("COUNTERSIGN_SHARD", "1/10"));
    assert!(by_variable < by_flag, "{by_variable} and {by_flag}");
}

#[test]
fn a_named_target_beats_the_endpoint_of_the_environment_and_the_other_way_round() {
    let stub = Stub::answering(crate::stub::answer("404 Not Found", "text/plain", "nothing here"));
    let run = |arguments: &[&str], name: &str, value: &str| {
        Program::new(arguments).env(name, value).env("COUNTERSIGN_NO_SIGN", "true").finish()
    };
    run(&["run", "success/**", "--target", "mock"], "COUNTERSIGN_ENDPOINT", &stub.endpoint).expect(0, &["of mock"]);
    run(&["run", "--endpoint", &stub.endpoint], "COUNTERSIGN_TARGET", "mock").expect(1, &["nothing here"]);
    run(&["run"], "COUNTERSIGN_ENDPOINT", &stub.endpoint).expect(1, &["nothing here"]);
    run(&["run"], "COUNTERSIGN_TARGET", "nowhere").expect(2, &["nowhere"]);
}

#[rstest]
#[case::service("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS")]
#[case::global("AWS_ENDPOINT_URL")]
fn the_endpoint_variables_of_the_sdks_count_only_where_no_target_is_named(#[case] variable: &str) {
    let stub = Stub::answering(crate::stub::answer("404 Not Found", "text/plain", "nothing here"));
    let run = |arguments: &[&str]| {
        Program::new(arguments).env(variable, &stub.endpoint).env("COUNTERSIGN_NO_SIGN", "true").finish()
    };
    run(&["run"]).expect(1, &["nothing here"]);
    let before = stub.connections();
    run(&["run", "success/**", "--target", "emulator"]);
    assert_eq!(stub.connections(), before);
}

#[cfg(unix)]
#[test]
fn an_interruption_writes_an_incomplete_report_and_is_exit_130() {
    use std::sync::mpsc;
    let (asked, wait) = mpsc::channel();
    let asked = std::sync::Mutex::new(asked);
    let right = r#"{"dbPassword":"p","dbUser":"u","expiration":1,"nextRefreshTime":1}"#;
    let answered = std::sync::atomic::AtomicBool::new(false);
    // The probe is answered; whatever comes next waits for ever.
    let stub = Stub::new(move |stream, _| {
        use std::io::Write;
        if !answered.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let _ = stream.write_all(crate::stub::answer("200 OK", "application/x-amz-json-1.1", right).as_bytes());
            return;
        }
        let _ = asked.lock().expect("one thread at a time").send(());
        loop {
            std::thread::park();
        }
    });
    let mut program = Program::run_at(&stub.endpoint, &["--jobs", "1", "--timeout", "600", "--report-json", "r.json"]);
    let child = program.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    wait.recv().expect("a case is in flight");
    let status =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(status.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: Value =
        serde_json::from_str(&fs::read_to_string(program.folder().join("r.json")).expect("a report")).expect("JSON");
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["conformant"], false);
}

#[rstest]
#[case(&["list"], "success/workgroup-only")]
#[case(&["list", "requirements"], "GC-DUR-02")]
#[case(&["list", "features"], "custom-domain")]
#[case(&["explain", "GC-DUR-02"], "parameters/duration-outside")]
#[case(&["explain", "gc-dur-02"], "--aws-sigv4")]
#[case(&["explain", "parameters/duration-outside"], "899")]
#[case(&["explain", "parameters/duration-outside/899"], "success/workgroup-only")]
#[case(&["list", "defects"], "duration-clamped")]
#[case(&["explain", "duration-clamped"], "GC-DUR-02")]
#[case(&["explain", "GC-DUR-02"], "duration-clamped")]
#[case(&["explain", "parameters/duration-outside"], "breaks        what only the prose of the documents says")]
#[case(&["explain", "duration-clamped"], "countersign serve emulator --defect duration-clamped")]
#[case(&["explain", "duration-clamped"], "countersign run --endpoint http://127.0.0.1:4567 --workgroup countersign-emulator --requirement GC-DUR-02")]
#[case(&["explain", "duration-clamped"], "--aws-sigv4")]
#[case(&["explain", "parameters"], "parameters/duration-outside  A duration outside")]
#[case(&["explain", "errors"], "countersign sdk run --driver boto3 errors")]
#[case(&["explain", "core"], "the operation itself, by workgroup name")]
#[case(&["explain", "signature"], "a feature: requests with a missing or wrong signature are refused")]
#[case(&["explain", "iam"], "GC-IAM-01  needs a target that checks policies")]
#[case(&["explain", "iam"], "not yet: nothing of it is judged yet, so --claim iam ends with exit code 2")]
#[case(&["explain", "provisioning"], "not yet: it has no requirement yet")]
#[case(&["explain", "custom-domain"], "--workgroup my-workgroup --custom-domain db.example.com")]
#[case(&["list", "features"], "identities without permission are refused; not judged yet")]
#[case(&["list", "--help"], "requirements")]
#[case(&["validate"], "legal variants")]
fn what_there_is_can_be_looked_up_without_a_network(#[case] arguments: &[&str], #[case] said: &str) {
    Program::new(arguments).finish().expect(0, &[said]);
}

#[rstest]
#[case("core")]
#[case("signature")]
#[case("iam")]
#[case("provisioning")]
#[case("custom-domain")]
#[case("login")]
#[case("clock")]
fn what_explain_says_of_claiming_a_feature_is_what_a_run_does(#[case] feature: &str) {
    let finished = Program::new(&["explain", feature, "--format", "json"]).finish();
    let about: Value = serde_json::from_str(&finished.expect(0, &[]).stdout).expect("JSON");
    // A suite of the same name has the feature in it.
    let about = about.get("feature").unwrap_or(&about);
    let claimable = about["claimable"].as_bool().expect("a boolean");
    assert_eq!(about["example"].is_string(), claimable, "{about:#}");
    let line = about["example"].as_str().map_or_else(|| format!("countersign run --claim {feature}"), str::to_owned);
    let words: Vec<&str> = line.split(' ').skip(1).chain(["--dry-run"]).collect();
    let said = if claimable { "success/workgroup-only" } else { "is judged yet" };
    Program::new(&words).finish().expect(if claimable { 0 } else { 2 }, &[said]);
}

#[rstest]
#[case("cases")]
#[case("requirements")]
#[case("features")]
#[case("defects")]
fn a_listing_as_json_is_a_list_of_things_with_ids(#[case] what: &str) {
    let finished = Program::new(&["list", what, "--format", "json"]).finish();
    let rows: Vec<Value> = serde_json::from_str(&finished.expect(0, &[]).stdout).expect("a list");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["id"].is_string()));
}

#[test]
fn the_side_selects_requirements_too_and_nothing_that_has_none() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let finished = Program::new(&[&["list", "requirements", "--format", "json"], arguments].concat()).finish();
        let rows: Vec<Value> = serde_json::from_str(&finished.expect(0, &[]).stdout).expect("a list");
        rows.iter().map(|row| format!("{} {}", row["side"], row["id"])).collect()
    };
    let (all, servers, clients) = (ids(&[]), ids(&["--side", "server"]), ids(&["--side", "client"]));
    assert!(servers.iter().all(|id| id.contains("server")) && clients.iter().all(|id| id.contains("client")));
    assert!(!servers.is_empty() && !clients.is_empty());
    assert_eq!(servers.len() + clients.len(), all.len());
    Program::new(&["list", "features", "--side", "client"])
        .finish()
        .expect(2, &["--side selects cases or requirements"]);
}

#[rstest]
#[case(&["list", "cases", "--format", "json"], "list")]
#[case(&["list", "cases", "--side", "client", "--format", "json"], "list")]
#[case(&["list", "requirements", "--format", "json"], "list")]
#[case(&["list", "features", "--format", "json"], "list")]
#[case(&["list", "defects", "--format", "json"], "list")]
#[case(&["list", "drivers", "--format", "json"], "list")]
#[case(&["explain", "GC-DUR-02", "--format", "json"], "explanation")]
#[case(&["explain", "parameters/duration-outside", "--format", "json"], "explanation")]
#[case(&["explain", "requests/all-members", "--format", "json"], "explanation")]
#[case(&["explain", "duration-clamped", "--format", "json"], "explanation")]
#[case(&["explain", "signature", "--format", "json"], "explanation")]
#[case(&["explain", "core", "--format", "json"], "explanation")]
#[case(&["explain", "iam", "--format", "json"], "explanation")]
#[case(&["sdk", "list", "--format", "json"], "sdk-list")]
#[case(&["selftest", "duration-clamped", "--report-json", "-"], "selftest")]
fn what_is_for_programs_is_as_its_schema_says(#[case] arguments: &[&str], #[case] schema: &str) {
    let finished = Program::new(arguments).finish();
    is_as_its_schema_says(serde_json::from_str(&finished.expect(0, &[]).stdout).expect("JSON"), schema);
}

#[test]
fn the_ready_line_of_the_emulator_is_as_its_schema_says() {
    is_as_its_schema_says(Served::emulator(&[]).ready.clone(), "emulator-ready");
}

#[rstest]
#[case::core("duration-clamped")]
#[case::signature("unsigned-taken")]
#[case::custom_domain("custom-domain-refused")]
fn the_commands_that_explain_gives_for_a_defect_show_it(#[case] id: &str) {
    let finished = Program::new(&["explain", id, "--format", "json"]).finish();
    let about: Value = serde_json::from_str(&finished.expect(0, &[]).stdout).expect("JSON");
    let served = Served::emulator(&["--defect", id]);
    let command = about["run"].as_str().expect("a command").to_owned();
    // It listens elsewhere than usual here.
    let endpoint = served.ready["endpoint"].as_str().expect("a text").trim_end_matches('/');
    let command = command.replace("http://127.0.0.1:4567", endpoint);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let text = |name: &str| served.ready[name].as_str().expect("a text").to_owned();
    let mut program = Program::new(&words)
        .env("AWS_ACCESS_KEY_ID", &text("access_key_id"))
        .env("AWS_SECRET_ACCESS_KEY", &text("secret_access_key"));
    let blamed = about["requirements"][0].as_str().expect("an id");
    program.finish().expect(1, &["fail", blamed]);
}

fn is_as_its_schema_says(mut found: Value, schema: &str) {
    let path = format!("{}/schemas/{schema}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("the schema is there")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> =
        validator.iter_errors(&found).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    match &mut found {
        Value::Array(rows) => rows.push(Value::from(1)),
        // The ready line has no version: its keys are older than that rule.
        Value::Object(members) => _ = members.remove("version").or_else(|| members.remove("endpoint")),
        other => panic!("a list or an object, found {other}"),
    }
    assert!(!validator.is_valid(&found), "the schema takes anything");
}

/// Whether a line begins with the id of a requirement.
fn is_id(line: &str) -> bool {
    ["GC-", "GW-", "LW-"].iter().any(|prefix| line.starts_with(prefix))
}

#[test]
fn the_register_as_a_table_has_a_line_for_each_requirement_with_its_cases() {
    let finished = Program::new(&["list", "requirements", "--format", "md"]).finish();
    let lines: Vec<&str> = finished.expect(0, &["| id |"]).stdout.lines().collect();
    let text = Program::new(&["list", "requirements"]).finish().stdout;
    assert_eq!(lines.len(), text.lines().filter(|line| is_id(line)).count() + 2);
    let row = lines.iter().find(|line| line.starts_with("| GC-DUR-02 |")).expect("the requirement is there");
    assert!(row.contains("parameters/duration-outside"), "{row}");
}

#[test]
fn the_register_as_text_names_the_cases_and_defects_of_each_requirement() {
    let text = Program::new(&["list", "requirements"]).env("COLUMNS", "200").finish().stdout;
    let wanted = ["GC-DUR-08", "cases: parameters/duration-below", "defects: "];
    let mut from = text.as_str();
    for words in wanted {
        let at = from.find(words).unwrap_or_else(|| panic!("no {words} in {from}"));
        from = &from[at..];
    }
}

#[test]
fn the_committed_schemas_are_what_the_shapes_and_formats_give() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
    Program::new(&["schema", "--check", "--dir", folder]).finish().expect(0, &["schemas"]);
}
