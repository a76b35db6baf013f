#!/usr/bin/env python3
"""The trials of a project that has Countersign as a dev-dependency, as its people run them: with `cargo test` and with
`cargo nextest run`, in a debug build of everything.

Usage: trials_of_an_adopter.py PROGRAM

PROGRAM is `countersign`; its emulator is the server of the project, right and with a defect. Makes the project of
`harness/docs/rust.md` below target/. Checks what a trial that fails says and how long that is, and that a baseline makes
the trials pass until one of its cases does. Prints what `cargo nextest run` takes for a trial, which has a process of
its own: the time that passed, and the time of the processors without that of cargo, divided by the processors. On a
machine with nothing else to do the two are about the same. Ends with 1 where a check fails, or where both are more than
20 ms.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from serving import serving

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "target/adopter/trials"
# What newcomers.py has built is used.
TARGET = ROOT / "target/adopter/target"

# At most so many milliseconds for a trial, and lines for eleven failures.
MOST_MILLISECONDS = 20
MOST_LINES = 120

# It makes some trials fail, and has the others pass.
DEFECT = "validation-422"

MANIFEST = f"""
[package]
name = "adopter-with-trials"
edition = "2024"

[dev-dependencies]
countersign = {{ path = "{ROOT}", default-features = false, features = ["run"] }}

[[test]]
name = "conformance"
harness = false

[workspace]
"""

CONFORMANCE = """
use countersign::{targets::Target, trials::Trials, wire::Credentials};

fn main() -> std::process::ExitCode {
    let variable = |name: &str| std::env::var(name).unwrap();
    let credentials = Credentials::new(variable("MY_KEY"), variable("MY_SECRET"));
    let endpoint = variable("MY_SERVER").parse().unwrap();
    let target = Target::at(endpoint).signed_by(credentials).with_workgroup("my-workgroup");
    let trials = Trials::new(target).claim(["signature"]);
    match std::env::var("MY_BASELINE") {
        Ok(file) => trials.with_baseline(file).main(),
        Err(_) => trials.main(),
    }
}
"""

wrong = []


def check(holds, message):
    if not holds:
        wrong.append(message)


def cargo(*arguments, **environment):
    """The exit code and the output of cargo in the project."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "NO_COLOR": "1"} | environment
    done = subprocess.run(["cargo", *arguments], cwd=FOLDER, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def make_project():
    for file, text in {"Cargo.toml": MANIFEST, "src/lib.rs": "", "tests/conformance.rs": CONFORMANCE}.items():
        path = FOLDER / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # The versions that Countersign has.
    shutil.copy(ROOT / "Cargo.lock", FOLDER)
    code, output = cargo("test", "--no-run")
    if code:
        sys.exit(output)


def server(ready):
    return {"MY_SERVER": ready["endpoint"], "MY_KEY": ready["access_key_id"], "MY_SECRET": ready["secret_access_key"]}


def failing_trials_say_why(environment):
    """Returns the ids of the cases whose trials fail."""
    code, output = cargo("test", "--test", "conformance", **environment)
    check(code == 101, f"expected the exit code 101 of cargo test, found {code}")
    told = output[output.index("\nfailures:\n") : output.rindex("\nfailures:\n")]
    texts = dict(re.findall(r"^---- (\S+) ----\n(.*?)(?=^---- |\Z)", told, re.S | re.M))
    for name, text in texts.items():
        for words in ["fail GC-", "  source: ", "expected ", "found ", "  the request was"]:
            check(words in text, f"expected \"{words}\" for {name}, found:\n{text}")
        check("curl" not in text, f"expected no curl line for {name}, found:\n{text}")
    # With the heading of each failure, and the list of all of them.
    lines = (len(output[output.index("\nfailures:\n") :].splitlines())) * 11 / max(len(texts), 1)
    print(f"cargo test: {len(texts)} trials fail; eleven failures are {lines:.0f} lines")
    check(texts and lines <= MOST_LINES, f"expected at most {MOST_LINES} lines for eleven failures, found {lines:.0f}")
    print(next(iter(texts.values()), "").strip())
    return [name.split("::", 1)[1].replace("::", "/") for name in texts]


def a_baseline_only_shrinks(cases, with_defect, right):
    baseline = FOLDER / "baseline.json"
    entries = [{"pattern": case, "reason": "statuses are not ours yet", "issue": "#7"} for case in cases]
    baseline.write_text(json.dumps({"version": 1, "entries": entries}))
    for environment, codes in [(with_defect, (0, 0)), (right, (101, 100))]:
        environment = environment | {"MY_BASELINE": "baseline.json"}
        for arguments, expected in zip([("test", "--test", "conformance"), ("nextest", "run", "--no-fail-fast")], codes):
            code, output = cargo(*arguments, **environment)
            check(code == expected, f"expected {expected} of cargo {arguments[0]} with the baseline, found {code}:\n{output}")
            words = "remove the entry" if expected else "known failure: statuses are not ours yet (#7)"
            if expected or arguments[0] == "test":
                check(words in output, f"expected \"{words}\" from cargo {arguments[0]}, found:\n{output}")


def processor_seconds(*arguments, **environment):
    """The output of cargo in the project, and the processor's time that it and all that it started took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, output = cargo(*arguments, **environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    check(code == 0, f"expected that cargo {' '.join(arguments)} ends well, found:\n{output}")
    return output, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def trials_cost_little(environment):
    passed, processor = [], []
    _, without_trials = processor_seconds("nextest", "list", **environment)
    for _ in range(3):
        output, seconds = processor_seconds("nextest", "run", **environment)
        summary = re.search(r"Summary \[ *([0-9.]+)s\] (\d+) tests run", output)
        if not summary:
            check(False, f"expected a summary of nextest, found:\n{output}")
            return
        count = int(summary[2])
        passed.append(float(summary[1]) / count * 1000)
        processor.append((seconds - without_trials) / count / len(os.sched_getaffinity(0)) * 1000)
    print(f"cargo nextest run: {count} trials; {min(passed):.1f} ms for each, {min(processor):.1f} ms by the processors")
    least = min(passed + processor)
    check(least <= MOST_MILLISECONDS, f"expected at most {MOST_MILLISECONDS} ms for a trial, found {least:.1f} ms")


def main():
    program = Path(sys.argv[1]).resolve()
    make_project()
    arguments = ["emulator", "--workgroup", "my-workgroup"]
    with serving(program, *arguments) as right, serving(program, *arguments, "--defect", DEFECT) as with_defect:
        cases = failing_trials_say_why(server(with_defect))
        a_baseline_only_shrinks(cases, server(with_defect), server(right))
        trials_cost_little(server(right))
    print("\n".join(wrong) or "the trials of a project are as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
