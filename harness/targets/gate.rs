//! The gate before real AWS: nothing goes there unless account, region and workgroup were allowed by
//! name, and it is closed before any host name is resolved.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The domains that real AWS answers under.
/// Source: botocore 1.44.5, `partitions.json`: `dnsSuffix` and `dualStackDnsSuffix` of every partition.
/// The last two are further domains of AWS, under which a run has no business either.
const AWS_DOMAINS: [&str; 16] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.hci.ic.gov",
    "on.aws",
    "aws.dev",
];

/// Whether a URL leads to real AWS, however its host is spelled.
pub fn is_aws(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    AWS_DOMAINS
        .iter()
        .any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// The endpoint of the service in a region.
/// Source: botocore's endpoint rule set for redshift-serverless.
pub fn aws_endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://redshift-serverless.{region}.{suffix}/")
}

/// What a run may touch in real AWS: `ACCOUNT/REGION/WORKGROUP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The account id, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The workgroup.
    pub workgroup: String,
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('/').collect();
        match parts.as_slice() {
            [account, region, workgroup]
                if account.len() == 12
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && !region.is_empty()
                    && !workgroup.is_empty() =>
            {
                Ok(Self {
                    account: (*account).to_owned(),
                    region: (*region).to_owned(),
                    workgroup: (*workgroup).to_owned(),
                })
            }
            _ => Err(format!(
                "expected ACCOUNT/REGION/WORKGROUP, such as 123456789012/us-east-1/my-workgroup, found \"{}\"",
                crate::wire::foreign(text)
            )),
        }
    }
}

/// Why a run may not go to real AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing was allowed.
    NotAllowed,
    /// Something else was allowed.
    Differs {
        /// What differs: the region, the workgroup or the account.
        what: &'static str,
        /// What was allowed.
        allowed: String,
        /// What the run would use.
        found: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed => f.write_str(
                "this endpoint is real AWS, which is off until it is asked for; \
                 allow one workgroup with --allow-aws ACCOUNT/REGION/WORKGROUP",
            ),
            Self::Differs { what, allowed, found } => {
                write!(f, "--allow-aws allows the {what} {allowed}, but this run would use {found}")
            }
        }
    }
}

/// Checks region and workgroup against what was allowed; the account is checked once credentials are known.
///
/// # Errors
/// The [`Refusal`].
pub fn check(allowed: Option<&Allowed>, region: &str, workgroup: Option<&str>) -> Result<(), Refusal> {
    let allowed = allowed.ok_or(Refusal::NotAllowed)?;
    same("region", &allowed.region, region)?;
    same("workgroup", &allowed.workgroup, workgroup.unwrap_or("none"))
}

/// Checks the account of the credentials against what was allowed.
///
/// # Errors
/// The [`Refusal`], which does not show the other account's id.
pub fn check_account(allowed: &Allowed, account: &str) -> Result<(), Refusal> {
    if allowed.account == account {
        return Ok(());
    }
    Err(Refusal::Differs {
        what: "account",
        allowed: "given there".to_owned(),
        found: "the account of other credentials".to_owned(),
    })
}

fn same(what: &'static str, allowed: &str, found: &str) -> Result<(), Refusal> {
    if allowed == found {
        Ok(())
    } else {
        Err(Refusal::Differs { what, allowed: allowed.to_owned(), found: found.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://redshift-serverless.us-east-1.amazonaws.com", true)]
    #[case("https://redshift-serverless.us-east-1.amazonaws.com.", true)]
    #[case("https://REDSHIFT-serverless.us-east-1.AmazonAWS.com:443/", true)]
    #[case("https://redshift-serverless.cn-north-1.amazonaws.com.cn", true)]
    #[case("https://redshift-serverless-fips.us-east-1.amazonaws.com", true)]
    #[case("https://redshift-serverless.us-east-1.api.aws", true)]
    #[case("https://redshift-serverless-fips.us-east-1.api.aws.", true)]
    #[case("http://amazonaws.com", true)]
    #[case("https://redshift-serverless.cn-north-1.api.amazonwebservices.com.cn", true)]
    #[case("https://redshift-serverless.eusc-de-east-1.amazonaws.eu", true)]
    #[case("https://redshift-serverless.eusc-de-east-1.api.amazonwebservices.eu", true)]
    #[case("https://redshift-serverless.us-iso-east-1.c2s.ic.gov", true)]
    #[case("https://redshift-serverless.us-iso-east-1.api.aws.ic.gov", true)]
    #[case("https://redshift-serverless.us-isob-east-1.sc2s.sgov.gov", true)]
    #[case("https://redshift-serverless.us-isob-east-1.api.aws.scloud", true)]
    #[case("https://redshift-serverless.eu-isoe-west-1.cloud.adc-e.uk", true)]
    #[case("https://redshift-serverless.eu-isoe-west-1.api.cloud-aws.adc-e.uk", true)]
    #[case("https://redshift-serverless.us-isof-south-1.csp.hci.ic.gov", true)]
    #[case("https://redshift-serverless.us-isof-south-1.api.aws.hci.ic.gov", true)]
    #[case("http://ic.gov", false)]
    #[case("http://notapi.aws.scloud", false)]
    #[case("http://localhost:4566", false)]
    #[case("http://127.0.0.1:4566", false)]
    #[case("http://notamazonaws.com", false)]
    #[case("http://amazonaws.com.example.org", false)]
    fn real_aws_is_known_however_it_is_spelled(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_aws(&url.parse().expect("a valid URL")), expected);
    }

    #[rstest]
    #[case("123456789012/us-east-1/wg", true)]
    #[case("12345678901/us-east-1/wg", false)]
    #[case("123456789012/us-east-1", false)]
    #[case("123456789012//wg", false)]
    #[case("*/us-east-1/wg", false)]
    fn what_is_allowed_names_all_three(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<Allowed>().is_ok(), valid);
    }

    #[test]
    fn region_workgroup_and_account_must_all_match() {
        let allowed: Allowed = "123456789012/us-east-1/wg".parse().expect("a valid text");
        assert_eq!(check(None, "us-east-1", Some("wg")), Err(Refusal::NotAllowed));
        assert_eq!(check(Some(&allowed), "us-east-1", Some("wg")), Ok(()));
        assert!(check(Some(&allowed), "us-west-2", Some("wg")).is_err());
        assert!(check(Some(&allowed), "us-east-1", Some("other")).is_err());
        assert!(check(Some(&allowed), "us-east-1", None).is_err());
        assert_eq!(check_account(&allowed, "123456789012"), Ok(()));
        let refusal = check_account(&allowed, "999999999999").expect_err("another account");
        assert!(!refusal.to_string().contains("999999999999"));
    }
}
