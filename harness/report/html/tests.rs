use super::super::event::Event;
use super::super::replay;
use super::super::tests::sample;
use super::*;
use crate::verdict::{CaseResult, Verdict};

fn written(events: &[Event]) -> String {
    let mut out = Vec::new();
    replay(events, &mut HtmlSink::new(&mut out, &sample::register())).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// A run of a target with this name and endpoint that has these cases.
fn run_of(name: &str, endpoint: &str, cases: Vec<CaseResult>) -> Vec<Event> {
    let mut events = sample::events_of(cases, true);
    if let Some(Event::Run(run)) = events.first_mut() {
        run.target.name = name.to_owned();
        run.target.endpoint = endpoint.to_owned();
    }
    events
}

fn decided(requirement: &str, verdict: Verdict) -> CaseResult {
    let case = sample::cases().into_iter().find(|case| case.violations.iter().any(|v| v.requirement == requirement));
    let failed = case.expect("a case that violates it");
    match verdict {
        Verdict::Fail => failed,
        _ => CaseResult { verdict, violations: Vec::new(), ..failed },
    }
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).expect("the first mark") + start.len();
    &text[from..from + text[from..].find(end).expect("the second mark")]
}

#[test]
fn the_policy_allows_this_style_and_this_script_and_nothing_else() {
    let page = written(&sample::events());
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let expected = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    );
    assert_eq!(policy, expected);
    let inline = regex::Regex::new(r#"<[a-z][^<>]* (?:style|on[a-z]+)="#).expect("a pattern");
    assert!(!inline.is_match(&page), "inline style or handler");
}

#[test]
fn nothing_that_a_target_sent_becomes_markup() {
    let nasty: String = (0..=0x20_u32).chain(0x7f..=0xa0).chain(0x2000..=0x206f).filter_map(char::from_u32).collect();
    let nasty = format!("</pre></script><script>alert(1)</script>\" x='1' <!-- ]]> &lt; {{{{ 7*7 }}}}{nasty}");
    let mut events = sample::events();
    for event in &mut events {
        match event {
            Event::Run(run) => {
                for text in [&mut run.target.name, &mut run.target.endpoint, &mut run.target.class] {
                    text.clone_from(&nasty);
                }
                run.target.said.clone_from(&nasty);
                run.target.meaning.clone_from(&nasty);
            }
            Event::Case(case) => {
                (case.suite, case.title) = (nasty.clone(), nasty.clone());
                case.id = format!("{}{nasty}", case.id);
                (case.error, case.body, case.repro) = (Some(nasty.clone()), Some(nasty.clone()), Some(nasty.clone()));
                case.media_type = Some(nasty.clone());
                case.requirements = vec![nasty.clone()];
                for violation in &mut case.violations {
                    (violation.at, violation.expected, violation.actual) =
                        (nasty.clone(), nasty.clone(), nasty.clone());
                }
                if let Some(exchange) = &mut case.exchange {
                    exchange.answer_headers.push((nasty.clone(), nasty.clone()));
                    exchange.answer_body = Some(nasty.clone());
                }
            }
            Event::Requirement(row) => row.cases = vec![nasty.clone()],
            Event::Summary(_) => {}
        }
    }
    let page = written(&events);
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown");
    assert!(page.contains("{{ 7*7 }}"), "it is no template");
    assert!(!page.contains("alert(1)</script>") && !page.contains("<!-- ]]"), "{page}");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.chars().all(|c| c == '\n' || escape(c.encode_utf8(&mut [0; 4])).chars().count() == 1));
}

#[test]
fn what_differs_stands_on_top_and_what_agrees_below() {
    let good =
        run_of("good", "http://a/", vec![decided("GC-DUR-02", Verdict::Pass), decided("GC-ERR-02", Verdict::Pass)]);
    let bad =
        run_of("bad", "http://b/", vec![decided("GC-DUR-02", Verdict::Fail), decided("GC-ERR-02", Verdict::Pass)]);
    let page = written(&[good, bad].concat());
    let (differing, rest) = page.split_once("id=\"requirements\"").expect("both tables");
    assert!(differing.contains("<tr id=\"GC-DUR-02\">") && !rest.contains("<tr id=\"GC-DUR-02\">"));
    assert!(rest.contains("<tr id=\"GC-ERR-02\">") && !differing.contains("<tr id=\"GC-ERR-02\">"));
    assert!(page.contains("They differ on 1 of 6 requirements."), "{differing}");
}

#[test]
fn a_target_without_the_operation_differs_from_nobody() {
    let good = run_of("good", "http://a/", vec![decided("GC-DUR-02", Verdict::Pass)]);
    let absent = CaseResult { decided: Vec::new(), ..decided("GC-DUR-02", Verdict::NotImplemented) };
    let page = written(&[good, run_of("absent", "http://b/", vec![absent])].concat());
    assert!(page.contains("They come to the same"), "{page}");
}

#[test]
fn targets_of_one_name_are_told_apart() {
    let case = || vec![decided("GC-DUR-02", Verdict::Pass)];
    let runs = [("x", "http://a/"), ("x", "http://b/"), ("x", "http://b/"), ("y", "http://a/")];
    let page = written(&runs.map(|(name, endpoint)| run_of(name, endpoint, case())).concat());
    for label in ["x at http://a/", "x at http://b/ (run 2)", "x at http://b/ (run 3)", "y"] {
        assert!(page.contains(&format!("class=\"target\">{label}</th>")), "{label}");
    }
}

#[test]
fn runs_that_found_the_same_are_told_once() {
    let case = || vec![decided("GC-ERR-02", Verdict::Fail)];
    let page = written(&[run_of("a", "http://a/", case()), run_of("b", "http://b/", case())].concat());
    assert!(page.contains("<b>a, b</b>") && page.contains("Request to a"), "{page}");
    assert_eq!(page.matches("<pre class=\"line\">").count(), 1);
    assert!(page.contains(">2 fail</span>"));
}

#[test]
fn a_run_that_was_cut_short_says_so() {
    let page = written(&sample::events()[..3]);
    assert!(page.contains("The run was cut short: 2 of 11 cases have a verdict"), "{page}");
}
