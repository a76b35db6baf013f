//! Runs as a user makes them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use rstest::rstest;
use serde_json::Value;

use crate::program::{Program, events};
use crate::stub_server::{Stub, answer};

/// `serve emulator`, stopped when dropped.
pub(crate) struct Served {
    child: Child,
    ready: Value,
}

impl Served {
    pub(crate) fn emulator(arguments: &[&str]) -> Self {
        Self::emulator_with(arguments, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn emulator_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::server(&[&["emulator"], arguments].concat(), variables)
    }

    /// A server of ours by its name, with its other arguments.
    pub(crate) fn server(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (name, arguments) = arguments.split_first().expect("a name");
        let all = [&["serve", name, "--listen", "127.0.0.1:0", "--format", "json"], arguments].concat();
        let mut program = variables.iter().fold(Program::new(&all), |program, (name, value)| program.env(name, value));
        let mut child = program.command().stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        Self { child, ready: serde_json::from_str(&line).expect("one line of JSON") }
    }

    /// What it says of itself.
    pub(crate) fn value_of(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Program {
        self.program(&[&["run"], arguments].concat())
    }

    /// The program with a command at this server.
    pub(crate) fn program(&self, command: &[&str]) -> Program {
        let workgroup = self.ready["workgroups"][0].as_str().expect("a text");
        let at = ["--endpoint", self.value_of("endpoint"), "--workgroup", workgroup];
        self.signing(Program::new(&[command, &at].concat())).env("AWS_REGION", self.value_of("region"))
    }

    /// The program with the credentials that it takes.
    fn signing(&self, program: Program) -> Program {
        let program = program.env("AWS_ACCESS_KEY_ID", self.value_of("access_key_id"));
        program.env("AWS_SECRET_ACCESS_KEY", self.value_of("secret_access_key"))
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
    let domain = served.ready["custom_domains"][0].as_str().expect("a text");
    let mut program = served.run(&["--claim", "signature,custom-domain", "--custom-domain", domain]);
    program.finish().expect(0, &["conformant for core"]);
}

#[test]
fn an_emulator_behind_a_legal_variant_is_certified() {
    let served = Served::emulator(&["--defect", "chunked-answers"]);
    served.run(&[]).finish().expect(0, &["conformant for core"]);
}

/// What the emulator says when it is ready.
fn ready_text(arguments: &[&str]) -> String {
    let mut program = Program::new(&[&["serve", "emulator", "--listen", "127.0.0.1:0"], arguments].concat());
    let mut child = program.command().stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut text = String::new();
    while !text.contains("countersign run") {
        assert_ne!(out.read_line(&mut text).expect("UTF-8"), 0, "it says how to judge it: {text}");
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    text
}

#[test]
fn a_defect_that_is_not_there_leads_to_the_one_that_was_meant() {
    Program::new(&["serve", "emulator", "--defect", "clamped"])
        .finish()
        .expect(2, &["no defect \"clamped\"", "did you mean duration-clamped", "list defects"]);
    Program::new(&["selftest", "duration_clamped"])
        .finish()
        .expect(4, &["matches no defect (did you mean duration-clamped?"]);
}

#[test]
fn a_served_defect_or_legal_variant_is_said_at_the_start() {
    let text = ready_text(&["--defect", "validation-422"]);
    assert!(text.contains("  defect          validation-422: "), "{text}");
    assert!(
        text.contains(
            "  breaks          GC-ERR-03, GW-ERR-03, LW-ERR-03, GN-ERR-03, GD-ERR-03, LT-ERR-03, LN-ERR-03, LD-ERR-03\n"
        ),
        "{text}"
    );
    let text = ready_text(&["--defect", "type-in-code"]);
    assert!(text.contains("  legal variant   type-in-code: ") && !text.contains("breaks"), "{text}");
    let text = ready_text(&[]);
    assert!(!text.contains("defect") && text.contains("\ncountersign run --endpoint http://127.0.0.1:"), "{text}");
}

#[test]
fn a_served_defect_can_close_the_connection() {
    let words = "The server seems to crash on this request: look at its log";
    let served = Served::emulator(&["--defect", "bad-json-hung-up"]);
    served.run(&["protocol/not-json", "success/workgroup-only"]).finish().expect(1, &["1 pass", "GC-PROTO-03", words]);
    let served = Served::emulator(&["--defect", "other-methods-hung-up"]);
    served.run(&["protocol/method"]).finish().expect(0, &["3 pass"]);
}

#[test]
fn a_self_test_prints_its_numbers_and_writes_them_as_json() {
    let mut program = Program::new(&["selftest", "success-201", "chunked-answers", "--report-json", "s.json"]);
    program.finish().expect(0, &["1 of 1 defects found (100 %)", "0 of 1 legal variants accused"]);
    let report = program.json("s.json");
    let numbers = ["defects", "killed", "attributed", "legal", "accused"].map(|name| report[name].as_u64());
    assert_eq!(numbers, [1, 1, 1, 1, 0].map(Some));
    assert_eq!((&report["survivors"], &report["accusations"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
}

#[test]
fn a_self_test_leaves_nothing_for_a_clean_up() {
    let state = tempfile::tempdir().expect("a folder");
    let mut program = Program::new(&["selftest", "shown-with-another-name"])
        .env("XDG_STATE_HOME", state.path().to_str().expect("a text"));
    program.finish().expect(0, &["1 of 1 defects found (100 %)"]);
    assert!(state.path().read_dir().expect("the folder").next().is_none());
}

#[test]
fn a_wrong_secret_ends_the_run_with_exit_2() {
    let served = Served::emulator(&[]);
    let mut program = served.run(&[]).env("AWS_SECRET_ACCESS_KEY", "wrong");
    program.finish().expect(2, &["InvalidSignatureException", "refuses the credentials"]);
}

#[test]
fn a_missing_signature_is_no_matter_of_credentials() {
    let served = Served::emulator(&[]);
    for (command, advice) in [("run", ". Leave out --no-sign"), ("doctor", "to do: leave out --no-sign")] {
        let mut program = Program::new(&[command, "--endpoint", served.value_of("endpoint"), "--no-sign"]);
        let finished = program.finish();
        finished.expect(2, &["refuses a request without a signature: ", advice]);
        assert!(!format!("{finished:?}").contains("AWS_ACCESS_KEY_ID"), "{finished:#?}");
    }
}

#[rstest]
#[case("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
#[case("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")]
fn one_key_without_the_other_is_told(#[case] set: &str, #[case] missing: &str) {
    let mut program = Program::line("run --endpoint http://127.0.0.1:1 --workgroup wg-1").env(set, "test");
    program.finish().expect(2, &[&format!("{set} is set, but {missing} is not: set both, or neither")]);
}

#[test]
fn a_quiet_dry_run_prints_the_ids_of_the_selected_cases_alone() {
    let finished = Program::line("run --dry-run --quiet errors/unknown-workgroup success/workgroup-only").finish();
    finished.expect(0, &[]);
    assert_eq!(finished.stdout.lines().collect::<Vec<_>>(), ["errors/unknown-workgroup", "success/workgroup-only"]);
}

#[test]
fn allowing_aws_in_the_environment_leaves_other_targets_alone() {
    let mut program = Program::line("run success --dry-run").env("COUNTERSIGN_ALLOW_AWS", "123456789012/us-east-1/wg");
    program.finish().expect(0, &["success/workgroup-only"]);
}

#[test]
fn without_a_workgroup_cases_are_blocked_with_the_flag_named() {
    let served = Served::emulator(&[]);
    let program = Program::new(&["run", "--endpoint", served.value_of("endpoint")]);
    served.signing(program).finish().expect(1, &["blocked", "--workgroup"]);
}

#[test]
fn all_reports_of_a_run_agree() {
    let mut program = Program::line("run --report-json r.json --report-jsonl r.jsonl --report-junit r.xml");
    program.finish().expect(0, &["conformant"]);
    let (whole, events) = (program.json("r.json"), events(&program.read("r.jsonl")));
    let summary = events.last().expect("a summary");
    assert_eq!((&events[0]["event"], &summary["event"]), (&"run".into(), &"summary".into()));
    let cases = events.iter().filter(|event| event["event"] == "case").count();
    assert_eq!(cases, whole["cases"].as_array().expect("a list").len());
    assert_eq!(cases, program.read("r.xml").matches("<testcase ").count());
    assert_eq!(summary["verdicts"], whole["summary"]["verdicts"]);
    assert_eq!(whole["summary"]["conformant"], true);
    assert_eq!(whole["summary"]["complete"], true);
    let files = fs::read_dir(program.folder()).expect("a folder").count();
    assert_eq!(files, 3, "no temporary file is left");
}

#[test]
fn the_stream_on_standard_output_is_all_there_is_on_it() {
    let finished = Program::new(&["run", "success/**", "--format", "jsonl"]).finish();
    assert!(events(&finished.expect(0, &[]).stdout).len() > 1);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let ids = |seed: &str| {
        let finished = Program::new(&["run", "errors/unknown-workgroup", "--seed", seed, "--format", "jsonl"]).finish();
        let case = &events(&finished.stdout)[1];
        let repro = case["repro"].as_str().expect("a line");
        repro.split("--data-binary").nth(1).and_then(|rest| rest.split("http").next()).expect("a body").to_owned()
    };
    assert_eq!(ids("7"), ids("7"));
    assert_ne!(ids("7"), ids("8"));
}

#[test]
fn a_case_runs_as_often_as_asked_and_is_reported_once() {
    let finished = Program::line("run success/workgroup-only --repeat 50 --jobs 4 --format jsonl").finish();
    let mut cases = events(&finished.expect(0, &[]).stdout);
    cases.retain(|event| event["event"] == "case");
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["runs"], 50);
}

#[rstest]
#[case::level(&["--level", "should"])]
#[case::requirement(&["--requirement", "GC-DUR-02"])]
fn a_filter_leaves_cases_that_cite_it(#[case] filter: &[&str]) {
    let some = Program::new(&[&["run", "--dry-run"], filter].concat()).finish();
    let all = Program::new(&["run", "--dry-run"]).finish();
    assert!((1..all.stdout.lines().count()).contains(&some.expect(0, &[]).stdout.lines().count()));
}

#[test]
fn the_variable_of_a_flag_counts_and_the_flag_beats_it() {
    let count = |mut program: Program| program.finish().expect(0, &[]).stdout.lines().count();
    let by_variable = count(Program::new(&["run", "--dry-run"]).env("COUNTERSIGN_SHARD", "1/10"));
    let by_flag = count(Program::new(&["run", "--dry-run", "--shard", "1/1"]).env("COUNTERSIGN_SHARD", "1/10"));
    assert!(by_variable < by_flag, "{by_variable} and {by_flag}");
}

#[test]
fn a_named_target_beats_the_endpoint_of_the_environment_and_the_other_way_round() {
    let stub = Stub::answering(answer("404 Not Found", "text/plain", "nothing here"));
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
    let stub = Stub::answering(answer("404 Not Found", "text/plain", "nothing here"));
    let run = |arguments: &[&str]| {
        Program::new(arguments).env(variable, &stub.endpoint).env("COUNTERSIGN_NO_SIGN", "true").finish()
    };
    run(&["run"]).expect(1, &["nothing here"]);
    let before = stub.connections();
    run(&["run", "success/**", "--target", "emulator"]);
    assert_eq!(stub.connections(), before);
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
#[case(&["list", "operations"], "GetCredentials  ")]
#[case(&["list", "operations"], " cases on GW-*)")]
#[case(&["list", "operations"], "Creates a namespace. (no case on CN-*)")]
#[case(&["explain", "CreateNamespace"], "run           not yet: no case is about it")]
#[case(&["list", "suites"], "list-workgroups                  ListWorkgroups: ")]
#[case(&["list", "suites", "--format", "md"], "| id | operation | cases |")]
#[case(&["list", "cases", "--operation", "ListWorkgroups"], "list-workgroups/everything")]
#[case(&["explain", "ListWorkgroups"], "countersign run --endpoint http://localhost:4566 --operation ListWorkgroups")]
#[case(&["explain", "getcredentials"], "run           by default")]
#[case(&["explain", "list-workgroups/everything"], "countersign run --operation ListWorkgroups list-workgroups/everything")]
#[case(&["explain", "list-workgroups/everything"], "operation     ListWorkgroups")]
#[case(&["explain", "parameters/duration-outside"], "GC-DUR-02  must    ")]
#[case(&["run", "--help"], "The operation that the cases are about; `countersign list operations` shows them all")]
#[case(&["explain", "core"], "what every server with the operation must do")]
#[case(&["explain", "core"], "counts        GetCredentials 58, GetCustomDomainAssociation 26, GetNamespace 24, GetWorkgroup 24,")]
#[case(&["list", "features"], "custom-domain     GetCredentials 8 must-requirements: workgroups can be addressed")]
#[case(&["explain", "signature"], "a feature: requests with a missing or wrong signature are refused")]
#[case(&["explain", "iam"], "GC-IAM-02  The documents contradict each other")]
#[case(&["explain", "clock"], "counts        GetCredentials 1 must-requirements")]
#[case(&["explain", "provisioning"], "counts        GetCredentials 5 must-requirements")]
#[case(&["explain", "custom-domain"], "--workgroup my-workgroup --custom-domain db.example.com")]
#[case(&["list", "features"], "clock             GetCredentials 1 must-requirements: the target's clock can be moved")]
#[case(&["list", "--help"], "requirements")]
#[case(&["validate"], "legal variants")]
fn what_there_is_can_be_looked_up_without_a_network(#[case] arguments: &[&str], #[case] expected: &str) {
    Program::new(arguments).finish().expect(0, &[expected]);
}

#[rstest]
#[case("core")]
#[case("signature")]
#[case("iam")]
#[case("provisioning")]
#[case("custom-domain")]
#[case("login")]
#[case("clock")]
#[case("denied-workgroup")]
fn what_explain_says_of_claiming_a_feature_is_what_a_run_does(#[case] feature: &str) {
    let finished = Program::new(&["explain", feature, "--format", "json"]).finish();
    let about = finished.expect(0, &[]).json();
    // A suite of the same name has the feature in it.
    let about = about.get("feature").unwrap_or(&about);
    let claimable = about["claimable"].as_bool().expect("a boolean");
    assert_eq!(about["example"].is_string(), claimable, "{about:#}");
    let line = about["example"]
        .as_str()
        .map_or_else(|| format!("countersign run --target emulator --claim {feature}"), str::to_owned);
    let line = line.replacen("countersign ", "", 1) + " --dry-run";
    // What stands between quotes is one word.
    let words = line.split('\'').enumerate().flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part],
    });
    let words: Vec<&str> = words.collect();
    let expected = if claimable { "success/workgroup-only" } else { "is judged yet" };
    Program::new(&words).finish().expect(if claimable { 0 } else { 2 }, &[expected]);
}

#[test]
fn the_side_selects_requirements_too_and_nothing_that_has_none() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let finished = Program::new(&[&["list", "requirements", "--format", "json"], arguments].concat()).finish();
        let listing = finished.expect(0, &[]).json();
        listing.as_array().expect("a list").iter().map(|row| format!("{} {}", row["side"], row["id"])).collect()
    };
    let (all, servers, clients) = (ids(&[]), ids(&["--side", "server"]), ids(&["--side", "client"]));
    assert!(servers.iter().all(|id| id.contains("server")) && clients.iter().all(|id| id.contains("client")));
    assert!(!servers.is_empty() && !clients.is_empty());
    assert_eq!(servers.len() + clients.len(), all.len());
    Program::line("list features --operation GetWorkgroup").finish().expect(2, &["--operation selects cases"]);
    Program::line("list cases --operation GetWorkgrop").finish().expect(2, &["GetWorkgroup"]);
    Program::line("list features --side client").finish().expect(2, &["--side selects cases or requirements"]);
}

#[rstest]
#[case(&["list", "cases", "--format", "json"], "list")]
#[case(&["list", "cases", "--side", "client", "--format", "json"], "list")]
#[case(&["list", "requirements", "--format", "json"], "list")]
#[case(&["list", "suites", "--format", "json"], "list")]
#[case(&["list", "operations", "--format", "json"], "list")]
#[case(&["explain", "GetWorkgroup", "--format", "json"], "explanation")]
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
    is_as_its_schema_says(finished.expect(0, &[]).json(), schema);
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
    let about = finished.expect(0, &[]).json();
    let served = Served::emulator(&["--defect", id]);
    let command = about["run"].as_str().and_then(|command| command.strip_prefix("countersign ")).expect("a command");
    // It listens elsewhere than usual here.
    let command = command.replace("http://127.0.0.1:4567", served.value_of("endpoint").trim_end_matches('/'));
    let blamed = about["requirements"][0].as_str().expect("an id");
    served.signing(Program::line(&command)).finish().expect(1, &["fail", blamed]);
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
    ["GC-", "GD-", "GN-", "GW-", "LD-", "LN-", "LT-", "LW-"].iter().any(|prefix| line.starts_with(prefix))
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
    let expected = ["GC-DUR-08", "cases: parameters/duration-below", "defects: "];
    let mut from = text.as_str();
    for words in expected {
        let at = from.find(words).unwrap_or_else(|| panic!("no {words} in {from}"));
        from = &from[at..];
    }
}

#[test]
fn the_committed_schemas_are_what_the_shapes_and_formats_give() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
    Program::new(&["schema", "--check", "--dir", folder]).finish().expect(0, &["schemas"]);
}
