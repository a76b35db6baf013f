#!/usr/bin/env python3
"""What GUIDE.md leads to: a `GetCredentials` that is conformant for `core` and `signature`.

usage: finished.py [--port PORT] [--workgroup NAME]

The functions are in the order of the guide's steps. Needs Python 3.9 or newer and nothing else.
"""
from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from datetime import datetime, timezone
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refused(Exception):
    """An answer that is an error: its status, its name, and a message for a person."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


# 1: the answer

def answer(seconds: int) -> dict:
    now = time.time()
    return {
        "dbPassword": secrets.token_urlsafe(48),
        "dbUser": "IAMR:someone",
        "expiration": now + seconds,
        "nextRefreshTime": now + 7200,
    }


def check_operation(headers: Message) -> None:
    if headers.get("X-Amz-Target") != "RedshiftServerless.GetCredentials":
        raise Refused(400, "UnknownOperationException", "there is no such operation")


# 2: lifetimes

def seconds_of(request: dict) -> int:
    return int(request.get("durationSeconds", 900))


# 3: the body

def unreadable(message: str) -> Refused:
    return Refused(400, "SerializationException", message)


def read(body: bytes) -> dict:
    try:
        request = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise unreadable("the body is not JSON") from None
    if not isinstance(request, dict):
        raise unreadable("the body is not an object")
    return {name: value for name, value in request.items() if value is not None}


# 4: types

def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_types(request: dict) -> None:
    for name in ("workgroupName", "dbName", "customDomainName"):
        if not isinstance(request.get(name, ""), str):
            raise unreadable(f"{name} is not a text")
    if not is_number(request.get("durationSeconds", 900)):
        raise unreadable("durationSeconds is not a number")


# 5: durations

def invalid(message: str) -> Refused:
    return Refused(400, "ValidationException", message)


def check_duration(request: dict) -> None:
    if not 900 <= request.get("durationSeconds", 900) <= 3600:
        raise invalid("durationSeconds must be from 900 to 3600")


# 6: the workgroup

def check_names(request: dict) -> None:
    if "workgroupName" not in request and "customDomainName" not in request:
        raise invalid("workgroupName or customDomainName must be given")
    if not re.fullmatch("[a-z0-9-]{3,64}", request.get("workgroupName", "none")):
        raise invalid("workgroupName must have 3 to 64 characters out of a-z, 0-9 and the hyphen")


def find(request: dict, workgroup: str) -> None:
    if request.get("workgroupName") != workgroup:
        raise Refused(400, "ResourceNotFoundException", "there is no such workgroup")


# 7: database names

RESERVED = frozenset("""
    aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between
    binary blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross
    current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag
    delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except
    explicit false for foreign freeze from full globaldict256 globaldict64k grant group gzip having identity
    ignore ilike in initially inner intersect interval into is isnull join leading left like limit localtime
    localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off
    offline offset oid old on only open or order outer overlaps parallel partition percent permissions pivot
    placing primary raw readratio recover references rejectlog resort respect restore right select session_user
    similar snapshot some sysdate system table tag tdes text255 text32k then timestamp to top trailing true
    truncatecolumns union unique unnest unpivot user using verbose wallet when where with without
""".split())


def check_database(request: dict) -> None:
    name = request.get("dbName", "dev")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_+.@-]{0,63}", name):
        raise invalid("dbName must begin with a letter and have 1 to 64 letters, digits and _ + . @ -")
    if name.lower() in RESERVED:
        raise invalid("dbName must not be a reserved word")


# 8: the protocol

def check_protocol(method: str, path: str, headers: Message) -> None:
    media = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if (method, path, media) != ("POST", "/", "application/x-amz-json-1.1"):
        raise Refused(400, "UnknownOperationException", "a call is a POST / of application/x-amz-json-1.1")


# 10: signatures

KEY, SECRET, REGION, SERVICE = "test", "test", "us-east-1", "redshift-serverless"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<signed>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})")
MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-target"}


def hmac_sha256(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


def signature_of(method: str, path: str, headers: Message, body: bytes, signed: str, scope: str) -> str:
    lines = [f"{name}:{(headers.get(name) or '').strip()}" for name in signed.split(";")]
    canonical = "\n".join([method, path, "", *lines, "", signed, hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers.get("X-Amz-Date") or "", scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        key = hmac_sha256(key, part)
    return hmac_sha256(key, to_sign).hex()


def check_date(text: str, date: str) -> None:
    try:
        signed_at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused(400, "IncompleteSignature", "X-Amz-Date is missing or not a date") from None
    if abs((datetime.now(timezone.utc) - signed_at).total_seconds()) > 300 or not text.startswith(date):
        raise Refused(400, "InvalidSignatureException", "the request was not signed now")


def check_signature(method: str, path: str, headers: Message, body: bytes) -> None:
    if not headers.get("Authorization"):
        raise Refused(400, "MissingAuthenticationToken", "the request is not signed")
    found = AUTHORIZATION.fullmatch(headers["Authorization"])
    if not found or not MUST_BE_SIGNED <= set(found["signed"].split(";")):
        raise Refused(400, "IncompleteSignature", "the Authorization header is incomplete")
    if found["key"] != KEY:
        raise Refused(400, "UnrecognizedClientException", "nobody has this access key id")
    check_date(headers.get("X-Amz-Date") or "", found["date"])
    scope = f"{found['date']}/{REGION}/{SERVICE}/aws4_request"
    right = signature_of(method, path, headers, body, found["signed"], scope)
    if (found["region"], found["service"]) != (REGION, SERVICE) or not hmac.compare_digest(right, found["signature"]):
        raise Refused(400, "InvalidSignatureException", "the signature is not the one of this request")


# All of them, in the order in which a request is checked

def respond(workgroup: str, method: str, path: str, headers: Message, body: bytes) -> dict:
    """The members of the answer to one request. `headers` takes names in any letter case."""
    check_protocol(method, path, headers)
    check_operation(headers)
    check_signature(method, path, headers, body)
    request = read(body)
    check_types(request)
    check_duration(request)
    check_names(request)
    check_database(request)
    find(request, workgroup)
    return answer(seconds_of(request))


class Handler(BaseHTTPRequestHandler):
    """One connection: reads each request, and writes what `respond` makes of it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    workgroup = ""

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.requestline.split()[1]  # self.path makes one slash out of two
        try:
            status, members = 200, respond(self.workgroup, self.command, path, self.headers, body)
        except Refused as refused:
            status, members = refused.status, {"__type": refused.name, "message": refused.message}
        self.write(status, json.dumps(members).encode())

    do_POST = do_GET = do_PUT = do_DELETE = handle_request

    def write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: what is sent and answered is not for a log."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--workgroup", default="my-workgroup", help="the one workgroup that there is")
    given = parser.parse_args()
    Handler.workgroup = given.workgroup
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    print(f"http://127.0.0.1:{server.server_port} has the workgroup {given.workgroup}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
