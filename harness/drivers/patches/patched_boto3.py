"""boto3 with one deliberate fault, behind the honest driver: what `diff` has to catch.

Usage: VENV/bin/python patched_boto3.py FAULT       FAULT is a name of driver boto3 in index.json

The fault is put into botocore, then ../python/boto3_driver.py runs as if nothing had happened. To add one, write a
function named like it (with _ for -) and a row in index.json.
"""

import json
import runpy
import sys
import types
from pathlib import Path

import botocore.auth
import botocore.endpoint
import botocore.errorfactory
import botocore.parsers
import botocore.signers
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParser


def around(owner, name):
    """Puts the decorated function in place of a method; it is given the method as its first argument."""
    def replace(function):
        method = getattr(owner, name)
        setattr(owner, name, lambda *arguments, **named: function(method, *arguments, **named))
    return replace


def on_body(change, dump=json.dumps):
    """Changes the request's members before anything is signed; `change` gives the new ones."""
    @around(Endpoint, "make_request")
    def _(method, endpoint, model, request):
        request["body"] = dump(change(json.loads(request["body"]))).encode()
        return method(endpoint, model, request)


def on_headers(**changed):
    @around(Endpoint, "make_request")
    def _(method, endpoint, model, request):
        for name, change in changed.items():
            name = name.replace("_", "-")
            request["headers"][name] = change(request["headers"][name])
        return method(endpoint, model, request)


def on_parsed(change):
    """Changes what the parser made of an answer; `change` is given it and the answer itself."""
    @around(ResponseParser, "parse")
    def _(method, parser, response, shape):
        parsed = method(parser, response, shape)
        change(parsed, response)
        return parsed


def on_member(*names, change):
    on_parsed(lambda parsed, _: parsed.update({name: change(parsed[name]) for name in names if name in parsed}))


# What goes over the wire.


def integer_as_text():
    on_body(lambda members: {name: str(value) if isinstance(value, int) else value for name, value in members.items()})


def member_dropped():
    on_body(lambda members: {name: value for name, value in members.items() if name != "dbName"})


def null_members():
    on_body(lambda members: {"workgroupName": None, "dbName": None, "durationSeconds": None, **members})


def duration_made_up():
    on_body(lambda members: {**members, "durationSeconds": members.get("durationSeconds", 3600)})


def wrong_region():
    @around(botocore.auth.SigV4Auth, "__init__")
    def _(method, signer, **named):
        method(signer, **{**named, "region_name": "eu-west-1"})


def wrong_service():
    @around(botocore.auth.SigV4Auth, "__init__")
    def _(method, signer, **named):
        method(signer, **{**named, "service_name": "redshift"})


def unsigned():
    botocore.signers.RequestSigner.sign = lambda *_, **__: None


def session_token_lost():
    @around(botocore.auth.SigV4Auth, "__init__")
    def _(method, signer, **named):
        method(signer, **{**named, "credentials": named["credentials"]._replace(token=None)})


def target_renamed():
    on_headers(X_Amz_Target=lambda target: target.replace("RedshiftServerless.", "RedshiftServerlessService."))


def content_type_changed():
    on_headers(Content_Type=lambda _: "application/json")


def members_reversed():
    on_body(lambda members: dict(reversed(members.items())))


def body_without_spaces():
    on_body(lambda members: members, dump=lambda members: json.dumps(members, separators=(",", ":")))


def user_agent_changed():
    @around(Endpoint, "_send")
    def _(method, endpoint, request):
        request.headers["User-Agent"] += b" lib/other"
        return method(endpoint, request)


# How often it is sent.


def retry_on_400():
    @around(Endpoint, "_needs_retry")
    def _(method, endpoint, attempts, *arguments, **named):
        told = arguments[2] if len(arguments) > 2 else named.get("response")
        again = told is not None and told[0].status_code == 400 and attempts == 1
        return again or method(endpoint, attempts, *arguments, **named)


def no_retry_on_500():
    @around(Endpoint, "_needs_retry")
    def _(method, endpoint, attempts, *arguments, **named):
        told = arguments[2] if len(arguments) > 2 else named.get("response")
        return (told is None or told[0].status_code < 500) and method(endpoint, attempts, *arguments, **named)


def no_back_off():
    botocore.endpoint.time = types.SimpleNamespace(sleep=lambda _: None)


# What the caller is given.


def error_class_lost():
    botocore.errorfactory.BaseClientExceptions.from_code = lambda *_: ClientError


def error_code_lost():
    @around(ClientError, "__init__")
    def _(method, error, response, operation):
        response["Error"]["Code"] = "Unknown"
        method(error, response, operation)


def error_message_lost():
    on_parsed(lambda parsed, _: parsed["Error"].update(Message="") if "Error" in parsed else None)


def error_swallowed():
    @around(ClientError, "__init__")
    def _(method, error, response, operation):
        raise TypeError("'NoneType' object is not subscriptable")


def password_truncated():
    on_member("dbPassword", change=lambda password: password[:8])


def password_stripped():
    on_member("dbPassword", change=lambda password: password.replace("+", " "))


def timestamp_naive():
    on_member("expiration", "nextRefreshTime", change=lambda time: time.replace(tzinfo=None))


def timestamp_as_number():
    on_member("expiration", "nextRefreshTime", change=lambda time: int(time.timestamp()))


def timestamp_an_hour_off():
    on_member("expiration", "nextRefreshTime", change=lambda time: time.replace(hour=(time.hour + 1) % 24))


def result_member_lost():
    on_parsed(lambda parsed, _: parsed.pop("nextRefreshTime", None))


def unknown_members_passed():
    def change(parsed, response):
        if response["status_code"] == 200:
            for name, value in json.loads(response["body"]).items():
                parsed.setdefault(name, value)
    on_parsed(change)


def main():
    names = [row["name"] for row in json.loads(Path(__file__).with_name("index.json").read_text())["faults"] if row["driver"] == "boto3"]
    if len(sys.argv) != 2 or sys.argv[1] not in names:
        sys.exit(f"usage: patched_boto3.py FAULT, one of {', '.join(names)}")
    globals()[sys.argv[1].replace("-", "_")]()
    folder = Path(__file__).parent.parent / "python"
    sys.path.insert(0, str(folder))
    runpy.run_path(str(folder / "boto3_driver.py"), run_name="__main__")


if __name__ == "__main__":
    main()
