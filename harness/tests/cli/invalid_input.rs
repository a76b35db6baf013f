//! Whatever a user gets wrong is said, with the place and what to do, and has its exit code.

use rstest::rstest;

use crate::fixtures::Fixtures;
use crate::program::Program;
use crate::stub_server::{RIGHT, Stub, aws, refusal};

#[rstest]
#[case::broken_json("server/success.json", "\"version\": 1,", "\"version\": 1", "line")]
#[case::unknown_key("server/success.json", "\"title\"", "\"titel\"", "titel")]
#[case::duplicate_key("server/success.json", "\"version\": 1,", "\"version\": 1, \"version\": 1,", "twice")]
#[case::duplicate_id("server/success.json", "success/all-members", "success/workgroup-only", "stands twice")]
#[case::dangling_control(
    "server/errors.json",
    "\"case\": \"success/workgroup-only\"",
    "\"case\": \"success/nothing\"",
    "no case success/nothing"
)]
#[case::dangling_requirement("server/errors.json", "GC-ERR-01", "GC-ERR-99", "no requirement GC-ERR-99")]
#[case::orphan_requirement("server/parameters.json", "GC-DB-12", "GC-DB-01", "no case cites GC-DB-12")]
#[case::unknown_rule("requirements.json", "success-status", "success-stats", "success-stats")]
#[case::dangling_reply("server/errors.json", "\"reply\": \"not-found\"", "\"reply\": \"not-there\"", "not-there")]
#[case::second_difference(
    "server/errors.json",
    "\"durationSeconds\": 899}",
    "\"durationSeconds\": 899, \"dbName\": \"dev\"}",
    "differ"
)]
#[case::valid_negative("server/errors.json", "\"durationSeconds\": 899", "\"durationSeconds\": 900", "prose")]
#[case::wrong_keyword("server/errors.json", "\"breaks\": \"pattern\"", "\"breaks\": \"maxLength\"", "pattern")]
#[case::invalid_positive("server/success.json", "\"durationSeconds\": 1800", "\"durationSeconds\": \"1800\"", "type")]
#[case::invalid_reply("replies/credentials.json", "\"dbUser\": \"IAMR:example-role\"", "\"dbUser\": 7", "a string")]
fn an_invalid_fixture_is_exit_5_with_its_file(
    #[case] file: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &str,
) {
    let fixtures = Fixtures::with(file, old, new);
    let folder = fixtures.folder();
    let name = file.rsplit('/').next().expect("a name");
    let finished = Program::new(&["validate", "--fixtures", folder]).finish();
    finished.expect(5, &[if expected.contains("cites") { "requirements.json" } else { name }, expected]);
    if name != "success.json" || expected != "line" {
        assert!(finished.stderr.contains(" at /"), "no JSON pointer in {finished:#?}");
    }
    Program::new(&["run", "--fixtures", folder]).finish().expect(5, &[expected]);
}

/// A call of the emulator that fails, though it is expected to succeed.
const FAILING_CALL: &str = r#"[{"request": {"input": {"workgroupName": "${random:20}"}}, "expect": {"status": 200, "schema": "GetCredentialsResponse"}, "reply": "credentials"}], "#;

#[rstest]
#[case::setup("setup", 1, "its setup call 1, GetCredentials, failed: 400 ResourceNotFoundException")]
#[case::teardown("teardown", 7, "1 pass")]
fn a_failing_setup_blocks_the_case_and_a_failing_teardown_is_exit_7(
    #[case] part: &str,
    #[case] code: i32,
    #[case] expected: &str,
) {
    let with = format!("\"{part}\": {FAILING_CALL}\"steps\": [");
    let fixtures = Fixtures::with("server/success.json", "\"steps\": [", &with);
    Program::new(&["run", "success/called-twice", "--fixtures", fixtures.folder()]).finish().expect(code, &[expected]);
}

#[rstest]
#[case::unknown_target(&["run", "--target", "nowhere"], 2, "nowhere")]
#[case::two_targets(&["run", "--target", "mock", "--endpoint", "http://localhost:1"], 2, "cannot be used with")]
#[case::no_url(&["run", "--endpoint", "localhost:4566"], 2, "http://localhost:4566")]
#[case::password_in_url(&["run", "--endpoint", "http://a:b@localhost:4566"], 2, "user and password")]
#[case::bad_pattern(&["run", "success/["], 2, "success/[")]
#[case::one_pattern_matches_nothing(&["run", "success/**", "sucess/**"], 2, "sucess/**")]
#[case::no_pattern_matches(&["run", "sucess/**"], 4, "countersign list")]
#[case::nothing_left(&["run", "success/**", "--skip", "**"], 4, "--skip leaves none")]
#[case::shard(&["run", "--shard", "5/4"], 2, "5/4")]
#[case::shard_zero(&["run", "--shard", "0/4"], 2, "0/4")]
#[case::unknown_requirement(&["run", "--requirement", "GC-XXX-01"], 2, "GC-XXX-01")]
#[case::unknown_feature(&["run", "--claim", "speed"], 2, "custom-domain")]
#[case::unknown_flag(&["run", "--endpiont", "x"], 2, "--endpoint")]
#[case::zero_jobs(&["run", "--jobs", "0"], 2, "--jobs")]
#[case::no_time(&["run", "--timeout", "0"], 2, "0.001 to 3600")]
#[case::two_reports_to_stdout(&["run", "--report-json", "-", "--report-jsonl", "-"], 2, "both --report-jsonl - and --report-json - would")]
#[case::a_report_beside_text_to_stdout(&["run", "--format", "quiet", "--report-md", "-"], 2, "only one report can go to standard output, and both --format quiet and --report-md - would; give --report-md - a file")]
#[case::aws_allowed_for_the_emulator(&["run", "--allow-aws", "123456789012/us-east-1/wg"], 2, "--allow-aws is for real AWS, but the target is emulator; add --target aws")]
#[case::aws_allowed_for_an_endpoint(&["run", "--endpoint", "http://127.0.0.1:1", "--allow-aws", "123456789012/us-east-1/wg"], 2, "but the target is http://127.0.0.1:1/; leave it out")]
#[case::no_version_of_a_driver(&["sdk", "run", "--driver", "boto3"], 2, "no version of boto3 is installed in ")]
#[case::a_version_of_a_driver(&["sdk", "run", "--driver", "boto3@0.0.1"], 2, "boto3@0.0.1 is not installed in ")]
#[case::unwritable_report(&["run", "--report-json", "/nonexistent/report.json"], 2, "/nonexistent/report.json")]
#[case::missing_baseline(&["run", "--baseline", "none.json"], 2, "none.json")]
#[case::missing_config(&["run", "--config", "none.toml"], 2, "none.toml")]
#[case::missing_ca_file(&["run", "--endpoint", "https://localhost:1", "--no-sign", "--ca-file", "none.pem"], 2, "none.pem")]
#[case::missing_credentials(&["run", "--endpoint", "http://127.0.0.1:1"], 2, "AWS_ACCESS_KEY_ID")]
#[case::requirement_of_no_case(&["run", "--requirement", "GC-ERR-04"], 4, "no case cites GC-ERR-04; it is judged wherever it is seen: leave out --requirement")]
#[case::level_of_none(&["run", "lifetimes/default", "--level", "should"], 4, "--level leaves none")]
#[case::aws(&["run", "--target", "aws"], 6, "--allow-aws")]
#[case::aws_by_endpoint(&["run", "--endpoint", "https://REDSHIFT-SERVERLESS.us-east-1.AmazonAWS.com./"], 6, "--allow-aws")]
#[case::aws_other_region(&["run", "--target", "aws", "--region", "eu-west-1", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"], 6, "region")]
#[case::aws_other_workgroup(&["run", "--target", "aws", "--workgroup", "other", "--allow-aws", "123456789012/us-east-1/wg"], 6, "workgroup")]
#[case::aws_in_no_region(&["run", "--target", "aws", "--region", "local"], 2, "AWS has no region such as local")]
#[case::aws_without_tls(&["run", "--endpoint", "http://redshift-serverless.us-east-1.amazonaws.com", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"], 6, "expected https:// and one of the hosts redshift-serverless.us-east-1.amazonaws.com")]
#[case::aws_of_another_service(&["run", "--endpoint", "https://bucket.s3.amazonaws.com", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"], 6, "found https://bucket.s3.amazonaws.com/")]
#[case::look_alike(&["run", "--endpoint", "https://redshift-serverless.us-east-1.\u{430}mazonaws.com"], 6, "xn--mazonaws-06g.com looks like amazonaws.com")]
#[case::region_with_a_host(&["run", "--target", "aws", "--region", "host:1/"], 2, "--region: expected the name of a region, such as us-east-1")]
#[case::region_with_a_line(&["run", "--region", "us-east-1\r\nx-evil: 1"], 2, r#"found "us-east-1\u{d}\u{a}x-evil: 1""#)]
#[case::region_of_the_emulator(&["serve", "emulator", "--region", "host:1/"], 2, "expected the name of a region")]
#[case::explain_nothing(&["explain", "GC-XXX-01"], 2, "countersign list requirements")]
#[case::list_nothing(&["list", "cases", "sucess/**"], 4, "sucess/**")]
#[case::schemas_elsewhere(&["schema", "--check", "--dir", "nowhere"], 1, "nowhere")]
fn wrong_usage_is_said_and_has_its_exit_code(#[case] arguments: &[&str], #[case] code: i32, #[case] expected: &str) {
    Program::new(arguments).finish().expect(code, &[expected]);
}

#[test]
fn a_feature_of_which_nothing_is_judged_is_not_claimed() {
    let fixtures = Fixtures::copy();
    fixtures.change_json("requirements.json", |register| {
        let rows = register["requirements"].as_array_mut().expect("a list");
        rows.iter_mut().filter(|row| row["id"] == "GC-LOGIN-02").for_each(|row| row["feature"] = "login".into());
    });
    let with = |words: &[&str]| Program::new(&[words, &["--fixtures", fixtures.folder()]].concat()).finish();
    with(&["run", "--target", "emulator", "--claim", "clock"])
        .expect(2, &["no requirement of the feature clock is judged yet"]);
    with(&["explain", "clock"])
        .expect(0, &["not yet: nothing of it is judged yet, so --claim clock ends with exit code 2"]);
    with(&["list", "features"]).expect(0, &["the target's clock can be moved; not judged yet"]);
}

// Sources: API reference, GetCredentials, Request Parameters: lengths, patterns and constraints of each member.
#[rstest]
#[case::domain_of_one_label("custom-domain", "localhost", "expected a domain name such as db.example.com")]
#[case::domain_with_an_underscore(
    "custom-domain",
    "my_db.example.com",
    "found \"my_db.example.com\". Name a custom domain"
)]
#[case::domain_with_a_port(
    "custom-domain",
    "db.example.com:5439",
    "found \"db.example.com:5439\". Name a custom domain"
)]
#[case::database_with_a_digit_first(
    "db-name",
    "1dev",
    "expected 1 to 64 letters, digits and _ + . @ -, of which the first is a letter, found \"1dev\". Name a database"
)]
#[case::reserved_word(
    "db-name",
    "select",
    "expected a name that is no reserved word of the database, found \"select\""
)]
#[case::hostile_name("db-name", "a\u{1b}[31m", "found \"a\\u{1b}[31m\"")]
fn a_name_that_nothing_can_have_is_refused_where_it_stands_before_anything_is_sent(
    #[case] setting: &str,
    #[case] name: &str,
    #[case] expected: &str,
    #[values("doctor", "run", "baseline")] command: &str,
) {
    let stub = Stub::answering(aws("200 OK", RIGHT));
    let (flag, variable) =
        (format!("--{setting}"), format!("COUNTERSIGN_{}", setting.replace('-', "_").to_uppercase()));
    let words = if command == "baseline" { vec!["baseline", "write", "known.json"] } else { vec![command] };
    let words_at_it = [&words[..], &["--endpoint", &stub.endpoint, "--no-sign"]].concat();
    Program::new(&[&words_at_it[..], &[&flag, name]].concat())
        .finish()
        .expect(2, &[&format!("error: {flag}: "), expected]);
    Program::new(&words_at_it).env(&variable, name).finish().expect(2, &[&format!("error: {variable}: "), expected]);
    let text = serde_json::Value::from(name);
    let config = format!("[targets.mine]\nendpoint = \"{}\"\nsign = false\n{setting} = {text}\n", stub.endpoint);
    let mut program = Program::new(&[&words[..], &["--target", "mine"]].concat()).file("countersign.toml", &config);
    let finished = program.finish();
    finished.expect(2, &[&format!("error: targets.mine.{setting} in "), expected]);
    assert!(finished.stderr.contains("countersign.toml: expected"), "{finished:#?}");
    assert_eq!(stub.connections(), 0);
}

#[rstest]
#[case::workgroup("--workgroup", "a--b-")]
#[case::workgroup_that_the_target_takes("--workgroup", "wg")]
#[case::domain("--custom-domain", "DB.xn--bcher-kva.example")]
#[case::database_in_capitals("--db-name", "SELECT")]
#[case::database_with_every_sign("--db-name", "a_b+c.d@e-f")]
fn a_name_that_the_documents_leave_open_is_tried(#[case] flag: &str, #[case] name: &str) {
    let stub = Stub::answering(aws("200 OK", RIGHT));
    let arguments = ["doctor", "--endpoint", &stub.endpoint, "--no-sign", "--workgroup", "wg-1", flag, name];
    let arguments =
        if flag == "--workgroup" { [&arguments[..4], &arguments[6..]].concat() } else { arguments.to_vec() };
    Program::new(&arguments).finish().expect(0, &["nothing stands in the way"]);
    assert!(stub.connections() > 0);
}

#[rstest]
#[case::run(&["run"], "COUNTERSIGN_TIMEOUT", "soon", "'--timeout <SECONDS>'")]
#[case::no_command(&[], "COUNTERSIGN_JOBS", "0", "'--jobs <N>'")]
#[case::switch(&["run"], "COUNTERSIGN_FAIL_FAST", "maybe", "'--fail-fast'")]
#[case::list_of_values(&["run"], "COUNTERSIGN_SKIP", "success,[", "'--skip <PATTERN>'")]
#[case::empty(&["run"], "COUNTERSIGN_BASELINE", "", "'--baseline <FILE>'")]
#[case::file_of_no_form(&["run"], "COUNTERSIGN_BADGE", "badge.gif", "'--badge <FILE>'")]
#[case::doctor(&["doctor"], "COUNTERSIGN_ALLOW_AWS", "all", "'--allow-aws <ACCOUNT/REGION/WORKGROUP>'")]
#[case::below_another_command(&["serve", "emulator"], "COUNTERSIGN_LISTEN", "here", "'--listen <ADDR:PORT>'")]
#[case::unlike_the_flag(&["sdk", "check", "--python", "p"], "COUNTERSIGN_SDK_BASELINE", "", "'--baseline <FILE>'")]
#[case::against_another(&["sdk", "run", "--", "driver"], "COUNTERSIGN_DRIVER", "boto3", "'--driver <NAME[@VERSION]>'")]
fn a_wrong_value_of_an_environment_variable_is_said_with_its_name(
    #[case] arguments: &[&str],
    #[case] variable: &str,
    #[case] value: &str,
    #[case] flag: &str,
) {
    let comes_from = format!("it comes from the environment variable {variable}");
    // Another one that is set and right is not blamed.
    let mut program = Program::new(arguments).env("COUNTERSIGN_REGION", "eu-west-1").env(variable, value);
    program.finish().expect(2, &[flag, &comes_from]);
}

#[test]
fn a_wrong_flag_is_not_put_down_to_the_environment() {
    let mut program = Program::new(&["run", "--timeout", "later"]).env("COUNTERSIGN_TIMEOUT", "soon");
    let finished = program.finish();
    assert!(!finished.expect(2, &["'later'"]).stderr.contains("environment"), "{finished:#?}");
}

#[rstest]
#[case::requirement("COUNTERSIGN_REQUIREMENT", "GC-XXX-01", 2)]
#[case::fixtures("COUNTERSIGN_FIXTURES", "nowhere", 5)]
#[case::config("COUNTERSIGN_CONFIG", "none.toml", 2)]
#[case::nothing_left("COUNTERSIGN_SKIP", "**", 4)]
#[case::report("COUNTERSIGN_REPORT_JSON", "/nonexistent/report.json", 2)]
#[case::untested_feature("COUNTERSIGN_CLAIM", "clock", 2)]
fn what_is_found_wrong_later_names_the_variables_that_settings_came_from(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] code: i32,
) {
    Program::new(&["run"]).env(variable, value).finish().expect(code, &[variable]);
}

#[test]
fn a_wrong_config_file_is_named_with_its_line() {
    let mut program =
        Program::new(&["run"]).file("countersign.toml", "[targets.a]\nendpiont = \"http://localhost:1\"\n");
    program.finish().expect(2, &["countersign.toml", "line 2", "endpiont"]);
}

#[test]
fn a_target_that_nobody_has_is_named_with_the_place_that_names_it() {
    let config = "target = \"yours\"\n[targets.mine]\nendpoint = \"http://localhost:1\"\n";
    let run = || Program::new(&["run"]).file("countersign.toml", config);
    let expected = "countersign.toml: there is no target \"yours\"; there are mock, emulator, aws, mine";
    run().finish().expect(2, &["target in ", expected]);
    run().env("COUNTERSIGN_TARGET", "theirs").finish().expect(2, &["COUNTERSIGN_TARGET: there is no target"]);
    let finished = run().env("COUNTERSIGN_TARGET", "http://me:canary-7@h").finish();
    finished.expect(2, &["COUNTERSIGN_TARGET: expected the name of a target, found what looks like a URL"]);
    assert!(!finished.stderr.contains("canary"), "{finished:#?}");
    Program::new(&["run", "--target", "his"]).finish().expect(2, &["--target: there is no target \"his\""]);
}

#[test]
fn a_target_of_the_config_file_is_asked_under_its_name() {
    let stub = Stub::answering(crate::stub_server::answer("400 Bad", "application/json", r#"{"error":"no"}"#));
    let config = format!(
        "target = \"mine\"\n[targets.mine]\nendpoint = \"{}\"\nworkgroup = \"wg\"\nsign = false\n",
        stub.endpoint
    );
    Program::new(&["run"]).file("countersign.toml", &config).finish().expect(1, &["mine"]);
    assert!(stub.connections() > 0);
}

#[test]
fn a_baseline_entry_that_matches_nothing_is_named() {
    let text = r#"{"version":1,"entries":[{"pattern":"sucess/x","reason":"none"}]}"#;
    let mut program = Program::new(&["run", "--baseline", "known.json"]).file("known.json", text);
    program.finish().expect(2, &["known.json", "sucess/x"]);
}

#[test]
fn a_stale_baseline_entry_fails_the_run() {
    let text = r#"{"version":1,"entries":[{"pattern":"success/workgroup-only","reason":"was broken once"}]}"#;
    let mut program = Program::new(&["run", "success/**", "--baseline", "known.json"]).file("known.json", text);
    program.finish().expect(1, &["success/workgroup-only", "fixed"]);
}

#[test]
fn a_known_failure_is_excused_and_written_by_baseline_write() {
    // A server that answers the probe rightly, and everything else too: every refusal is missing.
    let stub = Stub::answering(aws("200 OK", &RIGHT.replace("4e9", "1")));
    let mut write = Program::at(&stub.endpoint, "baseline write known.json success/workgroup-only");
    write.finish().expect(0, &["1 entry"]);
    let baseline = write.read("known.json");
    let mut run = Program::at(&stub.endpoint, "run success/workgroup-only --baseline known.json");
    run = run.file("known.json", &baseline);
    run.finish().expect(0, &["known-fail"]);
    Program::line("baseline check known.json").file("known.json", &baseline).finish().expect(0, &["in order"]);
}

#[test]
fn a_workgroup_that_the_target_does_not_have_ends_the_run_with_exit_2() {
    let missing = refusal("400 Bad", "ResourceNotFoundException", "Serverless workgroup wg-1 not found.");
    let stub = Stub::answering(missing);
    Program::at(&stub.endpoint, "run").finish().expect(2, &["no workgroup \"wg-1\"", "--workgroup"]);
}

#[test]
fn our_emulator_is_given_no_workgroup_that_none_can_be() {
    let expected =
        "COUNTERSIGN_WORKGROUP: expected 3 to 64 lower-case letters, digits and hyphens, found \"my_workgroup\"";
    for command in ["doctor", "run"] {
        let mut program = Program::new(&[command, "--target", "emulator"]).env("COUNTERSIGN_WORKGROUP", "my_workgroup");
        program.finish().expect(2, &[expected]);
    }
}

#[test]
fn baseline_write_refuses_another_baseline_than_the_file_that_it_writes() {
    let stub = Stub::answering(aws("200 OK", RIGHT));
    let write = |more: &str| Program::at(&stub.endpoint, &format!("baseline write known.json{more}"));
    let mut program = write(" --baseline other.json");
    program.finish().expect(2, &["--baseline other.json", "leave --baseline out, or name other.json as the file"]);
    assert!(!program.folder().join("known.json").exists());
    assert_eq!(stub.connections(), 0);
    // The file itself, and what the settings have for `run`, stand in nobody's way.
    write(" success/workgroup-only --baseline ./known.json").finish().expect(0, &["wrote known.json"]);
    let mut program = write(" success/workgroup-only").env("COUNTERSIGN_BASELINE", "other.json");
    program.finish().expect(0, &["wrote known.json"]);
    let help = Program::new(&["baseline", "write", "--help"]).finish();
    assert!(!help.expect(0, &["--endpoint"]).stdout.contains("--baseline"), "{help:#?}");
}

/// Answers every call right, but those that have this in them, which it refuses.
fn refusing(what: &'static str, error: &'static str) -> Stub {
    Stub::saying(
        move |request| {
            if request.contains(what) { refusal("400 Bad", error, "no") } else { aws("200 OK", RIGHT) }
        },
    )
}

#[rstest]
#[case::only_our_guess("ResourceNotFoundException", &[], "may have no database dev, which nothing says it must")]
#[case::named_and_not_there(
    "ResourceNotFoundException",
    &["--db-name", "mine"],
    "does not have the database mine (ResourceNotFoundException); give it to the workgroup there"
)]
// GC-DB-08 and GC-DB-09: either answer is right.
#[case::a_sign_that_one_list_leaves_out("ValidationException", &["--db-name", "my_db"], "leave open whether my_db")]
#[case::capitals("ValidationException", &["--db-name", "Dev"], "leave open whether Dev")]
fn a_refused_database_is_a_matter_of_its_name(
    #[case] error: &'static str,
    #[case] named: &[&str],
    #[case] expected: &str,
) {
    let stub = refusing("dbName", error);
    let line = [&["run", "parameters/database-name"], named].concat().join(" ");
    let finished = Program::at(&stub.endpoint, &line).finish();
    assert!(!finished.expect(1, &["blocked", "--db-name"]).stdout.contains("GC-DB-01 ("), "{finished:#?}");
    let words = finished.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(expected), "{words}");
}

#[test]
fn a_plain_database_name_that_is_no_valid_one_for_the_target_is_held_against_it() {
    let stub = refusing("dbName", "ValidationException");
    Program::at(&stub.endpoint, "run parameters/database-name --db-name dev").finish().expect(1, &["GC-DB-01"]);
}

#[rstest]
#[case::a_guessed_database("")]
#[case::a_named_database(" --db-name mine")]
fn a_custom_domain_that_is_not_there_is_not_put_down_to_the_database(#[case] named: &str) {
    let stub = refusing("customDomainName", "ResourceNotFoundException");
    let cases = "run success/custom-domain-all-members success/custom-domain-only";
    let line = format!("{cases} --custom-domain wrong.example.com --format jsonl{named}");
    let finished = Program::at(&stub.endpoint, &line).finish();
    let expected =
        "the target does not have the custom domain wrong.example.com (ResourceNotFoundException); give it to";
    assert_eq!(finished.expect(1, &[]).stdout.matches(expected).count(), 2, "{finished:#?}");
    assert_eq!(finished.stdout.matches("\"verdict\":\"blocked\"").count(), 2, "{finished:#?}");
    assert!(
        !finished.stdout.contains("--db-name dev") && !finished.stdout.contains("may have no database"),
        "{finished:#?}"
    );
}

#[test]
fn a_call_that_is_refused_without_its_guessed_database_too_does_not_ask_for_another() {
    let stub = refusing("durationSeconds", "ValidationException");
    let finished = Program::at(&stub.endpoint, "run success/all-members").finish();
    finished.expect(1, &["blocked", "without its database is not accepted either (400 ValidationException)"]);
    assert!(!finished.stdout.contains("--db-name"), "{finished:#?}");
}

#[test]
fn credentials_that_the_target_refuses_end_the_run_with_exit_2() {
    let invalid = "The security token included in the request is invalid.";
    let stub = Stub::answering(refusal("400 Bad", "UnrecognizedClientException", invalid));
    let finished = Program::at(&stub.endpoint, "run").finish();
    finished.expect(2, &["refuses the credentials", "security token", "AWS_ACCESS_KEY_ID"]);
}
