//! Reading the banks, and what must hold of their entries.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Bank, Defect, DefectKind};
use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Register, Requirement, Side, unreadable};
use crate::corpus::files::{LoadErrors, load_folder};

/// The folder of the banks, below the fixtures folder.
const FOLDER: &str = "defects";

/// Every defect and legal variant, checked against the register. A run never needs them.
#[derive(Clone, Debug)]
pub struct Defects {
    entries: Vec<Defect>,
}

impl Defects {
    /// Reads and checks the banks.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract) -> Result<Self, LoadErrors> {
        let (banks, mut errors) = load_folder::<Bank>(fixtures, FOLDER);
        let mut entries = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        for (path, bank) in banks {
            let file = fixtures.name_of(&path);
            if bank.version != 1 {
                errors.push(LoadError::new(&file, "/version", format!("expected version 1, found {}", bank.version)));
            }
            for (index, defect) in bank.defects.into_iter().enumerate() {
                let at = format!("/defects/{index}");
                let wrong = |(member, message)| LoadError::new(&file, format!("{at}/{member}"), message);
                errors.extend(check(&defect, &contract.register).into_iter().map(wrong));
                if let Some(first) = places.insert(defect.id.clone(), format!("{file} at {at}")) {
                    let message = format!("the id {} stands twice, first in {first}", defect.id);
                    errors.push(wrong(("id".to_owned(), message)));
                }
                entries.push(defect);
            }
        }
        if errors.is_empty() { Ok(Self { entries }) } else { Err(LoadErrors(errors)) }
    }

    /// The entries, in the order of the files and of the entries in them.
    pub fn entries(&self) -> &[Defect] {
        &self.entries
    }

    /// What the banks leave unproven: counted `must` requirements that no defect is tagged with.
    ///
    /// # Errors
    /// Each such requirement, with its place in the register.
    pub fn check_complete(&self, fixtures: &Fixtures, register: &Register) -> Result<(), LoadErrors> {
        let broken: HashSet<&str> =
            self.entries.iter().flat_map(|entry| &entry.requirements).map(String::as_str).collect();
        let file = fixtures.name_of(REGISTER_FILE);
        let rows = register.requirements.iter().enumerate().filter(|(_, row)| row.side == Side::Server);
        let orphans = rows.filter(|(_, row)| row.counts() && !broken.contains(row.id.as_str()));
        let told = "so nothing shows that a server that breaks it is found; tag one in fixtures/defects";
        let error = |(index, row): (usize, &Requirement)| {
            LoadError::new(&file, format!("/requirements/{index}"), format!("no defect breaks {}, {told}", row.id))
        };
        let errors: Vec<_> = orphans.map(error).collect();
        if errors.is_empty() { Ok(()) } else { Err(LoadErrors(errors)) }
    }

    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<&Defect> {
        self.entries.iter().find(|defect| defect.id == id)
    }
}

/// What is wrong with an entry, each with the member at fault.
fn check(defect: &Defect, register: &Register) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, at: &str, wrong: fmt::Arguments<'_>| {
        if !holds {
            faults.push((at.to_owned(), wrong.to_string()));
        }
    };
    let Defect { id, title, requirements, also, undecided, .. } = defect;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_kebab = !id.is_empty() && id.chars().all(kebab);
    check(is_kebab, "id", format_args!("expected kebab-case, found \"{id}\""));
    check(!title.trim().is_empty(), "title", format_args!("it says nothing"));
    for (member, text) in [("id", id), ("title", title)] {
        let unreadable = unreadable(text);
        check(unreadable.is_none(), member, format_args!("{}", unreadable.unwrap_or_default()));
    }
    let changes = !defect.request.is_empty() || !defect.response.is_empty();
    check(changes, "response", format_args!("it changes neither request nor response"));
    for (index, id) in requirements.iter().enumerate() {
        let is_there = register.get(id).is_some_and(|row| row.side == Side::Server);
        let at = format!("requirements/{index}");
        check(is_there, &at, format_args!("there is no requirement {id} on servers"));
    }
    for (member, globs) in [("also", also), ("undecided", undecided)] {
        for (index, glob) in globs.iter().enumerate() {
            let fits = register.requirements.iter().any(|row| row.side == Side::Server && glob.fits(&row.id));
            check(fits, &format!("{member}/{index}"), format_args!("no requirement is meant by \"{glob}\""));
        }
    }
    match defect.kind {
        DefectKind::Defect if requirements.is_empty() => {
            let wrong = format_args!("a defect breaks a requirement; a variant that breaks none is legal");
            check(false, "requirements", wrong);
        }
        DefectKind::Defect => {
            let wrong = format_args!("a defect is found or not; only a legal variant leaves something undecided");
            check(undecided.is_empty(), "undecided", wrong);
        }
        DefectKind::Legal => {
            let breaks_none = requirements.is_empty() && also.is_empty() && !defect.canary;
            check(breaks_none, "kind", format_args!("a legal variant breaks no requirement and is no canary"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn load(entries: &str) -> Result<Defects, LoadErrors> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(FOLDER)).expect("a folder");
        let text = format!(r#"{{"version":1,"defects":[{entries}]}}"#);
        std::fs::write(folder.path().join("defects/a.json"), text).expect("a file");
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        Defects::load(&Fixtures::Folder(folder.path().into()), &contract)
    }

    #[test]
    fn the_embedded_banks_load_and_break_every_counted_requirement() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        let loaded = Defects::load(&Fixtures::Embedded, &contract);
        let complete = loaded.and_then(|banks| banks.check_complete(&Fixtures::Embedded, &contract.register));
        if let Err(errors) = complete {
            panic!("{errors}");
        }
    }

    #[rstest]
    #[case::id(r#"{"id":"A b","kind":"legal","title":"t","response":["replay"]}"#, "/defects/0/id")]
    #[case::no_change(r#"{"id":"a","kind":"legal","title":"t"}"#, "/defects/0/response")]
    #[case::untagged(r#"{"id":"a","kind":"defect","title":"t","response":["replay"]}"#, "/defects/0/requirements")]
    #[case::dangling(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-X-99"],"response":["replay"]}"#,
        "/defects/0/requirements/0"
    )]
    #[case::empty_glob(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"also":["GC-X-*"],"response":["replay"]}"#,
        "/defects/0/also/0"
    )]
    #[case::undecided_defect(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"undecided":["GC-DUR-02"],"response":["replay"]}"#,
        "/defects/0/undecided"
    )]
    #[case::empty_undecided(
        r#"{"id":"a","kind":"legal","title":"t","undecided":["GC-X-*"],"response":["replay"]}"#,
        "/defects/0/undecided/0"
    )]
    #[case::accusing_legal(
        r#"{"id":"a","kind":"legal","title":"t","requirements":["GC-DUR-01"],"response":["replay"]}"#,
        "/defects/0/kind"
    )]
    #[case::pattern(
        r#"{"id":"a","kind":"legal","title":"t","when":{"body":"("},"response":["replay"]}"#,
        "/defects/0/when/body"
    )]
    #[case::unknown_key(r#"{"id":"a","kind":"legal","title":"t","respond":["replay"]}"#, "/defects/0/respond")]
    fn a_wrong_entry_is_refused_with_its_place(#[case] entry: &str, #[case] pointer: &str) {
        let errors = load(entry).expect_err("the entry is wrong");
        assert_eq!(errors.0[0].pointer, pointer, "{errors}");
    }

    #[test]
    fn a_counted_requirement_that_no_defect_breaks_is_an_orphan() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        let one = r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-02"],"response":["replay"]}"#;
        let banks = load(one).expect("the entry is valid");
        let errors = banks.check_complete(&Fixtures::Embedded, &contract.register).expect_err("others are unbroken");
        let told: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|error| error.contains("no defect breaks GC-DUR-01,")), "{told:?}");
        assert!(!told.iter().any(|error| error.contains("no defect breaks GC-DUR-02,")), "{told:?}");
        // Neither what is below must, nor what waits for a feature, nor what is excluded.
        let uncounted = ["GC-PROTO-12", "GC-IAM-01", "GC-ERR-04"];
        assert!(!told.iter().any(|error| uncounted.iter().any(|id| error.contains(id))), "{told:?}");
    }

    #[test]
    fn an_id_that_stands_twice_is_refused() {
        let entry = r#"{"id":"a","kind":"legal","title":"t","response":["replay"]}"#;
        let errors = load(&format!("{entry},{entry}")).expect_err("the id stands twice");
        assert_eq!(errors.0[0].pointer, "/defects/1/id");
    }

    #[test]
    fn a_glob_declares_the_requirements_that_it_stands_for() {
        let defects = load(
            r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"also":["GC-ERR-*"],"response":["replay"]}"#,
        );
        let defect = &defects.expect("the entry is valid").entries[0];
        assert!(defect.declares("GC-DUR-01") && defect.declares("GC-ERR-07"));
        assert!(!defect.declares("GC-DUR-02"));
    }
}
