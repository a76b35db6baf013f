//! The ordinary clients of the registries: pip, npm, Cargo. Each puts a version into a folder and says what it put there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::spec::SdkVersion;
use crate::files::read_text;
use crate::sdk::drivers::{Driver, LOCK, MANIFEST};
use crate::sdk::lock::{Lock, LockContent};
use crate::text::{foreign, foreign_within};

/// How many lines of a failed client's log are shown, its last.
const LINES_SHOWN: usize = 20;

/// How much of each is shown, in characters.
const LINE_SHOWN: usize = 300;

/// The first version of pip that can leave out what was published later.
const PIP_WITH_DATES: &str = "pip>=26";

/// What pip itself needs, and no SDK.
const OF_PIP: [&str; 3] = ["pip", "setuptools", "wheel"];

/// The versions that were installed, by package; a package that is there twice has both.
type Versions = BTreeMap<String, String>;

/// What is to be installed, and where.
pub(super) struct Order<'a> {
    pub(super) driver: &'static Driver,
    pub(super) wanted: &'a SdkVersion,
    /// The version of the package that is named.
    pub(super) version: &'a str,
    pub(super) lock: Option<&'a Lock>,
    pub(super) folder: &'a Path,
}

impl Order<'_> {
    fn package(&self) -> String {
        self.wanted.package(self.driver)
    }
}

/// The interpreter of a virtual environment.
pub fn python_in(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Tells a virtual environment that it moves: its scripts name its path.
pub(super) fn move_python(folder: &Path, place: &Path) -> std::io::Result<()> {
    let scripts = python_in(&folder.join("venv"));
    let (Some(scripts), Some(from), Some(to)) = (scripts.parent(), folder.to_str(), place.to_str()) else {
        return Ok(());
    };
    for entry in fs::read_dir(scripts)? {
        let path = entry?.path();
        // The interpreter is a link; programs are no text.
        let text = Some(&path).filter(|path| !path.is_symlink()).and_then(|path| fs::read_to_string(path).ok());
        if let Some(text) = text.filter(|text| text.contains(from)) {
            fs::write(&path, text.replace(from, to))?;
        }
    }
    Ok(())
}

/// Makes a virtual environment with the package, and writes the versions that pip lists into `lock.txt`.
pub(super) fn install_python(order: &Order, lock_file: &Path) -> Result<Versions, String> {
    let venv = order.folder.join("venv");
    // -I: else a venv.py or a json.py in the folder of the caller would be run, which may be somebody else's project.
    run(Command::new("python3").args(["-I", "-m", "venv"]).arg(&venv))?;
    let python = python_in(&venv);
    let pip = |words: &[&str]| {
        let mut command = Command::new(&python);
        command.args(["-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]).args(words);
        command
    };
    let mut install = vec!["install", "--quiet"];
    let before = order.wanted.choices.before.map(|day| format!("--uploaded-prior-to={day}T00:00:00Z"));
    if let Some(before) = &before {
        run(&mut pip(&["install", "--quiet", "--upgrade", PIP_WITH_DATES]))?;
        install.push(before);
    }
    match order.lock.map(Lock::content) {
        Some(LockContent::Requirements(lines)) => {
            let mut lines = lines.clone();
            let is_of = |line: &String, name: &str| line.split_once("==").is_some_and(|(of, _)| of == name);
            let own = lines.iter().find(|line| is_of(line, order.driver.package)).cloned();
            let all_named = order.driver.released_with.iter().all(|name| lines.iter().any(|line| is_of(line, name)));
            // Else the newest of today would stand beside an old package, on both sides of a comparison.
            if let Some(own) = own.filter(|_| !all_named) {
                run(pip(&install).args(["--no-deps", &own]))?;
                for (name, version) in released_with(&python, order.driver)? {
                    if !lines.iter().any(|line| is_of(line, &name)) {
                        lines.push(format!("{name}=={version}"));
                    }
                }
            }
            let asked = order.folder.join("asked.txt");
            fs::write(&asked, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
            // A lock that names what decides, and not the package itself, leaves the choice of that to pip.
            run(pip(&install).arg("-r").arg(&asked).args(companion(order)))?;
        }
        Some(_) => return Err("expected a lock file of Python".to_owned()),
        None => {
            let mut asked = BTreeMap::from([(order.package(), order.version.to_owned())]);
            asked.extend(order.wanted.choices.with.clone());
            let own = asked.get(order.driver.package).cloned();
            if let Some(version) = own {
                let one = format!("{}=={version}", order.driver.package);
                run(pip(&install).args(["--no-deps", &one]))?;
                for (name, version) in released_with(&python, order.driver)? {
                    asked.entry(name).or_insert(version);
                }
            }
            let words: Vec<String> = asked.iter().map(|(name, version)| format!("{name}=={version}")).collect();
            let all = |more: Option<String>| run(pip(&install).args(words.iter().cloned().chain(more)));
            match companion(order) {
                None => all(None)?,
                // pip would search for minutes where the first guesses are wrong.
                Some(name) => {
                    let guesses = in_step(order.version).into_iter().map(|version| format!("{name}=={version}"));
                    let tried = guesses.map(|guess| all(Some(guess))).find(Result::is_ok);
                    tried.unwrap_or_else(|| all(Some(name)))?
                }
            };
        }
    }
    let frozen = run(&mut pip(&["freeze", "--all"]))?;
    let versions: Versions = frozen
        .lines()
        .filter_map(|line| line.trim().split_once("=="))
        .filter(|(name, _)| !OF_PIP.contains(name))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    let lines: Vec<String> = versions.iter().map(|(name, version)| format!("{name}=={version}\n")).collect();
    fs::write(lock_file, lines.concat()).map_err(|error| error.to_string())?;
    Ok(versions)
}

/// The package that the driver runs, where another one is named whose version decides.
fn companion(order: &Order) -> Option<String> {
    let named = order.lock.map_or_else(|| order.package(), |lock| lock.package().to_owned());
    let chosen = order.wanted.choices.with.contains_key(order.driver.package);
    (named != order.driver.package && !chosen).then(|| order.driver.package.to_owned())
}

/// The versions of boto3 that may belong to one of botocore: they have gone in step since 1.33, and before that 3 behind.
/// Source: what boto3 1.24.96, 1.28.85, 1.36.0 and 1.44.5 ask for.
fn in_step(version: &str) -> Vec<String> {
    let mut guesses = vec![version.to_owned()];
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    if let [major, minor, rest] = parts[..]
        && let Some(behind) = minor.parse::<u32>().ok().and_then(|minor| minor.checked_sub(3))
    {
        guesses.push(format!("{major}.{behind}.{rest}"));
    }
    guesses
}

/// The versions of what decides that were there when the package was released. It is the least that the package asks for:
/// each release asks for the one of its day, and takes newer ones.
fn released_with(python: &Path, driver: &Driver) -> Result<Vec<(String, String)>, String> {
    const REQUIRES: &str = "import importlib.metadata as m, sys; print(*(m.requires(sys.argv[1]) or []), sep='\\n')";
    if driver.released_with.is_empty() {
        return Ok(Vec::new());
    }
    let lines = run(Command::new(python).args(["-I", "-c", REQUIRES, driver.package]))?;
    Ok(lines
        .lines()
        .filter_map(least_asked)
        .filter(|(name, _)| driver.released_with.contains(&name.as_str()))
        .collect())
}

/// The package and the least version of a requirement: `botocore (<1.28.0,>=1.27.96)` or `botocore<1.45.0,>=1.44.5`.
fn least_asked(line: &str) -> Option<(String, String)> {
    // What stands behind a ; is asked for only sometimes.
    if line.contains(';') {
        return None;
    }
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))?;
    let least = line[end..].split([',', '(', ')']).find_map(|part| part.trim().strip_prefix(">="))?;
    Some((line[..end].to_owned(), least.trim().to_owned()))
}

/// Makes a folder for Node.js with the package. By default its packages are those of the day of its release.
pub(super) fn install_node(order: &Order, say: &mut dyn FnMut(&str)) -> Result<Versions, String> {
    let node = order.folder.join("node");
    fs::create_dir_all(&node).map_err(|error| error.to_string())?;
    let write = |name: &str, value: &Value| {
        fs::write(node.join(name), format!("{value:#}\n")).map_err(|error| error.to_string())
    };
    let npm = |words: &[&str]| {
        let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.current_dir(&node).args(words).args([
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        command
    };
    let package = order.package();
    match order.lock.map(Lock::content) {
        Some(LockContent::Node(lock)) => {
            write("package.json", &json!({ "private": true, "dependencies": { package: order.version } }))?;
            write("package-lock.json", lock)?;
            run(&mut npm(&["ci"]))?;
        }
        Some(_) => return Err("expected a lock file of Node.js".to_owned()),
        None => {
            write("package.json", &json!({ "private": true, "overrides": order.wanted.choices.with }))?;
            let wanted = format!("{package}@{}", order.version);
            let install = |before: Option<&str>| {
                let before = before.map(|before| format!("--before={before}"));
                run(npm(&["install", "--save-exact"]).args(before).arg(&wanted))
            };
            if let Some(day) = order.wanted.choices.before {
                install(Some(&format!("{day}T00:00:00Z")))?;
            } else if let Some(released) = released_at(&package, order.version) {
                // Its siblings are published within hours.
                let day = released.checked_add(Span::new().hours(24)).unwrap_or(released).to_string();
                install(Some(&day)).or_else(|_| {
                    say(&format!(
                        "note: {} cannot be had with the packages of the day of its release, so the newest are taken that fit",
                        foreign(&wanted)
                    ));
                    install(None)
                })?;
            } else {
                install(None)?;
            }
        }
    }
    let listing = run(&mut npm(&["ls", "--all", "--json"]))?;
    let tree = serde_json::from_str(&listing).map_err(|error| format!("npm ls gave no JSON: {error}"))?;
    let mut versions = BTreeMap::new();
    collect(&tree, &mut versions);
    Ok(versions)
}

/// When npm's registry got a version; `None` if it does not say.
fn released_at(package: &str, version: &str) -> Option<Timestamp> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    // --global: else a .npmrc in the folder of the caller would say whom to ask, and which secrets to send.
    let times = run(npm.args(["view", "--global", package, "time", "--json"])).ok()?;
    let times: Value = serde_json::from_str(&times).ok()?;
    times[version].as_str()?.parse().ok()
}

/// Collects the packages of `npm ls` at any depth.
fn collect(tree: &Value, versions: &mut Versions) {
    for (name, package) in tree["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = package["version"].as_str() {
            let known = versions.entry(name.clone()).or_default();
            if !known.split(' ').any(|known_version| known_version == version) {
                let mut all: Vec<&str> = known.split_whitespace().chain([version]).collect();
                all.sort_unstable();
                *known = all.join(" ");
            }
        }
        collect(package, versions);
    }
}

/// Builds the driver with the SDK.
pub(super) fn install_cargo(order: &Order) -> Result<Versions, String> {
    if order.wanted.choices.before.is_some() {
        return Err(
            "Cargo cannot leave out what was published later; name versions with --with NAME==VERSION, or all of \
                    them with --lock Cargo.lock"
                .to_owned(),
        );
    }
    let (driver, version, sources) = (order.driver, order.version, order.folder.join("driver"));
    driver.write_sources(&sources).map_err(|error| format!("cannot write the driver: {error}"))?;
    let manifest = driver.source(MANIFEST).unwrap_or_default();
    let pin = |version: &str| format!("{} = {{ version = \"={version}\"", driver.package);
    let locked = manifest.split_once(&format!("{} = {{ version = \"=", driver.package));
    let locked = locked.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let cargo = |words: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(words).arg("--quiet").current_dir(&sources);
        cargo
    };
    if version != locked {
        let manifest = manifest.replace(&pin(locked), &pin(version));
        fs::write(sources.join(MANIFEST), manifest).map_err(|error| error.to_string())?;
    }
    match order.lock.map(Lock::content) {
        Some(LockContent::Cargo(text)) => fs::write(sources.join(LOCK), text).map_err(|error| error.to_string())?,
        Some(_) => return Err("expected a Cargo.lock".to_owned()),
        // The lock file is for another version, so Cargo resolves the dependencies anew.
        None if version != locked => fs::remove_file(sources.join(LOCK)).map_err(|error| error.to_string())?,
        None => {}
    }
    for (name, version) in &order.wanted.choices.with {
        run(&mut cargo(&["update", "--package", name, "--precise", version]))?;
    }
    let mut build = cargo(&["build", "--target-dir"]);
    build.arg(order.folder.join("target")).args(order.lock.map(|_| "--locked"));
    run(&mut build)?;
    let text = read_text(&sources.join(LOCK)).map_err(|error| error.to_string())?;
    crate::sdk::lock::cargo_packages(&text)
}

/// Runs a client to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let words = foreign(&format!("{name} {}", arguments.join(" ")));
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{words}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let log = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    // pip lists every version that there is in one line.
    let lines: Vec<String> = log.lines().map(|line| foreign_within(line, LINE_SHOWN)).collect();
    let lines = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    Err(format!("`{words}` failed with {}:\n{}", output.status, lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // The lines are those of the packages on PyPI: boto3 1.24.96, 1.44.5, and its extra.
    #[rstest]
    #[case::old("botocore (<1.28.0,>=1.27.96)", Some(("botocore", "1.27.96")))]
    #[case::new("botocore<1.45.0,>=1.44.5", Some(("botocore", "1.44.5")))]
    #[case::only_sometimes("botocore[crt] (<2.0a0,>=1.21.0) ; extra == 'crt'", None)]
    #[case::exact("botocore==1.42.0", None)]
    fn the_least_that_a_release_asks_for_is_what_it_was_released_with(
        #[case] line: &str,
        #[case] expected: Option<(&str, &str)>,
    ) {
        let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
        assert_eq!(least_asked(line), expected);
    }
}
