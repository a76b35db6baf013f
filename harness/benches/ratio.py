#!/usr/bin/env python3
"""What a check costs, beside what it costs at the least.

Runs `countersign run success/workgroup-only` and the bare driver of `bare.rs` against the server of `bare.rs`, turn by
turn in one sitting, and prints the medians: the CPU of a check without that of the start, checks a second on one
connection and on eight, and the wall time of 1,000 checks. Fails where a check costs more than 3.5 times the CPU of a
call of the bare driver. Nothing else may run beside it: on a busy machine a call of the driver costs half of what it
costs on an idle one, because no core has to be woken up, and the ratio is higher.

usage: ratio.py [PROGRAM] [--checks N] [--rounds N]      (after `cargo build --release`)
"""
import argparse
import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

MOST = 3.5
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


# Alone, so that nothing else is built anew for it.
PACKAGE = """
[package]
name = "bare"
edition = "2024"
[[bin]]
name = "bare"
path = "{source}"
[dependencies]
hmac = "0.13"
jiff = {{ version = "0.2", default-features = false, features = ["std"] }}
serde_json = "1"
sha2 = "0.11"
[workspace]
"""


def built():
    """The program of `bare.rs`."""
    source = Path(__file__).with_name("bare.rs").resolve()
    folder = source.parents[2] / "target/bare"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(PACKAGE.format(source=source))
    # The versions that Countersign has.
    shutil.copy(source.parents[2] / "Cargo.lock", folder)
    target = folder / "target"
    subprocess.run(["cargo", "build", "--release", "--quiet", "--manifest-path", folder / "Cargo.toml",
                    "--target-dir", target], check=True)
    return target / "release/bare"


def used(command):
    """The CPU seconds and the wall seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=os.environ | KEYS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    # A run of one case leaves requirements undecided: exit code 3.
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


@contextlib.contextmanager
def server(bare):
    """Runs the server of `bare.rs`, and gives its port."""
    child = subprocess.Popen([bare, "serve", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait()


def run_of(port, count, jobs):
    """The arguments of a run of so many checks."""
    return ["run", "success/workgroup-only", "--endpoint", f"http://127.0.0.1:{port}", "--workgroup", "my-workgroup",
            "--repeat", str(count), "--jobs", str(jobs), "--format", "quiet"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="target/release/countersign")
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bare = built()
    rounds = []
    with server(bare) as port:

        def run(count, jobs):
            return used([given.program, *run_of(port, count, jobs)])

        for _ in range(given.rounds):
            start, one, eight, thousand = run(1, 1), run(given.checks, 1), run(given.checks, 8), run(1000, 1)
            driver = used([bare, "drive", port, str(given.checks)])
            rounds.append({
                "check": (one[0] - start[0]) / given.checks * 1000, "bare": driver[0] / given.checks * 1000,
                "ratio": (one[0] - start[0]) / driver[0], "one": given.checks / one[1], "eight": given.checks / eight[1],
                "thousand": thousand[1] * 1000,
            })
    median = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
    print(f"a check takes {median['check']:.3f} ms of CPU, a call of the bare driver {median['bare']:.3f} ms: "
          f"{median['ratio']:.2f} times as much, at most {MOST} are allowed")
    print(f"{median['one']:,.0f} checks/s on one connection, {median['eight']:,.0f} on eight; "
          f"1,000 checks take {median['thousand']:.0f} ms from start to end")
    sys.exit(median["ratio"] > MOST)


if __name__ == "__main__":
    main()
