use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::custom_domain::CustomDomain;
use super::namespace::{NAMESPACE_SETTINGS, Namespace};
use super::phase::{Moment, Phase};
use super::place::Place;
use super::settings::Settings;
use super::tags::Tags;
use super::workgroup::{Network, WORKGROUP_SETTINGS, Workgroup};
use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::{EmulatorOptions, names, random};
use crate::wire::Region;

/// About how many bytes a realm may take. No quota is documented for what a caller can create here; this one is so
/// large that only a caller who wants to fill the memory meets it.
const MOST_BYTES: usize = 4 << 20;

/// About how many bytes a resource takes besides what a caller gave it.
const BYTES_OF_A_RESOURCE: usize = 512;

/// A resource that a call is about.
#[derive(Clone, Debug)]
pub(in crate::servers::emulator) struct Resource {
    pub(in crate::servers::emulator) arn: Arc<str>,
    pub(in crate::servers::emulator) tags: Tags,
}

impl Resource {
    /// Its id, which no other resource ever had: the last part of its ARN.
    pub(in crate::servers::emulator) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}

/// What an account has in a region.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::servers::emulator) struct Realm {
    /// The account, 12 digits.
    #[schemars(regex(pattern = "^[0-9]{12}$"))]
    account: String,
    /// The region, such as `us-east-1`.
    #[serde(serialize_with = "region_as_text", deserialize_with = "region_of_text")]
    #[schemars(with = "String")]
    region: Region,
    network: Network,
    /// The namespaces, by their names.
    namespaces: BTreeMap<String, Namespace>,
    /// The workgroups, by their names.
    workgroups: BTreeMap<String, Workgroup>,
    /// By their names in lower case. Source: RFC 4343, names of DNS have no letter case.
    custom_domains: BTreeMap<String, CustomDomain>,
    /// When the next phase of a resource ends by itself.
    #[serde(skip)]
    due: Option<Timestamp>,
    /// About how many bytes it takes.
    #[serde(skip)]
    weight: usize,
}

fn region_as_text<S: Serializer>(region: &Region, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(region.as_str())
}

fn region_of_text<'de, D: Deserializer<'de>>(from: D) -> Result<Region, D::Error> {
    Region::from_str(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

impl Realm {
    pub(super) fn empty(account: &str, region: &Region) -> Self {
        Self {
            account: account.to_owned(),
            region: region.clone(),
            network: Network::new(),
            namespaces: BTreeMap::new(),
            workgroups: BTreeMap::new(),
            custom_domains: BTreeMap::new(),
            due: None,
            weight: 0,
        }
    }

    /// The workgroups and custom domains that the options name, all of them available.
    ///
    /// Each workgroup has a namespace of its own. Source: the Redshift Management Guide, "Each
    /// namespace can have only one workgroup associated with it".
    pub(super) fn of_options(options: &EmulatorOptions, at: Moment) -> Self {
        let mut realm = Self::empty(&options.account, &options.region);
        for name in &options.workgroups {
            let mut namespace = Namespace::new(Settings::default(), None, Tags::default(), at);
            namespace.begin_database();
            let of = options.namespace_of(name).to_owned();
            let id = realm.place().id_at_the_start(name);
            realm.namespaces.insert(of.clone(), namespace);
            realm.workgroups.insert(name.clone(), Workgroup::at_the_start(id, of, at));
        }
        for (domain, workgroup) in &options.custom_domains {
            // Source: the service model, where `CreateCustomDomainAssociation` requires a certificate.
            let certificate = realm.place().arn("acm", &format!("certificate/{}", random::uuid()));
            let association = CustomDomain::new(domain.clone(), workgroup.clone(), certificate, at);
            realm.custom_domains.entry(domain.to_ascii_lowercase()).or_insert(association);
        }
        realm.set_places();
        realm.weigh();
        realm
    }

    pub(super) fn is_of(&self, account: &str, region: &Region) -> bool {
        self.account == account && self.region == *region
    }

    fn place(&self) -> Place<'_> {
        Place { account: &self.account, region: &self.region }
    }

    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        other.is_of(&self.account, &self.region)
    }

    /// Whether a phase of a resource has ended.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Brings every resource into the phase that it has by now, and removes those that are gone.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.namespaces.retain(|_, namespace| settle(&mut namespace.phase, now));
        self.workgroups.retain(|_, workgroup| settle(&mut workgroup.phase, now));
        let Self { custom_domains, workgroups, .. } = self;
        custom_domains.retain(|_, domain| workgroups.contains_key(&domain.workgroup));
        self.weigh();
    }

    fn set_places(&mut self) {
        let place = Place { account: &self.account, region: &self.region };
        self.namespaces.values_mut().for_each(|namespace| namespace.set_place(place));
        self.workgroups.values_mut().for_each(|workgroup| workgroup.set_place(place));
    }

    /// Finds out how much it holds, and when it is due.
    fn weigh(&mut self) {
        let names = self.namespaces.keys().chain(self.workgroups.keys()).chain(self.custom_domains.keys());
        let resources = names.map(|name| name.len() + BYTES_OF_A_RESOURCE).sum::<usize>();
        self.weight = resources
            + self.namespaces.values().map(Namespace::weight).sum::<usize>()
            + self.workgroups.values().map(Workgroup::weight).sum::<usize>()
            + self.custom_domains.values().map(CustomDomain::weight).sum::<usize>();
        let phases = self.namespaces.values().map(|namespace| namespace.phase);
        let phases = phases.chain(self.workgroups.values().map(|workgroup| workgroup.phase));
        self.due = phases.filter_map(Phase::until).min();
    }

    /// Refuses what there is no room for, and reckons with the rest.
    fn take_room(&mut self, bytes: usize) -> Result<(), ServiceError> {
        if self.weight + bytes > MOST_BYTES {
            return Err(ServiceError::quota_exceeded("This emulator has no room for more. Delete what nobody needs."));
        }
        self.weight += bytes;
        Ok(())
    }

    /// Puts a resource into a phase; a phase that ends makes the realm due.
    fn expect(due: &mut Option<Timestamp>, phase: &mut Phase, new: Phase) {
        *phase = new;
        *due = [*due, new.until()].into_iter().flatten().min();
    }

    // Namespaces

    /// Source of the wording: guidance-for-game-analytics-pipeline-on-aws, pull request 100.
    fn namespace(&self, name: &str) -> Result<&Namespace, ServiceError> {
        let missing = || ServiceError::not_found(name, format!("Serverless namespace {name} not found."));
        self.namespaces.get(name).ok_or_else(missing)
    }

    pub(in crate::servers::emulator) fn namespace_resource(&self, name: &str) -> Result<Resource, ServiceError> {
        let Namespace { arn, tags, .. } = self.namespace(name)?;
        Ok(Resource { arn: Arc::clone(arn), tags: tags.clone() })
    }

    pub(in crate::servers::emulator) fn namespace_shown(&self, name: &str) -> Result<Value, ServiceError> {
        Ok(self.namespace(name)?.shown(name, self.place()))
    }

    /// The names of the namespaces, in their order.
    pub(in crate::servers::emulator) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    pub(in crate::servers::emulator) fn create_namespace(
        &mut self,
        name: &str,
        mut namespace: Namespace,
    ) -> Result<Value, ServiceError> {
        if self.namespaces.contains_key(name) {
            return Err(ServiceError::conflict(format!("Serverless namespace {name} already exists.")));
        }
        self.take_room(name.len() + namespace.weight() + BYTES_OF_A_RESOURCE)?;
        namespace.set_place(self.place());
        self.namespaces.insert(name.to_owned(), namespace);
        self.namespace_shown(name)
    }

    /// Source of the wording for an operation that is under way: the code of terraform-provider-aws, `namespace.go`.
    pub(in crate::servers::emulator) fn delete_namespace(
        &mut self,
        name: &str,
        at: Moment,
    ) -> Result<Value, ServiceError> {
        let namespace = self.namespace(name)?;
        if namespace.phase != Phase::Available {
            return Err(running("namespace", "deleting"));
        }
        if let Some((workgroup, _)) = self.workgroup_of(name) {
            let message = format!("Serverless namespace {name} has the workgroup {workgroup}. Delete that first.");
            return Err(ServiceError::conflict(message));
        }
        if let Some(namespace) = self.namespaces.get_mut(name) {
            Self::expect(&mut self.due, &mut namespace.phase, Phase::Deleting(at.settled));
        }
        self.namespace_shown(name)
    }

    fn workgroup_of(&self, namespace: &str) -> Option<(&String, &Workgroup)> {
        self.workgroups.iter().find(|(_, workgroup)| workgroup.namespace == namespace)
    }

    // Workgroups

    /// Source of the wording: real answers of `GetCredentials` (amazon-redshift-jdbc-driver #137) and `GetWorkgroup`
    /// (pulumi-aws-native #614).
    fn workgroup(&self, name: &str) -> Result<&Workgroup, ServiceError> {
        let missing = || ServiceError::not_found(name, format!("Serverless workgroup {name} not found."));
        self.workgroups.get(name).ok_or_else(missing)
    }

    pub(in crate::servers::emulator) fn workgroup_resource(&self, name: &str) -> Result<Resource, ServiceError> {
        let Workgroup { arn, tags, .. } = self.workgroup(name)?;
        Ok(Resource { arn: Arc::clone(arn), tags: tags.clone() })
    }

    /// The workgroup of these names, of which one may be absent. If both are given, they must mean the same one.
    pub(in crate::servers::emulator) fn workgroup_meant(
        &self,
        name: Option<&str>,
        custom_domain: Option<&str>,
    ) -> Result<Resource, ServiceError> {
        let named = name.map(|name| self.workgroup_resource(name)).transpose()?;
        let Some(domain) = custom_domain else {
            return named.ok_or_else(|| ServiceError::validation("A workgroup must be named."));
        };
        let association = self.custom_domain(domain)?;
        match name {
            Some(name) if name != association.workgroup => Err(ServiceError::validation(format!(
                "The custom domain {domain} is not associated with the workgroup {name}."
            ))),
            _ => self.workgroup_resource(&association.workgroup),
        }
    }

    pub(in crate::servers::emulator) fn workgroup_shown(&self, name: &str) -> Result<Value, ServiceError> {
        let workgroup = self.workgroup(name)?;
        // The first one, if there are several: the model has room for one.
        let domain = self.custom_domains.values().find(|domain| domain.workgroup == name);
        Ok(workgroup.shown(name, self.place(), &self.network, domain))
    }

    /// The id of a workgroup, unless it is being deleted.
    #[cfg(feature = "login")]
    pub(in crate::servers::emulator) fn open_workgroup(&self, name: &str) -> Option<&str> {
        let workgroup = self.workgroups.get(name)?;
        (!matches!(workgroup.phase, Phase::Deleting(_))).then_some(&workgroup.id)
    }

    /// The pattern that the host names of all workgroups match, as a certificate has it.
    #[cfg(feature = "login")]
    pub(in crate::servers::emulator) fn any_host(&self) -> String {
        self.place().host("*")
    }

    /// The names of the workgroups, in their order.
    pub(in crate::servers::emulator) fn workgroups(&self) -> impl Iterator<Item = &str> {
        self.workgroups.keys().map(String::as_str)
    }

    pub(in crate::servers::emulator) fn create_workgroup(
        &mut self,
        name: &str,
        mut workgroup: Workgroup,
    ) -> Result<Value, ServiceError> {
        let namespace = workgroup.namespace.clone();
        if self.namespace(&namespace)?.phase != Phase::Available {
            return Err(running("namespace", "creating"));
        }
        if self.workgroups.contains_key(name) {
            return Err(ServiceError::conflict(format!("Serverless workgroup {name} already exists.")));
        }
        if let Some((other, _)) = self.workgroup_of(&namespace) {
            let message = format!("Serverless namespace {namespace} already has the workgroup {other}.");
            return Err(ServiceError::conflict(message));
        }
        self.take_room(name.len() + workgroup.weight() + BYTES_OF_A_RESOURCE)?;
        if let Some(namespace) = self.namespaces.get_mut(&namespace) {
            namespace.begin_database();
        }
        workgroup.set_place(self.place());
        let phase = workgroup.phase;
        Self::expect(&mut self.due, &mut workgroup.phase, phase);
        self.workgroups.insert(name.to_owned(), workgroup);
        self.workgroup_shown(name)
    }

    /// Sets one member anew, or none.
    pub(in crate::servers::emulator) fn update_workgroup(
        &mut self,
        name: &str,
        settings: Settings,
        at: Moment,
    ) -> Result<Value, ServiceError> {
        if self.workgroup(name)?.phase != Phase::Available {
            return Err(running("workgroup", "updating"));
        }
        // Source of the wording: terraform-provider-aws #28108.
        if settings.len() > 1 {
            let message = format!("Can't update multiple configurations at the same time for workgroup {name}.");
            return Err(ServiceError::validation(message));
        }
        if settings.len() == 1 {
            self.take_room(settings.weight())?;
            if let Some(workgroup) = self.workgroups.get_mut(name) {
                workgroup.settings.change(settings);
                Self::expect(&mut self.due, &mut workgroup.phase, Phase::Modifying(at.settled));
            }
        }
        self.workgroup_shown(name)
    }

    /// Source of the wording: the code of terraform-provider-aws, `workgroup.go`.
    pub(in crate::servers::emulator) fn delete_workgroup(
        &mut self,
        name: &str,
        at: Moment,
    ) -> Result<Value, ServiceError> {
        if self.workgroup(name)?.phase != Phase::Available {
            return Err(running("workgroup", "deleting"));
        }
        if let Some(workgroup) = self.workgroups.get_mut(name) {
            Self::expect(&mut self.due, &mut workgroup.phase, Phase::Deleting(at.settled));
        }
        self.workgroup_shown(name)
    }

    // Custom domains

    fn custom_domain(&self, name: &str) -> Result<&CustomDomain, ServiceError> {
        let missing = || ServiceError::not_found(name, format!("Custom domain {name} not found."));
        self.custom_domains.get(&name.to_ascii_lowercase()).ok_or_else(missing)
    }

    /// The association of this domain with this workgroup.
    pub(in crate::servers::emulator) fn association(
        &self,
        domain: &str,
        workgroup: &str,
    ) -> Result<&CustomDomain, ServiceError> {
        self.workgroup(workgroup)?;
        let association = self.custom_domain(domain)?;
        if association.workgroup == workgroup {
            return Ok(association);
        }
        let message = format!("Custom domain {domain} is not associated with the workgroup {workgroup}.");
        Err(ServiceError::not_found(domain, message))
    }

    pub(in crate::servers::emulator) fn custom_domain_shown(&self, name: &str) -> Result<Value, ServiceError> {
        self.custom_domain(name).map(CustomDomain::shown)
    }

    /// All of them with their names in lower case, in the order of these.
    pub(in crate::servers::emulator) fn custom_domains(&self) -> impl Iterator<Item = (&str, &CustomDomain)> {
        self.custom_domains.iter().map(|(name, domain)| (name.as_str(), domain))
    }

    pub(in crate::servers::emulator) fn create_association(
        &mut self,
        association: CustomDomain,
    ) -> Result<Value, ServiceError> {
        let CustomDomain { name, workgroup, .. } = &association;
        if self.workgroup(workgroup)?.phase != Phase::Available {
            return Err(running("workgroup", "associating"));
        }
        if let Ok(other) = self.custom_domain(name) {
            let message = format!("The custom domain {name} is already associated with {}.", other.workgroup);
            return Err(ServiceError::conflict(message));
        }
        if let Some(other) = self.custom_domains.values().find(|domain| domain.workgroup == *workgroup) {
            let message = format!("The workgroup {workgroup} already has the custom domain {}.", other.name);
            return Err(ServiceError::conflict(message));
        }
        self.take_room(2 * name.len() + association.weight() + BYTES_OF_A_RESOURCE)?;
        let shown = association.shown();
        self.custom_domains.insert(association.name.to_ascii_lowercase(), association);
        Ok(shown)
    }

    pub(in crate::servers::emulator) fn delete_association(
        &mut self,
        domain: &str,
        workgroup: &str,
    ) -> Result<(), ServiceError> {
        self.association(domain, workgroup)?;
        self.custom_domains.remove(&domain.to_ascii_lowercase());
        self.weigh();
        Ok(())
    }

    // Tags

    /// The resource with this ARN.
    pub(in crate::servers::emulator) fn resource(&self, arn: &str) -> Result<Resource, ServiceError> {
        let of_namespaces = self.namespaces.values().map(|it| (&it.arn, &it.tags));
        let of_workgroups = self.workgroups.values().map(|it| (&it.arn, &it.tags));
        let found = of_namespaces.chain(of_workgroups).find(|(of, _)| ***of == *arn);
        let (arn, tags) = found.ok_or_else(|| ServiceError::not_found(arn, format!("Resource {arn} not found.")))?;
        Ok(Resource { arn: Arc::clone(arn), tags: tags.clone() })
    }

    fn set_tags(&mut self, arn: &str, tags: Tags) {
        let of_namespaces = self.namespaces.values_mut().map(|it| (&it.arn, &mut it.tags));
        let of_workgroups = self.workgroups.values_mut().map(|it| (&it.arn, &mut it.tags));
        if let Some((_, found)) = of_namespaces.chain(of_workgroups).find(|(of, _)| ***of == *arn) {
            *found = tags;
        }
    }

    pub(in crate::servers::emulator) fn tag(&mut self, arn: &str, tags: Tags) -> Result<(), ServiceError> {
        let all = self.resource(arn)?.tags.with(tags, arn)?;
        self.take_room(all.weight())?;
        self.set_tags(arn, all);
        self.weigh();
        Ok(())
    }

    pub(in crate::servers::emulator) fn untag(&mut self, arn: &str, keys: &[String]) -> Result<(), ServiceError> {
        let rest = self.resource(arn)?.tags.without(keys);
        self.set_tags(arn, rest);
        self.weigh();
        Ok(())
    }

    // What was saved

    /// Makes a realm that was saved ready for use. What is under way ends after the usual time at the latest.
    ///
    /// # Errors
    /// What in it cannot be, for somebody who looks into the file.
    pub(super) fn revive(&mut self, at: Moment) -> Result<(), String> {
        if let Some(fault) = self.fault() {
            return Err(format!("account {}, region {}: {fault}", self.account, self.region));
        }
        let namespaces = self.namespaces.values_mut().map(|namespace| &mut namespace.phase);
        let workgroups = self.workgroups.values_mut().map(|workgroup| &mut workgroup.phase);
        namespaces.chain(workgroups).for_each(|phase| *phase = phase.within(at.settled));
        self.set_places();
        self.weigh();
        Ok(())
    }

    fn fault(&self) -> Option<String> {
        if !names::is_account(&self.account) {
            return Some("an account id has 12 digits".to_owned());
        }
        let mut ids = BTreeSet::new();
        for (name, namespace) in &self.namespaces {
            let Namespace { id, settings, tags, phase, .. } = namespace;
            let right = names::is_workgroup(name) && !matches!(phase, Phase::Creating(_) | Phase::Modifying(_));
            let fault = fault_of(id, &mut ids, settings.fault(NAMESPACE_SETTINGS), tags);
            if let Some(fault) = fault.or_else(|| (!right).then(|| "its name or its phase cannot be".to_owned())) {
                return Some(format!("namespace {name:?}: {fault}"));
            }
        }
        let mut taken = BTreeSet::new();
        for (name, Workgroup { id, namespace, settings, tags, .. }) in &self.workgroups {
            let right = names::is_workgroup(name) && self.namespaces.contains_key(namespace) && taken.insert(namespace);
            let fault = fault_of(id, &mut ids, settings.fault(WORKGROUP_SETTINGS), tags);
            let wrong = || format!("its name cannot be, or it needs a namespace of its own and has {namespace:?}");
            if let Some(fault) = fault.or_else(|| (!right).then(wrong)) {
                return Some(format!("workgroup {name:?}: {fault}"));
            }
        }
        let wrong = |(key, domain): &(&String, &CustomDomain)| {
            let right = domain.name.to_ascii_lowercase() == **key
                && names::is_custom_domain(&domain.name)
                && names::certificate(&domain.certificate).iter().all(Option::is_none)
                && self.workgroups.contains_key(&domain.workgroup);
            !right
        };
        let (domain, _) = self.custom_domains.iter().find(wrong)?;
        Some(format!("custom domain {domain:?}: its name, its certificate or its workgroup cannot be"))
    }
}

/// Puts a phase into what it is by now; whether the resource is still there.
fn settle(phase: &mut Phase, now: Timestamp) -> bool {
    phase.at(now).map(|now| *phase = now).is_some()
}

/// Source of the wording: the code of terraform-provider-aws has it for deleting.
fn running(kind: &str, doing: &str) -> ServiceError {
    let message = format!("There is an operation running on the {kind}. Try {doing} the {kind} again later.");
    ServiceError::conflict(message)
}

/// What is wrong with what every resource has.
fn fault_of<'a>(id: &'a str, ids: &mut BTreeSet<&'a str>, settings: Option<String>, tags: &Tags) -> Option<String> {
    let id_fault =
        (!random::is_uuid(id) || !ids.insert(id)).then(|| "its id is no UUID, or another one has it".to_owned());
    id_fault.or(settings).or_else(|| tags.broken().map(|breach| format!("its tags must {breach}")))
}
