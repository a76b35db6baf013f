"""What the rows of aws_rows.py look for in what came, and in what the program wrote and said."""

import datetime
import json
import re

import aws_stand_in as aws

HOME = "us-east-1"
SERVICE = aws.hosts(aws.SERVICE, HOME)["plain"]


# What is wrong with what came.


def signs_for(region):
    def check(requests, _):
        wrong = {request.scope for request in requests if request.key} - {f"{region}/{aws.SERVICE}"}
        return [f"a signature is for {scope}" for scope in wrong]

    return check


def one_signs(requests, stand_in):
    yield from signs_for(HOME)(requests, stand_in)
    keys = {request.key for request in requests}
    if len(keys) != 1 or None in keys:
        yield f"expected one key that signs everything, found {keys}"
    *before, last = stand_in.connected()
    known = {
        host
        for region in aws.REGIONS
        for service in ["sts", "portal.sso", "oidc"]
        for host in aws.hosts(service, region).values()
    }
    if last != SERVICE or not set(before) <= known:
        yield f"expected the service behind what gives out credentials, found {stand_in.connected()}"


# What a run asks for where the workgroup is to be one that nobody has.
NOBODYS = re.compile(r"[a-z0-9]{20,}|[a-z0-9]{3}|-[a-z0-9]{20}|[a-z0-9]{20}-|[a-z0-9]{10}--[a-z0-9]{10}|-{64}")


def one_workgroup(requests, _):
    for request in requests:
        name = request.workgroup
        if (
            isinstance(name, str)
            and name != aws.WORKGROUP
            and re.fullmatch("[a-z0-9-]{3,64}", name)
            and not NOBODYS.fullmatch(name)
        ):
            yield f"it asked for the workgroup {name}, which somebody may have"
        if re.match("create|update|delete|tag|untag|put|restore", request.operation, re.IGNORECASE):
            yield f"it called {request.operation}"
    if not any(request.workgroup == aws.WORKGROUP for request in requests):
        yield "it never asked for the workgroup that is allowed"


def nothing_raw(requests, stand_in):
    """Beside what `one_workgroup` finds."""
    yield from one_workgroup(requests, stand_in)
    for request in requests:
        if request.key is None or request.method != "POST":
            yield f"it sent a {request.method} that is not signed as it should be"
        try:
            json.loads(request.body)
        except ValueError:
            yield f"it sent the body {request.body!r}"


def tagged(requests, _):
    for request in requests:
        if request.operation.startswith("Create"):
            tags = json.loads(request.body).get("tags", [])
            if not any(tag["key"] == "countersign-run" for tag in tags):
                yield f"{request.operation} has no tag of the run"


# What is wrong with what it wrote and said.


def at_most(calls):
    def reads(files, _, requests):
        # One of the calls is the question to STS.
        if not calls - 5 <= len(requests) + 1 <= calls:
            yield f"expected about {calls} calls with that to STS, found {len(requests) + 1}"

    return reads


def as_planned(calls):
    def reads(files, said, requests):
        yield from at_most(calls)(files, said, requests)
        planned = re.search(r"at most (\d+) calls for", said)
        if not planned or int(planned[1]) != len(requests):
            yield f"expected the {planned and planned[1]} calls of the plan, found {len(requests)}"
        musts = re.search(r"they decide (\d+) of (\d+) must-requirements", said)
        features = json.loads(files["then.json"])["summary"]["features"].values()
        decided = [str(sum(feature[part] for feature in features)) for part in ["decided", "must"]]
        if not musts or list(musts.groups()) != decided:
            yield f"expected {musts and musts[0]}, found {decided}"

    return reads


def no_faster_than(rate):
    def reads(_, __, requests):
        dates = [datetime.datetime.strptime(request.fields["x-amz-date"], "%Y%m%dT%H%M%SZ") for request in requests]
        dates.sort()
        took = (dates[-1] - dates[0]).total_seconds()
        # A date has whole seconds.
        if took < (len(requests) - 1) / rate - 1:
            yield f"{len(requests)} requests took {took} s"

    return reads


def recorded(least):
    def reads(files, _, requests):
        found = {name: json.loads(text) for name, text in files.items() if name.startswith("recordings/")}
        if len(found) < least:
            yield f"expected {least} recordings, found {len(found)}"
        for name, recording in found.items():
            if recording["of"] != "aws":
                yield f"{name} is of {recording['of']}"

    return reads
