#!/usr/bin/env python3
"""Where each spelling of a host, URL, region or setting leads, tried where nothing can leave.

Usage: requests_stay_on_the_machine.py COUNTERSIGN [NAME ...]

Runs the program in a network namespace that has loopback and nothing else. There, every address leads to a listener of
this script, which notes who was reached and what was sent; every name is asked of a resolver of this script, which
notes it and answers with an address of its own (198.51.100.7, a network for documentation). So each row of the table
says which names were resolved, which addresses were reached, and what arrived there.

Prints a line for each row: its name, the exit code, the names that were resolved, and what was sent where; behind a
row that is not as expected, what was expected. Ends with `N passed, M failed`; exit code 1 if one failed. Where no
such namespace can be made, it says so and ends with 77, or with 1 where COUNTERSIGN_MUST_ISOLATE is set.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

INSIDE = "COUNTERSIGN_NOTHING_LEAVES_INSIDE"
ELSEWHERE = "198.51.100.7"
PORTS = [80, 443, 3128, 4566, 4567, 8302, 8443]
PROXY, ENDPOINT, REDIRECT = 3128, 4566, 8302
TOKEN = "CANARY-session-token-5d2e"
ALLOW = ["--allow-aws", "123456789012/us-east-1/wg"]
AWS = "redshift-serverless.us-east-1.amazonaws.com"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIACANARYCANARY1234", "AWS_SECRET_ACCESS_KEY": "CANARY-secret-key-77b1"}
WITH_TOKEN = {**KEYS, "AWS_SESSION_TOKEN": TOKEN}
PROXIES = {name: f"http://127.0.0.1:{PROXY}" for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]}


# What arrives.

class Witness:
    """Notes what is resolved and what is sent, between two calls of `begin`."""

    def __init__(self):
        self.lock = threading.Lock()
        self.begin()

    def begin(self):
        with self.lock:
            self.names, self.sent, self.bytes = set(), set(), b""

    def resolved(self, name):
        with self.lock:
            self.names.add(name)

    def arrived(self, place, what, data):
        with self.lock:
            self.sent.add(f"{place} {what}")
            self.bytes += data


def server_name(hello):
    """The name that a TLS client asks for, out of its first record; None where it names none."""
    # The extension, its length and that of its list, the kind "host name", and the name with its length.
    for found in re.finditer(rb"(?=\x00\x00(..)(..)\x00(..)([a-z0-9.-]+))", hello, re.DOTALL):
        extension, names, name = (struct.unpack(">H", found[part])[0] for part in (1, 2, 3))
        if extension == names + 2 == name + 5 and len(found[4]) >= name:
            return found[4][:name].decode()
    return None


def told(data):
    """What arrived on a connection, in a few words."""
    if data[:1] == b"\x16":
        return f"TLS for {server_name(data)}"
    head = data.split(b"\r\n\r\n")[0].decode("latin-1")
    line, *fields = head.split("\r\n")
    names = [field.split(":")[0].lower() for field in fields]
    words = line.split(" ")
    if words[0] == "CONNECT":
        return f"CONNECT {words[1]}"
    if words[0] in ("GET", "PUT") and "x-amz-target" not in names:
        return f"{words[0]} {words[1]}"
    parts = ["proxied" if words[1].startswith("http") else "plain"]
    scope = re.search(r"Credential=[^/]*/\d+/([^/]*)/", head)
    parts.append(f"signed for {scope[1]}" if scope else "unsigned")
    if "x-amz-security-token" in names:
        parts.append("with a token")
    if any(name.startswith("x-evil") for name in names):
        parts.append("with a smuggled field")
    return ", ".join(parts)


def serve(witness, connection):
    place = "{}:{}".format(*connection.getsockname()[:2])
    port = connection.getsockname()[1]
    try:
        with connection:
            connection.settimeout(5)
            while True:
                data = b""
                while b"\r\n\r\n" not in data and data[:1] != b"\x16":
                    part = connection.recv(65536)
                    if not part:
                        return
                    data += part
                if data[:1] == b"\x16":
                    witness.arrived(place, told(data), data)
                    return
                head, _, body = data.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                while length and len(body) < int(length[1]):
                    body += connection.recv(65536)
                witness.arrived(place, told(data), data)
                if data.startswith(b"CONNECT"):
                    return
                if port == REDIRECT:
                    status, extra = b"307 Temporary Redirect", b"location: https://" + AWS.encode() + b"/\r\n"
                else:
                    status, extra = b"400 Bad Request", b""
                answer = b'{"__type":"UnknownOperationException","message":"not here"}'
                connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-type: application/x-amz-json-1.1\r\n" + extra +
                                   b"content-length: %d\r\n\r\n" % len(answer) + answer)
    except OSError:
        pass


def listen(witness, family, port):
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    listener.listen(100)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(witness, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def resolve(witness, address=ELSEWHERE):
    """A resolver: this address for every name, none where it is None, and none of IPv6."""
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resolver.bind(("127.0.0.1", 53))

    def answer():
        while True:
            question, peer = resolver.recvfrom(4096)
            at, labels = 12, []
            while question[at]:
                labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
                at += 1 + question[at]
            kind = question[at + 1:at + 3]
            witness.resolved(".".join(labels))
            found = address is not None and kind == b"\x00\x01"
            reply = question[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if found else b"\x00\x00") + b"\x00\x00\x00\x00" + question[12:at + 5]
            if found:
                reply += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + socket.inet_aton(address)
            resolver.sendto(reply, peer)

    threading.Thread(target=answer, daemon=True).start()


# The table.

class Row:
    """A command, and what must come of it: its exit code, the names that it resolves, and what it sends where."""

    def __init__(self, name, arguments, code, sent=(), resolved=(), environment=None, said=(), files=None, folder=".", owner=None):
        self.name, self.arguments, self.code = name, arguments, code
        self.sent, self.resolved, self.said = set(sent), set(resolved), said
        self.environment = {**KEYS, **(environment or {})}
        self.files, self.folder, self.owner = files or {}, folder, owner


def at(url, *more, command="run"):
    return [command, "--endpoint", url, *(["--workgroup", "wg"] if command != "config" else []), *more]


def aws_spellings():
    hosts = {
        "plain": AWS, "trailing dot": AWS + ".", "capitals": AWS.upper(), "mixed case": "Redshift-Serverless.us-east-1.AmazonAWS.Com",
        "fips": "redshift-serverless-fips.us-east-1.amazonaws.com", "dual stack": "redshift-serverless.us-east-1.api.aws",
        "fips dual stack": "redshift-serverless-fips.us-east-1.api.aws.", "china": "redshift-serverless.cn-north-1.amazonaws.com.cn",
        "china dual stack": "redshift-serverless.cn-north-1.api.amazonwebservices.com.cn",
        "sovereign": "redshift-serverless.eusc-de-east-1.amazonaws.eu", "gov cloud": "redshift-serverless.us-gov-west-1.amazonaws.com",
        "iso": "redshift-serverless.us-iso-east-1.c2s.ic.gov", "iso b": "redshift-serverless.us-isob-east-1.sc2s.sgov.gov",
        "iso e": "redshift-serverless.eu-isoe-west-1.cloud.adc-e.uk", "iso f": "redshift-serverless.us-isof-south-1.csp.hci.ic.gov",
        "percent": "redshift-serverless.us-east-1.%61mazonaws.com", "percent dot": "redshift-serverless.us-east-1.amazonaws%2ecom",
        "full width": "redshift-serverless.us-east-1.\uff41mazonaws.com", "ideographic stop": "redshift-serverless.us-east-1.amazonaws\u3002com",
        "soft hyphen": "redshift-serverless.us-east-1.amazon\u00adaws.com", "zero width": "redshift-serverless.us-east-1.amazonaws\u200b.com",
        "with a port": AWS + ":8443", "another service": "redshift.us-east-1.amazonaws.com", "storage": "bucket.s3.amazonaws.com",
        "gateway": "abc.execute-api.us-east-1.amazonaws.com", "function": "abc.lambda-url.us-east-1.on.aws", "sign-on": "d-1.awsapps.com",
        "cloudfront": "d111.cloudfront.net", "accelerator": "a1.awsglobalaccelerator.com", "beanstalk": "a.us-east-1.elasticbeanstalk.com",
        "app runner": "a.us-east-1.awsapprunner.com", "amplify": "main.d1.amplifyapp.com", "cognito": "a.auth.us-east-1.amazoncognito.com",
        "console": "console.aws.amazon.com", "studio": "studio.us-east-1.sagemaker.aws", "another end": "sts.amazonaws.org",
        "cyrillic": "redshift-serverless.us-east-1.\u0430mazonaws.com", "punycode": "redshift-serverless.us-east-1.xn--mazonaws-06g.com",
        "greek": "redshift-serverless.us-east-1.amaz\u03bfnaws.com", "r and n": "redshift-serverless.us-east-1.arnazonaws.com",
        "zero for o": "redshift-serverless.us-east-1.amaz0naws.com", "two dots": AWS + "..", "three dots": AWS + "...",
        "two dots behind another end": "redshift-serverless.us-east-1.api.aws..", "two dots in percent": "x.api.aws%2e%2e",
        "a dot below": "redshift-serverless.us-east-1.\u1ea1mazonaws.com", "two v for w": "redshift-serverless.us-east-1.amazonavvs.com",
        "name server": "ns-1.awsdns-01.com", "nat64 of the metadata": "[64:ff9b::a9fe:a9fe]", "cyrillic domain": "redshift-serverless.us-east-1.api.\u0430ws",
    }
    for name, host in hosts.items():
        yield Row(f"aws, {name}", at(f"https://{host}/"), 6, said=["AWS", "error: "])
    yield Row("aws, plain http", at(f"http://{AWS}/"), 6)
    yield Row("aws, a path", at(f"https://{AWS}/x"), 6)
    yield Row("aws, backslashes", at(rf"https:\\{AWS}"), 6)
    yield Row("aws, three slashes", at(f"https:///{AWS}"), 6)
    yield Row("aws, a tab inside", at(f"https://{AWS[:9]}\t{AWS[9:]}"), 6)
    yield Row("a wrong URL with user and password", ["run", "--endpoint", "http:/a:CANARY-secret-pw@host:99999"], 2)
    yield Row("aws, user and password", at(f"https://a:b@{AWS}"), 2)
    yield Row("aws, by target", ["run", "--target", "aws"], 6)
    yield Row("aws, doctor", at(f"https://{AWS}/", command="doctor"), 6)
    yield Row("aws, baseline write", ["baseline", "write", "f.json", "--endpoint", f"https://{AWS}", "--workgroup", "wg"], 6)
    for variable in ["COUNTERSIGN_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"]:
        yield Row(f"aws, by {variable}", ["run", "--workgroup", "wg"], 6, environment={variable: f"https://{AWS}"})
    yield Row("aws, by COUNTERSIGN_TARGET", ["run"], 6, environment={"COUNTERSIGN_TARGET": "aws"})
    mine = f'target = "mine"\n[targets.mine]\nendpoint = "https://{AWS}"\nworkgroup = "wg"\n'
    yield Row("aws, by a profile", ["run"], 6, files={"home/countersign.toml": mine}, folder="home", said=["real AWS"])
    yield Row("aws, behind a profile named emulator", ["run", "--target", "emulator"], 6, files={"home/countersign.toml": mine.replace("mine", "emulator")}, folder="home", said=["real AWS"])
    for name, host in {"machine": "169.254.169.254", "machine as a number": "2852039166", "machine mapped": "[::ffff:169.254.169.254]",
                       "machine of ipv6": "[fd00:ec2::254]", "container": "169.254.170.2"}.items():
        yield Row(f"aws, metadata of a {name}", at(f"http://{host}"), 6, said=["real AWS"])
    yield Row("aws, a name of the metadata", at("http://meta.test"), 3, said=["leads to the metadata"])
    yield Row("aws, a name of the metadata, by a proxy", at("http://meta.test"), 3, environment=PROXIES, said=["leads to the metadata"])
    yield Row("not aws, a name below localhost", at(f"http://redshift-serverless.us-east-1.amazonaws.com.localhost:{ENDPOINT}"), 1, {f"::1:{ENDPOINT} plain, signed for us-east-1"})
    yield Row("not aws, empty parts of a name", at("http://emulator..test:4566"), 2, said=["without empty parts"])
    yield Row("not aws, a path with an at sign", at(f"http://127.0.0.1:{ENDPOINT}/@v1/x"), 1, {f"127.0.0.1:{ENDPOINT} plain, signed for us-east-1"})
    for variable in ["COUNTERSIGN_ENDPOINT", "COUNTERSIGN_TARGET", "AWS_ENDPOINT_URL", "AWS_REGION"]:
        yield Row(f"no text in {variable}", ["run"], 2, environment={variable: f"http://127.0.0.1:{ENDPOINT}/\udcff"}, said=[f"{variable}: expected text"])
    yield Row("not aws, an address", at("http://198.51.100.9:4566"), 1, {"198.51.100.9:4566 plain, signed for us-east-1"})
    yield Row("not aws, an emulator's name with aws in it", at("http://amazonaws.com.emulator.test:4566"), 1,
              {f"{ELSEWHERE}:4566 plain, signed for us-east-1"}, {"amazonaws.com.emulator.test"})


def allowed():
    def sts(name, arguments, region="us-east-1", suffix="amazonaws.com", **more):
        host = f"sts.{region}.{suffix}"
        # The account is checked first, and this STS speaks no TLS: it cannot be reached.
        return Row(f"allowed, {name}", arguments, 3, {f"{ELSEWHERE}:443 TLS for {host}"}, {host}, **more)

    yield sts("by target", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW])
    yield sts("trailing dot and capitals", at(f"https://{AWS.upper()}./", *ALLOW))
    yield sts("fips dual stack", at("https://redshift-serverless-fips.us-east-1.api.aws", *ALLOW))
    yield sts("doctor", ["doctor", "--target", "aws", "--workgroup", "wg", *ALLOW])
    yield sts("settings for emulators", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW],
              environment={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{ENDPOINT}", "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{ENDPOINT}", "AWS_USE_FIPS_ENDPOINT": "true"})
    for region, suffix in {"cn-north-1": "amazonaws.com.cn", "eusc-de-east-1": "amazonaws.eu", "us-gov-west-1": "amazonaws.com"}.items():
        yield sts(f"in {region}", ["run", "--target", "aws", "--workgroup", "wg", "--region", region, "--allow-aws", f"123456789012/{region}/wg"], region, suffix)
    others = {
        "another region's host": "https://redshift-serverless.us-west-2.amazonaws.com", "storage": "https://bucket.s3.us-east-1.amazonaws.com",
        "a gateway": "https://abc.execute-api.us-east-1.amazonaws.com", "plain http": f"http://{AWS}", "http on 443": f"http://{AWS}:443",
        "another port": f"https://{AWS}:8443", "a path": f"https://{AWS}/x", "the sibling": "https://redshift.us-east-1.amazonaws.com",
        "another partition": f"https://{AWS}.cn", "a host below": f"https://x.{AWS}", "two dots": f"https://{AWS}..", "cloudfront": "https://d1.cloudfront.net",
        "two dots behind the dual stack": "https://redshift-serverless.us-east-1.api.aws..",
        "a look-alike": "https://redshift-serverless.us-east-1.\u0430mazonaws.com",
    }
    for name, url in others.items():
        yield Row(f"allowed, but {name}", at(url, *ALLOW), 6)
    yield Row("allowed, but another workgroup", ["run", "--target", "aws", "--workgroup", "other", *ALLOW], 6)
    yield Row("allowed, but no workgroup where one is called none", ["run", "--target", "aws", "--allow-aws", "123456789012/us-east-1/none"], 6)
    yield Row("allowed, but no workgroup", ["run", "--target", "aws", *ALLOW], 6)
    yield Row("allowed, but another region", ["run", "--target", "aws", "--workgroup", "wg", "--region", "eu-west-1", *ALLOW], 6)
    yield Row("allowed, in a region that AWS does not have", ["run", "--target", "aws", "--allow-aws", "123456789012/local/wg"], 2)
    role = "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = keys\n[profile keys]\naws_access_key_id = AKIACANARYCANARY1234\naws_secret_access_key = CANARY-secret-key-77b1\n"
    no_keys = {name: "" for name in KEYS}
    yield Row("allowed, a role by STS", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 2,
              {f"{ELSEWHERE}:443 TLS for sts.us-east-1.amazonaws.com"}, {"sts.us-east-1.amazonaws.com"}, {**no_keys, "AWS_PROFILE": "r"}, files={"aws-config": role})
    yield Row("allowed, a role, and an emulator's endpoint for all", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 2,
              {f"{ELSEWHERE}:443 TLS for sts.us-east-1.amazonaws.com"}, {"sts.us-east-1.amazonaws.com"},
              {**no_keys, "AWS_PROFILE": "r", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ENDPOINT}"}, files={"aws-config": role})
    yield Row("allowed, keys of the machine", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 2,
              {"169.254.169.254:80 PUT /latest/api/token"}, environment=no_keys)
    yield Row("allowed, keys of a container at another service", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 6,
              environment={**no_keys, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://s3.amazonaws.com/x"}, said=["s3.amazonaws.com"])
    yield Row("allowed, keys of a machine elsewhere", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 6,
              environment={**no_keys, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://198.51.100.9"})


def regions():
    names = {"a line break": "us-east-1\r\nx-evil: 1", "a line feed": "us-east-1\nx-evil: 1", "a host": "host:1/", "a path": "../x", "a dot": "us.east",
             "a blank": "us east", "letters like others": "us-e\u0430st-1", "an at sign": "a@b", "digits alone": "12", "64 letters": "a" * 64, "a hash": "x#"}
    for name, region in names.items():
        yield Row(f"region with {name}", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={"AWS_REGION": region}, said=["AWS_REGION: expected the name of a region"])
    yield Row("region with a host, of aws", ["run", "--target", "aws", "--region", "host:1/"], 2)
    yield Row("region with a host, in a profile", ["run", "--target", "m"], 2, folder="home", files={"home/countersign.toml": f'[targets.m]\nendpoint = "http://127.0.0.1:{ENDPOINT}"\nregion = "host:1/"\n'}, said=["targets.m.region"])
    yield Row("region of an emulator", at(f"http://127.0.0.1:{ENDPOINT}"), 1, {f"127.0.0.1:{ENDPOINT} plain, signed for local"}, environment={"AWS_REGION": "local"})
    yield Row("workgroup with a line break", at(f"http://127.0.0.1:{ENDPOINT}", "--workgroup", "wg\r\nx-evil: 1")[:3] + ["--workgroup", "wg\r\nx-evil: 1"], 1,
              {f"127.0.0.1:{ENDPOINT} plain, signed for us-east-1"})


def loopback():
    hosts = {"name": ("localhost", "::1"), "trailing dot": ("localhost.", "::1"), "capitals": ("LOCALHOST", "::1"), "below": ("x.localhost", "::1"),
             "below with a dot": ("a.b.localhost.", "::1"), "ipv4": ("127.0.0.1", "127.0.0.1"), "its network": ("127.8.8.8", "127.8.8.8"), "short": ("127.1", "127.0.0.1"),
             "number": ("2130706433", "127.0.0.1"), "hexadecimal": ("0x7f000001", "127.0.0.1"), "ipv6": ("[::1]", "::1"), "long ipv6": ("[0:0:0:0:0:0:0:1]", "::1"),
             "mapped": ("[::ffff:127.0.0.1]", "127.0.0.1"), "mapped in hexadecimal": ("[::ffff:7f00:1]", "127.0.0.1"), "unspecified": ("0.0.0.0", "127.0.0.1"),
             "a name of it": ("loop.test", "127.0.0.1"), "two names of it": ("both-loops.test", "::1")}
    for name, (host, address) in hosts.items():
        yield Row(f"loopback, {name}, with proxies and a token", at(f"http://{host}:{ENDPOINT}"), 1,
                  {f"{address}:{ENDPOINT} plain, signed for us-east-1, with a token"}, environment={**PROXIES, **WITH_TOKEN})
    yield Row("loopback, doctor, with proxies and a token", at(f"http://x.localhost:{ENDPOINT}", command="doctor"), 1,
              {f"::1:{ENDPOINT} plain, signed for us-east-1, with a token", f"::1:{ENDPOINT} plain, unsigned"}, environment={**PROXIES, **WITH_TOKEN})
    yield Row("loopback, with two dots and proxies", at(f"http://localhost..:{ENDPOINT}"), 2, environment={**PROXIES, **WITH_TOKEN})
    yield Row("loopback, https, with proxies", at(f"https://x.localhost:{ENDPOINT}"), 3, {f"::1:{ENDPOINT} TLS for x.localhost"}, environment={**PROXIES, **WITH_TOKEN})
    for command in ["run", "doctor"]:
        sent = {f"127.0.0.1:{REDIRECT} plain, signed for us-east-1, with a token"} | ({f"127.0.0.1:{REDIRECT} plain, unsigned"} if command == "doctor" else set())
        yield Row(f"loopback that redirects to aws, {command}", at(f"http://127.0.0.1:{REDIRECT}", command=command), 6, sent, environment=WITH_TOKEN,
                  said=[f"redirects the call to https://{AWS}/", "not followed"])
    for name, host, code in [("a name", "x.localhost", 3), ("an address", "127.0.0.1", 3)]:
        yield Row(f"loopback, unchecked certificate, {name}", at(f"https://{host}:{ENDPOINT}", "--insecure"), code,
                  {f"{'::1' if 'x' in host else host}:{ENDPOINT} TLS for {host if 'x' in host else None}"}, environment={**PROXIES, **WITH_TOKEN})


def elsewhere():
    yield Row("elsewhere, plain", at(f"http://emulator.test:{ENDPOINT}"), 1, {f"{ELSEWHERE}:{ENDPOINT} plain, signed for us-east-1"}, {"emulator.test"})
    yield Row("elsewhere, by a proxy", at(f"http://emulator.test:{ENDPOINT}"), 1, {f"127.0.0.1:{PROXY} proxied, signed for us-east-1"}, {"emulator.test"}, PROXIES)
    for name, host, names in [("a name", "emulator.test", {"emulator.test"}), ("an address", "198.51.100.9", ()), ("a name of here and there", "mixed.test", ()),
                              ("a private address", "10.1.2.3", ()), ("ipv6", "[2001:db8::7]", ()), ("mapped", "[::ffff:198.51.100.9]", ())]:
        for command in ["run", "doctor"]:
            yield Row(f"elsewhere, {name}, with a token, {command}", at(f"http://{host}:{ENDPOINT}", command=command), 6, (), names, WITH_TOKEN, said=["session token"])
    yield Row("elsewhere, with a token, unsigned", at(f"http://emulator.test:{ENDPOINT}", "--no-sign"), 1, {f"{ELSEWHERE}:{ENDPOINT} plain, unsigned"}, {"emulator.test"}, WITH_TOKEN)
    yield Row("elsewhere, with a token, over TLS", at("https://emulator.test:8443"), 3, {f"{ELSEWHERE}:8443 TLS for emulator.test"}, {"emulator.test"}, WITH_TOKEN)
    for name, host, names in [("a name", "emulator.test", {"emulator.test"}), ("an address", "198.51.100.9", ()), ("a name of here and there", "mixed.test", ())]:
        for scheme in ["https", "http"]:
            yield Row(f"elsewhere, unchecked certificate, {name}, {scheme}", at(f"{scheme}://{host}:{ENDPOINT}", "--insecure"), 6, (), names, said=["--insecure"])
    yield Row("elsewhere, with a token of a profile", at(f"http://emulator.test:{ENDPOINT}"), 6, (), {"emulator.test"},
              {**{name: "" for name in KEYS}, "AWS_PROFILE": "t"}, said=["session token"],
              files={"aws-config": f"[profile t]\naws_access_key_id = AKIACANARYCANARY1234\naws_secret_access_key = CANARY-secret-key-77b1\naws_session_token = {TOKEN}\n"})


def profiles():
    role = "role_arn = arn:aws:iam::123456789012:role/r\n"
    keys = "aws_access_key_id = AKIACANARYCANARY1234\naws_secret_access_key = CANARY-secret-key-77b1\n"
    session = "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://d-1.awsapps.com/start\n"
    asking = {
        "role of a profile": (role + "source_profile = k\n", "[profile k]\n" + keys), "role of itself": (role + "source_profile = p\n" + keys, ""),
        "role of a machine": (role + "credential_source = Ec2InstanceMetadata\n", ""), "role of a container": (role + "credential_source = EcsContainer\n", ""),
        "role of the environment": (role + "credential_source = Environment\n", ""), "machine": ("credential_source = Ec2InstanceMetadata\n", ""),
        "web identity": (role + "web_identity_token_file = token\n", ""), "sign-on": ("sso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n", session),
        "older sign-on": ("sso_start_url = https://d-1.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = r\n", ""),
        "sign-on beside keys": (keys + "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n", session),
        "parts of a sign-on": ("sso_session = s\n", session), "console": ("login_session = arn:aws:iam::123456789012:user/a\n", ""),
    }
    no_keys = {name: "" for name in KEYS}
    for name, (body, more) in asking.items():
        for command in ["run", "doctor"]:
            yield Row(f"profile, {name}, {command}", at(f"http://127.0.0.1:{ENDPOINT}", command=command), 6, environment={**no_keys, "AWS_PROFILE": "p"},
                      files={"aws-config": f"[profile p]\n{body}{more}", "token": "CANARY-web-identity"}, said=['the profile "p" has to ask AWS'])
    yield Row("profile, role, with an emulator's endpoint for all", ["run", "--workgroup", "wg"], 6, files={"aws-config": f"[profile p]\n{role}source_profile = k\n[profile k]\n{keys}"},
              environment={**no_keys, "AWS_PROFILE": "p", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ENDPOINT}"}, said=['the profile "p" has to ask AWS'])
    yield Row("profile, the default one", at(f"http://127.0.0.1:{ENDPOINT}"), 6, environment=no_keys, files={"aws-config": f"[default]\n{role}source_profile = default\n{keys}"})
    plain = {f"127.0.0.1:{ENDPOINT} plain, signed for us-east-1"}
    yield Row("profile, role, but keys in the environment", at(f"http://127.0.0.1:{ENDPOINT}"), 1, plain, environment={"AWS_PROFILE": "p"}, files={"aws-config": f"[profile p]\n{role}source_profile = p\n"})
    yield Row("profile, role, but unsigned", at(f"http://127.0.0.1:{ENDPOINT}", "--no-sign"), 1, {f"127.0.0.1:{ENDPOINT} plain, unsigned"}, environment={**no_keys, "AWS_PROFILE": "p"}, files={"aws-config": f"[profile p]\n{role}source_profile = p\n"})
    yield Row("profile, keys", at(f"http://127.0.0.1:{ENDPOINT}"), 1, plain, environment={**no_keys, "AWS_PROFILE": "p"}, files={"aws-config": f"[profile p]\n{keys}"})
    yield Row("profile, keys beside parts of a sign-on", at(f"http://127.0.0.1:{ENDPOINT}"), 1, plain, environment={**no_keys, "AWS_PROFILE": "p"}, files={"aws-config": f"[profile p]\nsso_session = s\n{keys}{session}"})
    yield Row("profile that is not there", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_PROFILE": "q"}, files={"aws-config": f"[profile p]\n{keys}"}, said=['there is no profile "q"'])
    yield Row("profile that is no text", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_PROFILE": "\udcff"}, files={"aws-config": f"[default]\n{keys}"}, said=["AWS_PROFILE: expected text"])
    yield Row("profile, a program that fails", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_PROFILE": "p"}, said=["run it by itself"],
              files={"aws-config": "[profile p]\ncredential_process = /bin/sh program\n", "program": "echo CANARY-secret-err >&2; exit 3\n"})
    yield Row("profile, a program whose keys have expired", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_PROFILE": "p"}, said=["expired"],
              files={"aws-config": "[profile p]\ncredential_process = /bin/sh program\n", "program": 'echo \'{"Version":1,"AccessKeyId":"AKIACANARYCANARY1234","SecretAccessKey":"CANARY-secret-key-77b1","SessionToken":"x","Expiration":"2020-01-01T00:00:00Z"}\'\n'})
    yield Row("profile, a program", at(f"http://127.0.0.1:{ENDPOINT}"), 1, plain, environment={**no_keys, "AWS_PROFILE": "p"},
              files={"aws-config": "[profile p]\ncredential_process = /bin/sh program\n", "program": 'echo \'{"Version":1,"AccessKeyId":"AKIACANARYCANARY1234","SecretAccessKey":"CANARY-secret-key-77b1"}\'\n'})
    yield Row("web identity of the environment", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}, files={"token": "CANARY-web-identity"})
    yield Row("keys of a container", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment={**no_keys, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1"})
    yield Row("keys of the machine", at(f"http://127.0.0.1:{ENDPOINT}"), 2, environment=no_keys)


def configured():
    """Servers that the shared configuration file of AWS tools names."""
    here, reached = f"http://127.0.0.1:{ENDPOINT}", {f"127.0.0.1:{ENDPOINT} plain, signed for us-east-1"}
    run = ["run", "--workgroup", "wg"]

    def service(url, more="", key="redshift_serverless"):
        return f"[default]\nservices = s\n{more}[services s]\n{key} =\n  endpoint_url = {url}\n"

    def row(name, config, code, sent=(), resolved=(), **more):
        return Row(f"configured, {name}", run, code, sent, resolved, files={"aws-config": config}, **more)

    yield row("endpoint of the profile", f"[default]\nendpoint_url = {here}\n", 1, reached)
    yield row("endpoint of a named profile", f"[default]\nendpoint_url = http://other.test\n[profile p]\nendpoint_url = {here}\n", 1, reached, environment={"AWS_PROFILE": "p"})
    yield row("endpoint of the service", service(here, "endpoint_url = http://other.test\n"), 1, reached)
    yield row("endpoint of another service", service("http://other.test", f"endpoint_url = {here}\n", "sts"), 1, reached)
    yield row("endpoint of another service alone", service("http://other.test", key="s3"), 2, said=["--workgroup describes a server"])
    yield row("a variable before the file", service("http://other.test"), 1, reached, environment={"AWS_ENDPOINT_URL": here})
    yield row("ignored by a variable", f"[default]\nendpoint_url = {here}\n", 2, environment={"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, said=["describes a server"])
    yield row("ignored by the profile", f"[default]\nendpoint_url = {here}\nignore_configured_endpoint_urls = true\n", 2, said=["describes a server"])
    yield row("ignored by the profile, also in a variable", "[default]\nignore_configured_endpoint_urls = true\n", 2, environment={"AWS_ENDPOINT_URL": here}, said=["describes a server"])
    yield row("elsewhere", f"[default]\nendpoint_url = http://emulator.test:{ENDPOINT}\n", 1, {f"{ELSEWHERE}:{ENDPOINT} plain, signed for us-east-1"}, {"emulator.test"})
    yield row("elsewhere, with a token", f"[default]\nendpoint_url = http://emulator.test:{ENDPOINT}\n", 6, (), {"emulator.test"}, environment=WITH_TOKEN, said=["session token"])
    yield row("region of the profile", f"[default]\nendpoint_url = {here}\nregion = eu-west-1\n", 1, {f"127.0.0.1:{ENDPOINT} plain, signed for eu-west-1"})
    yield row("region with a line of its own", f"[default]\nendpoint_url = {here}\nregion = a b\n", 2, said=["region of the profile default"])
    for name, host in {"aws": AWS, "aws, trailing dot and capitals": AWS.upper() + ".", "a look-alike": "redshift-serverless.us-east-1.\u0430mazonaws.com", "the metadata": "169.254.169.254"}.items():
        yield row(f"{name}, by the profile", f"[default]\nendpoint_url = https://{host}\n", 6)
        yield row(f"{name}, by the service", service(f"https://{host}"), 6)
    yield row("a profile that is not there", f"[default]\nendpoint_url = {here}\n", 2, environment={"AWS_PROFILE": "q"}, said=['there is no profile "q"'])
    yield row("services that are not there", "[default]\nservices = t\n", 2, said=["[services t], which is not there"])
    yield Row("configured, but the emulator is named", ["run", "--target", "emulator"], 0, files={"aws-config": f"[default]\nendpoint_url = {here}\n"})
    yield Row("configured, but allowed aws is named", ["run", "--target", "aws", "--workgroup", "wg", *ALLOW], 3,
              {f"{ELSEWHERE}:443 TLS for sts.us-east-1.amazonaws.com"}, {"sts.us-east-1.amazonaws.com"},
              files={"aws-config": service(here, f"endpoint_url = {here}\n", "sts")})


def files():
    mine = f'target = "mine"\n[targets.mine]\nendpoint = "http://127.0.0.1:{ENDPOINT}"\nworkgroup = "wg"\n'
    reached = {f"127.0.0.1:{ENDPOINT} plain, signed for us-east-1"}
    yield Row("file of one's own", ["run"], 1, reached, files={"home/a/countersign.toml": mine}, folder="home/a/b")
    yield Row("file in the home folder", ["run"], 1, reached, files={"home/countersign.toml": mine}, folder="home/a")
    yield Row("file above the home folder", ["run"], 6, files={"countersign.toml": mine}, folder="home/a", said=["lies above the home folder", "--config"])
    yield Row("file above the home folder, named", ["run", "--config", "../../countersign.toml"], 1, reached, files={"countersign.toml": mine}, folder="home/a")
    yield Row("file above the home folder, none wanted", at(f"http://127.0.0.1:{ENDPOINT}", "--config", "/dev/null"), 1, reached, files={"countersign.toml": mine}, folder="home/a")
    yield Row("file of another user", ["run"], 6, files={"home/a/countersign.toml": mine}, folder="home/a", owner=12345, said=["belongs to another user", "--config"])
    yield Row("file of another user, not needed", at(f"http://127.0.0.1:{ENDPOINT}"), 1, reached, files={"home/a/countersign.toml": mine}, folder="home/a", owner=12345)
    yield Row("file of another user, doctor", ["doctor"], 6, files={"home/a/countersign.toml": mine}, folder="home/a", owner=12345)
    yield Row("file of another user, named", ["run", "--config", "countersign.toml"], 1, reached, files={"home/a/countersign.toml": mine}, folder="home/a", owner=12345)
    yield Row("file by a link of another user", ["run"], 6, files={"home/a/countersign.toml": ("link", "../mine.toml"), "home/mine.toml": mine}, folder="home/a", owner=12345, said=["belongs to another user"])


def table():
    for part in [aws_spellings, allowed, regions, loopback, elsewhere, profiles, configured, files]:
        yield from part()


# Running it.

def prepare(row, folder):
    """Makes the files of a row; False where this user may not give one away."""
    for name, text in row.files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, tuple):
            path.symlink_to(text[1])
        else:
            path.write_text(text)
        if row.owner is not None and path.name == "countersign.toml":
            try:
                os.chown(path, row.owner, row.owner, follow_symlinks=False)
            except OSError:
                return False
    Path(folder, row.folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "home").mkdir(exist_ok=True)
    return True


def check(row, program, witness):
    """What is wrong with what came of a row; None where it was skipped."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        if not prepare(row, folder):
            print(f"skipped  {row.name}: this user may not give a file away")
            return None
        environment = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|github_|.*_proxy$)", name)}
        environment |= {"HOME": str(Path(folder, "home")), "CI": "true", "AWS_CONFIG_FILE": str(Path(folder, "aws-config")),
                        "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **row.environment}
        environment = {name: value for name, value in environment.items() if value != ""}
        # Once is enough to see where a request goes.
        arguments = row.arguments
        if arguments[0] == "run":
            arguments = ["run", "success/workgroup-only", *arguments[1:]]
        where = Path(folder, row.folder)
        witness.begin()
        done = subprocess.run([program, *arguments], cwd=where, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    said = (done.stdout + done.stderr).decode(errors="replace")
    wrong = []
    print(f"{row.name}: {done.returncode}; resolved {', '.join(sorted(witness.names)) or 'nothing'}; sent {'; '.join(sorted(witness.sent)) or 'nothing'}")
    if done.returncode != row.code:
        wrong.append(f"expected exit code {row.code}, found {done.returncode}")
    if witness.names != row.resolved:
        wrong.append(f"expected to resolve {sorted(row.resolved)}, found {sorted(witness.names)}")
    if witness.sent != row.sent:
        wrong.append(f"expected to send {sorted(row.sent)}, found {sorted(witness.sent)}")
    wrong += [f"expected to read {words!r}" for words in row.said if words not in said]
    wrong += [f"{secret} was said" for secret in ("CANARY-secret", "CANARY-session", "CANARY-web") if secret in said]
    wrong += ["it panicked"] if "panicked" in said else []
    # Only what gives out credentials may be sent a secret, and nothing plain a secret key.
    wrong += ["the secret key was sent"] if b"CANARY-secret-key" in witness.bytes or b"CANARY-web" in witness.bytes else []
    if wrong:
        print("  " + "\n  ".join(wrong) + "\n  it said: " + said.strip().replace("\n", "\n    ")[:2000])
    return wrong


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def cut_off(folder):
    """Makes every address this machine's own, so that what would leave arrives here, and every name a question to us."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "route", "add", "local", "default", "dev", "lo")
    run("ip", "-6", "route", "add", "local", "default", "dev", "lo")
    see_in_place({"hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 loop.test\n127.0.0.1 both-loops.test\n::1 both-loops.test\n127.0.0.1 mixed.test\n10.1.2.3 mixed.test\n169.254.169.254 meta.test\n"}, folder)


def see_in_place(texts, folder):
    """Lets this namespace see these files of /etc, and ours for the resolver. The machine's own files stay as they are."""
    settings = {"resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n", "nsswitch.conf": "hosts: files dns\n"}
    for name, text in {**settings, **texts}.items():
        Path(folder, name).write_text(text)
        run("mount", "--bind", str(Path(folder, name)), os.path.realpath(f"/etc/{name}"))


def inside(program, names):
    folder = tempfile.mkdtemp()
    witness = Witness()
    try:
        cut_off(folder)
        resolve(witness)
        for port in PORTS:
            for family in [socket.AF_INET, socket.AF_INET6]:
                listen(witness, family, port)
    except (OSError, subprocess.CalledProcessError) as error:
        return skipped(f"the namespace cannot be set up: {error}")
    rows = [row for row in table() if not names or any(name in row.name for name in names)]
    assert len({row.name for row in rows}) == len(rows), "two rows have one name"
    results = [check(row, program, witness) for row in rows]
    shutil.rmtree(folder, ignore_errors=True)
    failed = sum(bool(wrong) for wrong in results)
    passed = sum(wrong == [] for wrong in results)
    print(f"{passed} passed, {failed} failed, {results.count(None)} skipped")
    return 1 if failed else 0


def skipped(why):
    print(f"skipped: {why}")
    return 1 if os.environ.get("COUNTERSIGN_MUST_ISOLATE") else 77


def isolated(script, inside):
    """Runs this script once more in a namespace of its own, and there `inside` with the program and the names of rows."""
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    if os.environ.get(INSIDE):
        return inside(program, names)
    for flags in [["--net", "--mount"], ["--net", "--mount", "--map-root-user"]]:
        if shutil.which("unshare") and subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp("unshare", ["unshare", *flags, sys.executable, os.path.abspath(script), program, *names])
    return skipped("no network namespace can be made here")


if __name__ == "__main__":
    sys.exit(isolated(__file__, inside))
