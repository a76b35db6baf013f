"""Runs redshift_connector for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).

Usage: VENV/bin/python redshift_connector_driver.py

redshift_connector asks GetCredentials through boto3 and logs in to the database with the answer. Here the class that
would log in is replaced by one that gives back the user and password it was handed; so the times of the answer, which
redshift_connector keeps to itself, are not in the result. The rest of the protocol is boto3_driver.py beside this file.
"""

import os

import redshift_connector
from redshift_connector.iam_helper import IamHelper

import boto3_driver
from boto3_driver import Unsupported

CONFIG = {"maxAttempts": "AWS_MAX_ATTEMPTS", "retryMode": "AWS_RETRY_MODE"}
STARTED_WITH = dict(os.environ)
HOST = "{}.123456789012.{}.redshift-serverless.amazonaws.com"

boto3_driver.PHASES.append(("client", (redshift_connector.Error,)))


class HandedOver:
    """Stands where the connection to the database would be."""

    def __init__(self, user, password, **_):
        self.result = {"dbUser": user, "dbPassword": password}


def connect(call, arguments, kept):
    """Connects as a user of the library would: by the workgroup's host name, or by a custom domain name."""
    named = {name: arguments[name] for name in ("workgroupName", "customDomainName") if name in arguments}
    if len(named) != 1 or not all(isinstance(value, str) for value in arguments.values()):
        raise Unsupported("redshift_connector connects to a host name, and all it sends is text")
    others = ", ".join(sorted(arguments.keys() - named.keys() - {"dbName"}))
    if others:
        raise Unsupported(f"redshift_connector has no argument for {others}")
    if "workgroupName" in named:
        target = {"host": HOST.format(named["workgroupName"], call.get("region") or "us-east-1")}
    else:
        target = {"host": named["customDomainName"], "is_serverless": True}

    # It has no settings for retries: boto3 reads them from the environment, where the harness may have set them too.
    settings = boto3_driver.settings_of(call, CONFIG)
    for name, variable in CONFIG.items():
        os.environ.pop(variable, None)
        value = settings.get(name, STARTED_WITH.get(variable))
        if value:
            os.environ[variable] = str(value)
    # Its cache of answers is one for the process; each reused name gets its own, and other calls none.
    name = call.get("reuse")
    IamHelper.credentials_cache = kept.setdefault(name, {})
    credentials = call.get("credentials") or {}
    return redshift_connector.connect(
        **target,
        iam=True,
        database=arguments.get("dbName"),
        iam_disable_cache=name is None,
        region=call.get("region"),
        endpoint_url=call.get("endpoint"),
        access_key_id=credentials.get("accessKeyId"),
        secret_access_key=credentials.get("secretAccessKey"),
        session_token=credentials.get("sessionToken"),
    ).result


def hello():
    """What this driver can do; `serve` adds what is installed."""
    inputs = {"workgroupName": "string", "dbName": "string", "customDomainName": "string", "*": "inexpressible"}
    # A connection tells nothing more of the answer behind it; only an error does, which is boto3's.
    return {"driver": "redshift-connector", "config": list(CONFIG), "inputs": inputs, "outputs": ["dbUser", "dbPassword"], "reports": []}


if __name__ == "__main__":
    redshift_connector.Connection = HandedOver
    boto3_driver.serve("redshift_connector", hello(), connect)
