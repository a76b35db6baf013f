#!/usr/bin/env python3
"""The credentials that the program signs with on real AWS, held against those that botocore finds.

Usage: credentials_as_botocore_finds_them.py COUNTERSIGN [NAME ...]

Needs botocore and openssl. Runs the program in a network namespace that has loopback and nothing else. There, the real
host names of AWS lead to stand-ins of this script for STS, single sign-on and the metadata of a machine and of a
container, over TLS with a certificate that SSL_CERT_FILE makes trusted. The program itself is unchanged. The stand-ins
check every signature with botocore's signer.

Each row has files and variables. botocore is asked for its credentials with the same ones; the service must be asked
with the same access key and session token. Prints a line for each row. Ends with `N passed, M failed`; exit code 1 if
one failed. Where no such namespace can be made, it says so and ends with 77.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import aws_services
import requests_stay_on_the_machine as namespace
from aws_services import LATER, Stands

ALLOW = ["--target", "aws", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"]
SERVICE = "redshift-serverless.us-east-1.amazonaws.com"


def answer(host, method, target, fields, body, stands):
    """The status and the body of the answer of the stand-in for a host."""
    answered = aws_services.answer(host, method, target, fields, body, stands)
    if answered is not None:
        return answered
    key = aws_services.signer_of(host, method, target, fields, body, stands)
    stands.asked.append(host)
    if host == SERVICE:
        stands.used.add((key, fields.get("x-amz-security-token")))
    else:
        stands.wrong.append(f"{host} was asked")
    return 400, '{"__type":"UnknownOperationException","message":"not here"}'


def serve(connection, context, stands):
    try:
        connection.settimeout(5)
        if connection.getsockname()[1] == 443:
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    part = connection.recv(65536)
                    if not part:
                        return
                    rest += part
                head, _, body = rest.partition(b"\r\n\r\n")
                line, *lines = head.decode().split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                length = int(fields.get("content-length", 0))
                while len(body) < length:
                    body += connection.recv(65536)
                body, rest = body[:length], body[length:]
                method, target, _ = line.split(" ")
                status, text = answer(fields["host"], method, target, fields, body, stands)
                text = text.encode()
                kind = "text/xml" if text.startswith(b"<") else "application/json"
                connection.sendall(f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)
    except (OSError, ssl.SSLError):
        pass


def listen(port, context, stands):
    listener = socket.create_server(("0.0.0.0", port), backlog=100)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, context, stands), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def certificate(folder):
    """A certificate for every host that is asked, signed by itself; its file and that of its key."""
    files = str(Path(folder, "ca.pem")), str(Path(folder, "key.pem"))
    hosts = [SERVICE, *(f"{service}.{region}.amazonaws.com" for region in ["us-east-1", "eu-west-1"] for service in ["sts", "portal.sso", "oidc"])]
    namespace.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=stand-in",
                  "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts), "-out", files[0], "-keyout", files[1])
    return files


# The table.

def token_file(name, **token):
    """The file in which a sign-on of this name, or of this start URL, keeps its token."""
    return {f"home/.aws/sso/cache/{hashlib.sha1(name.encode()).hexdigest()}.json": json.dumps(token)}


def keys_of(key):
    return f"aws_access_key_id = {key}\naws_secret_access_key = {aws_services.KNOWN[key][0]}\n"


KEYS = keys_of("AKIAUSER")
ROLE = "role_arn = arn:aws:iam::123456789012:role/"
OTHER = "[profile k]\n" + keys_of("AKIAOTHER")
SESSION = "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://d-1.awsapps.com/start\nsso_registration_scopes = sso:account:access\n"
SIGN_ON = "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = admin\n"
OLDER = "sso_region = us-east-1\nsso_start_url = https://old.awsapps.com/start\nsso_account_id = 123456789012\nsso_role_name = older\n"
PROCESS_SECRET, PROCESS_TOKEN = aws_services.KNOWN["AKIAPROCESS"]
PROCESS = "cat <<'END'\n" + json.dumps({"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": PROCESS_SECRET,
                                         "SessionToken": PROCESS_TOKEN, "Expiration": LATER}) + "\nEND\n"
OF_USER = {"AWS_ACCESS_KEY_ID": "AKIAUSER", "AWS_SECRET_ACCESS_KEY": aws_services.KNOWN["AKIAUSER"][0]}
TEMPORARY = {"AWS_ACCESS_KEY_ID": "AKIAPROCESS", "AWS_SECRET_ACCESS_KEY": PROCESS_SECRET, "AWS_SESSION_TOKEN": PROCESS_TOKEN}
SIGNED_ON = {"accessToken": aws_services.SIGN_ON_TOKEN, "expiresAt": LATER, "region": "eu-west-1", "startUrl": "https://d-1.awsapps.com/start"}
EXPIRED = {**SIGNED_ON, "accessToken": aws_services.OLD_TOKEN, "expiresAt": "2026-01-01T00:00:00Z"}
RENEWING = {**EXPIRED, "refreshToken": aws_services.REFRESH_TOKEN, "clientId": "client", "clientSecret": aws_services.CLIENT_SECRET, "registrationExpiresAt": LATER}


def row(name, profile="", others="", files=None, variables=None, credentials="", said=None):
    """A row: `said` is what the program must say where there are no credentials; else it must sign as botocore does."""
    config = f"[profile p]\n{profile}{others}" if profile or others else ""
    return name, {"aws-config": config, "aws-credentials": credentials, **(files or {})}, variables if variables is not None else {"AWS_PROFILE": "p"}, said


def table():
    yield row("environment", variables=OF_USER)
    yield row("environment, temporary", variables=TEMPORARY)
    yield row("environment before a profile", OTHER, variables=OF_USER)
    yield row("keys of the configuration", KEYS)
    yield row("keys of the credentials file", credentials="[p]\n" + KEYS)
    yield row("the default profile", credentials="[default]\n" + KEYS, variables={})
    yield row("keys with comments and nested settings", "# note\ns3 =\n  max_concurrent_requests = 20\n" + KEYS)
    yield row("a program", "credential_process = /bin/sh program 'a b'\n", files={"program": PROCESS})
    yield row("a program with quotes", "credential_process = /bin/sh \"a program\"\n", files={"a program": PROCESS})
    yield row("a role", ROLE + "r\nsource_profile = k\n", OTHER)
    yield row("a role with everything", ROLE + "r\nsource_profile = k\nexternal_id = ext\nduration_seconds = 900\nrole_session_name = mine\n", OTHER)
    yield row("a role of itself", ROLE + "r\nsource_profile = p\n" + KEYS)
    yield row("a role of a role", ROLE + "r\nsource_profile = q\n", f"[profile q]\n{ROLE}q\nsource_profile = k\n{OTHER}")
    yield row("a role of a program", ROLE + "r\nsource_profile = q\n", "[profile q]\ncredential_process = /bin/sh program\n", files={"program": PROCESS})
    yield row("a role of the machine", ROLE + "r\ncredential_source = Ec2InstanceMetadata\n")
    yield row("a role of the environment", ROLE + "r\ncredential_source = Environment\n", variables={"AWS_PROFILE": "p"}, said="takes its credentials from the environment, which has none")
    yield row("a role of a container", ROLE + "r\ncredential_source = EcsContainer\n", variables={"AWS_PROFILE": "p", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"})
    yield row("a role of a sign-on", ROLE + "r\nsource_profile = q\n", f"[profile q]\n{SIGN_ON}{SESSION}", files=token_file("s", **SIGNED_ON))
    yield row("a web identity of a profile", ROLE + "w\nweb_identity_token_file = token\n", files={"token": aws_services.WEB_TOKEN})
    yield row("a web identity of the environment", files={"token": aws_services.WEB_TOKEN}, variables={"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/w"})
    yield row("a sign-on", SIGN_ON, SESSION, files=token_file("s", **SIGNED_ON))
    yield row("a sign-on of the older form", OLDER, files=token_file("https://old.awsapps.com/start", **SIGNED_ON))
    yield row("a sign-on that is renewed", SIGN_ON, SESSION, files=token_file("s", **RENEWING))
    yield row("a sign-on before keys", SIGN_ON + KEYS, SESSION, files=token_file("s", **SIGNED_ON))
    yield row("a container", variables={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"})
    yield row("a container with a password", variables={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:4566/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": aws_services.CONTAINER_PASSWORD})
    yield row("a machine", variables={})
    yield row("nobody signed on", SIGN_ON, SESSION, said="nobody is signed on; run `aws sso login --profile p`")
    yield row("a sign-on that has expired", SIGN_ON, SESSION, files=token_file("s", **EXPIRED), said="has expired; run `aws sso login --profile p`")
    yield row("a sign-on that is no longer valid", SIGN_ON, SESSION, files=token_file("s", **{**SIGNED_ON, "accessToken": "x"}), said="not valid any more; run `aws sso login --profile p`")
    yield row("a web identity that STS refuses", ROLE + "w\nweb_identity_token_file = token\n", files={"token": "CANARY-web"}, said="not for you")
    yield row("a role that asks for a code", ROLE + "r\nsource_profile = k\nmfa_serial = arn:aws:iam::1:mfa/a\n", OTHER, said="mfa_serial")


ASK_BOTOCORE = """
import botocore.session
found = botocore.session.get_session().get_credentials().get_frozen_credentials()
print(found.access_key, found.token or "")
"""


def check(entry, program, stands, authority):
    name, files, variables, expected = entry
    wrong = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:

        def environment():
            for file, text in files.items():
                Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, file).write_text(text)
            Path(folder, "home").mkdir(exist_ok=True)
            inherited = {key: value for key, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|github_|.*_proxy$)", key)}
            return inherited | {"HOME": str(Path(folder, "home")), "CI": "true", "AWS_CONFIG_FILE": str(Path(folder, "aws-config")),
                                "AWS_SHARED_CREDENTIALS_FILE": str(Path(folder, "aws-credentials")), "SSL_CERT_FILE": authority, **variables}

        found = None
        if expected is None:
            told = environment() | {"AWS_CA_BUNDLE": authority, "AWS_DEFAULT_REGION": "us-east-1", "AWS_STS_REGIONAL_ENDPOINTS": "regional"}
            asked = subprocess.run([sys.executable, "-c", ASK_BOTOCORE], cwd=folder, env=told, capture_output=True, text=True, timeout=120)
            if asked.returncode:
                wrong.append(f"botocore finds none: {asked.stderr.strip().splitlines()[-1]}")
            else:
                key, _, token = asked.stdout.strip("\n").partition(" ")
                found = {(key, token or None)}
        stands.begin()
        done = subprocess.run([program, "run", "success/workgroup-only", *ALLOW], cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    said = " ".join((done.stdout + done.stderr).decode(errors="replace").split())
    used = ", ".join(f"{key}{' with a token' if token else ''}" for key, token in sorted(stands.used, key=str)) or "none"
    print(f"{name}: exit code {done.returncode}; credentials: {used}")
    if expected is None and stands.used != found:
        wrong.append(f"expected the credentials that botocore finds, {found}, found {stands.used}")
    if expected is not None and (stands.used or done.returncode != 2 or expected not in said):
        wrong.append(f"expected exit code 2 and {expected!r}")
    wrong += stands.wrong
    wrong += [f"{secret} was said" for secret in ["CANARY", *aws_services.secrets()] if secret in said]
    if wrong:
        print("  " + "\n  ".join(wrong) + f"\n  asked: {stands.asked}\n  it said: {said[:1500]}")
    return wrong


def inside(program, names):
    folder = tempfile.mkdtemp()
    stands = Stands()
    try:
        namespace.cut_off(folder)
        namespace.resolve(namespace.Witness())
        files = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        for port in [80, 443, 4566]:
            listen(port, context, stands)
    except (OSError, subprocess.CalledProcessError) as error:
        return namespace.skipped(f"the namespace cannot be set up: {error}")
    results = [check(entry, program, stands, files[0]) for entry in table() if not names or any(name in entry[0] for name in names)]
    shutil.rmtree(folder, ignore_errors=True)
    failed = sum(bool(wrong) for wrong in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(namespace.isolated(__file__, inside))
