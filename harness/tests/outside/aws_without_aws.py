#!/usr/bin/env python3
"""The way to real AWS, gone whole without AWS.

Usage: aws_without_aws.py COUNTERSIGN [NAME ...]

Needs botocore, ip and openssl. Runs the program in a namespace without a route, where the real host names of AWS lead
to a stand-in (aws_stand_in.py). The program itself is unchanged. Each row of the table is a command, with what must
come of it: its exit code, what it says, and what arrived. In every row, no name may be asked of a resolver, no packet
may be meant for another machine, and no secret may be in anything that the program said, logged or wrote.

Prints a line for each row. Ends with `N passed, M failed`; exit code 1 if one failed. Where no such namespace can be
made, it says so and ends with 77, or with 1 where COUNTERSIGN_MUST_ISOLATE is set.
"""

import base64
import errno
import html
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from pathlib import Path

import aws_services
import aws_stand_in as aws
import credentials_as_botocore_finds_them as sources
import requests_stay_on_the_machine as namespace

ROOT = Path(__file__).resolve().parents[3]
HOME = "us-east-1"
REDIRECTS_AT = 8302
STS, SERVICE = aws.hosts("sts", HOME)["plain"], aws.hosts(aws.SERVICE, HOME)["plain"]
KEYS = sources.TEMPORARY
REPORTS = ["jsonl", "json", "junit", "html", "md"]


# The table.

class Row:
    """A command, and what must come of it: its exit code, what it says, the hosts that TLS is asked for in this order
    (None where `check` looks at them), and which of them no request may reach. `check` finds more that is wrong.

    The others are those of the stand-in: `account`, `policy`, `shown` and `redirects`.
    """

    def __init__(self, name, arguments, code, asked=(), said=(), quiet=(), check=None, variables=KEYS, files=None, **stand_in):
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
            yield run(f"source, {name}", [*to(), *allow()], 0, None, said=["5 pass", "0 violated"], check=one_signs, variables=variables, files=files)


def of_partitions():
    for region in aws.REGIONS:
        yield run(f"region, {region}", [*to(region), *allow(region)], 0, both(region), check=signs_for(region))
        yield Row(f"region, {region}, doctor", ["doctor", *to(region), *allow(region)], 0, both(region), check=signs_for(region))
    for region in [HOME, "cn-north-1"]:
        for form in aws.FORMS[1:]:
            url = f"https://{aws.hosts(aws.SERVICE, region)[form]}/"
            yield run(f"region, {region}, {form}", ["--endpoint", url, *to(region)[2:], *allow(region)], 0, both(region, form), check=signs_for(region))


def of_certificates():
    words = {"another host": "for name", "expired": "expired", "unknown authority": "UnknownIssuer", "signed by itself": "UnknownIssuer"}
    for wrong in aws.WRONG:
        for command in ["run", "doctor"]:
            yield Row(f"certificate, {wrong}, of STS, {command}", [command, *to(), *allow()], 3, [STS], quiet=[STS],
                      said=["cannot reach STS", words[wrong]], shown={"sts": wrong})
            yield Row(f"certificate, {wrong}, of the service, {command}", [command, *to(), *allow()], 3, [STS, SERVICE], quiet=[SERVICE],
                      said=[words[wrong]], shown={aws.SERVICE: wrong})
    nobody = {**KEYS, "SSL_CERT_FILE": ""}
    yield run("certificate, nobody is trusted", [*to(), *allow()], 3, [STS], quiet=[STS], said=["UnknownIssuer", "--ca-file"], variables=nobody)
    yield run("certificate, by --ca-file", [*to(), *allow(), "--ca-file", "authority.pem"], 0, both(), variables=nobody)
    yield run("certificate, unchecked", [*to(), *allow(), "--insecure"], 6, said=["always checked"])


def of_refusals():
    commands = {"run": ["run", "success"], "doctor": ["doctor"], "baseline": ["baseline", "write", "b.json"], "cleanup": ["cleanup"]}
    look_alike = ["--endpoint", f"https://{aws.SERVICE}.us-east-1.\u0430mazonaws.com", "--workgroup", aws.WORKGROUP]
    for name, command in commands.items():
        yield Row(f"refused, no allow-list, {name}", [*command, *to()], 6)
        yield Row(f"refused, another region, {name}", [*command, *to("eu-west-1"), *allow()], 6)
        yield Row(f"refused, another workgroup, {name}", [*command, *to(workgroup=aws.SOMEBODY_ELSES), *allow()], 6)
        yield Row(f"refused, a look-alike, {name}", [*command, *look_alike, *allow()], 6)
        yield Row(f"refused, the endpoint of a profile, {name}", [*command, "--workgroup", aws.WORKGROUP], 6,
                  files={"aws-config": f"[default]\nendpoint_url = https://{SERVICE}\n"})
        if name != "cleanup":
            yield Row(f"refused, another account, {name}", [*command, *to(), *allow()], 6, [STS], said=["another account"], account="999999999999")
    yield Row("refused, cleanup of what is allowed", ["cleanup", *to(), *allow()], 6, said=["nothing is made at real AWS"])
    yield run("refused, cases that make something", ["lifecycle", *to(), *allow(), "--claim", "provisioning"], 6)


def of_redirects():
    for command in ["run", "doctor"]:
        at_home = ["--endpoint", f"http://127.0.0.1:{REDIRECTS_AT}", "--workgroup", aws.WORKGROUP]
        yield Row(f"redirect, from loopback to AWS, {command}", [command, *at_home], 6, said=["not followed", "real AWS"])
        yield Row(f"redirect, from AWS to another host, {command}", [command, *to(), *allow()], 2, both(), said=["elsewhere.example", "not followed"],
                  redirects="https://elsewhere.example/")
        yield Row(f"redirect, from AWS to another region, {command}", [command, *to(), *allow()], 6, both(), said=["not followed"],
                  redirects=f"https://{both('eu-west-1')[1]}/")


def policy(effect, workgroup=aws.WORKGROUP_ID):
    arn = f"arn:aws:redshift-serverless:{HOME}:{aws.ACCOUNT}:workgroup/{workgroup}"
    return {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "redshift-serverless:GetCredentials", "Resource": arn}}


def of_the_whole():
    least = policy("Allow")
    yield Row("every case, with the least rights", ["run", *to(), *allow()], 0, both(), said=["conformant for core, signature"], check=one_workgroup, policy=least)
    yield Row("doctor, with the least rights", ["doctor", *to(), *allow()], 0, both(), said=["nothing stands in the way"], check=one_workgroup, policy=least)
    yield Row("a baseline, with the least rights", ["baseline", "write", "b.json", *to(), *allow()], 0, both(), check=one_workgroup, policy=least)
    yield run("without any rights", [*to(), *allow()], 2, both(), said=["the policy of their identity lacks"], policy=policy("Deny"))
    yield run("with rights for another workgroup", [*to(), *allow()], 2, both(), said=["the policy of their identity lacks"], policy=policy("Allow", aws.WORKGROUP_ID.replace("1", "2")))
    yield Row("the settings", ["config", "show", *to(), *allow()], 0)
    yield Row("a plan", ["run", "--dry-run", *to(), *allow()], 0)
    # An SDK under test is asked about loopback alone, whatever the environment names.
    named = {**KEYS, "AWS_ENDPOINT_URL": f"https://{SERVICE}", "COUNTERSIGN_TARGET": "aws", "COUNTERSIGN_ALLOW_AWS": allow()[1]}
    driver = [sys.executable, str(ROOT / "harness/drivers/python/boto3_driver.py")]
    yield Row("an SDK behind its driver", ["sdk", "run", "requests/minimal", "--", *driver], 0, said=["1 pass"], variables=named)


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
    known = {host for region in aws.REGIONS for service in ["sts", "portal.sso", "oidc"] for host in aws.hosts(service, region).values()}
    if last != SERVICE or not set(before) <= known:
        yield f"expected the service behind what gives out credentials, found {stand_in.connected()}"


# What a run asks for where the workgroup is to be one that nobody has.
NOBODYS = re.compile(r"[a-z0-9]{20,}|[a-z0-9]{3}|-[a-z0-9]{20}|[a-z0-9]{20}-|[a-z0-9]{10}--[a-z0-9]{10}|-{64}")


def one_workgroup(requests, _):
    for request in requests:
        name = request.workgroup
        if isinstance(name, str) and name != aws.WORKGROUP and re.fullmatch("[a-z0-9-]{3,64}", name) and not NOBODYS.fullmatch(name):
            yield f"it asked for the workgroup {name}, which somebody may have"
        if re.match("create|update|delete|tag|untag|put|restore", request.operation, re.IGNORECASE):
            yield f"it called {request.operation}"
    if not any(request.workgroup == aws.WORKGROUP for request in requests):
        yield "it never asked for the workgroup that is allowed"


def spellings(secret):
    """A secret as texts and files could show it."""
    plain, quoted = secret.encode(), json.dumps(secret)[1:-1]
    yield from [secret, quoted, quoted.replace("/", "\\/"), json.dumps(quoted)[1:-1], html.escape(secret), secret[::-1]]
    percent = urllib.parse.quote(secret, safe="")
    yield from [percent, re.sub("%..", lambda found: found[0].lower(), percent), urllib.parse.quote(secret), urllib.parse.quote_plus(secret)]
    yield from [plain.hex(), plain.hex().upper()]
    for before in range(3):
        # The signs at both ends depend on what stands beside the secret.
        for encode in [base64.b64encode, base64.urlsafe_b64encode]:
            whole = encode(b"\0" * before + plain + b"\0" * (-(before + len(plain)) % 3)).decode()
            yield whole[-(-before * 4 // 3):][1 if before else 0:-4 if (before + len(plain)) % 3 else None]


def leaks(text, secrets):
    return [f"the secret {secret} is in what it said or wrote, as {shown}" for secret in secrets for shown in set(spellings(secret)) if shown in text]


# Running it.

def said_by(row, program, stand_in):
    """Runs the command of a row. Gives its exit code, what it said and logged, and what is in the files that it wrote."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        given = {"authority.pem": Path(stand_in.certificates.authority).read_text(), **row.files}
        for file, text in given.items():
            Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, file).write_text(text)
        Path(folder, "home").mkdir(exist_ok=True)
        environment = {key: value for key, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|github_|xdg_|.*_proxy$)", key)}
        environment |= {"HOME": str(Path(folder, "home")), "CI": "true", "AWS_CONFIG_FILE": str(Path(folder, "aws-config")), "COUNTERSIGN_LOG": "trace",
                        "AWS_SHARED_CREDENTIALS_FILE": str(Path(folder, "aws-credentials")), "SSL_CERT_FILE": "authority.pem", **row.variables}
        reports = [word for kind in REPORTS for word in (f"--report-{kind}", f"report.{kind}")] if row.arguments[0] == "run" else []
        done = subprocess.run([program, *row.arguments[:1], *reports, *row.arguments[1:]], cwd=folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        said = (done.stdout + done.stderr).decode(errors="replace")
        new = [file for file in Path(folder).rglob("*") if file.is_file() and str(file.relative_to(folder)) not in given]
        return done.returncode, said, "".join(file.read_text(errors="replace") for file in new)


def check(row, program, stand_in):
    stand_in.begin(**row.stand_in)
    before = aws.sent_elsewhere()
    code, said, written = said_by(row, program, stand_in)
    asked, requests = stand_in.connected(), stand_in.requests()
    print(f"{row.name}: exit code {code}; asked {', '.join(asked) or 'nobody'}; {len(requests)} requests to the service", flush=True)
    words = " ".join(said.split())
    wrong = [f"expected exit code {row.code}"] if code != row.code else []
    wrong += [f"expected to ask {row.asked}"] if row.asked is not None and asked != row.asked else []
    wrong += [f"expected to read {text!r}" for text in row.said if text not in words]
    wrong += [f"a request reached {connection.host}" for connection in stand_in.connections if connection.host in row.quiet and connection.sent]
    if asked:
        identities = [place for place in stand_in.stands.asked if place.endswith(" GetCallerIdentity")]
        if len(identities) != (STS not in row.quiet) or not all(place.startswith("sts.") for place in identities):
            wrong.append(f"expected one question whose account it is, found {stand_in.stands.asked}")
    wrong += stand_in.stands.wrong
    wrong += [f"the name {name} was asked of the resolver" for name in stand_in.names.names]
    wrong += ["something was meant for another machine"] if aws.sent_elsewhere() != before else []
    wrong += ["it panicked"] if "panicked" in said else []
    wrong += leaks(said + written, stand_in.secrets())
    wrong += ["the account is in a file that it wrote"] if aws.ACCOUNT in written else []
    wrong += row.check(requests, stand_in) if row.check else []
    if wrong:
        print("  " + "\n  ".join(wrong) + f"\n  it said: {words[:1500]}")
    return wrong


class Redirecting(http.server.BaseHTTPRequestHandler):
    """A server on loopback that sends every call to AWS."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(307)
        self.send_header("location", f"https://{SERVICE}/")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


def what_nobody_would_see(stand_in):
    """What the stand-in and this script would not notice, although it is there."""
    before = aws.sent_elsewhere()
    with socket.socket() as other:
        if other.connect_ex((namespace.ELSEWHERE, 443)) != errno.ENETUNREACH or aws.sent_elsewhere() != before + 1:
            yield "a connection to another machine"
    stand_in.begin()
    try:
        socket.getaddrinfo("unknown.example", 443)
    except OSError:
        pass
    if stand_in.names.names != {"unknown.example"}:
        yield "a name that a resolver is asked for"
    for secret in aws_services.secrets():
        for before in range(3):
            text = base64.b64encode(b"x" * before + secret.encode() + b"yz").decode()
            if not leaks(text, [secret]):
                yield f"{secret} in {text}"


def inside(program, names):
    with tempfile.TemporaryDirectory() as folder:
        try:
            stand_in = aws.StandIn(program, folder)
        except (OSError, subprocess.CalledProcessError) as error:
            return namespace.skipped(f"the namespace cannot be set up: {error}")
        redirecting = http.server.ThreadingHTTPServer(("127.0.0.1", REDIRECTS_AT), Redirecting)
        threading.Thread(target=redirecting.serve_forever, daemon=True).start()
        parts = [of_sources, of_partitions, of_certificates, of_refusals, of_redirects, of_the_whole]
        rows = [row for part in parts for row in part() if not names or any(name in row.name for name in names)]
        try:
            unseen = list(what_nobody_would_see(stand_in))
            print("\n".join(f"not noticed: {what}" for what in unseen) or "what should be noticed is noticed")
            results = [unseen, *(check(row, program, stand_in) for row in rows)]
        finally:
            stand_in.stop()
    failed = sum(bool(wrong) for wrong in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(namespace.isolated(__file__, inside))
