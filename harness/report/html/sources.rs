//! Where the sources of requirements can be read.

use serde::Serialize;

const GET_CREDENTIALS: &str =
    "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html";
const COMMON_ERRORS: &str = "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/CommonErrors.html";
const SERVICE_MODEL: &str =
    "https://github.com/boto/botocore/blob/develop/botocore/data/redshift-serverless/2021-04-21/service-2.json";
const JSON_1_1: &str = "https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html";
const SIGNATURE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html";

/// How a source begins, and the page that it names. What follows is divided off by a comma or a colon.
const PAGES: [(&str, &str); 19] = [
    ("API reference, GetCredentials", GET_CREDENTIALS),
    ("Errors", GET_CREDENTIALS),
    ("API reference, Common Error Types", COMMON_ERRORS),
    ("Common Errors", COMMON_ERRORS),
    (
        "boto3 page",
        "https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/redshift-serverless/client/get_credentials.html",
    ),
    ("Boto3 guide, retries", "https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html"),
    ("Service model", SERVICE_MODEL),
    ("service model", SERVICE_MODEL),
    ("Smithy", JSON_1_1),
    ("Database Developer Guide, Reserved words", "https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html"),
    ("RFC 8259", "https://www.rfc-editor.org/rfc/rfc8259"),
    ("RFC 8259 leaves it open", "https://www.rfc-editor.org/rfc/rfc8259"),
    ("RFC 9110", "https://www.rfc-editor.org/rfc/rfc9110"),
    ("RFC 9112", "https://www.rfc-editor.org/rfc/rfc9112"),
    ("Signature Version 4", SIGNATURE),
    ("Signature Version 4 needs clocks that agree", SIGNATURE),
    (
        "AWS SDKs and Tools Reference Guide, retry behavior",
        "https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html",
    ),
    (
        "AWS SDKs and Tools Reference Guide, service-specific endpoints",
        "https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html",
    ),
    (
        "AWS SDKs and Tools Reference Guide, settings reference",
        "https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html",
    ),
];

/// What a source says of a place in its page, and the page's name for it; the first that fits counts.
const PLACES: [(&str, &str, &str); 16] = [
    (GET_CREDENTIALS, "Request Parameters", "API_GetCredentials_RequestParameters"),
    (GET_CREDENTIALS, "Response Elements", "API_GetCredentials_ResponseElements"),
    (GET_CREDENTIALS, "Request Syntax", "API_GetCredentials_RequestSyntax"),
    (GET_CREDENTIALS, "Response Syntax", "API_GetCredentials_ResponseSyntax"),
    (GET_CREDENTIALS, "Errors", "API_GetCredentials_Errors"),
    (JSON_1_1, "empty body serialization", "empty-body-serialization"),
    (JSON_1_1, "operation error serialization", "operation-error-serialization"),
    (JSON_1_1, "differences between", "differences-between-awsjson1-0-and-awsjson1-1"),
    (JSON_1_1, "shape serialization", "shape-serialization"),
    (JSON_1_1, "protocol test", "protocol-compliance-tests"),
    (JSON_1_1, "protocol behaviors", "protocol-behaviors"),
    (JSON_1_1, "Content-Type", "protocol-behaviors"),
    (JSON_1_1, "X-Amz-Target", "protocol-behaviors"),
    (JSON_1_1, "every request goes to the root", "protocol-behaviors"),
    (JSON_1_1, "only POST /", "protocol-behaviors"),
    ("https://www.rfc-editor.org/rfc/rfc9110", "Date", "section-6.6.1"),
];

/// The members that have places of their own in the operation's page.
const REQUEST_MEMBERS: [&str; 4] = ["customDomainName", "dbName", "durationSeconds", "workgroupName"];
const RESPONSE_MEMBERS: [&str; 4] = ["dbPassword", "dbUser", "expiration", "nextRefreshTime"];

/// A part of a source, with its page where there is one to link to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) href: Option<String>,
}

/// The parts of a source: several are separated by semicolons, and one may go on with the page of the
/// one before it.
pub(super) fn sources(source: &str) -> Vec<Source> {
    let mut last = None;
    let mut part = |text: &str| {
        let page = if text == "description" { last } else { page(text) };
        last = page;
        Source { text: text.to_owned(), href: page.map(|page| place(page, text)) }
    };
    source.split("; ").map(&mut part).collect()
}

fn page(part: &str) -> Option<&'static str> {
    let names =
        |name: &str| part.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ':']));
    PAGES.iter().find(|(name, _)| names(name)).map(|(_, page)| *page)
}

/// The most exact place in a page that a source names.
fn place(page: &str, part: &str) -> String {
    let place = member(page, part).or_else(|| section(page, part)).or_else(|| {
        let fits = |(of, words, _): &&(&str, &str, &str)| *of == page && part.contains(words);
        PLACES.iter().find(fits).map(|(_, _, place)| (*place).to_owned())
    });
    place.map_or_else(|| page.to_owned(), |place| format!("{page}#{place}"))
}

/// The member of a request or an answer that is named first.
fn member(page: &str, part: &str) -> Option<String> {
    if page != GET_CREDENTIALS {
        return None;
    }
    let first = |members: [&'static str; 4]| {
        let named = members.into_iter().filter_map(|member| Some((part.find(member)?, member)));
        named.min().map(|(_, member)| member)
    };
    if part.contains("Request Parameters") {
        first(REQUEST_MEMBERS).map(|member| format!("redshiftserverless-GetCredentials-request-{member}"))
    } else if part.contains("Response Elements") {
        first(RESPONSE_MEMBERS).map(|member| format!("redshiftserverless-GetCredentials-response-{member}"))
    } else {
        None
    }
}

/// The section of an RFC that is named first.
fn section(page: &str, part: &str) -> Option<String> {
    let (_, after) = part.split_once(" section ").or_else(|| part.split_once(" sections "))?;
    let number = after.split(|c: char| c != '.' && !c.is_ascii_digit()).next()?.trim_end_matches('.');
    (page.contains("/rfc/") && !number.is_empty()).then(|| format!("section-{number}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;
    use crate::contract::{Contract, Fixtures};

    /// Sources that name no page.
    const WITHOUT_A_PAGE: [(&str, &str); 8] = [
        ("Smithy's protocol tests refuse a fraction, a sibling service cuts it off", "it weighs two readings"),
        ("A comment in a client says that it fails; the documents do not say how", "the comment is no document"),
        ("Validation messages of Redshift, SSM, OpenSearch and Athena", "it was put together from records"),
        ("Smithy's error model says 404, sibling services were seen to send 400", "it weighs two readings"),
        ("Athena, raw requests", "a record"),
        ("Athena, raw requests; the prefix that a JavaScript SDK of 2022 sent", "records"),
        ("no document names the largest request", "there is none"),
        (
            "Common errors of AWS services reach every operation; the protocol tells no client what to do with their names",
            "it says what is written nowhere",
        ),
    ];

    fn hrefs(source: &str) -> Vec<String> {
        sources(source).into_iter().map(|part| part.href.unwrap_or_default()).collect()
    }

    #[rstest]
    #[case("API reference, GetCredentials, Request Parameters, dbName, first bullet", &format!("{GET_CREDENTIALS}#redshiftserverless-GetCredentials-request-dbName"))]
    #[case("API reference, GetCredentials, Request Parameters, workgroupName and customDomainName", &format!("{GET_CREDENTIALS}#redshiftserverless-GetCredentials-request-workgroupName"))]
    #[case("API reference, GetCredentials, Response Syntax and Response Elements, expiration", &format!("{GET_CREDENTIALS}#redshiftserverless-GetCredentials-response-expiration"))]
    #[case("API reference, GetCredentials, Errors, ValidationException", &format!("{GET_CREDENTIALS}#API_GetCredentials_Errors"))]
    #[case("API reference, GetCredentials, description", GET_CREDENTIALS)]
    #[case("Smithy, AWS JSON 1.1, operation error serialization", &format!("{JSON_1_1}#operation-error-serialization"))]
    #[case("Smithy, differences between awsJson1_0 and awsJson1_1: clients accept either", &format!("{JSON_1_1}#differences-between-awsjson1-0-and-awsjson1-1"))]
    #[case("RFC 8259, section 8.1, asks for UTF-8", "https://www.rfc-editor.org/rfc/rfc8259#section-8.1")]
    #[case("RFC 9112, sections 6.3 and 7.1", "https://www.rfc-editor.org/rfc/rfc9112#section-6.3")]
    #[case("Smithy's error model says 404", "")]
    #[case("Errors of the framework on other AWS JSON services", "")]
    fn a_source_leads_to_its_place(#[case] source: &str, #[case] expected: &str) {
        assert_eq!(hrefs(source), [expected]);
    }

    #[test]
    fn a_source_of_several_parts_links_to_each() {
        let found = hrefs("API reference, GetCredentials, Request Parameters, durationSeconds; description; RFC 8259");
        let member = format!("{GET_CREDENTIALS}#redshiftserverless-GetCredentials-request-durationSeconds");
        assert_eq!(found, [&member, GET_CREDENTIALS, "https://www.rfc-editor.org/rfc/rfc8259"]);
    }

    #[test]
    fn every_source_of_the_register_links_to_a_page_or_names_none() {
        let register = Contract::load(&Fixtures::Embedded).expect("a valid contract").register;
        let linked = |source: &&str| hrefs(source).iter().any(|href| !href.is_empty());
        let all: BTreeSet<&str> = register.requirements.iter().map(|row| row.source.as_str()).collect();
        let without: BTreeSet<&str> = all.iter().copied().filter(|source| !linked(source)).collect();
        assert_eq!(without, WITHOUT_A_PAGE.iter().map(|(source, _)| *source).collect());
    }
}
