#!/usr/bin/env python3
"""An unmodified moto_server, which does not know Redshift Serverless, is judged as what it is.

usage: moto_is_judged.py PATH_TO_COUNTERSIGN    (needs moto[server] in this Python)
The report must say once that the operation is not there, call every case not-implemented, and exit 1.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

BINARY = sys.argv[1]
passed = failed = 0


def check(claim, holds, found=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok  ' if holds else 'FAIL'} {claim}" + ("" if holds else f": {found}"), flush=True)


def environment():
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|https?_proxy)", name)}
    return {**kept, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def countersign(*arguments):
    return subprocess.run([BINARY, *arguments], env=environment(), capture_output=True, text=True, timeout=120)


def start_moto():
    """Starts moto on a free port; gives the process and its endpoint once it says that it listens."""
    server = Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", "0"], env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return process, found[0]
    raise SystemExit(f"moto_server did not start: exit {process.wait()}")


def main():
    cases = json.loads(countersign("list", "--format", "json").stdout)
    server, endpoint = start_moto()
    try:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            stream = Path(folder, "run.jsonl")
            junit = Path(folder, "junit.xml")
            run = countersign("run", "--endpoint", endpoint, "--workgroup", "wg", "--report-json", str(report),
                              "--report-jsonl", str(stream), "--report-junit", str(junit))
            data = json.loads(report.read_text())
            lines = [json.loads(line) for line in stream.read_text().splitlines()]
            xml = junit.read_text()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)

    verdicts = {case["id"]: case["verdict"] for case in data["cases"]}
    check("exit code 1", run.returncode == 1, run.returncode)
    check("every case is reported", set(verdicts) == {case["id"] for case in cases}, len(verdicts))
    check("every case is not-implemented", set(verdicts.values()) == {"not-implemented"}, verdicts)
    check("the class is named", data["run"]["target"]["class"] == "not-aws", data["run"]["target"])
    check("the answer that led there is quoted", "500" in data["run"]["target"]["said"], data["run"]["target"])
    check("nothing is called conformant", data["summary"]["conformant"] is False, data["summary"])
    check("nothing is called violated", all(f["violated"] == 0 for f in data["summary"]["features"].values()), data["summary"])
    check("the text says it plainly and once", run.stdout.count("does not have GetCredentials") == 1, run.stdout)
    check("the text lists no failures", "expected" not in run.stdout, run.stdout)
    check("the stream says the same", {e["id"]: e["verdict"] for e in lines if e["event"] == "case"} == verdicts)
    check("JUnit does not skip what is not there", xml.count("<failure") == len(cases), xml[:500])
    check("standard error has no panic", "panicked" not in run.stderr, run.stderr)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
