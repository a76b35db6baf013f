#!/usr/bin/env python3
"""Runs a command where nothing can leave this machine, and says whether anything wanted to.

Usage: without_a_route.py COMMAND...

The command runs in a network namespace that has loopback and no route, as the same user. A resolver of this script
notes the names that are asked for, and answers that there are none. Behind the command it prints which names these
were, and how many packets were meant for another machine. Ends with the exit code of the command; with 1 if that is 0,
but a packet was meant for another machine, or a host of AWS was asked for.

Where no such namespace can be made, the command runs all the same and the script says so; with COUNTERSIGN_MUST_ISOLATE
set, it does not run, and the exit code is 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests_stay_on_the_machine as namespace

INSIDE = "COUNTERSIGN_WITHOUT_A_ROUTE"
# The end of a name of AWS, as far as a test may ask for one by mistake.
OF_AWS = re.compile(r"(amazonaws\.|\.api\.aws|\.amazonwebservices\.|\.ic\.gov|\.sgov\.gov|adc-e\.uk)", re.IGNORECASE)


def sent_elsewhere():
    """How many packets this namespace sent, or wanted to send, to anything but itself."""
    devices = [line.split(":") for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    # The tenth column counts what was sent.
    sent = sum(int(counts.split()[9]) for device, counts in devices if device.strip() != "lo")
    names, counts = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:"))
    without_route = int(dict(zip(names, counts))["OutNoRoutes"])
    of_ipv6 = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return sent + without_route + int(of_ipv6["Ip6OutNoRoutes"])


def as_before(command, user, group):
    """The command as the user that this script was started by: a namespace of its own makes everybody root."""
    if user == 0:
        return command
    return ["unshare", "--user", f"--map-user={user}", f"--map-group={group}", *command]


def inside(command, user, group):
    with tempfile.TemporaryDirectory() as folder:
        witness = namespace.Witness()
        namespace.run("ip", "link", "set", "lo", "up")
        # A machine has more than loopback. Where there is nothing else, `sdk run` takes this network for the one of its
        # own that it gives to SDKs, and what an SDK asks for would be taken for a question of ours.
        subprocess.run(["ip", "link", "add", "type", "veth"], capture_output=True)
        namespace.see_in_place({}, folder)
        namespace.resolve(witness, None)
        before = sent_elsewhere()
        code = subprocess.run(as_before(command, user, group)).returncode
        packets = sent_elsewhere() - before
    names = ", ".join(sorted(witness.names)) or "none"
    print(f"names that were asked for: {names}; packets for another machine: {packets}")
    of_aws = [name for name in witness.names if OF_AWS.search(name)]
    return code or int(packets > 0 or bool(of_aws))


def main(command):
    if not command:
        sys.exit(__doc__)
    if found := os.environ.pop(INSIDE, None):
        return inside(command, *map(int, found.split()))
    for flags in [["--net", "--mount"], ["--net", "--mount", "--map-root-user"]]:
        here = ["unshare", *flags, *as_before(["true"], os.getuid() if "--map-root-user" in flags else 0, os.getgid())]
        if shutil.which("unshare") and subprocess.run(here, capture_output=True).returncode == 0:
            os.environ[INSIDE] = f"{os.getuid()} {os.getgid()}"
            os.execvp("unshare", ["unshare", *flags, sys.executable, os.path.abspath(__file__), *command])
    print("no network namespace can be made here: the command runs where it can reach other machines", flush=True)
    return 1 if os.environ.get("COUNTERSIGN_MUST_ISOLATE") else subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
