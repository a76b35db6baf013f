//! Limits which hosts may be asked for credentials over HTTP. Every such request goes through a [`Guard`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http;
use reqsign_core::{Error, HttpSend};
use reqwest::Url;

use crate::targets::gate::HostOwner;
use crate::targets::partition::Partition;
use crate::text::escape;
use crate::wire::{Client, ClientOptions, Request, Response, address, leads_to_metadata};

/// Which hosts may be asked.
#[derive(Debug)]
pub(super) enum Reach {
    /// One host, over TLS.
    Host(String),
    /// The services that hand out credentials.
    Credentials {
        /// The partition whose STS and single sign-on may be asked, over TLS. The metadata of the machine may be asked
        /// too.
        partition: &'static Partition,
        /// The URL in `AWS_CONTAINER_CREDENTIALS_FULL_URI`; `None` if it is not set, or its host belongs or seems to
        /// belong to AWS.
        container: Option<Url>,
    },
}

impl Reach {
    /// The services that hand out credentials in a partition.
    pub(super) fn credentials(partition: &'static Partition) -> Self {
        let container = std::env::var("AWS_CONTAINER_CREDENTIALS_FULL_URI").ok();
        let container = container.and_then(|url| url.parse().ok()).filter(|url| HostOwner::of(url) == HostOwner::Other);
        Self::Credentials { partition, container }
    }

    fn covers(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        match self {
            Self::Host(only) => is_tls(url) && host == only,
            Self::Credentials { partition, container } => {
                is_metadata(url) || container.as_ref() == Some(url) || (is_tls(url) && hands_out(host, partition))
            }
        }
    }
}

fn is_tls(url: &Url) -> bool {
    url.scheme() == "https" && url.port().is_none()
}

/// Whether a host belongs to the STS or the single sign-on of a partition, in any region.
/// Source: botocore's endpoint rule sets of sts, sso and sso-oidc.
fn hands_out(host: &str, partition: &Partition) -> bool {
    const SERVICES: [&str; 6] = ["sts", "sts-fips", "portal.sso", "portal.sso-fips", "oidc", "oidc-fips"];
    [partition.suffix, partition.dual_stack_suffix].into_iter().any(|suffix| {
        let Some(rest) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else { return false };
        // Only STS also has a host without a region.
        SERVICES.iter().any(|service| match rest.strip_prefix(service) {
            Some("") => *service == "sts",
            Some(region) => region.strip_prefix('.').is_some_and(|region| !region.is_empty() && !region.contains('.')),
            None => false,
        })
    })
}

/// Whether a URL is where a machine or a container of AWS asks for its own credentials.
/// Source: the AWS SDKs and Tools Reference Guide, IMDS and container credential providers.
fn is_metadata(url: &Url) -> bool {
    url.scheme() == "http" && url.port().is_none() && address(url).is_some_and(leads_to_metadata)
}

/// An HTTP client that sends no request outside its reach.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    reach: Arc<Reach>,
    /// A file with certificates to trust beside the system's, as for the target.
    ca_file: Option<PathBuf>,
    /// The first URL that was denied, without path and query.
    denied: Arc<Mutex<Option<String>>>,
}

/// How long the metadata of a machine may take to answer. On a machine without metadata, often nothing refuses the
/// connection, and a request would wait.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("{0} is not asked")]
    Denied(String),
    #[error("{0}")]
    Unreachable(String),
}

impl Guard {
    pub(super) fn new(reach: Reach, ca_file: Option<&Path>) -> Self {
        Self { reach: Arc::new(reach), ca_file: ca_file.map(Path::to_owned), denied: Arc::default() }
    }

    /// The first address that was denied.
    pub(super) fn denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request to the host of this URL, if it is within reach.
    pub(super) async fn send(&self, url: &Url, request: Request) -> Result<Response, Unanswered> {
        if !self.reach.covers(url) {
            let place = escape(&url.origin().ascii_serialization());
            self.denied.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| place.clone());
            return Err(Unanswered::Denied(place));
        }
        let mut options = ClientOptions { ca_file: self.ca_file.clone(), ..ClientOptions::default() };
        if is_metadata(url) {
            options.timeout = METADATA_TIMEOUT;
        }
        let client = Client::new(url.clone(), &options).map_err(|error| Unanswered::Unreachable(error.to_string()))?;
        client.send(request).await.answer.map_err(|fault| Unanswered::Unreachable(fault.to_string()))
    }
}

/// A request to this URL with the header `Host` and these header fields.
pub(super) fn request<'a>(
    method: &str,
    url: &'a Url,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: Vec<u8>,
) -> Request {
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let headers = [("host", url.authority())].into_iter().chain(fields).collect();
    Request { method: method.to_owned(), target, headers, body }
}

impl HttpSend for Guard {
    async fn http_send(&self, from: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let url: Url = from.uri().to_string().parse().map_err(|_| Error::request_invalid("the address is no URL"))?;
        let fields = from.headers().iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()));
        let fields: Option<Vec<_>> = fields.map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let fields = fields.ok_or_else(|| Error::request_invalid("a header field is no text"))?;
        let request = request(from.method().as_str(), &url, fields, from.body().to_vec());
        let answer = self.send(&url, request).await.map_err(|error| Error::unexpected(error.to_string()))?;
        let mut response = http::Response::builder().status(answer.status);
        for (name, value) in answer.headers.iter() {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.into())?)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn partition(region: &str) -> &'static Partition {
        Partition::of(&region.parse().expect("a region")).expect("a region of AWS")
    }

    #[rstest]
    #[case("us-east-1", "https://sts.us-east-1.amazonaws.com/", true)]
    #[case("us-east-1", "https://sts.amazonaws.com/", true)]
    #[case("us-east-1", "https://sts-fips.us-east-1.amazonaws.com/", true)]
    #[case("us-east-1", "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials", true)]
    #[case("us-east-1", "https://oidc.eu-west-1.api.aws/token", true)]
    #[case("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/", true)]
    #[case("us-east-1", "http://169.254.169.254/latest/api/token", true)]
    #[case("us-east-1", "http://[fd00:ec2::254]/latest/api/token", true)]
    #[case("us-east-1", "http://169.254.170.2/v2/credentials", true)]
    #[case::another_partition("us-east-1", "https://sts.cn-north-1.amazonaws.com.cn/", false)]
    #[case::plain("us-east-1", "http://sts.us-east-1.amazonaws.com/", false)]
    #[case::another_port("us-east-1", "https://sts.us-east-1.amazonaws.com:8443/", false)]
    #[case::another_service("us-east-1", "https://s3.us-east-1.amazonaws.com/", false)]
    #[case::below("us-east-1", "https://sts.a.b.amazonaws.com/", false)]
    #[case::in_front("us-east-1", "https://evil-sts.us-east-1.amazonaws.com/", false)]
    #[case::elsewhere("us-east-1", "https://sts.us-east-1.amazonaws.com.example.org/", false)]
    #[case::emulator("us-east-1", "http://localhost:4566/", false)]
    #[case::metadata_elsewhere("us-east-1", "http://metadata.example/", false)]
    fn the_chain_reaches_what_hands_out_credentials(#[case] region: &str, #[case] url: &str, #[case] expected: bool) {
        let url = url.parse().expect("a URL");
        let reach = Reach::Credentials { partition: partition(region), container: None };
        assert_eq!(reach.covers(&url), expected);
    }

    #[test]
    fn of_a_container_exactly_the_address_that_it_names_is_asked() {
        let url = |text: &str| -> Url { text.parse().expect("a URL") };
        let container = Some(url("http://localhost:1338/credentials"));
        let reach = Reach::Credentials { partition: partition("us-east-1"), container };
        assert!(reach.covers(&url("http://localhost:1338/credentials")));
        assert!(!reach.covers(&url("http://localhost:1338/other")));
    }

    #[rstest]
    #[case("https://sts.us-east-1.amazonaws.com/", true)]
    #[case("https://sts.us-west-2.amazonaws.com/", false)]
    #[case("http://sts.us-east-1.amazonaws.com/", false)]
    #[case("http://169.254.169.254/", false)]
    fn the_account_check_reaches_one_host(#[case] url: &str, #[case] expected: bool) {
        let reach = Reach::Host("sts.us-east-1.amazonaws.com".to_owned());
        assert_eq!(reach.covers(&url.parse().expect("a URL")), expected);
    }
}
