//! Older documents: what an emulator that is as they said lacks and asks for.

use std::fmt;
use std::str::FromStr;

/// The documents that an emulator is written from, by the year in which they were the ones to read.
///
/// Source: the older copies of the API reference and of the boto3 page, and the service models of botocore 1.27.27
/// (July 2022), 1.29.15 (November 2022), 1.29.41 (December 2022), 1.31.64 (October 2023) and 1.31.80 (November 2023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// July to November 2022: a workgroup must be named, a database's name has no upper-case letter, and there are no
    /// custom domains.
    Of2022,
    /// December 2022 to October 2023: upper-case letters are allowed, and workgroups have ports.
    Of2023,
    /// Since November 2023: there are custom domains.
    #[default]
    Of2024,
}

/// The operations that older documents lack, and the first ones that have them.
const OPERATIONS: [(&str, Revision); 4] = [
    ("CreateCustomDomainAssociation", Revision::Of2024),
    ("DeleteCustomDomainAssociation", Revision::Of2024),
    ("GetCustomDomainAssociation", Revision::Of2024),
    ("ListCustomDomainAssociations", Revision::Of2024),
];

/// The members of requests that older documents lack, each with its operation.
const MEMBERS: [(&str, &str, Revision); 17] = [
    ("CreateNamespace", "adminPasswordSecretKmsKeyId", Revision::Of2023),
    ("CreateNamespace", "manageAdminPassword", Revision::Of2023),
    ("CreateNamespace", "redshiftIdcApplicationArn", Revision::Of2024),
    ("CreateWorkgroup", "extraComputeForAutomaticOptimization", Revision::Of2024),
    ("CreateWorkgroup", "ipAddressType", Revision::Of2024),
    ("CreateWorkgroup", "maxCapacity", Revision::Of2024),
    ("CreateWorkgroup", "port", Revision::Of2023),
    ("CreateWorkgroup", "pricePerformanceTarget", Revision::Of2024),
    ("CreateWorkgroup", "trackName", Revision::Of2024),
    ("GetCredentials", "customDomainName", Revision::Of2024),
    ("ListWorkgroups", "ownerAccount", Revision::Of2024),
    ("UpdateWorkgroup", "extraComputeForAutomaticOptimization", Revision::Of2024),
    ("UpdateWorkgroup", "ipAddressType", Revision::Of2024),
    ("UpdateWorkgroup", "maxCapacity", Revision::Of2024),
    ("UpdateWorkgroup", "port", Revision::Of2023),
    ("UpdateWorkgroup", "pricePerformanceTarget", Revision::Of2024),
    ("UpdateWorkgroup", "trackName", Revision::Of2024),
];

impl Revision {
    /// Every revision, the oldest first.
    pub const ALL: [Self; 3] = [Self::Of2022, Self::Of2023, Self::Of2024];

    /// The revision of a year, if there is one.
    pub fn of_year(year: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.year() == year)
    }

    /// The year by which it is called.
    pub const fn year(self) -> u16 {
        match self {
            Self::Of2022 => 2022,
            Self::Of2023 => 2023,
            Self::Of2024 => 2024,
        }
    }

    /// Whether there are custom domains.
    pub const fn has_custom_domains(self) -> bool {
        matches!(self, Self::Of2024)
    }

    /// Whether a database's name may have upper-case letters.
    pub(super) const fn allows_upper_case(self) -> bool {
        !matches!(self, Self::Of2022)
    }

    /// Whether it has an operation that the newest one has.
    pub(super) fn has_operation(self, name: &str) -> bool {
        OPERATIONS.iter().all(|(operation, first)| *operation != name || *first <= self)
    }

    /// Whether a request has a member that it has in the newest one.
    pub(super) fn has_member(self, operation: &str, member: &str) -> bool {
        MEMBERS.iter().all(|(of, name, first)| (*of, *name) != (operation, member) || *first <= self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.year().fmt(f)
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|revision| revision.to_string() == text);
        let years = Self::ALL.map(|revision| revision.to_string()).join(", ");
        found.ok_or_else(|| format!("there is no revision of that name; there are {years}"))
    }
}
