//! The profiles of the shared AWS files, and where a profile says that its credentials come from.
//! Source: the AWS SDKs and Tools Reference Guide, "Shared config and credentials files"; where it is silent, the
//! resolvers of botocore and of the AWS SDK for Rust.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::variables::variable_set;
use crate::files::read_text;
use crate::text::{did_you_mean, file_name, foreign};
use crate::wire::{Credentials, Secret};

/// How many names of profiles are shown.
const NAMES_SHOWN: usize = 10;

/// What a section of a file says, by key in lower case.
pub(super) type Section = BTreeMap<String, String>;

/// Every profile of the two shared files.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    by_name: BTreeMap<String, Section>,
    /// The sections `[sso-session …]`, which profiles refer to.
    sign_ons: BTreeMap<String, Section>,
    /// The settings of single services in the sections `[services …]`, which profiles refer to.
    services: BTreeMap<String, BTreeMap<String, Section>>,
    /// The file of each key of a profile.
    files: BTreeMap<(String, String), PathBuf>,
    /// Both files, whether they are there or not.
    searched: Vec<PathBuf>,
}

/// A section as it stands in a file.
#[derive(Debug, Default)]
struct ParsedSection {
    name: String,
    keys: Section,
    /// The indented lines below a key without a value, by that key.
    nested: BTreeMap<String, Section>,
}

impl Profiles {
    /// Reads both files. A missing file counts as one without profiles. If both files have the same key, the one of the
    /// credentials file wins.
    ///
    /// # Errors
    /// When a file cannot be read, or has a line that is neither a section nor a key with a value.
    pub(super) fn load() -> Result<Self, String> {
        let mut all = Self::default();
        if let Some(file) = shared_file("AWS_CONFIG_FILE", "config")? {
            all.add(&file, sections(&file)?, in_configuration);
        }
        if let Some(file) = shared_file("AWS_SHARED_CREDENTIALS_FILE", "credentials")? {
            // Here every section is a profile.
            all.add(&file, sections(&file)?, |name| Some((Kind::Profile, name)));
        }
        Ok(all)
    }

    fn add(&mut self, file: &Path, sections: Vec<ParsedSection>, meaning: fn(&str) -> Option<(Kind, &str)>) {
        self.searched.push(file.to_owned());
        for ParsedSection { name, keys, nested } in sections {
            match meaning(&name) {
                Some((Kind::Profile, name)) => {
                    let places = keys.keys().map(|key| ((name.to_owned(), key.clone()), file.to_owned()));
                    self.files.extend(places);
                    self.by_name.entry(name.to_owned()).or_default().extend(keys);
                }
                Some((Kind::SignOn, name)) => self.sign_ons.entry(name.to_owned()).or_default().extend(keys),
                Some((Kind::Services, name)) => self.services.entry(name.to_owned()).or_default().extend(nested),
                None => {}
            }
        }
    }

    /// The settings of all services in a section `[services …]`; `None` if there is no such section.
    pub(super) fn services(&self, section: &str) -> Option<&BTreeMap<String, Section>> {
        self.services.get(section)
    }

    /// The file with a key of a profile.
    pub(super) fn file_of(&self, profile: &str, key: &str) -> PathBuf {
        self.files.get(&(profile.to_owned(), key.to_owned())).cloned().unwrap_or_default()
    }

    /// Says that there is no profile of this name, and where it was looked for.
    pub(super) fn missing(&self, name: &str) -> String {
        let files: Vec<_> = self.searched.iter().map(|file| file_name(file)).collect();
        let names: Vec<_> = self.by_name.keys().take(NAMES_SHOWN).map(|name| foreign(name)).collect();
        let more = if names.len() < self.by_name.len() { ", …" } else { "" };
        let among = if names.is_empty() { String::new() } else { format!("; there are {}{more}", names.join(", ")) };
        let near = did_you_mean(name, self.by_name.keys().map(String::as_str));
        format!("there is no profile \"{}\" in {}{near}{among}", foreign(name), files.join(" or "))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Section> {
        self.by_name.get(name)
    }

    /// Where the credentials of a profile come from; `None` where it says nothing about credentials.
    ///
    /// # Errors
    /// What is wrong with the profile, or with one that it refers to.
    pub(super) fn source(&self, name: &str) -> Result<Option<Source>, String> {
        self.source_of(name, &mut Vec::new())
    }

    /// Does the work of [`Self::source`], for a profile that the profiles in `visited` lead to by `source_profile`.
    fn source_of(&self, name: &str, visited: &mut Vec<String>) -> Result<Option<Source>, String> {
        let shown = foreign(name);
        let profile = self.get(name).ok_or_else(|| self.missing(name))?;
        if visited.iter().any(|visited| visited == name) {
            return Err(format!("the profile \"{shown}\" leads back to itself by source_profile"));
        }
        // If another profile leads here, this profile's keys win over its role.
        if let (false, Some(keys)) = (visited.is_empty(), keys(profile, &shown)?) {
            return Ok(Some(Source::Keys(keys)));
        }
        visited.push(name.to_owned());
        if let Some(role) = profile.get("role_arn") {
            return self.role(role, name, profile, visited).map(Some);
        }
        if let Some(named) = profile.get("credential_source") {
            return credential_source(named, &shown).map(Some);
        }
        if let (Some(account), Some(role)) = (profile.get("sso_account_id"), profile.get("sso_role_name")) {
            return self.sign_on(profile, account, role, &shown).map(|found| Some(Source::SignOn(found)));
        }
        if profile.contains_key("login_session") {
            return Err(format!(
                "the profile \"{shown}\" has login_session, a sign-in of the console, which cannot be used here; `aws \
                 configure export-credentials --profile {shown} --format env` prints its keys for the environment"
            ));
        }
        if let Some(program) = profile.get("credential_process") {
            return Ok(Some(Source::Program(program.clone())));
        }
        Ok(keys(profile, &shown)?.map(Source::Keys))
    }

    fn role(&self, arn: &str, name: &str, profile: &Section, visited: &mut Vec<String>) -> Result<Source, String> {
        let shown = foreign(name);
        let session_name = profile.get("role_session_name").cloned();
        if let Some(token_file) = profile.get("web_identity_token_file") {
            let token_file = home_path(token_file);
            return Ok(Source::WebIdentity { role_arn: arn.to_owned(), token_file, session_name });
        }
        if profile.contains_key("mfa_serial") {
            return Err(format!(
                "the role of the profile \"{shown}\" asks for a code of a device (mfa_serial), which cannot be given here; \
                 `aws configure export-credentials --profile {shown} --format env` asks for it and prints the role's keys \
                 for the environment"
            ));
        }
        let base = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(_), Some(_)) => {
                return Err(format!(
                    "the profile \"{shown}\" has a role_arn with both source_profile and credential_source, expected one"
                ));
            }
            (None, None) => {
                return Err(format!(
                    "the profile \"{shown}\" has a role_arn without source_profile or credential_source: nothing says whose \
                     credentials ask for the role"
                ));
            }
            (None, Some(named)) => credential_source(named, &shown)?,
            (Some(itself), None) if itself == name => {
                let own = keys(profile, &shown)?;
                Source::Keys(
                    own.ok_or_else(|| format!("the profile \"{shown}\" has no keys to ask for its role with"))?,
                )
            }
            (Some(other), None) => self.source_of(other, visited)?.ok_or_else(|| {
                format!("the profile \"{}\", the source_profile of \"{shown}\", has no credentials", foreign(other))
            })?,
        };
        let seconds = profile.get("duration_seconds").map(|text| {
            text.parse().map_err(|_| format!("the profile \"{shown}\": duration_seconds: expected a number of seconds"))
        });
        let external_id = profile.get("external_id").cloned();
        let asked = AskedRole { arn: arn.to_owned(), session_name, external_id, seconds: seconds.transpose()? };
        Ok(Source::Role(Box::new(Role { asked, base })))
    }

    fn sign_on(&self, profile: &Section, account: &str, role: &str, shown: &str) -> Result<SignOn, String> {
        let session = profile.get("sso_session");
        let section = match session {
            None => profile,
            Some(session) => self.sign_ons.get(session).ok_or_else(|| {
                format!("the profile \"{shown}\" names the sso-session \"{}\", which is not there", foreign(session))
            })?,
        };
        let of_section = |key: &str| {
            section
                .get(key)
                .ok_or_else(|| format!("the single sign-on of the profile \"{shown}\" has no {key}"))
                .cloned()
        };
        let start_url = of_section("sso_start_url")?;
        Ok(SignOn {
            region: of_section("sso_region")?,
            token_name: session.cloned().unwrap_or(start_url),
            account: account.to_owned(),
            role: role.to_owned(),
        })
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Profile,
    SignOn,
    Services,
}

/// The kind and the name that a section of the configuration file has by its heading; `None` for a kind that is not
/// used.
fn in_configuration(section: &str) -> Option<(Kind, &str)> {
    match section.split_once(char::is_whitespace) {
        Some(("profile", name)) => Some((Kind::Profile, name.trim())),
        Some(("sso-session", name)) => Some((Kind::SignOn, name.trim())),
        Some(("services", name)) => Some((Kind::Services, name.trim())),
        _ => (section == "default").then_some((Kind::Profile, section)),
    }
}

/// Where credentials come from.
#[derive(Debug)]
pub(super) enum Source {
    /// From the keys of a profile.
    Keys(Credentials),
    /// From the environment.
    Environment,
    /// From the output of this program.
    Program(String),
    /// From a single sign-on.
    SignOn(SignOn),
    /// From STS, in exchange for the token in a file.
    WebIdentity {
        /// The role.
        role_arn: String,
        /// The file with the token.
        token_file: PathBuf,
        /// The name of the role's session; `None` if the profile names none.
        session_name: Option<String>,
    },
    /// From STS, for a role that is asked for with other credentials.
    Role(Box<Role>),
    /// From the metadata of the machine.
    Machine,
    /// From the address that the container names.
    Container,
}

/// A role, and the source of the credentials with which STS is asked for it.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) asked: AskedRole,
    pub(super) base: Source,
}

/// The role that STS is asked for, with the parameters of the request.
#[derive(Debug)]
pub(super) struct AskedRole {
    pub(super) arn: String,
    /// The name of the role's session; `None` for `countersign`.
    pub(super) session_name: Option<String>,
    pub(super) external_id: Option<String>,
    /// How many seconds the role's credentials are to be valid; `None` for the default of STS.
    pub(super) seconds: Option<u32>,
}

/// A role that a single sign-on gives credentials for.
#[derive(Debug)]
pub(super) struct SignOn {
    pub(super) region: String,
    /// The text whose hash names the file of the token: the name of the session, or in the older form of a profile,
    /// which names no session, the start URL.
    pub(super) token_name: String,
    pub(super) account: String,
    pub(super) role: String,
}

/// The key because of which a profile has to ask AWS for its credentials; `None` if it need not ask. botocore and the
/// SDK for Rust differ on a single sign-on without an account and a role. There the profile's own keys or program win,
/// as in botocore.
pub(super) fn key_that_asks_aws(profile: &Section) -> Option<&'static str> {
    const ASKING: [&str; 5] =
        ["role_arn", "web_identity_token_file", "sso_account_id", "sso_role_name", "login_session"];
    const PARTS: [&str; 3] = ["sso_session", "sso_start_url", "sso_region"];
    let has = |key: &&str| profile.contains_key(*key);
    if let Some(key) = ASKING.into_iter().find(has) {
        return Some(key);
    }
    if profile.get("credential_source").is_some_and(|source| source != "Environment") {
        return Some("credential_source");
    }
    let has_own = (has(&"aws_access_key_id") && has(&"aws_secret_access_key")) || has(&"credential_process");
    PARTS.into_iter().find(has).filter(|_| !has_own)
}

fn credential_source(named: &str, shown: &str) -> Result<Source, String> {
    match named {
        "Environment" => Ok(Source::Environment),
        "Ec2InstanceMetadata" => Ok(Source::Machine),
        "EcsContainer" => Ok(Source::Container),
        _ => Err(format!(
            "the profile \"{shown}\": credential_source: expected Environment, Ec2InstanceMetadata or EcsContainer, found \
             \"{}\"",
            foreign(named)
        )),
    }
}

/// The keys of a profile; `None` where it has none.
fn keys(profile: &Section, shown: &str) -> Result<Option<Credentials>, String> {
    let [key, secret] = ["aws_access_key_id", "aws_secret_access_key"];
    let (id, value) = match (profile.get(key), profile.get(secret)) {
        (Some(id), Some(value)) => (id, value),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(format!("the profile \"{shown}\" has {key}, but no {secret}")),
        (None, Some(_)) => return Err(format!("the profile \"{shown}\" has {secret}, but no {key}")),
    };
    let token = profile.get("aws_session_token").map(|token| Secret::from(token.as_str()));
    Ok(Some(Credentials::new(id.as_str(), value.as_str()).with_session_token(token)))
}

/// The file that a variable names, or the one in the folder `.aws` of the user.
fn shared_file(variable: &str, name: &str) -> Result<Option<PathBuf>, String> {
    let named = variable_set(variable).map_err(|failure| failure.to_string())?;
    Ok(named.map(|path| home_path(&path)).or_else(|| Some(std::env::home_dir()?.join(".aws").join(name))))
}

/// A path whose `~` stands for the folder of the user.
pub(super) fn home_path(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// The sections of a file in their order.
fn sections(file: &Path) -> Result<Vec<ParsedSection>, String> {
    let text = match read_text(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("cannot read {}: {error}", file_name(file))),
    };
    parse(&text).map_err(|line| {
        // The line itself is not shown: if the file is not one of profiles, it may be a secret.
        format!("{}: line {line}: expected a section such as [default], or a key and its value", file_name(file))
    })
}

/// The sections of a text, or the number of the first line that is neither a section nor a key with its value.
fn parse(text: &str) -> Result<Vec<ParsedSection>, usize> {
    let mut sections: Vec<ParsedSection> = Vec::new();
    // The key above, if it has no value.
    let mut above: Option<String> = None;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or(number)?;
            sections.push(ParsedSection { name: name.trim().to_owned(), ..ParsedSection::default() });
            above = None;
            continue;
        }
        let section = sections.last_mut().ok_or(number)?;
        let setting = trimmed.split_once('=');
        let setting = setting.map(|(key, value)| (key.trim().to_lowercase(), without_comment(value).trim().to_owned()));
        // An indented line belongs to the key above. It is a setting of one service, or goes on with a value.
        if line.starts_with(char::is_whitespace) && !section.keys.is_empty() {
            if let (Some(above), Some((key, value))) = (&above, setting) {
                section.nested.entry(above.clone()).or_default().insert(key, value);
            }
            continue;
        }
        let (key, value) = setting.ok_or(number)?;
        above = value.is_empty().then(|| key.clone());
        section.keys.insert(key, value);
    }
    Ok(sections)
}

/// A value without the comment after it. A comment begins with a `#` or `;` that follows a blank.
fn without_comment(value: &str) -> &str {
    let begins = |(at, _): &(usize, char)| value[..*at].ends_with(char::is_whitespace);
    value
        .char_indices()
        .filter(|(_, sign)| matches!(sign, '#' | ';'))
        .find(begins)
        .map_or(value, |(at, _)| &value[..at])
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;

    use super::*;

    const KEYS: &str = "aws_access_key_id = AKID\naws_secret_access_key = secret\n";
    const SESSION: &str = "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://d-1.awsapps.com/start\n";

    /// The profiles of a configuration file and of a credentials file with these texts.
    pub(in super::super) fn profiles(config: &str, credentials: &str) -> Profiles {
        let mut all = Profiles::default();
        all.add(Path::new("config"), parse(config).expect("sections"), in_configuration);
        all.add(Path::new("credentials"), parse(credentials).expect("sections"), |name| Some((Kind::Profile, name)));
        all
    }

    #[rstest]
    #[case::keys(&["aws_access_key_id", "aws_secret_access_key"], None)]
    #[case::program(&["credential_process"], None)]
    #[case::nothing(&["region"], None)]
    #[case::role(&["role_arn", "source_profile"], Some("role_arn"))]
    #[case::role_beside_keys(&["aws_access_key_id", "aws_secret_access_key", "role_arn"], Some("role_arn"))]
    #[case::sign_on(&["sso_session"], Some("sso_session"))]
    #[case::older_sign_on(&["sso_start_url"], Some("sso_start_url"))]
    #[case::sign_on_of_a_role(&["sso_session", "sso_role_name"], Some("sso_role_name"))]
    #[case::sign_on_beside_a_program(&["credential_process", "sso_account_id"], Some("sso_account_id"))]
    #[case::parts_beside_keys(&["aws_access_key_id", "aws_secret_access_key", "sso_session"], None)]
    #[case::parts_beside_a_program(&["credential_process", "sso_region"], None)]
    #[case::web_identity(&["web_identity_token_file"], Some("web_identity_token_file"))]
    #[case::console(&["login_session"], Some("login_session"))]
    #[case::another_source(&["credential_source"], Some("credential_source"))]
    fn a_profile_that_asks_aws_is_known_by_its_keys(#[case] keys: &[&str], #[case] expected: Option<&str>) {
        let profile = keys.iter().map(|key| ((*key).to_owned(), "value".to_owned())).collect();
        assert_eq!(key_that_asks_aws(&profile), expected);
    }

    // As the guide describes the two files; the last two are lines of the parser's tests in the SDK for Rust.
    #[rstest]
    #[case::named("[profile p]\naws_access_key_id = A\n", "p", Some("A"))]
    #[case::default("[default]\naws_access_key_id=A", "default", Some("A"))]
    #[case::without_the_word("[p]\naws_access_key_id = A\n", "p", None)]
    #[case::comments("# one\n[profile p]\n; two\naws_access_key_id = A # three\n", "p", Some("A"))]
    #[case::signs_inside("[profile p]\naws_access_key_id = A#b;c=d\n", "p", Some("A#b;c=d"))]
    #[case::capitals("[profile p]\nAWS_Access_Key_Id = A\n", "p", Some("A"))]
    #[case::carriage_returns("[profile p]\r\naws_access_key_id = A\r\n", "p", Some("A"))]
    #[case::nested("[profile p]\naws_access_key_id = A\ns3 =\n  aws_access_key_id = B\n", "p", Some("A"))]
    #[case::twice("[profile p]\naws_access_key_id = A\n[profile p]\naws_access_key_id = B\n", "p", Some("B"))]
    #[case::blanks("[ profile   p ]\naws_access_key_id = A\n", "p", Some("A"))]
    #[case::behind_the_section("[profile p] ; note\naws_access_key_id = A\n", "p", Some("A"))]
    fn the_configuration_file_is_read_as_documented(
        #[case] text: &str,
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        let all = profiles(text, "");
        assert_eq!(all.get(name).and_then(|profile| profile.get("aws_access_key_id")).map(String::as_str), expected);
    }

    #[test]
    fn the_settings_of_single_services_are_read_as_documented() {
        let all = profiles(
            "[profile p]\nservices = s\n[services s]\ns3 =\n  endpoint_url = http://a\n\n# note\nmy_service = \n  \
             Endpoint_URL = http://b # note\n  other = c\n",
            "",
        );
        let services = all.services("s").expect("the section");
        let of = |service: &str| services.get(service).map(|of| of["endpoint_url"].as_str());
        assert_eq!((of("s3"), of("my_service"), of("sts")), (Some("http://a"), Some("http://b"), None));
        assert!(all.services("t").is_none());
    }

    #[test]
    fn a_profile_that_is_not_there_is_named_with_the_files_and_those_that_are() {
        let all = profiles("[profile p]\nregion = r\n", "[q]\nregion = r\n");
        let said = all.missing("x\u{1b}");
        assert_eq!(said, r#"there is no profile "x\u{1b}" in config or credentials; there are p, q"#);
    }

    #[test]
    fn the_credentials_file_wins_key_by_key() {
        let all = profiles("[profile p]\naws_access_key_id = A\nregion = r\n", "[p]\naws_access_key_id = B\n");
        let profile = all.get("p").expect("the profile");
        assert_eq!((profile["aws_access_key_id"].as_str(), profile["region"].as_str()), ("B", "r"));
        assert_eq!(all.file_of("p", "aws_access_key_id"), Path::new("credentials"));
        assert_eq!(all.file_of("p", "region"), Path::new("config"));
    }

    #[rstest]
    #[case("secret of somebody", 1)]
    #[case("[default]\n\nsecret of somebody", 3)]
    #[case("[default", 1)]
    fn of_a_wrong_line_only_the_number_is_said(#[case] text: &str, #[case] line: usize) {
        assert_eq!(parse(text).unwrap_err(), line);
    }

    // The order is that of the resolver of the SDK for Rust.
    #[rstest]
    #[case::keys(KEYS, "Keys")]
    #[case::nothing("region = us-east-1\n", "")]
    #[case::program("credential_process = a program\n", "Program")]
    #[case::program_before_keys(
        "aws_access_key_id = A\naws_secret_access_key = B\ncredential_process = a\n",
        "Program"
    )]
    #[case::environment("credential_source = Environment\n", "Environment")]
    #[case::machine("credential_source = Ec2InstanceMetadata\n", "Machine")]
    #[case::container("credential_source = EcsContainer\n", "Container")]
    #[case::sign_on("sso_session = s\nsso_account_id = 1\nsso_role_name = r\n", "SignOn")]
    #[case::web_identity("role_arn = arn\nweb_identity_token_file = token\n", "WebIdentity")]
    #[case::role_of_keys("role_arn = arn\nsource_profile = keys\n", "Role of Keys")]
    #[case::role_of_a_role("role_arn = arn\nsource_profile = role\n", "Role of Role of Keys")]
    #[case::role_of_the_machine("role_arn = arn\ncredential_source = Ec2InstanceMetadata\n", "Role of Machine")]
    #[case::role_of_itself(
        "role_arn = arn\nsource_profile = p\naws_access_key_id = A\naws_secret_access_key = B\n",
        "Role of Keys"
    )]
    #[case::keys_before_the_role_of_a_source("role_arn = arn\nsource_profile = both\n", "Role of Keys")]
    fn a_profile_says_where_its_credentials_come_from(#[case] body: &str, #[case] expected: &str) {
        let others = format!(
            "[profile keys]\n{KEYS}[profile role]\nrole_arn = arn\nsource_profile = keys\n[profile both]\n{KEYS}role_arn = \
             arn\nsource_profile = keys\n{SESSION}"
        );
        let all = profiles(&format!("[profile p]\n{body}{others}"), "");
        assert_eq!(all.source("p").expect("a source").map_or_else(String::new, |source| kind(&source)), expected);
    }

    fn kind(source: &Source) -> String {
        match source {
            Source::Keys(_) => "Keys".to_owned(),
            Source::Environment => "Environment".to_owned(),
            Source::Program(_) => "Program".to_owned(),
            Source::SignOn(_) => "SignOn".to_owned(),
            Source::WebIdentity { .. } => "WebIdentity".to_owned(),
            Source::Role(role) => format!("Role of {}", kind(&role.base)),
            Source::Machine => "Machine".to_owned(),
            Source::Container => "Container".to_owned(),
        }
    }

    #[rstest]
    #[case::half_of_the_keys("aws_access_key_id = A\n", "has aws_access_key_id, but no aws_secret_access_key")]
    #[case::circle(
        "role_arn = a\nsource_profile = q\n[profile q]\nrole_arn = a\nsource_profile = p\n",
        "leads back to itself"
    )]
    #[case::nobody_asks("role_arn = a\n", "without source_profile or credential_source")]
    #[case::two_ask("role_arn = a\nsource_profile = q\ncredential_source = Environment\n", "both source_profile and")]
    #[case::nothing_there("role_arn = a\nsource_profile = q\n", "there is no profile \"q\"")]
    #[case::code("role_arn = a\nsource_profile = q\nmfa_serial = s\n", "mfa_serial")]
    #[case::odd_source("credential_source = Moon\n", "expected Environment, Ec2InstanceMetadata or EcsContainer")]
    #[case::no_session("sso_session = s\nsso_account_id = 1\nsso_role_name = r\n", "names the sso-session \"s\"")]
    #[case::half_a_session("sso_region = r\nsso_account_id = 1\nsso_role_name = r\n", "has no sso_start_url")]
    #[case::console("login_session = a\n", "aws configure export-credentials --profile p")]
    fn a_profile_that_cannot_give_credentials_says_why(#[case] body: &str, #[case] expected: &str) {
        let said = profiles(&format!("[profile p]\n{body}"), "").source("p").expect_err("it has none");
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn the_token_of_a_sign_on_is_kept_under_its_session_or_its_start_url() {
        let sign_on = |body: &str| {
            let role = "sso_account_id = 1\nsso_role_name = r\n";
            match profiles(&format!("[profile p]\n{body}{role}{SESSION}"), "").source("p") {
                Ok(Some(Source::SignOn(found))) => (found.token_name, found.region),
                other => panic!("{other:?} is no sign-on"),
            }
        };
        assert_eq!(sign_on("sso_session = s\n"), ("s".to_owned(), "eu-west-1".to_owned()));
        let older = "sso_region = us-east-1\nsso_start_url = https://old.awsapps.com/start\n";
        assert_eq!(sign_on(older), ("https://old.awsapps.com/start".to_owned(), "us-east-1".to_owned()));
    }
}
