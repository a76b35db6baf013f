use super::super::Event;
use super::super::tests::html;
use super::super::tests::sample::{self, run_at};
use super::*;
use crate::verdict::{CaseResult, Reason, TargetAnswer, TargetClass, Verdict};

/// A case that violates a requirement, or the same case with another verdict and no violation.
fn decided(requirement: &str, verdict: Verdict) -> CaseResult {
    let case = sample::cases().into_iter().find(|case| case.violations.iter().any(|v| v.requirement == requirement));
    let failed = case.expect("a case that violates it");
    match verdict {
        Verdict::Fail => failed,
        _ => CaseResult { verdict, violations: Vec::new(), ..failed },
    }
}

/// The section of the page with the findings of a run with these cases.
fn findings_of(cases: Vec<CaseResult>) -> String {
    between(&html(&run_at("x", "http://a/", cases)), "id=\"findings\"", "</section>").to_owned()
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).expect("the first mark") + start.len();
    &text[from..from + text[from..].find(end).expect("the second mark")]
}

#[test]
fn the_policy_allows_this_style_and_this_script_and_nothing_else() {
    let page = html(&sample::events());
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let expected = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    );
    assert_eq!(policy, expected);
    let inline = regex::Regex::new(r"<[a-z][^<>]* (?:style|on[a-z]+)=").expect("a pattern");
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
                for text in [&mut run.target.name, &mut run.target.endpoint] {
                    text.clone_from(&nasty);
                }
                run.target.answer = TargetAnswer::Told(nasty.clone());
                run.target.meaning.clone_from(&nasty);
            }
            Event::Case(case) => {
                (case.suite, case.title) = (nasty.clone(), nasty.clone());
                case.id = format!("{}{nasty}", case.id);
                (case.error, case.body, case.repro) = (Some(nasty.clone()), Some(nasty.clone()), Some(nasty.clone()));
                case.media_type = Some(nasty.clone());
                case.requirements = vec![nasty.clone()];
                for violation in &mut case.violations {
                    violation.fault = sample::fault(&nasty, &nasty, &nasty);
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
    let page = html(&events);
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown");
    assert!(page.contains("{{ 7*7 }}"), "it is no template");
    assert!(!page.contains("alert(1)</script>") && !page.contains("<!-- ]]"), "{page}");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.chars().all(|c| c == '\n' || escape(c.encode_utf8(&mut [0; 4])).chars().count() == 1));
}

#[test]
fn what_differs_stands_on_top_and_what_agrees_below() {
    let good =
        run_at("good", "http://a/", vec![decided("GC-DUR-02", Verdict::Pass), decided("GC-ERR-02", Verdict::Pass)]);
    let bad =
        run_at("bad", "http://b/", vec![decided("GC-DUR-02", Verdict::Fail), decided("GC-ERR-02", Verdict::Pass)]);
    let page = html(&[good, bad].concat());
    let (differing, rest) = page.split_once("id=\"requirements\"").expect("both tables");
    assert!(differing.contains("id=\"GC-DUR-02\">") && !rest.contains("id=\"GC-DUR-02\">"));
    assert!(rest.contains("id=\"GC-ERR-02\">") && !differing.contains("id=\"GC-ERR-02\">"));
    assert!(page.contains("They differ on 1 of 6 requirements."), "{differing}");
}

#[test]
fn a_target_without_the_operation_differs_from_nobody() {
    let good = run_at("good", "http://a/", vec![decided("GC-DUR-02", Verdict::Pass)]);
    let absent = CaseResult { decided: Vec::new(), ..decided("GC-DUR-02", Verdict::NotImplemented) };
    let page = html(&[good, run_at("absent", "http://b/", vec![absent])].concat());
    let sentence = "Only good could be judged, so that there is nothing to compare.";
    assert_eq!(page.matches(sentence).count(), 2, "in the head, and where differences would stand: {page}");
}

#[test]
fn a_target_that_was_never_reached_differs_from_nobody_on_any_case() {
    let run = |name, verdict| run_at(name, "http://a/", vec![decided("GC-DUR-02", verdict)]);
    let silent = CaseResult { decided: Vec::new(), ..decided("GC-DUR-02", Verdict::Indeterminate) };
    let silent = run_at("silent", "http://b/", vec![silent]);
    let page = html(&[run("good", Verdict::Pass), silent.clone()].concat());
    assert!(!page.contains(" data-d") && !page.contains("targets differ on"), "{page}");
    let page = html(&[run("good", Verdict::Pass), silent, run("bad", Verdict::Fail)].concat());
    assert!(page.contains(" data-d") && page.contains("targets differ on 1"), "{page}");
}

#[test]
fn targets_of_one_name_are_told_apart() {
    let case = || vec![decided("GC-DUR-02", Verdict::Pass)];
    let runs = [("x", "http://a/"), ("x", "http://b/"), ("x", "http://b/"), ("y", "http://a/")];
    let page = html(&runs.map(|(name, endpoint)| run_at(name, endpoint, case())).concat());
    for label in ["x at http://a/", "x at http://b/ (run 2)", "x at http://b/ (run 3)", "y"] {
        assert!(page.contains(&format!("class=\"target\">{label}</th>")), "{label}");
    }
}

#[test]
fn runs_that_found_the_same_are_told_once() {
    let case = || vec![decided("GC-ERR-02", Verdict::Fail)];
    let page = html(&[run_at("a", "http://a/", case()), run_at("b", "http://b/", case())].concat());
    assert!(page.contains("<b>a, b</b>") && page.contains("Request to a"), "{page}");
    assert_eq!(page.matches("<pre class=\"line\">").count(), 1);
    assert!(page.contains(">2 fail</span>"));
}

#[test]
fn the_title_says_what_it_comes_to_and_where_the_target_is() {
    let page = html(&run_at("mine", "https://db.example.com:8443/", vec![decided("GC-ERR-02", Verdict::Fail)]));
    assert_eq!(
        between(&page, "<title>", "</title>"),
        "✗ 1 violated – GetCredentials of mine at db.example.com:8443 – Countersign"
    );
}

#[test]
fn of_several_targets_the_first_sentence_says_who_conforms() {
    let good = run_at("good", "http://a/", vec![sample::deciding("errors/any", Verdict::Pass, &sample::MUSTS)]);
    let bad = run_at("bad", "http://b/", vec![decided("GC-DUR-02", Verdict::Fail)]);
    let absent = run_at("absent", "http://c/", vec![sample::case("errors/any", Verdict::NotImplemented)]);
    let open = run_at("open", "http://d/", vec![sample::case("errors/any", Verdict::Indeterminate)]);
    let lead = |runs: &[Vec<Event>]| between(&html(&runs.concat()), "<p class=\"lead\">", "</p>").to_owned();
    let sentence = lead(&[good, bad.clone(), absent.clone(), open]);
    assert_eq!(sentence, "1 of 4 conforms (good), 1 does not, 1 does not have the operation, 1 is not decided.");
    assert_eq!(
        lead(&[bad, absent]),
        "None of 2 conforms: 1 violates must-requirements, 1 does not have the operation."
    );
}

/// Two violations, the second in a control that blocked two cases.
fn with_a_failed_control() -> Vec<CaseResult> {
    let departure = sample::cases().into_iter().find_map(|case| case.warnings.into_iter().next());
    let control = CaseResult {
        id: "success/control".to_owned(),
        warnings: departure.into_iter().collect(),
        ..decided("GC-ERR-02", Verdict::Fail)
    };
    let blocked = |id| CaseResult {
        reason: Some(Reason::BlockedBy {
            control: "success/control".to_owned(),
            verdict: Verdict::Fail,
            violation: decided("GC-ERR-02", Verdict::Fail).violations.into_iter().next().map(Box::new),
            reason: None,
        }),
        ..sample::case(id, Verdict::Blocked)
    };
    vec![decided("GC-DUR-02", Verdict::Fail), control, blocked("errors/one"), blocked("errors/two")]
}

#[test]
fn what_blocks_most_cases_stands_first() {
    let findings = findings_of(with_a_failed_control());
    let first = findings.find("2 cases are blocked by it.").expect("it is told");
    assert!(findings.find("GC-ERR-02").expect("the first") < first);
    assert!(first < findings.find("GC-DUR-02").expect("the second"), "{findings}");
    assert!(findings.contains(">departs<"), "the control departs from another");
    assert_eq!(findings.matches("blocked by it").count(), 1, "and that blocks nothing");
}

#[test]
fn a_blocked_case_is_led_back_to_its_control_and_quotes_no_target() {
    let findings = findings_of(with_a_failed_control());
    let blocked = between(&findings, "<span class=\"badge doubt\">blocked</span>", "</article>");
    assert!(blocked.starts_with(" 2 cases by their control <a href=\"#success/control\">"), "{blocked}");
    assert!(blocked.contains("countersign explain success/control") && !blocked.contains("404"), "{blocked}");
}

#[test]
fn stale_entries_of_the_baseline_are_one_finding() {
    let fixed = |id: &str| CaseResult {
        reason: Some(Reason::Stale { pattern: id.to_owned(), file: "known.json".to_owned() }),
        ..sample::case(id, Verdict::Fixed)
    };
    let findings = findings_of(vec![fixed("errors/one"), fixed("errors/two")]);
    assert_eq!(findings.matches("<article").count(), 1, "{findings}");
    assert!(findings.contains("take their entries out") && findings.contains("#errors/two"), "{findings}");
}

#[test]
fn a_target_without_the_operation_has_advice_and_no_list_of_cases() {
    let mut events =
        run_at("x", "http://a/", ["errors/a", "errors/b"].map(|id| sample::case(id, Verdict::NotImplemented)).to_vec());
    sample::run_mut(&mut events).target.class = TargetClass::UnknownOperation;
    let page = html(&events);
    let findings = between(&page, "id=\"findings\"", "</section>");
    assert!(findings.contains("both cases") && findings.contains("check the endpoint") && !findings.contains("<dt>In"));
    assert_eq!(page.matches("check the endpoint").count(), 1);
    assert!(
        findings.contains(
            "The target does not know the operation GetCredentials. It said: 200 application/x-amz-json-1.1</p>"
        ),
        "{page}"
    );
}

#[test]
fn a_target_that_cannot_be_reached_has_advice_where_it_is_told() {
    let silent =
        |id| CaseResult { reason: sample::reason("cannot connect"), ..sample::case(id, Verdict::Indeterminate) };
    let mut events = run_at("x", "http://a/", ["errors/a", "errors/b"].map(silent).to_vec());
    let target = &mut sample::run_mut(&mut events).target;
    (target.class, target.answer) = (TargetClass::Unreachable, TargetAnswer::Told("cannot connect".to_owned()));
    let page = html(&events);
    let findings = between(&page, "id=\"findings\"", "</section>");
    assert!(findings.contains("<p>Cannot connect</p><p>Check that it runs"), "{findings}");
    assert_eq!(page.matches("Check that it runs").count(), 1, "{page}");
}

#[test]
fn what_somebody_has_to_look_at_comes_before_what_holds() {
    let page = html(&sample::events());
    let requirements = between(&page, "id=\"requirements\"", "</section>");
    let words = regex::Regex::new("<h3 class=\"[a-z]+\">([a-z ]+)</h3>").expect("a pattern");
    let groups: Vec<_> = words.captures_iter(requirements).map(|found| found[1].to_owned()).collect();
    assert_eq!(groups, ["violated", "departs", "holds", "not applicable"]);
}

/// The section of the page with the cases of a run.
fn cases_of(cases: Vec<CaseResult>) -> String {
    let page = html(&run_at("x", "http://a/", cases));
    page.split_once("id=\"cases\"")
        .expect("the cases")
        .1
        .split_once("id=\"words\"")
        .expect("the next part")
        .0
        .to_owned()
}

/// A member of a family, with its request and what was answered.
fn member(name: &str, body: &str, answer: &str, verdict: Verdict) -> CaseResult {
    let exchange = crate::verdict::ShownExchange {
        request: "POST /".to_owned(),
        request_headers: vec![("content-length".to_owned(), body.len().to_string())],
        request_body: body.to_owned(),
        answer_headers: Vec::new(),
        answer_body: Some(answer.to_owned()),
        fault: None,
    };
    CaseResult {
        title: "A word is refused".to_owned(),
        exchange: Some(Box::new(exchange)),
        repro: Some(format!("curl --data-binary '{body}' http://a/")),
        ..sample::case(&format!("a/word/{name}"), verdict)
    }
}

#[test]
fn a_family_is_one_line_and_what_was_found_alike_is_told_once() {
    let cases = cases_of(vec![
        member("one", "first", "refused", Verdict::Pass),
        member("two", "second", "refused", Verdict::Pass),
        member("three", "third", "refused: third", Verdict::Pass),
        member("four", "fourth", "refused", Verdict::Blocked),
    ]);
    let line = "<code>a/word/*</code> <span class=\"title\">A word is refused</span></summary>";
    assert_eq!(cases.matches(line).count(), 1, "{cases}");
    assert_eq!(cases.matches("A word is refused").count(), 1, "{cases}");
    let of = |name: &str| between(&cases, &format!("id=\"a/word/{name}\">"), "</details>").to_owned();
    assert!(of("one").contains("<pre class=\"line\">curl --data-binary 'first'"), "{cases}");
    let told = between(&of("two"), "<div class=\"told\">", "</div>").to_owned();
    assert_eq!(told, "<p>As <a class=\"like\" href=\"#a/word/one\">one</a>, but sent:</p><pre>second</pre>");
    let told = of("three");
    assert!(told.contains("<pre>third</pre><p>The answer, masked:</p><pre>refused: third</pre>"), "{told}");
    assert!(of("four").contains("curl --data-binary 'fourth'"), "another verdict is told in full: {cases}");
}

#[test]
fn what_did_not_pass_is_in_sight_and_what_passed_is_folded() {
    let case = |id, verdict| sample::case(id, verdict);
    let cases = cases_of(vec![
        case("a/good", Verdict::Pass),
        case("a/bad", Verdict::Blocked),
        case("b/good", Verdict::Pass),
        case("b/void", Verdict::NotApplicable),
    ]);
    assert!(cases.contains("<details class=\"suite\" data-s=\"a\" data-print open>"), "{cases}");
    assert!(cases.contains("<details class=\"suite\" data-s=\"b\" data-print><summary>"), "{cases}");
    let (bad, rest) = cases.split_once("The other case of a <").expect("the rest of the suite");
    assert!(bad.contains("<code>a/bad</code>") && !bad.contains("a/good") && rest.contains("<code>a/good</code>"));
}

#[rstest::rstest]
#[case::some(12, 12)]
#[case::very_many(13, 6)]
fn of_very_many_findings_and_cases_only_the_first_are_in_sight(#[case] all: usize, #[case] shown: usize) {
    // Each with a reason of its own.
    let blocked = |at: usize| CaseResult {
        reason: sample::reason(&format!("it needs the thing number {at}")),
        ..sample::case(&format!("a/case-{at}"), Verdict::Blocked)
    };
    let cases: Vec<_> = (0..all).map(blocked).collect();
    let findings = findings_of(cases.clone());
    let in_sight = findings.split("<details class=\"more\"").next().expect("the first part");
    assert_eq!((in_sight.matches("<article").count(), findings.matches("<article").count()), (shown, all));
    assert_eq!(findings.contains(&format!("<summary>{} more: blocked", all - shown)), all > shown, "{findings}");
    let cases = cases_of(cases);
    let in_sight = cases.split("<details class=\"rest\"").next().expect("the first part");
    assert_eq!((in_sight.matches("class=\"case\"").count(), cases.matches("class=\"case\"").count()), (shown, all));
}
