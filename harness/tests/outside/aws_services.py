"""Stand-ins for what gives out credentials in AWS: STS, single sign-on, the metadata of a machine and of a container.

For the scripts beside this file. They take a request and give an answer; who listens, and where, is not their concern.
Every signature is checked with botocore's signer. The secrets have signs that each way to write a text down escapes.
"""

import json
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LATER = "2099-01-01T00:00:00Z"
ACCOUNT = "123456789012"
STS = "https://sts.amazonaws.com/doc/2011-06-15/"


def secret(name):
    """A secret of this name, with signs that are written otherwise in URLs, JSON and HTML."""
    return f'{name}/+"&<%3D='


# Secrets that a client sends, and that nothing is signed with.
SIGN_ON_TOKEN, RENEWED_TOKEN, OLD_TOKEN = secret("sso-token"), secret("renewed-token"), secret("old-token")
REFRESH_TOKEN, NEXT_REFRESH_TOKEN, CLIENT_SECRET = (
    secret("refresh-token"),
    secret("next-refresh-token"),
    secret("client-secret"),
)
WEB_TOKEN, CONTAINER_PASSWORD, METADATA_TOKEN = secret("web-token"), secret("container-pass"), "metadata-token-5f1c"
OTHERS = [
    SIGN_ON_TOKEN,
    RENEWED_TOKEN,
    OLD_TOKEN,
    REFRESH_TOKEN,
    NEXT_REFRESH_TOKEN,
    CLIENT_SECRET,
    WEB_TOKEN,
    CONTAINER_PASSWORD,
    METADATA_TOKEN,
]

# The keys that are known, by access key: the secret key and, for temporary ones, the token.
KNOWN = {
    "AKIAUSER": (secret("user-secret"), None),
    "AKIAOTHER": (secret("other-secret"), None),
    "AKIAPROCESS": (secret("process-secret"), secret("process-token")),
}


def secrets():
    """Every secret that the client could have got by now."""
    return OTHERS + [part for parts in KNOWN.values() for part in parts if part]


def temporary(name):
    """Temporary credentials that a stand-in gives: the access key, the secret key and the token."""
    found = f"ASIA{name.upper()}", secret(f"{name}-secret"), secret(f"{name}-token")
    KNOWN[found[0]] = found[1:]
    return found


class Stands:
    """What the stand-ins were asked, between two calls of `begin`."""

    def __init__(self):
        self.lock = threading.Lock()
        self.begin()

    def begin(self, account=ACCOUNT):
        """Forgets what was asked; STS says that all keys are of this account from now on."""
        with self.lock:
            self.wrong, self.used, self.asked, self.account = [], set(), [], account


def scope_of(fields):
    """Key, region, service and names of signed fields, by the signature of a request; None if it is unsigned."""
    found = re.search(
        r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request, *SignedHeaders=([^,]+)", fields.get("authorization", "")
    )
    return found and found.groups()


def signer_of(host, method, target, fields, body, stands):
    """The access key that signed a request; None where nothing did. Notes a signature that botocore would not give."""
    scope = scope_of(fields)
    if not scope:
        return None
    key, region, service, names = scope
    if key not in KNOWN:
        stands.wrong.append(f"{host} was asked by the unknown key {key}")
        return key
    secret_key, token = KNOWN[key]
    if fields.get("x-amz-security-token") != token:
        stands.wrong.append(f"{host}: expected the token {token}, found {fields.get('x-amz-security-token')}")
    request = AWSRequest(
        method=method,
        url=f"https://{host}{target}",
        data=body,
        headers={name: fields[name] for name in names.split(";")},
    )
    request.context["timestamp"] = fields["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secret_key, token), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if not fields["authorization"].endswith(signer.signature(text, request)):
        stands.wrong.append(f"{host} was asked with a signature that botocore does not give")
    return key


def credentials_xml(action, found):
    key, secret_key, token = map(escape, found)
    return (
        f'<{action}Response xmlns="{STS}"><{action}Result>'
        f"<AssumedRoleUser><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/r/s</Arn>"
        f"<AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId>"
        f"<SecretAccessKey>{secret_key}</SecretAccessKey><SessionToken>{token}</SessionToken>"
        f"<Expiration>{LATER}</Expiration></Credentials></{action}Result>"
        f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )


def of_sts(host, key, body, stands):
    form = dict(urllib.parse.parse_qsl(body.decode()))
    action = form.get("Action")
    stands.asked[-1] = f"{host} {action}"
    if action == "GetCallerIdentity" and key in KNOWN:
        return 200, (
            f'<GetCallerIdentityResponse xmlns="{STS}"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{stands.account}:user/a</Arn><UserId>AIDA</UserId><Account>{stands.account}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    if action == "AssumeRole" and key in KNOWN:
        # The credentials name what they were asked for, so that a missing parameter is seen.
        of = [key[4:], form["RoleArn"].rsplit("/")[-1], form.get("ExternalId", ""), form.get("DurationSeconds", "")]
        if "RoleSessionName" in form and not form["RoleSessionName"].startswith(("botocore-session-", "countersign")):
            of.append(form["RoleSessionName"])
        return 200, credentials_xml(action, temporary("".join(of)))
    if action == "AssumeRoleWithWebIdentity" and form.get("WebIdentityToken") == WEB_TOKEN:
        return 200, credentials_xml(action, temporary("web" + form["RoleArn"].rsplit("/")[-1]))
    return (
        403,
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
        "<Message>not for you</Message></Error></ErrorResponse>",
    )


def of_sign_on(target, fields):
    query = dict(urllib.parse.parse_qsl(target.partition("?")[2]))
    if fields.get("x-amz-sso_bearer_token") not in (SIGN_ON_TOKEN, RENEWED_TOKEN):
        return 401, json.dumps({"message": "Session token not found or invalid"})
    key, secret_key, token = temporary("sso" + query["role_name"] + query["account_id"][:2])
    return 200, json.dumps(
        {
            "roleCredentials": {
                "accessKeyId": key,
                "secretAccessKey": secret_key,
                "sessionToken": token,
                "expiration": 4070908800000,
            }
        }
    )


def of_renewal(body):
    known = {
        "grantType": "refresh_token",
        "clientId": "client",
        "clientSecret": CLIENT_SECRET,
        "refreshToken": REFRESH_TOKEN,
    }
    if json.loads(body) != known:
        return 400, "{}"
    return 200, json.dumps({"accessToken": RENEWED_TOKEN, "expiresIn": 3600, "refreshToken": NEXT_REFRESH_TOKEN})


def of_metadata(method, target, fields):
    if (method, target) == ("PUT", "/latest/api/token"):
        return 200, METADATA_TOKEN
    if fields.get("x-aws-ec2-metadata-token") != METADATA_TOKEN:
        return 401, ""
    if target == "/latest/meta-data/iam/security-credentials/":
        return 200, "machine-role"
    key, secret_key, token = temporary("machine")
    return 200, json.dumps(
        {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret_key, "Token": token, "Expiration": LATER}
    )


def of_container(fields):
    if fields.get("authorization") not in (None, CONTAINER_PASSWORD):
        return 403, ""
    key, secret_key, token = temporary("container" + ("with" if "authorization" in fields else ""))
    return 200, json.dumps({"AccessKeyId": key, "SecretAccessKey": secret_key, "Token": token, "Expiration": LATER})


def answer(host, method, target, fields, body, stands):
    """The status and the body of what the service at a host answers; None where it is none of these services."""
    place, service = f"{host}{target.partition('?')[0]}", host.split(".")
    if host == "169.254.169.254":
        stands.asked.append(place)
        return of_metadata(method, target, fields)
    if host in ("169.254.170.2", "127.0.0.1:4566"):
        stands.asked.append(place)
        return of_container(fields)
    if service[0] == "sts":
        stands.asked.append(place)
        return of_sts(host, signer_of(host, method, target, fields, body, stands), body, stands)
    if service[:2] == ["portal", "sso"]:
        stands.asked.append(place)
        return of_sign_on(target, fields)
    if service[0] == "oidc":
        stands.asked.append(place)
        return of_renewal(body)
    return None
