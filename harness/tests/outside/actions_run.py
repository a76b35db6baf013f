#!/usr/bin/env python3
"""The GitHub actions, action.yml and harness/packaging/action/sdk-check, get the program, run it, and hand its reports on.

Usage: python actions_run.py PATH_TO_COUNTERSIGN_BINARY

Their steps run in a job that is made up: `gh` gives an archive of the program, and `cargo` a script in its place.
Needs Linux, bash, git and PyYAML. Prints one line a check, then `N passed, M failed`.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from checks import check, exit_code
from github_job import Job
from serving import serving

ROOT = Path(__file__).resolve().parents[3]
SDK_CHECK = ROOT / "harness/packaging/action/sdk-check"
CONFORMANT = "conformant for core"
REPORTS = {"report.html", "junit.xml", "run.jsonl", "badge.svg"}

# Stands for the program that Cargo would build: it shows what reaches it.
SHOWS = r"""#!/bin/bash
echo "ran $*"
compgen -e COUNTERSIGN_ | while read -r name; do echo "$name=${!name}"; done
"""
BUILDS = """echo "cargo $*"
while [ "$1" != --root ]; do shift; done
mkdir "$2/bin"
cp shows "$2/bin/countersign"
chmod +x "$2/bin/countersign"
"""


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
    with_keys = ["--access-key-id", "test", "--secret-access-key", "test"]
    with serving(program, "emulator", *with_keys) as server:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        inputs = {"endpoint": server["endpoint"], "workgroup": "countersign-emulator"}

        ran, outputs, printed = job.run(ROOT, inputs, **keys)
        check("the action runs with the program of the release", ran and CONFORMANT in printed, printed[-2000:])
        calls = (job.folder / "calls").read_text()
        version = subprocess.check_output([program, "--version"], text=True).split()[1]
        wanted = f"gh release download v{version} --repo owner/countersign"
        check("which is that of its own version", wanted in calls, calls)
        uploaded = outputs.get("uploaded", {})
        check("it uploads the reports", uploaded.keys() == REPORTS, uploaded)
        check("it writes the summary", "countersign" in (job.folder / "GITHUB_STEP_SUMMARY").read_text().lower())

        ran, outputs, printed = job.run(ROOT, inputs | {"cases": "errors/* success", "claim": "signature"}, **keys)
        cached = (job.folder / "calls").read_text() == calls
        check("another job takes the program from the cache", ran and cached, printed)
        reached = "which claims core, signature" in printed and "455 cases" not in printed
        check("inputs reach the run", reached, printed[:300])

        evil = 'x"; touch injected; $(touch injected) `touch injected`'
        ran, outputs, printed = job.run(ROOT, inputs | {"workgroup": evil, "cases": evil}, **keys)
        check("an input is never a command", not ran and not list(folder.rglob("injected")), printed)
        ran, outputs, printed = job.run(ROOT, inputs | {"workgroup": "nobody-has-it"}, **keys)
        code = outputs.get("run", {}).get("exit-code")
        check("a failed run fails the job, and is uploaded", not ran and code == "2" and "uploaded" in outputs, printed)

    checksum.write_text(f"{'0' * 64}  {archive.name}\n")
    ran, _, printed = Job(folder / "forged", gh=download, cargo="touch built").run(ROOT, inputs)
    forged = not ran and "does not have the checksum" in printed and not (folder / "forged/built").exists()
    check("a program with another checksum is not run", forged, printed)

    job = Job(folder / "branch", gh="exit 1", cargo=BUILDS)
    (job.folder / "shows").write_text(SHOWS)
    ran, _, printed = job.run(SDK_CHECK, {"baseline": "sdk.jsonl", "python": ".venv"}, reference="main")
    built = f"cargo install --locked --features login --path {ROOT} "
    check("at a branch, the program is built", ran and built in printed, printed)
    settings = ["COUNTERSIGN_FAIL_ON=caller", "COUNTERSIGN_PYTHON=.venv", "COUNTERSIGN_SDK_BASELINE=sdk.jsonl"]
    last = printed.split("ran sdk check\n")[-1].splitlines()
    check("sdk-check gets the inputs that are given", sorted(last) == settings, printed)
    job = Job(folder / "revision", gh="exit 1", cargo=BUILDS)
    (job.folder / "shows").write_text(SHOWS)
    ran, _, printed = job.run(SDK_CHECK, {"from": "origin/main", "lock": "uv.lock"}, reference="main")
    settings = ["COUNTERSIGN_FAIL_ON=caller", "COUNTERSIGN_FROM=origin/main", "COUNTERSIGN_LOCK=uv.lock"]
    last = printed.split("ran sdk check\n")[-1].splitlines()
    check("sdk-check compares with a revision", ran and sorted(last) == settings, printed)
    ran, _, printed = Job(folder / "bare", gh="exit 1", cargo="exit 1").run(ROOT, inputs, reference="main")
    check("a build that fails stops the action", not ran, printed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        actions(Path(sys.argv[1]).resolve(), Path(name))
    sys.exit(exit_code())
