#!/usr/bin/env python3
"""A server to start from: it listens on 127.0.0.1, reads requests, writes answers, and knows no operation.

usage: start.py [--port PORT] [--workgroup NAME]

GUIDE.md leads from here to a server that is conformant for `core`. All that is to be written goes into
`respond`. Needs Python 3.9 or newer and nothing else.
"""
from __future__ import annotations

import argparse
import json
import uuid
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refused(Exception):
    """An answer that is an error: its status, its name, and a message for a person."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def respond(workgroup: str, method: str, path: str, headers: Message, body: bytes) -> dict:
    """The members of the answer to one request. `headers` takes names in any letter case."""
    raise Refused(400, "UnknownOperationException", "no operation is written yet")


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
    try:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    except OSError as error:
        raise SystemExit(f"cannot listen on port {given.port}: {error.strerror}; --port 0 takes a free one") from None
    print(f"http://127.0.0.1:{server.server_port} has the workgroup {given.workgroup}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
