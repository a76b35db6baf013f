"""Runs the AWS CLI (v1 or v2) for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).

Usage: PYTHON aws_cli_driver.py [AWS]     AWS is the program to run (default: the `aws` beside this Python)

A call is one process. What a caller of the CLI is given is JSON, an exit code and a text on stderr: so an error's
class is its exit code, and its phase is told from how the text begins, which is botocore's wording for each class.
"""

import base64
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

AWS = sys.argv[1] if len(sys.argv) > 1 else str(Path(sys.executable).with_name("aws"))
OPERATIONS = {"GetCredentials": "get-credentials"}
VARIABLES = {"maxAttempts": "AWS_MAX_ATTEMPTS", "retryMode": "AWS_RETRY_MODE"}
FLAGS = {"readTimeoutMs": "--cli-read-timeout", "connectTimeoutMs": "--cli-connect-timeout"}
TIMESTAMPS = {"expiration", "nextRefreshTime"}

SERVICE_ERROR = re.compile(
    r"An error occurred \((?P<code>.*?)\) when calling the \w+ operation"
    r"(?: \(reached max retries: (?P<retries>\d+)\))?: (?P<message>.*)", re.DOTALL)
PHASES = [
    ("connect", r"Could not connect to the endpoint URL|Failed to connect to proxy URL|SSL validation failed"),
    ("timeout", r"(Read|Connect) timeout on endpoint URL"),
    ("transport", r"Connection was closed before we received|An HTTP Client raised|An error occurred while reading from response stream"),
    ("parse", r"Unable to parse response"),
    ("client", r"Parameter validation failed|usage: |Unable to locate credentials|You must specify a region|Error parsing parameter"
               r"|Partial credentials found|Invalid endpoint|Provided region_name|Unknown options|The following arguments are required"),
]


class Unsupported(Exception):
    """The call asks for something that has no place on the CLI's command line."""


def from_tagged(value):
    """A caller's value, from its tag and text: {"integer":"900"} becomes 900."""
    (tag, payload), = value.items()
    match tag:
        case "string": return payload
        case "integer": return int(payload)
        case "float": return float(payload)
        case "boolean": return payload == "true"
        case "null": return None
        case "list": return [from_tagged(item) for item in payload]
        case "map": return {name: from_tagged(item) for name, item in payload.items()}
    raise ValueError(f"unknown tag {tag!r}")


class Number(str):
    """A number as it is written in the CLI's output."""


def to_tagged(value, name=None):
    """What the CLI printed. A time is there as a number or, in v2, as text in the form of ISO 8601."""
    match value:
        case None: return {"null": True}
        case bool(): return {"boolean": str(value).lower(), "native": "boolean"}
        case Number() if name in TIMESTAMPS: return {"timestamp": seconds(Decimal(value)), "native": "number"}
        case Number(): return {"integer" if re.fullmatch(r"-?\d+", value) else "float": str(value), "native": "number"}
        case dict(): return {"map": {key: to_tagged(item) for key, item in value.items()}, "native": "object"}
        case list(): return {"list": [to_tagged(item) for item in value], "native": "array"}
    if name in TIMESTAMPS:
        try:
            since = datetime.fromisoformat(value) - datetime(1970, 1, 1, tzinfo=timezone.utc)
            return {"timestamp": seconds(Decimal(since.days * 86400 + since.seconds) + Decimal(since.microseconds) / 1_000_000),
                    "native": "string"}
        except (ValueError, TypeError):  # no such form, or without a time zone
            return {**to_text(value), "native": "string"}
    return to_text(value)


def seconds(number):
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_text(text):
    """Text that is not valid Unicode (lone surrogates) goes as its bytes."""
    try:
        text.encode()
        return {"string": text}
    except UnicodeEncodeError:
        return {"bytes": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}


def command(call, arguments):
    """The command line and what is added to the environment: keys stay off the command line."""
    line, added = [AWS, "redshift-serverless", OPERATIONS[call["operation"]], "--output", "json"], {"AWS_PAGER": ""}
    line += ["--cli-input-json", json.dumps(arguments)]
    for name, flag in (("region", "--region"), ("endpoint", "--endpoint-url")):
        if call.get(name) is not None:
            line += [flag, call[name]]
    for name, variable in (("accessKeyId", "AWS_ACCESS_KEY_ID"), ("secretAccessKey", "AWS_SECRET_ACCESS_KEY"),
                           ("sessionToken", "AWS_SESSION_TOKEN")):
        if (call.get("credentials") or {}).get(name) is not None:
            added[variable] = call["credentials"][name]
    for name, value in (call.get("config") or {}).items():
        if name in VARIABLES:
            added[VARIABLES[name]] = str(value)
        elif name not in FLAGS:
            raise Unsupported(f"config {name}")
        elif value % 1000:
            raise Unsupported(f"{name}: the CLI takes whole seconds")
        else:
            line += [FLAGS[name], str(value // 1000)]
    return line, added


def describe_failure(code, stderr):
    """What the CLI said when it failed, and the attempts where it tells them."""
    text = re.sub(r"^\s*(aws: \[ERROR\]: )?", "", stderr.decode(errors="backslashreplace")).removesuffix("\n")
    error, meta = {"class": f"exit {code}", "bases": []}, {}
    if found := SERVICE_ERROR.match(text):
        if found["retries"]:
            meta["sdkAttempts"] = int(found["retries"]) + 1
        return {"phase": "service", **error, "code": found["code"], "message": found["message"]}, meta
    phase = next((phase for phase, begins in PHASES if re.match(begins, text)), "crash")
    return {"phase": phase, **error, "message": text}, meta


def answer(call):
    """The outcome of one call."""
    try:
        if call["operation"] not in OPERATIONS:
            raise Unsupported(f"operation {call['operation']}")
        if call.get("reuse"):
            raise Unsupported("reuse: each call is a process of its own")
        line, added = command(call, {name: from_tagged(value) for name, value in call["input"].items()})
    except Unsupported as reason:
        return {"outcome": "unsupported", "reason": str(reason)}
    except Exception as error:
        failure = {"phase": "driver", "class": type(error).__name__, "bases": [], "message": str(error)}
        return {"outcome": "error", "error": failure, "meta": {}}

    start = time.monotonic()
    done = subprocess.run(line, env={**os.environ, **added}, stdin=subprocess.DEVNULL, capture_output=True)
    if not done.returncode:  # what it says beside a result
        sys.stderr.buffer.write(done.stderr)
        sys.stderr.flush()
    elapsed = round((time.monotonic() - start) * 1000)
    if done.returncode:
        error, meta = describe_failure(done.returncode, done.stderr)
        return {"outcome": "error", "error": error, "elapsedMs": elapsed, "meta": meta}
    try:
        printed = json.loads(done.stdout or b"{}", parse_int=Number, parse_float=Number)
        result = {name: to_tagged(value, name) for name, value in printed.items()}
    except (ValueError, AttributeError) as error:
        failure = {"phase": "crash", "class": "exit 0", "bases": [], "message": f"the CLI printed no JSON object: {error}"}
        return {"outcome": "error", "error": failure, "elapsedMs": elapsed, "meta": {}}
    return {"outcome": "result", "result": result, "elapsedMs": elapsed, "meta": {}}


def hello():
    """`aws --version` prints words like aws-cli/1.46.3 Python/3.11.7 botocore/1.43.62, and more that is no version."""
    words = subprocess.run([AWS, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    versions = dict(re.findall(r"(\S+?)/(\S+)", words.stdout + words.stderr))
    deps = {name: versions[name] for name in ("Python", "botocore") if name in versions}
    if len(sys.argv) == 1:  # the CLI is of this Python, and so are the packages that it uses
        deps |= {each.name: each.version for each in importlib.metadata.distributions() if each.name not in ("awscli", "pip", "setuptools")}
    return {
        "type": "hello", "protocol": 1, "driver": "aws-cli", "language": "shell",
        "runtime": f"{platform.python_implementation()} {platform.python_version()}",
        "sdk": "awscli", "sdkVersion": versions["aws-cli"], "deps": dict(sorted(deps.items())),
        "operations": list(OPERATIONS), "config": [*VARIABLES, *FLAGS],
        "inputs": {**dict.fromkeys(("workgroupName", "dbName", "durationSeconds", "customDomainName"), "dynamic"), "*": "reject"},
        "reports": [], "typed": False,
    }


def main():
    for line in sys.stdin.buffer:
        said = json.loads(line)
        reply = hello() if said["type"] == "hello" else {"type": "outcome", "id": said["id"], **answer(said)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
