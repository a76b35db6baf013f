//! `GetWorkgroup`: what there is to know of one workgroup.

use serde::Serialize;

use super::Operation;
use crate::servers::emulator::errors::Refusal;
use crate::servers::emulator::members::Members;
use crate::servers::emulator::validation::Breaches;
use crate::servers::emulator::workgroups::Workgroup;
use crate::servers::emulator::{Service, names};

/// The input. Source: the service model; the name is required.
pub(super) struct GetWorkgroup {
    workgroup_name: Option<String>,
}

#[derive(Serialize)]
struct Output<'a> {
    workgroup: &'a Workgroup,
}

impl Operation for GetWorkgroup {
    const NAME: &'static str = "GetWorkgroup";

    fn read(members: &Members) -> Result<Self, Refusal> {
        Ok(Self { workgroup_name: members.string("workgroupName")? })
    }

    fn check(&self, breaches: &mut Breaches) {
        match &self.workgroup_name {
            Some(name) => breaches.at("workgroupName", names::workgroup(name)),
            None => breaches.absent("workgroupName"),
        }
    }

    fn perform(self, service: &Service) -> Result<impl Serialize, Refusal> {
        let name = self.workgroup_name.expect("an input without it was refused");
        Ok(Output { workgroup: service.workgroups().named(&name)? })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::testing::{answer, refusal, service};
    use super::*;

    const NAME: &str = GetWorkgroup::NAME;

    #[rstest]
    #[case::plain(json!({"workgroupName": "wg-2"}))]
    #[case::unknown_members(json!({"workgroupName": "wg-2", "WorkgroupName": 5, "verbose": true}))]
    fn the_workgroup_of_the_name_is_shown(#[case] input: Value) {
        let answer = answer(&service(), NAME, &input).unwrap();
        assert_eq!(answer["workgroup"]["workgroupName"], "wg-2");
        assert_eq!(answer.as_object().unwrap().len(), 1);
    }

    #[test]
    fn a_workgroup_stays_as_it_is() {
        let (service, input) = (service(), json!({"workgroupName": "wg-1"}));
        assert_eq!(answer(&service, NAME, &input), answer(&service, NAME, &input));
    }

    #[rstest]
    #[case::absent(json!({}))]
    #[case::null(json!({"workgroupName": null}))]
    #[case::another_letter_case(json!({"WorkgroupName": "wg-1"}))]
    fn an_input_without_a_name_is_refused(#[case] input: Value) {
        let message = "1 validation error detected: Value null at 'workgroupName' failed to satisfy constraint: \
                       Member must not be null";
        assert_eq!(refusal(NAME, &input), (400, "ValidationException", message.to_owned()));
    }

    #[rstest]
    #[case::short("wg", "have length greater than or equal to 3")]
    #[case::long(&"a".repeat(65), "have length less than or equal to 64")]
    #[case::pattern("Wg-1", "satisfy regular expression pattern: ^[a-z0-9-]+$")]
    fn a_name_that_no_workgroup_can_have_is_refused(#[case] name: &str, #[case] breach: &str) {
        let message = format!(
            "1 validation error detected: Value at 'workgroupName' failed to satisfy constraint: Member must {breach}"
        );
        assert_eq!(refusal(NAME, &json!({"workgroupName": name})), (400, "ValidationException", message));
    }

    #[test]
    fn another_type_is_a_serialization_error() {
        let (status, name, _) = refusal(NAME, &json!({"workgroupName": 5}));
        assert_eq!((status, name), (400, "SerializationException"));
    }

    #[test]
    fn an_unknown_workgroup_is_not_found() {
        let refusal = answer(&service(), NAME, &json!({"workgroupName": "nobody"})).err();
        assert_eq!(refusal, Some(Refusal::not_found("nobody", "Serverless workgroup nobody not found.")));
    }
}
