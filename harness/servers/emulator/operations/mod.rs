//! The operations that are served, one file each.
//!
//! A further operation is a further file, which says what its input is, what of it is checked and what
//! is answered ([`Operation`]), and a further row of [`TABLE`].

mod get_credentials;
mod get_workgroup;
mod list_workgroups;

use serde::Serialize;

use self::get_credentials::GetCredentials;
use self::get_workgroup::GetWorkgroup;
use self::list_workgroups::ListWorkgroups;
use super::Service;
use super::errors::Refusal;
use super::members::Members;
use super::validation::Breaches;

/// Every operation that is served, by its name.
const TABLE: [(&str, Call); 3] = [row::<GetCredentials>(), row::<GetWorkgroup>(), row::<ListWorkgroups>()];

/// Makes the body of an answer of the body of a call.
pub(super) type Call = fn(&Service, &[u8]) -> Result<Vec<u8>, Refusal>;

/// An operation; a value of the type is the input of one call.
trait Operation: Sized {
    /// Its name in `X-Amz-Target`. Source: the service model.
    const NAME: &'static str;

    /// Reads the input. The first member of a wrong type is refused.
    fn read(members: &Members) -> Result<Self, Refusal>;

    /// Notes every documented constraint that the input breaks.
    fn check(&self, breaches: &mut Breaches);

    /// Looks up what the input means, and does what it asks for.
    fn perform(self, service: &Service) -> Result<impl Serialize, Refusal>;
}

/// The operation of this name.
pub(super) fn named(name: &str) -> Result<Call, Refusal> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, call)| *call).ok_or_else(|| {
        let names = TABLE.map(|(known, _)| known).join(", ");
        Refusal::unknown_operation(format!("Only these operations are here: {names}."))
    })
}

const fn row<O: Operation>() -> (&'static str, Call) {
    (O::NAME, call::<O>)
}

/// The way of one call, the same for every operation: deserialisation, validation, lookup.
fn call<O: Operation>(service: &Service, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let input = O::read(&Members::of(body)?)?;
    let mut breaches = Breaches::default();
    input.check(&mut breaches);
    breaches.refuse()?;
    let output = input.perform(service)?;
    Ok(serde_json::to_vec(&output).expect("members with names, texts and finite numbers are JSON"))
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty("")]
    #[case::letter_case("getcredentials")]
    #[case::other("DropEverything")]
    #[case::longer("GetCredentialsX")]
    #[case::shorter("Get")]
    fn another_operation_is_unknown_with_400(#[case] name: &str) {
        let refusal = named(name).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "UnknownOperationException"));
    }
}
