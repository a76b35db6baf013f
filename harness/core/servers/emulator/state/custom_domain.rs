use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::phase::Moment;
use super::workgroup::date_time;

/// How long the certificate of a custom domain holds: a year.
const CERTIFICATE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The association of a custom domain with a workgroup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::servers::emulator) struct CustomDomain {
    /// The name as it was given; it is the same name in any letter case.
    pub(in crate::servers::emulator) name: String,
    /// The name of the workgroup that it stands for.
    pub(in crate::servers::emulator) workgroup: String,
    /// The ARN of its certificate.
    pub(in crate::servers::emulator) certificate: String,
    /// When that expires.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(super) certificate_expires: Timestamp,
}

impl CustomDomain {
    pub(in crate::servers::emulator) fn new(name: String, workgroup: String, certificate: String, at: Moment) -> Self {
        let certificate_expires = at.now.checked_add(CERTIFICATE).unwrap_or(Timestamp::MAX);
        Self { name, workgroup, certificate, certificate_expires }
    }

    /// The structure `Association` of the service model.
    pub(in crate::servers::emulator) fn shown(&self) -> Value {
        json!({
            "customDomainCertificateArn": self.certificate,
            "customDomainCertificateExpiryTime": date_time(self.certificate_expires),
            "customDomainName": self.name,
            "workgroupName": self.workgroup,
        })
    }

    pub(super) fn weight(&self) -> usize {
        self.name.len() + self.workgroup.len() + self.certificate.len()
    }
}
