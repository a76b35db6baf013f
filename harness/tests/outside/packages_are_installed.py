#!/usr/bin/env python3
"""Wheel, npm packages and actions, made from a program that is built already, give a first report to a newcomer.

Usage: python packages_are_installed.py PATH_TO_COUNTERSIGN_BINARY

Makes the packages in target/packages/, and installs them where there is neither Rust nor the source: in a new folder,
a new environment and a PATH with nothing but what the user of the package has. From the install to the first report, at
most 10 seconds may pass. Runs the examples of harness/docs/installing.md, the steps of the actions, and what the image
of the Dockerfile has: the program and its libraries. Needs Linux, auditwheel, PyYAML and uv from PyPI, Node.js with npm, and
the registries of pip and npm. Prints one line a check, then `N passed, M failed`.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from checks import check, exit_code, group, missing

for module in ("auditwheel", "yaml", "uv"):
    if not importlib.util.find_spec(module):
        missing(f"{module} is not installed", "COUNTERSIGN_REQUIRE_PACKAGES")
for tool in ("node", "npm", "npx"):
    if not shutil.which(tool):
        missing(f"there is no {tool} on this machine", "COUNTERSIGN_REQUIRE_PACKAGES")

import yaml

ROOT = Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "harness/packaging"
OUT = ROOT / "target/packages"
PAGE = (ROOT / "harness/docs/installing.md").read_text()
# From the install to the first report.
REPORT_SECONDS = 10
SDK = "@aws-sdk/client-redshift-serverless@3.1169.0"
# What gcr.io/distroless/cc has.
LIBRARIES = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
CONFORMANT = "conformant for core"


def example(language, first_line):
    """The block of the page that begins with this line."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return next(block for block in blocks if block.startswith(first_line + "\n"))


class Newcomer:
    """A folder, a home and a PATH of a user who has just these tools."""

    def __init__(self, folder, *tools):
        self.folder, self.tools = folder, folder / "tools"
        self.tools.mkdir(parents=True)
        # npm starts programs with `sh`.
        for tool in (*tools, "sh", "env"):
            (self.tools / tool).symlink_to(shutil.which(tool))
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "NODE_EXTRA_CA"))}
        # Downloads that are there already are taken; they are no part of what is measured.
        caches = {"PIP_CACHE_DIR": output(sys.executable, "-m", "pip", "cache", "dir")}
        caches["npm_config_cache"] = output("npm", "config", "get", "cache")
        self.environment = kept | caches | {"HOME": str(folder), "PATH": str(self.tools), "LANG": "C.UTF-8"}

    def run(self, *command, **environment):
        """Runs a command; gives its exit code and all that it prints."""
        done = subprocess.run(
            list(map(str, command)), cwd=self.folder, env=self.environment | environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )
        return done.returncode, done.stdout

    def succeeds(self, name, *command, shows="", **environment):
        code, said = self.run(*command, **environment)
        check(name, code == 0 and shows in said, f"exit code {code}, expected 0 and {shows!r} in {said[-2000:]}")
        return code == 0


def is_report(file):
    text = file.read_text()
    return "onformant for core" in text and text.rstrip().endswith("</html>")


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def timed(name):
    begun = time.monotonic()
    yield
    print(f"       {name}: {time.monotonic() - begun:.1f} s", flush=True)


@contextlib.contextmanager
def stopwatch(name):
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    check(f"{name}: from install to report in {took:.1f} s", took <= REPORT_SECONDS, f"more than {REPORT_SECONDS} s")


def packages(program):
    shutil.rmtree(OUT, ignore_errors=True)
    with timed("the packages"):
        subprocess.run([sys.executable, PACKAGING / "build.py", program, OUT], check=True)
    wheel, = OUT.glob("*.whl")
    # The main package is the one that is named like the program alone.
    npm = sorted(OUT.glob("*.tgz"), key=lambda file: len(file.name))
    tag = wheel.stem.split("-")[-1]
    judged = output(sys.executable, "-m", "auditwheel", "show", str(wheel))
    check(f"auditwheel finds {tag} too", f'constrains the platform tag to "{tag}"' in " ".join(judged.split()), judged)
    return wheel, npm


def crate(program):
    """Every file that was compiled is in the package for crates.io."""
    listed = output("cargo", "package", "--list", "--allow-dirty", "--offline", "--manifest-path", str(ROOT / "Cargo.toml"))
    sources = Path(f"{program}.d").read_text().split(": ", 1)[1].split()
    ours = {str(Path(file).relative_to(ROOT)) for file in sources if Path(file).is_file() and "/target/" not in file}
    lacking = ours - set(listed.splitlines())
    check(f"the crate has all {len(ours)} files that were compiled", len(ours) > 100 and not lacking, lacking)


def image(program, folder):
    """What the image of the Dockerfile has is enough: the program, and the libraries of the base image."""
    dockerfile = (PACKAGING / "container/Dockerfile").read_text()
    profile = re.search(r"--profile (\w+)", dockerfile)[1]
    check("the Dockerfile builds a profile that there is", f"[profile.{profile}]" in (ROOT / "Cargo.toml").read_text())
    check("the Dockerfile takes the program from there", f"/src/target/{profile}/countersign " in dockerfile)
    libraries = [Path(path) for path in re.findall(r"(/\S+) \(0x", output("ldd", str(program)))]
    lacking = {library.name for library in libraries} - LIBRARIES
    check("the image has the libraries that the program needs", not lacking, lacking)
    if os.geteuid() != 0:
        print("not checked: only root can try the program in a folder that has nothing else")
        return
    for file in (program, *libraries):
        (folder / str(file.parent)[1:]).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / str(file)[1:])
    (folder / "tmp").mkdir(exist_ok=True)
    done = subprocess.run(
        [program, "run"], preexec_fn=lambda: os.chroot(folder), cwd="/", text=True, check=False,
        env=dict(re.findall(r"^ENV (\w+)=(\S+)$", dockerfile, re.M)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    check("the program needs no other file", done.returncode == 0 and CONFORMANT in done.stdout, done.stdout[-1000:])


def python(wheel, folder):
    person = Newcomer(folder / "python")
    subprocess.run([sys.executable, "-m", "venv", person.folder / "venv"], check=True)
    programs = person.folder / "venv/bin"
    with stopwatch("the wheel with pip"):
        person.succeeds("pip installs the wheel", programs / "pip", "install", "--quiet", "--no-index", wheel)
        person.succeeds("and it gives a report", programs / "countersign", "run", "--report-html", "report.html",
                        shows=CONFORMANT)
    check("the report is a whole page", is_report(person.folder / "report.html"))
    person.succeeds("it runs as a module too", programs / "python", "-m", "countersign", "--version", shows="countersign ")
    person.succeeds("and by the name of the package", programs / "countersign-conformance", "--version", shows="countersign ")

    uv = Path(importlib.import_module("uv").find_uv_bin())
    with stopwatch("the wheel with uvx"):
        person.succeeds("uvx runs the wheel", uv, "tool", "run", "--offline", "--python", sys.executable, "--from", wheel,
                        "countersign", "run", shows=CONFORMANT)

    person.succeeds("pip installs pytest and boto3", programs / "pip", "install", "--quiet", "pytest", "boto3")
    pytest(person, programs)


def pytest(person, programs):
    (person.folder / "test_client.py").write_text(example("python", "# test_client.py"))
    person.succeeds("the example of the page for pytest", programs / "pytest", "-q", shows="2 passed")
    (person.folder / "test_client.py").unlink()

    # A server of the plugin itself stands for the one of a newcomer.
    server = "import countersign, sys\nwith countersign.emulator(*sys.argv[1:]) as aws:\n print(aws.endpoint, flush=True)\n input()"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
    command = [programs / "python", "-c", server, "--access-key-id", "test", "--secret-access-key", "canary-secret",
               "--defect", "duration-clamped"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=person.environment) as process:
        endpoint = process.stdout.readline().strip()
        target = ["--endpoint", endpoint, "--workgroup", "countersign-emulator"]
        as_tests = [programs / "pytest", *(f"--countersign-{word[2:]}" if word[:2] == "--" else word for word in target)]

        _, said = person.run(programs / "countersign", "run", *target, **keys)
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (pass|fail|not-applicable)[,;]", said)}
        code, said = person.run(*as_tests, "-q", **keys)
        # One more passes or not: the exit code.
        expected = f"{counts['fail']} failed, {counts['pass'] + 1} passed, {counts['not-applicable']} skipped"
        check("each case of a run is a test", code == 1 and expected in said, f"expected {expected} in {said[-1000:]}")
        text = ("GC-DUR-02 (must, documented): ", "  expected  400 ValidationException", "to see it: curl ")
        check("a failed test says what the run says", all(part in said for part in text), said[:3000])
        check("and shows no key", "canary-secret" not in said)

        code, said = person.run(*as_tests, "-k", "duration-outside/899", **keys)
        check("-k chooses one case", code == 1 and "1 failed" in said and " passed" not in said, said[-1000:])

        person.run(programs / "countersign", "baseline", "write", "known.json", *target, "--reason", "later", **keys)
        code, said = person.run(*as_tests, "-q", COUNTERSIGN_BASELINE="known.json", **keys)
        check("a known failure is an expected one", code == 0 and f"{counts['fail']} xfailed" in said, said[-1000:])

        code, said = person.run(*as_tests, "-q")
        once = "1 failed, 1 passed" in said and "no credentials to sign with" in said
        check("what keeps all cases from being tried is told once", code == 1 and once, said[-1000:])
        process.communicate("\n", timeout=30)
    code, said = person.run(*as_tests, "-q", **keys)
    check("a server that is gone is told once", code == 1 and "1 failed, 1 passed" in said and "refused" in said, said[-1000:])


def node(packages, folder):
    person = Newcomer(folder / "node", "node", "npm", "npx")
    (person.folder / "package.json").write_text("{}")
    with stopwatch("the npm packages"):
        person.succeeds("npm installs the packages", "npm", "install", "--offline", "--no-audit", "--no-fund", *packages)
        person.succeeds("and npx gives a report", "npx", "--offline", "countersign", "run", "--report-html", "report.html",
                        shows=CONFORMANT)
    check("the report is a whole page", is_report(person.folder / "report.html"))
    code, said = person.run("npx", "--offline", "countersign", "run", "--claim", "nothing")
    check("npx ends with the exit code of the program", code == 2, f"exit code {code}: {said}")

    person.succeeds("npm installs an SDK", "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", SDK)
    (person.folder / "client.test.mjs").write_text(example("js", "// client.test.mjs"))
    person.succeeds("the example of the page for node", "node", "--test", shows="# pass 2")
    left_open = "import { mock } from 'countersign';\nconsole.log((await mock()).endpoint);"
    code, endpoint = person.run("node", "--input-type=module", "--eval", left_open)
    gone = "try { await fetch(process.argv[1]); } catch (error) { console.log(error.cause.code) }"
    _, said = person.run("node", "--input-type=module", "--eval", gone, endpoint.strip())
    check("a server that nobody closes ends with the process", code == 0 and said.strip() == "ECONNREFUSED", endpoint + said)

    person = Newcomer(folder / "npx", "node", "npm", "npx")
    with stopwatch("npx without an install"):
        given = [word for package in packages for word in ("--package", package)]
        person.succeeds("npx runs the packages", "npx", "--offline", "--yes", *given, "countersign", "run", shows=CONFORMANT)

    person = Newcomer(folder / "lacking", "node", "npm")
    (person.folder / "package.json").write_text("{}")
    person.run("npm", "install", "--offline", "--no-audit", "--no-fund", "--omit=optional", packages[0])
    code, said = person.run("node", "node_modules/countersign/countersign.mjs")
    check("a platform without a package is told so", code == 2 and "error: the package @countersign/" in said, said)


class Job:
    """A job of GitHub Actions, as far as the actions ask for it."""

    def __init__(self, folder, **tools):
        self.folder, self.fakes = folder, folder / "fakes"
        self.fakes.mkdir(parents=True)
        for tool, script in tools.items():
            (self.fakes / tool).write_text(f"#!/bin/bash\n{script}\n")
            (self.fakes / tool).chmod(0o755)
        self.cache = set()

    def run(self, action, inputs, reference="v1", **environment):
        """Runs the steps of an action; gives the outputs of its steps and what it printed. Stops where a step fails."""
        described = yaml.safe_load((PACKAGING / action / "action.yml").read_text())
        inputs = {name: given.get("default", "") for name, given in described["inputs"].items()} | inputs
        github = {"action_repository": "owner/countersign", "action_ref": reference, "token": "canary-token"}
        outputs, printed, path, failed = {}, "", str(self.fakes), False

        def filled(text):
            def value(of):
                place, name = of[1].split(".", 1)
                if place != "steps":
                    return {"inputs": inputs, "github": github}[place][name]
                step, _, output = name.split(".")
                return outputs.get(step, {}).get(output, "")

            return re.sub(r"\$\{\{ (\S+) \}\}", value, text)

        conditions = {
            "steps.cache.outputs.cache-hit != 'true'": lambda: not failed and outputs["cache"]["cache-hit"] != "true",
            "always() && steps.run.outputs.reports != ''": lambda: outputs.get("run", {}).get("reports"),
        }
        for step in described["runs"]["steps"]:
            if not (conditions[step["if"]]() if "if" in step else not failed):
                continue
            given = {name: filled(value) for name, value in step.get("with", {}).items()}
            if step.get("uses", "").startswith("actions/cache@"):
                outputs["cache"] = {"cache-hit": str(given["key"] in self.cache).lower()}
                self.cache.add(given["key"])
            elif step.get("uses", "").startswith("actions/upload-artifact@"):
                outputs["uploaded"] = {file.name: file for file in Path(given["path"]).iterdir()}
            else:
                files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
                for name in ("GITHUB_OUTPUT", "GITHUB_PATH"):
                    files[name].write_text("")
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"])],
                    cwd=self.folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    env={name: str(file) for name, file in files.items()} | environment
                    | {name: filled(value) for name, value in step.get("env", {}).items()}
                    | {"RUNNER_TEMP": str(self.folder), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "HOME": str(self.folder),
                       "GITHUB_ACTION_PATH": str(PACKAGING / action), "PATH": f"{path}:/usr/bin:/bin"},
                )
                printed += done.stdout
                lines = (line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
                outputs.setdefault(step.get("id", ""), {}).update(lines)
                path = ":".join([*files["GITHUB_PATH"].read_text().splitlines(), path])
                failed = failed or done.returncode != 0
        return not failed, outputs, printed


def actions(program, folder):
    archive = folder / "release/countersign-x86_64-unknown-linux-gnu.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(program, "countersign")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    checksum = Path(f"{archive}.sha256")
    checksum.write_text(f"{digest}  {archive.name}\n")

    download = f'echo "gh $*" >>calls\nwhile [ "$1" != --dir ]; do shift; done\ncp {archive} {checksum} "$2"'
    job = Job(folder / "job", gh=download, cargo="exit 1")
    emulator = subprocess.Popen(
        [program, "serve", "emulator", "--listen", "127.0.0.1:0", "--format", "json", "--access-key-id", "test",
         "--secret-access-key", "test"], stdout=subprocess.PIPE, text=True)
    try:
        endpoint = re.search(r'"endpoint":"([^"]+)"', emulator.stdout.readline())[1]
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        inputs = {"endpoint": endpoint, "workgroup": "countersign-emulator"}

        ran, outputs, printed = job.run("action", inputs, **keys)
        check("the action runs with the program of the release", ran and CONFORMANT in printed, printed[-2000:])
        calls = (job.folder / "calls").read_text()
        version = output(str(program), "--version").split()[1]
        check("which is that of its own version", f"gh release download v{version} --repo owner/countersign" in calls, calls)
        reports = {"report.html", "junit.xml", "run.jsonl", "badge.svg"}
        uploaded = outputs.get("uploaded", {})
        check("it uploads the reports", uploaded.keys() == reports, uploaded)
        check("it writes the summary", "countersign" in (job.folder / "GITHUB_STEP_SUMMARY").read_text().lower())

        ran, outputs, printed = job.run("action", inputs | {"cases": "errors/* success", "claim": "signature"}, **keys)
        check("another job takes the program from the cache", ran and (job.folder / "calls").read_text() == calls, printed)
        check("inputs reach the run", "which claims core, signature" in printed and "455 cases" not in printed, printed[:300])

        evil = 'x"; touch injected; $(touch injected) `touch injected`'
        ran, outputs, printed = job.run("action", inputs | {"workgroup": evil, "cases": evil}, **keys)
        check("an input is never a command", not ran and not list(folder.rglob("injected")), printed)
        ran, outputs, printed = job.run("action", inputs | {"workgroup": "nobody-has-it"}, **keys)
        code = outputs.get("run", {}).get("exit-code")
        check("a failed run fails the job, and is uploaded", not ran and code == "2" and "uploaded" in outputs, printed)
    finally:
        emulator.terminate()
        emulator.wait(20)

    checksum.write_text(f"{'0' * 64}  {archive.name}\n")
    ran, _, printed = Job(folder / "forged", gh=download, cargo="touch built").run("action", inputs)
    forged = not ran and "does not have the checksum" in printed and not (folder / "forged/built").exists()
    check("a program with another checksum is not run", forged, printed)

    # A program stands for the one that Cargo would build: it shows what reaches it.
    shows = r'#!/bin/bash\necho "ran $*"; compgen -e COUNTERSIGN_ | while read -r n; do echo "$n=${!n}"; done\n'
    builds = f'echo "cargo $*"\nwhile [ "$1" != --root ]; do shift; done\nmkdir "$2/bin"\nprintf %b \'{shows}\' >"$2/bin/countersign"\nchmod +x "$2/bin/countersign"'
    job = Job(folder / "branch", gh="exit 1", cargo=builds)
    ran, _, printed = job.run("action/sdk-check", {"baseline": "sdk.jsonl", "python": ".venv"}, reference="main")
    check("at a branch, the program is built", ran and f"cargo install --locked --features login --path {ROOT} " in printed, printed)
    settings = ["COUNTERSIGN_FAIL_ON=caller", "COUNTERSIGN_PYTHON=.venv", "COUNTERSIGN_SDK_BASELINE=sdk.jsonl"]
    last = printed.split("ran sdk check\n")[-1].splitlines()
    check("sdk-check gets the inputs that are given", sorted(last) == settings, printed)
    ran, _, printed = Job(folder / "bare", gh="exit 1", cargo="exit 1").run("action", inputs, reference="main")
    check("a build that fails stops the action", not ran, printed)


def main(program):
    wheel, npm = packages(program)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with timed("the crate"), group("the crate"):
            crate(program)
        with timed("the image"), group("the image"):
            image(program, folder / "image")
        with timed("the wheel"), group("the wheel"):
            python(wheel, folder)
        with timed("the npm packages"), group("the npm packages"):
            node(npm, folder)
        with timed("the actions"), group("the actions"):
            actions(program, folder / "actions")
    return exit_code()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
