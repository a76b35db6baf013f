#!/usr/bin/env python3
"""A driver obeys the driver protocol, and nothing it does leaves this machine.

Usage: drivers_obey_the_protocol.py [--prove-loopback] -- DRIVER COMMAND...
   e.g. drivers_obey_the_protocol.py -- VENV/bin/python harness/drivers/python/boto3_driver.py

Starts the driver, plays scripted answers to its SDK on 127.0.0.1, and checks each line that the driver writes
against the rules of harness/drivers/GUIDE.md, written down here a second time, by hand. Needs the standard library only.

--prove-loopback does it in a network namespace that has nothing but loopback (unshare -rn) and under strace, and
checks every address that the driver and its children connected or sent to. Where the machine does not allow one of
the two, it says so and leaves that out.

Prints one line a check, then `N passed, M failed`; exit code 1 if one failed.
"""

import base64
import fcntl
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SECRET, TOKEN, PASSWORD = "wJalrXUtnFEMI-K7MDENG-EXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN", "pass-word-EXAMPLE-\"\\/é\u2028😀"
ANSWER_SECONDS = 60
PHASES = {"client", "connect", "transport", "timeout", "parse", "service", "crash", "driver"}
WORKGROUP = {"workgroupName": {"string": "wg-1"}}
GOOD = {"dbUser": "IAM:alice", "dbPassword": PASSWORD, "expiration": 1700000000, "nextRefreshTime": 1700000000.5}

results = []


def check(claim, holds, found=""):
    results.append(bool(holds))
    print(f"{'ok    ' if holds else 'FAILED'} {claim}" + ("" if holds else f": {found!r}"), flush=True)


# The scripted server: one listener a case. A step is what is done after a request was read.


def answer(body, status="200 OK", media="application/x-amz-json-1.1", headers=(), length=None):
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", "x-amzn-RequestId: rid-0001", f"Content-Type: {media}",
            f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def error_answer(kind, status="400 Bad Request", **members):
    return answer({"__type": kind, **members}, status)


class Listener:
    """Plays the steps in turn, the last one again and again, and keeps the requests."""

    def __init__(self, *steps):
        self.steps, self.requests, self.connections = list(steps), [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            while request := self.read(connection):
                self.requests.append(request)
                step = self.steps[min(len(self.requests), len(self.steps)) - 1]
                if step == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if isinstance(step, tuple):
                    time.sleep(step[0])
                    step = step[1]
                try:
                    connection.sendall(step)
                except OSError:
                    return
                if b"X-Then: close" in step:
                    return

    @staticmethod
    def read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                more = connection.recv(65536)
            except OSError:
                return None
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        return {"line": line, "headers": headers, "body": body, "at": time.monotonic()}

    def bodies(self):
        return [json.loads(request["body"], object_pairs_hook=list) for request in self.requests]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


# The rules of the protocol. Each gives what is wrong with a value, or nothing.


def faults_of_value(value, at):
    if not isinstance(value, dict):
        return [f"{at} is no tagged value"]
    tags = value.keys() - {"native"}
    if len(tags) != 1:
        return [f"{at} has tags {sorted(tags)}"]
    tag, = tags
    payload = value[tag]
    if "native" in value and not (isinstance(value["native"], str) and value["native"]):
        return [f"{at} has a native type that is no text"]
    match tag:
        case "string": fits = isinstance(payload, str)
        case "integer": fits = isinstance(payload, str) and re.fullmatch(r"-?\d+", payload)
        case "float": fits = isinstance(payload, str) and re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?|-?inf(inity)?|nan", payload, re.I)
        case "timestamp": fits = isinstance(payload, str) and re.fullmatch(r"-?\d+(\.\d*[1-9])?|NaN", payload) and "native" in value
        case "boolean": fits = payload in ("true", "false")
        case "null" | "undefined": fits = payload is True
        case "bytes": fits = isinstance(payload, str) and base64.b64decode(payload, validate=True)
        case "list":
            return [fault for n, item in enumerate(payload) for fault in faults_of_value(item, f"{at}/{n}")]
        case "map":
            return [fault for name, item in payload.items() for fault in faults_of_value(item, f"{at}/{name}")]
        case _: return [f"{at} has the unknown tag {tag}"]
    return [] if fits else [f"{at} is no right {tag}"]


def faults_of_fields(value, at, **rules):
    """`rules` gives each allowed field its type; a name that ends in `_` must be there."""
    names = {name.rstrip("_"): (kind, name.endswith("_")) for name, kind in rules.items()}
    faults = [f"{at} has the unknown field {name}" for name in value.keys() - names.keys()]
    faults += [f"{at} has no {name}" for name, (_, needed) in names.items() if needed and name not in value]
    for name, given in value.items():
        kind = names.get(name, (object,))[0]
        if not isinstance(given, kind) or (kind is int and (isinstance(given, bool) or given < 0)):
            faults.append(f"{at}/{name} is no {kind.__name__}")
    return faults


def faults_of_hello(line):
    faults = faults_of_fields(line, "hello", type_=str, protocol_=int, driver_=str, language_=str, runtime_=str, sdk_=str,
                              sdkVersion_=str, deps_=dict, operations_=list, config_=list, inputs_=dict, reports_=list,
                              outputs=list, typed=bool, tls=bool)
    if faults:
        return faults
    if line["type"] != "hello" or line["protocol"] != 1:
        faults.append("type or protocol is wrong")
    if not all(isinstance(version, str) and version for version in line["deps"].values()):
        faults.append("deps holds what is no version")
    settings = {"maxAttempts", "retryMode", "readTimeoutMs", "connectTimeoutMs", "requestTimeoutMs", "throwOnRequestTimeout", "validate"}
    if set(line["config"]) - settings:
        faults.append("config names an unknown setting")
    if line["inputs"].get("*") not in ("dynamic", "pass", "drop", "reject", "inexpressible"):
        faults.append("inputs does not say what becomes of an unknown member")
    if set(line["inputs"].values()) - {"dynamic", "string", "int32", "int64", "pass", "drop", "reject", "inexpressible"}:
        faults.append("inputs has an unknown type")
    if set(line.get("outputs", [])) - GOOD.keys():
        faults.append("outputs names an unknown member")
    if set(line["reports"]) - {"requestId", "httpStatus", "sdkAttempts"}:
        faults.append("reports has an unknown word")
    return faults


def faults_of_outcome(line, call):
    kind = line.get("outcome")
    if line.get("type") != "outcome" or line.get("id") != call["id"]:
        return ["type or id is wrong"]
    if kind == "unsupported":
        return faults_of_fields(line, "outcome", type_=str, id_=str, outcome_=str, reason_=str)
    meta = line.get("meta")
    faults = faults_of_fields(meta, "meta", requestId=str, httpStatus=int, sdkAttempts=int) if isinstance(meta, dict) else []
    if kind == "result":
        faults += faults_of_fields(line, "outcome", type_=str, id_=str, outcome_=str, elapsedMs_=int, result_=dict, meta_=dict)
        return faults + [f for name, value in line.get("result", {}).items() for f in faults_of_value(value, f"result/{name}")]
    if kind != "error":
        return faults + [f"unknown outcome {kind}"]
    faults += faults_of_fields(line, "outcome", type_=str, id_=str, outcome_=str, elapsedMs=int, error_=dict, meta_=dict)
    error = line.get("error", {})
    words = {**dict.fromkeys(("code", "message", "requestId", "fault"), str), "bases": list, "httpStatus": int, "members": dict}
    words |= {"phase_": str, "class_": str}
    faults += faults_of_fields(error, "error", **words)
    if error.get("phase") not in PHASES:
        faults.append(f"unknown phase {error.get('phase')}")
    if error.get("phase") != "service" and {"httpStatus", "requestId", "fault", "members"} & error.keys():
        faults.append("what only a service's error has is on another")
    return faults + [f for name, value in error.get("members", {}).items() for f in faults_of_value(value, f"members/{name}")]


class Driver:
    """A driver process: says lines to it, and hears one line for each."""

    def __init__(self, command, environment, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.calls = 0

    def say(self, line):
        # Characters as they are, so that U+2028 and the like stand in the line itself.
        self.process.stdin.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self.process.stdin.flush()
        data = b""
        while not data.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
                raise RuntimeError(f"no answer within {ANSWER_SECONDS} s")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise RuntimeError(f"the driver ended with exit code {self.process.wait()}")
            data += more
        text = data.decode()
        if text.count("\n") != 1:
            raise RuntimeError(f"more than one line: {text!r}")
        json.dumps(reply := json.loads(text), ensure_ascii=False).encode()
        return reply

    def ask(self, endpoint, given=WORKGROUP, config=None, token=None, **fields):
        """One call; gives it and its outcome."""
        self.calls += 1
        call = {"type": "call", "id": f"check/{self.calls}", "operation": "GetCredentials", "endpoint": endpoint,
                "region": "us-east-1", "input": given, "config": {"maxAttempts": 1} if config is None else config,
                "credentials": {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": SECRET, "sessionToken": token},
                "deadlineMs": ANSWER_SECONDS * 1000, **fields}
        return call, self.say(call)

    def call(self, name, listener, **fields):
        """One call; checks the shape of its outcome and that it fits what the server saw."""
        watched = isinstance(listener, Listener)
        before = len(listener.requests) if watched else 0
        call, line = self.ask(listener.endpoint if watched else listener, **fields)
        faults = faults_of_outcome(line, call)
        if watched:
            sent, phase = len(listener.requests) - before, line.get("error", {}).get("phase")
            if sent and (line["outcome"] == "unsupported" or phase in ("client", "connect", "driver")):
                faults.append(f"{phase or 'unsupported'}, but {sent} requests were sent")
            if not sent and (line["outcome"] == "result" or phase in ("service", "parse")):
                faults.append("there was no request")
        check(f"{name}: a well-formed outcome", not faults, (faults, line))
        return line

    def close(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "killed"
        self.log.close()
        return code


# The checks.


def check_results(driver, hello):
    handed_over = hello.get("outputs", GOOD)
    listener = Listener(answer(GOOD))
    line = driver.call("a right answer", listener)
    result = line.get("result", {})
    check("a right answer: user", result.get("dbUser") == {"string": "IAM:alice"}, line)
    check("a right answer: password, whole", result.get("dbPassword") == {"string": PASSWORD}, "(not shown)")
    for member, time_told in (("expiration", "1700000000"), ("nextRefreshTime", "1700000000.5")):
        if member in handed_over:
            check(f"a right answer: {member}", result.get(member, {}).get("timestamp") == time_told, result.get(member))
    for name, value in (("requestId", "rid-0001"), ("httpStatus", 200), ("sdkAttempts", 1)):
        if name in hello["reports"]:
            check(f"a right answer: {name}", line.get("meta", {}).get(name) == value, line.get("meta"))
    request, = listener.requests
    sent = dict(listener.bodies()[0])
    check("a right answer: the input was sent", sent.get("workgroupName") == "wg-1" and sent.keys() <= {"workgroupName", "dbName"}, sent)
    scope = re.search(r"Credential=AKIDEXAMPLE/\d{8}/us-east-1/redshift-serverless/aws4_request", request["headers"].get("authorization", ""))
    check("a right answer: signed with the given key for the given region", scope, request["headers"])
    check("a right answer: no session token", "x-amz-security-token" not in request["headers"])

    listener = Listener(answer(GOOD))
    driver.call("with a session token", listener, token=TOKEN)
    check("with a session token: sent", listener.requests[0]["headers"].get("x-amz-security-token") == TOKEN)

    listener = Listener(answer(GOOD), answer(GOOD))
    driver.call("a client per call, first", listener)
    driver.call("a client per call, second", listener)
    check("a client per call: a connection each", listener.connections == 2, listener.connections)
    for turn in ("first", "again"):
        line = driver.call(f"the same client, {turn}", listener, reuse="one")
        check(f"the same client, {turn}: a result, or unsupported", line["outcome"] in ("result", "unsupported"), line)

    odd = {"dbUser": 5, "dbPassword": None, "expiration": 1700000000, "unknown": [True, 1.5, {"a": "b"}]}
    driver.call("odd types", Listener(answer(odd)))
    line = driver.call("a lone surrogate", Listener(answer('{"dbUser":"a\\ud800b","dbPassword":"p","expiration":1700000000}')))
    user = line.get("result", {}).get("dbUser", {})
    if "bytes" in user:
        check("a lone surrogate: as its bytes", base64.b64decode(user["bytes"]) == b"a\xed\xa0\x80b", user)
    for expiration in ('"2023-11-14T22:13:20Z"', '"garbage"', "1e400", "-1", "99999999999999", "null", "true", "[]"):
        text = f'{{"dbUser":"u","dbPassword":"p","expiration":{expiration}}}'
        driver.call(f"expiration {expiration}", Listener(answer(text)))


def check_inputs(driver, hello):
    def sent_or_refused(name, given, expected):
        """The input went out exactly so, or the SDK or the language refused it before."""
        listener = Listener(answer(GOOD))
        line = driver.call(name, listener, given=given)
        if listener.requests:
            body = [pair for pair in listener.bodies()[0] if pair[0] in given]
            check(f"{name}: sent as given", sorted(body) == sorted(expected), (body, line))
            return body
        refused = line["outcome"] == "unsupported" or line.get("error", {}).get("phase") in ("client", "crash")
        check(f"{name}: refused before sending", refused, line)
        return None

    text = "a\u2028b\u007f\"\\/é😀"
    sent_or_refused("text of all kinds", {**WORKGROUP, "dbName": {"string": text}}, [("workgroupName", "wg-1"), ("dbName", text)])
    sent_or_refused("a large integer", {**WORKGROUP, "durationSeconds": {"integer": "2147483648"}},
                    [("workgroupName", "wg-1"), ("durationSeconds", 2147483648)])
    sent_or_refused("an integer", {**WORKGROUP, "durationSeconds": {"integer": "900"}}, [("workgroupName", "wg-1"), ("durationSeconds", 900)])
    for tagged, value in (({"float": "900.5"}, 900.5), ({"boolean": "true"}, True), ({"string": "900"}, "900"),
                          ({"list": [{"integer": "1"}]}, [1])):
        sent_or_refused(f"durationSeconds {tagged}", {**WORKGROUP, "durationSeconds": tagged}, [("workgroupName", "wg-1"), ("durationSeconds", value)])
    driver.call("null", Listener(answer(GOOD)), given={**WORKGROUP, "dbName": {"null": True}})
    driver.call("a map", Listener(answer(GOOD)), given={**WORKGROUP, "dbName": {"map": {"a": {"string": "b"}}}})
    driver.call("an unknown member", Listener(answer(GOOD)), given={**WORKGROUP, "bogus": {"string": "x"}})
    driver.call("no member", Listener(answer(GOOD)), given={})
    if hello["driver"] == "boto3":  # a caller's order reaches the wire only here, whatever the version
        for order in (("dbName", "workgroupName"), ("workgroupName", "dbName")):
            listener = Listener(answer(GOOD))
            driver.call(f"order {order}", listener, given={name: {"string": "wg-1"} for name in order})
            check(f"order {order}: kept", [name for name, _ in listener.bodies()[0]] == list(order), listener.bodies())

    line = driver.call("another operation", Listener(answer(GOOD)), operation="ListWorkgroups")
    check("another operation: unsupported", line["outcome"] == "unsupported", line)
    line = driver.call("an unknown setting", Listener(answer(GOOD)), config={"bogus": 1})
    check("an unknown setting: unsupported", line["outcome"] == "unsupported", line)
    line = driver.call("an unknown tag", Listener(answer(GOOD)), given={"workgroupName": {"bogus": "x"}})
    check("an unknown tag: phase driver", line.get("error", {}).get("phase") == "driver", line)


def check_errors(driver, hello):
    def failed(name, listener, *phases, config=None, **expected):
        line = driver.call(name, listener, config=config)
        error = line.get("error", {})
        check(f"{name}: phase {' or '.join(phases)}", error.get("phase") in phases, line)
        for field, value in expected.items():
            if field not in ("httpStatus", "requestId") or field in hello["reports"]:
                check(f"{name}: {field}", error.get(field) == value, error)
        return error

    typed = failed("a typed error", Listener(error_answer("ValidationException", message="boom")), "service",
                   code="ValidationException", message="boom", httpStatus=400, requestId="rid-0001")
    untyped = failed("an untyped error", Listener(error_answer("BogusException", message="boom")), "service", code="BogusException")
    if hello.get("typed", True):
        check("a typed error: another class than an untyped one", typed.get("class") != untyped.get("class"), (typed, untyped))
        found = failed("a missing resource", Listener(error_answer("ResourceNotFoundException", message="no", resourceName="wg-1")),
                       "service", code="ResourceNotFoundException")
        if hello["driver"] != "redshift-connector":
            check("a missing resource: its member", found.get("members", {}).get("resourceName") == {"string": "wg-1"}, found)
    failed("a server's error", Listener(error_answer("InternalServerException", "500 Internal Server Error", message="x")), "service",
           code="InternalServerException", httpStatus=500)
    failed("no connection", closed_port(), "connect")
    failed("a reset connection", Listener("reset"), "transport")
    page = answer("<html><body>Bad Gateway</body></html>", "502 Bad Gateway", "text/html")
    failed("an error page", Listener(page), "service", "parse", "crash")
    failed("no HTTP at all", Listener(b"what?\r\n\r\nX-Then: close"), "transport", "parse", "crash")
    driver.call("a page instead of a result", Listener(answer("<html></html>", media="text/html")))
    driver.call("an empty body", Listener(answer("")))
    driver.call("cut JSON", Listener(answer('{"dbUser":"IAM:al')))
    driver.call("an array", Listener(answer("[]")))
    driver.call("invalid UTF-8", Listener(answer(b'{"dbUser":"a\xff\xfeb","dbPassword":"p","expiration":1}')))
    driver.call("a cut body", Listener(answer('{"dbUser":"IAM:alice"', length=500, headers=["X-Then: close"])))
    message = 'a\\ud800 \\u0000 \\u2028 \\n'
    driver.call("an odd message", Listener(answer(f'{{"__type":"ValidationException","message":"{message}"}}', "400 Bad Request")))
    driver.call("an error of odd types", Listener(answer('{"__type":5,"message":{"a":[1]}}', "400 Bad Request")))

    slow = (3, answer(GOOD))
    if "readTimeoutMs" in hello["config"]:
        failed("a slow answer", Listener(slow), "timeout", config={"maxAttempts": 1, "readTimeoutMs": 1000})
    if "requestTimeoutMs" in hello["config"]:
        # By default some versions only warn.
        driver.call("a late answer", Listener(slow), config={"maxAttempts": 1, "requestTimeoutMs": 1000})
    if "throwOnRequestTimeout" in hello["config"] and "requestTimeoutMs" in hello["config"]:
        config = {"maxAttempts": 1, "requestTimeoutMs": 1000, "throwOnRequestTimeout": True}
        line = driver.call("a late answer that is an error", Listener(slow), config=config)
        check("a late answer that is an error: phase timeout, or an SDK that has no such setting",
              line["outcome"] == "result" or line.get("error", {}).get("phase") == "timeout", line)
    if "maxAttempts" in hello["config"]:
        busy = error_answer("ThrottlingException", message="slow down")
        listener = Listener(busy, answer(GOOD))
        line = driver.call("throttled, then right", listener, config={"maxAttempts": 2})
        check("throttled, then right: a result in two requests", (line["outcome"], len(listener.requests)) == ("result", 2), line)
        if "sdkAttempts" in hello["reports"]:
            check("throttled, then right: two attempts told", line.get("meta", {}).get("sdkAttempts") == 2, line)
        counts = []
        for settings in ({"maxAttempts": 2}, {"maxAttempts": 3}, {"maxAttempts": 2, "retryMode": "standard"}):
            if settings.keys() <= set(hello["config"]):
                listener = Listener(busy)
                driver.call(f"throttled for ever, {settings}", listener, config=settings)
                counts.append(len(listener.requests))
        # Some versions of the JavaScript SDK send one more than they are told.
        check("throttled for ever: as many requests as told, or one more", counts[0] in (2, 3), counts)
        check("throttled for ever: one more where one more was allowed", counts[1] == counts[0] + 1, counts)


def check_environment(command, environment, log, inside):
    """`endpoint: null`: the SDK finds the endpoint in its environment, if it is of the versions that look there."""
    if not inside:
        print("skipped endpoint null: only in a network namespace, since an SDK may ignore the environment and ask AWS")
        return True
    listener = Listener(answer(GOOD))
    driver = Driver(command, {**environment, "AWS_ENDPOINT_URL": listener.endpoint}, log)
    try:
        driver.say({"type": "hello", "protocol": 1})
        line = driver.call("endpoint null", None)
        honoured = bool(listener.requests)
        print(f"note   this SDK {'honours' if honoured else 'ignores'} AWS_ENDPOINT_URL")
        if honoured:
            check("endpoint null: the answer of the server in AWS_ENDPOINT_URL", line.get("result", {}).get("dbUser") == {"string": "IAM:alice"}, line)
        else:
            check("endpoint null: no result from nowhere", line["outcome"] in ("error", "unsupported"), line)
    finally:
        driver.close()
    return honoured


# Loopback.


def loopback_up():
    """Raises `lo`, which a fresh network namespace has down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def allowed(*command):
    return shutil.which(command[0]) and subprocess.run(command, capture_output=True).returncode == 0


def outside_addresses(trace):
    """The addresses in a trace of connect and send calls that are not this machine's."""
    found = set()
    for line in Path(trace).read_text(errors="replace").splitlines():
        found |= {address for address in re.findall(r'inet_addr\("([^"]+)"\)', line) if not address.startswith("127.")}
        found |= {address for address in re.findall(r'inet_pton\(AF_INET6, "([^"]+)"', line)
                  if address != "::1" and not address.startswith("::ffff:127.")}
    return sorted(found)


def clean_environment(home):
    """Nothing of the user's AWS set-up, and no proxy, reaches the driver."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|boto|countersign_)|.*_proxy$", name)}
    return {**kept, "HOME": home, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def main(options, command):
    prove, inside = "--prove-loopback" in options, "--inside" in options
    if prove and not inside:
        if allowed("unshare", "-rn", "true"):
            os.execvp("unshare", ["unshare", "-rn", sys.executable, __file__, *options, "--inside", "--", *command])
        print("skipped the network namespace: unshare -rn is not allowed here")
    if inside:
        loopback_up()
    traced = prove and allowed("strace", "-f", "-qq", "-o", os.devnull, "true")
    if prove and not traced:
        print("skipped the trace of connections: strace is not here or not allowed")

    with tempfile.TemporaryDirectory() as folder:
        environment, log = clean_environment(folder), Path(folder, "stderr")

        def watched(trace):
            calls = "trace=connect,sendto,sendmsg,sendmmsg"
            return ["strace", "-f", "-qq", "-s", "0", "-e", calls, "-o", str(Path(folder, trace)), *command] if traced else command

        driver = Driver(watched("given"), environment, log)
        code = None
        try:
            hello = driver.say({"type": "hello", "protocol": 1})
            check("hello", not faults_of_hello(hello), (faults_of_hello(hello), hello))
            print(f"note   {hello['driver']}: {hello['sdk']} {hello['sdkVersion']} on {hello['runtime']}, {len(hello['deps'])} dependencies")
            check_results(driver, hello)
            check_inputs(driver, hello)
            check_errors(driver, hello)
        except RuntimeError as error:
            check("the driver answers each line with one line", False, str(error))
        finally:
            code = driver.close()
        check("the driver ends with exit code 0 when stdin closes", code == 0, code)
        honoured = check_environment(watched("null"), environment, log, inside)
        if traced:
            check("endpoint given: all connections on loopback", not outside_addresses(Path(folder, "given")), outside_addresses(Path(folder, "given")))
            tried = outside_addresses(Path(folder, "null")) if inside else []
            if honoured:
                check("endpoint null: all connections on loopback", not tried, tried)
            else:
                print(f"note   endpoint null: an SDK that ignores the environment tried {tried}; the namespace held it back")
            check("the trace has connections to loopback", "127.0.0.1" in Path(folder, "given").read_text())
        logged = log.read_bytes()
        leaked = [name for name, secret in (("the secret key", SECRET), ("the session token", TOKEN), ("the password", PASSWORD[:18]))
                  if secret.encode() in logged]
        check("no secret on stderr", not leaked, leaked)

    failed = results.count(False)
    print(f"{results.count(True)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if "--" not in sys.argv or sys.argv[-1] == "--":
        sys.exit(__doc__)
    split = sys.argv.index("--")
    sys.exit(main(sys.argv[1:split], sys.argv[split + 1:]))
