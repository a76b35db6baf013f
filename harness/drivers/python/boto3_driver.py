"""Runs boto3 for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).

Usage: VENV/bin/python boto3_driver.py     (Python 3.8 or newer)

It gives the SDK exactly what the harness says and reports exactly what the SDK gave back. It never judges.
"""

import base64
import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal

import botocore.exceptions as sdk
from botocore.config import Config
from botocore.parsers import ResponseParserError

OPERATIONS = {"GetCredentials": "get_credentials"}
CONFIG = ["maxAttempts", "retryMode", "readTimeoutMs", "connectTimeoutMs", "validate"]
TIMESTAMPS = {"expiration", "nextRefreshTime"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SENT = []  # one entry for each attempt of the call that is under way

# The first line that fits an exception names its phase; the SDK's own class hierarchy decides.
PHASES = [
    ("service", (sdk.ClientError,)),
    ("parse", (ResponseParserError,)),
    ("timeout", (sdk.ReadTimeoutError, sdk.ConnectTimeoutError)),
    ("connect", (sdk.ConnectionError,)),
    ("transport", (sdk.HTTPClientError, sdk.IncompleteReadError)),
    ("client", (sdk.BotoCoreError,)),
]


class Unsupported(Exception):
    """The call asks for something that this driver has no way to say to boto3."""


def from_tagged(value):
    """A caller's value, from its tag and text: {"integer":"900"} becomes 900."""
    (tag, payload), = value.items()
    if tag == "list":
        return [from_tagged(item) for item in payload]
    if tag == "map":
        return {name: from_tagged(item) for name, item in payload.items()}
    plain = {"string": str, "integer": int, "float": float, "boolean": lambda text: text == "true", "null": lambda _: None}
    if tag not in plain:
        raise ValueError(f"unknown tag {tag!r}")
    return plain[tag](payload)


def to_tagged(value, name=None):
    """What the caller was given, with its native type where that is not plainly the modelled one."""
    native = type(value).__name__
    if value is None:
        return {"null": True}
    if isinstance(value, str):
        text = to_text(value)
        return {**text, "native": native} if name in TIMESTAMPS else text
    if isinstance(value, datetime):
        zone = value.strftime("%z")
        since = value.replace(tzinfo=value.tzinfo or timezone.utc) - EPOCH
        seconds = Decimal(since.days * 86400 + since.seconds) + Decimal(since.microseconds) / 1_000_000
        return {"timestamp": f"{seconds:f}", "native": f"{native}[{zone[:3]}:{zone[3:5]}]" if zone else f"{native}[naive]"}
    if isinstance(value, bool):
        return {"boolean": str(value).lower(), "native": native}
    if isinstance(value, int):
        return {"integer": str(value), "native": native}
    if isinstance(value, float):
        return {"float": repr(value), "native": native}
    if isinstance(value, dict):
        return {"map": {str(key): to_tagged(item) for key, item in value.items()}, "native": native}
    if isinstance(value, list):
        return {"list": [to_tagged(item) for item in value], "native": native}
    return {"string": repr(value), "native": native}


def to_text(text):
    """Text that is not valid Unicode (lone surrogates) goes as its bytes."""
    try:
        text.encode()
        return {"string": text}
    except UnicodeEncodeError:
        return {"bytes": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}


def printable(value):
    """A code or message as text; what is no text at all is shown as the caller would print it."""
    return str(value).encode("utf-8", "backslashreplace").decode() if value is not None else None


def settings_of(call, known):
    given = call.get("config") or {}
    unknown = ", ".join(sorted(set(given) - set(known)))
    if unknown:
        raise Unsupported(f"config {unknown}")
    return given


def client_arguments(call):
    """What a client is made with, by the names that botocore and boto3 have for it."""
    given, settings = settings_of(call, CONFIG), {}
    if "maxAttempts" in given or "retryMode" in given:
        retries = {"total_max_attempts": given.get("maxAttempts"), "mode": given.get("retryMode")}
        settings["retries"] = {name: value for name, value in retries.items() if value is not None}
    for name, setting in (("readTimeoutMs", "read_timeout"), ("connectTimeoutMs", "connect_timeout")):
        if name in given:
            settings[setting] = given[name] / 1000
    if "validate" in given:
        settings["parameter_validation"] = given["validate"]
    credentials = call.get("credentials") or {}
    return {
        "service_name": "redshift-serverless",
        "endpoint_url": call.get("endpoint"),
        "region_name": call.get("region"),
        "aws_access_key_id": credentials.get("accessKeyId"),
        "aws_secret_access_key": credentials.get("secretAccessKey"),
        "aws_session_token": credentials.get("sessionToken"),
        "config": Config(**settings),
    }


def counted(client):
    """The client, whose attempts are counted from now on."""
    # The event of each attempt; what a handler gives back would take the place of the answer, and None does not.
    client.meta.events.register("before-send", lambda **_: SENT.append(None))
    return client


def phase_of(error):
    return next((phase for phase, classes in PHASES if isinstance(error, classes)), "crash")


def describe_error(error):
    """An exception as the caller would see it, and what the SDK told about the attempts."""
    described = {
        "phase": phase_of(error),
        "class": type(error).__name__,
        # What the SDK's own packages have, since those of urllib3 change with its version.
        "bases": [base.__name__ for base in type(error).__mro__[1:] if base.__module__.startswith(("botocore", "redshift_connector"))],
        "message": printable(error),
    }
    meta = {}
    if isinstance(error, sdk.ClientError):
        parsed = dict(error.response)
        told, meta = parsed.pop("Error", {}), to_meta(parsed.pop("ResponseMetadata", {}))
        described.update(code=printable(told.get("Code")), message=printable(told.get("Message")))
        described.update({name: meta[name] for name in ("httpStatus", "requestId") if name in meta})
        described["fault"] = {"Sender": "client", "Receiver": "server"}.get(told.get("Type"))
        described["members"] = {name: to_tagged(value, name) for name, value in parsed.items()}
    elif described["phase"] == "connect" and SENT:
        # Without an answer the SDK keeps its count to itself, and no server can count.
        meta["sdkAttempts"] = len(SENT)
    return {name: value for name, value in described.items() if value is not None}, meta


def to_meta(metadata):
    meta = {"requestId": printable(metadata.get("RequestId")), "httpStatus": metadata.get("HTTPStatusCode")}
    if "RetryAttempts" in metadata:
        meta["sdkAttempts"] = metadata["RetryAttempts"] + 1
    return {name: value for name, value in meta.items() if value is not None}


def call_boto3(call, arguments, clients):
    """What the caller is given: by a new client, or by the one of that name if the harness asks for it again."""
    name = call.get("reuse")
    client = clients.get(name) or counted(SESSION.client(**client_arguments(call)))
    if name:
        clients[name] = client
    return getattr(client, OPERATIONS[call["operation"]])(**arguments)


def answer(call, perform, kept):
    """The outcome of one call; `perform` makes it, `kept` is what it may keep between calls."""
    try:
        arguments = {name: from_tagged(value) for name, value in call["input"].items()}
        asked = call["operation"]
    except Exception as error:
        return {"outcome": "error", "error": {**describe_error(error)[0], "phase": "driver"}, "meta": {}}
    if asked not in OPERATIONS:
        return {"outcome": "unsupported", "reason": f"operation {asked}"}

    SENT.clear()
    start = time.monotonic()
    try:
        result = perform(call, arguments, kept)
        meta = to_meta(result.pop("ResponseMetadata", {}))
        outcome = {"outcome": "result", "result": {name: to_tagged(value, name) for name, value in result.items()}}
    except Unsupported as reason:
        return {"outcome": "unsupported", "reason": str(reason)}
    except Exception as error:
        described, meta = describe_error(error)
        outcome = {"outcome": "error", "error": described}
    return {**outcome, "elapsedMs": round((time.monotonic() - start) * 1000), "meta": meta}


def dependencies(package):
    """The installed versions of all that a package needs, and of what its own extras name; itself left out. An extra of
    another package counts if somebody asks for it: what stands in one that nobody asks for is not there for the SDK."""
    found, seen, waiting = {}, set(), [(package, extra) for extra in (None, *extras_of(package))]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            lines = importlib.metadata.requires(name) or []
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for line in lines:
            needed, _, condition = line.partition(";")
            if extra not in (list(map(spelled, EXTRA.findall(condition))) or [None]):
                continue
            name_needed, asked = re.match(r"([\w.-]+)\s*(?:\[([^]]*)\])?", needed).groups()
            extras = map(spelled, filter(None, re.split(r"[\s,]+", asked or "")))
            waiting += [(spelled(name_needed), each) for each in (None, *extras)]
    found.pop(package, None)
    return dict(sorted(found.items()))


EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)""")


def extras_of(package):
    return map(spelled, importlib.metadata.metadata(package).get_all("Provides-Extra") or [])


def spelled(name):
    """The name of a package or an extra in the one spelling that stands for all of its spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def hello():
    """What this driver can do; `serve` adds what is installed."""
    inputs = dict.fromkeys(("workgroupName", "dbName", "durationSeconds", "customDomainName"), "dynamic")
    return {"driver": "boto3", "config": CONFIG, "inputs": {**inputs, "*": "reject"}, "reports": ["requestId", "httpStatus", "sdkAttempts"]}


def serve(package, hello, perform, kept=None):
    """Answers each line of stdin with one on stdout, until stdin closes; `kept` is what `perform` may keep meanwhile."""
    # The real stdout is for the protocol; a stray print of anyone's goes to stderr.
    protocol = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    about = {"type": "hello", "protocol": 1, "language": "python", "runtime": runtime, "sdk": package,
             "sdkVersion": importlib.metadata.version(package), "operations": list(OPERATIONS)}
    kept = {} if kept is None else kept
    for line in sys.stdin.buffer:
        said = json.loads(line)
        if said["type"] == "hello":
            reply = {**about, "deps": dependencies(package), **hello}
        else:
            reply = {"type": "outcome", "id": said["id"], **answer(said, perform, kept)}
        print(json.dumps(reply), file=protocol, flush=True)


if __name__ == "__main__":
    import boto3

    SESSION = boto3.session.Session()
    serve("boto3", hello(), call_boto3)
