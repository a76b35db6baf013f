//! `GetCredentials`: a database user and a password that soon expires.

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

use super::Operation;
use crate::servers::emulator::errors::Refusal;
use crate::servers::emulator::members::Members;
use crate::servers::emulator::validation::{self, Breaches};
use crate::servers::emulator::{Service, database_name, names, random};
use crate::wire::Secret;

/// Values of `durationSeconds`. Source: the API reference, "minimum is 900 seconds, and the maximum
/// is 3600 seconds".
const DURATION_SECONDS: (i32, i32) = (900, 3600);

/// How long a password holds when the caller does not say, in seconds. Source: the API reference.
const DEFAULT_DURATION_SECONDS: i32 = 900;

/// From a call to its `nextRefreshTime`, in seconds. Source: the one public record of a real answer,
/// in the readme of mashiike/redshift-credentials.
const REFRESH_SECONDS: i32 = 7200;

/// The input. Source: the documents' request parameters; none is marked as required.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GetCredentials {
    custom_domain_name: Option<String>,
    db_name: Option<String>,
    duration_seconds: Option<i32>,
    workgroup_name: Option<String>,
}

/// The output; members and their order as in the API reference.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(serialize_with = "exposed")]
    db_password: Secret,
    db_user: String,
    /// Seconds since 1970, with milliseconds: the protocol's form of a timestamp.
    expiration: f64,
    next_refresh_time: f64,
}

impl Operation for GetCredentials {
    const NAME: &'static str = "GetCredentials";

    fn read(members: &Members) -> Result<Self, Refusal> {
        Ok(Self {
            custom_domain_name: members.string("customDomainName")?,
            db_name: members.string("dbName")?,
            duration_seconds: members.integer("durationSeconds")?,
            workgroup_name: members.string("workgroupName")?,
        })
    }

    fn check(&self, breaches: &mut Breaches) {
        if let Some(name) = &self.custom_domain_name {
            breaches.at("customDomainName", names::custom_domain(name));
        }
        if let Some(name) = &self.db_name {
            breaches.at("dbName", database_name::database(name));
        }
        if let Some(seconds) = self.duration_seconds {
            breaches.at("durationSeconds", [validation::range(seconds, DURATION_SECONDS)]);
        }
        if let Some(name) = &self.workgroup_name {
            breaches.at("workgroupName", names::workgroup(name));
        }
        breaches.whole(self.some_name());
    }

    fn perform(self, service: &Service) -> Result<impl Serialize, Refusal> {
        self.look_up(service)?;
        let options = service.options();
        let now = options.clock.now().as_millisecond();
        let after = |seconds: i32| SignedDuration::from_millis(now + i64::from(seconds) * 1000).as_secs_f64();
        Ok(Output {
            db_password: random::password(),
            db_user: options.user.clone(),
            expiration: after(self.duration_seconds.unwrap_or(DEFAULT_DURATION_SECONDS)),
            next_refresh_time: after(REFRESH_SECONDS),
        })
    }
}

impl GetCredentials {
    /// "The custom domain name or the workgroup name must be included in the request."
    /// Source: the API reference, `customDomainName`.
    fn some_name(&self) -> Option<String> {
        let none = self.custom_domain_name.is_none() && self.workgroup_name.is_none();
        none.then(|| "The custom domain name or the workgroup name must be included in the request".to_owned())
    }

    /// Finds the workgroup that is meant. Where both names are given they must mean the same one.
    fn look_up(&self, service: &Service) -> Result<(), Refusal> {
        if let Some(name) = &self.workgroup_name {
            service.workgroups().named(name)?;
        }
        let Some(domain) = &self.custom_domain_name else { return Ok(()) };
        let custom_domains = &service.options().custom_domains;
        let workgroup = custom_domains
            .iter()
            .find_map(|(name, workgroup)| name.eq_ignore_ascii_case(domain).then_some(workgroup))
            .ok_or_else(|| Refusal::not_found(domain, format!("Custom domain {domain} not found.")))?;
        match &self.workgroup_name {
            Some(name) if name != workgroup => Err(Refusal::validation(format!(
                "The custom domain {domain} is not associated with the workgroup {name}."
            ))),
            _ => Ok(()),
        }
    }
}

/// A secret as it goes to the caller.
fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::testing::{self, service};
    use super::*;

    fn answer(input: &Value) -> Result<Value, Refusal> {
        testing::answer(&service(), GetCredentials::NAME, input)
    }

    fn refusal(input: &Value) -> (u16, &'static str, String) {
        testing::refusal(GetCredentials::NAME, input)
    }

    #[test]
    fn every_member_is_read() {
        let body = br#"{"workgroupName":"w","dbName":"d","durationSeconds":900,"customDomainName":"c"}"#;
        let input = GetCredentials {
            custom_domain_name: Some("c".into()),
            db_name: Some("d".into()),
            duration_seconds: Some(900),
            workgroup_name: Some("w".into()),
        };
        assert_eq!(GetCredentials::read(&Members::of(body).unwrap()), Ok(input));
    }

    #[rstest]
    fn another_type_is_a_serialization_error(
        #[values("workgroupName", "dbName", "customDomainName", "durationSeconds")] member: &str,
    ) {
        let (status, name, _) = refusal(&json!({ member: [] }));
        assert_eq!((status, name), (400, "SerializationException"));
    }

    #[rstest]
    #[case::default(json!({"workgroupName": "wg-1"}), 1_700_000_900.059)]
    #[case::least(json!({"workgroupName": "wg-1", "durationSeconds": 900}), 1_700_000_900.059)]
    #[case::most(json!({"workgroupName": "wg-1", "durationSeconds": 3600}), 1_700_003_600.059)]
    #[case::by_domain(json!({"customDomainName": "db.example.com"}), 1_700_000_900.059)]
    #[case::domain_in_capitals(json!({"customDomainName": "DB.EXAMPLE.COM"}), 1_700_000_900.059)]
    #[case::both_names(json!({"customDomainName": "db.example.com", "workgroupName": "wg-1"}), 1_700_000_900.059)]
    #[case::database(json!({"workgroupName": "wg-2", "dbName": "dev"}), 1_700_000_900.059)]
    fn a_call_gets_credentials_for_as_long_as_it_asks(#[case] input: Value, #[case] expiration: f64) {
        let answer = answer(&input).unwrap();
        assert_eq!(answer["dbUser"], "IAM:alice");
        assert_eq!(answer["expiration"], expiration);
        assert_eq!(answer["nextRefreshTime"], 1_700_007_200.059);
        assert!(answer["dbPassword"].as_str().unwrap().len() >= 64);
        assert_eq!(answer.as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_timestamp_is_a_number_of_seconds_with_milliseconds() {
        let call = super::super::named("GetCredentials").unwrap();
        let text = String::from_utf8(call(&service(), br#"{"workgroupName":"wg-1"}"#).unwrap()).unwrap();
        assert!(text.contains(r#""expiration":1700000900.059"#), "{text}");
    }

    #[test]
    fn every_call_gets_another_password() {
        let input = json!({"workgroupName": "wg-1"});
        assert_ne!(answer(&input).unwrap()["dbPassword"], answer(&input).unwrap()["dbPassword"]);
    }

    #[rstest]
    #[case(899, "greater than or equal to 900")]
    #[case(3601, "less than or equal to 3600")]
    fn other_durations_are_refused(#[case] seconds: i32, #[case] bound: &str) {
        let message = format!(
            "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: \
             Member must have value {bound}"
        );
        let refused = refusal(&json!({"workgroupName": "wg-1", "durationSeconds": seconds}));
        assert_eq!(refused, (400, "ValidationException", message));
    }

    #[test]
    fn an_input_without_any_name_is_refused() {
        let message = "1 validation error detected: \
                       The custom domain name or the workgroup name must be included in the request";
        assert_eq!(refusal(&json!({})), (400, "ValidationException", message.to_owned()));
    }

    #[test]
    fn every_breach_is_listed() {
        let (_, _, message) = refusal(&json!({"workgroupName": "A", "durationSeconds": 1, "dbName": "1 "}));
        assert!(message.starts_with("5 validation errors detected: Value at 'dbName'"), "{message}");
        assert_eq!(message.matches("; Value at '").count(), 4, "{message}");
    }

    #[test]
    fn no_value_is_repeated() {
        let canary = "CANARY: CANARY";
        let (_, _, message) = refusal(&json!({"workgroupName": canary, "customDomainName": canary, "dbName": canary}));
        assert!(!message.contains("CANARY"), "{message}");
    }

    #[test]
    fn an_unknown_workgroup_is_not_found() {
        let refusal = answer(&json!({"workgroupName": "nobody"})).unwrap_err();
        assert_eq!(refusal, Refusal::not_found("nobody", "Serverless workgroup nobody not found."));
    }

    #[rstest]
    #[case::alone(json!({"customDomainName": "other.example.com"}))]
    #[case::with_a_workgroup(json!({"customDomainName": "other.example.com", "workgroupName": "wg-1"}))]
    fn an_unknown_custom_domain_is_not_found(#[case] input: Value) {
        let refusal = answer(&input).unwrap_err();
        assert_eq!(refusal, Refusal::not_found("other.example.com", "Custom domain other.example.com not found."));
    }

    #[test]
    fn two_names_that_disagree_are_refused() {
        let (status, name, _) = refusal(&json!({"customDomainName": "db.example.com", "workgroupName": "wg-2"}));
        assert_eq!((status, name), (400, "ValidationException"));
    }
}
