"""The table of aws_without_aws.py: the commands that ask AWS, and what must come of each."""

import json
import signal
import sys

import aws_stand_in as aws
import credentials_as_botocore_finds_them as sources
from aws_findings import (
    HOME,
    SERVICE,
    as_planned,
    at_most,
    no_faster_than,
    nothing_raw,
    one_signs,
    one_workgroup,
    recorded,
    signs_for,
    tagged,
)
from pages import DOCS, ROOT, blocks

REDIRECTS_AT = 8302
STS = aws.hosts("sts", HOME)["plain"]
KEYS = sources.TEMPORARY


class Row:
    """A command, and what must come of it: its exit code, what it says, the hosts that TLS is asked for in this order
    (None where `check` looks at them), and which of them no request may reach. `check` and `reads` find more that is
    wrong: with the requests and the stand-in, and with the files that it wrote, what it said, and the requests.

    `stop` sends a signal once an operation was called. `then` are further commands in the same folder, which must end
    with exit code 0. All of them together ask `identities` times whose account it is.

    The others are those of the stand-in: `account`, `policy`, `shown` and `redirects`.
    """

    def __init__(
        self,
        name,
        arguments,
        code,
        asked=(),
        said=(),
        quiet=(),
        check=None,
        reads=None,
        variables=KEYS,
        files=None,
        stop=None,
        then=(),
        identities=1,
        **stand_in,
    ):
        self.name, self.arguments, self.code, self.said = name, arguments, code, said
        self.asked, self.quiet = asked if asked is None else list(asked), quiet
        self.check, self.reads = check, reads
        self.variables, self.files, self.stand_in = variables, files or {}, stand_in
        self.stop, self.then, self.identities = stop, then, identities


def allow(region=HOME, workgroup=aws.WORKGROUP):
    return ["--allow-aws", f"{aws.ACCOUNT}/{region}/{workgroup}"]


def to(region=HOME, workgroup=aws.WORKGROUP):
    return ["--target", "aws", "--region", region, "--workgroup", workgroup]


def both(region=HOME, form="plain"):
    """The hosts that an allowed run asks: STS, and the service."""
    return [aws.hosts("sts", region)["plain"], aws.hosts(aws.SERVICE, region)[form]]


def run(name, arguments, code, asked=(), **more):
    """A run of a few cases."""
    return Row(name, ["run", "success", *arguments], code, asked, **more)


def of_sources():
    """Every source of credentials that `sources` has."""
    for name, files, variables, refused in sources.table():
        if refused is None:
            yield run(
                f"source, {name}",
                [*to(), *allow()],
                0,
                None,
                said=["5 pass", "0 violated"],
                check=one_signs,
                variables=variables,
                files=files,
            )


def of_partitions():
    for region in aws.REGIONS:
        yield run(f"region, {region}", [*to(region), *allow(region)], 0, both(region), check=signs_for(region))
        yield Row(
            f"region, {region}, doctor",
            ["doctor", *to(region), *allow(region)],
            0,
            both(region),
            check=signs_for(region),
        )
    for region in [HOME, "cn-north-1"]:
        for form in aws.FORMS[1:]:
            url = f"https://{aws.hosts(aws.SERVICE, region)[form]}/"
            yield run(
                f"region, {region}, {form}",
                ["--endpoint", url, *to(region)[2:], *allow(region)],
                0,
                both(region, form),
                check=signs_for(region),
            )


def of_certificates():
    words = {
        "another host": "for name",
        "expired": "expired",
        "unknown authority": "UnknownIssuer",
        "signed by itself": "UnknownIssuer",
    }
    for wrong in aws.WRONG:
        for command in ["run", "doctor"]:
            yield Row(
                f"certificate, {wrong}, of STS, {command}",
                [command, *to(), *allow()],
                3,
                [STS],
                quiet=[STS],
                said=["cannot reach STS", words[wrong]],
                shown={"sts": wrong},
            )
            yield Row(
                f"certificate, {wrong}, of the service, {command}",
                [command, *to(), *allow()],
                3,
                [STS, SERVICE],
                quiet=[SERVICE],
                said=[words[wrong]],
                shown={aws.SERVICE: wrong},
            )
    nobody = {**KEYS, "SSL_CERT_FILE": ""}
    yield run(
        "certificate, nobody is trusted",
        [*to(), *allow()],
        3,
        [STS],
        quiet=[STS],
        said=["UnknownIssuer", "--ca-file"],
        variables=nobody,
    )
    yield run("certificate, by --ca-file", [*to(), *allow(), "--ca-file", "authority.pem"], 0, both(), variables=nobody)
    yield run("certificate, unchecked", [*to(), *allow(), "--insecure"], 6, said=["always checked"])


def of_refusals():
    commands = {
        "run": ["run", "success"],
        "doctor": ["doctor"],
        "baseline": ["baseline", "write", "b.json"],
        "record": ["record", "recordings"],
        "cleanup": ["cleanup", "--tagged"],
    }
    look_alike = ["--endpoint", f"https://{aws.SERVICE}.us-east-1.\u0430mazonaws.com", "--workgroup", aws.WORKGROUP]
    for name, command in commands.items():
        yield Row(f"refused, no allow-list, {name}", [*command, *to()], 6)
        yield Row(f"refused, another region, {name}", [*command, *to("eu-west-1"), *allow()], 6)
        yield Row(f"refused, another workgroup, {name}", [*command, *to(workgroup=aws.SOMEBODY_ELSES), *allow()], 6)
        yield Row(f"refused, a look-alike, {name}", [*command, *look_alike, *allow()], 6)
        yield Row(
            f"refused, the endpoint of a profile, {name}",
            [*command, "--workgroup", aws.WORKGROUP],
            6,
            files={"aws-config": f"[default]\nendpoint_url = https://{SERVICE}\n"},
        )
        yield Row(
            f"refused, another account, {name}",
            [*command, *to(), *allow()],
            6,
            [STS],
            said=["another account"],
            account="999999999999",
        )
    for command in [["run"], ["record", "recordings"]]:
        for flag, does in {
            "--allow-create": ["lifecycle", "--claim", "provisioning"],
            "--allow-raw": ["signature"],
        }.items():
            yield Row(f"refused without {flag}, {command[0]}", [*command, *does, *to(), *allow()], 6, said=[flag])
    yield run("refused without --allow-raw, no signature", ["--no-sign", *to(), *allow()], 6, said=["--allow-raw"])
    yield run("refused, too few calls", [*to(), *allow(), "--max-calls", "1"], 2, said=["makes 2 calls before"])


def of_redirects():
    for command in ["run", "doctor"]:
        at_home = ["--endpoint", f"http://127.0.0.1:{REDIRECTS_AT}", "--workgroup", aws.WORKGROUP]
        yield Row(
            f"redirect, from loopback to AWS, {command}", [command, *at_home], 6, said=["not followed", "real AWS"]
        )
        yield Row(
            f"redirect, from AWS to another host, {command}",
            [command, *to(), *allow()],
            2,
            both(),
            said=["elsewhere.example", "not followed"],
            redirects="https://elsewhere.example/",
        )
        yield Row(
            f"redirect, from AWS to another region, {command}",
            [command, *to(), *allow()],
            6,
            both(),
            said=["not followed"],
            redirects=f"https://{both('eu-west-1')[1]}/",
        )


def policy(effect, workgroup=aws.WORKGROUP_ID):
    arn = f"arn:aws:redshift-serverless:{HOME}:{aws.ACCOUNT}:workgroup/{workgroup}"
    return {
        "Version": "2012-10-17",
        "Statement": {"Effect": effect, "Action": "redshift-serverless:GetCredentials", "Resource": arn},
    }


def of_the_whole():
    least = policy("Allow")
    yield Row(
        "every case, with the least rights",
        ["run", *to(), *allow(), "--max-calls", "400", "--allow-raw"],
        0,
        both(),
        said=["conformant for core, signature"],
        check=one_workgroup,
        policy=least,
    )
    yield Row(
        "every case that sends nothing malformed, with the least rights",
        ["run", *to(), *allow(), "--max-calls", "400"],
        0,
        both(),
        said=["77 cases left out", "only with --allow-raw"],
        check=nothing_raw,
        policy=least,
    )
    yield Row(
        "doctor, with the least rights",
        ["doctor", *to(), *allow()],
        0,
        both(),
        said=["nothing stands in the way"],
        check=one_workgroup,
        policy=least,
    )
    yield Row(
        "a baseline, with the least rights",
        ["baseline", "write", "b.json", *to(), *allow()],
        0,
        both(),
        check=one_workgroup,
        policy=least,
    )
    yield run(
        "without any rights",
        [*to(), *allow()],
        2,
        both(),
        said=["the policy of their identity lacks"],
        policy=policy("Deny"),
    )
    yield run(
        "with rights for another workgroup",
        [*to(), *allow()],
        2,
        both(),
        said=["the policy of their identity lacks"],
        policy=policy("Allow", aws.WORKGROUP_ID.replace("1", "2")),
    )
    yield Row("the settings", ["config", "show", *to(), *allow()], 0)
    yield Row("a plan", ["run", "--dry-run", *to(), *allow()], 0, said=["nothing was sent"])
    # An SDK under test is asked about loopback alone, whatever the environment names.
    named = {
        **KEYS,
        "AWS_ENDPOINT_URL": f"https://{SERVICE}",
        "COUNTERSIGN_TARGET": "aws",
        "COUNTERSIGN_ALLOW_AWS": allow()[1],
    }
    driver = [sys.executable, str(ROOT / "harness/drivers/python/boto3_driver.py")]
    yield Row(
        "an SDK behind its driver",
        ["sdk", "run", "requests/minimal", "--", *driver],
        0,
        said=["1 pass"],
        variables=named,
    )


def of_budgets():
    yield Row(
        "a budget of 60, where none is named",
        ["run", *to(), *allow()],
        0,
        both(),
        said=["60 of 60 calls"],
        reads=at_most(60),
    )
    # The plan comes first, so that the run can be held against it.
    yield Row(
        "a budget of 40, which decides what the plan says",
        ["run", "--dry-run", *to(), *allow(), "--max-calls", "40"],
        0,
        both(),
        said=["40 of 40 calls"],
        reads=as_planned(40),
        then=[["run", *to(), *allow(), "--max-calls", "40", "--report-json", "then.json"]],
    )
    yield Row(
        "a budget of 40, of a baseline",
        ["baseline", "write", "b.json", *to(), *allow(), "--max-calls", "40"],
        0,
        both(),
        reads=at_most(40),
    )
    for command in [["run"], ["record", "recordings"]]:
        yield Row(
            f"a rate of 2 a second, where none is named, {command[0]}",
            [*command, "success", *to(), *allow()],
            0,
            both(),
            variables={**KEYS, "COUNTERSIGN_RATE": None},
            reads=no_faster_than(2),
        )


def of_recordings():
    record = ["record", "recordings", *to(), *allow()]
    yield Row(
        "recordings, with the least rights",
        [*record, "--max-calls", "400", "--allow-raw"],
        0,
        both(),
        said=["of real AWS", "0 contradicted", "confirmed by recordings of real AWS"],
        check=one_workgroup,
        reads=recorded(300),
        then=[
            ["validate", "--recordings", "recordings"],
            ["run", "success", "--target", "emulator", "--recordings", "recordings"],
        ],
        policy=policy("Allow"),
    )
    yield Row(
        "recordings, a little each time",
        [*record, "--max-calls", "200", "--stale", "180d"],
        0,
        both(),
        said=["still missing: ", "the same command again records more"],
        check=nothing_raw,
        reads=recorded(250),
        then=[[*record, "--max-calls", "200", "--stale", "180d"]] * 2,
        identities=3,
    )
    yield Row("recordings, 60 calls", record, 0, both(), said=["with --stale 180d goes on"], reads=at_most(60))
    yield Row("recordings of nothing", ["validate", "--recordings", "."], 2, said=["`countersign record` writes them"])


def of_provisioning():
    makes = ["lifecycle", *to(), *allow(), "--claim", "provisioning", "--allow-create", "--max-calls", "2000"]
    clean = ["cleanup", *to(), *allow()]
    yield Row("what cases make", ["run", *makes], 0, both(), said=["4 pass"], check=tagged, policy=to_create())
    yield Row("nothing to clean up", clean, 0, said=["nothing is left behind"])
    for operation in ["CreateNamespace", "CreateWorkgroup", "DeleteNamespace"]:
        yield Row(
            f"a run that is killed at {operation}",
            ["run", *makes],
            -signal.SIGKILL,
            both(),
            stop=(operation, signal.SIGKILL),
            then=[clean, clean],
            said=["nothing is left behind"],
            identities=2,
            policy=to_create(),
        )
    yield Row(
        "a run that is killed, its journal lost",
        ["run", *makes, "--seed", "7", "--leftovers", "lost.jsonl"],
        -signal.SIGKILL,
        both(),
        stop=("CreateWorkgroup", signal.SIGKILL),
        then=[[*clean, "--tagged", "7"]],
        said=["deleted: namespace"],
        identities=2,
        policy=to_create(),
    )
    yield Row(
        "a run that is interrupted",
        ["run", *makes],
        130,
        both(),
        stop=("CreateWorkgroup", signal.SIGINT),
        policy=to_create(),
    )
    yield Row("what cases make, for recordings", ["record", "r", *makes], 0, both(), check=tagged, policy=to_create())
    yield Row(
        "recordings that are interrupted",
        ["record", "r", *makes],
        130,
        both(),
        stop=("CreateWorkgroup", signal.SIGINT),
        policy=to_create(),
    )


def to_create():
    """The policies of the page together."""
    return both_of([json.loads(block) for block in blocks((DOCS / "aws.md").read_text(), "json")])


def both_of(policies):
    """Several policies as one."""
    return {**policies[0], "Statement": [statement for policy in policies for statement in policy["Statement"]]}


def table():
    parts = [of_sources, of_partitions, of_certificates, of_refusals, of_redirects, of_the_whole]
    for part in [*parts, of_budgets, of_recordings, of_provisioning]:
        yield from part()
