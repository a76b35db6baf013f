//! What is nearly right leads on: it is taken as it is meant, or the line to type instead is said.

use rstest::rstest;

use crate::program::Program;
use crate::stub_server::{Stub, aws};

#[rstest]
#[case::suite("run paramters", 4, "matches no case (did you mean parameters?)")]
#[case::case_id("run parameters/duration-outsied", 4, "(did you mean parameters/duration-outside?)")]
#[case::requirement("run GC-WG-2", 4, "are selected with --requirement GC-WG-02")]
#[case::mistyped_requirement("run --requirement GC-WGG-02", 2, "(did you mean GC-WG-02?)")]
#[case::skip("run --skip paramters", 2, "(did you mean parameters?)")]
#[case::operation("run --operation GetCredentails", 2, "(did you mean GetCredentials?)")]
#[case::feature("run --claim custom-domian", 2, "(did you mean custom-domain?)")]
#[case::target("run --target emulater", 2, "(did you mean emulator?)")]
#[case::header("run --header x:y", 2, "let a proxy before the server add what it wants")]
#[case::header_of_curl("run -H x:y", 2, "let a proxy before the server add what it wants")]
#[case::port("run --port 4566", 2, "--endpoint http://localhost:4566")]
#[case::profile("run --profile dev", 2, "AWS_PROFILE=NAME")]
#[case::filter("run --filter parameters", 2, "countersign run 'parameters/*'")]
#[case::junit("run --format junit", 2, "--report-junit report.xml")]
#[case::xml("run --format xml", 2, "--report-junit report.xml")]
#[case::badge("run --format badge", 2, "--badge report.svg")]
#[case::json("run --format json", 2, "--report-json report.json")]
#[case::markdown("sdk run --format md", 2, "--report-md report.md")]
#[case::no_reports_here("list --format junit", 2, "[possible values: text, json, md]")]
#[case::url_without_a_command("http://127.0.0.1:4566", 2, "countersign run --endpoint http://127.0.0.1:4566")]
#[case::host_and_port("run localhost:4566", 2, "countersign run http://localhost:4566")]
#[case::two_urls("run http://127.0.0.1:1 http://127.0.0.1:2", 2, "there are several; a run tests one")]
#[case::url_and_target("run http://127.0.0.1:1 --target mock", 2, "but --target does that already")]
#[case::command("rnu", 2, "did you mean run?")]
#[case::command_below("serve emulater", 2, "emulator")]
#[case::flag("run --workgruop x", 2, "--workgroup")]
#[case::defect("serve emulator --defect duration-clampd", 2, "(did you mean duration-clamped?)")]
#[case::defect_of_selftest("selftest duration-clampd", 4, "(did you mean duration-clamped?)")]
#[case::driver("sdk run --driver bto3", 2, "(did you mean boto3?)")]
#[case::explained("explain GC-DUUR-02", 2, "(did you mean GC-DUR-02?)")]
#[case::listed("list repleis", 2, "replies")]
fn what_is_mistyped_leads_on(#[case] line: &str, #[case] code: i32, #[case] expected: &str) {
    Program::line(line).finish().expect(code, &[expected]);
}

#[rstest]
#[case::configured(
    "[targets.x]\nendpiont = \"http://127.0.0.1:1\"\n",
    "--target x",
    "`endpiont` (did you mean endpoint?)"
)]
#[case::named("[targets.staging]\nendpoint = \"http://127.0.0.1:1\"\n", "--target stagign", "(did you mean staging?)")]
fn what_is_mistyped_in_the_file_leads_on(#[case] file: &str, #[case] more: &str, #[case] expected: &str) {
    let mut program = Program::line(&format!("run {more}")).file("countersign.toml", file);
    program.finish().expect(2, &[expected]);
}

#[test]
fn a_mistyped_pattern_of_a_baseline_leads_on() {
    let entry = r#"{"pattern": "paramters/**", "reason": "r"}"#;
    let baseline = format!(r#"{{"version": 1, "entries": [{entry}]}}"#);
    let mut program = Program::line("run --baseline b.json").file("b.json", &baseline);
    program.finish().expect(2, &["paramters/**", "(did you mean parameters"]);
}

#[rstest]
#[case::parts("*duration-outs*", "**/*duration-outs*")]
#[case::first_part("param*", "parameters")]
#[case::requirement("--requirement gc-wg-2", "--requirement GC-WG-02")]
#[case::operation("--operation getworkgroup", "--operation GetWorkgroup")]
#[case::jobs("-j 2 success", "--jobs 2 success")]
#[case::exclude("--endpoint-url http://127.0.0.1:1 success", "--endpoint http://127.0.0.1:1 success")]
fn what_is_certain_is_taken_as_it_is_meant(#[case] typed: &str, #[case] meant: &str) {
    let ids = |line: &str| {
        let finished = Program::line(&format!("run --dry-run {line}")).finish();
        finished.expect(0, &[]);
        assert!(!finished.stdout.trim().is_empty(), "{finished:?}");
        finished.stdout
    };
    assert_eq!(ids(typed), ids(meant));
}

#[rstest]
#[case::requirement("gc-dur-2", "GC-DUR-02")]
#[case::operation("getcredentials", "GetCredentials")]
#[case::suite("Parameters", "parameters")]
#[case::case_id("parameters/duration_outside", "parameters/duration-outside")]
#[case::feature("Signature", "signature")]
#[case::defect("duration_clamped", "duration-clamped")]
fn what_is_certain_is_explained(#[case] typed: &str, #[case] meant: &str) {
    let explained = |id: &str| Program::new(&["explain", id]).finish().stdout;
    assert!(!explained(meant).is_empty());
    assert_eq!(explained(typed), explained(meant));
}

#[rstest]
#[case::run("run success/workgroup-only --report-junit r.xml", true)]
#[case::short_flag("run success/workgroup-only --junit r.xml", true)]
#[case::doctor("doctor", false)]
fn a_url_by_itself_is_the_server_to_test(#[case] line: &str, #[case] writes: bool) {
    let stub = Stub::of_operations(aws("200 OK", "{}"));
    let mut program = Program::line(&format!("{line} {}", stub.endpoint)).signing();
    let finished = program.finish();
    let named = stub.endpoint.trim_start_matches("http://");
    assert!(finished.stdout.contains(named) && stub.connections() > 0, "{finished:?}");
    assert!(!writes || program.read("r.xml").contains("<testsuites"));
}

#[test]
fn replies_are_listed_with_what_each_is() {
    let finished = Program::line("list replies").finish();
    finished.expect(0, &["credentials ", "right 200 ", "wrong-expiration-iso", "violates: "]);
    let replies = Program::line("list replies --format json").finish().json();
    let wrong = replies.as_array().expect("a list").iter().find(|reply| reply["id"] == "wrong-expiration-iso");
    assert!(wrong.is_some_and(|reply| reply["violates"][0].is_string()), "{replies}");
}
