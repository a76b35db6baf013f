"""Every SDK with a deliberate fault is told from the honest one by `countersign diff`, in the right class.

Usage: python3 harness/tests/outside/patched_sdks_are_caught.py [--program target/debug/countersign] [FAULT...]

The faults are those of harness/drivers/patches/index.json. They need boto3 and the AWS SDK for JavaScript v3 in the
cache folder (`countersign sdk install boto3@VERSION js-v3@VERSION`); what is not there is skipped, and said so. Two
runs of the honest SDK must be equal: else nothing that is said of the others counts. Standard library only.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[3]
PATCHES = HERE / "harness/drivers/patches"
CLASSES = ["caller", "attempts", "wire", "bytes", "warnings", "agent", "timing"]
# What each class of fault needs to show; the rest of the suites would only take time.
SUITES = {"attempts": ["retries"], "timing": ["retries"]}
OTHERWISE = ["requests", "results", "errors", "timestamps"]


def installed(program):
    """The newest version of each driver in the cache folder: its name and its folder."""
    listed = subprocess.run([program, "sdk", "list", "--format", "json"], capture_output=True, text=True, check=True)
    numbers = lambda one: [int(part) for part in one["version"].split(".") if part.isdigit()]
    found = sorted(json.loads(listed.stdout)["installed"], key=numbers)
    return {one["driver"]: Path(one["folder"]) for one in found}


def commands(driver, folder):
    """How the honest driver is started, and the patched one, given its fault."""
    if driver == "boto3":
        python = str(folder / "venv/bin/python")
        honest = [python, str(HERE / "harness/drivers/python/boto3_driver.py")]
        return honest, lambda fault: [python, str(PATCHES / "patched_boto3.py"), fault]
    node = str(folder / "node")
    honest = ["node", str(HERE / "harness/drivers/node/js_v3.mjs"), node]
    return honest, lambda fault: ["node", str(PATCHES / "patched_js_v3.mjs"), fault, node]


def run(program, suites, command, stream):
    done = subprocess.run([program, "sdk", "run", *suites, "--format", "quiet", "-o", stream, "--", *command],
                          capture_output=True, text=True)
    # 1 and 3: the patched SDK broke requirements, or its answers decide too little; that is what it is for.
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr}")


def diff(program, old, new):
    """The diff as JSON."""
    told = subprocess.run([program, "diff", old, new, "--format", "json", "--fail-on", "none"],
                          capture_output=True, text=True)
    if told.returncode != 0:
        sys.exit(f"diff: exit code {told.returncode}: {told.stderr}")
    return json.loads(told.stdout)


# Whether the diff ends with 1 where changes of this class, and worse ones, are to fail.
def fails(program, old, new, wanted):
    done = subprocess.run([program, "diff", old, new, "--format", "json", "--fail-on", wanted], capture_output=True)
    return done.returncode == 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(HERE / "target/debug/countersign"))
    parser.add_argument("faults", nargs="*")
    options = parser.parse_args()
    program = str(Path(options.program).resolve())
    faults = json.loads((PATCHES / "index.json").read_text())["faults"]
    here = installed(program)
    wrong, caught, skipped = [], 0, set()
    with tempfile.TemporaryDirectory() as folder:
        honest = {}
        for fault in faults:
            driver, name, expected = fault["driver"], fault["name"], fault["class"]
            if options.faults and name not in options.faults:
                continue
            if expected == "timing" and not options.faults:
                print(f"left out {name}: its waits are drawn at random, so one run in ten may not show it; name it to try it")
                continue
            if driver not in here:
                skipped.add(driver)
                continue
            command, patched = commands(driver, here[driver])
            suites = SUITES.get(expected, OTHERWISE)
            key = (driver, suites[0])
            if key not in honest:
                honest[key] = [f"{folder}/{driver}-{suites[0]}-{turn}.jsonl" for turn in "12"]
                for stream in honest[key]:
                    run(program, suites, command, stream)
                changes = diff(program, *honest[key])["changes"]
                print(f"{driver}, {' '.join(suites)}: two runs of the honest SDK differ in {len(changes)} changes", flush=True)
                if changes:
                    wrong.append(f"{driver}: equal SDKs differ: {changes}")
            stream = f"{folder}/patched.jsonl"
            run(program, suites, patched(name), stream)
            told = diff(program, honest[key][0], stream)
            there = [class_ for class_ in CLASSES if told["counts"][class_]]
            beyond = set(there) - {expected, *fault["also"]}
            problems = []
            if expected not in there:
                problems.append(f"no change of class {expected}")
            elif not fails(program, honest[key][0], stream, expected):
                problems.append(f"--fail-on {expected} does not fail")
            note = f", besides {', '.join(sorted(beyond))}" if beyond else ""
            caught += not problems
            print(f"{'MISSED' if problems else 'caught'}  {driver:6} {name}: {expected} in {told['counts'][expected]} changes{note}", flush=True)
            wrong.extend(f"{driver} {name}: {problem}; it {fault['does']}" for problem in problems)
    for driver in sorted(skipped):
        print(f"skipped {driver}: not installed; `countersign sdk install {driver}@VERSION` installs it")
    print(f"{caught} faults caught, {len(wrong)} problems")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
