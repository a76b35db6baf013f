#!/usr/bin/env python3
"""The way to real AWS, gone whole without AWS.

Usage: aws_without_aws.py COUNTERSIGN [NAME ...]

Needs botocore, ip and openssl. Runs the program in a namespace without a route, where the real host names of AWS lead
to a stand-in (aws_stand_in.py). The program itself is unchanged. Each row of the table is a command, or several, with
what must come of it: its exit code, what it says and writes, and what arrived. In every row, no name may be asked of a
resolver, no packet may be meant for another machine, no secret may be in anything that the program said, logged or
wrote, and nothing that it made may be left.

Prints a line for each row. Ends with `N passed, M failed`; exit code 1 if one failed. Where no such namespace can be
made, it says so and ends with 77, or with 1 where COUNTERSIGN_MUST_ISOLATE is set.
"""

import base64
import errno
import http.server
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import aws_services
import aws_stand_in as aws
import requests_stay_on_the_machine as namespace
from aws_findings import SERVICE
from aws_rows import REDIRECTS_AT, STS, Row, table
from leaks import leaks
from without_a_route import sent_elsewhere

REPORTS = ["jsonl", "json", "junit", "html", "md"]
# How long a command may take.
SECONDS = 120


def finished(row, command, stand_in, **where):
    """Runs the first command of a row, and stops it where the row says so. Gives its exit code and what it said."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **where
    ) as process:
        if row.stop:
            operation, way = row.stop
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and process.poll() is None and not has_called(stand_in, operation):
                time.sleep(0.005)
            process.send_signal(way)
        try:
            said, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, said.decode(errors="replace")


def has_called(stand_in, operation):
    return any(request.operation == operation for request in stand_in.requests())


def said_by(row, program, stand_in):
    """Runs the commands of a row. Gives the exit codes, what they said and logged, and the files that they wrote."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        given = {"authority.pem": Path(stand_in.certificates.authority).read_text(), **row.files}
        for file, text in given.items():
            Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, file).write_text(text)
        Path(folder, "home").mkdir(exist_ok=True)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not re.match(r"(?i)(aws_|countersign_|github_|xdg_|.*_proxy$)", key)
        }
        environment |= {
            "HOME": str(Path(folder, "home")),
            "CI": "true",
            "AWS_CONFIG_FILE": str(Path(folder, "aws-config")),
            "COUNTERSIGN_LOG": "trace",
            # A stand-in needs no mercy.
            "COUNTERSIGN_RATE": "1000",
            "AWS_SHARED_CREDENTIALS_FILE": str(Path(folder, "aws-credentials")),
            "SSL_CERT_FILE": "authority.pem",
            **row.variables,
        }
        where = {"cwd": folder, "env": {name: value for name, value in environment.items() if value is not None}}
        reports = (
            [word for kind in REPORTS for word in (f"--report-{kind}", f"report.{kind}")]
            if row.arguments[0] == "run" and "--dry-run" not in row.arguments
            else []
        )
        code, said = finished(row, [program, *row.arguments[:1], *reports, *row.arguments[1:]], stand_in, **where)
        codes = [code]
        for arguments in row.then:
            code, more = finished(Row("", arguments, 0), [program, *arguments], stand_in, **where)
            codes.append(code)
            said += more
        new = {
            str(file.relative_to(folder)): file.read_text(errors="replace")
            for file in Path(folder).rglob("*")
            if file.is_file()
        }
        return codes, said, {name: text for name, text in new.items() if name not in given}


def around(text):
    """The text before and behind the account."""
    at = text.index(aws.ACCOUNT)
    return text[max(0, at - 120) : at + 60]


def check(row, program, stand_in):
    stand_in.begin(**row.stand_in)
    before = sent_elsewhere()
    codes, said, files = said_by(row, program, stand_in)
    asked, requests = stand_in.connected(), stand_in.requests()
    print(
        f"{row.name}: exit code {', '.join(map(str, codes))}; asked {', '.join(asked) or 'nobody'}; "
        f"{len(requests)} requests to the service",
        flush=True,
    )
    words, written = " ".join(said.split()), "".join(files.values())
    wrong = [f"expected exit code {row.code}, then 0"] if codes != [row.code, *(0 for _ in row.then)] else []
    wrong += [f"expected to ask {row.asked}"] if row.asked is not None and asked != row.asked else []
    wrong += [f"expected to read {text!r}" for text in row.said if text not in words]
    wrong += [
        f"a request reached {connection.host}"
        for connection in stand_in.connections
        if connection.host in row.quiet and connection.sent
    ]
    if asked:
        identities = [place for place in stand_in.stands.asked if place.endswith(" GetCallerIdentity")]
        if len(identities) != (STS not in row.quiet) * row.identities or not all(
            place.startswith("sts.") for place in identities
        ):
            wrong.append(f"expected {row.identities} questions whose account it is, found {stand_in.stands.asked}")
    wrong += stand_in.stands.wrong
    wrong += [f"the name {name} was asked of the resolver" for name in stand_in.names.names]
    wrong += ["something was meant for another machine"] if sent_elsewhere() != before else []
    wrong += ["it panicked"] if "panicked" in said else []
    wrong += leaks(said + written, stand_in.secrets())
    wrong += [f"the account is in {name}, in {around(text)!r}" for name, text in files.items() if aws.ACCOUNT in text]
    wrong += row.check(requests, stand_in) if row.check else []
    wrong += row.reads(files, said, requests) if row.reads else []
    wrong += [f"{thing} is left" for thing in stand_in.left()] if has_called(stand_in, "CreateNamespace") else []
    if wrong:
        print("  " + "\n  ".join(wrong) + f"\n  it said: {words[:1500]} ... {words[-1500:]}")
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
    before = sent_elsewhere()
    with socket.socket() as other:
        if other.connect_ex((namespace.ELSEWHERE, 443)) != errno.ENETUNREACH or sent_elsewhere() != before + 1:
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
        rows = [row for row in table() if not names or any(name in row.name for name in names)]
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
