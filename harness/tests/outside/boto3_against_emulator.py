"""An unmodified boto3 client against `countersign serve emulator`.

Usage: python boto3_against_emulator.py PATH_TO_COUNTERSIGN_BINARY

Needs boto3 and the standard library. Prints one line a check, then `N passed, M failed`; exit code 1
if one failed. Every answer is also held against botocore's own model of the service as it came
over the wire, since the client forgives much when it reads it.
"""

import json
import os
import re
import sys
import tempfile
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from checks import check, clean_environment, exit_code, group
from serving import serving

WORKGROUP = "boto3-check"
OTHERS = ["other-workgroup", "a-third-workgroup"]
DOMAIN = "db.boto3-check.example.com"
READY_KEYS = {
    "endpoint", "region", "account", "workgroups", "custom_domains", "access_key_id", "secret_access_key",
}
# From a call to its nextRefreshTime: the one public record of a real answer.
REFRESH_SECONDS = 7200

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# RFC 3339 in UTC: how the model's `iso8601` is written.
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")

# Of each operation: how many answers came, and what in them is not as the model says.
answers = {}


def emulator(binary, *flags, **environment):
    """Runs an emulator that has the workgroups and the custom domain."""
    named = [f"--workgroup={name}" for name in [WORKGROUP, *OTHERS]] + [f"--custom-domain={DOMAIN}={WORKGROUP}"]
    return serving(binary, "emulator", *named, *flags, **environment)


def client(ready, key=None, secret=None, token=None, region=None, unchecked=False):
    """A client of the emulator; an unchecked one sends what it would refuse itself."""
    session = boto3.session.Session()
    caller = session.client(
        "redshift-serverless",
        endpoint_url=ready["endpoint"],
        region_name=region or ready["region"],
        aws_access_key_id=key or ready["access_key_id"],
        aws_secret_access_key=secret or ready["secret_access_key"],
        aws_session_token=token,
        config=Config(
            retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=5,
            parameter_validation=not unchecked,
        ),
    )
    model = caller.meta.service_model

    def received(event_name, response_dict, **_):
        if response_dict is None:
            return
        operation = model.operation_model(event_name.rsplit(".", 1)[1])
        faults = answers.setdefault(operation.name, [0, []])
        faults[0] += 1
        faults[1] += faults_of_answer(operation, response_dict["status_code"], json.loads(response_dict["body"]))

    caller.meta.events.register("response-received", received)
    return caller


def faults_of_answer(operation, status, body):
    """What in an answer is not as the model says. An error that is not listed has a name and a message."""
    if status == 200:
        return faults_of(operation.output_shape, body, "")
    name = body.pop("__type", None)
    listed = {shape.error_code: shape for shape in operation.error_shapes}
    if name in listed:
        return faults_of(listed[name], body, name)
    return [] if name and isinstance(body.get("message"), str) else [f"{body}: no name or no message"]


def faults_of(shape, value, at):
    """What in a value is not as its shape says."""
    kinds = {
        "structure": dict, "list": list, "string": str, "boolean": bool, "integer": int, "long": int,
        "timestamp": str if shape.serialization.get("timestampFormat") == "iso8601" else (int, float),
    }
    if not isinstance(value, kinds[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        return [f"{at}: {value!r} for a {shape.type_name}"]
    if shape.type_name == "structure":
        faults = [f"{at}/{name}: not in the model" for name in value if name not in shape.members]
        faults += [f"{at}/{name}: required" for name in shape.required_members if name not in value]
        known = [(name, shape.members[name]) for name in value if name in shape.members]
        return faults + [fault for name, member in known for fault in faults_of(member, value[name], f"{at}/{name}")]
    if shape.type_name == "list":
        return [fault for index, item in enumerate(value) for fault in faults_of(shape.member, item, f"{at}/{index}")]
    if shape.type_name == "timestamp":
        return [f"{at}: {value!r} for a date"] if isinstance(value, str) and not DATE_TIME.fullmatch(value) else []
    size, limits = len(value) if isinstance(value, str) else value, shape.metadata
    right = limits.get("min", size) <= size <= limits.get("max", size)
    if isinstance(value, str):
        right = right and re.search(limits.get("pattern", ""), value) and value in (shape.enum or [value])
    return [] if right else [f"{at}: {value!r} breaks a constraint"]


def check_answers():
    """Everything that came since the last time is as the model says."""
    for operation, (count, faults) in sorted(answers.items()):
        check(f"the answers of {operation} ({count}) are as the model says", not faults, faults)
    answers.clear()


def check_success(name, caller, seconds, **request):
    with group(name):
        before = datetime.now(timezone.utc)
        answer = caller.get_credentials(**request)
        meta = answer["ResponseMetadata"]
        check(f"{name}: status 200", meta["HTTPStatusCode"] == 200, meta["HTTPStatusCode"])
        check(f"{name}: a request id", len(meta.get("RequestId", "")) == 36)
        check(f"{name}: dbPassword is a text of 64 characters or more",
              isinstance(answer["dbPassword"], str) and len(answer["dbPassword"]) >= 64)
        check(f"{name}: dbUser is a text", answer["dbUser"] == "IAM:countersign", answer["dbUser"])
        for member, after in (("expiration", seconds), ("nextRefreshTime", REFRESH_SECONDS)):
            value = answer[member]
            aware = isinstance(value, datetime) and value.tzinfo is not None
            check(f"{name}: {member} is a datetime with a time zone", aware, repr(value))
            off = abs((value - before - timedelta(seconds=after)).total_seconds())
            check(f"{name}: {member} is {after} s from now", off <= 60, f"{off} s off")


def check_error(name, caller, code, typed=True, operation="get_credentials", **request):
    """The call fails with this code, as the client's own exception where the operation lists it."""
    with group(name):
        try:
            getattr(caller, operation)(**request)
        except ClientError as error:
            found = error.response["Error"]["Code"]
            check(f"{name}: {code}", found == code, found)
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            check(f"{name}: status 400", status == 400, status)
            check(f"{name}: a message", error.response["Error"]["Message"])
            if typed:
                check(f"{name}: as its typed exception", isinstance(error, getattr(caller.exceptions, code)), type(error))
            return error
        check(name, False, "no error")


def check_missing(name, caller, missing, **call):
    """The call fails since there is nothing of this name."""
    error = check_error(name, caller, "ResourceNotFoundException", **call)
    if error:
        found = error.response.get("resourceName")
        check(f"{name}: resourceName", found == missing, found)


def check_get_workgroup(ready, caller):
    with group("a workgroup"):
        before = datetime.now(timezone.utc)
        workgroup = caller.get_workgroup(workgroupName=WORKGROUP)["workgroup"]
        again = caller.get_workgroup(workgroupName=WORKGROUP)["workgroup"]
        check("a workgroup stays as it is", workgroup == again, (workgroup, again))
        check("a workgroup has the name it is asked for by", workgroup["workgroupName"] == WORKGROUP)
        region, account, identity = ready["region"], ready["account"], workgroup["workgroupId"]
        arn = f"arn:aws:redshift-serverless:{region}:{account}:workgroup/{identity}"
        check("a workgroup's ARN ends in its id", workgroup["workgroupArn"] == arn, workgroup["workgroupArn"])
        check("a workgroup's id is a UUID", UUID.fullmatch(identity), identity)
        host, endpoint = f"{WORKGROUP}.{account}.{region}.redshift-serverless.amazonaws.com", workgroup["endpoint"]
        check("a workgroup has an endpoint", endpoint == {"address": host, "port": 5439}, endpoint)
        check("a workgroup can be used", workgroup["status"] == "AVAILABLE", workgroup["status"])
        check("a workgroup says whether it is public", workgroup["publiclyAccessible"] is False)
        check("a workgroup has a namespace", workgroup["namespaceName"])
        check("a workgroup has the custom domain that stands for it", workgroup["customDomainName"] == DOMAIN)
        for member, earliest, latest in (
            ("creationDate", before - timedelta(seconds=60), before),
            ("customDomainCertificateExpiryTime", before, before + timedelta(days=400)),
        ):
            value = workgroup[member]
            aware = isinstance(value, datetime) and value.tzinfo is not None
            check(f"a workgroup's {member} is a datetime with a time zone", aware, repr(value))
            check(f"a workgroup's {member} is a likely one", earliest <= value <= latest, value)
        other = caller.get_workgroup(workgroupName=OTHERS[0])["workgroup"]
        check("another workgroup has no custom domain", not any(name.startswith("custom") for name in other), other)
        check("another workgroup has another id", other["workgroupId"] != identity)

    get = {"operation": "get_workgroup"}
    check_missing("a workgroup that is not there", caller, "nobody-has-this", **get, workgroupName="nobody-has-this")
    validation, unchecked = "ValidationException", client(ready, unchecked=True)
    check_error("a workgroup in capitals", caller, validation, **get, workgroupName="ABC")
    check_error("a workgroup of 65 characters", caller, validation, **get, workgroupName="a" * 65)
    check_error("a workgroup of 2 characters", unchecked, validation, **get, workgroupName="ab")
    check_error("no workgroup", unchecked, validation, **get)
    check_error("a number for a workgroup", unchecked, "SerializationException", typed=False, **get, workgroupName=5)


def check_list_workgroups(ready, caller):
    names = sorted([WORKGROUP, *OTHERS])
    with group("all workgroups"):
        answer = caller.list_workgroups()
        workgroups = answer["workgroups"]
        found = [workgroup["workgroupName"] for workgroup in workgroups]
        check("all workgroups are listed, by name", found == names, found)
        check("the last page has no token", "nextToken" not in answer, answer.get("nextToken"))
        got = [caller.get_workgroup(workgroupName=name)["workgroup"] for name in names]
        check("they are listed as get_workgroup shows them", workgroups == got, (workgroups, got))
        own = caller.list_workgroups(ownerAccount=ready["account"])["workgroups"]
        check("the own account has them all", own == workgroups, own)
        others = caller.list_workgroups(ownerAccount="210987654321")
        check("another account has none", others["workgroups"] == [] and "nextToken" not in others, others)

    with group("pages"):
        first = caller.list_workgroups(maxResults=2)
        rest = caller.list_workgroups(maxResults=2, nextToken=first["nextToken"])
        check("a page has as many as were asked for", first["workgroups"] == workgroups[:2], first)
        check("the next page has the rest", rest["workgroups"] == workgroups[2:] and "nextToken" not in rest, rest)
        paginator = caller.get_paginator("list_workgroups")
        for size, count in ((1, 3), (2, 2), (3, 1), (100, 1), (None, 1)):
            pages = list(paginator.paginate(PaginationConfig={"PageSize": size} if size else {}))
            found = [workgroup for page in pages for workgroup in page["workgroups"]]
            check(f"the paginator finds all, {size or 'any number'} a page", found == workgroups, found)
            check(f"the paginator finds {count} pages, {size or 'any number'} a page", len(pages) == count, len(pages))

    listing = {"operation": "list_workgroups"}
    validation, unchecked = "ValidationException", client(ready, unchecked=True)
    check_error("a token that nobody gave", caller, validation, **listing, nextToken="token")
    check_error("an empty token", caller, validation, **listing, nextToken="")
    check_error("0 results", unchecked, validation, **listing, maxResults=0)
    check_error("101 results", caller, validation, **listing, maxResults=101)
    check_error("an account of 11 digits", caller, validation, **listing, ownerAccount="1" * 11)
    check_error("an account of 13 digits", caller, validation, **listing, ownerAccount="1" * 13)
    check_error("an account of letters", caller, validation, **listing, ownerAccount="a" * 12)
    check_error("a text for a number", unchecked, "SerializationException", typed=False, **listing, maxResults="1")


def check_identities(binary, path):
    """Callers of a file: each may do what its policies allow, and a token that has expired is told so."""
    def allowing(*actions):
        actions = [f"redshift-serverless:{action}" for action in actions]
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}

    role = {"role": "analyst", "session_name": "monday", "policies": [allowing("*")], "session_token": "token"}
    principals = [
        {"user": "alice", "policies": [allowing("GetCredentials")]},
        role,
        {**role, "expires": "2020-01-01T00:00:00Z"},
    ]
    for index, principal in enumerate(principals):
        principal.update(access_key_id=f"AKID{index}", secret_access_key="secret")
    with open(path, "w") as file:
        json.dump({"version": 1, "principals": principals}, file)
    with emulator(binary, f"--identities={path}") as ready:
        alice, analyst = client(ready, "AKID0", "secret"), client(ready, "AKID1", "secret", "token")
        for caller, user in ((alice, "IAM:alice"), (analyst, "IAMR:analyst")):
            found = caller.get_credentials(workgroupName=WORKGROUP)["dbUser"]
            check(f"{user} gets its own database user", found == user, found)
        error = check_error("a call that no policy allows", alice, "AccessDeniedException", typed=False,
                            operation="get_workgroup", workgroupName=WORKGROUP)
        if error:
            found = error.response["Error"]["Message"]
            action = "redshift-serverless:GetWorkgroup"
            wanted = (f"User: arn:aws:iam::{ready['account']}:user/alice is not authorized to perform: {action} "
                      f"on resource: arn:aws:redshift-serverless:us-east-1:{ready['account']}:workgroup/* "
                      f"because no identity-based policy allows the {action} action")
            check("a denial says who may not do what", found == wanted, found)
        check("another caller may do it", analyst.get_workgroup(workgroupName=WORKGROUP)["workgroup"])
        check_error("a session token that has expired", client(ready, "AKID2", "secret", "token"),
                    "ExpiredTokenException", typed=False, workgroupName=WORKGROUP)
        check_answers()


def main(binary):
    clean_environment()
    with group("default credentials"), emulator(binary) as ready:
        check("the ready line has its documented keys", set(ready) == READY_KEYS, sorted(ready))
        caller = client(ready)

        check_success("by workgroup", caller, 900, workgroupName=WORKGROUP)
        check_success("by custom domain", caller, 900, customDomainName=DOMAIN)
        check_success("by both", caller, 900, workgroupName=WORKGROUP, customDomainName=DOMAIN)
        check_success("for an hour", caller, 3600, workgroupName=WORKGROUP, durationSeconds=3600)
        check_success("with a database", caller, 900, workgroupName=WORKGROUP, dbName="dev")
        with group("fresh passwords"):
            one, other = (caller.get_credentials(workgroupName=WORKGROUP)["dbPassword"] for _ in range(2))
            check("two calls get two passwords", one != other)

        validation = "ValidationException"
        check_error("899 seconds", caller, validation, workgroupName=WORKGROUP, durationSeconds=899)
        check_error("3601 seconds", caller, validation, workgroupName=WORKGROUP, durationSeconds=3601)
        check_error("a workgroup name in capitals", caller, validation, workgroupName="ABC")
        check_error("a workgroup name of 65 characters", caller, validation, workgroupName="a" * 65)
        check_error("a custom domain of one label", caller, validation, customDomainName="localhost")
        check_error("a database name with a digit first", caller, validation, workgroupName=WORKGROUP, dbName="1dev")
        check_error("a reserved word as a database name", caller, validation, workgroupName=WORKGROUP, dbName="user")
        check_error("no name at all", caller, validation)
        check_error("names that disagree", caller, validation, workgroupName=OTHERS[0], customDomainName=DOMAIN)

        check_missing("an unknown workgroup", caller, "nobody-has-this", workgroupName="nobody-has-this")
        check_missing("an unknown custom domain", caller, "nobody.example.com", customDomainName="nobody.example.com")

        check_get_workgroup(ready, caller)
        check_list_workgroups(ready, caller)

        # Not in the operations' error lists: boto3 has no types for them.
        refused = [
            ("a wrong secret", client(ready, secret="wrong"), "InvalidSignatureException"),
            ("another region", client(ready, region="eu-west-1"), "InvalidSignatureException"),
            ("an unknown key", client(ready, key="AKIAUNKNOWNUNKNOWN12"), "UnrecognizedClientException"),
            ("a session token nobody gave", client(ready, token="token"), "UnrecognizedClientException"),
        ]
        for name, stranger, code in refused:
            check_error(name, stranger, code, typed=False, workgroupName=WORKGROUP)
            check_error(f"{name}, for a list", stranger, code, typed=False, operation="list_workgroups")
        check_error("another operation", caller, "UnknownOperationException", typed=False, operation="list_snapshots")
        check_answers()

    with group("callers with policies"), tempfile.TemporaryDirectory() as folder:
        check_identities(binary, os.path.join(folder, "identities.json"))

    chosen = {"COUNTERSIGN_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "COUNTERSIGN_SESSION_TOKEN": "the-token"}
    with group("chosen credentials"), emulator(binary, **chosen) as ready:
        check("the access key id can be chosen", ready["access_key_id"] == "AKIAIOSFODNN7EXAMPLE")
        check_success("with its session token", client(ready, token="the-token"), 900, workgroupName=WORKGROUP)
        for name, token in (("a wrong session token", "other-token"), ("a missing session token", None)):
            stranger = client(ready, token=token)
            check_error(name, stranger, "UnrecognizedClientException", typed=False, workgroupName=WORKGROUP)

    with group("another region"), emulator(binary, "--region", "cn-north-1") as ready:
        workgroup = client(ready).get_workgroup(workgroupName=WORKGROUP)["workgroup"]
        arn, address = workgroup["workgroupArn"], workgroup["endpoint"]["address"]
        start = f"arn:aws-cn:redshift-serverless:cn-north-1:{ready['account']}:workgroup/"
        check("the ARN is of the region's partition", arn.startswith(start), arn)
        check("the endpoint is of the region's partition", address.endswith(".amazonaws.com.cn"), address)
        check_answers()

    return exit_code()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
