"""AWS on this machine, for the scripts beside this file: its real host names lead to stand-ins on loopback.

`StandIn` works in a namespace of its own, which has loopback and no route. There, /etc/hosts leads the hosts of the
service, of STS and of single sign-on to addresses of loopback, in one region of each partition. The stand-in listens on
their port 443 with certificates of an authority that it makes. Behind the service's hosts there is the reference
emulator, which gets every byte as it was sent; `aws_services` answers for the others. The metadata addresses of AWS are
addresses of loopback too.

It notes every connection with the host that TLS was asked for, every request, and every name that the resolver is asked
for.
"""

import asyncio
import contextlib
import json
import re
import ssl
import subprocess
import threading
from pathlib import Path

import aws_services
import botocore.loaders
import botocore.session
import requests_stay_on_the_machine as namespace
from aws_services import ACCOUNT
from serving import serving

SERVICE = "redshift-serverless"
WORKGROUP, SOMEBODY_ELSES = "my-workgroup", "other-team"
WORKGROUP_ID = "11111111-2222-4333-8444-555555555555"
# A region of each partition, and one more where single sign-on is.
REGIONS = [
    "us-east-1",
    "eu-west-1",
    "cn-north-1",
    "eusc-de-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
]
FORMS = ["plain", "fips", "dual stack", "fips dual stack"]
METADATA = ["169.254.169.254", "169.254.170.2"]
# Who looks at what is there for the scripts, not for the program.
WATCHER = {"aws_access_key_id": "AKIAWATCHER", "aws_secret_access_key": "watcher-secret"}
# What is wrong with a certificate that a host can show in place of the right one.
WRONG = ["another host", "expired", "unknown authority", "signed by itself"]

ANYTHING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "redshift-serverless:*", "Resource": "*"},
}


def partition_of(region):
    """botocore's facts about the partition of a region."""
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    return next(partition for partition in partitions if re.match(partition["regionRegex"], region))


def hosts(service, region):
    """The hosts of a service in a region, by the names in FORMS."""
    outputs = partition_of(region)["outputs"]
    ends = [outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]]
    return dict(zip(FORMS, [f"{service}{fips}.{region}.{end}" for end in ends for fips in ("", "-fips")]))


class Connection:
    """A connection: the host that TLS was asked for, and what was sent."""

    def __init__(self, host):
        self.host, self.sent = host, bytearray()


class Request:
    """One request as it came: whom it asked, what it says, who signed it for what."""

    def __init__(self, head, body):
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.host, self.body = self.fields.get("host", ""), body
        self.operation = self.fields.get("x-amz-target", "").partition(".")[2]
        scope = aws_services.scope_of(self.fields)
        self.key, self.scope = (scope[0], f"{scope[1]}/{scope[2]}") if scope else (None, None)

    @property
    def workgroup(self):
        """The name of the workgroup that it asks for; None where it names none."""
        with contextlib.suppress(ValueError, AttributeError):
            return json.loads(self.body).get("workgroupName")
        return None

    @classmethod
    def all_of(cls, data):
        """Every request in what was sent on a connection. What is not whole is one too."""
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            length = int(length[1]) if length else 0
            yield cls(head, data[:length])
            data = data[length:]


class Certificates:
    """An authority, and the certificates that hosts show: right ones, and those of WRONG. OpenSSL makes them."""

    def __init__(self, folder, names):
        self.folder = Path(folder)
        self.authority = str(self.folder / "authority.pem")
        self.contexts = {}
        authority = ["-addext", "basicConstraints=critical,CA:TRUE"]
        for name in ["authority", "stranger"]:
            self.openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "9",
                "-subj",
                f"/CN={name}",
                *authority,
                "-out",
                f"{name}.pem",
                "-keyout",
                f"{name}.key",
            )
        self.make("right", names)
        self.make("another host", ["elsewhere.example"])
        self.make("expired", names, ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"])
        self.make("unknown authority", names, signer="stranger")
        self.make("signed by itself", names, signer="signed by itself")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def make(self, kind, names, dates=("-days", "2"), signer="authority"):
        extensions = "basicConstraints=critical,CA:FALSE\nsubjectAltName=" + ",".join(f"DNS:{name}" for name in names)
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\n"
            "rand_serial=yes\ndefault_md=sha256\npolicy=p\n"
            f"unique_subject=no\n[p]\ncommonName=supplied\n[e]\n{extensions}\n"
        )
        (self.folder / "index.txt").write_text("")
        self.openssl(
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=host",
            "-out",
            "request.pem",
            "-keyout",
            f"{kind}.key",
        )
        by = (
            ["-selfsign", "-keyfile", f"{kind}.key"]
            if signer == kind
            else ["-cert", f"{signer}.pem", "-keyfile", f"{signer}.key"]
        )
        self.openssl(
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.cnf",
            "-extensions",
            "e",
            *dates,
            *by,
            "-in",
            "request.pem",
            "-out",
            f"{kind}.pem",
        )
        self.contexts[kind] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.contexts[kind].load_cert_chain(self.folder / f"{kind}.pem", self.folder / f"{kind}.key")


class StandIn:
    """AWS as it stands here; see the top of this file."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        self.names = namespace.Witness()
        self.stands = aws_services.Stands()
        self.lock, self.starting = threading.Lock(), threading.Lock()
        self.emulators = contextlib.ExitStack()
        services = {SERVICE: 2, "sts": 3, "portal.sso": 4, "oidc": 4}
        self.addresses = {
            host: f"127.0.0.{last}"
            for region in REGIONS
            for service, last in services.items()
            for host in hosts(service, region).values()
        }
        self.regions = {host: region for region in REGIONS for host in hosts(SERVICE, region).values()}
        self.cut_off()
        self.certificates = Certificates(self.folder, self.addresses)
        self.begin()
        namespace.resolve(self.names, None)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result(10)

    def cut_off(self):
        """Leaves loopback alone, with the addresses of the metadata, and leads the hosts of AWS there."""
        namespace.run("ip", "link", "set", "lo", "up")
        for address in METADATA:
            namespace.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        names = {"localhost": "127.0.0.1", **self.addresses}
        namespace.see_in_place(
            {"hosts": "".join(f"{address} {host}\n" for host, address in names.items())}, self.folder
        )

    # What it does until the next call of `begin`.

    def begin(self, account=ACCOUNT, policy=ANYTHING, shown=None, redirects=None):
        """Forgets what came, and starts anew. STS says that all keys are of `account`; the service lets all of them do
        what `policy` says. `shown` says for a service which of the WRONG certificates it shows, and `redirects` leads
        calls of the service to another address."""
        self.stop()
        with self.lock:
            self.policy, self.shown, self.redirects = policy, shown or {}, redirects
            self.connections, self.passwords, self.ports = [], set(), {}
        self.names.begin()
        self.stands.begin(account)

    def stop(self):
        """Ends the emulators."""
        self.emulators.close()

    def port_of(self, region):
        """The port of the emulator of a region. It is started for the first call, when all keys are known."""
        with self.starting:
            if region not in self.ports:
                callers = [
                    {"user": key.lower(), "access_key_id": key, "secret_access_key": secret, "policies": [self.policy]}
                    | ({"session_token": token} if token else {})
                    for key, (secret, token) in aws_services.KNOWN.items()
                ]
                names = {name.removeprefix("aws_"): value for name, value in WATCHER.items()}
                callers.append({"user": "watcher", **names, "policies": [ANYTHING]})
                files = {
                    "identities": {"version": 1, "principals": callers},
                    "state": {"version": 1, "realms": [realm(region)]},
                }
                for name, content in files.items():
                    (self.folder / f"{name}.json").write_text(json.dumps(content))
                arguments = [word for name in files for word in (f"--{name}", str(self.folder / f"{name}.json"))]
                ready = self.emulators.enter_context(
                    serving(self.program, "emulator", "--region", region, "--account", ACCOUNT, *arguments)
                )
                self.ports[region] = int(ready["endpoint"].rsplit(":")[-1])
            return self.ports[region]

    # What came.

    def requests(self):
        """Every request to the service, in the order of their connections."""
        return [
            request
            for connection in self.connections
            if connection.host in self.regions
            for request in Request.all_of(bytes(connection.sent))
        ]

    def connected(self):
        """The hosts that TLS was asked for, in the order of the connections, each once."""
        return list(dict.fromkeys(connection.host for connection in self.connections))

    def secrets(self):
        """Every secret that the program could have by now: what it signs with, what it was given, its signatures."""
        signatures = {
            found
            for request in self.requests()
            for found in re.findall("Signature=([0-9a-f]{64})", request.fields.get("authorization", ""))
        }
        return [*aws_services.secrets(), *self.passwords, *signatures]

    def left(self, region="us-east-1"):
        """The namespaces and workgroups that are there beside those that were there before. Nobody else sees the
        question: it goes to the emulator itself."""
        endpoint = f"http://127.0.0.1:{self.port_of(region)}"
        client = botocore.session.get_session().create_client(SERVICE, region, endpoint_url=endpoint, **WATCHER)
        before, found = realm(region), set()
        for kind in ["namespaces", "workgroups"]:
            for page in client.get_paginator(f"list_{kind}").paginate():
                names = {item[f"{kind[:-1]}Name"] for item in page[kind] if item["status"] != "DELETING"}
                found |= {f"{kind[:-1]} {name}" for name in names - set(before[kind])}
        return found

    # The network.

    async def listen(self):
        def choose(tls, name, _):
            # What is asked for is noted even where the handshake ends there.
            tls.connection = Connection(name)
            with self.lock:
                self.connections.append(tls.connection)
            tls.context = self.certificates.contexts[self.shown.get((name or "").split(".")[0], "right")]

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = choose
        await asyncio.start_server(self.serve, "0.0.0.0", 443, ssl=context)
        for port in [80, 4566]:
            await asyncio.start_server(self.serve, "0.0.0.0", port)

    async def serve(self, reader, writer):
        tls = writer.get_extra_info("ssl_object")
        connection = tls.connection if tls else Connection(None)
        serve = self.relay if tls and connection.host in self.regions and not self.redirects else self.answer
        try:
            with contextlib.closing(writer):
                await serve(connection, reader, writer)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            # The client has gone.
            pass
        except Exception as error:
            self.stands.wrong.append(f"the stand-in for {connection.host} failed: {error!r}")

    async def relay(self, connection, reader, writer):
        """Hands every byte on to the emulator of the host's region, and back."""
        port = await asyncio.to_thread(self.port_of, self.regions[connection.host])
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        answered = bytearray()

        async def hand_on(source, sink, noted):
            while part := await source.read(65536):
                noted += part
                sink.write(part)
                await sink.drain()
            sink.close()

        try:
            await asyncio.gather(hand_on(reader, before, connection.sent), hand_on(behind, writer, answered))
        finally:
            before.close()
            found = re.findall(rb'"dbPassword":("(?:[^"\\\\]|\\\\.)*")', bytes(answered))
            self.passwords.update(json.loads(text) for text in found)

    async def answer(self, connection, reader, writer):
        """Answers as one of the services that give out credentials, or with a redirect."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            connection.sent += head + body
            request = Request(head.removesuffix(b"\r\n\r\n"), body)
            found = aws_services.answer(request.host, request.method, request.target, request.fields, body, self.stands)
            more = ""
            if found is None:
                found, more = (307, ""), f"location: {self.redirects}\r\n"
            status, text = found[0], found[1].encode()
            kind = "text/xml" if text.startswith(b"<") else "application/json"
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {len(text)}\r\n\r\n".encode()
                + text
            )
            await writer.drain()


def realm(region):
    """What the emulator has in a region: the workgroup of the tests, and one of somebody else."""
    there = {"created": "2026-01-01T00:00:00Z", "phase": "available", "tags": {}}
    # What the ids begin with: those of the workgroups, and those of their namespaces.
    names = {WORKGROUP: ("1", "a"), SOMEBODY_ELSES: ("2", "b")}
    return {
        "account": ACCOUNT,
        "region": region,
        "network": {"security_group": "sg-1", "subnets": ["subnet-1", "subnet-2", "subnet-3"]},
        "namespaces": {
            name: {"id": WORKGROUP_ID.replace("1", of_namespace), "settings": {"dbName": "dev"}, **there}
            for name, (_, of_namespace) in names.items()
        },
        "workgroups": {
            name: {"id": WORKGROUP_ID.replace("1", digit), "namespace": name, "settings": {}, **there}
            for name, (digit, _) in names.items()
        },
        "custom_domains": {},
    }
