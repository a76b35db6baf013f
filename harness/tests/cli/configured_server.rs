//! The server that the environment and the shared files of AWS tools name is the one that is judged, and no other.

use rstest::rstest;

use crate::program::{Finished, Program};
use crate::stub_server::{RIGHT, Stub, aws, closed_port};

const OWN: &str = "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS";
const ALL: &str = "AWS_ENDPOINT_URL";

/// The program with a configuration file, run on one case of the workgroup wg-1. It has keys to sign with.
fn with_config(arguments: &str, config: &str) -> Program {
    Program::line(arguments).signing().env("AWS_CONFIG_FILE", "aws-config").file("aws-config", config)
}

fn right() -> Stub {
    Stub::answering(aws("200 OK", RIGHT))
}

const RUN: &str = "run success/workgroup-only --workgroup wg-1";

/// Checks that a server was judged, and that the line to run this again names it.
#[track_caller]
fn expect_judged(finished: &Finished, stub: &Stub) {
    let line = format!("countersign run --endpoint {}/ success/workgroup-only --workgroup wg-1 --seed", stub.endpoint);
    // What the stub answers fails a requirement, so that no other server can be taken for it.
    finished.expect(1, &[&format!("endpoint at {}/", stub.endpoint), &line]);
    assert!(stub.connections() > 0, "{finished:#?}");
}

// The order is that of the AWS SDKs and Tools Reference Guide. `{stub}` is the server that must be judged, and `{other}`
// nothing.
#[rstest]
#[case::of_the_profile("[default]\nendpoint_url = {stub}\n", &[])]
#[case::of_a_named_profile("[default]\nendpoint_url = {other}\n[profile p]\nendpoint_url = {stub}\n", &[("AWS_PROFILE", "p")])]
#[case::of_the_service_before_all(
    "[default]\nservices = s\nendpoint_url = {other}\n[services s]\nredshift_serverless =\n  endpoint_url = {stub}\n",
    &[]
)]
#[case::of_another_service(
    "[default]\nservices = s\nendpoint_url = {stub}\n[services s]\ns3 =\n  endpoint_url = {other}\n",
    &[]
)]
#[case::variable_before_the_file("[default]\nendpoint_url = {other}\n", &[(ALL, "{stub}")])]
#[case::variable_before_the_service_in_the_file(
    "[default]\nservices = s\n[services s]\nredshift_serverless =\n  endpoint_url = {other}\n",
    &[(ALL, "{stub}")]
)]
#[case::variable_of_the_service_first("[default]\nendpoint_url = {other}\n", &[(OWN, "{stub}"), (ALL, "{other}")])]
#[case::ignored_only_if_said(
    "[default]\nendpoint_url = {stub}\nignore_configured_endpoint_urls = true\n",
    &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")]
)]
#[case::own_variable_before_all_others("[default]\nendpoint_url = {other}\n", &[("COUNTERSIGN_ENDPOINT", "{stub}/"), (ALL, "{other}")])]
fn a_configured_server_is_the_one_that_is_judged(#[case] config: &str, #[case] variables: &[(&str, &str)]) {
    let stub = right();
    let filled = |text: &str| text.replace("{stub}", &stub.endpoint).replace("{other}", &closed_port());
    let mut program = with_config(RUN, &filled(config));
    for (name, value) in variables {
        program = program.env(name, &filled(value));
    }
    expect_judged(&program.finish(), &stub);
}

#[rstest]
#[case::by_the_variable("[default]\nendpoint_url = {stub}\n", &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")])]
#[case::by_the_profile("[default]\nendpoint_url = {stub}\nignore_configured_endpoint_urls = true\n", &[])]
#[case::by_the_profile_for_variables("[default]\nignore_configured_endpoint_urls = true\n", &[(ALL, "{stub}")])]
fn an_endpoint_that_is_to_be_ignored_is_not_asked(#[case] config: &str, #[case] variables: &[(&str, &str)]) {
    let stub = right();
    let filled = |text: &str| text.replace("{stub}", &stub.endpoint);
    for (arguments, code, expected) in [("run success", 0, "emulator at"), (RUN, 2, "--workgroup describes a server")] {
        let mut program = with_config(arguments, &filled(config));
        for (name, value) in variables {
            program = program.env(name, &filled(value));
        }
        program.finish().expect(code, &[expected]);
    }
    assert_eq!(stub.connections(), 0);
}

#[rstest]
#[case::flag("run success --target emulator", &[])]
#[case::variable("run success", &[("COUNTERSIGN_TARGET", "emulator")])]
fn a_target_that_is_named_comes_before_what_is_configured(#[case] arguments: &str, #[case] variables: &[(&str, &str)]) {
    let mut program = with_config(arguments, "[default]\nendpoint_url = http://127.0.0.1:1\nregion = not a region\n");
    for (name, value) in variables {
        program = program.env(name, value);
    }
    program.finish().expect(0, &["emulator at"]);
}

#[rstest]
#[case::of_the_profile("[default]\nendpoint_url = https://redshift-serverless.us-east-1.amazonaws.com\n")]
#[case::of_the_service(
    "[default]\nservices = s\n[services s]\nredshift_serverless =\n  endpoint_url = https://REDSHIFT-serverless.us-east-1.api.aws.\n"
)]
fn a_configured_host_of_aws_stays_behind_the_gate(#[case] config: &str) {
    for command in [RUN, "doctor --workgroup wg-1", "baseline write known.json --workgroup wg-1"] {
        with_config(command, config).finish().expect(6, &["real AWS"]);
    }
}

#[rstest]
#[case::no_such_profile(
    "[profile p]\nregion = eu-west-1\n",
    Some("q"),
    "AWS_PROFILE: there is no profile \"q\" in aws-config"
)]
#[case::no_such_services("[default]\nservices = s\n", None, "the section [services s], which is not there")]
#[case::not_a_url(
    "[default]\nendpoint_url = localhost\n",
    None,
    "endpoint_url of the profile default in aws-config: expected a URL"
)]
#[case::not_a_configuration("secret of somebody\n", None, "aws-config: line 1: expected a section")]
fn where_nobody_can_tell_which_server_is_meant_none_is_judged(
    #[case] config: &str,
    #[case] profile: Option<&str>,
    #[case] expected: &str,
) {
    for command in ["run", "doctor"] {
        let mut program = with_config(command, config);
        if let Some(profile) = profile {
            program = program.env("AWS_PROFILE", profile);
        }
        let finished = program.finish();
        finished.expect(2, &[expected]);
        assert!(!finished.stderr.contains("secret of"), "{finished:#?}");
    }
    // A named target needs none of it.
    let mut program = with_config("run success --target emulator", config).env("AWS_PROFILE", profile.unwrap_or("p"));
    program.finish().expect(0, &[]);
}

#[rstest]
#[case("--workgroup wg-1", "COUNTERSIGN_WORKGROUP", "wg-1")]
#[case("--custom-domain db.example.com", "COUNTERSIGN_CUSTOM_DOMAIN", "db.example.com")]
#[case("--db-name dev", "COUNTERSIGN_DB_NAME", "dev")]
#[case("--region eu-west-1", "COUNTERSIGN_REGION", "eu-west-1")]
#[case("--claim signature", "COUNTERSIGN_CLAIM", "signature")]
#[case("--no-sign", "COUNTERSIGN_NO_SIGN", "true")]
#[case("--ca-file ca.pem", "COUNTERSIGN_CA_FILE", "ca.pem")]
#[case("--insecure", "COUNTERSIGN_INSECURE", "true")]
fn what_describes_a_server_needs_one(#[case] flag: &str, #[case] variable: &str, #[case] value: &str) {
    let name = flag.split(' ').next().expect("a flag");
    for command in ["run", "doctor", "config show", "baseline write known.json"] {
        let expected = [name, "describes a server", "--endpoint URL", "--target emulator"];
        Program::line(&format!("{command} {flag}")).finish().expect(2, &expected);
        let expected = [variable, "describes a server"];
        Program::line(command).env(variable, value).finish().expect(2, &expected);
    }
    Program::line(&format!("config show --target emulator {flag}")).finish().expect(0, &[]);
}

#[test]
fn the_region_of_the_aws_tools_describes_no_server() {
    Program::line("run success").env("AWS_REGION", "eu-west-1").finish().expect(0, &["emulator at", "in eu-west-1"]);
}

#[test]
fn region_and_keys_come_from_the_profile_and_config_show_says_so() {
    let stub = right();
    let config = format!("[profile p]\nendpoint_url = {}\nregion = eu-central-1\n", stub.endpoint);
    let show = |more: &str| {
        let mut program = with_config(&format!("config show --workgroup wg-1{more}"), &config);
        program = program.env("AWS_PROFILE", "p");
        program.finish().expect(0, &[]).stdout.clone()
    };
    let text = show("");
    assert!(text.contains("eu-central-1 (region of the profile p in aws-config)"), "{text}");
    assert!(text.contains(&format!("{}/ (endpoint_url of the profile p in aws-config)", stub.endpoint)), "{text}");
    assert!(show(" --region us-west-2").contains("us-west-2 (flag --region)"));
}

#[rstest]
#[case::endpoint_variable("COUNTERSIGN_ENDPOINT", "{stub}", None, "run --endpoint {stub}/ success")]
#[case::target_variable("COUNTERSIGN_TARGET", "mine", Some("{toml}"), "run --target mine success")]
#[case::target_of_the_file("AWS_REGION", "us-east-1", Some("target = \"mine\"\n{toml}"), "run --target mine success")]
fn the_line_to_run_again_names_the_target(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] file: Option<&str>,
    #[case] expected: &str,
) {
    let stub = right();
    let toml = format!("[targets.mine]\nendpoint = \"{}\"\nworkgroup = \"wg-1\"\n", stub.endpoint);
    let filled = |text: &str| text.replace("{stub}", &stub.endpoint).replace("{toml}", &toml);
    let mut program = Program::line("run success/workgroup-only").signing().env(variable, &filled(value));
    if let Some(text) = file {
        program = program.file("countersign.toml", &filled(text));
    } else {
        program = program.env("COUNTERSIGN_WORKGROUP", "wg-1");
    }
    program.finish().expect(1, &[&format!("countersign {}", filled(expected))]);
}

#[rstest]
#[case::no_such_profile(&[("AWS_PROFILE", "q")], "AWS_PROFILE names one, but there is no profile \"q\" in aws-config")]
#[case::half_a_pair(&[("AWS_ACCESS_KEY_ID", "a")], "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")]
#[case::the_other_half(&[("AWS_SECRET_ACCESS_KEY", "a")], "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not")]
fn credentials_that_are_not_there_are_said_by_name(#[case] variables: &[(&str, &str)], #[case] expected: &str) {
    let stub = right();
    // Half a pair in the environment is not completed by a profile.
    let config = "[default]\naws_access_key_id = b\naws_secret_access_key = c\n";
    for command in ["run", "doctor"] {
        let mut program = Program::line(&format!("{command} --endpoint {} --workgroup wg-1", stub.endpoint));
        program = program.env("AWS_CONFIG_FILE", "aws-config").file("aws-config", config);
        for (name, value) in variables {
            program = program.env(name, value);
        }
        program.finish().expect(2, &[expected]);
    }
}

#[test]
fn the_commands_of_an_explanation_are_for_the_server_that_is_set() {
    let explained = |id: &str, set: &[(&str, &str)]| {
        let program =
            set.iter().fold(Program::new(&["explain", id]), |program, (name, value)| program.env(name, value));
        { program }.finish().stdout
    };
    let set = [
        ("COUNTERSIGN_ENDPOINT", "http://127.0.0.1:4999"),
        ("COUNTERSIGN_WORKGROUP", "mine"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let case = explained("parameters/duration-outside", &set);
    assert!(case.contains("http://127.0.0.1:4999") && case.contains("aws:amz:eu-west-1:"), "{case}");
    assert!(case.contains(r#""workgroupName":"mine""#) && !case.contains("4566"), "{case}");
    let operation = explained("GetCredentials", &set);
    assert!(operation.contains("countersign run --endpoint http://127.0.0.1:4999 --workgroup mine"), "{operation}");
    let usual = explained("GetCredentials", &[]);
    assert!(usual.contains("countersign run --endpoint http://localhost:4566 --workgroup"), "{usual}");
}

#[test]
fn an_explanation_needs_no_right_settings() {
    let program = Program::new(&["explain", "GC-DUR-02"]).env("COUNTERSIGN_ENDPOINT", "not a URL");
    { program }.finish().expect(0, &["http://localhost:4566"]);
}
