//! What the shared files of AWS tools say about the server to ask: its endpoint, its region, whom to trust.
//! Source: the AWS SDKs and Tools Reference Guide, "Service-specific endpoints", for the endpoint and for what comes
//! first; "General configuration settings" for the rest.

use std::path::PathBuf;

use super::profile::{Profiles, home_path};
use super::{selected_profile, variable};
use crate::contract::Service;
use crate::text::{file_name, foreign};

/// A setting of a shared file, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct FromFile {
    pub(in crate::cli) value: String,
    pub(in crate::cli) file: PathBuf,
    /// The key, with the section that it is in.
    pub(in crate::cli) key: String,
}

/// What the profile that counts says about the server.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct ConfiguredServer {
    /// The endpoint for the service. It plays no part if configured endpoints are to be ignored.
    pub(in crate::cli) endpoint: Option<FromFile>,
    pub(in crate::cli) region: Option<FromFile>,
    /// A file with certificates to trust; its `~` stands for the folder of the user.
    pub(in crate::cli) ca_bundle: Option<FromFile>,
    /// Whether endpoints that the environment or a shared file configures are to be ignored.
    pub(in crate::cli) ignores_endpoints: bool,
}

impl ConfiguredServer {
    /// Reads the profile that `AWS_PROFILE` names, or the default one.
    ///
    /// # Errors
    /// When a file cannot be read, or has not what `AWS_PROFILE` or the profile names.
    pub(in crate::cli) fn load() -> Result<Self, String> {
        let named = variable("AWS_PROFILE")?.is_some();
        let ignore = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?;
        Self::of(&Profiles::load()?, &selected_profile()?, named, ignore.as_deref())
    }

    /// The same for profiles that were read, the name of the one that counts, whether a variable names it, and the
    /// variable that says whether endpoints are ignored.
    fn of(profiles: &Profiles, name: &str, named: bool, ignore: Option<&str>) -> Result<Self, String> {
        let is_true = |value: &str| value.eq_ignore_ascii_case("true");
        let Some(profile) = profiles.get(name) else {
            // The default profile may be missing.
            let ignores_endpoints = ignore.is_some_and(is_true);
            let none = Self { ignores_endpoints, ..Self::default() };
            return if named { Err(format!("AWS_PROFILE: {}", profiles.missing(name))) } else { Ok(none) };
        };
        let setting = |key: &str| {
            let value = profile.get(key).filter(|value| !value.is_empty())?.clone();
            Some(FromFile { value, file: profiles.file_of(name, key), key: format!("{key} of the profile {name}") })
        };
        let ignores_endpoints = ignore
            .map_or_else(|| setting("ignore_configured_endpoint_urls").is_some_and(|of| is_true(&of.value)), is_true);
        let mut of_service = None;
        if let Some(services) = setting("services").filter(|_| !ignores_endpoints) {
            let section = &services.value;
            let service = Service::embedded().configuration_key();
            let Some(found) = profiles.services(section) else {
                return Err(format!(
                    "{}: the profile \"{}\" names the section [services {}], which is not there",
                    file_name(&services.file),
                    foreign(name),
                    foreign(section)
                ));
            };
            let url =
                found.get(&service).and_then(|settings| settings.get("endpoint_url")).filter(|url| !url.is_empty());
            of_service = url.map(|url| FromFile {
                value: url.clone(),
                file: services.file.clone(),
                key: format!("endpoint_url of {service} in [services {section}]"),
            });
        }
        let ca_bundle = setting("ca_bundle").map(|setting| {
            let value = home_path(&setting.value).to_string_lossy().into_owned();
            FromFile { value, ..setting }
        });
        Ok(Self {
            endpoint: of_service.or_else(|| setting("endpoint_url")).filter(|_| !ignores_endpoints),
            region: setting("region"),
            ca_bundle,
            ignores_endpoints,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::profile::tests::profiles;
    use super::*;

    const ALL: &str = "endpoint_url = http://profile\n";
    const OWN: &str = "services = s\n";
    const SECTION: &str =
        "[services s]\nsts =\n  endpoint_url = http://sts\nredshift_serverless =\n  endpoint_url = http://own\n";

    fn configured(body: &str, ignore: Option<&str>) -> Result<ConfiguredServer, String> {
        ConfiguredServer::of(&profiles(&format!("[profile p]\n{body}\n{SECTION}"), ""), "p", true, ignore)
    }

    #[rstest]
    #[case::none("region = r", None, None)]
    #[case::of_the_profile(ALL, None, Some("http://profile"))]
    #[case::of_the_service(&format!("{ALL}{OWN}"), None, Some("http://own"))]
    #[case::of_the_service_alone(OWN, None, Some("http://own"))]
    #[case::ignored_by_the_profile(&format!("{ALL}ignore_configured_endpoint_urls = TRUE"), None, None)]
    #[case::ignored_by_the_variable(&format!("{ALL}{OWN}"), Some("true"), None)]
    #[case::the_variable_comes_first(&format!("{ALL}ignore_configured_endpoint_urls = true"), Some("false"), Some("http://profile"))]
    #[case::empty("endpoint_url =", None, None)]
    fn an_endpoint_is_found_in_the_documented_order(
        #[case] body: &str,
        #[case] ignore: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let found = configured(body, ignore).expect("a right file");
        assert_eq!(found.endpoint.map(|of| of.value).as_deref(), expected);
    }

    #[test]
    fn a_setting_says_where_it_stands() {
        let found = configured(&format!("region = eu-west-1\n{OWN}"), None).expect("a right file");
        let place = |setting: Option<FromFile>| setting.map(|of| (of.key, of.file)).expect("it is there");
        assert_eq!(place(found.region), ("region of the profile p".to_owned(), "config".into()));
        let key = "endpoint_url of redshift_serverless in [services s]".to_owned();
        assert_eq!(place(found.endpoint), (key, "config".into()));
    }

    #[test]
    fn what_is_named_and_is_not_there_is_an_error() {
        let said = ConfiguredServer::of(&profiles("", ""), "q", true, None).expect_err("it is not there");
        assert!(said.contains("AWS_PROFILE: there is no profile \"q\""), "{said}");
        assert!(ConfiguredServer::of(&profiles("", ""), "default", false, None).is_ok());
        let said = configured("services = t", None).expect_err("it is not there");
        assert!(said.contains("[services t], which is not there"), "{said}");
    }
}
