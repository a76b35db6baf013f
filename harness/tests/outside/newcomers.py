#!/usr/bin/env python3
"""Five newcomers, each in a fresh environment, have their first useful result within two minutes.

Usage: newcomers.py [NAME]...

The names are python, node, rust, boto3 and javascript: who writes an emulator in one of three languages, and who takes a
newer SDK. Without a name, all are tried. Nobody has a checkout of the source: they have the crates, and the wheel and the
npm packages that packages_are_installed.py has made in target/packages/. The commands are those of the pages in
harness/docs/. The watch starts before the first command, and stops when the result is there.

Needs Linux, Python with venv, Node.js with npm, Cargo, and their registries. Without one of them it says so and ends with
exit code 77. Prints one line a newcomer, then `N passed, M failed`.
"""

import http.server
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

from checks import check, clean_environment, exit_code, group, missing

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / "target/packages"
# From the first command to the first useful result.
SECONDS = 120
CLIENT = "@aws-sdk/client-redshift-serverless"


class FirstAttempt(http.server.BaseHTTPRequestHandler):
    """What somebody has after the first evening: every call succeeds, and the time is a text."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"dbUser": "IAM:me", "dbPassword": "secret", "expiration": "2031-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Newcomer:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.environment = dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", CI="true")
        self.environment |= {"COUNTERSIGN_SDK_CACHE": str(folder / "cache")}
        self.begun = time.monotonic()
        self.steps = []

    def run(self, *command, expected=0):
        """Runs a command; gives what it prints. Fails with what it printed if it ends in another way."""
        begun = time.monotonic()
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=self.environment,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
        )
        self.steps.append(f"{' '.join(Path(str(word)).name for word in command[:3])} {time.monotonic() - begun:.0f} s")
        if done.returncode != expected:
            raise RuntimeError(f"{command}: exit code {done.returncode}, expected {expected}: {done.stdout[-3000:]}")
        return done.stdout

    def has(self, name, said, *texts, took=None):
        took = took or time.monotonic() - self.begun
        lacking = [text for text in texts if text not in said]
        check(f"{name}: {took:.0f} s ({', '.join(self.steps)})", not lacking, f"no {lacking} in {said[-3000:]}")
        check(f"{name}: within {SECONDS} s", took <= SECONDS)


def python(folder, endpoint):
    """Writes an emulator in Python, and has uv."""
    person = Newcomer(folder)
    (wheel,) = PACKAGES.glob("*.whl")
    uvx = shutil.which("uvx", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or missing("there is no uvx")
    said = person.run(uvx, "--from", wheel, "countersign", "run", "--endpoint", endpoint, "--workgroup", "wg-1", expected=1)
    person.has("an emulator in Python", said, "not conformant", "fail GC-EXP-02 ")


def node(folder, endpoint):
    """Writes an emulator in JavaScript, and has npx."""
    person = Newcomer(folder)
    packages = [f"--package={package}" for package in PACKAGES.glob("*.tgz")]
    at = ["--endpoint", endpoint, "--workgroup", "wg-1"]
    said = person.run("npx", "--yes", *packages, "countersign", "run", *at, expected=1)
    person.has("an emulator in JavaScript", said, "not conformant", "fail GC-EXP-02 ")


RUST_TEST = """
use countersign::{targets::Target, trials::Trials, wire::Credentials};

fn main() -> std::process::ExitCode {
    let endpoint = std::env::var("MY_SERVER").unwrap().parse().expect("a valid URL");
    let target = Target::at(endpoint).signed_by(Credentials::new("test", "test")).with_workgroup("wg-1");
    Trials::new(target).main()
}
"""


def rust(folder, endpoint):
    """Writes an emulator in Rust, and judges it in `cargo test`."""
    shutil.rmtree(ROOT / "target/package", ignore_errors=True)
    package = ["cargo", "package", "--workspace", "--no-verify", "--allow-dirty", "--offline", "--quiet"]
    subprocess.run(package, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    sources = {}
    for crate in (ROOT / "target/package").glob("*.crate"):
        with tarfile.open(crate) as archive:
            archive.extractall(folder.parent / "crates", filter="data")
        sources[crate.stem.rpartition("-")[0]] = folder.parent / "crates" / crate.stem
    person = Newcomer(folder)
    # What is built here is of use to the next scripts that have such projects.
    target = ROOT / "target/adopter/target"
    shutil.rmtree(target, ignore_errors=True)
    person.environment |= {"MY_SERVER": endpoint, "CARGO_TARGET_DIR": str(target)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    person.run("cargo", "init", "--lib", "--vcs", "none", "--name", "mine")
    with (folder / "Cargo.toml").open("a") as manifest:
        manifest.write('\n[[test]]\nname = "conformance"\nharness = false\n')
        # The crates that Countersign depends on are not published yet.
        manifest.write("\n[patch.crates-io]\n")
        for name in ("countersign-core", "countersign-fixtures"):
            manifest.write(f'{name} = {{ path = "{sources[name]}" }}\n')
    from_here = ["--path", sources["countersign"], "--no-default-features", "--features", "run"]
    person.run("cargo", "add", "--dev", *from_here)
    (folder / "tests").mkdir()
    (folder / "tests/conformance.rs").write_text(RUST_TEST)
    said = person.run("cargo", "test", expected=101)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # A build takes what the machine has. Where it is busy with other things, the time of the processors tells more.
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = min(time.monotonic() - person.begun, processors / len(os.sched_getaffinity(0)))
    person.has("an emulator in Rust", said, "fail GC-EXP-02 ", "test result: FAILED", took=took)
    files = [path for path in target.rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"the target folder of that project: {sum(path.stat().st_size for path in files) / 1e6:.0f} MB")


def boto3(folder, _):
    """Has a project with a lock file, and takes a newer boto3."""
    person = Newcomer(folder)
    (wheel,) = PACKAGES.glob("*.whl")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    (folder / "requirements.txt").write_text("boto3==1.43.127\nbotocore==1.43.127\n")
    (folder / ".gitignore").write_text("cache\ntool\n")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "before"]):
        person.run(*git, *command)
    (folder / "requirements.txt").write_text("boto3==1.44.5\nbotocore==1.44.5\n")
    person.begun = time.monotonic()
    person.run(sys.executable, "-m", "venv", "tool")
    person.run("tool/bin/pip", "install", "--quiet", wheel)
    said = person.run("tool/bin/countersign", "sdk", "check", "--from", "main", expected=1)
    person.has("a newer boto3", said, "botocore 1.43.127 -> 1.44.5", "5 -> 3")


def javascript(folder, _):
    """Has a package with a lock file, and takes a newer AWS SDK for JavaScript."""
    person = Newcomer(folder)
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    lock = ["npm", "install", "--silent", "--package-lock-only", "--no-audit", "--no-fund"]
    (folder / "package.json").write_text("{}")
    (folder / ".gitignore").write_text("cache\nnode_modules\n")
    person.run(*lock, f"{CLIENT}@3.600.0")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "before"]):
        person.run(*git, *command)
    person.run(*lock, f"{CLIENT}@3.1169.0")
    person.begun = time.monotonic()
    person.run("npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", *PACKAGES.glob("*.tgz"))
    said = person.run("npx", "countersign", "sdk", "check", "--from", "main", expected=1)
    person.has("a newer SDK for JavaScript", said, "3.600.0 -> 3.1169.0")


NEWCOMERS = {of.__name__: of for of in (python, node, rust, boto3, javascript)}


def main(names):
    for tool in ("cargo", "npx", "git"):
        shutil.which(tool) or missing(f"there is no {tool} on this machine")
    clean_environment()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FirstAttempt)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in names or NEWCOMERS:
        with tempfile.TemporaryDirectory() as folder, group(name):
            NEWCOMERS[name](Path(folder) / "project", f"http://127.0.0.1:{server.server_port}")
    return exit_code()


if __name__ == "__main__":
    if set(sys.argv[1:]) - set(NEWCOMERS):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
