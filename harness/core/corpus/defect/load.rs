//! Reads the banks and checks their entries.

use std::collections::{HashMap, HashSet};

use super::{
    Asked, Defect, DefectFile, DefectKind, DoorChange, DoorTls, HeaderChange, HeaderCopy, LoginChange, Refusal,
    ResponseChange, StatementOutcome,
};
use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Register, Requirement, Side, no_such_revision};
use crate::corpus::files::{FileErrors, LoadErrors, load_folder};
use crate::corpus::revision::is_of_revision;
use crate::corpus::sendable::{STATUSES, flaw_of_field};
use crate::text::did_you_mean;

/// The folder of the banks, below the fixtures folder.
const FOLDER: &str = "defects";

/// Every defect and legal variant, checked against the register. A run never needs them.
#[derive(Clone, Debug)]
pub struct Defects {
    entries: Vec<Defect>,
}

impl Defects {
    /// Reads and checks the banks; those of this build were checked before.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract) -> Result<Self, LoadErrors> {
        let (banks, mut errors) = load_folder::<DefectFile>(fixtures, FOLDER);
        let mut entries = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        for (path, defect_file) in banks {
            let file = fixtures.name_of(&path);
            if defect_file.version != 1 {
                errors.push(LoadError::new(
                    &file,
                    "/version",
                    format!("expected version 1, found {}", defect_file.version),
                ));
            }
            for (index, defect) in defect_file.defects.into_iter().enumerate() {
                let mut errors = FileErrors { file: &file, at: format!("/defects/{index}"), found: &mut errors };
                if fixtures.need_checks() {
                    check(&defect, contract, &mut errors);
                }
                if let Some(first) = places.insert(defect.id.clone(), format!("{file} at {}", errors.at)) {
                    errors.add("/id", format!("the id {} stands twice, first in {first}", defect.id));
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

    /// Checks that some defect breaks each counted `must` requirement on servers.
    ///
    /// # Errors
    /// Each requirement that no defect breaks, with its place in the register.
    pub fn check_complete(&self, fixtures: &Fixtures, register: &Register) -> Result<(), LoadErrors> {
        let broken: HashSet<&str> =
            self.entries.iter().flat_map(|entry| &entry.requirements).map(String::as_str).collect();
        let file = fixtures.name_of(REGISTER_FILE);
        let rows = register.requirements.iter().filter(|row| row.side == Side::Server);
        let orphans = rows.filter(|row| row.counts() && !broken.contains(row.id.as_str()));
        let consequence = "so nothing shows that a server that breaks it is found; tag one in fixtures/defects";
        // A defect that breaks the requirement with the same number of another operation often breaks this one too.
        let number = |id: &str| id.split_once('-').map(|(_, number)| number.to_owned());
        let sibling = |row: &Requirement| {
            let breaks = |entry: &Defect| {
                let same = entry.requirements.iter().find(|id| number(id) == number(&row.id))?;
                Some(format!(", such as {}, which breaks {same}", entry.id))
            };
            self.entries.iter().find_map(breaks).unwrap_or_default()
        };
        let error = |row: &Requirement| {
            let message = format!("no defect breaks {}, {consequence}{}", row.id, sibling(row));
            LoadError::new(&file, format!("/requirements/{}", row.place), message)
        };
        let errors: Vec<_> = orphans.map(error).collect();
        if errors.is_empty() { Ok(()) } else { Err(LoadErrors(errors)) }
    }

    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<&Defect> {
        self.entries.iter().find(|defect| defect.id == id)
    }
}

/// Adds everything that is wrong with an entry to `errors`.
fn check(defect: &Defect, contract: &Contract, errors: &mut FileErrors<'_>) {
    let Defect { id, title, requirements, also, undecided, revision, .. } = defect;
    let (register, revisions) = (&contract.register, &contract.service.revisions);
    if let Some(revision) = revision.filter(|revision| revisions.iter().all(|row| row.year != *revision)) {
        errors.add("/revision", no_such_revision(revision, revisions));
    }
    // What an entry of another revision names need not hold in this one.
    let is_tried_here = is_of_revision(*revision, contract);
    let is_elsewhere = |id: &str| !is_tried_here && register.holds_elsewhere(id);
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_kebab = !id.is_empty() && id.chars().all(kebab);
    errors.check(is_kebab, "/id", format_args!("expected kebab-case, found \"{id}\""));
    errors.check(!title.trim().is_empty(), "/title", format_args!("it says nothing"));
    for (member, text) in [("/id", id), ("/title", title)] {
        errors.check_readable(member, text);
    }
    let changes = !defect.request.is_empty() || !defect.response.is_empty();
    errors.check(
        changes || defect.door.is_some(),
        "/response",
        format_args!("it changes neither request nor response"),
    );
    if let Some(door) = &defect.door {
        check_door(door, changes, errors);
    }
    check_close(defect, errors);
    for (index, change) in defect.response.iter().enumerate() {
        let at = format!("/response/{index}");
        match change {
            ResponseChange::Status(status) => {
                let (least, most) = STATUSES.into_inner();
                let wrong = format_args!("expected a status from {least} to {most}, found {status}");
                errors.check(STATUSES.contains(status), &format!("{at}/status"), wrong);
            }
            ResponseChange::Header(HeaderChange { name, value: Some(value) }) => {
                if let Some(flaw) = flaw_of_field(name, value) {
                    errors.add(&format!("{at}/header"), format!("{flaw}, found \"{name}: {value}\""));
                }
            }
            ResponseChange::CopyToHeader(HeaderCopy { name, .. }) => {
                if let Some(flaw) = flaw_of_field(name, "") {
                    errors.add(&format!("{at}/copy-to-header/name"), format!("{flaw}, found \"{name}\""));
                }
            }
            _ => {}
        }
    }
    for (index, id) in requirements.iter().enumerate() {
        let is_there = is_elsewhere(id) || register.get(id).is_some_and(|row| row.side == Side::Server);
        let at = format!("/requirements/{index}");
        let near = if is_there { String::new() } else { did_you_mean(id, register.ids()) };
        errors.check(is_there, &at, format_args!("there is no requirement {id} on servers{near}"));
    }
    for (member, globs) in [("also", also), ("undecided", undecided)] {
        for (index, glob) in globs.iter().enumerate() {
            let mut rows = register.requirements.iter().filter(|row| row.side == Side::Server);
            let mut elsewhere = register.ids_elsewhere().filter(|_| !is_tried_here);
            let fits = rows.any(|row| glob.fits(&row.id)) || elsewhere.any(|id| glob.fits(id));
            errors.check(fits, &format!("/{member}/{index}"), format_args!("no requirement is meant by \"{glob}\""));
        }
    }
    match defect.kind {
        DefectKind::Defect if requirements.is_empty() => {
            let wrong = format_args!("a defect breaks a requirement; a variant that breaks none is legal");
            errors.check(false, "/requirements", wrong);
        }
        DefectKind::Defect => {
            let wrong = format_args!("a defect is found or not; only a legal variant leaves something undecided");
            errors.check(undecided.is_empty(), "/undecided", wrong);
        }
        DefectKind::Legal => {
            let breaks_none = requirements.is_empty() && also.is_empty() && !defect.canary;
            errors.check(breaks_none, "/kind", format_args!("a legal variant breaks no requirement and is no canary"));
        }
    }
}

/// Checks what an entry changes about log-ins: that the protocol can say it, and that the layer has what it goes by.
fn check_door(door: &DoorChange, changes_answers: bool, errors: &mut FileErrors<'_>) {
    errors.check(
        !changes_answers,
        "/door",
        format_args!("an entry changes log-ins or requests and answers, not both: it is tried before one of the two"),
    );
    let of_statements = door.statements.iter().enumerate().filter_map(|(index, change)| match &change.becomes {
        StatementOutcome::Refuse(refusal) => Some((format!("/door/statements/{index}/becomes/refuse"), refusal)),
        _ => None,
    });
    let of_login = match &door.login {
        Some(LoginChange::Refuse(refusal)) => Some(("/door/login/refuse".to_owned(), refusal)),
        _ => None,
    };
    let worded = door.refusals.iter().map(|refusal| ("/door/refusals".to_owned(), refusal));
    for (at, Refusal { sqlstate, message, severity }) in worded.chain(of_login).chain(of_statements) {
        let is_code = sqlstate.len() == 5 && sqlstate.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let wrong = format_args!("expected five capital letters and digits, found \"{sqlstate}\"");
        errors.check(is_code, &format!("{at}/sqlstate"), wrong);
        let is_text = ![message, severity].iter().any(|text| text.is_empty() || text.contains('\0'));
        errors.check(is_text, &at, format_args!("expected texts that are not empty and have no zero byte"));
    }
    let says_of_passwords = door.login.is_some() || door.user.is_some() || door.database.is_some();
    let sees_passwords = !matches!(door.asks, Some(Asked::Md5 | Asked::Scram)) && door.tls == DoorTls::Never;
    errors.check(
        sees_passwords || !says_of_passwords,
        "/door",
        format_args!("what becomes of a log-in can be said only where the password is asked for in the clear"),
    );
}

/// Checks that an entry that closes the connection changes nothing else: there is no answer that could show it.
fn check_close(defect: &Defect, errors: &mut FileErrors<'_>) {
    let is_close = |change: &ResponseChange| matches!(change, ResponseChange::Close);
    let Some(close) = defect.response.iter().position(is_close) else { return };
    let why = "\"close\" closes the connection without an answer, so no other change of the entry shows: take out this \
               change or \"close\"";
    errors.check(defect.request.is_empty(), "/request", format_args!("{why}"));
    for index in (0..defect.response.len()).filter(|index| *index != close) {
        errors.add(&format!("/response/{index}"), why);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    static CONTRACT: LazyLock<Contract> =
        LazyLock::new(|| Contract::load(&Fixtures::Embedded).expect("the contract is valid"));

    /// Loads a bank with these entries.
    fn load(entries: &[Value]) -> Result<Defects, LoadErrors> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(FOLDER)).expect("a folder");
        let defect_file = json!({ "version": 1, "defects": entries });
        std::fs::write(folder.path().join("defects/a.json"), defect_file.to_string()).expect("a file");
        Defects::load(&Fixtures::Folder(folder.path().into()), &CONTRACT)
    }

    /// An entry with these members beside the required ones.
    fn entry(kind: &str, members: &Value) -> Value {
        let mut entry = json!({ "id": "a", "kind": kind, "title": "t", "response": ["replay"] });
        for (name, value) in members.as_object().expect("members") {
            entry[name] = value.clone();
        }
        entry
    }

    #[test]
    fn the_embedded_banks_load_and_break_every_counted_requirement() {
        let loaded = Defects::load(&Fixtures::EmbeddedToCheck, &CONTRACT);
        let complete = loaded.and_then(|banks| banks.check_complete(&Fixtures::Embedded, &CONTRACT.register));
        complete.unwrap_or_else(|errors| panic!("{errors}"));
    }

    #[rstest]
    #[case::id("legal", json!({ "id": "A b" }), "id")]
    #[case::no_change("legal", json!({ "response": [] }), "response")]
    #[case::untagged("defect", json!({}), "requirements")]
    #[case::dangling("defect", json!({ "requirements": ["GC-X-99"] }), "requirements/0")]
    #[case::empty_glob("defect", json!({ "requirements": ["GC-DUR-01"], "also": ["GC-X-*"] }), "also/0")]
    #[case::undecided("defect", json!({ "requirements": ["GC-DUR-01"], "undecided": ["GC-DUR-02"] }), "undecided")]
    #[case::empty_undecided("legal", json!({ "undecided": ["GC-X-*"] }), "undecided/0")]
    #[case::accusing_legal("legal", json!({ "requirements": ["GC-DUR-01"] }), "kind")]
    #[case::pattern("legal", json!({ "when": { "body": "(" } }), "when/body")]
    #[case::status("legal", json!({ "response": [{ "status": 99 }] }), "response/0/status")]
    #[case::status_that_is_not_the_last("legal", json!({ "response": [{ "status": 101 }] }), "response/0/status")]
    #[case::status_too_high("legal", json!({ "response": ["replay", { "status": 1000 }] }), "response/1/status")]
    #[case::header_name("legal", json!({ "response": [{ "header": { "name": "é", "value": "a" } }] }), "response/0/header")]
    #[case::header_without_name("legal", json!({ "response": [{ "header": { "name": "", "value": "a" } }] }), "response/0/header")]
    #[case::header_value("legal", json!({ "response": [{ "header": { "name": "x", "value": "a\r\nb" } }] }), "response/0/header")]
    #[case::length("legal", json!({ "response": [{ "header": { "name": "Content-Length", "value": "5" } }] }), "response/0/header")]
    #[case::coding("legal", json!({ "response": [{ "header": { "name": "transfer-encoding", "value": "gzip" } }] }), "response/0/header")]
    #[case::copied_header("legal", json!({ "response": [{ "copy-to-header": { "member": "a", "name": "b c" } }] }), "response/0/copy-to-header/name")]
    #[case::deep_pattern("legal", json!({ "when": { "body": "(".repeat(400) } }), "when/body")]
    #[case::deep_glob("legal", json!({ "undecided": [format!("{}{}", "{".repeat(300), "}".repeat(300))] }), "undecided/0")]
    #[case::closed_behind_a_status("legal", json!({ "response": [{ "status": 400 }, "close"] }), "response/0")]
    #[case::body_of_a_closed_connection("legal", json!({ "response": ["close", { "body": "{}" }] }), "response/1")]
    #[case::closed_twice("legal", json!({ "response": ["close", "close"] }), "response/1")]
    #[case::request_of_a_closed_connection("legal", json!({ "response": ["close"], "request": [{ "body": "{}" }] }), "request")]
    #[case::door_and_answer("legal", json!({ "door": { "notices": 1 } }), "door")]
    #[case::code("legal", json!({ "response": [], "door": { "refusals": { "sqlstate": "28p01", "message": "a" } } }), "door/refusals/sqlstate")]
    #[case::no_words("legal", json!({ "response": [], "door": { "login": { "refuse": { "sqlstate": "28000", "message": "" } } } }), "door/login/refuse")]
    #[case::unseen_password("legal", json!({ "response": [], "door": { "asks": "scram", "login": "accept" } }), "door")]
    #[case::unknown_key("legal", json!({ "respond": ["replay"] }), "respond")]
    fn a_wrong_entry_is_refused_with_its_place(#[case] kind: &str, #[case] members: Value, #[case] place: &str) {
        let errors = load(&[entry(kind, &members)]).expect_err("the entry is wrong");
        assert_eq!(errors.0[0].pointer, format!("/defects/0/{place}"), "{errors}");
    }

    #[test]
    fn a_counted_requirement_that_no_defect_breaks_is_an_orphan() {
        let banks = load(&[entry("defect", &json!({ "requirements": ["GC-DUR-02"] }))]).expect("the entry is valid");
        let errors = banks.check_complete(&Fixtures::Embedded, &CONTRACT.register).expect_err("others are unbroken");
        let is_orphan =
            |id: &str| errors.0.iter().any(|error| error.message.contains(&format!("no defect breaks {id},")));
        assert!(is_orphan("GC-DUR-01") && !is_orphan("GC-DUR-02"), "{errors}");
        // These need no defect: one is below `must`, one is excluded.
        assert!(!["GC-PROTO-12", "GC-ERR-04"].into_iter().any(is_orphan), "{errors}");
    }

    #[test]
    fn an_id_that_stands_twice_is_refused() {
        let entry = entry("legal", &json!({}));
        let errors = load(&[entry.clone(), entry]).expect_err("the id stands twice");
        assert_eq!(errors.0[0].pointer, "/defects/1/id");
    }

    #[test]
    fn a_glob_declares_the_requirements_that_it_stands_for() {
        let entry = entry("defect", &json!({ "requirements": ["GC-DUR-01"], "also": ["GC-ERR-*"] }));
        let defect = &load(&[entry]).expect("the entry is valid").entries[0];
        assert!(defect.declares("GC-DUR-01") && defect.declares("GC-ERR-07") && !defect.declares("GC-DUR-02"));
    }
}
