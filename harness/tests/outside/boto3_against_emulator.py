"""An unmodified boto3 client against `countersign serve emulator`.

Usage: python boto3_against_emulator.py PATH_TO_COUNTERSIGN_BINARY

Needs boto3 and the standard library. Prints one line a check, then `N passed, M failed`; exit code 1
if one failed.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

WORKGROUP = "boto3-check"
DOMAIN = "db.boto3-check.example.com"
READY_SECONDS = 20
READY_KEYS = {
    "endpoint", "region", "account", "workgroups", "custom_domains", "access_key_id", "secret_access_key",
}
# From a call to its nextRefreshTime: the one public record of a real answer.
REFRESH_SECONDS = 7200

results = []


def check(name, ok, detail=""):
    results.append(bool(ok))
    print(f"{'ok    ' if ok else 'FAILED'} {name}{'' if ok else f': {detail}'}", flush=True)


@contextlib.contextmanager
def group(name):
    """What goes wrong in one group of checks is one failure, and the next group still runs."""
    try:
        yield
    except Exception as error:
        check(name, False, f"{type(error).__name__}: {error}")


def clean_environment():
    """Nothing of the user's AWS set-up, and no proxy, reaches the client."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO_", "COUNTERSIGN_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull
    )


@contextlib.contextmanager
def emulator(binary, *flags, **environment):
    """Runs the emulator; gives what it prints when it is ready, and stops it by its pid."""
    command = [binary, "serve", "emulator", "--listen", "127.0.0.1:0", "--format", "json"]
    command += ["--workgroup", WORKGROUP, "--workgroup", "other-workgroup", "--custom-domain", f"{DOMAIN}={WORKGROUP}"]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, env={**os.environ, **environment})
    try:
        readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise RuntimeError("the emulator did not become ready")
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            code = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        check("the emulator ends with exit code 0 when it is terminated", code == 0, code)


def client(ready, key=None, secret=None, token=None, region=None):
    session = boto3.session.Session()
    return session.client(
        "redshift-serverless",
        endpoint_url=ready["endpoint"],
        region_name=region or ready["region"],
        aws_access_key_id=key or ready["access_key_id"],
        aws_secret_access_key=secret or ready["secret_access_key"],
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=5),
    )


def check_success(name, caller, seconds, **request):
    with group(name):
        before = datetime.now(timezone.utc)
        answer = caller.get_credentials(**request)
        meta = answer["ResponseMetadata"]
        check(f"{name}: status 200", meta["HTTPStatusCode"] == 200, meta["HTTPStatusCode"])
        check(f"{name}: a request id", len(meta.get("RequestId", "")) == 36)
        check(f"{name}: dbPassword is a text of 64 characters or more",
              isinstance(answer["dbPassword"], str) and len(answer["dbPassword"]) >= 64)
        check(f"{name}: dbUser is a text", answer["dbUser"] == "IAM:countersign", answer["dbUser"])
        for member, after in (("expiration", seconds), ("nextRefreshTime", REFRESH_SECONDS)):
            value = answer[member]
            aware = isinstance(value, datetime) and value.tzinfo is not None
            check(f"{name}: {member} is a datetime with a time zone", aware, repr(value))
            off = abs((value - before - timedelta(seconds=after)).total_seconds())
            check(f"{name}: {member} is {after} s from now", off <= 60, f"{off} s off")


def check_error(name, caller, code, typed=True, **request):
    """The call fails with this code, as the client's own exception where the operation lists it."""
    with group(name):
        try:
            caller.get_credentials(**request)
        except ClientError as error:
            found = error.response["Error"]["Code"]
            check(f"{name}: {code}", found == code, found)
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            check(f"{name}: status 400", status == 400, status)
            check(f"{name}: a message", error.response["Error"]["Message"])
            if typed:
                check(f"{name}: as its typed exception", isinstance(error, getattr(caller.exceptions, code)), type(error))
            return error
        check(name, False, "no error")


def main(binary):
    clean_environment()
    with group("default credentials"), emulator(binary) as ready:
        check("the ready line has its documented keys", set(ready) == READY_KEYS, sorted(ready))
        caller = client(ready)

        check_success("by workgroup", caller, 900, workgroupName=WORKGROUP)
        check_success("by custom domain", caller, 900, customDomainName=DOMAIN)
        check_success("by both", caller, 900, workgroupName=WORKGROUP, customDomainName=DOMAIN)
        check_success("for an hour", caller, 3600, workgroupName=WORKGROUP, durationSeconds=3600)
        check_success("with a database", caller, 900, workgroupName=WORKGROUP, dbName="dev")
        with group("fresh passwords"):
            one, other = (caller.get_credentials(workgroupName=WORKGROUP)["dbPassword"] for _ in range(2))
            check("two calls get two passwords", one != other)

        validation = "ValidationException"
        check_error("899 seconds", caller, validation, workgroupName=WORKGROUP, durationSeconds=899)
        check_error("3601 seconds", caller, validation, workgroupName=WORKGROUP, durationSeconds=3601)
        check_error("a workgroup name in capitals", caller, validation, workgroupName="ABC")
        check_error("a workgroup name of 65 characters", caller, validation, workgroupName="a" * 65)
        check_error("a custom domain of one label", caller, validation, customDomainName="localhost")
        check_error("a database name with a digit first", caller, validation, workgroupName=WORKGROUP, dbName="1dev")
        check_error("a reserved word as a database name", caller, validation, workgroupName=WORKGROUP, dbName="user")
        check_error("no name at all", caller, validation)
        check_error("names that disagree", caller, validation, workgroupName="other-workgroup", customDomainName=DOMAIN)

        missing = "ResourceNotFoundException"
        error = check_error("an unknown workgroup", caller, missing, workgroupName="nobody-has-this")
        if error:
            found = error.response.get("resourceName")
            check("an unknown workgroup: resourceName", found == "nobody-has-this", found)
        check_error("an unknown custom domain", caller, missing, customDomainName="nobody.example.com")

        # Not in the operation's error list: boto3 has no types for them.
        refused = [
            ("a wrong secret", client(ready, secret="wrong"), "InvalidSignatureException"),
            ("another region", client(ready, region="eu-west-1"), "InvalidSignatureException"),
            ("an unknown key", client(ready, key="AKIAUNKNOWNUNKNOWN12"), "UnrecognizedClientException"),
            ("a session token nobody gave", client(ready, token="token"), "UnrecognizedClientException"),
        ]
        for name, stranger, code in refused:
            check_error(name, stranger, code, typed=False, workgroupName=WORKGROUP)
        check_error("another operation", _Other(caller), "UnknownOperationException", typed=False)

    chosen = {"COUNTERSIGN_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "COUNTERSIGN_SESSION_TOKEN": "the-token"}
    with group("chosen credentials"), emulator(binary, **chosen) as ready:
        check("the access key id can be chosen", ready["access_key_id"] == "AKIAIOSFODNN7EXAMPLE")
        check_success("with its session token", client(ready, token="the-token"), 900, workgroupName=WORKGROUP)
        for name, token in (("a wrong session token", "other-token"), ("a missing session token", None)):
            stranger = client(ready, token=token)
            check_error(name, stranger, "UnrecognizedClientException", typed=False, workgroupName=WORKGROUP)

    failed = results.count(False)
    print(f"{results.count(True)} passed, {failed} failed")
    return 1 if failed else 0


class _Other:
    """Calls another operation of the service where `get_credentials` is asked for."""

    def __init__(self, caller):
        self.get_credentials = caller.list_workgroups


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
