#!/usr/bin/env python3
"""Every figure of speed and size that Countersign promises, each beside the most that it may be.

Without --builds it takes a minute: the start of the program, a run on the emulator, the self-test, the memory of a long
run. With --builds it takes twenty minutes more and builds in a folder of its own: a clone's first build, its first
`cargo test`, what a change of one rule of the judge builds again, and the program that users get. The crates of a
dependency are counted by `harness/tests/outside/adopter_is_unchanged.py`, and the cost of a check is measured by
`ratio.py`.

usage: figures.py [PROGRAM] [--checks N] [--builds]      (after `cargo build --release`, on an idle machine)
"""
import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import ratio

ROOT = Path(__file__).resolve().parents[2]
RULE = ROOT / "harness/judge/rules/success.rs"


def show(what, found, most, unit):
    print(f"{what}: {found:.4g} {unit}{'' if found <= most else ' (!)'}, at most {most} {unit}", flush=True)


def seconds(command, **more):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    taken = time.monotonic() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return taken, done.stdout


def median(command, times):
    return statistics.median(seconds(command)[0] for _ in range(times))


def running(program, checks):
    show("list", 1000 * median([program, "list"], 41), 15, "ms")
    show("a run on the emulator", 1000 * median([program, "run", "--format", "quiet"], 11), 120, "ms")
    taken, printed = seconds([program, "selftest"])
    servers = int(re.search(r"of (\d+) defects", printed)[1]) + int(re.search(r"of (\d+) legal", printed)[1])
    show(f"the self-test, for each of {servers} servers", 1000 * taken / servers, 30, "ms")
    show(f"the memory of {checks:,} checks", memory(program, checks), 30, "MB")


def memory(program, checks):
    """The most memory that a run of so many checks on the server of `bare.rs` takes, in MB."""
    with ratio.server(ratio.built()) as port:
        command = [program, *ratio.run_of(port, checks, jobs=8)]
        child = subprocess.Popen(command, env=os.environ | ratio.KEYS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        return usage.ru_maxrss / 1e3


def cpu(command, **more):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken, printed = seconds(command, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, printed


def builds():
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        clone = Path(folder, "clone")
        seconds(["git", "clone", "--quiet", ROOT, clone])
        rule = clone / RULE.relative_to(ROOT)
        shown = {"cwd": clone}
        show("a clone's first report", seconds(["cargo", "run", "--release"], **shown)[0] / 60, 4.5, "min")
        edit(rule, 0)
        show("a release build after a change of one rule", seconds(["cargo", "build", "--release"], **shown)[0], 25, "s")
        shutil.rmtree(clone / "target")
        taken, used, printed = cpu(["cargo", "test", "--no-run"], **shown)
        run, more, printed = cpu(["cargo", "test"], **shown)
        show("a clone's first cargo test, CPU", (used + more) / 60, 12, "min")
        show("its running", run / 60, 2, "min")
        seconds(["cargo", "test", "--lib", "--no-run"], **shown)
        edit(rule, 1)
        show("cargo test --lib --no-run after a change of one rule", seconds(["cargo", "test", "--lib", "--no-run"], **shown)[0], 8, "s")
        seconds(["cargo", "build", "--profile", "dist"], **shown)
        show("the program that users get", (clone / "target/dist/countersign").stat().st_size / 1e6, 16, "MB")


def edit(rule, number):
    """Changes what a rule of the judge compares with."""
    text = rule.read_text()
    changed = re.sub(r"const YEAR_ONE: i64 = -[0-9_]+;", f"const YEAR_ONE: i64 = -{number};", text, count=1)
    assert changed != text, "the rule has changed: change another line here"
    rule.write_text(changed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "target/release/countersign"))
    parser.add_argument("--checks", type=int, default=100_000, help="how many checks the long run makes")
    parser.add_argument("--builds", action="store_true", help="also measure the builds")
    arguments = parser.parse_args()
    running(arguments.program, arguments.checks)
    if arguments.builds:
        builds()


if __name__ == "__main__":
    main()
