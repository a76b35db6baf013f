//! Where the sources of requirements can be read.

use serde::Serialize;

/// What a source begins with, and the page that it names.
const PAGES: [(&str, &str); 11] = [
    ("API reference, GetCredentials", GET_CREDENTIALS),
    ("API reference, Common Error", COMMON_ERRORS),
    ("Common Errors", COMMON_ERRORS),
    (
        "boto3 page",
        "https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/redshift-serverless/client/get_credentials.html",
    ),
    (
        "Service model",
        "https://github.com/boto/botocore/blob/develop/botocore/data/redshift-serverless/2021-04-21/service-2.json",
    ),
    ("Smithy", "https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"),
    ("Errors", GET_CREDENTIALS),
    ("Database Developer Guide, Reserved words", "https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html"),
    ("RFC 8259", "https://www.rfc-editor.org/rfc/rfc8259"),
    ("RFC 9110", "https://www.rfc-editor.org/rfc/rfc9110"),
    ("Signature Version 4", "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"),
];

const GET_CREDENTIALS: &str =
    "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html";
const COMMON_ERRORS: &str = "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/CommonErrors.html";

/// The sections of the operation's page, with their places in it.
const SECTIONS: [(&str, &str); 5] = [
    ("Request Parameters", "RequestParameters"),
    ("Response Elements", "ResponseElements"),
    ("Request Syntax", "RequestSyntax"),
    ("Response Syntax", "ResponseSyntax"),
    ("Errors", "Errors"),
];

/// A part of a source, with its page where there is one to link to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) href: Option<String>,
}

/// The parts of a source: several are separated by semicolons.
pub(super) fn sources(source: &str) -> Vec<Source> {
    source.split("; ").map(|part| Source { text: part.to_owned(), href: href(part) }).collect()
}

fn href(part: &str) -> Option<String> {
    let (_, page) = PAGES.iter().find(|(prefix, _)| part.starts_with(prefix))?;
    let section = SECTIONS.iter().find(|(name, _)| *page == GET_CREDENTIALS && part.contains(name));
    Some(match section {
        Some((_, place)) => format!("{page}#API_GetCredentials_{place}"),
        None => (*page).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Contract, Evidence, Fixtures, Requirement};

    #[test]
    fn a_source_of_two_parts_links_to_both() {
        let parts = sources("API reference, GetCredentials, Request Parameters, dbName; RFC 8259, section 8.1");
        let hrefs: Vec<_> = parts.iter().map(|part| part.href.as_deref().unwrap_or_default()).collect();
        let expected = [&format!("{GET_CREDENTIALS}#API_GetCredentials_RequestParameters"), PAGES[8].1];
        assert_eq!(hrefs, expected);
    }

    #[test]
    fn every_plain_requirement_of_the_register_links_to_a_page() {
        let register = Contract::load(&Fixtures::Embedded).expect("a valid contract").register;
        let plain = |row: &&Requirement| row.counts() && row.evidence != Evidence::Conflict;
        for row in register.requirements.iter().filter(plain) {
            assert!(sources(&row.source).iter().any(|part| part.href.is_some()), "{}: {}", row.id, row.source);
        }
    }
}
