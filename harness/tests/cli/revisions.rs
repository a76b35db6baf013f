//! Older revisions of the documents: what a run judges by one, and that reports of several are kept apart.

use rstest::rstest;
use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::program::{Program, events};

/// The first event of a run by a revision against the emulator that follows it, and what the run printed.
fn run(year: u16, more: &str) -> (Value, String) {
    let line = format!("run --target emulator --revision {year} --report-jsonl run.jsonl {more}");
    let mut program = Program::line(&line);
    let printed = program.finish().expect(0, &[]).stdout.clone();
    (events(&program.read("run.jsonl"))[0].clone(), printed)
}

#[test]
fn an_emulator_of_2022_is_conformant_by_the_documents_of_2022_and_the_report_says_so() {
    let (event, printed) = run(2022, "success parameters protocol");
    assert_eq!(event["revision"], 2022);
    assert!(!event["target"]["features"].as_array().expect("features").contains(&json!("custom-domain")), "{event}");
    assert!(printed.contains("GetCredentials as documented in 2022 of emulator"), "{printed}");
    assert!(printed.contains("(as documented in 2022)"), "{printed}");
}

#[test]
fn a_run_by_the_newest_revision_says_nothing_of_it() {
    let (event, printed) = run(2024, "success/workgroup-only");
    assert_eq!(event.get("revision"), None);
    assert!(!printed.contains("as documented in"), "{printed}");
}

#[rstest]
#[case::unknown(
    "run --revision 2021",
    2,
    "--revision: there is no revision 2021 of the documents here; there are 2022, 2023, 2024"
)]
#[case::no_year("run --revision latest", 2, "expected a year such as 2022, found \"latest\"")]
#[case::of_a_list("list --revision 2025", 2, "there is no revision 2025")]
#[case::of_explain("explain GC-WG-11 --revision 2025", 2, "there is no revision 2025")]
#[case::resource(
    "run --target emulator --revision 2022 --custom-domain a.example.com",
    2,
    "do not know the feature custom-domain"
)]
#[case::claim(
    "run --target emulator --revision 2022 --claim custom-domain",
    2,
    "do not know the feature custom-domain"
)]
#[case::operation(
    "run --revision 2023 --operation GetCustomDomainAssociation",
    2,
    "do not know GetCustomDomainAssociation"
)]
#[case::pattern("run --revision 2022 parameters/both-names", 2, "holds in other revisions of the documents than 2022")]
#[case::later("run parameters/workgroup-missing", 2, "holds in other revisions of the documents than 2024")]
#[case::requirement("run --revision 2022 --requirement gc-name-1", 2, "GC-NAME-01 holds in other revisions")]
#[case::explained("explain GC-WG-11", 2, "GC-WG-11 holds in other revisions of the documents than 2024")]
#[case::explained_feature("explain custom-domain --revision 2022", 2, "custom-domain holds in other revisions")]
#[case::of_the_emulator(
    "serve emulator --port 0 --revision 2022 --custom-domain a.bc",
    2,
    "the documents of 2022 know no custom domains"
)]
#[case::capital("run --target emulator --revision 2022 --db-name Dev", 2, "--db-name: expected")]
#[case::lists("list revisions", 0, "2022  July to November 2022: ")]
#[case::in_its_revision("explain GC-WG-11 --revision 2022", 0, "revisions     until 2023")]
#[case::cases_of_2022(
    "list cases --revision 2022 parameters/workgroup-missing",
    0,
    "A request without a workgroup is refused"
)]
fn what_a_revision_lacks_is_told(#[case] line: &str, #[case] code: i32, #[case] expected: &str) {
    Program::line(line).finish().expect(code, &[expected]);
}

#[test]
fn the_file_and_the_environment_choose_a_revision_and_the_flag_counts_more() {
    let file = "[targets.old]\nendpoint = \"http://127.0.0.1:9\"\nrevision = 2022\n";
    let shown = |line: &str, year: Option<&str>| {
        let mut program = Program::line(line).file("countersign.toml", file);
        if let Some(year) = year {
            program = program.env("COUNTERSIGN_REVISION", year);
        }
        let settings = program.finish().expect(0, &[]).json();
        let found = settings["settings"].as_array().expect("settings").iter().find(|one| one["name"] == "revision");
        found.expect("the setting")["value"].clone()
    };
    assert_eq!(shown("config show --format json --target old", None), 2022);
    assert_eq!(shown("config show --format json --target old", Some("2023")), 2023);
    assert_eq!(shown("config show --format json --target old --revision 2024", Some("2023")), 2024);
}

#[test]
fn runs_of_different_revisions_are_neither_compared_nor_put_side_by_side() {
    let stream = |year: u16| {
        let line = format!("run --target emulator --revision {year} success/workgroup-only --report-jsonl -");
        Program::line(&line).finish().expect(0, &[]).stdout.clone()
    };
    let (old, new) = (stream(2022), stream(2024));
    let with = |line: &str| Program::line(line).file("old.jsonl", &old).file("new.jsonl", &new).finish();
    with("diff old.jsonl new.jsonl")
        .expect(2, &["two runs of the same revision of the documents, found 2022 and the newest"]);
    with("report --from old.jsonl --from new.jsonl --report-md -")
        .expect(2, &["found 2022 in old.jsonl and the newest in new.jsonl; report them one by one"]);
    with("diff old.jsonl old.jsonl").expect(0, &["GetCredentials as documented in 2022 of emulator"]);
    let reported = "report --from old.jsonl --report-md m.md --report-html h.html --report-junit j.xml --badge b.json";
    let mut program = Program::line(reported).file("old.jsonl", &old);
    program.finish().expect(0, &[]);
    for (file, text) in [
        ("m.md", "GetCredentials as documented in 2022"),
        ("h.html", "GetCredentials as documented in 2022"),
        ("j.xml", r#"<property name="revision" value="2022"/>"#),
        ("b.json", "\"message\":\"2022: "),
    ] {
        assert!(program.read(file).contains(text), "{file}: {}", program.read(file));
    }
}

#[test]
fn a_baseline_counts_for_the_revision_that_it_was_written_for() {
    let write = "baseline write b.json --target emulator --revision 2022 success/workgroup-only";
    let mut program = Program::line(write);
    program.finish().expect(0, &[]);
    let baseline = program.read("b.json");
    assert_eq!(program.json("b.json")["revision"], 2022);
    let with = |line: &str| Program::line(line).file("b.json", &baseline).finish();
    with("baseline check b.json").expect(0, &[]);
    with("run --target emulator success/workgroup-only --baseline b.json")
        .expect(2, &["expected a baseline for the newest revision", "found one for the revision 2022"]);
    with("run --target emulator --revision 2022 success/workgroup-only --baseline b.json").expect(0, &[]);
}

#[rstest]
#[case::unknown_year(
    "requirements.json",
    r#""id": "GC-WG-11", "holds": {"until": 2023}"#,
    r#""id": "GC-WG-11", "holds": {"until": 2020}"#,
    "there is no revision 2020"
)]
#[case::everywhere(
    "requirements.json",
    r#""id": "GC-WG-11", "holds": {"until": 2023}"#,
    r#""id": "GC-WG-11", "holds": {"until": 2024}"#,
    "expected some revisions in which it holds"
)]
#[case::not_in_that_one(
    "requirements.json",
    r#""id": "GC-NAME-01", "holds": {"from": 2024},"#,
    r#""id": "GC-NAME-01","#,
    "to break nothing of GetCredentialsRequest, found required"
)]
#[case::a_hole(
    "services/redshift-serverless/operations/GetCredentials.json",
    r#""holds": { "until": 2023 }"#,
    r#""holds": { "until": 2022 }"#,
    "expected it to hold until the revision before the one"
)]
#[case::a_defect_of_another_one(
    "defects/revisions.json",
    r#""revision": 2022, "title": "In 2022, a database name may"#,
    r#""revision": 2023, "title": "In 2022, a database name may"#,
    "there is no requirement GC-DB-14 on servers"
)]
fn what_holds_in_no_revision_is_a_fault_of_the_fixtures(
    #[case] file: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &str,
) {
    let fixtures = Fixtures::with(file, old, new);
    Program::new(&["validate", "--fixtures", fixtures.folder()]).finish().expect(5, &[expected]);
}
