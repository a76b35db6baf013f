#!/usr/bin/env python3
"""Wheel and npm packages, made from a program that is built already, give a first report to a newcomer.

Usage: python packages_are_installed.py PATH_TO_COUNTERSIGN_BINARY

Makes the packages in target/packages/, and installs them where there is neither Rust nor the source: in a new folder, a
new environment and a PATH with nothing but what the user of the package has. From the install to the first report, at
most 10 seconds may pass. Runs the examples of harness/docs/installing.md, and what the image of the Dockerfile has: the
program and its libraries.

Cargo's list of sources, PATH_TO_COUNTERSIGN_BINARY.d, must be beside the program. Needs Linux, Cargo, auditwheel and uv
from PyPI, Node.js with npm, and the registries of pip and npm: without one of them it says so and ends with exit code
77, or 1 if COUNTERSIGN_REQUIRE_PACKAGES is set. Prints one line a check, then `N passed, M failed`.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from checks import check, exit_code, group, missing
from serving import serving

for module in ("auditwheel", "uv"):
    if not importlib.util.find_spec(module):
        missing(f"{module} is not installed", "COUNTERSIGN_REQUIRE_PACKAGES")
for tool in ("cargo", "node", "npm", "npx"):
    if not shutil.which(tool):
        missing(f"there is no {tool} on this machine", "COUNTERSIGN_REQUIRE_PACKAGES")

ROOT = Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "harness/packaging"
OUT = ROOT / "target/packages"
PAGE = (ROOT / "harness/docs/installing.md").read_text()
# From the install to the first report.
REPORT_SECONDS = 10
INSTALL = ["npm", "install", "--no-audit", "--no-fund"]
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
            list(map(str, command)),
            cwd=self.folder,
            env=self.environment | environment,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        return done.returncode, done.stdout

    def succeeds(self, name, *command, shows="", **environment):
        code, said = self.run(*command, **environment)
        check(name, code == 0 and shows in said, f"exit code {code}, expected 0 and {shows!r} in {said[-2000:]}")


def is_report(file):
    text = file.read_text()
    return "onformant for core" in text and text.rstrip().endswith("</html>")


def output(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


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
    (wheel,) = OUT.glob("*.whl")
    # The main package is the one that is named like the program alone.
    npm = sorted(OUT.glob("*.tgz"), key=lambda file: len(file.name))
    tag = wheel.stem.split("-")[-1]
    judged = output(sys.executable, "-m", "auditwheel", "show", str(wheel))
    check(f"auditwheel finds {tag} too", f'constrains the platform tag to "{tag}"' in " ".join(judged.split()), judged)
    form = ["--package", "countersign", "--features", "login", "--edges", "no-build,no-dev,no-proc-macro"]
    lines = output("cargo", "tree", "--offline", *form, "--prefix", "none", cwd=ROOT).splitlines()
    # Behind the name of a package of this project stands its folder.
    crates = {" ".join(line.split()[:2]).replace(" v", " ") for line in lines if f"({ROOT}" not in line}
    for package, text in {"wheel": in_wheel(wheel), "npm package": in_npm(npm[1])}.items():
        unnamed = {crate for crate in crates if f"{crate}: " not in text}
        told = len(crates) > 100 and not unnamed and "Permission is hereby granted" in text
        check(f"the {package} has the licences of its {len(crates)} crates", told, unnamed)
    return wheel, npm


def in_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/THIRD-PARTY-LICENSES"))
        return archive.read(name).decode()


def in_npm(package):
    with tarfile.open(package) as archive:
        return archive.extractfile("package/THIRD-PARTY-LICENSES").read().decode()


def crates(program):
    """Every file that was compiled is in one of the packages for crates.io."""
    listed = set()
    for folder in (ROOT, ROOT / "harness/core", ROOT / "fixtures"):
        form = ["--list", "--allow-dirty", "--offline", "--manifest-path", str(folder / "Cargo.toml")]
        listed |= {folder / file for file in output("cargo", "package", *form).splitlines()}
    sources = map(Path, Path(f"{program}.d").read_text().split(": ", 1)[1].split())
    ours = {file for file in sources if file.is_file() and not file.is_relative_to(ROOT / "target")}
    lacking = ours - listed
    check(f"the crates have all {len(ours)} files that were compiled", len(ours) > 100 and not lacking, lacking)


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
        [program, "run"],
        preexec_fn=lambda: os.chroot(folder),
        cwd="/",
        text=True,
        check=False,
        env=dict(re.findall(r"^ENV (\w+)=(\S+)$", dockerfile, re.M)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    check("the program needs no other file", done.returncode == 0 and CONFORMANT in done.stdout, done.stdout[-1000:])


def python(wheel, folder):
    person = Newcomer(folder / "python")
    subprocess.run([sys.executable, "-m", "venv", person.folder / "venv"], check=True)
    programs = person.folder / "venv/bin"
    with stopwatch("the wheel with pip"):
        person.succeeds("pip installs the wheel", programs / "pip", "install", "--quiet", "--no-index", wheel)
        run = [programs / "countersign", "run"]
        person.succeeds("and it gives a report", *run, "--report-html", "report.html", shows=CONFORMANT)
    check("the report is a whole page", is_report(person.folder / "report.html"))
    person.succeeds("it is a module too", programs / "python", "-m", "countersign", "--version", shows="countersign ")
    person.succeeds("and a tool", programs / "countersign-conformance", "--version", shows="countersign ")

    uv = Path(importlib.import_module("uv").find_uv_bin())
    with stopwatch("the wheel with uvx"):
        uvx = [uv, "tool", "run", "--offline", "--python", sys.executable]
        person.succeeds("uvx runs the wheel", *uvx, "--from", wheel, "countersign", "run", shows=CONFORMANT)

    person.succeeds("pip installs pytest and boto3", programs / "pip", "install", "--quiet", "pytest", "boto3")
    with_pytest(person, programs)


def with_pytest(person, programs):
    (person.folder / "test_client.py").write_text(example("python", "# test_client.py"))
    person.succeeds("the example of the page for pytest", programs / "pytest", "-q", shows="2 passed")
    (person.folder / "test_client.py").unlink()

    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
    with_keys = ["--access-key-id", "test", "--secret-access-key", "canary-secret"]
    with serving(programs / "countersign", "emulator", "--defect", "duration-clamped", *with_keys) as server:
        target = [f"--endpoint={server['endpoint']}", "--workgroup=countersign-emulator"]
        as_tests = [programs / "pytest", *(flag.replace("--", "--countersign-") for flag in target)]

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
    code, said = person.run(*as_tests, "-q", **keys)
    once = "1 failed, 1 passed" in said and "refused" in said
    check("a server that is gone is told once", code == 1 and once, said[-1000:])


def node(packages, folder):
    person = Newcomer(folder / "node", "node", "npm", "npx")
    (person.folder / "package.json").write_text("{}")
    with stopwatch("the npm packages"):
        person.succeeds("npm installs the packages", *INSTALL, "--offline", *packages)
        run = ["npx", "--offline", "countersign", "run"]
        person.succeeds("and npx gives a report", *run, "--report-html", "report.html", shows=CONFORMANT)
    check("the report is a whole page", is_report(person.folder / "report.html"))
    code, said = person.run(*run, "--claim", "nothing")
    check("npx ends with the exit code of the program", code == 2, f"exit code {code}: {said}")

    person.succeeds("npm installs an SDK", *INSTALL, "--prefer-offline", SDK)
    (person.folder / "client.test.mjs").write_text(example("js", "// client.test.mjs"))
    person.succeeds("the example of the page for node", "node", "--test", shows="# pass 2")
    left_open = "import { mock } from 'countersign';\nconsole.log((await mock()).endpoint);"
    code, endpoint = person.run("node", "--input-type=module", "--eval", left_open)
    gone = "try { await fetch(process.argv[1]); } catch (error) { console.log(error.cause.code) }"
    _, said = person.run("node", "--input-type=module", "--eval", gone, endpoint.strip())
    ended = code == 0 and said.strip() == "ECONNREFUSED"
    check("a server that nobody closes ends with the process", ended, endpoint + said)

    person = Newcomer(folder / "npx", "node", "npm", "npx")
    with stopwatch("npx without an install"):
        npx = ["npx", "--offline", "--yes", *(f"--package={package}" for package in packages)]
        person.succeeds("npx runs the packages", *npx, "countersign", "run", shows=CONFORMANT)

    person = Newcomer(folder / "lacking", "node", "npm")
    (person.folder / "package.json").write_text("{}")
    person.run(*INSTALL, "--offline", "--omit=optional", packages[0])
    code, said = person.run("node", "node_modules/countersign/countersign.mjs")
    check("a platform without a package is told so", code == 2 and "error: the package @countersign/" in said, said)


def main(program):
    wheel, npm = packages(program)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with timed("the crates"), group("the crates"):
            crates(program)
        with timed("the image"), group("the image"):
            image(program, folder / "image")
        with timed("the wheel"), group("the wheel"):
            python(wheel, folder)
        with timed("the npm packages"), group("the npm packages"):
            node(npm, folder)
    return exit_code()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
