//! A bank of servers that attack the program. Each row of a table is a server with what it does and how a run against
//! it ends. Every run must also end in bounded time and memory, write nothing but its reports, and leave reports that
//! are well formed, that steer nothing, and that repeat no secret.
//!
//! The servers send words that this file knows: `CANARY` is in every secret, and is never shown; `SMUGGLED` is in
//! answers that belong to no request; `<pwned` begins a tag, and is never shown as it is; `::error::PWNED` begins a line
//! that a CI service would obey.

mod behaviour;
mod bodies;
mod connections;
mod framing;
mod messages;
mod redirects;
mod secrets;
mod sizes;
mod tls;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::planted_secrets::REPORTS;
use crate::program::Program;
use crate::stub_server::Stub;

/// How many servers a test tries at a time: most of them make the program wait.
const JOBS: usize = 6;

/// Longer than any run against a server of the bank may take on a busy machine. A run that takes longer is ended.
const LONGEST_RUN: Duration = Duration::from_secs(30);

/// More memory than any run may have in use besides the program itself, in KiB.
const MOST_MEMORY: u64 = 30 << 10;

/// More than all that a run may print or write to one file, in bytes.
const MOST_WRITTEN: usize = 4 << 20;

/// The case whose verdict a table says: a plain call that must succeed.
const PLAIN: &str = "success/workgroup-only";

/// What is run: calls that must succeed, and some that must be refused.
const SOME_CASES: &str = "success/workgroup-only success/called-twice errors --timeout 3";

/// The same against servers that never answer.
const SHORT: &str = "success/workgroup-only success/called-twice errors --timeout 0.3";

/// Where a run prints in these tests.
const OUTPUTS: [&str; 2] = ["stdout.txt", "stderr.txt"];

/// Our own keys; servers send them back.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDCANARYKEYONLYLETTERS"),
    ("AWS_SECRET_ACCESS_KEY", "CANARYsecret/with+signs/5d2e"),
    ("AWS_SESSION_TOKEN", "CANARYtoken//91cc+zx=="),
];

/// A server of the bank.
struct Server {
    name: &'static str,
    stub: Stub,
    /// How a run ends: the exit code, and the verdict of the plain case.
    ends: (i32, &'static str),
}

fn server(name: &'static str, ends: (i32, &'static str), stub: Stub) -> Server {
    Server { name, stub, ends }
}

/// How a run ended, and what is wrong with what it left.
struct Ended {
    ends: (i32, String),
    faults: Vec<String>,
}

/// Runs these cases against every server of a table.
#[track_caller]
fn try_all(cases: &str, servers: &[Server]) {
    let names: BTreeSet<_> = servers.iter().map(|server| server.name).collect();
    assert_eq!(names.len(), servers.len(), "two servers of one name");
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(server) = servers.get(number) else { break };
            let format = ["text", "github"][number % 2];
            let start = Instant::now();
            let ended = run(&server.stub.endpoint, cases, format);
            println!("{:8.2?}  {}", start.elapsed(), server.name);
            let (code, verdict) = &ended.ends;
            let mut found = ended.faults;
            if (*code, verdict.as_str()) != server.ends {
                found.push(format!("expected {:?}, found {:?}", server.ends, ended.ends));
            }
            let found = found.into_iter().map(|fault| format!("{} ({format}): {fault}", server.name));
            faults.lock().expect("no other worker panics").extend(found);
        }
    };
    thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(work);
        }
    });
    let faults = faults.into_inner().expect("no worker panicked");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Runs some cases against an endpoint, and examines all that is left of the run.
fn run(endpoint: &str, cases: &str, format: &str) -> Ended {
    let reports: Vec<_> = REPORTS.iter().map(|(option, file)| format!("{option} {file}")).collect();
    let options = "--patience 0.3s --verbose";
    let line = format!("run {cases} --format {format} {options} {}", reports.join(" "));
    let mut program = Program::at(endpoint, &line);
    for (name, value) in KEYS {
        program = program.env(name, value);
    }
    let (code, mut faults) = watch(&mut program);
    let written: BTreeSet<_> = std::fs::read_dir(program.folder())
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the folder can be listed").file_name().into_string().expect("a name of ours"))
        .collect();
    let ours: BTreeSet<_> = OUTPUTS.into_iter().chain(REPORTS.map(|(_, file)| file)).map(str::to_owned).collect();
    if written != ours {
        faults.push(format!("expected the files {ours:?}, found {written:?}"));
    }
    let mut verdict = String::new();
    for name in &written {
        match String::from_utf8(std::fs::read(program.folder().join(name)).expect("the file is there")) {
            Ok(text) => {
                let found = faults_of(name, &text, format);
                faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
                if name == "r.json" {
                    verdict = verdict_of(&text, PLAIN).unwrap_or_default();
                }
            }
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    Ended { ends: (code, verdict), faults }
}

/// Runs the program to its end, and says what was wrong: its time, its memory.
fn watch(program: &mut Program) -> (i32, Vec<String>) {
    let [stdout, stderr] =
        OUTPUTS.map(|name| File::create(program.folder().join(name)).map(Stdio::from).expect("the folder is writable"));
    let start = Instant::now();
    let mut child = program.command().stdout(stdout).stderr(stderr).spawn().expect("the binary runs");
    let mut faults = Vec::new();
    let mut memory = 0;
    let status = loop {
        memory = memory.max(memory_in_use(child.id()));
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        if start.elapsed() > LONGEST_RUN {
            faults.push(format!("it did not end within {LONGEST_RUN:?}"));
            child.kill().expect("it is our child");
        }
        thread::sleep(Duration::from_millis(3));
    };
    if memory > MOST_MEMORY {
        faults.push(format!("{memory} KiB of memory"));
    }
    (status.code().unwrap_or(-1), faults)
}

/// The memory that a run has in use now, without the pages of its program, in KiB; 0 where the system does not tell, and
/// while the new process still shares the memory of this one.
fn memory_in_use(process: u32) -> u64 {
    let program = std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
    if program.file_name() != Path::new(env!("CARGO_BIN_EXE_countersign")).file_name() {
        return 0;
    }
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?.parse().ok());
    own.unwrap_or_default()
}

/// The verdict of a case in a report as JSON.
fn verdict_of(report: &str, id: &str) -> Option<String> {
    let report: Value = serde_json::from_str(report).ok()?;
    let case = report["cases"].as_array()?.iter().find(|case| case["id"] == id)?;
    case["verdict"].as_str().map(str::to_owned)
}

/// What is wrong with a text that a run left.
fn faults_of(name: &str, text: &str, format: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    expect(text.len() < MOST_WRITTEN, format!("{} bytes", text.len()));
    for word in ["canary", "smuggled"] {
        let place = text.to_ascii_lowercase().find(word).map(|at| around(text, at));
        expect(place.is_none(), format!("{word} in {place:?}"));
    }
    let raw = text.find(steers).map(|at| around(text, at));
    expect(raw.is_none(), format!("a character that steers, in {raw:?}"));
    let parsed = match name {
        "r.json" => serde_json::from_str::<Value>(text).map(drop).map_err(|error| error.to_string()),
        "r.jsonl" => text
            .lines()
            .try_for_each(|line| serde_json::from_str::<Value>(line).map(drop))
            .map_err(|error| error.to_string()),
        "r.xml" | "r.svg" => read_as_xml(text),
        _ => Ok(()),
    };
    expect(parsed.is_ok(), format!("{parsed:?}"));
    // Text as it is for a terminal is no markup, and a report in JSON has it in quotation marks.
    let is_markup = ["r.html", "r.xml", "r.svg"].contains(&name);
    let tag = text.find("<pwned").filter(|_| is_markup).map(|at| around(text, at));
    expect(tag.is_none(), format!("a tag of the server, in {tag:?}"));
    let mark = (name == "r.md").then(|| foreign_markdown(text)).flatten();
    expect(mark.is_none(), format!("markup of the server: {mark:?}"));
    let command = text.lines().find(|line| is_command(line) && !(format == "github" && is_command_of_ours(line)));
    expect(command.is_none(), format!("a command to a CI service: {command:?}"));
    expect(!text.contains("panicked"), "a panic".to_owned());
    faults
}

/// Whether a character does something where it is shown. Line ends do, and are ours.
fn steers(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{61c}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn is_command(line: &str) -> bool {
    line.trim_start_matches(|c: char| !c.is_ascii_graphic()).starts_with("::")
        || line.contains("##[")
        || line.contains("##vso[")
}

fn is_command_of_ours(line: &str) -> bool {
    ["::error title=", "::warning title=", "::notice title=", "::group::", "::endgroup::"]
        .iter()
        .any(|command| line.starts_with(command))
}

/// Reads a whole document as XML 1.0 has it: tags that fit, characters that may be there, entities that are known.
fn read_as_xml(text: &str) -> Result<(), String> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    if let Some(at) = text.find(|c| !allowed(c)) {
        return Err(format!("a character that XML has not, in {:?}", around(text, at)));
    }
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_u32;
    loop {
        use quick_xml::events::Event;
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                depth += 1;
                tag.attributes().try_for_each(|attribute| attribute.map(drop)).map_err(|error| error.to_string())?;
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    if depth == 0 { Ok(()) } else { Err(format!("{depth} tags are not closed")) }
}

/// What a server made of Markdown: a tag, or a link or a picture of its own; `None` if it made nothing.
fn foreign_markdown(text: &str) -> Option<String> {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_GFM).find_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) if html.contains("pwned") => Some(html.into_string()),
        Event::Start(Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.contains("evil") => Some(dest_url.into_string()),
        Event::Text(text) if text.contains("@octocat") => Some(text.into_string()),
        _ => None,
    })
}

/// A few words of a text around a place.
fn around(text: &str, at: usize) -> String {
    let start = text.floor_char_boundary(at.saturating_sub(60));
    text[start..text.ceil_char_boundary(text.len().min(at + 60))].to_owned()
}

#[rstest]
#[case::sound("stdout.txt", "fail a/b\n  found \"<b>\"\n", "")]
#[case::a_secret("r.json", "{\"a\": \"xCanaryx\"}", "canary")]
#[case::another_answer("stdout.txt", "418 SMUGGLED", "smuggled")]
#[case::a_code("stderr.txt", "a\u{1b}[31mb", "steers")]
#[case::a_direction_mark("r.md", "a\u{202e}b", "steers")]
#[case::cut_json("r.json", "{\"a\": ", "EOF")]
#[case::a_cut_line("r.jsonl", "{}\n{", "EOF")]
#[case::cut_xml("r.xml", "<a><b/>", "not closed")]
#[case::another_tag("r.svg", "<a></b>", "expected")]
#[case::no_character_of_xml("r.xml", "<a>\u{fffe}</a>", "XML has not")]
#[case::a_tag("r.html", "<p><pwned></p>", "a tag")]
#[case::a_tag_in_markdown("r.md", "a <pwned> b", "markup")]
#[case::a_tag_in_code("r.md", "a `<pwned>` b", "")]
#[case::a_picture("r.md", "![a](http://evil.example)", "markup")]
#[case::a_command("stdout.txt", "a\n  ::error::PWNED", "a command")]
#[case::a_panic("stderr.txt", "thread 'main' panicked at a.rs", "a panic")]
fn what_is_wrong_with_a_text_is_seen(#[case] name: &str, #[case] text: &str, #[case] fault: &str) {
    let faults = faults_of(name, text, "text");
    assert_eq!(faults.len(), usize::from(!fault.is_empty()), "{faults:?}");
    assert!(faults.iter().all(|found| found.contains(fault)), "{faults:?}");
}

#[test]
fn servers_of_the_bank_are_at_least_eighty() {
    let tables = [
        connections::servers(),
        connections::reused(),
        connections::throttling(),
        sizes::servers(),
        framing::servers(),
        framing::read_all_the_same(),
        redirects::servers().0,
        bodies::servers(),
        messages::servers(),
        secrets::servers(),
        tls::servers(),
    ];
    let names: Vec<_> = tables.iter().flatten().map(|server| server.name).collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "two servers of one name");
    assert!(names.len() >= 80, "{} servers", names.len());
}

#[test]
fn servers_that_are_silent_slow_or_gone_are_survived() {
    try_all(SHORT, &connections::servers());
}

#[test]
fn servers_that_answer_more_than_was_asked_are_told_from_the_next_answer() {
    try_all(SOME_CASES, &connections::reused());
}

#[test]
fn servers_that_frame_answers_oddly_are_read_as_http_has_it() {
    try_all(SOME_CASES, &framing::read_all_the_same());
}

#[test]
fn servers_that_throttle_are_not_waited_for_beyond_what_a_run_may_take() {
    try_all(&format!("{SOME_CASES} --max-time 1s"), &connections::throttling());
}

#[test]
fn servers_that_send_without_end_are_survived() {
    try_all(&format!("{PLAIN} --timeout 3"), &sizes::servers());
}

#[test]
fn servers_that_frame_answers_wrongly_are_survived() {
    try_all(SHORT, &framing::servers());
}

#[test]
fn servers_that_redirect_are_not_followed() {
    let (servers, elsewhere) = redirects::servers();
    try_all(SOME_CASES, &servers);
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
}

#[test]
fn servers_that_send_odd_bodies_are_survived() {
    try_all(SOME_CASES, &bodies::servers());
}

#[test]
fn servers_that_send_texts_that_steer_are_shown_as_data() {
    try_all(SOME_CASES, &messages::servers());
}

#[test]
fn servers_that_tell_secrets_in_odd_places_are_not_repeated() {
    try_all(SOME_CASES, &secrets::servers());
}

#[test]
fn servers_that_are_odd_with_tls_are_survived() {
    try_all(SHORT, &tls::servers());
}
