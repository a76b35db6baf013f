use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::phase::{Moment, Phase};
use super::place::Place;
use super::settings::{Kind, Setting, Settings};
use super::tags::Tags;
use super::workgroup::date_time;
use crate::servers::emulator::{names, random};

/// What a caller may set of a namespace and is shown again. Source: the service model, `CreateNamespaceRequest` and
/// `Namespace`.
pub(in crate::servers::emulator) const NAMESPACE_SETTINGS: &[Setting] = &[
    Setting { member: "adminPasswordSecretKmsKeyId", kind: Kind::Text(names::any) },
    Setting { member: "adminUsername", kind: Kind::Text(names::any) },
    Setting { member: "dbName", kind: Kind::Text(names::any) },
    Setting { member: "defaultIamRoleArn", kind: Kind::Text(names::any) },
    Setting { member: "iamRoles", kind: Kind::Texts },
    Setting { member: "kmsKeyId", kind: Kind::Text(names::any) },
    Setting {
        member: "logExports",
        kind: Kind::Words { most: 16, of: &["useractivitylog", "userlog", "connectionlog"] },
    },
];

/// The first database of a namespace that named none. Source: a public record of real AWS
/// (terraform-provider-aws #39273): it is shown once the namespace has a workgroup.
pub(in crate::servers::emulator) const DATABASE: &str = "dev";

/// A namespace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::servers::emulator) struct Namespace {
    /// Its id, a UUID.
    pub(super) id: String,
    #[serde(skip)]
    pub(super) arn: Arc<str>,
    /// When it was created.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created: Timestamp,
    pub(super) phase: Phase,
    pub(super) settings: Settings,
    /// The name of the secret that holds the administrator's password, if AWS manages it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_name: Option<String>,
    pub(super) tags: Tags,
}

impl Namespace {
    /// A new namespace is available at once: `NamespaceStatus` has no word for one that is being created.
    pub(in crate::servers::emulator) fn new(
        settings: Settings,
        secret_name: Option<String>,
        tags: Tags,
        at: Moment,
    ) -> Self {
        Self {
            id: random::uuid(),
            arn: Arc::default(),
            created: at.now,
            phase: Phase::Available,
            settings,
            secret_name,
            tags,
        }
    }

    /// Gives it its first database, if it has none.
    pub(super) fn begin_database(&mut self) {
        self.settings.default_to("dbName", DATABASE);
    }

    /// Gives it its ARN, which says where it is.
    pub(super) fn set_place(&mut self, place: Place<'_>) {
        self.arn = place.arn("redshift-serverless", &format!("namespace/{}", self.id)).into();
    }

    /// The structure `Namespace` of the service model.
    pub(super) fn shown(&self, name: &str, place: Place<'_>) -> Value {
        let mut shown = json!({
            "creationDate": date_time(self.created),
            "iamRoles": [],
            "logExports": [],
            "namespaceArn": &*self.arn,
            "namespaceId": self.id,
            "namespaceName": name,
            "status": self.phase.status(),
        });
        self.settings.show_in(&mut shown);
        if let Some(name) = &self.secret_name {
            shown["adminPasswordSecretArn"] = place.arn("secretsmanager", &format!("secret:{name}")).into();
        }
        shown
    }

    pub(super) fn weight(&self) -> usize {
        self.settings.weight() + self.tags.weight()
    }
}
