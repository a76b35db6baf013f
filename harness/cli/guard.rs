//! Limits what the credential chain may ask over HTTP: every request of it goes through a guard.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::Url;

use crate::targets::gate::HostOwner;
use crate::targets::partition::Partition;
use crate::text::escape;
use crate::wire::{address, leads_to_metadata};

#[derive(Clone, Debug)]
pub(super) enum Reach {
    Nothing,
    Host(String),
    /// The services that hand out credentials.
    Credentials {
        /// STS and single sign-on of this partition, over TLS, beside the metadata of the machine.
        partition: &'static Partition,
        /// The address that the container of this process names for its credentials; no other service of AWS.
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
            Self::Nothing => false,
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

/// Whether a host is STS or the single sign-on of a partition, in any region.
/// Source: botocore's endpoint rule sets of sts, sso and sso-oidc.
fn hands_out(host: &str, partition: &Partition) -> bool {
    const SERVICES: [&str; 6] = ["sts", "sts-fips", "portal.sso", "portal.sso-fips", "oidc", "oidc-fips"];
    [partition.suffix, partition.dual_stack_suffix].into_iter().any(|suffix| {
        let Some(rest) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else { return false };
        // STS has a host without a region too.
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
    reach: Reach,
    inner: SharedHttpClient,
    /// The first URL that was denied, without path and query.
    denied: Arc<Mutex<Option<String>>>,
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        let inner =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self { reach, inner, denied: Arc::default() }
    }

    pub(super) fn into_client(self) -> SharedHttpClient {
        SharedHttpClient::new(self)
    }

    /// The first address that was denied.
    pub(super) fn denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpClient for Guard {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Guarded { guard: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Guarded {
    guard: Guard,
    inner: SharedHttpConnector,
}

impl HttpConnector for Guarded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url: Option<Url> = request.uri().parse().ok();
        if url.as_ref().is_some_and(|url| self.guard.reach.covers(url)) {
            return self.inner.call(request);
        }
        let place = url.map_or_else(|| "what is no URL".to_owned(), |url| escape(&url.origin().ascii_serialization()));
        let words = format!("{place} is not asked");
        self.guard.denied.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(place);
        HttpConnectorFuture::ready(Err(ConnectorError::user(words.into())))
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
        assert!(!Reach::Nothing.covers(&url));
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
