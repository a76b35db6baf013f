#!/usr/bin/env python3
"""What harness/docs/aws.md tells somebody with an account to type is typed, where AWS is a stand-in.

Usage: aws_page_is_true.py COUNTERSIGN

Needs boto3, ip and openssl. Works in a namespace without a route (aws_stand_in.py). The callers there have the first
policy of the page and no other right, and both of its policies once the page allows cases to create something. Each
command must end with exit code 0 and say what the page shows; the service must be asked as often as the page says;
nothing may be left of what cases create; and boto3 must find everything denied that the policies do not allow.

Prints one line a check, then `N passed, M failed`. Where no such namespace can be made, it says so and ends with 77.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import aws_services
import aws_stand_in as aws
import boto3
import botocore.exceptions
import credentials_as_botocore_finds_them as sources
import requests_stay_on_the_machine as namespace
from aws_findings import one_workgroup, tagged
from aws_rows import both, both_of
from checks import check, exit_code
from leaks import leaks
from pages import DOCS, blocks, commands, is_shown, type_into_shell
from without_a_route import sent_elsewhere

SECONDS = 120
KEY = "AKIAUSER"


def denied_beside(client, name, **parameters):
    """Whether an operation is denied."""
    try:
        getattr(client, name)(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] == "AccessDeniedException"
    return False


def client_of(stand_in):
    return boto3.client(
        aws.SERVICE,
        region_name="us-east-1",
        verify=stand_in.certificates.authority,
        aws_access_key_id=KEY,
        aws_secret_access_key=aws_services.KNOWN[KEY][0],
    )


def try_policy(stand_in):
    client = client_of(stand_in)
    given = client.get_credentials(workgroupName=aws.WORKGROUP)
    check("the policy allows the call for the workgroup", given["dbPassword"])
    names = {"workgroupName": aws.WORKGROUP}
    others = {
        "get_credentials": {"workgroupName": aws.SOMEBODY_ELSES},
        "get_workgroup": names,
        "delete_workgroup": names,
        "list_workgroups": {},
        "list_namespaces": {},
        "update_workgroup": {**names, "baseCapacity": 8},
        "create_namespace": {"namespaceName": "new-one"},
        "delete_namespace": {"namespaceName": aws.WORKGROUP},
    }
    for operation, parameters in others.items():
        check(f"the policy denies {operation} {parameters}", denied_beside(client, operation, **parameters))


def try_policy_to_create(stand_in):
    """What has the tag of a run may be made, changed and deleted, and nothing else."""
    client = client_of(stand_in)
    ours = {"tags": [{"key": "countersign-run", "value": "7"}]}
    client.create_namespace(namespaceName="made-by-a-run", **ours)
    client.delete_namespace(namespaceName="made-by-a-run")
    others = {
        "create_namespace": {"namespaceName": "new-one"},
        "create_workgroup": {"workgroupName": "new-one", "namespaceName": aws.WORKGROUP},
        "get_credentials": {"workgroupName": aws.SOMEBODY_ELSES},
        "delete_namespace": {"namespaceName": aws.SOMEBODY_ELSES},
        "delete_workgroup": {"workgroupName": aws.SOMEBODY_ELSES},
        "update_workgroup": {"workgroupName": aws.SOMEBODY_ELSES, "baseCapacity": 8},
        "tag_resource": {
            "resourceArn": client.get_workgroup(workgroupName=aws.SOMEBODY_ELSES)["workgroup"]["workgroupArn"],
            **ours,
        },
    }
    for operation, parameters in others.items():
        denied = denied_beside(client, operation, **parameters)
        check(f"the policy to create denies {operation} {parameters}", denied)


def try_commands(page, stand_in, program, folder, policies):
    typed = commands(page)
    check("the page shows commands", len(typed) > 15, typed)
    counts = dict(re.findall(r"^\| `(countersign [^`]*)` \| (\d+) \|$", page, re.M))
    (folder / "bin").mkdir()
    (folder / "bin/countersign").symlink_to(program)
    profile = f"[profile countersign]\n{sources.keys_of(KEY)}"
    (folder / "config").write_text(profile)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COUNTERSIGN_", "XDG_"))}
    environment = kept | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SSL_CERT_FILE": stand_in.certificates.authority,
        "COUNTERSIGN_LOG": "trace",
        # The stand-in needs no mercy; aws_rows.py tries the rate of a run that names none.
        "COUNTERSIGN_RATE": "1000",
    }
    exports, counted, said, requests, hosts = [], set(), "", [], []
    for command, shown in typed:
        if "--allow-create" in command and stand_in.policy != both_of(policies):
            requests, hosts = stand_in.requests(), stand_in.connected()
            stand_in.begin(policy=both_of(policies))
        before = len(stand_in.requests())
        [(output, code)], errors = type_into_shell(exports, [command], SECONDS, env=environment, cwd=folder)
        name = command.splitlines()[0]
        check(f"{name} is exit 0", code == "0", (code, output, errors[-2000:]))
        check(f"{name} says what is shown", is_shown(shown, output), output)
        said += output + errors
        if command.startswith(("export ", "unset ")):
            exports.append(command)
        for short, calls in counts.items():
            if re.fullmatch(rf"{re.escape(short)}( --report-\S+ \S+)*", command):
                counted.add(short)
                found = len(stand_in.requests()) - before
                check(f"{name} asks the service {calls} times", found == int(calls), found)
    check("the table counts the calls of commands of the page", counted == set(counts) and counts, counts)
    files = [*folder.glob("aws*"), *folder.glob("recordings/aws/**/*.json")]
    check("the reports and recordings are there", len(files) > 300, len(files))
    files = "".join(file.read_text(errors="replace") for file in files)
    shown = leaks(said + files, stand_in.secrets())
    check("no secret is in what the commands say, log and write", not shown, shown)
    check(
        "no account and no database user is in the reports and recordings",
        aws.ACCOUNT not in files and f"IAM:{KEY.lower()}" not in files,
    )
    wrong = list(one_workgroup(requests, stand_in))
    check("the commands ask for the one workgroup until cases may create something", not wrong, wrong)
    wrong = list(tagged(stand_in.requests(), stand_in))
    check("what cases create has the tag of the run", not wrong, wrong)
    check("nothing that cases create is left", not stand_in.left(), stand_in.left())
    for found in [hosts, stand_in.connected()]:
        check("the hosts are those of STS and of the service", found == both(), found)
    check("nothing is asked of a resolver", not stand_in.names.names, stand_in.names.names)
    check("nothing is meant for another machine", sent_elsewhere() == 0)


def inside(program, _):
    page = (DOCS / "aws.md").read_text()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as reader:
        try:
            stand_in = aws.StandIn(program, folder)
        except (OSError, subprocess.CalledProcessError) as error:
            return namespace.skipped(f"the namespace cannot be set up: {error}")
        try:
            policies = [json.loads(block) for block in blocks(page, "json")]
            check("the page has a policy, and another one for what cases create", len(policies) == 2, policies)
            stand_in.begin(policy=policies[0])
            try_commands(page, stand_in, program, Path(reader), policies)
            stand_in.begin(policy=policies[0])
            try_policy(stand_in)
            stand_in.begin(policy=both_of(policies))
            try_policy_to_create(stand_in)
            check("the stand-in found nothing wrong", not stand_in.stands.wrong, stand_in.stands.wrong)
        finally:
            stand_in.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(namespace.isolated(__file__, inside))
