//! Why a target cannot be judged, told from its answer to the probe.

use std::sync::LazyLock;

use regex::Regex;
use reqwest::Url;
use serde_json::Value;

use super::gate::HostOwner;
use crate::verdict::{Cause, TargetClass};
use crate::wire::{Exchange, Masker, Response, error_type};

/// How far two clocks may be apart before a signature is refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
pub const CLOCK_LIMIT_SECONDS: i64 = 300;

/// How much of an answer is searched for a reason, in bytes. A right error has about two hundred.
const SEARCHED: usize = 16 * 1024;

/// The reason why a target of this class cannot be judged; `None` if there is none, or the answer does not tell.
pub(super) fn of_answer(
    class: TargetClass,
    exchange: &Exchange,
    response: &Response,
    hidden: &Masker,
) -> Option<Cause> {
    match class {
        TargetClass::Redirect => {
            let location = response.headers.get("location").filter(|location| !location.is_empty());
            let to = location.map(|location| place(location, &hidden.with_answer(response)));
            Some(match to {
                Some(to) if location.is_some_and(leads_to_aws) => Cause::RedirectedToAws { to },
                to => Cause::Redirected { to },
            })
        }
        TargetClass::RefusedCredentials => Some(of_refusal(exchange, response)),
        TargetClass::Unreachable if wants_tls(response) => Some(Cause::WantsTls),
        TargetClass::Answers
        | TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::OwnJson
        | TargetClass::NotAws
        | TargetClass::WrongService
        | TargetClass::ServerFault
        | TargetClass::NoResource
        | TargetClass::Unreachable => None,
    }
}

/// Where a redirect leads, without query and credentials.
fn place(location: &str, hidden: &Masker) -> String {
    let Some(url) = Url::parse(location).ok().filter(Url::has_host) else { return hidden.quote(location) };
    let origin = hidden.quote_origin(&url.origin().ascii_serialization());
    format!("{origin}{}", if url.path() == "/" { "/".to_owned() } else { hidden.quote(url.path()) })
}

/// Whether a redirect leads to AWS, or to a host that looks like one of AWS.
fn leads_to_aws(location: &str) -> bool {
    // A redirect may name no scheme, or no host: then it stays where it is.
    let here = Url::parse("https://localhost/").expect("a valid URL");
    here.join(location).is_ok_and(|url| HostOwner::of(&url) != HostOwner::Other)
}

/// The reason why credentials or a signature were refused: by the error's name, by the words of AWS, by the clocks.
fn of_refusal(exchange: &Exchange, response: &Response) -> Cause {
    if exchange.request.headers.get("authorization").is_none() {
        return Cause::NotSigned;
    }
    let (name, words) = (name_of(response), words_of(response));
    let is = |names: &str| names.split(' ').any(|known| known == name);
    let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    let is_about_signature = is("InvalidSignatureException SignatureDoesNotMatch IncompleteSignature \
                                 IncompleteSignatureException RequestExpired RequestTimeTooSkewed");
    if is("MissingAuthenticationToken MissingAuthenticationTokenException") || says(&["missing authentication token"]) {
        Cause::SignatureLost
    } else if is("ExpiredToken ExpiredTokenException")
        || says(&["token has expired", "token included in the request is expired"])
    {
        Cause::TokenExpired
    } else if let Some(seconds) = clock_ahead(exchange, response).filter(|_| is_about_signature) {
        Cause::ClockOff { seconds }
    } else if is("RequestExpired RequestTimeTooSkewed") || says(&["signature expired", "signature not yet current"]) {
        Cause::SignatureOutOfDate
    } else if says(&["credential should be scoped", "credential scope"]) {
        Cause::WrongScope
    } else if is("IncompleteSignature IncompleteSignatureException") {
        Cause::SignatureUnreadable
    } else if is("InvalidSignatureException SignatureDoesNotMatch") {
        Cause::WrongSignature
    } else if is("UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId InvalidToken") {
        Cause::UnknownKey
    } else if is("OptInRequired") {
        Cause::NotOptedIn
    } else if is("AccessDeniedException AccessDenied NotAuthorized NotAuthorizedException UnauthorizedOperation") {
        Cause::Denied
    } else {
        Cause::Unexplained
    }
}

/// By how many seconds the server's clock is ahead of ours, by the `Date` of its answer; negative if it is behind.
/// `None` if the two are no further apart than a signature is good for, or there is no such date.
fn clock_ahead(exchange: &Exchange, response: &Response) -> Option<i64> {
    let date = response.date()?.as_second();
    let ahead = date - exchange.received_at.as_second();
    let behind = exchange.sent_at.as_second() - date;
    if ahead > CLOCK_LIMIT_SECONDS {
        Some(ahead)
    } else if behind > CLOCK_LIMIT_SECONDS {
        Some(-behind)
    } else {
        None
    }
}

/// The name of an error, also of one in XML, as other services of AWS give it. Empty if there is none.
fn name_of(response: &Response) -> String {
    static CODE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("<Code>([A-Za-z.]{1,100})</Code>").expect("the pattern is valid"));
    let of_xml = || Some(CODE.captures(&text_of(response))?[1].to_owned());
    error_type(response).or_else(of_xml).unwrap_or_default()
}

/// The message of an error, or the text of any other answer, in lower case.
fn words_of(response: &Response) -> String {
    let body = response.json();
    let message =
        body.as_ref().and_then(|body| ["message", "Message"].iter().find_map(|name| body.get(name)?.as_str()));
    message.map_or_else(|| text_of(response), str::to_owned).to_lowercase()
}

fn text_of(response: &Response) -> String {
    String::from_utf8_lossy(&response.body[..response.body.len().min(SEARCHED)]).into_owned()
}

/// Whether an answer says that its port speaks TLS. Many servers answer a plain request there with a 400 and a page of
/// their own: Go's, nginx, Apache, Jetty, Tomcat. An answer in JSON comes from a program behind the port.
/// Source: RFC 9110, section 15.5.22, for 426.
pub(super) fn wants_tls(response: &Response) -> bool {
    // An address of a page is no word about the port.
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(https(?:[^:a-z]|$)|tls\b|ssl\b)").expect("the pattern is valid"));
    let upgrades = || response.headers.get("upgrade").is_some_and(|to| to.to_ascii_lowercase().contains("tls"));
    match response.status {
        426 if upgrades() => true,
        // 497 is nginx's own number for it.
        400 | 426 | 497 => {
            let is_json = response.json().as_ref().is_some_and(Value::is_object);
            !is_json && WORD.is_match(&text_of(response).to_lowercase())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use rstest::rstest;

    use super::*;
    use crate::wire::{Headers, Request};

    const PAGE: &str = "text/html";
    const AWS: &str = "application/x-amz-json-1.1";

    fn response(status: u16, media: &str, body: &str, more: &[(&str, &str)]) -> Response {
        let headers: Headers = [("content-type", media)].iter().chain(more).copied().collect();
        Response { status, headers, body: body.into() }
    }

    /// The exchange of a request that was answered just now.
    fn exchange(signed: bool, response: &Response) -> Exchange {
        let field = if signed { [("authorization", "AWS4-HMAC-SHA256 ...")] } else { [("host", "localhost")] };
        let headers = field.into_iter().collect();
        let request = Request { method: "POST".to_owned(), target: "/".to_owned(), headers, body: Vec::new() };
        let now = Timestamp::now();
        Exchange {
            request,
            answer: Ok(response.clone()),
            cut_off: None,
            sent_at: now,
            received_at: now,
            elapsed: Duration::ZERO,
            fault_before: None,
        }
    }

    // The messages are those of AWS, or of emulators and gateways that people wrote about.
    #[rstest]
    #[case::wrong(
        "InvalidSignatureException",
        "The request signature we calculated does not match",
        Cause::WrongSignature
    )]
    #[case::wrong_elsewhere("SignatureDoesNotMatch", "", Cause::WrongSignature)]
    #[case::out_of_date(
        "InvalidSignatureException",
        "Signature expired: 20261126T113000Z is now earlier than 20261126T114500Z",
        Cause::SignatureOutOfDate
    )]
    #[case::not_yet("InvalidSignatureException", "Signature not yet current: 2026", Cause::SignatureOutOfDate)]
    #[case::skewed("RequestTimeTooSkewed", "", Cause::SignatureOutOfDate)]
    #[case::region("InvalidSignatureException", "Credential should be scoped to a valid region. ", Cause::WrongScope)]
    #[case::day("SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD", Cause::WrongScope)]
    #[case::half(
        "IncompleteSignatureException",
        "Authorization header requires 'Signature' parameter",
        Cause::SignatureUnreadable
    )]
    #[case::no_token("MissingAuthenticationTokenException", "Missing Authentication Token", Cause::SignatureLost)]
    #[case::no_token_without_a_name("", "Missing Authentication Token", Cause::SignatureLost)]
    #[case::key(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        Cause::UnknownKey
    )]
    #[case::key_of_a_query("InvalidClientTokenId", "", Cause::UnknownKey)]
    #[case::expired(
        "ExpiredTokenException",
        "The security token included in the request is expired",
        Cause::TokenExpired
    )]
    #[case::expired_without_a_name("", "The security token included in the request is expired", Cause::TokenExpired)]
    #[case::policy(
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/a is not authorized to perform: redshift-serverless:GetCredentials",
        Cause::Denied
    )]
    #[case::opt_in("OptInRequired", "", Cause::NotOptedIn)]
    #[case::another_name("Forbidden", "no", Cause::Unexplained)]
    fn a_refusal_has_its_cause(#[case] name: &str, #[case] message: &str, #[case] expected: Cause) {
        let answer = response(403, AWS, &serde_json::json!({ "__type": name, "message": message }).to_string(), &[]);
        assert_eq!(of_refusal(&exchange(true, &answer), &answer), expected);
        assert_eq!(of_refusal(&exchange(false, &answer), &answer), Cause::NotSigned);
    }

    #[rstest]
    #[case::xml("<Error><Code>SignatureDoesNotMatch</Code></Error>", Cause::WrongSignature)]
    #[case::page("<html><h1>403 Forbidden</h1></html>", Cause::Unexplained)]
    #[case::nothing("", Cause::Unexplained)]
    fn a_refusal_of_another_form_has_its_cause_too(#[case] body: &str, #[case] expected: Cause) {
        let answer = response(403, PAGE, body, &[]);
        assert_eq!(of_refusal(&exchange(true, &answer), &answer), expected);
    }

    // The clock is the cause only if it is far off and the signature is what was refused.
    #[rstest]
    #[case::ahead("InvalidSignatureException", 600, true)]
    #[case::behind("InvalidSignatureException", -7200, true)]
    #[case::near("InvalidSignatureException", 200, false)]
    #[case::another_reason("AccessDeniedException", 600, false)]
    fn a_clock_that_is_off_is_told_by_the_date_of_the_answer(
        #[case] name: &str,
        #[case] off: i64,
        #[case] is_cause: bool,
    ) {
        let date = Timestamp::now().checked_add(SignedDuration::from_secs(off)).expect("a time");
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).expect("a date");
        let answer = response(403, AWS, &format!(r#"{{"__type":"{name}"}}"#), &[("date", &date)]);
        match of_refusal(&exchange(true, &answer), &answer) {
            Cause::ClockOff { seconds } => assert!(is_cause && (seconds - off).abs() <= 2, "{seconds}"),
            other => assert!(!is_cause, "{other:?}"),
        }
    }

    #[rstest]
    #[case::go(400, "", "Client sent an HTTP request to an HTTPS server.\n", true)]
    #[case::nginx(400, PAGE, "<title>400 The plain HTTP request was sent to HTTPS port</title>", true)]
    #[case::jetty(400, "text/plain", "Bad Request\r\nThis combination of host and port requires TLS.\r\n", true)]
    #[case::apache(400, PAGE, "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />", true)]
    #[case::a_link(400, PAGE, "<a href=\"https://example.com/help\">Bad request</a>", false)]
    #[case::a_page(400, PAGE, "<h1>Bad Request</h1>", false)]
    #[case::not_found(404, PAGE, "no such page on this HTTPS server", false)]
    #[case::a_program(400, AWS, r#"{"__type":"ValidationException","message":"only HTTPS"}"#, false)]
    #[case::part_of_a_word(400, "text/plain", "httpsomething subtlse", false)]
    fn a_port_that_speaks_tls_is_known_by_its_answer_to_a_plain_request(
        #[case] status: u16,
        #[case] media: &str,
        #[case] body: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(wants_tls(&response(status, media, body, &[])), expected);
    }

    #[rstest]
    #[case::host_of_many_parts(
        "https://a-service.us-east-1.cloud.example.com/",
        "https://a-service.us-east-1.cloud.example.com/"
    )]
    #[case::path("https://example.com:8443/v1", "https://example.com:8443/v1")]
    #[case::query("http://127.0.0.1:9297/?token=CANARY-7b1", "http://127.0.0.1:9297/")]
    #[case::credentials("http://CANARY-1:CANARY-2@example.com/", "http://example.com/")]
    #[case::our_secret("http://our-CANARY-secret-key-77b1.example.com/", "***")]
    #[case::relative("/dashboard", "/dashboard")]
    #[case::no_url("CANARY-secret-key-77b1", "***")]
    fn a_redirect_names_where_it_leads_without_secrets(#[case] location: &str, #[case] expected: &str) {
        let hidden = Masker::new(["CANARY-secret-key-77b1".to_owned()]);
        let answer = response(308, PAGE, "", &[("location", location)]);
        let cause = of_answer(TargetClass::Redirect, &exchange(true, &answer), &answer, &hidden);
        let Some(Cause::Redirected { to: Some(to) }) = cause else { panic!("{cause:?}") };
        assert!(to.contains(expected) && !to.to_lowercase().contains("canary"), "{to}");
    }

    #[rstest]
    #[case::the_service("https://redshift-serverless.us-east-1.amazonaws.com/", true)]
    #[case::without_a_scheme("//sts.us-east-1.api.aws/x", true)]
    #[case::capitals("HTTPS://X.AMAZONAWS.COM.", true)]
    #[case::a_look_alike("https://sts.\u{430}mazonaws.com/", true)]
    #[case::the_metadata("http://169.254.169.254/latest", true)]
    #[case::in_the_path("/amazonaws.com", false)]
    #[case::a_host_of_somebody_else("https://amazonaws.com.example.org/", false)]
    #[case::this_machine("http://127.0.0.1:4566/", false)]
    fn a_redirect_to_aws_is_told_from_others(#[case] location: &str, #[case] expected: bool) {
        let answer = response(307, PAGE, "", &[("location", location)]);
        let cause = of_answer(TargetClass::Redirect, &exchange(true, &answer), &answer, &Masker::default());
        assert_eq!(matches!(cause, Some(Cause::RedirectedToAws { .. })), expected, "{cause:?}");
    }

    #[test]
    fn a_redirect_names_where_it_leads_bounded_and_escaped() {
        let location = format!("https://example.com/\u{1b}[2J{}", "a".repeat(5_000));
        let answer = response(308, PAGE, "", &[("location", &location)]);
        let cause = of_answer(TargetClass::Redirect, &exchange(true, &answer), &answer, &Masker::default());
        let Some(Cause::Redirected { to: Some(to) }) = cause else { panic!("{cause:?}") };
        assert!(to.starts_with("https://example.com/") && to.len() < 1_000 && !to.contains('\u{1b}'), "{to}");
    }
}
