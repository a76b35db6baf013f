"""The table of aws_without_aws.py: the commands that ask AWS, and what must come of each."""

import re
import sys

import aws_stand_in as aws
import credentials_as_botocore_finds_them as sources
from pages import ROOT

HOME = "us-east-1"
REDIRECTS_AT = 8302
STS, SERVICE = aws.hosts("sts", HOME)["plain"], aws.hosts(aws.SERVICE, HOME)["plain"]
KEYS = sources.TEMPORARY


class Row:
    """A command, and what must come of it: its exit code, what it says, the hosts that TLS is asked for in this order
    (None where `check` looks at them), and which of them no request may reach. `check` finds more that is wrong.

    The others are those of the stand-in: `account`, `policy`, `shown` and `redirects`.
    """

    def __init__(
        self, name, arguments, code, asked=(), said=(), quiet=(), check=None, variables=KEYS, files=None, **stand_in
    ):
        self.name, self.arguments, self.code, self.said = name, arguments, code, said
        self.asked, self.quiet, self.check = asked if asked is None else list(asked), quiet, check
        self.variables, self.files, self.stand_in = variables, files or {}, stand_in


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
        "cleanup": ["cleanup"],
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
        if name != "cleanup":
            yield Row(
                f"refused, another account, {name}",
                [*command, *to(), *allow()],
                6,
                [STS],
                said=["another account"],
                account="999999999999",
            )
    yield Row(
        "refused, cleanup of what is allowed", ["cleanup", *to(), *allow()], 6, said=["nothing is made at real AWS"]
    )
    yield run("refused, cases that make something", ["lifecycle", *to(), *allow(), "--claim", "provisioning"], 6)


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
        ["run", *to(), *allow()],
        0,
        both(),
        said=["conformant for core, signature"],
        check=one_workgroup,
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
    yield Row("a plan", ["run", "--dry-run", *to(), *allow()], 0)
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


def table():
    for part in [of_sources, of_partitions, of_certificates, of_refusals, of_redirects, of_the_whole]:
        yield from part()
