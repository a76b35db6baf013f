use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::SignedDuration;

use super::clock::Clock;
use super::identity::Identities;
use super::revision::Revision;
use super::{names, random, state};
use crate::text::{file_name, foreign};
use crate::wire::{Credentials, Region};

/// What an emulator has and who may call it. Printing it masks the secret of its credentials.
///
/// The default listens on a free port of the loopback address, has three workgroups, each with a namespace
/// and a custom domain, and new random credentials every time. Three are enough for a list to have a page
/// in the middle.
#[derive(Clone, Debug)]
pub struct EmulatorOptions {
    /// Where to listen; a loopback address. Port 0 is any free port.
    pub listen: SocketAddr,
    /// The region that signatures must be for.
    pub region: Region,
    /// The id of its account, 12 digits.
    pub account: String,
    /// The documents that it follows.
    pub revision: Revision,
    /// The names of its workgroups. Each has a namespace of the same name.
    pub workgroups: Vec<String>,
    /// Another name for the namespace of the first workgroup.
    pub namespace: Option<String>,
    /// Its custom domain names, and the workgroup that each of them stands for.
    pub custom_domains: BTreeMap<String, String>,
    /// The credentials of the one caller that it knows. If they have a session token, each request must carry it.
    pub credentials: Credentials,
    /// What it answers as `dbUser`: `IAM:<user>` for an IAM user, `IAMR:<role>` for a role.
    /// Source: the Redshift Management Guide.
    pub user: String,
    /// Further regions that it serves. They have nothing at the start.
    pub regions: Vec<Region>,
    /// How long a workgroup is being created or modified, and how long anything is being deleted.
    pub settle: SignedDuration,
    /// The file in which it saves what it has. Of a region that is in the file, the file says what there is, and not
    /// `workgroups` and `custom_domains`.
    pub state: Option<PathBuf>,
    /// More callers, and the policies that say what each of them may do. The caller of `credentials` may do everything.
    pub identities: Option<Identities>,
    /// The callers of a run of cases, besides the caller of `credentials`. The first of them is denied the second of
    /// `workgroups`.
    pub case_callers: Option<CaseCallers>,
    /// The clock. It decides when passwords expire, and which signatures are too old: these by the time that it showed
    /// had it never been moved.
    pub clock: Clock,
    /// Whether a request may move the clock. Such requests need no signature.
    pub control: bool,
    /// Where its passwords log in; nowhere if there is none.
    #[cfg(feature = "login")]
    pub door: Option<super::DoorOptions>,
}

/// Who calls an emulator in a run of cases.
#[derive(Clone, Debug)]
pub struct CaseCallers {
    /// The caller of most requests: a policy allows everything but the credentials for one workgroup.
    pub allowed: Credentials,
    /// A caller whom no policy allows anything.
    pub denied: Credentials,
}

impl CaseCallers {
    fn new() -> Self {
        Self { allowed: random::credentials(), denied: random::credentials() }
    }
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        let workgroup = "countersign-emulator";
        let workgroups = ["", "-2", "-3"].map(|end| format!("{workgroup}{end}"));
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            region: Region::us_east_1(),
            account: "123456789012".to_owned(),
            revision: Revision::default(),
            custom_domains: ["com", "net", "org"]
                .map(|end| format!("{workgroup}.example.{end}"))
                .into_iter()
                .zip(workgroups.iter().cloned())
                .collect(),
            workgroups: workgroups.into(),
            namespace: None,
            credentials: random::credentials(),
            user: "IAM:countersign".to_owned(),
            regions: Vec::new(),
            settle: SignedDuration::from_secs(1),
            state: None,
            identities: None,
            case_callers: None,
            clock: Clock::default(),
            control: false,
            #[cfg(feature = "login")]
            door: None,
        }
    }
}

/// Options that no emulator can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    /// Anybody on the network could call it.
    #[error("{0} is not a loopback address; the emulator listens on loopback only, such as 127.0.0.1:{port}", port = .0.port())]
    NotLoopback(SocketAddr),
    /// Not an account id.
    #[error("\"{}\" is not an account id: an account id has 12 digits", foreign(.0))]
    Account(String),
    /// An access key id that cannot stand in an `Authorization` header.
    #[error("the access key id must have letters and digits only, and the secret access key must not be empty")]
    Credentials,
    /// No request could ask for this workgroup.
    #[error("\"{}\" is not a workgroup name: 3 to 64 of a-z, 0-9 and hyphen", foreign(.0))]
    Workgroup(String),
    /// No request could ask for this namespace, or another workgroup has it.
    #[error("\"{}\" cannot be the first namespace: expected a name of 3 to 64 of a-z, 0-9 and hyphen that no other has", foreign(.0))]
    Namespace(String),
    /// No request could ask for this custom domain.
    #[error("\"{}\" is not a custom domain name, such as db.example.com", foreign(.0))]
    CustomDomain(String),
    /// A custom domain for a workgroup that does not exist.
    #[error(
        "the custom domain {} stands for the workgroup {}, which is not among the workgroups",
        foreign(.domain), foreign(.workgroup)
    )]
    NoSuchWorkgroup {
        /// The custom domain.
        domain: String,
        /// The workgroup that is missing.
        workgroup: String,
    },
    /// A custom domain in a revision of the documents that knows none.
    #[error("the documents of {0} know no custom domains")]
    NoCustomDomains(Revision),
    /// Nothing settles before it has begun.
    #[error("what is created must settle after it: expected 0 seconds or more, found {}", .0.as_secs_f64())]
    Settle(SignedDuration),
    /// The file of the state cannot be used.
    #[error("cannot use the state file {}: {problem}", file_name(.path))]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, where, and what to do.
        problem: String,
    },
    /// Two callers with the same access key id.
    #[error(
        "a principal of the identities has the access key id of the emulator's own credentials: give it another one"
    )]
    SharedKey,
}

impl EmulatorOptions {
    /// What an emulator with the options [`for_cases`](Self::for_cases) has of what a server may lack, by the names of
    /// the features.
    #[cfg(not(feature = "login"))]
    pub const FEATURES: &[&str] = &["signature", "iam", "provisioning", "custom-domain", "denied-workgroup"];

    /// The same with a door.
    #[cfg(feature = "login")]
    pub const FEATURES: &[&str] =
        &["signature", "iam", "provisioning", "custom-domain", "login", "clock", "denied-workgroup"];

    /// What an emulator with the options [`for_cases`](Self::for_cases) has of what a server may lack, as the documents of
    /// a revision know it.
    pub fn features_in(revision: Revision) -> impl Iterator<Item = &'static str> {
        Self::FEATURES.iter().copied().filter(move |name| *name != "custom-domain" || revision.has_custom_domains())
    }

    /// The same as older documents describe it: without custom domains, where they know none.
    #[must_use]
    pub fn in_revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        if !revision.has_custom_domains() {
            self.custom_domains.clear();
        }
        self
    }

    /// The default for a run of cases: what is created is there at once, and there are the callers of cases. It has a
    /// database door, if this build has one.
    pub fn for_cases() -> Self {
        let options = Self { settle: SignedDuration::ZERO, case_callers: Some(CaseCallers::new()), ..Self::default() };
        #[cfg(feature = "login")]
        let options = options.with_door();
        options
    }

    /// The credentials of everybody who may call it.
    pub fn callers(&self) -> impl Iterator<Item = &Credentials> {
        let of_cases = self.case_callers.iter().flat_map(|callers| [&callers.allowed, &callers.denied]);
        [&self.credentials].into_iter().chain(of_cases).chain(self.identities.iter().flat_map(Identities::credentials))
    }

    /// The workgroup that the callers of cases are all denied.
    pub(super) fn denied_workgroup(&self) -> Option<&str> {
        self.case_callers.as_ref().and_then(|_| self.workgroups.get(1)).map(String::as_str)
    }

    /// The same with a database door, on free ports of the loopback address: the passwords log in there.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use countersign_core as countersign;
    /// use countersign::servers::emulator::{Emulator, EmulatorOptions};
    ///
    /// let emulator = Emulator::start(EmulatorOptions::default().with_door()).await?;
    /// let address = emulator.door("countersign-emulator").unwrap();
    /// assert!(address.ip().is_loopback());
    /// assert!(emulator.authority().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[cfg(feature = "login")]
    #[must_use]
    pub fn with_door(mut self) -> Self {
        self.door = Some(super::DoorOptions::default());
        self
    }

    /// The names that a caller can use, by kind: the first workgroup, its namespace, a custom domain of it, its ARN, and
    /// the database that every workgroup has. Also the workgroup that the callers of cases are denied, if there are any.
    pub fn names(&self) -> BTreeMap<&'static str, String> {
        let workgroup = self.workgroups.first();
        let is_its = |(_, of): &(&String, &String)| Some(*of) == workgroup;
        let domain = self.custom_domains.iter().find(is_its).map(|(domain, _)| domain);
        let database = workgroup.map(|_| state::DATABASE.to_owned());
        let namespace = workgroup.map(|workgroup| self.namespace_of(workgroup).to_owned());
        let arn = workgroup.map(|workgroup| state::arn_at_the_start(self, workgroup));
        let names = [
            ("workgroup", workgroup.cloned()),
            ("custom-domain", domain.cloned()),
            ("database", database),
            ("namespace", namespace),
            ("resource", arn),
            ("denied-workgroup", self.denied_workgroup().map(str::to_owned)),
        ];
        names.into_iter().filter_map(|(kind, name)| Some((kind, name?))).collect()
    }

    /// The namespace of a workgroup.
    pub(super) fn namespace_of<'o>(&'o self, workgroup: &'o str) -> &'o str {
        let own = self.namespace.as_deref().filter(|_| self.workgroups.first().is_some_and(|first| first == workgroup));
        own.unwrap_or(workgroup)
    }

    /// Gives this name to the first workgroup, its namespace or its custom domain, or to the workgroup that the callers
    /// of cases are denied. Another workgroup that has the name gives way. Returns whether there is anything of this kind.
    pub fn rename(&mut self, kind: &str, name: &str) -> bool {
        let is_denied = self.denied_workgroup().is_some();
        let Some(workgroup) = self.workgroups.first() else { return false };
        match kind {
            "workgroup" => self.rename_workgroup(0, name),
            "denied-workgroup" => is_denied && workgroup != name && self.rename_workgroup(1, name),
            "custom-domain" if !self.revision.has_custom_domains() => false,
            "custom-domain" => {
                self.custom_domains.retain(|_, of| of != workgroup);
                self.custom_domains.insert(name.to_owned(), workgroup.clone());
                true
            }
            "namespace" => {
                self.namespace = Some(name.to_owned());
                true
            }
            // A database of any name exists.
            "database" => true,
            _ => false,
        }
    }

    fn rename_workgroup(&mut self, place: usize, name: &str) -> bool {
        let mut others = self.workgroups.iter().enumerate().filter(|(other, _)| *other != place);
        let giving_way = others.find(|(_, other)| *other == name).map(|(other, _)| other);
        let Some(workgroup) = self.workgroups.get_mut(place) else { return false };
        let old = std::mem::replace(workgroup, name.to_owned());
        // Its custom domains stay where the name is.
        giving_way.map(|other| self.workgroups.remove(other));
        self.custom_domains.values_mut().filter(|of| **of == old).for_each(|of| name.clone_into(of));
        true
    }

    /// The same with a database door, and a PostgreSQL behind it: each database user that gets a password is a role there.
    ///
    /// ```no_run
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use countersign_core as countersign;
    /// use countersign::servers::emulator::{Emulator, EmulatorOptions};
    ///
    /// let database = "postgres://admin@localhost/dev".parse()?;
    /// let emulator = Emulator::start(EmulatorOptions::default().with_database(database)).await?;
    /// // ... get credentials, log in with them at emulator.door("countersign-emulator") ...
    /// emulator.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[cfg(feature = "login")]
    #[must_use]
    pub fn with_database(mut self, database: super::Database) -> Self {
        self.door = Some(super::DoorOptions { database: Some(database), ..self.door.unwrap_or_default() });
        self
    }

    /// Checks that an emulator can be made with these options, and that requests can reach everything in it.
    ///
    /// # Errors
    /// The first [`InvalidOptions`] that applies.
    pub fn check(&self) -> Result<(), InvalidOptions> {
        if !self.listen.ip().to_canonical().is_loopback() {
            return Err(InvalidOptions::NotLoopback(self.listen));
        }
        #[cfg(feature = "login")]
        if let Some(door) = self.door.as_ref().filter(|door| !door.listen.ip().to_canonical().is_loopback()) {
            return Err(InvalidOptions::NotLoopback(door.listen));
        }
        if !names::is_account(&self.account) {
            return Err(InvalidOptions::Account(self.account.clone()));
        }
        let Credentials { access_key_id, secret_access_key, .. } = &self.credentials;
        let readable = !access_key_id.is_empty() && access_key_id.chars().all(|c| c.is_ascii_alphanumeric());
        if !readable || secret_access_key.expose().is_empty() {
            return Err(InvalidOptions::Credentials);
        }
        if self.settle.is_negative() {
            return Err(InvalidOptions::Settle(self.settle));
        }
        if self.callers().skip(1).any(|caller| caller.access_key_id == *access_key_id) {
            return Err(InvalidOptions::SharedKey);
        }
        if let Some(name) = self.workgroups.iter().find(|name| !names::is_workgroup(name)) {
            return Err(InvalidOptions::Workgroup(name.clone()));
        }
        let others = self.workgroups.get(1..).unwrap_or_default();
        if let Some(name) = self.namespace.as_ref().filter(|name| !names::is_workgroup(name) || others.contains(name)) {
            return Err(InvalidOptions::Namespace(name.clone()));
        }
        if !self.custom_domains.is_empty() && !self.revision.has_custom_domains() {
            return Err(InvalidOptions::NoCustomDomains(self.revision));
        }
        for (domain, workgroup) in &self.custom_domains {
            if !names::is_custom_domain(domain) {
                return Err(InvalidOptions::CustomDomain(domain.clone()));
            }
            if !self.workgroups.contains(workgroup) {
                let (domain, workgroup) = (domain.clone(), workgroup.clone());
                return Err(InvalidOptions::NoSuchWorkgroup { domain, workgroup });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_default_is_valid_and_has_new_credentials_each_time() {
        let (one, other) = (EmulatorOptions::default(), EmulatorOptions::default());
        assert_eq!(one.check(), Ok(()));
        assert_ne!(one.credentials.access_key_id, other.credentials.access_key_id);
        assert_ne!(one.credentials.secret_access_key.expose(), other.credentials.secret_access_key.expose());
    }

    #[test]
    fn printing_options_masks_the_secret() {
        let options = EmulatorOptions::default();
        let printed = format!("{options:?}");
        assert!(!printed.contains(options.credentials.secret_access_key.expose()), "{printed}");
    }

    #[rstest]
    #[case::v4("127.0.0.1:0", true)]
    #[case::v4_other("127.1.2.3:4567", true)]
    #[case::v6("[::1]:0", true)]
    #[case::v4_in_v6("[::ffff:127.0.0.1]:0", true)]
    #[case::everywhere("0.0.0.0:0", false)]
    #[case::everywhere_v6("[::]:0", false)]
    #[case::private("192.168.0.1:0", false)]
    fn loopback_addresses_are_accepted_and_no_others(#[case] listen: SocketAddr, #[case] accepted: bool) {
        let expected = if accepted { Ok(()) } else { Err(InvalidOptions::NotLoopback(listen)) };
        assert_eq!(EmulatorOptions { listen, ..EmulatorOptions::default() }.check(), expected);
    }

    type OptionsChange = fn(&mut EmulatorOptions);

    #[rstest]
    #[case::account(|o: &mut EmulatorOptions| o.account = "1234".into())]
    #[case::key_with_a_slash(|o: &mut EmulatorOptions| o.credentials.access_key_id = "AK/ID".into())]
    #[case::no_secret(|o: &mut EmulatorOptions| o.credentials.secret_access_key = "".into())]
    #[case::settle(|o: &mut EmulatorOptions| o.settle = SignedDuration::from_secs(-1))]
    #[case::workgroup(|o: &mut EmulatorOptions| o.workgroups.push("Upper".into()))]
    #[case::namespace(|o: &mut EmulatorOptions| o.namespace = Some("Upper".into()))]
    #[case::namespace_of_another(|o: &mut EmulatorOptions| o.namespace = Some(o.workgroups[1].clone()))]
    #[case::domain(|o: &mut EmulatorOptions| drop(o.custom_domains.insert("localhost".into(), o.workgroups[0].clone())))]
    #[case::no_such_workgroup(|o: &mut EmulatorOptions| drop(o.custom_domains.insert("a.bc".into(), "elsewhere".into())))]
    fn options_that_no_request_could_use_are_refused(#[case] change: OptionsChange) {
        let mut options = EmulatorOptions::default();
        change(&mut options);
        assert!(options.check().is_err());
    }
}
