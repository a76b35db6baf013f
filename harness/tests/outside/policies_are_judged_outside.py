"""The emulator's policy decisions against an IAM simulator that is not ours.

Usage: python policies_are_judged_outside.py PATH_TO_COUNTERSIGN_BINARY FOLDER_OF_NODE_MODULES [SEED]

The judge is @cloud-copilot/iam-simulate, in FOLDER_OF_NODE_MODULES. Needs botocore and Node.js; without one of them, or
without the judge, it ends with exit code 77. Each caller of one emulator has random policies; each calls an operation,
and must be allowed or denied as the judge says. The examples of the emulator's own table go to the judge too. Prints
what differs, then `N passed, M failed`; exit code 1 if something differs.
"""

import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    print("botocore is not here")
    sys.exit(77)

from serving import serving

EXAMPLES = Path(__file__).parents[2] / "core/servers/emulator/identity/tests/policy_examples.json"
ACCOUNT = "123456789012"
CALLERS = 900
WORKGROUP = "judged-outside"

# What the judge is known to do otherwise, with the sentence of AWS that speaks against it.
JUDGE_DIFFERS = {
    # Service Authorization Reference: without a resource type, "you must specify all resources ("*")".
    "an action without a resource is not allowed on one resource",
    # IAM User Guide, Variables: "If you don't include the Version element ... treated as literal strings".
    "a policy of 2008 has no variables",
    "in a policy of 2008 a variable is its own text",
    "a policy without a version has no variables",
    # IAM User Guide, Variables: `${$}` is a dollar sign.
    "an escaped dollar sign begins no variable",
    # Every address is in a range of 0 bits.
    "203.0.113.7 satisfies IpAddress 0.0.0.0/0",
    # IAM User Guide, multiple values: "a null data set, such as an empty string".
    "for-all-values holds for an empty text",
    "for-any-value does not hold for an empty text",
    # IAM User Guide, IfExists: "If the key is not present, evaluate the condition element as true".
    "for-any-value and for-all-values take if-exists",
}

JUDGE = """
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
const [modules, input] = process.argv.slice(2)
const { runUnsafeSimulation } = createRequire(pathToFileURL(modules + '/'))('@cloud-copilot/iam-simulate')
const named = (policies) => policies.map((policy, index) => ({ name: `p${index}`, policy }))
const outcome = ({ principal, action, resource, context, policies, boundary, session }) => {
  const simulate = (policies, boundary) => runUnsafeSimulation({
    request: { principal, action, resource: { resource, accountId: '123456789012' }, contextVariables: context },
    identityPolicies: named(policies), serviceControlPolicies: [], resourceControlPolicies: [],
    ...(boundary ? { permissionBoundaryPolicies: named([boundary]) } : {}),
  }, {})
  // The judge does not know session policies yet. They limit as policies of their own would: both must allow.
  const results = [simulate(policies, boundary), ...(session.length ? [simulate(session, null)] : [])]
  return results.includes('ExplicitlyDenied') ? 'deny' : results.includes('ImplicitlyDenied') ? 'no' : 'allow'
}
const judge = (request) => { try { return outcome(request) } catch (error) { return `error: ${error.message}` } }
console.log(JSON.stringify(JSON.parse(readFileSync(input)).map(judge)))
"""


def judged(modules, requests):
    """What the judge says of each request: allow, deny or no."""
    with tempfile.TemporaryDirectory() as folder:
        script, given = Path(folder, "judge.mjs"), Path(folder, "requests.json")
        script.write_text(JUDGE)
        given.write_text(json.dumps(requests))
        command = ["node", str(script), os.path.abspath(modules), str(given)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def examples():
    """Each example of the table: its name, what it comes to, and what the judge is asked."""
    table = json.loads(EXAMPLES.read_text())
    base = table["request"]
    for example in table["examples"]:
        own = example.get("request", {})
        session = example.get("session", [])
        expected = example["comes_to"]
        yield example["name"], "allow" if expected == "allowed" else expected.split("-")[0], {
            "principal": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "action": own.get("action", base["action"]),
            "resource": own.get("resource", base["resource"]),
            "context": base["context"] | own.get("context", {}),
            "policies": example["policies"],
            "boundary": example.get("boundary"),
            "session": session,
        }


ACTIONS = [
    "*", "redshift-serverless:*", "redshift-serverless:Get*", "redshift-serverless:GetCredentials", "s3:*",
    "REDSHIFT-serverless:getworkgroup", "redshift-serverless:Get?redentials", "redshift-serverless:*Group",
    "redshift:*",
]
CONDITIONS = [
    ("StringEquals", "aws:username", ["alice", "bob", "${aws:username}", "a*"]),
    ("StringNotEquals", "aws:username", ["alice", "bob"]),
    ("StringLike", "aws:PrincipalTag/team", ["d*", "*", "sal?s", "${aws:PrincipalTag/team}"]),
    ("StringNotLike", "aws:PrincipalTag/team", ["d*", "sal?s"]),
    ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", ["DATA", "SALES"]),
    ("StringEqualsIfExists", "aws:PrincipalTag/cost", ["7", "8"]),
    ("StringNotEqualsIfExists", "aws:PrincipalTag/cost", ["7", "8"]),
    ("Null", "aws:PrincipalTag/cost", ["true", "false"]),
    ("Bool", "aws:SecureTransport", ["true", "false"]),
    ("NumericLessThan", "app:count", ["9", "10", "11", "9.5"]),
    ("NumericGreaterThanEquals", "app:count", ["9", "10", "11"]),
    ("DateLessThan", "app:time", ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ("DateGreaterThan", "app:time", ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "203.0.113.7", "198.51.100.0/24", "203.0.113.0/30"]),
    ("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24", "198.51.100.0/24"]),
    ("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:*", "arn:aws:iam::*:user/a*", "arn:aws:iam::*:role/*"]),
    ("ArnNotEquals", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:user/alice", "arn:aws:iam::*:role/r"]),
    ("ForAnyValue:StringEquals", "app:words", ["a", "b", "z"]),
    ("ForAllValues:StringEquals", "app:words", ["a", "b", "z"]),
    ("ForAnyValue:StringLike", "app:words", ["?", "zz*"]),
]


def random_document(dice):
    # The id of a workgroup is new for each emulator, so policies name ids by wildcards.
    start = f"arn:aws:redshift-serverless:us-east-1:{ACCOUNT}:"
    resources = ["*", start + "workgroup/*", start + "workgroup/????????-????-*", start + "workgroup/????-*",
                 start + "namespace/*", "arn:aws:redshift-serverless:*:*:workgroup/*", "arn:aws:redshift:*:*:*",
                 *(f"{start}workgroup/{digit}*" for digit in "02468ace")]

    def some(values):
        chosen = dice.sample(values, dice.randint(1, min(3, len(values))))
        return chosen if len(chosen) > 1 or dice.random() < 0.5 else chosen[0]

    def statement():
        action = "NotAction" if dice.random() < 0.15 else "Action"
        resource = "NotResource" if dice.random() < 0.15 else "Resource"
        made = {"Effect": "Deny" if dice.random() < 0.25 else "Allow", action: some(ACTIONS), resource: some(resources)}
        condition = {}
        for operator, key, values in dice.sample(CONDITIONS, dice.choice([0, 0, 1, 2])):
            condition.setdefault(operator, {})[key] = some(values)
        return made | ({"Condition": condition} if condition else {})

    return {"Version": "2012-10-17", "Statement": [statement() for _ in range(dice.randint(1, 3))]}


def call(ready, operation, key, secret, token=None):
    """Status and body of the emulator's answer about the workgroup."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"RedshiftServerless.{operation}"}
    body = json.dumps({"workgroupName": WORKGROUP})
    request = AWSRequest("POST", ready["endpoint"] + "/", headers, body)
    SigV4Auth(Credentials(key, secret, token), "redshift-serverless", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(ready["endpoint"].removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/", body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def random_callers(dice):
    """A file of identities, and for each caller what the judge is asked."""
    principals, requests = [], []
    for index in range(CALLERS):
        is_role = dice.random() < 0.5
        # Every key that the conditions name, and no other, so that both sides know the same.
        context = {"app:count": "10", "app:time": "2026-11-27T12:00:00Z", "aws:SourceIp": "203.0.113.7"}
        if dice.random() < 0.7:
            context["app:words"] = dice.sample(["a", "b", "c"], dice.randint(1, 3))
        made = {
            "access_key_id": f"AKID{index}", "secret_access_key": "secret", "context": context,
            "tags": {"team": "data"},
            "policies": [random_document(dice) for _ in range(dice.randint(1, 3))],
        }
        if dice.random() < 0.3:
            made["boundary"] = random_document(dice)
        if is_role:
            made |= {"role": "r", "session_name": "s", "session_token": "token"}
            made["session_policies"] = [random_document(dice) for _ in range(dice.choice([0, 0, 1, 2]))]
        else:
            made["user"] = "alice"
        principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s" if is_role else f"arn:aws:iam::{ACCOUNT}:user/alice"
        keys = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:{'role/r' if is_role else 'user/alice'}",
                "aws:PrincipalTag/team": "data", "aws:SecureTransport": "false"}
        if not is_role:
            keys["aws:username"] = "alice"
        operation = dice.choice(["GetCredentials", "GetWorkgroup"])
        principals.append(made)
        requests.append({
            "principal": principal, "action": f"redshift-serverless:{operation}",
            "context": context | keys, "policies": made["policies"], "boundary": made.get("boundary"),
            "session": made.get("session_policies", []),
        })
    return {"version": 1, "principals": principals}, requests


def found(ready, principal, request):
    """What the emulator does for a caller, in the words of the judge."""
    operation = request["action"].split(":")[1]
    status, body = call(ready, operation, principal["access_key_id"], "secret", principal.get("session_token"))
    if status == 200:
        return "allow"
    if body["__type"] != "AccessDeniedException":
        return f"{body['__type']}: {body['message']}"
    return "deny" if "with an explicit deny in a" in body["message"] else "no"


def main():
    program, modules = sys.argv[1], sys.argv[2]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    if not Path(modules, "@cloud-copilot/iam-simulate").is_dir():
        print("@cloud-copilot/iam-simulate is not here")
        sys.exit(77)
    passed, failed = 0, []

    names, expected, requests = zip(*examples())
    for name, wanted, got in zip(names, expected, judged(modules, requests)):
        # A difference that is gone means that the judge was repaired: its row can go.
        if (wanted != got) == (name in JUDGE_DIFFERS):
            passed += 1
        else:
            failed.append(f"example \"{name}\": the guide says {wanted}, the judge says {got}")

    file, requests = random_callers(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "identities.json")
        path.write_text(json.dumps(file))
        flags = ["--identities", str(path), "--workgroup", WORKGROUP, "--account", ACCOUNT]
        with serving(program, "emulator", *flags) as ready:
            _, body = call(ready, "GetWorkgroup", ready["access_key_id"], ready["secret_access_key"])
            real = body["workgroup"]["workgroupArn"]
            asked = [request | {"resource": real} for request in requests]
            outcomes = judged(modules, asked)
            for principal, request, wanted in zip(file["principals"], asked, outcomes):
                got = found(ready, principal, request)
                # Who may call the operation on no workgroup is denied before it is known which one is.
                if got == wanted or (wanted, got) == ("deny", "no"):
                    passed += 1
                else:
                    failed.append(f"{json.dumps(request)}: the judge says {wanted}, the emulator {got}")
    # Random policies that all come to the same would show nothing.
    counts = {outcome: outcomes.count(outcome) for outcome in ("allow", "deny", "no")}
    if min(counts.values()) < CALLERS / 10:
        failed.append("the random policies are one-sided")
    print(f"seed {seed}: {counts}")
    for line in failed:
        print("FAILED", line)
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
