#!/usr/bin/env python3
"""What the emulator's credentials and its database door bear: load, clients that say nothing, a PostgreSQL that dies.

Prints each figure beside what is asked of it, and fails where one is missed: 10,000 `GetCredentials` from 64
connections with and without the door, the memory that they take, log-ins a second with 200 sessions open by MD5 and by
SCRAM, calls and log-ins among idle connections and garbage on both ports, and a PostgreSQL that is killed and started
again in mid-run. Each caller signs once and sends the same request again, so that little of the machine is theirs.
Nothing else may run beside it.

usage: logins.py [PROGRAM] [--calls N] [--logins N] [--only PART]
(after `cargo build --release --features login`, on an idle machine; the part `postgres` needs PostgreSQL)
"""
import argparse
import base64
import contextlib
import datetime
import glob
import hashlib
import hmac
import json
import multiprocessing
import os
import random
import re
import resource
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

KEY, SECRET, REGION, WORKGROUP = "AKIDLOAD", "invented", "us-east-1", "load"
CONNECTIONS, SESSIONS, CALLERS = 64, 200, 4
MEDIA_TYPE = "application/x-amz-json-1.1"
# How many passwords the emulator remembers: `MOST_LOGINS`.
REMEMBERED = 65_536
missed = []


def show(what, found, unit, asked=None, least=False):
    """Prints a figure beside the most, or the least, that is asked."""
    text = f"{what}: {found:,.4g} {unit}" if isinstance(found, float) else f"{what}: {found:,} {unit}"
    if asked is not None:
        right = found >= asked if least else found <= asked
        text += f"{'' if right else ' (!)'}, at {'least' if least else 'most'} {asked:,} asked"
        if not right:
            missed.append(what)
    print(text, flush=True)


def holds(what, right, detail=""):
    print(f"{what}: {'yes' if right else f'no (!) {detail}'}", flush=True)
    if not right:
        missed.append(what)


# The emulator


class Emulator:
    def __init__(self, program, *flags):
        command = [program, "serve", "emulator", "--listen", "127.0.0.1:0", "--format", "json", "--region", REGION,
                   "--access-key-id", KEY, "--workgroup", WORKGROUP, *flags]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "AWS_"))}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=clean | {"COUNTERSIGN_SECRET_ACCESS_KEY": SECRET})
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(command)} did not start; was it built with `--features login`?")
        ready = json.loads(line)
        self.port = int(ready["endpoint"].rsplit(":", 1)[1])
        self.door = int(ready["doors"][WORKGROUP].rsplit(":", 1)[1]) if "doors" in ready else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.code = self.process.wait(timeout=30)

    def memory(self):
        """In MB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1e3

    def cpu(self):
        """In seconds."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed(port, key=KEY, secret=SECRET):
    """A whole `GetCredentials`, signed with Signature Version 4."""
    body = json.dumps({"workgroupName": WORKGROUP, "durationSeconds": 3600})
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    fields = {"content-type": MEDIA_TYPE, "host": f"127.0.0.1:{port}", "x-amz-date": stamp,
              "x-amz-target": "RedshiftServerless.GetCredentials"}
    names = ";".join(fields)
    head = "".join(f"{name}:{value}\n" for name, value in fields.items())
    canonical = f"POST\n/\n\n{head}\n{names}\n{hashlib.sha256(body.encode()).hexdigest()}"
    parts = [stamp[:8], REGION, "redshift-serverless", "aws4_request"]
    signing = f"AWS4{secret}".encode()
    for part in parts:
        signing = digest(signing, part)
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{'/'.join(parts)}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    authorisation = (f"AWS4-HMAC-SHA256 Credential={key}/{'/'.join(parts)}, SignedHeaders={names}, "
                     f"Signature={digest(signing, text).hex()}")
    lines = [f"{name}: {value}" for name, value in fields.items()]
    lines += [f"authorization: {authorisation}", f"content-length: {len(body)}"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()


def answer(stream):
    """The status and the body of the next answer."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += received(stream)
    head, body = read.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head)[1])
    while len(body) < length:
        body += received(stream)
    return int(head.split(b" ", 2)[1]), body


def received(stream):
    part = stream.recv(65536)
    if not part:
        raise ConnectionError("the connection was closed")
    return part


def connected(port, patience=30):
    stream = socket.create_connection(("127.0.0.1", port), timeout=patience)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def credentials(port, key=KEY, secret=SECRET, patience=30):
    """User and password that one call gives."""
    with connected(port, patience) as stream:
        stream.sendall(signed(port, key, secret))
        status, body = answer(stream)
    body = json.loads(body)
    if status != 200:
        raise Refused(f"{status} {body['__type']}", body["message"])
    return body["dbUser"], body["dbPassword"]


class Refused(Exception):
    """An answer that says no: its code, and its words."""

    def __init__(self, code, words):
        super().__init__(f"{code}: {words}")
        self.code, self.words = code, words


# Load on GetCredentials


def call_many(port, connections, calls, begin, outcome):
    """Makes calls on several connections at a time; sends the passwords and what went wrong."""
    request = signed(port)
    chosen, streams = selectors.DefaultSelector(), [connected(port) for _ in range(connections)]
    for stream in streams:
        chosen.register(stream, selectors.EVENT_READ)
    begin.wait()
    passwords, faults, sent = [], [], 0
    for stream in streams[:calls]:
        stream.sendall(request)
        sent += 1
    under_way = sent
    while under_way:
        ready = chosen.select(timeout=30)
        if not ready:
            faults.append("no answer within 30 seconds")
            break
        for key, _ in ready:
            stream = key.fileobj
            try:
                status, body = answer(stream)
                if status == 200:
                    passwords.append(json.loads(body)["dbPassword"])
                else:
                    faults.append(f"{status} {body[:200]}")
            except (OSError, ValueError, TypeError) as error:
                faults.append(repr(error))
                chosen.unregister(stream)
                under_way -= 1
                continue
            if sent < calls:
                stream.sendall(request)
                sent += 1
            else:
                under_way -= 1
    outcome.send((passwords, faults))


def together(work, arguments):
    """Runs a function in processes of its own; returns what each sent, and the seconds from their common beginning."""
    begin = multiprocessing.Barrier(len(arguments) + 1)
    ends, children = [], []
    for each in arguments:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        children.append(multiprocessing.Process(target=work, args=(*each, begin, theirs)))
        children[-1].start()
        theirs.close()
        ends.append(ours)
    begin.wait(timeout=60)
    start = time.monotonic()
    outcomes = [end.recv() for end in ends]
    taken = time.monotonic() - start
    for child in children:
        child.join()
    return outcomes, taken


def called(emulator, calls):
    """Rate, passwords, faults and seconds of CPU of the emulator for so many calls."""
    before = emulator.cpu()
    outcomes, taken = together(call_many, [(emulator.port, CONNECTIONS // 2, calls // 2)] * 2)
    passwords = [password for some, _ in outcomes for password in some]
    return calls / taken, passwords, [fault for _, some in outcomes for fault in some], emulator.cpu() - before


def load(program, calls):
    with Emulator(program, "--no-door") as plain, Emulator(program) as door:
        rates, cpus, faults, given, memory = {plain: [], door: []}, {plain: [], door: []}, [], {}, {}
        for emulator in (plain, door):
            _, given[emulator], wrong, _ = called(emulator, 200)
            faults += wrong
            memory[emulator] = emulator.memory()
        for round in range(5):
            for emulator in (plain, door):
                rate, some, wrong, cpu = called(emulator, calls)
                rates[emulator].append(rate)
                cpus[emulator].append(cpu / calls * 1e6)
                given[emulator] += some
                faults += wrong
                if round == 0:
                    before, after = memory[emulator], emulator.memory()
                    what = f"memory {'with' if emulator is door else 'without'} the door before {calls:,} calls, after"
                    most = 10.0 if emulator is door else 3.0
                    show(f"{what}: {before:.1f} and {after:.1f} MB, more", after - before, "MB", most)
        show(f"errors of {10 * calls:,} calls from {CONNECTIONS} connections", len(faults), "", 0)
        for fault in faults[:3]:
            print(f"  {fault}")
        passwords = given[plain] + given[door]
        show("passwords that came twice", len(passwords) - len(set(passwords)), "", 0)
        rate = {emulator: statistics.median(rates[emulator]) for emulator in rates}
        cpu = {emulator: statistics.median(cpus[emulator]) for emulator in cpus}
        show("GetCredentials without the door", round_(rate[plain]), "calls/s")
        show("GetCredentials with the door", round_(rate[door]), "calls/s")
        show("CPU of the emulator for a call, without the door", cpu[plain], "µs")
        show("CPU of the emulator for a call, with the door", cpu[door], "µs")
        show("rate with the door, of that without", 100 * rate[door] / rate[plain], "%", 60, least=True)
        show("the same by the CPU of the emulator", 100 * cpu[plain] / cpu[door], "%", 60, least=True)
        # Once the emulator forgets as many passwords as it gives out, nothing grows.
        while len(given[door]) < REMEMBERED + calls and calls >= 10_000:
            given[door] += called(door, calls)[1]
        full = door.memory()
        called(door, 2 * calls)
        show(f"memory with the door after {len(given[door]):,} calls: {full:.1f} MB; more after {2 * calls:,} further",
             door.memory() - full, "MB", 3.0)


def round_(number):
    return int(round(number))


# Log-ins


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def read_message(reader):
    kind, length = reader.read(1), reader.read(4)
    if len(length) < 4:
        raise ConnectionError("the connection was closed")
    body = reader.read(int.from_bytes(length, "big") - 4)
    if kind == b"E":
        fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
        raise Refused(fields[b"C"], fields[b"M"])
    return kind, body


salted = {}


def log_in(port, user, password, by_md5, patience=30):
    """Logs in; returns the connection and a reader of it when the session is ready."""
    stream = connected(port, patience)
    try:
        reader = stream.makefile("rb")
        names = ["user", user, "database", "dev"] + (["driver_version", "load"] if by_md5 else [])
        begin = (3 << 16).to_bytes(4, "big") + b"".join(name.encode() + b"\0" for name in names) + b"\0"
        stream.sendall(message(b"", begin))
        _, request = read_message(reader)
        if by_md5:
            inner = hashlib.md5((password + user).encode()).hexdigest().encode()
            stream.sendall(message(b"p", b"md5" + hashlib.md5(inner + request[4:]).hexdigest().encode() + b"\0"))
        else:
            by_scram(stream, reader, password)
        kind, _ = read_message(reader)
        while kind != b"Z":
            kind, _ = read_message(reader)
        return stream, reader
    except BaseException:
        stream.close()
        raise


def by_scram(stream, reader, password):
    first = b"n=,r=" + base64.b64encode(os.urandom(18))
    stream.sendall(message(b"p", b"SCRAM-SHA-256\0" + (len(first) + 3).to_bytes(4, "big") + b"n,," + first))
    server = read_message(reader)[1][4:]
    fields = dict(field.split(b"=", 1) for field in server.split(b","))
    salt, count = base64.b64decode(fields[b"s"]), int(fields[b"i"])
    # A client may keep this: the figure is of the door.
    key = salted.get((password, salt)) or hashlib.pbkdf2_hmac("sha256", password.encode(), salt, count)
    salted[password, salt] = key
    client = hmac.digest(key, b"Client Key", "sha256")
    bare = b"c=biws,r=" + fields[b"r"]
    signature = hmac.digest(hashlib.sha256(client).digest(), first + b"," + server + b"," + bare, "sha256")
    proof = bytes(one ^ other for one, other in zip(client, signature))
    stream.sendall(message(b"p", bare + b",p=" + base64.b64encode(proof)))


def ask(stream, reader, text):
    """The first column of the first row."""
    stream.sendall(message(b"Q", text.encode() + b"\0"))
    value = None
    while True:
        kind, body = read_message(reader)
        if kind == b"D":
            value = body[6:6 + int.from_bytes(body[2:6], "big")].decode()
        if kind == b"Z":
            return value


def log_in_often(port, user, password, by_md5, open_sessions, count, begin, outcome):
    sessions = [log_in(port, user, password, True) for _ in range(open_sessions)]
    begin.wait()
    faults = []
    for _ in range(count):
        try:
            log_in(port, user, password, by_md5)[0].close()
        except (OSError, Refused) as error:
            faults.append(repr(error))
    users = {ask(stream, reader, "select current_user") for stream, reader in sessions}
    outcome.send((faults, users))


def logins(program, count):
    with Emulator(program) as emulator:
        before = emulator.memory()
        user, password = credentials(emulator.port)
        for by_md5, name, asked in [(True, "MD5", 1000), (False, "SCRAM", None)]:
            cpu = emulator.cpu()
            each = (emulator.door, user, password, by_md5, SESSIONS // CALLERS, count // CALLERS)
            outcomes, taken = together(log_in_often, [each] * CALLERS)
            what = f"log-ins by {name} with {SESSIONS} sessions open"
            show(what, round_(count / taken), "a second", asked, least=True)
            show(f"CPU of the emulator for a log-in by {name}", (emulator.cpu() - cpu) / count * 1e6, "µs")
            faults = [fault for some, _ in outcomes for fault in some]
            show(f"log-ins by {name} that failed", len(faults), "", 0)
            for fault in faults[:3]:
                print(f"  {fault}")
            holds("the sessions that stayed open still answer", all(users == {user} for _, users in outcomes))
        show(f"memory after {2 * count:,} log-ins, more", emulator.memory() - before, "MB", 30.0)
        # A user with thousands of passwords: the door does not know which one a client means.
        oldest = password
        called(emulator, 2000)
        for by_md5, name in [(True, "MD5"), (False, "SCRAM")]:
            start = time.monotonic()
            patiently(lambda: log_in(emulator.door, user, oldest, by_md5)[0].close())
            show(f"the oldest of 2,000 passwords of a user logs in by {name}", time.monotonic() - start, "s", 30.0)


def patiently(work):
    """Does something again as long as the door says that it had too many passwords to try."""
    while True:
        try:
            return work()
        except Refused as refused:
            if refused.code != "53400":
                raise


# Clients that say nothing, or nothing that can be understood


def garbage(port, stop):
    choice = random.Random(port)
    while not stop.is_set():
        with contextlib.suppress(OSError), connected(port, 5) as stream:
            stream.sendall(choice.randbytes(choice.randrange(1, 3000)))
            stream.recv(1000)


def dribble(port, stop):
    """Sends a byte now and then."""
    while not stop.is_set():
        with contextlib.suppress(OSError), connected(port, 5) as stream:
            for byte in b"\0\0\x20\0\0\x03\0\0" + b"user" * 1000:
                stream.sendall(bytes([byte]))
                if stop.wait(0.2):
                    break


def crowd(program):
    with Emulator(program) as emulator:
        stop, idle = threading.Event(), []
        ports = (emulator.port, emulator.door)
        threads = [threading.Thread(target=work, args=(port, stop), daemon=True)
                   for port in ports for work in [garbage] * 4 + [dribble] * 4]
        for thread in threads:
            thread.start()
        for port in ports:
            idle += [connected(port) for _ in range(600)]
        waits = []
        for _ in range(20):
            start = time.monotonic()
            user, password = credentials(emulator.port)
            waits.append(time.monotonic() - start)
            start = time.monotonic()
            log_in(emulator.door, user, password, len(waits) % 4 < 2)[0].close()
            waits.append(time.monotonic() - start)
        stop.set()
        show("longest wait for a call or a log-in among 600 idle connections on each port, garbage and slow senders",
             max(waits), "s", 10.0)
        show("its memory", emulator.memory(), "MB", 200.0)
        for stream in idle:
            stream.close()


# A PostgreSQL that dies


def programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin")) + os.environ.get("PATH", "").split(os.pathsep)
    needed = ("initdb", "postgres", "psql")
    have = [folder for folder in folders if all(os.path.exists(os.path.join(folder, name)) for name in needed)]
    return have[-1] if have else None


class Cluster:
    """A PostgreSQL of its own."""

    def __init__(self, folder):
        self.programs, self.folder = programs(), folder
        self.run("initdb", "--auth-local=trust", "--auth-host=scram-sha-256", "-U", "admin", "-D", self.data)
        self.start()
        self.ask("CREATE DATABASE dev")

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    @property
    def url(self):
        return f"postgres://admin@{self.folder.replace('/', '%2F')}:5432/dev"

    def command(self, name, *arguments):
        command = [os.path.join(self.programs, name), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]
        return command

    def run(self, name, *arguments):
        done = subprocess.run(self.command(name, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def start(self):
        command = self.command("postgres", "-h", "", "-k", self.folder, "-D", self.data, "-c", "max_connections=200")
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(RuntimeError):
                return self.ask("SELECT 1")
            if time.monotonic() > deadline:
                raise RuntimeError("the PostgreSQL does not start")
            time.sleep(0.05)

    def ask(self, text):
        place = ["-h", self.folder, "-U", "admin", "-d", "postgres"]
        return self.run("psql", "-X", "-A", "-t", *place, "-c", text).strip()

    def kill(self):
        """Ends it as `pg_ctl -m immediate` does: without a word to anybody's transaction."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait(timeout=30)

    def stop(self):
        self.server.send_signal(signal.SIGINT)
        self.server.wait(timeout=30)


def use(emulator, person, stop, seen):
    """Gets credentials and logs in with them, again and again; notes when each went well or how it was refused."""
    key, secret = person
    while not stop.is_set():
        start = time.monotonic()
        step = "GetCredentials"
        try:
            user, password = credentials(emulator.port, key, secret)
            step = "log-in"
            stream, reader = log_in(emulator.door, user, password, False)
            with stream:
                name = ask(stream, reader, "select current_user")
            outcome = None if name == user else (step, "wrong user", name)
        except Refused as refused:
            outcome = (step, refused.code, refused.words)
        except OSError as error:
            outcome = (step, "lost", repr(error))
        seen.append((start, time.monotonic(), outcome))
        if outcome:
            time.sleep(0.02)


ROLES = "FROM pg_authid WHERE shobj_description(oid, 'pg_authid') LIKE 'countersign-emulator%'"
# Those who look away when a server dies say nothing of it: shutdowns, a start, a connection that broke.
CLEAR = {"500 InternalServerException", "57P01", "57P02", "57P03", "08006"}


def postgres(program):
    if not programs():
        sys.exit("there is no PostgreSQL on this machine: install it, or choose other parts with --only")
    people = [(f"AKIDPERSON{number}", f"invented-{number}") for number in range(8)]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    principals = [{"user": key.lower(), "access_key_id": key, "secret_access_key": secret, "policies": [allow]}
                  for key, secret in people]
    named = tempfile.NamedTemporaryFile("w", suffix=".json")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, named as identities:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        json.dump({"version": 1, "principals": principals}, identities)
        identities.flush()
        cluster = Cluster(folder)
        try:
            with Emulator(program, "--identities", identities.name, "--database", cluster.url) as emulator:
                dies(cluster, emulator, people)
            holds("the emulator ends with exit code 0", emulator.code == 0, emulator.code)
            show("roles that it leaves behind", int(cluster.ask(f"SELECT count(*) {ROLES}")), "", 0)
        finally:
            cluster.stop()


def dies(cluster, emulator, people):
    stop, seen = threading.Event(), []
    threads = [threading.Thread(target=use, args=(emulator, person, stop, seen)) for person in people]
    for thread in threads:
        thread.start()
    time.sleep(3)
    open_session = log_in(emulator.door, *credentials(emulator.port, *people[0]), False)
    killed = time.monotonic()
    cluster.kill()
    try:
        told = ask(*open_session, "select 1")
    except (Refused, OSError) as error:
        told = getattr(error, "code", repr(error))
    holds("an open session is told that the PostgreSQL ended", told in CLEAR, told)
    time.sleep(2)
    cluster.start()
    back = time.monotonic()
    time.sleep(4)
    stop.set()
    for thread in threads:
        thread.join()
    wrong = [(start, end, outcome) for start, end, outcome in seen if outcome]
    strange = [outcome for start, end, outcome in wrong if end < killed or start > back + 1]
    unclear = [outcome for _, _, outcome in wrong if outcome[1] not in CLEAR or "PostgreSQL" not in outcome[2]
               and outcome[1] not in ("57P01", "57P02", "57P03")]
    after = [end for start, end, outcome in seen if not outcome and start > back]
    kinds = sorted({f"{step} {code}" for _, _, (step, code, _) in wrong})
    show("credentials that logged in, on a PostgreSQL", sum(not outcome for _, _, outcome in seen), "")
    show("refusals while it was down", len(wrong), f"({', '.join(kinds)})")
    show("failures before it was killed, or a second after it was back", len(strange), "", 0)
    show("refusals that do not say what is wrong", len(unclear), "", 0)
    for outcome in strange[:3] + unclear[:3]:
        print(f"  {outcome}")
    show("longest wait for an answer", max(end - start for start, end, _ in seen), "s", 15.0)
    show("seconds until it was used again", min(after, default=back + 999) - back, "s", 5.0)
    half = cluster.ask(f"SELECT count(*) {ROLES} AND NOT (rolcanlogin AND rolvaliduntil > now() "
                       "AND rolpassword LIKE 'SCRAM-SHA-256$4096:%')")
    show("roles that are half-made", int(half), "", 0)
    show("its roles", int(cluster.ask(f"SELECT count(*) {ROLES}")), "", len(people))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="target/release/countersign")
    parser.add_argument("--calls", type=int, default=10_000, help="calls of GetCredentials in a round")
    parser.add_argument("--logins", type=int, default=5_000, help="log-ins of each kind")
    parts = ["load", "logins", "crowd", "postgres"]
    parser.add_argument("--only", choices=parts, action="append", help="only this part; repeat it for more")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    multiprocessing.set_start_method("fork")
    parts = given.only or parts
    if "load" in parts:
        load(given.program, given.calls)
    if "logins" in parts:
        logins(given.program, given.logins)
    if "crowd" in parts:
        crowd(given.program)
    if "postgres" in parts:
        postgres(given.program)
    print(f"missed: {'; '.join(missed)}" if missed else "every figure holds")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
