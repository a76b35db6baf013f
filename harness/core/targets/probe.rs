//! What kind of server answers: one call of an operation, made once, before anything is judged.
//!
//! Most emulators do not have the operation, and say so in very different ways. A report must not count that as
//! failures, because a server without the operation breaks no requirement.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::cause;
use crate::contract::{ErrorMeaning, Operation, Service};
use crate::verdict::{ProbeOutcome, TargetAnswer, TargetClass};
use crate::wire::{
    Exchange, Masker, NOT_IMPLEMENTED, REFUSED_CREDENTIALS, Response, UNKNOWN_OPERATION, UNKNOWN_SERVICE, error_type,
};

/// What a probe asked: which operation of which service, and whether it named a resource that the target should have.
#[derive(Clone, Copy, Debug)]
pub struct ProbedOperation<'a> {
    /// The service.
    pub service: &'a Service,
    /// The operation.
    pub operation: &'a Operation,
    /// Whether the call named a resource that the target should have.
    pub named: bool,
}

/// Classifies the answer to a probe. Quotes of it repeat no secret of the answer, and nothing that `hidden` masks.
pub fn classify(exchange: &Exchange, probed: ProbedOperation<'_>, hidden: &Masker) -> ProbeOutcome {
    match &exchange.answer {
        Err(fault) => {
            let answer = TargetAnswer::Nothing(hidden.fault(fault));
            ProbeOutcome { class: TargetClass::Unreachable, answer, cause: None }
        }
        Ok(response) => {
            let meaning = error_type(response).and_then(|error| probed.service.meaning_of(&error));
            let missing = probed.named && meaning == Some(ErrorMeaning::NotFound);
            let class = if missing { TargetClass::NoResource } else { class_of(response, probed) };
            let cause = cause::of_answer(class, exchange, response, hidden);
            ProbeOutcome { class, answer: quoted_answer(response, hidden), cause }
        }
    }
}

fn class_of(response: &Response, probed: ProbedOperation<'_>) -> TargetClass {
    let body = response.json();
    let object = body.as_ref().and_then(Value::as_object);
    let error = error_type(response);
    let is_own = |name: &str| probed.operation.errors.contains_key(name);
    match (response.status, error.as_deref()) {
        (200..300, _) => class_of_success(response, object, probed.operation),
        (300..400, _) => TargetClass::Redirect,
        _ if cause::wants_tls(response) => TargetClass::Unreachable,
        _ if response.is_throttled() || response.is_timeout() => TargetClass::Unreachable,
        // A gateway whose backend is away.
        (502 | 504, name) if !name.is_some_and(is_own) => TargetClass::Unreachable,
        // What cannot be read here may be right.
        (status, _) if !matches!(status, 401 | 403) && response.is_json_beyond_reading() => TargetClass::Answers,
        (_, Some(name)) if UNKNOWN_OPERATION.has(name) => TargetClass::UnknownOperation,
        (_, Some(name)) if UNKNOWN_SERVICE.has(name) => TargetClass::UnknownService,
        (501, _) => TargetClass::DeclaredNotImplemented,
        (_, Some(name)) if NOT_IMPLEMENTED.has(name) => TargetClass::DeclaredNotImplemented,
        (500.., Some(name)) if !is_own(name) && says_not_implemented(body.as_ref()) => {
            TargetClass::DeclaredNotImplemented
        }
        (_, Some(name)) if REFUSED_CREDENTIALS.has(name) => TargetClass::RefusedCredentials,
        // Or a gateway that has no such route, and says no more.
        (401 | 403, _) => TargetClass::RefusedCredentials,
        // API Gateway's answer to a path that it does not have.
        (404, Some("NotFoundException")) => TargetClass::WrongService,
        (500.., Some(name)) if !is_own(name) => TargetClass::ServerFault,
        (_, Some(_)) => TargetClass::Answers,
        (_, None) if is_xml(response) => TargetClass::WrongService,
        // It speaks the protocol but gives no error name: the operation may be there, with wrong errors.
        (400..500, None) if object.is_some() && speaks_the_protocol(response) => TargetClass::Answers,
        (_, None) if object.is_some() => TargetClass::OwnJson,
        (_, None) => TargetClass::NotAws,
    }
}

/// Whether an answer leaves open that the target does not have the operation. Then the answer to an operation that
/// nobody has tells.
pub fn may_be_absent(exchange: &Exchange, probed: ProbedOperation<'_>, class: TargetClass) -> bool {
    let Ok(response) = &exchange.answer else { return false };
    if response.is_json_beyond_reading() {
        return false;
    }
    match class {
        TargetClass::ServerFault | TargetClass::OwnJson | TargetClass::NotAws => true,
        TargetClass::Answers if response.status < 300 => !has_own_member(response, probed.operation),
        TargetClass::Answers => {
            let meaning = error_type(response).and_then(|error| probed.service.meaning_of(&error));
            meaning != Some(ErrorMeaning::NotFound)
        }
        TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::WrongService
        | TargetClass::Redirect
        | TargetClass::RefusedCredentials
        | TargetClass::NoResource
        | TargetClass::Unreachable => false,
    }
}

/// The class of a target by its own answer, once that has been compared with the answer to an operation that nobody
/// has. A target without the operation keeps the class that says more.
pub fn class_beside(class: TargetClass, is_absent: bool) -> TargetClass {
    match (class, is_absent) {
        (TargetClass::Answers | TargetClass::ServerFault, true) => TargetClass::AnswersAllAlike,
        (TargetClass::OwnJson | TargetClass::NotAws, false) => TargetClass::Answers,
        _ => class,
    }
}

/// The most words of an answer that are compared.
const MOST_WORDS: usize = 4_096;

/// Whether the answers to one request for an operation, and those to the same request for another operation, are alike:
/// in status, in the name of the error, and in the words of the body, whatever their order. The names of the operations
/// may differ, and so may words of one or two letters, or with a digit. Where a request was answered several times, only
/// the words that all of its answers have are compared: the others are chance, such as random ids.
pub fn are_alike(own: &[&Exchange], others: &[&Exchange], operations: [&str; 2]) -> bool {
    let patterns = operations.map(name_in_any_spelling);
    let common = |exchanges: &[&Exchange]| {
        let sketches =
            exchanges.iter().map(|exchange| Some(AnswerSketch::of(exchange.answer.as_ref().ok()?, &patterns)));
        let sketches = sketches.collect::<Option<Vec<_>>>()?;
        sketches.into_iter().reduce(AnswerSketch::in_common)
    };
    matches!((common(own), common(others)), (Some(own), Some(others)) if own == others)
}

/// What is compared of an answer.
#[derive(PartialEq, Eq)]
struct AnswerSketch {
    status: u16,
    error: Option<String>,
    /// How often each word is in the body.
    words: BTreeMap<String, usize>,
}

impl AnswerSketch {
    fn of(response: &Response, operations: &[Regex; 2]) -> Self {
        let plain = |text: &str| {
            let text = text.to_lowercase();
            operations.iter().fold(text, |text, name| name.replace_all(&text, "0").into_owned())
        };
        let text = plain(&String::from_utf8_lossy(&response.body));
        let words_of = text.split(|character: char| !character.is_alphanumeric()).take(MOST_WORDS);
        let mut words = BTreeMap::new();
        for word in words_of.filter(|word| !is_incidental(word)) {
            *words.entry(word.to_owned()).or_default() += 1;
        }
        Self { status: response.status, error: error_type(response).map(|error| plain(&error)), words }
    }

    /// What two answers to one request have in common. Another status or error counts as none.
    fn in_common(mut self, other: Self) -> Self {
        if (self.status, &self.error) != (other.status, &other.error) {
            self.status = 0;
        }
        let earlier = std::mem::take(&mut self.words);
        let both = other
            .words
            .into_iter()
            .filter_map(|(word, often)| Some((earlier.get(&word)?.min(&often).to_owned(), word)));
        self.words = both.map(|(often, word)| (word, often)).collect();
        self
    }
}

/// What the name of an operation matches in small letters, with and without signs between its words: `getthing`,
/// `get_thing`, `get thing`.
fn name_in_any_spelling(name: &str) -> Regex {
    let mut pattern = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !pattern.is_empty() {
            pattern.push_str("[^a-z0-9]{0,3}");
        }
        pattern.push_str(&regex::escape(&character.to_lowercase().to_string()));
    }
    Regex::new(&pattern).expect("an escaped name is a pattern")
}

/// Whether a word says nothing: it is short, has a digit, or is of letters that hexadecimal numbers have.
fn is_incidental(word: &str) -> bool {
    word.len() < 3
        || word.contains(|character: char| character.is_ascii_digit())
        || (word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a success has a member of the operation, in any letter case.
pub fn has_own_member(response: &Response, operation: &Operation) -> bool {
    let own = |name: &String| operation.response.members.keys().any(|member| member.eq_ignore_ascii_case(name));
    response.json().as_ref().and_then(Value::as_object).is_some_and(|members| members.keys().any(own))
}

/// A success is the operation's if it looks like one at all: a JSON object that is empty or has one of its members in
/// any letter case, or at least the protocol's media type.
fn class_of_success(
    response: &Response,
    object: Option<&serde_json::Map<String, Value>>,
    operation: &Operation,
) -> TargetClass {
    let speaks_json = speaks_the_protocol(response);
    match object {
        Some(members) => {
            let has_type = members.keys().any(|name| name.eq_ignore_ascii_case("__type"));
            if has_own_member(response, operation) || has_type || members.is_empty() || speaks_json {
                TargetClass::Answers
            } else {
                TargetClass::WrongService
            }
        }
        None if speaks_json || response.is_json_beyond_reading() => TargetClass::Answers,
        None if response.body.is_empty() => TargetClass::NotAws,
        None => TargetClass::WrongService,
    }
}

fn speaks_the_protocol(response: &Response) -> bool {
    response.media_type().is_some_and(|media| media.starts_with("application/x-amz-json"))
}

/// Whether an error's message says that the operation is not implemented.
fn says_not_implemented(body: Option<&Value>) -> bool {
    let message = body.and_then(|body| ["message", "Message"].iter().find_map(|name| body.get(name)?.as_str()));
    message.is_some_and(|message| {
        let message = message.to_ascii_lowercase();
        message.contains("implemented") && message.contains("not")
    })
}

fn is_xml(response: &Response) -> bool {
    let declared = response.media_type().is_some_and(|media| media.ends_with("/xml") || media.ends_with("+xml"));
    declared || response.body.trim_ascii_start().starts_with(b"<?xml")
}

/// Status, type and first words of an answer.
fn quoted_answer(response: &Response, hidden: &Masker) -> TargetAnswer {
    let body = response.json();
    let masker = hidden.with_answer(response);
    let quote = |text: &str| masker.quote(text);
    let words = match &body {
        // A success holds credentials, so its words are not quoted.
        _ if response.status < 300 => None,
        Some(body) => {
            ["message", "Message", "errorMessage", "error"].iter().find_map(|name| body.get(name)?.as_str().map(quote))
        }
        None => plain_text(response).map(|text| quote(&text_of(text))).filter(|words| !words.is_empty()),
    };
    TargetAnswer::Answer {
        status: response.status,
        media_type: response.media_type().map(|media| quote(&media)),
        error: error_type(response).map(|error| quote(&error)),
        words,
    }
}

/// The body of an answer as text; `None` where it is compressed, in another encoding than UTF-8, or JSON that cannot be
/// read here. The secrets in such a body could not be masked.
fn plain_text(response: &Response) -> Option<&str> {
    let coding = response.headers.get("content-encoding").map_or("", str::trim);
    let is_coded = !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
    let text = std::str::from_utf8(&response.body).ok()?;
    // Text in UTF-16 has zero bytes.
    (!is_coded && !text.contains('\0') && !response.is_json_beyond_reading()).then_some(text)
}

/// The text of a page of HTML or XML, without the tags.
fn text_of(page: &str) -> String {
    let mut text = String::new();
    let mut inside_tag = false;
    for character in page.chars() {
        match character {
            '<' => inside_tag = true,
            '>' => {
                inside_tag = false;
                text.push(' ');
            }
            _ if !inside_tag => text.push(character),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::{Contract, Fixtures};
    use crate::wire::Headers;

    const AWS: &str = "application/x-amz-json-1.1";

    // One row for each way in which a real emulator answers: it was seen to, or its source says so.
    #[rstest]
    #[case::right(200, AWS, r#"{"dbUser":"IAM:a"}"#, TargetClass::Answers)]
    #[case::wrong_members(200, AWS, r#"{"DbUser":"a"}"#, TargetClass::Answers)]
    #[case::empty_object(200, "application/json", "{}", TargetClass::Answers)]
    #[case::documented_error(400, AWS, r#"{"__type":"ResourceNotFoundException"}"#, TargetClass::Answers)]
    #[case::documented_fault(500, AWS, r#"{"__type":"InternalServerException"}"#, TargetClass::Answers)]
    #[case::fakecloud(
        400,
        AWS,
        r#"{"__type":"UnknownOperationException","message":"The operation is unknown."}"#,
        TargetClass::UnknownOperation
    )]
    #[case::floci(404, AWS, r#"{"__type":"UnknownOperationException"}"#, TargetClass::UnknownOperation)]
    #[case::winterbaume(404, AWS, r#"{"__type":"UnknownService","message":"No service"}"#, TargetClass::UnknownService)]
    #[case::localstack(
        501,
        AWS,
        r#"{"__type":"InternalFailure","message":"not yet"}"#,
        TargetClass::DeclaredNotImplemented
    )]
    #[case::ministack(400, "application/json", r#"{"error":"Unsupported service"}"#, TargetClass::OwnJson)]
    #[case::moto(500, "text/html", "<!doctype html><title>500</title>", TargetClass::NotAws)]
    #[case::mockmesh(404, "", "", TargetClass::NotAws)]
    #[case::laws(404, "text/plain", "Unknown service or action", TargetClass::NotAws)]
    #[case::s3(200, "application/xml", "<ListAllMyBucketsResult/>", TargetClass::WrongService)]
    #[case::s3_refusal(
        405,
        "application/xml",
        "<Error><Code>MethodNotAllowed</Code></Error>",
        TargetClass::WrongService
    )]
    #[case::api_gateway(404, "application/json", r#"{"__type":"NotFoundException"}"#, TargetClass::WrongService)]
    #[case::open_search(200, "application/json", r#"{"cluster_name":"a"}"#, TargetClass::WrongService)]
    #[case::redirect(302, "", "", TargetClass::Redirect)]
    #[case::localstack_fault(500, AWS, r#"{"__type":"InternalError","message":"exception"}"#, TargetClass::ServerFault)]
    #[case::bad_key(400, AWS, r#"{"__type":"UnrecognizedClientException"}"#, TargetClass::RefusedCredentials)]
    #[case::no_name(400, AWS, r#"{"message":"Serverless workgroup x not found."}"#, TargetClass::Answers)]
    #[case::not_implemented_400(
        400,
        AWS,
        r#"{"__type":"NotImplementedException"}"#,
        TargetClass::DeclaredNotImplemented
    )]
    #[case::not_implemented_500(
        500,
        AWS,
        r#"{"__type":"A","message":"not yet implemented"}"#,
        TargetClass::DeclaredNotImplemented
    )]
    #[case::unsupported(400, AWS, r#"{"__type":"UnsupportedOperationException"}"#, TargetClass::UnknownOperation)]
    #[case::word_in_code(404, "application/json", r#"{"code":"NOT_FOUND","message":"no route"}"#, TargetClass::OwnJson)]
    #[case::no_route(
        403,
        "application/json",
        r#"{"message":"Missing Authentication Token"}"#,
        TargetClass::RefusedCredentials
    )]
    #[case::nobody(401, "text/plain", "", TargetClass::RefusedCredentials)]
    #[case::bad_gateway(502, "text/html", "<h1>502 Bad Gateway</h1>", TargetClass::Unreachable)]
    #[case::gateway_timeout(504, "text/plain", "stream timeout", TargetClass::Unreachable)]
    #[case::busy(503, "text/html", "<title>503</title>", TargetClass::Unreachable)]
    #[case::throttled(400, AWS, r#"{"__type":"ThrottlingException"}"#, TargetClass::Unreachable)]
    #[case::unsigned(403, AWS, r#"{"__type":"MissingAuthenticationTokenException"}"#, TargetClass::RefusedCredentials)]
    #[case::large_number(200, "application/json", r#"{"dbUser":"a","n":1e400}"#, TargetClass::Answers)]
    #[case::large_number_in_an_error(404, "application/json", r#"{"error":"no","n":1e400}"#, TargetClass::Answers)]
    #[case::half_a_pair(500, "text/plain", r#"{"message":"\ud800 is not implemented"}"#, TargetClass::Answers)]
    #[case::large_number_501(501, AWS, r#"{"n":-1e999}"#, TargetClass::Answers)]
    #[case::large_number_403(403, AWS, r#"{"n":1e400}"#, TargetClass::RefusedCredentials)]
    #[case::large_number_502(502, AWS, r#"{"n":1e400}"#, TargetClass::Unreachable)]
    #[case::cut_json(404, "application/json", r#"{"error":"no","n":1e4"#, TargetClass::NotAws)]
    fn each_way_of_answering_has_its_class(
        #[case] status: u16,
        #[case] media: &str,
        #[case] body: &str,
        #[case] class: TargetClass,
    ) {
        let headers: Headers = [("content-type", media)].into_iter().filter(|(_, media)| !media.is_empty()).collect();
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
        let probed =
            ProbedOperation { service: &contract.service, operation: contract.default_operation(), named: false };
        assert_eq!(class_of(&Response { status, headers, body: body.into() }, probed), class);
    }

    fn exchange(status: u16, body: &str) -> Exchange {
        let answer = Response { status, headers: Headers::new(), body: body.into() };
        let (method, target) = ("POST".to_owned(), "/".to_owned());
        Exchange {
            request: crate::wire::Request { method, target, headers: Headers::new(), body: Vec::new() },
            answer: Ok(answer),
            cut_off: None,
            sent_at: jiff::Timestamp::UNIX_EPOCH,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            elapsed: std::time::Duration::ZERO,
            fault_before: None,
        }
    }

    #[rstest]
    #[case::no_own_member(200, r#"{"a":1}"#, true)]
    #[case::own_member(200, r#"{"DBUSER":"a"}"#, false)]
    #[case::success_beyond_reading(200, r#"{"a":1e400}"#, false)]
    #[case::error(400, r#"{"__type":"A"}"#, true)]
    #[case::not_found(400, r#"{"__type":"ResourceNotFoundException"}"#, false)]
    #[case::error_beyond_reading(400, r#"{"__type":"A","n":1e400}"#, false)]
    #[case::fault_beyond_reading(500, r#"{"__type":"A","n":1e400}"#, false)]
    fn an_answer_that_cannot_be_read_is_not_compared(#[case] status: u16, #[case] body: &str, #[case] expected: bool) {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
        let probed =
            ProbedOperation { service: &contract.service, operation: contract.default_operation(), named: false };
        assert_eq!(may_be_absent(&exchange(status, body), probed, TargetClass::Answers), expected);
    }

    #[rstest]
    #[case::empty((404, ""), (404, ""), true)]
    #[case::named(
        (400, r#"{"__type":"InvalidAction","message":"GetThing is not valid"}"#),
        (400, r#"{"__type":"InvalidAction","message":"DescribeX is not valid"}"#),
        true
    )]
    #[case::ids(
        (500, r#"{"RequestId":"3f2a-beef","at":1700000000}"#), (500, r#"{"RequestId":"77ab-cafe","at":1700000001}"#), true
    )]
    #[case::name_in_snake_case((500, "no attribute 'get_thing'"), (500, "no attribute 'describe_x'"), true)]
    #[case::name_in_words((404, "Get Thing is not here"), (404, "Describe X is not here"), true)]
    #[case::name_in_the_error((400, r#"{"__type":"GetThingNotSupported"}"#), (400, r#"{"__type":"DescribeXNotSupported"}"#), true)]
    #[case::other_order((400, r#"{"a":"b","c":"d"}"#), (400, r#"{"c":"d","a":"b"}"#), true)]
    #[case::other_status((404, ""), (400, ""), false)]
    #[case::other_error((400, r#"{"__type":"A"}"#), (400, r#"{"__type":"B"}"#), false)]
    #[case::other_words(
        (400, r#"{"__type":"A","message":"workgroupName is missing"}"#), (400, r#"{"__type":"A","message":"no"}"#), false
    )]
    #[case::longer((400, "no such route"), (400, "no such route here"), false)]
    fn answers_are_alike_whatever_names_and_numbers_are_in_them(
        #[case] one: (u16, &str),
        #[case] other: (u16, &str),
        #[case] expected: bool,
    ) {
        let [one, other] = [one, other].map(|(status, body)| exchange(status, body));
        let names = ["GetThing", "DescribeX"];
        assert_eq!(are_alike(&[&one], &[&other], names), expected);
        assert_eq!(are_alike(&[&other], &[&one], names), expected);
        assert_eq!(are_alike(&[&one, &one], &[&other, &other], names), expected);
    }

    #[test]
    fn words_that_differ_between_two_answers_to_one_request_are_no_difference() {
        let names = ["GetThing", "DescribeX"];
        let page = |id: &str| exchange(404, &format!("<p>No such page. Reference: {id}</p>"));
        let [one, again, other, last] = ["qkXwZ+pqr/Gh", "Zrtplk=", "mmQ-xyz/zzz+w", "uio/pwl"].map(page);
        assert!(!are_alike(&[&one], &[&other], names));
        assert!(are_alike(&[&one, &again], &[&other, &last], names));
        let another_page = exchange(404, "<p>No workgroup of this name. Reference: abcxyz</p>");
        assert!(!are_alike(&[&one, &again], &[&another_page, &another_page], names));
    }

    // A success is never quoted, and a page is quoted without its tags.
    #[rstest]
    #[case::success(200, AWS, r#"{"message":"CANARY","dbPassword":"CANARY"}"#, None)]
    #[case::page(500, "text/html", "<title>500</title> <p>Internal <b>Error</b>", Some("500 Internal Error"))]
    #[case::gzip(400, "text/plain", b"\x1f\x8b\x08 CANARY", None)]
    #[case::utf16(400, "text/plain", "C\0A\0N\0A\0R\0Y\0", None)]
    #[case::beyond_reading(400, AWS, r#"{"dbPassword":"CANARY","n":1e400}"#, None)]
    fn what_was_heard_is_quoted(
        #[case] status: u16,
        #[case] media: &str,
        #[case] body: impl AsRef<[u8]>,
        #[case] words: Option<&str>,
    ) {
        let headers = [("content-type", media)].into_iter().collect();
        let answer = quoted_answer(&Response { status, headers, body: body.as_ref().to_vec() }, &Masker::default());
        let (media_type, words) = (Some(media.to_owned()), words.map(str::to_owned));
        assert_eq!(answer, TargetAnswer::Answer { status, media_type, error: None, words });
    }

    #[rstest]
    #[case::gzip("gzip", None)]
    #[case::brotli("br", None)]
    #[case::plain("identity", Some("no route"))]
    fn a_body_that_is_said_to_be_encoded_is_not_quoted(#[case] coding: &str, #[case] expected: Option<&str>) {
        let headers = [("content-encoding", coding)].into_iter().collect();
        let response = Response { status: 404, headers, body: "no route".into() };
        let TargetAnswer::Answer { words, .. } = quoted_answer(&response, &Masker::default()) else {
            panic!("it is an answer")
        };
        assert_eq!(words.as_deref(), expected);
    }
}
