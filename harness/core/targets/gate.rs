//! The gate before real AWS. No request goes there unless account, region and resource were allowed by name. The gate
//! is checked before any host name is resolved.
//!
//! A user can allow one service in one region. Every other host of AWS stays closed, and so does every host that looks
//! like one of AWS.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

use reqwest::Url;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

use super::partition::Partition;
use crate::contract::{Resource, Service};
use crate::text::foreign;
use crate::wire::{Region, address, is_localhost, leads_to_metadata};

fn host_prefix() -> &'static str {
    &Service::embedded().endpoint_prefix.is
}

/// Domains of AWS, other than those of its partitions, that a run must not reach.
/// Source: the Public Suffix List of 2026-08-19, its section on Amazon, and the top-level domains `aws` and `amazon`
/// in IANA's root zone; the domains of AWS's own pages, mail, scripts and name servers were added.
const FURTHER_DOMAINS: &str = "
    aws amazon amazon.com amazon.dev a2z.com amazonaws-us-gov.com amazoncognito.com amazonlightsail.com
    amazonses.com amazontrust.com amazonworkspaces.com amplifyapp.com aws.dev awsapprunner.com awsapps.cn
    awsapps.com awscloud.com awsevents.com awsglobalaccelerator.com awsstatic.com awsstatic.cn awstrack.me
    cloudfront.cn cloudfront.net elasticbeanstalk.com elasticbeanstalk.cn live-video.net sagemaker.com.cn
";

/// Names that belong to AWS under any top-level domain, such as `amazonaws.com.cn` or `amazonwebservices.eu`.
const NAMES: [&str; 2] = ["amazonaws", "amazonwebservices"];

/// Who owns the host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostOwner {
    /// AWS.
    Aws,
    /// Unknown, but a person would take the host for this domain of AWS.
    LooksLikeAws(String),
    /// Somebody else.
    Other,
}

impl HostOwner {
    /// The owner of a URL's host, however the host is spelled.
    pub fn of(url: &Url) -> Self {
        // A URL's host is in lower case, without percent signs and full-width letters.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        if is_localhost(host) {
            return Self::Other;
        }
        let is_named = |label: &str| NAMES.contains(&label) || is_name_server(label);
        if domains().any(|domain| is_below(host, domain)) || has_name(host, is_named) {
            return Self::Aws;
        }
        if let Some(address) = address(url) {
            return if leads_to_metadata(address) { Self::Aws } else { Self::Other };
        }
        // The host as a person reads it; in the URL it may be encoded in ASCII.
        let looks = look(&idna::domain_to_unicode(host).0);
        let alike =
            LOOKS.iter().find(|(_, domain_looks)| is_below(&looks, domain_looks)).map(|(domain, _)| domain.clone());
        let name_alike =
            || NAMES.into_iter().find(|name| has_name(&looks, |label| label == look(name))).map(str::to_owned);
        alike.or_else(name_alike).map_or(Self::Other, Self::LooksLikeAws)
    }
}

fn domains() -> impl Iterator<Item = &'static str> {
    let of_partitions = Partition::all().flat_map(|partition| [partition.suffix, partition.dual_stack_suffix]);
    of_partitions.chain(FURTHER_DOMAINS.split_ascii_whitespace())
}

/// What each domain of AWS looks like.
static LOOKS: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| domains().map(|domain| (domain.to_owned(), look(domain))).collect());

/// What a text looks like. Two texts that a person takes for each other give the same result.
/// Source: Unicode Technical Standard 39, section 4, confusable detection. Letter case does not distinguish hosts, and
/// marks on letters are easily overlooked.
fn look(text: &str) -> String {
    let bare: String = text.nfd().filter(|character| !is_combining_mark(*character)).collect();
    let looks: String = skeleton(&skeleton(&bare).collect::<String>().to_lowercase()).collect();
    looks.replace("vv", "w")
}

/// Whether a host is a domain, or lies below it. A name of one label is a host of a private network, not a top-level
/// domain.
fn is_below(host: &str, domain: &str) -> bool {
    (host == domain && host.contains('.')) || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a host lies in a domain whose name fits `is_name`, directly below a top-level domain or below one such as
/// `com.cn`. Names of private networks do not count.
fn has_name(host: &str, is_name: impl Fn(&str) -> bool) -> bool {
    // Source: RFC 6761, RFC 6762, RFC 8375, RFC 9476; ICANN, `internal`; and names that clusters and home networks use.
    const OWN: &str = "alt arpa corp example home internal intranet invalid lan local localdomain onion svc test";
    let mut labels = host.rsplit('.');
    let (top, second, third) = (labels.next(), labels.next(), labels.next());
    let of_country =
        second.is_some_and(|label| ["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"].contains(&label));
    top.is_some_and(|top| OWN.split(' ').all(|own| own != top))
        && (second.is_some_and(&is_name) || (of_country && third.is_some_and(&is_name)))
}

/// Whether a label names a name server of AWS, such as `awsdns-01`.
fn is_name_server(label: &str) -> bool {
    label.strip_prefix("awsdns-").is_some_and(|number| number.parse::<u8>().is_ok())
}

/// The endpoint of the service in a region; `None` if AWS has no such region.
pub fn aws_endpoint(region: &Region) -> Option<Url> {
    let [host, ..] = Partition::of(region)?.hosts(host_prefix(), region);
    format!("https://{host}/").parse().ok()
}

/// The resource that a user allows by name before real AWS is asked.
///
/// # Panics
/// Never: the tests find one in the contract.
pub fn resource() -> &'static Resource {
    let mut resources = Service::embedded().resources.iter();
    resources.find(|resource| resource.is_allowed_by_name).expect("the service has a resource that is allowed by name")
}

/// The form in which a user writes what is allowed: `ACCOUNT/REGION/` and the resource's noun.
pub fn form() -> &'static str {
    static FORM: LazyLock<String> = LazyLock::new(|| format!("ACCOUNT/REGION/{}", resource().noun.to_uppercase()));
    &FORM
}

/// What a run may touch in real AWS: one resource of one account in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedResource {
    /// The account id, twelve digits.
    pub account: String,
    /// The region, one that AWS has.
    pub region: Region,
    /// The name of the resource.
    pub resource: String,
}

impl FromStr for AllowedResource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (account, rest) = text.split_once('/')?;
            let (region, name) = rest.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/'))?;
            let region: Region = region.parse().ok()?;
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            (is_account && Partition::of(&region).is_some()).then(|| Self {
                account: account.to_owned(),
                region,
                resource: name.to_owned(),
            })
        };
        read().ok_or_else(|| {
            format!(
                "expected {} with a region of AWS, such as 123456789012/us-east-1/{}, found \"{}\"",
                form(),
                resource().example,
                foreign(text)
            )
        })
    }
}

/// Why a run may not go to real AWS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateRefusal {
    /// Nothing was allowed.
    #[error(
        "this endpoint is real AWS ({}), which is off until it is asked for; allow one {} with --allow-aws {}",
        foreign(.host), resource().noun, form()
    )]
    NotAllowed {
        /// The host.
        host: String,
    },
    /// The host looks like one of AWS but is not.
    #[error("the host {} looks like {domain}, a domain of AWS, and is another one; nothing is sent to it", foreign(.host))]
    LooksLikeAws {
        /// The host, as it goes to the name servers.
        host: String,
        /// The domain that it looks like.
        domain: String,
    },
    /// Something else was allowed.
    #[error("--allow-aws allows the {what} {}, but this run would use {}", foreign(.allowed), foreign(.found))]
    Differs {
        /// What differs: the region or the resource.
        what: &'static str,
        /// What was allowed.
        allowed: String,
        /// What the run would use.
        found: String,
    },
    /// The credentials are those of another account than the one that was allowed.
    #[error(
        "the credentials belong to another account than the one in --allow-aws; choose credentials of that account \
         with AWS_PROFILE"
    )]
    AnotherAccount,
    /// The region and the resource were allowed, but the URL is not that of the service there.
    #[error(
        "--allow-aws allows the service in that region and nothing else of AWS: expected https:// and one of the \
         hosts {}, with no port and no path, found {}",
        .hosts.join(", "), foreign(.found)
    )]
    NotTheService {
        /// The URL.
        found: String,
        /// The hosts of the service in that region.
        hosts: Box<[String; 4]>,
    },
}

/// Those of a target's `resources`, by id, that must be what was allowed: the resource, and any that the caller is denied
/// beside it.
pub fn names(resources: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    let is_one = |of: &&Resource| of.is_allowed_by_name || of.denied_beside.as_ref() == Some(&resource().id);
    let named = Service::embedded().resources.iter().filter(is_one).filter_map(|of| resources.get(&of.id));
    named.map(String::as_str)
}

/// Checks the endpoint of a run, its region and the [names] of its resources against what was allowed. Every host that is
/// not of AWS is allowed. Of AWS, only the service in the allowed region is allowed, over TLS. [`check_account`] checks
/// the account once credentials are known.
///
/// # Errors
/// The [`GateRefusal`].
pub fn check<'n>(
    allowed: Option<&AllowedResource>,
    endpoint: &Url,
    region: &Region,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<(), GateRefusal> {
    let host = endpoint.host_str().unwrap_or_default().to_owned();
    match HostOwner::of(endpoint) {
        HostOwner::Other => return Ok(()),
        HostOwner::LooksLikeAws(domain) => return Err(GateRefusal::LooksLikeAws { host, domain }),
        HostOwner::Aws => {}
    }
    let allowed = allowed.ok_or_else(|| GateRefusal::NotAllowed { host: host.clone() })?;
    let differs = |what, allowed: &str, found: &str| {
        Err(GateRefusal::Differs { what, allowed: allowed.to_owned(), found: found.to_owned() })
    };
    if allowed.region != *region {
        return differs("region", allowed.region.as_str(), region.as_str());
    }
    let mut names = names.into_iter().peekable();
    let is_named = names.peek().is_some();
    if let Some(other) = names.find(|name| *name != allowed.resource).or((!is_named).then_some("none")) {
        return differs(&resource().noun, &allowed.resource, other);
    }
    let Some(partition) = Partition::of(region) else { return differs("region", "of AWS", region.as_str()) };
    let hosts = partition.hosts(host_prefix(), region);
    // One trailing dot stands for the DNS root; a name with more is not valid.
    let is_named = hosts.iter().any(|known_host| host.strip_suffix('.').unwrap_or(&host) == known_host);
    let whole = endpoint.scheme() == "https" && endpoint.port().is_none() && endpoint.path() == "/";
    if is_named && whole {
        return Ok(());
    }
    Err(GateRefusal::NotTheService { found: endpoint.to_string(), hosts: Box::new(hosts) })
}

/// Checks the account of the credentials against what was allowed.
///
/// # Errors
/// The [`GateRefusal`], which does not show the other account's id.
pub fn check_account(allowed: &AllowedResource, account: &str) -> Result<(), GateRefusal> {
    if allowed.account == account { Ok(()) } else { Err(GateRefusal::AnotherAccount) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn owner(url: &str) -> HostOwner {
        HostOwner::of(&url.parse().expect("a valid URL"))
    }

    // These hosts come from AWS's own pages, so that this test fails if the list above loses a name.
    #[rstest]
    #[case::of_the_service(
        "amazonaws.com redshift-serverless.us-east-1.amazonaws.com redshift-serverless.cn-north-1.amazonaws.com.cn
        redshift-serverless-fips.us-east-1.amazonaws.com redshift-serverless.us-east-1.api.aws
        redshift-serverless.cn-north-1.api.amazonwebservices.com.cn redshift-serverless.eusc-de-east-1.amazonaws.eu
        redshift-serverless.eusc-de-east-1.api.amazonwebservices.eu redshift-serverless.us-iso-east-1.c2s.ic.gov
        redshift-serverless.us-iso-east-1.api.aws.ic.gov redshift-serverless.us-isob-east-1.sc2s.sgov.gov
        redshift-serverless.us-isob-east-1.api.aws.scloud redshift-serverless.eu-isoe-west-1.cloud.adc-e.uk
        redshift-serverless.eu-isoe-west-1.api.cloud-aws.adc-e.uk
        redshift-serverless.us-isof-south-1.csp.hci.ic.gov redshift-serverless.us-isof-south-1.api.aws.hci.ic.gov"
    )]
    #[case::of_other_services(
        "my-bucket.s3.amazonaws.com abc.execute-api.us-east-1.amazonaws.com abc.lambda-url.us-east-1.on.aws
        d-123.awsapps.com start.home.awsapps.cn d111.cloudfront.net d1.cloudfront.cn d1.cloudfront.net...
        a123.awsglobalaccelerator.com me.us-east-1.elasticbeanstalk.com me.cn-north-1.elasticbeanstalk.cn
        abc.us-east-1.awsapprunner.com main.d1.amplifyapp.com x.auth.us-east-1.amazoncognito.com
        console.aws.amazon.com console.amazonaws-us-gov.com studio.us-east-1.sagemaker.aws
        x.notebook.cn-north-1.sagemaker.com.cn x.us-east-1.amazonlightsail.com x.amazonworkspaces.com
        email-smtp.amazonses.com x.live-video.net a.awsstatic.com a.awsstatic.cn r.awstrack.me x.awsevents.com
        crl.amazontrust.com x.awscloud.com docs.aws.dev x.amazon.dev x.a2z.com x.amazon"
    )]
    fn every_host_of_aws_is_known(#[case] hosts: &str) {
        for host in hosts.split_ascii_whitespace() {
            assert_eq!(owner(&format!("https://{host}/start")), HostOwner::Aws, "{host}");
        }
    }

    #[rstest]
    #[case("https://redshift-serverless.us-east-1.amazonaws.com.")]
    #[case("https://REDSHIFT-serverless.us-east-1.AmazonAWS.com:443/")]
    #[case("https://redshift-serverless-fips.us-east-1.api.aws.")]
    #[case("https://amazonaws.org")]
    #[case("https://redshift-serverless.us-east-1.api.aws..")]
    #[case("http://x.api.aws%2e%2e")]
    #[case("https://ns-1.awsdns-01.co.uk")]
    #[case("http://[64:ff9b::a9fe:a9fe]")]
    #[case("http://169.254.169.254/latest/meta-data/")]
    #[case("http://169.254.170.2")]
    #[case("http://2852039166")]
    #[case("http://[fd00:ec2::254]")]
    #[case("http://[2002:a9fe:a9fe::]")]
    #[case("http://[::169.254.169.254]")]
    #[case("http://[::ffff:169.254.169.254]")]
    #[case("http://169.254.170.23/v1/credentials")]
    #[case("https://x.amazonwebservices.co.uk")]
    #[case::percent("https://sts.%61mazonaws.com")]
    #[case::full_width("https://sts.\u{ff41}mazonaws.com")]
    #[case::ideographic_full_stop("https://sts.amazonaws\u{3002}com")]
    #[case::soft_hyphen("https://sts.amazon\u{ad}aws.com")]
    fn a_host_of_aws_is_known_however_it_is_spelled(#[case] url: &str) {
        assert_eq!(owner(url), HostOwner::Aws);
    }

    #[rstest]
    #[case::cyrillic("https://redshift-serverless.us-east-1.\u{430}mazonaws.com")]
    #[case::punycode("https://redshift-serverless.us-east-1.xn--mazonaws-06g.com")]
    #[case::greek("https://amaz\u{3bf}naws.com")]
    #[case::cyrillic_above("https://api.\u{430}ws")]
    #[case::two_letters_for_one("https://sts.arnazonaws.com")]
    #[case::digit_for_letter("https://sts.amaz0naws.com")]
    #[case::another_end("https://sts.am\u{430}zonaws.io")]
    #[case::front("https://d1.cl0udfront.net")]
    #[case::dot_below("https://sts.\u{1ea1}mazonaws.com")]
    #[case::circumflex("https://sts.amazon\u{e2}ws.com")]
    #[case::two_letters_for_w("https://sts.amazonavvs.com")]
    fn a_host_that_looks_like_one_of_aws_is_none_of_nobodys(#[case] url: &str) {
        assert!(matches!(owner(url), HostOwner::LooksLikeAws(_)), "{:?}", owner(url));
    }

    #[rstest]
    #[case::below_a_part_of_one("ic.gov notapi.aws.scloud notamazonaws.com amazonaws.com.example.org")]
    #[case::of_this_machine("localhost:4566 127.0.0.1:4566 [::1]:4566")]
    #[case::below_localhost("amazonaws.localhost:4566 redshift-serverless.us-east-1.amazonaws.com.localhost")]
    #[case::of_one_label("amazonaws aws:4566 amazon awsdns-01:4566 emulator-amazonaws-com:4566")]
    #[case::of_a_network_of_its_own(
        "aws.local x.amazonaws.test localstack.amazonaws.svc awsdns.example awsdns-1.corp.example"
    )]
    #[case::of_an_emulator("localhost.localstack.cloud:4566")]
    #[case::letters_beyond_ascii("b\u{fc}cher.example")]
    fn any_other_host_is_somebody_elses(#[case] hosts: &str) {
        for host in hosts.split(' ') {
            assert_eq!(owner(&format!("http://{host}")), HostOwner::Other, "{host}");
        }
    }

    #[rstest]
    #[case("123456789012/us-east-1/wg", true)]
    #[case("12345678901/us-east-1/wg", false)]
    #[case("123456789012/us-east-1", false)]
    #[case("123456789012//wg", false)]
    #[case("*/us-east-1/wg", false)]
    #[case("123456789012/*/wg", false)]
    #[case("123456789012/local/wg", false)]
    #[case("123456789012/us-east-1/", false)]
    fn what_is_allowed_names_all_three(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<AllowedResource>().is_ok(), valid);
    }

    fn checked(url: &str, region: &str, workgroup: Option<&str>) -> Result<(), GateRefusal> {
        let allowed = format!("123456789012/{region}/wg").parse().expect("a valid text");
        let url = url.parse().expect("a valid URL");
        check(Some(&allowed), &url, &region.parse().expect("a region"), workgroup)
    }

    #[rstest]
    #[case::plain("us-east-1", "https://redshift-serverless.us-east-1.amazonaws.com/")]
    #[case::fips("us-east-1", "https://redshift-serverless-fips.us-east-1.amazonaws.com")]
    #[case::dual_stack("us-east-1", "https://redshift-serverless.us-east-1.api.aws")]
    #[case::fips_dual_stack("us-east-1", "https://redshift-serverless-fips.us-east-1.api.aws")]
    #[case::trailing_dot("us-east-1", "https://redshift-serverless.us-east-1.amazonaws.com.")]
    #[case::letter_case("us-east-1", "https://Redshift-Serverless.US-East-1.AmazonAWS.Com")]
    #[case::port_of_https("us-east-1", "https://redshift-serverless.us-east-1.amazonaws.com:443")]
    #[case::china("cn-north-1", "https://redshift-serverless.cn-north-1.amazonaws.com.cn")]
    #[case::china_dual_stack("cn-north-1", "https://redshift-serverless.cn-north-1.api.amazonwebservices.com.cn")]
    #[case::gov_cloud("us-gov-west-1", "https://redshift-serverless.us-gov-west-1.amazonaws.com")]
    #[case::sovereign("eusc-de-east-1", "https://redshift-serverless.eusc-de-east-1.amazonaws.eu")]
    fn the_service_in_the_region_that_was_allowed_is_let_through(#[case] region: &str, #[case] url: &str) {
        assert_eq!(checked(url, region, Some("wg")), Ok(()));
    }

    #[rstest]
    #[case::another_region("https://redshift-serverless.us-west-2.amazonaws.com")]
    #[case::another_service("https://redshift.us-east-1.amazonaws.com")]
    #[case::provisioned_data("https://redshift-data.us-east-1.amazonaws.com")]
    #[case::storage("https://bucket.s3.us-east-1.amazonaws.com")]
    #[case::somebodys_gateway("https://abc.execute-api.us-east-1.amazonaws.com")]
    #[case::below_it("https://x.redshift-serverless.us-east-1.amazonaws.com")]
    #[case::another_partition("https://redshift-serverless.us-east-1.amazonaws.com.cn")]
    #[case::plain_http("http://redshift-serverless.us-east-1.amazonaws.com")]
    #[case::plain_http_on_443("http://redshift-serverless.us-east-1.amazonaws.com:443")]
    #[case::another_port("https://redshift-serverless.us-east-1.amazonaws.com:8443")]
    #[case::path("https://redshift-serverless.us-east-1.amazonaws.com/x")]
    #[case::two_dots("https://redshift-serverless.us-east-1.amazonaws.com..")]
    #[case::domain_alone("https://amazonaws.com")]
    #[case::front("https://d1.cloudfront.net")]
    #[case::look_alike("https://redshift-serverless.us-east-1.\u{430}mazonaws.com")]
    fn nothing_else_of_aws_is(#[case] url: &str) {
        let refusal = checked(url, "us-east-1", Some("wg")).expect_err("it is not what was allowed");
        assert!(matches!(refusal, GateRefusal::NotTheService { .. } | GateRefusal::LooksLikeAws { .. }), "{refusal}");
    }

    #[test]
    fn region_workgroup_and_account_must_all_match() {
        let allowed: AllowedResource = "123456789012/us-east-1/wg".parse().expect("a valid text");
        let (east, west) = (Region::us_east_1(), "us-west-2".parse().expect("a region"));
        let url = aws_endpoint(&east).expect("a region of AWS");
        assert!(matches!(check(None, &url, &east, Some("wg")), Err(GateRefusal::NotAllowed { .. })));
        assert_eq!(check(Some(&allowed), &url, &east, Some("wg")), Ok(()));
        assert!(check(Some(&allowed), &url, &west, Some("wg")).is_err());
        assert!(check(Some(&allowed), &url, &east, Some("other")).is_err());
        assert!(check(Some(&allowed), &url, &east, None).is_err());
        let both = [("workgroup", "wg"), ("denied-workgroup", "other"), ("database", "dev")];
        let both = both.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
        assert!(check(Some(&allowed), &url, &east, names(&both)).is_err(), "what is denied is a workgroup too");
        let none: AllowedResource = "123456789012/us-east-1/none".parse().expect("a valid text");
        assert!(check(Some(&none), &url, &east, None).is_err());
        assert_eq!(check_account(&allowed, "123456789012"), Ok(()));
        let refusal = check_account(&allowed, "999999999999").expect_err("another account");
        assert!(!refusal.to_string().contains("999999999999"));
    }
}
