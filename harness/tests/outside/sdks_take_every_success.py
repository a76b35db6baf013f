#!/usr/bin/env python3
"""What makes an unmodified SDK throw at a success is a violation of a must-requirement.

usage: sdks_take_every_success.py PATH_TO_COUNTERSIGN [--node FOLDER]    (needs boto3; from the project's root)

boto3, and the JavaScript SDK that FOLDER has, get every wrong reply to a success from the mock, and every defect and
legal variant that changes a success from the emulator. A server that makes one of them throw, though it answers with a
success, is not conformant: its requirements must be broken at the level `must`. Other tests hold that the judge finds
broken what a reply or a defect declares. Nothing that is legal may make one throw. Prints one line a fault, then
`N passed, M failed`; exit code 1 if one failed.
"""
import argparse
import json
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from checks import clean_environment
from serving import serving

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "fixtures"
SECONDS = 20
WORKERS = 4
KEYS = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "example", "region": "us-east-1"}
OPERATIONS = {"GC": "GetCredentials", "GW": "GetWorkgroup", "LW": "ListWorkgroups"}

# What throws and breaks no must-requirement: each with the reason why that is right.
EXCUSED: dict[str, str] = {}
# The replies and defects at which an SDK threw.
thrown: set[str] = set()

NODE = """
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
const sdk = createRequire(process.argv[1] + "/here.js")("@aws-sdk/client-redshift-serverless");
for await (const line of createInterface({ input: process.stdin })) {
  const { endpoint, region, key, secret, operation, input } = JSON.parse(line);
  const credentials = { accessKeyId: key, secretAccessKey: secret };
  const client = new sdk.RedshiftServerlessClient({ endpoint, region, credentials, maxAttempts: 1 });
  let threw = null;
  try {
    await client.send(new sdk[operation + "Command"](input));
  } catch (error) {
    if (!(error.$metadata?.httpStatusCode >= 300)) threw = `${error.name}: ${error.message}`.split("\\n")[0];
  }
  client.destroy();
  console.log(JSON.stringify({ threw }));
}
"""

arguments = argparse.ArgumentParser()
arguments.add_argument("binary")
arguments.add_argument("--node", help="a folder with the package @aws-sdk/client-redshift-serverless")
OPTIONS = arguments.parse_args()
BINARY = str(Path(OPTIONS.binary).resolve())
LEVELS = {row["id"]: row["level"] for row in json.loads((FIXTURES / "requirements.json").read_text())["requirements"]}


class Boto3:
    """The operations in Python. One session reads the service's model once."""
    name = "boto3"

    def __init__(self) -> None:
        self.session = boto3.session.Session()
        self.lock = threading.Lock()

    def threw(self, server: dict, operation: str, values: dict) -> str | None:
        with self.lock:  # a session is not made for threads
            client = self.session.client(
                "redshift-serverless", endpoint_url=server["endpoint"], region_name=server["region"],
                aws_access_key_id=server["access_key_id"], aws_secret_access_key=server["secret_access_key"],
                config=Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=SECONDS))
        try:
            name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in operation).lstrip("_")
            getattr(client, name)(**values)
        except ClientError:
            return None  # the server refused, and the SDK says so
        except Exception as error:  # whatever an SDK throws at a success is what is looked for
            return f"{type(error).__name__}: {error}"
        finally:
            client.close()
        return None


class JavaScript:
    """The same in Node, where one process makes all the calls of a worker."""
    name = "the JavaScript SDK"

    def __init__(self, folder: str) -> None:
        command = ["node", "--no-warnings", "--input-type=module", "-e", NODE, str(Path(folder).resolve())]
        start = lambda: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        self.processes = [start() for _ in range(2)]
        self.free: queue.Queue = queue.Queue()
        for process in self.processes:
            self.free.put(process)

    def threw(self, server: dict, operation: str, values: dict) -> str | None:
        process = self.free.get()
        try:
            call = {"endpoint": server["endpoint"], "region": server["region"], "key": server["access_key_id"],
                    "secret": server["secret_access_key"], "operation": operation, "input": values}
            process.stdin.write(json.dumps(call) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())["threw"]
        finally:
            self.free.put(process)

    def end(self) -> None:
        for process in self.processes:
            process.stdin.close()
            process.wait(timeout=SECONDS)


def changes_a_success(defect: dict) -> bool:
    when, changes = defect.get("when", {}), defect.get("response", [])
    statuses = [change["status"] for change in changes if isinstance(change, dict) and "status" in change]
    return (bool(changes) and "close" not in changes and "error" not in when and when.get("status", 200) == 200
            and all(status < 300 for status in statuses))


def calls(defect: dict, workgroup: str):
    """The calls that may meet a defect: of each operation whose requirements it breaks, or of all."""
    prefixes = {id[:2] for id in defect.get("requirements", [])} & set(OPERATIONS) or set(OPERATIONS)
    if "GC" in prefixes:
        yield "GetCredentials", {"workgroupName": workgroup}
        yield "GetCredentials", {"workgroupName": workgroup, "dbName": "dev", "durationSeconds": 1800}
    if "GW" in prefixes:
        yield "GetWorkgroup", {"workgroupName": workgroup}
    if "LW" in prefixes:
        yield "ListWorkgroups", {"maxResults": 2}


def has_must(ids: list[str]) -> bool:
    return any(LEVELS.get(id) == "must" for id in ids)


def faults_of(sdks: list, name: str, server: dict, is_legal: bool, ids: list[str], attempts) -> list[str]:
    """What is wrong about one server: an SDK throws, and no must-requirement is broken."""
    found = []
    for operation, values in attempts:
        for sdk in sdks:
            threw = sdk.threw(server, operation, values)
            if threw is not None:
                thrown.add(name)
            if threw is not None and not has_must(ids) and name not in EXCUSED:
                what = "is legal" if is_legal else f"breaks no must-requirement, only {', '.join(ids)}"
                found.append(f"{name} {what}, and {sdk.name} throws at {operation}: {threw[:160]}")
    return found


def of_reply(sdks: list, mock: dict, path: Path) -> list[str]:
    reply = json.loads(path.read_text())
    ids = reply["wrong"]["violates"]
    server = mock | {"endpoint": f"{mock['endpoint']}/replies/{path.stem}"}
    return faults_of(sdks, path.stem, server, False, ids, calls({"requirements": ids}, "any-workgroup"))


def of_defect(sdks: list, defect: dict) -> list[str]:
    with serving(BINARY, "emulator", "--defect", defect["id"]) as server:
        attempts = calls(defect, server["workgroups"][0])
        ids = defect.get("requirements", []) + defect.get("also", [])
        return faults_of(sdks, defect["id"], server, defect["kind"] == "legal", ids, attempts)


def main() -> int:
    clean_environment()
    sdks: list = [Boto3()] + ([JavaScript(OPTIONS.node)] if OPTIONS.node else [])
    defects = [defect for path in sorted((FIXTURES / "defects").glob("*.json"))
               for defect in json.loads(path.read_text())["defects"] if changes_a_success(defect)]
    successes = [path for path in sorted((FIXTURES / "replies").glob("wrong-*.json"))
                 if json.loads(path.read_text())["status"] < 300]
    with serving(BINARY, "mock") as mock, ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(of_reply, sdks, KEYS | mock, path) for path in successes]
        jobs += [pool.submit(of_defect, sdks, defect) for defect in defects]
        faults = [job.result() for job in jobs]
    for sdk in sdks[1:]:
        sdk.end()
    for fault in (fault for found in faults for fault in found):
        print(f"FAIL {fault}")
    idle = sorted(set(EXCUSED) - thrown)
    for name in idle:
        print(f"FAIL {name} is excused, and throws no longer: take it out of the list")
    # Where nothing throws, the check would hold whatever the register says.
    failed = sum(map(bool, faults)) + len(idle) + (not thrown)
    print(f"{len(successes)} wrong replies and {len(defects)} defects and legal variants of a success, for "
          f"{' and '.join(sdk.name for sdk in sdks)}; {len(thrown)} of them make one throw")
    print(f"{len(jobs) - sum(map(bool, faults))} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
