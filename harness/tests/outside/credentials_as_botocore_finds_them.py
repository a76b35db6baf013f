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

import datetime
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
import urllib.parse
from pathlib import Path

import requests_stay_on_the_machine as namespace
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALLOW = ["--target", "aws", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"]
SERVICE = "redshift-serverless.us-east-1.amazonaws.com"
LATER = "2099-01-01T00:00:00Z"
STS = "https://sts.amazonaws.com/doc/2011-06-15/"

# The keys that the stand-ins know, by access key: the secret key and, for temporary ones, the token.
KNOWN = {"AKIAUSER": ("user-secret", None), "AKIAOTHER": ("other-secret", None), "AKIAPROCESS": ("process-secret", "process-token")}


def temporary(name):
    """Temporary credentials that a stand-in gives: the access key, the secret key and the token."""
    found = f"ASIA{name.upper()}", f"{name}-secret", f"{name}-token"
    KNOWN[found[0]] = found[1:]
    return found


class Stands:
    """What the stand-ins were asked."""

    def __init__(self):
        self.lock = threading.Lock()
        self.begin()

    def begin(self):
        with self.lock:
            self.wrong, self.used, self.asked = [], set(), []


def signer_of(host, method, target, fields, body, stands):
    """The access key that signed a request; None where nothing did. Notes a signature that botocore would not give."""
    authorization = fields.get("authorization", "")
    found = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request, *SignedHeaders=([^,]+)", authorization)
    if not found:
        return None
    key, region, service, names = found.groups()
    if key not in KNOWN:
        stands.wrong.append(f"{host} was asked by the unknown key {key}")
        return key
    secret, token = KNOWN[key]
    if fields.get("x-amz-security-token") != token:
        stands.wrong.append(f"{host}: expected the token {token}, found {fields.get('x-amz-security-token')}")
    request = AWSRequest(method=method, url=f"https://{host}{target}", data=body, headers={name: fields[name] for name in names.split(";")})
    request.context["timestamp"] = fields["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secret, token), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if not authorization.endswith(signer.signature(text, request)):
        stands.wrong.append(f"{host} was asked with a signature that botocore does not give")
    return key


def credentials_xml(action, found):
    key, secret, token = found
    return (f'<{action}Response xmlns="{STS}"><{action}Result><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn>'
            f"<AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>{LATER}</Expiration>"
            f"</Credentials></{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>")


def of_sts(key, body):
    form = dict(urllib.parse.parse_qsl(body.decode()))
    action = form.get("Action")
    if action == "GetCallerIdentity":
        return 200, (f'<GetCallerIdentityResponse xmlns="{STS}"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn>'
                     "<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
    if action == "AssumeRole" and key:
        # The credentials name what they were asked for, so that a missing parameter is seen.
        of = [key[4:], form["RoleArn"].rsplit("/")[-1], form.get("ExternalId", ""), form.get("DurationSeconds", "")]
        if "RoleSessionName" in form and not form["RoleSessionName"].startswith(("botocore-session-", "countersign")):
            of.append(form["RoleSessionName"])
        return 200, credentials_xml(action, temporary("".join(of)))
    if action == "AssumeRoleWithWebIdentity" and form.get("WebIdentityToken") == "web-token":
        return 200, credentials_xml(action, temporary("web" + form["RoleArn"].rsplit("/")[-1]))
    return 403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>"


def of_sign_on(target, fields):
    query = dict(urllib.parse.parse_qsl(target.partition("?")[2]))
    if fields.get("x-amz-sso_bearer_token") not in ("sso-token", "renewed-token"):
        return 401, json.dumps({"message": "Session token not found or invalid"})
    key, secret, token = temporary("sso" + query["role_name"] + query["account_id"][:2])
    return 200, json.dumps({"roleCredentials": {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiration": 4070908800000}})


def of_metadata(method, target, fields):
    if (method, target) == ("PUT", "/latest/api/token"):
        return 200, "metadata-token"
    if fields.get("x-aws-ec2-metadata-token") != "metadata-token":
        return 401, ""
    if target == "/latest/meta-data/iam/security-credentials/":
        return 200, "machine-role"
    key, secret, token = temporary("machine")
    return 200, json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": LATER})


def of_container(fields):
    if fields.get("authorization") not in (None, "container-pass"):
        return 403, ""
    key, secret, token = temporary("container" + ("with" if "authorization" in fields else ""))
    return 200, json.dumps({"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": LATER})


def answer(host, method, target, fields, body, stands):
    """The status and the body of the answer of the stand-in for a host."""
    stands.asked.append(f"{host}{target.partition('?')[0]}")
    if host == "169.254.169.254":
        return of_metadata(method, target, fields)
    if host in ("169.254.170.2", "127.0.0.1:4566"):
        return of_container(fields)
    key = signer_of(host, method, target, fields, body, stands)
    if host.startswith("sts."):
        return of_sts(key, body)
    if host.startswith("portal.sso."):
        return of_sign_on(target, fields)
    if host.startswith("oidc."):
        given = json.loads(body)
        known = given == {"grantType": "refresh_token", "clientId": "client", "clientSecret": "client-secret", "refreshToken": "refresh"}
        return (200, json.dumps({"accessToken": "renewed-token", "expiresIn": 3600, "refreshToken": "refresh-2"})) if known else (400, "{}")
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


KEYS = "aws_access_key_id = AKIAUSER\naws_secret_access_key = user-secret\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/"
OTHER = "[profile k]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other-secret\n"
SESSION = "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://d-1.awsapps.com/start\nsso_registration_scopes = sso:account:access\n"
SIGN_ON = "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = admin\n"
OLDER = "sso_region = us-east-1\nsso_start_url = https://old.awsapps.com/start\nsso_account_id = 123456789012\nsso_role_name = older\n"
PROCESS = ('printf \'%s\' \'{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "process-secret", '
           f'"SessionToken": "process-token", "Expiration": "{LATER}"}}\'\n')
SIGNED_ON = {"accessToken": "sso-token", "expiresAt": LATER, "region": "eu-west-1", "startUrl": "https://d-1.awsapps.com/start"}
EXPIRED = {**SIGNED_ON, "accessToken": "old-token", "expiresAt": "2026-01-01T00:00:00Z"}
RENEWING = {**EXPIRED, "refreshToken": "refresh", "clientId": "client", "clientSecret": "client-secret", "registrationExpiresAt": LATER}


def row(name, profile="", others="", files=None, variables=None, credentials="", said=None):
    """A row: `said` is what the program must say where there are no credentials; else it must sign as botocore does."""
    config = f"[profile p]\n{profile}{others}" if profile or others else ""
    return name, {"aws-config": config, "aws-credentials": credentials, **(files or {})}, variables if variables is not None else {"AWS_PROFILE": "p"}, said


def table():
    yield row("environment", variables={"AWS_ACCESS_KEY_ID": "AKIAUSER", "AWS_SECRET_ACCESS_KEY": "user-secret"})
    yield row("environment, temporary", variables={"AWS_ACCESS_KEY_ID": "AKIAPROCESS", "AWS_SECRET_ACCESS_KEY": "process-secret", "AWS_SESSION_TOKEN": "process-token"})
    yield row("environment before a profile", OTHER, variables={"AWS_ACCESS_KEY_ID": "AKIAUSER", "AWS_SECRET_ACCESS_KEY": "user-secret"})
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
    yield row("a web identity of a profile", ROLE + "w\nweb_identity_token_file = token\n", files={"token": "web-token"})
    yield row("a web identity of the environment", files={"token": "web-token"}, variables={"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/w"})
    yield row("a sign-on", SIGN_ON, SESSION, files=token_file("s", **SIGNED_ON))
    yield row("a sign-on of the older form", OLDER, files=token_file("https://old.awsapps.com/start", **SIGNED_ON))
    yield row("a sign-on that is renewed", SIGN_ON, SESSION, files=token_file("s", **RENEWING))
    yield row("a sign-on before keys", SIGN_ON + KEYS, SESSION, files=token_file("s", **SIGNED_ON))
    yield row("a container", variables={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"})
    yield row("a container with a password", variables={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:4566/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-pass"})
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
    wrong += [f"{secret} was said" for secret in ["CANARY", *(part for parts in KNOWN.values() for part in parts if part)] if secret in said]
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
