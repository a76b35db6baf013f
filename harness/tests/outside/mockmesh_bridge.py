#!/usr/bin/env python3
"""Puts on the wire what MockMesh answers in process.

usage: mockmesh_bridge.py PORT [--epoch]    (needs boto3 and mockmesh-aws in this Python)

MockMesh patches boto3 and never speaks the protocol itself. This server takes a call on 127.0.0.1,
makes it with boto3 under `mockmesh.enable()`, and writes the members that come back as JSON, as they
are. What is judged is what MockMesh gives a caller of boto3; status, headers and framing are the
bridge's. boto3's own checks of parameters are off: they are not MockMesh's.

With --epoch a timestamp that is a text is written as the number that the protocol has for it, so that
what MockMesh says of the time can be judged apart from how it says it.
"""
import json
import sys
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import mockmesh
from botocore.config import Config

TARGET = "RedshiftServerless.GetCredentials"
TIMESTAMPS = ("expiration", "nextRefreshTime")


def members(request: dict, epoch: bool) -> dict:
    answer = client.get_credentials(**request)
    answer.pop("ResponseMetadata", None)
    if epoch:
        answer |= {name: datetime.fromisoformat(answer[name]).timestamp() for name in TIMESTAMPS}
    return answer


class Bridge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            request = json.loads(body)
        except ValueError:
            return self.answer(400, {"__type": "SerializationException"})
        if self.headers.get("x-amz-target") != TARGET or not isinstance(request, dict):
            return self.answer(400, {"__type": "UnknownOperationException", "message": "the bridge has one operation"})
        self.answer(200, members(request, "--epoch" in sys.argv))

    def answer(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


mockmesh.enable()
client = boto3.client("redshift-serverless", region_name="us-east-1", aws_access_key_id="test",
                      aws_secret_access_key="test", config=Config(parameter_validation=False))
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Bridge).serve_forever()
