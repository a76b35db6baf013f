"""An emulator whose credentials log in, for the scripts beside this file."""

import json
import urllib.request

import boto3
from botocore.config import Config

from serving import serving

WORKGROUP = "real-clients"
OTHER = "another-workgroup"
USER = "IAM:alice"


def emulator(binary, *flags):
    """Runs the emulator with two workgroups and a clock that moves."""
    named = [f"--workgroup={name}" for name in (WORKGROUP, OTHER)]
    return serving(binary, "emulator", "--control", *named, f"--user={USER}", *flags)


def door(ready, workgroup=WORKGROUP):
    """The port of a workgroup."""
    return int(ready["doors"][workgroup].rsplit(":", 1)[1])


def credentials(ready, workgroup=WORKGROUP, **members):
    """User and password by boto3."""
    client = boto3.client(
        "redshift-serverless",
        endpoint_url=ready["endpoint"],
        region_name=ready["region"],
        aws_access_key_id=ready["access_key_id"],
        aws_secret_access_key=ready["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=20),
    )
    answer = client.get_credentials(workgroupName=workgroup, **members)
    return answer["dbUser"], answer["dbPassword"]


def advance(ready, seconds):
    """Moves the emulator's clock; gives how far it moved."""
    request = urllib.request.Request(
        f"{ready['endpoint']}/_countersign/clock",
        json.dumps({"advance_seconds": seconds}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["moved_seconds"]


def is_refused(text):
    """Whether a client's error says that the password is not taken."""
    return any(part in str(text) for part in ("password authentication failed", "token has expired"))
