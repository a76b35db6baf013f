"""Runs that provision are killed at random moments; `countersign cleanup` restores the empty state each time.

Usage: python killed_runs_are_cleaned_up.py PATH_TO_COUNTERSIGN_BINARY [--kills 100] [--seed N]

Needs the standard library. A run against `countersign serve emulator` gets SIGKILL at a random moment. Then `cleanup`
deletes what the run left: by its journal, and every third time by its tag and its names alone, with the journal thrown
away. The emulator is then asked by its lists, with requests that are signed here, not by Countersign. What belongs to
somebody else is there before, has tags and names of its own, and must stay.

Prints one line a check, then `N passed, M failed`; exit code 1 if one failed.
"""

import argparse
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

from checks import check, exit_code, group
from serving import serving

KEY, SECRET, REGION, SERVICE = "AKIDEXAMPLE", "a-secret-for-this-check", "us-east-1", "redshift-serverless"
OWN_WORKGROUP = "countersign-emulator"
STRANGER = "somebody-elses"
# Longer than a whole run takes here, so that a few kills come too late.
LONGEST_SECONDS = 0.9
PATIENCE_SECONDS = 5


def signed(host, operation, body):
    """Header fields with a Signature Version 4, from the specification."""
    now = datetime.datetime.now(datetime.timezone.utc)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    fields = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": moment,
              "x-amz-target": f"RedshiftServerless.{operation}"}
    names = ";".join(sorted(fields))
    canonical = "\n".join(["POST", "/", "", *(f"{name}:{fields[name]}" for name in sorted(fields)), "", names,
                           hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{REGION}/{SERVICE}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
    return fields | {"authorization": f"AWS4-HMAC-SHA256 {credential}"}


def ask(endpoint, operation, **members):
    host = urllib.parse.urlsplit(endpoint).netloc
    body = json.dumps(members).encode()
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("POST", "/", body, signed(host, operation, body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def there(endpoint):
    """Everything that the emulator lists: kinds and names."""
    found = set()
    for operation, at, name in (("ListNamespaces", "namespaces", "namespaceName"),
                                ("ListWorkgroups", "workgroups", "workgroupName"),
                                ("ListCustomDomainAssociations", "associations", "customDomainName")):
        token = {}
        while True:
            status, body = ask(endpoint, operation, **token)
            if status != 200:
                raise RuntimeError(f"{operation}: {status} {body}")
            found |= {(at, item[name]) for item in body[at]}
            if not body.get("nextToken"):
                break
            token = {"nextToken": body["nextToken"]}
    return found


def there_at_last(endpoint, wanted):
    """The same once it is what is wanted, or after a while: what is deleted is listed for a moment."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = there(endpoint)
        if found == wanted or time.monotonic() > end:
            return found
        time.sleep(0.01)


def environment(state):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "AWS_"))}
    return kept | {"XDG_STATE_HOME": str(state), "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
                   "AWS_EC2_METADATA_DISABLED": "true"}


def run_killed(binary, endpoint, state, after, seed):
    """A run that gets SIGKILL after so many seconds. Returns whether it was still there."""
    command = [binary, "run", "--endpoint", endpoint, "--workgroup", OWN_WORKGROUP, "--claim", "provisioning,custom-domain",
               "--custom-domain", "db.example.com", "--allow-create", "--seed", str(seed), "--repeat", "3", "lifecycle"]
    run = subprocess.Popen(command, env=environment(state), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    is_killed = run.poll() is None
    run.kill()
    run.wait()
    return is_killed


def cleanup(binary, endpoint, state, *more):
    command = [binary, "cleanup", "--endpoint", endpoint, *more]
    return subprocess.run(command, env=environment(state), capture_output=True, text=True, timeout=120)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    moments = random.Random(given.seed)
    arguments = ("emulator", "--access-key-id", KEY, "--settle", "0.02")
    with tempfile.TemporaryDirectory() as folder, serving(
        given.binary, *arguments, COUNTERSIGN_SECRET_ACCESS_KEY=SECRET
    ) as ready, group(f"{given.kills} kills, moments of the seed {given.seed}"):
        check_kills(given, ready["endpoint"], pathlib.Path(folder), random.Random(given.seed))
    return exit_code()


def check_kills(given, endpoint, state, moments):
    others = {STRANGER: [{"key": "team", "value": "data"}],
              # A name as runs give them and no tag, and the tag of a run and another name.
              "abcdefghij0123456789": [], "tagged-by-hand": [{"key": "countersign-run", "value": "7"}]}
    for name, tags in others.items():
        status, body = ask(endpoint, "CreateNamespace", namespaceName=name, tags=tags)
        check(f"{name} is there before", status == 200, body)
    before, wrong = there(endpoint), []
    killed = made = lost = 0
    for number in range(given.kills):
        seed = moments.randrange(2**32)
        killed += run_killed(given.binary, endpoint, state, moments.uniform(0, LONGEST_SECONDS), seed)
        left, more = there(endpoint) - before, []
        made += bool(left)
        if number % 3 == 2:
            shutil.rmtree(state / "countersign", ignore_errors=True)
            more = ["--tagged", str(seed)] if number % 2 else ["--tagged"]
            lost += bool(left)
        done = cleanup(given.binary, endpoint, state, *more)
        after = there_at_last(endpoint, before)
        if done.returncode != 0 or after != before:
            wrong.append((number, more, done.returncode, done.stdout, done.stderr, left, after ^ before))
    check("each clean-up restores what was there before", not wrong, wrong[:3])
    check("most runs were killed while they went on", killed > given.kills // 2, killed)
    check("many of them left something", made > given.kills // 5, made)
    check("some of that without a journal", lost > 0 or given.kills < 30, lost)
    journals = list((state / "countersign").rglob("*.jsonl"))
    check("no journal is left", not journals, journals)
    print(f"{killed} runs killed, {made} left something, {lost} of them without a journal")


if __name__ == "__main__":
    sys.exit(main())
