#!/usr/bin/env python3
"""Each deliberate fault of harness/drivers/patches changes the behaviour of its SDK, and in the class it says.

Usage: sdk_faults_change_behaviour.py boto3 VENV/bin/python
       sdk_faults_change_behaviour.py js-v3 FOLDER_WITH_NODE_MODULES

Plays the same answers to the honest driver and to the driver with the fault, and compares what the caller was given,
how often the SDK sent, what it sent, and how long it waited. Shares no code with the program's own `diff`.

Prints one line a fault, then `N passed, M failed`; exit code 1 if one failed.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

from drivers_obey_the_protocol import TOKEN, WORKGROUP, Driver, Listener, answer, check, clean_environment, error_answer, results

DRIVERS = Path(__file__).resolve().parents[2] / "drivers"
GOOD = {"dbUser": "IAM:alice", "dbPassword": "Example+Password/0123", "expiration": 1700000000, "nextRefreshTime": 1700003600}
BUSY = error_answer("ThrottlingException", message="slow down")
ALL = {**WORKGROUP, "dbName": {"string": "dev"}, "durationSeconds": {"integer": "1200"}}
# Seconds. A back-off is random: that all three of a throttled call are shorter has a chance of one in 8000.
SHORT_WAIT = 0.1

# What the server does, and what the caller does. The last step is repeated.
PROBES = {
    "plain": ([answer(GOOD)], {}),
    "all members": ([answer(GOOD)], {"given": ALL}),
    "session token": ([answer(GOOD)], {"token": TOKEN}),
    "unknown member": ([answer({**GOOD, "unknown": "x"})], {}),
    "modelled error": ([error_answer("ValidationException", message="boom")], {}),
    "other error": ([error_answer("BogusException", message="boom")], {}),
    "server error": ([error_answer("InternalServerException", "500 Internal Server Error", message="x"), answer(GOOD)],
                     {"config": {"maxAttempts": 2}}),
    "throttled": ([BUSY, BUSY, BUSY, answer(GOOD)], {"config": {"maxAttempts": 4}}),
}


def observe(command, environment, log, probes=tuple(PROBES)):
    """What each class of change looks at, by probe."""
    driver = Driver(command, environment, log)
    try:
        driver.say({"type": "hello", "protocol": 1})
        return {name: look(driver, Listener(*PROBES[name][0]), PROBES[name][1]) for name in probes}
    finally:
        driver.close()


def look(driver, listener, how):
    _, line = driver.ask(listener.endpoint, **how)
    first = listener.requests[0]
    headers, members = first["headers"], json.loads(first["body"])
    signature = re.search(r"Credential=[^/]+/\d+/(\S+?),.*SignedHeaders=([^,]+)", headers.get("authorization", ""))
    times = [request["at"] for request in listener.requests]
    return {
        "caller": {name: value for name, value in line.items() if name not in ("id", "elapsedMs", "meta")},
        "attempts": len(listener.requests),
        "wire": [first["line"], members, sorted(headers), signature and signature.groups(),
                 [headers.get(name) for name in ("content-type", "x-amz-target", "x-amz-security-token")]],
        "bytes": first["body"],
        # botocore writes the letters of its m/ list in any order.
        "agent": re.sub(r"m/(\S+)", lambda found: "m/" + "".join(sorted(found[1])), headers["user-agent"]),
        "timing": max((later - sooner for sooner, later in zip(times, times[1:])), default=0) >= SHORT_WAIT,
    }


def changes(honest, other):
    """The classes in which two observations differ. Bytes count where the JSON is the same, waits where there are as many."""
    found = set()
    for name in other:
        differs = {kind for kind in honest[name] if honest[name][kind] != other[name][kind]}
        if "wire" in differs:
            differs.discard("bytes")
        if "attempts" in differs or name != "throttled":
            differs.discard("timing")
        found |= differs
    return found


def main(driver, where):
    honest, patched = {
        "boto3": ([where, str(DRIVERS / "python/boto3_driver.py")], lambda name: [where, str(DRIVERS / "patches/patched_boto3.py"), name]),
        "js-v3": (["node", str(DRIVERS / "node/js_v3.mjs"), where], lambda name: ["node", str(DRIVERS / "patches/patched_js_v3.mjs"), name, where]),
    }[driver]
    faults = [row for row in json.loads((DRIVERS / "patches/index.json").read_text())["faults"] if row["driver"] == driver]
    with tempfile.TemporaryDirectory() as folder:
        environment, log = clean_environment(folder), Path(folder, "stderr")
        before = observe(honest, environment, log)
        same = changes(before, observe(honest, environment, log))
        check("the honest driver twice: no change", not same, sorted(same))
        for row in faults:
            # Back-offs take seconds: only where it is about them.
            probes = [name for name in PROBES if name != "throttled" or row["class"] in ("attempts", "timing")]
            found = changes(before, observe(patched(row["name"]), environment, log, probes))
            fits = row["class"] in found and found <= {row["class"], *row["also"]}
            check(f"{row['name']}: {row['class']}", fits, sorted(found))
    failed = results.count(False)
    print(f"{results.count(True)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("boto3", "js-v3"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
