//! `ListWorkgroups`: all workgroups, page by page, in the order of their names.

use serde::Serialize;

use super::Operation;
use crate::servers::emulator::Service;
use crate::servers::emulator::errors::Refusal;
use crate::servers::emulator::members::Members;
use crate::servers::emulator::validation::{self, Breach, Breaches};
use crate::servers::emulator::workgroups::Workgroup;

/// Values of `maxResults`. Source: the service model.
const MAX_RESULTS: (i32, i32) = (1, 100);

/// How many a page has at most when the caller does not say. The documents do not say either; 100 is
/// the default of `ListUsageLimits`, the only list of the service that documents one.
const DEFAULT_MAX_RESULTS: usize = 100;

/// Lengths of `ownerAccount`, in characters. Source: the service model.
const OWNER_ACCOUNT_LENGTH: (usize, usize) = (1, 12);

/// The pattern of `ownerAccount`, which has no anchors. Source: the service model.
const OWNER_ACCOUNT_PATTERN: &str = "(\\d{12})";

/// The input. Source: the service model; nothing is required.
pub(super) struct ListWorkgroups {
    max_results: Option<i32>,
    next_token: Option<String>,
    owner_account: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
    workgroups: &'a [Workgroup],
}

impl Operation for ListWorkgroups {
    const NAME: &'static str = "ListWorkgroups";

    fn read(members: &Members) -> Result<Self, Refusal> {
        Ok(Self {
            max_results: members.integer("maxResults")?,
            next_token: members.string("nextToken")?,
            owner_account: members.string("ownerAccount")?,
        })
    }

    fn check(&self, breaches: &mut Breaches) {
        if let Some(most) = self.max_results {
            breaches.at("maxResults", [validation::range(most, MAX_RESULTS)]);
        }
        if let Some(account) = &self.owner_account {
            let constraints = [validation::length(account, OWNER_ACCOUNT_LENGTH), owner_account_pattern(account)];
            breaches.at("ownerAccount", constraints);
        }
    }

    fn perform(self, service: &Service) -> Result<impl Serialize, Refusal> {
        let listed = self.listed(service);
        let start = self.start(listed)?;
        let most = self.max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_MAX_RESULTS);
        let end = listed.len().min(start + most);
        Ok(Output { next_token: listed.get(end).map(Workgroup::page_token), workgroups: &listed[start..end] })
    }
}

impl ListWorkgroups {
    /// All workgroups of the account that is asked for: those of the caller's own where none is named, and
    /// none of any other account, since nobody shares one with the caller.
    fn listed<'a>(&self, service: &'a Service) -> &'a [Workgroup] {
        match &self.owner_account {
            Some(account) if *account != service.options().account => &[],
            _ => service.workgroups().all(),
        }
    }

    /// Where the page begins that the caller asks for.
    fn start(&self, listed: &[Workgroup]) -> Result<usize, Refusal> {
        let Some(token) = &self.next_token else { return Ok(0) };
        let found = listed.iter().position(|workgroup| workgroup.page_token() == token);
        found.ok_or_else(|| Refusal::validation("The nextToken was not given out for this list."))
    }
}

/// Twelve digits in a row, anywhere. Source: the service model.
fn owner_account_pattern(account: &str) -> Option<Breach> {
    let matches = account.as_bytes().windows(12).any(|part| part.iter().all(u8::is_ascii_digit));
    validation::pattern(OWNER_ACCOUNT_PATTERN, matches)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::testing::{answer, options, refusal, service};
    use super::*;

    const NAME: &str = ListWorkgroups::NAME;

    fn names(answer: &Value) -> Vec<&str> {
        let workgroups = answer["workgroups"].as_array().unwrap();
        workgroups.iter().map(|workgroup| workgroup["workgroupName"].as_str().unwrap()).collect()
    }

    /// A service of so many workgroups, from `wg-000` on.
    fn service_of(count: usize) -> Service {
        let mut options = options();
        options.workgroups = (0..count).rev().map(|number| format!("wg-{number:03}")).collect();
        options.custom_domains.clear();
        Service::new(options).unwrap()
    }

    /// The numbers of names on every page, asked for with so many results a page.
    fn pages(service: &Service, most: Option<usize>) -> Vec<usize> {
        let (mut pages, mut token, mut seen) = (Vec::new(), Value::Null, Vec::new());
        loop {
            let page = answer(service, NAME, &json!({"maxResults": most, "nextToken": token})).unwrap();
            pages.push(names(&page).len());
            seen.extend(names(&page).into_iter().map(str::to_owned));
            token = page.get("nextToken").cloned().unwrap_or_default();
            if token.is_null() {
                assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
                assert_eq!(seen.len(), service.workgroups().all().len());
                return pages;
            }
        }
    }

    #[rstest]
    #[case::nothing_asked(json!({}))]
    #[case::nulls(json!({"maxResults": null, "nextToken": null, "ownerAccount": null}))]
    #[case::own_account(json!({"ownerAccount": "123456789012"}))]
    #[case::just_enough(json!({"maxResults": 2}))]
    #[case::most(json!({"maxResults": 100}))]
    #[case::unknown_members(json!({"MaxResults": 1, "filter": {}}))]
    fn all_workgroups_are_listed_by_name_without_a_token(#[case] input: Value) {
        let answer = answer(&service(), NAME, &input).unwrap();
        assert_eq!(names(&answer), ["wg-1", "wg-2"]);
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    }

    #[test]
    fn a_workgroup_is_listed_as_get_workgroup_shows_it() {
        let service = service();
        let listed = answer(&service, NAME, &json!({})).unwrap();
        let got = answer(&service, "GetWorkgroup", &json!({"workgroupName": "wg-1"})).unwrap();
        assert_eq!(listed["workgroups"][0], got["workgroup"]);
    }

    #[rstest]
    #[case::none(0, Some(1), &[0])]
    #[case::one_each(3, Some(1), &[1, 1, 1])]
    #[case::rest(3, Some(2), &[2, 1])]
    #[case::exactly(4, Some(2), &[2, 2])]
    #[case::default(100, None, &[100])]
    #[case::more_than_the_default(101, None, &[100, 1])]
    fn pages_have_every_workgroup_once(#[case] count: usize, #[case] most: Option<usize>, #[case] sizes: &[usize]) {
        assert_eq!(pages(&service_of(count), most), sizes);
    }

    #[test]
    fn a_token_is_good_for_a_page_of_any_size_and_more_than_once() {
        let service = service_of(4);
        let token = answer(&service, NAME, &json!({"maxResults": 1})).unwrap()["nextToken"].clone();
        for most in [1, 2, 1] {
            let page = answer(&service, NAME, &json!({"maxResults": most, "nextToken": token})).unwrap();
            assert_eq!((names(&page)[0], names(&page).len()), ("wg-001", most));
        }
    }

    #[test]
    fn another_account_has_no_workgroups_here() {
        let answer = answer(&service(), NAME, &json!({"ownerAccount": "210987654321"})).unwrap();
        assert_eq!(answer, json!({"workgroups": []}));
    }

    #[rstest]
    #[case::invented("anything")]
    #[case::empty("")]
    #[case::a_name("wg-2")]
    #[case::a_number("1")]
    fn a_token_that_was_not_given_out_is_refused(#[case] token: &str) {
        let (status, name, message) = refusal(NAME, &json!({"nextToken": token}));
        assert_eq!((status, name), (400, "ValidationException"));
        assert_eq!(message, "The nextToken was not given out for this list.");
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let (service, other) = (service(), service());
        let first = |service| answer(service, NAME, &json!({"maxResults": 1})).unwrap();
        let of_another_emulator = json!({"nextToken": first(&other)["nextToken"]});
        let for_another_account = json!({"nextToken": first(&service)["nextToken"], "ownerAccount": "210987654321"});
        for input in [of_another_emulator, for_another_account] {
            assert_eq!(answer(&service, NAME, &input).unwrap_err().name, "ValidationException");
        }
    }

    #[rstest]
    #[case::zero("maxResults", json!(0), "have value greater than or equal to 1")]
    #[case::negative("maxResults", json!(-1), "have value greater than or equal to 1")]
    #[case::too_many("maxResults", json!(101), "have value less than or equal to 100")]
    #[case::eleven_digits("ownerAccount", json!("12345678901"), "satisfy regular expression pattern: (\\d{12})")]
    #[case::letter("ownerAccount", json!("12345678901a"), "satisfy regular expression pattern: (\\d{12})")]
    #[case::other_digits("ownerAccount", json!("١٢٣٤٥٦٧٨٩٠١٢"), "satisfy regular expression pattern: (\\d{12})")]
    #[case::thirteen_digits("ownerAccount", json!("1234567890123"), "have length less than or equal to 12")]
    #[case::twelve_inside("ownerAccount", json!("a123456789012"), "have length less than or equal to 12")]
    fn a_value_that_breaks_one_constraint_is_refused_for_it(
        #[case] member: &str,
        #[case] value: Value,
        #[case] breach: &str,
    ) {
        let message = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must {breach}"
        );
        assert_eq!(refusal(NAME, &json!({member: value})), (400, "ValidationException", message));
    }

    #[test]
    fn an_empty_account_breaks_both_its_constraints() {
        let (_, name, message) = refusal(NAME, &json!({"ownerAccount": ""}));
        assert_eq!(name, "ValidationException");
        assert!(message.starts_with("2 validation errors detected: "), "{message}");
    }

    #[rstest]
    #[case("maxResults", json!("1"))]
    #[case("maxResults", json!(1.5))]
    #[case("nextToken", json!(1))]
    #[case("ownerAccount", json!(123_456_789_012_u64))]
    fn another_type_is_a_serialization_error(#[case] member: &str, #[case] value: Value) {
        let (status, name, _) = refusal(NAME, &json!({member: value}));
        assert_eq!((status, name), (400, "SerializationException"));
    }
}
