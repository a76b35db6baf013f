//! `ListCustomDomainAssociations`: all custom domains, or those of one name or certificate, page by page, in the order
//! of their names.

use serde_json::Value;

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::pages::{Asked, List};
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::CustomDomain;
use crate::servers::emulator::validation;

/// Lengths of `nextToken`, in characters. Source: the service model, `PaginationToken`.
const TOKEN_LENGTH: (usize, usize) = (8, 1024);

/// Source: the service model; nothing is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let certificate = input.text("customDomainCertificateArn", names::certificate)?;
    let domain = input.text("customDomainName", names::custom_domain)?;
    let asked = Asked::read(&mut input, |token| validation::length(token, TOKEN_LENGTH))?;
    input.check()?;
    call.authorise()?;

    let domain = domain.map(|domain| domain.to_ascii_lowercase());
    let filters = [certificate.as_deref(), domain.as_deref()].map(Option::unwrap_or_default);
    let of = ["ListCustomDomainAssociations", call.caller.account, call.region.as_str(), filters[0], filters[1]];
    let list = List { of: &of, member: "associations" };
    call.look(|realm| {
        let is_wanted = |(name, association): &(&str, &CustomDomain)| {
            domain.as_deref().is_none_or(|domain| domain == *name)
                && certificate.as_ref().is_none_or(|certificate| *certificate == association.certificate)
        };
        let names = realm.custom_domains().filter(is_wanted).map(|(name, _)| name);
        call.pages().page(list, &asked, names, |name| realm.custom_domain_shown(name))
    })
    .map_err(|error| error.refusal(ServiceError::invalid_pagination))
}
