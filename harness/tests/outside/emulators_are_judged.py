#!/usr/bin/env python3
"""Third-party AWS emulators, unmodified, are judged as what they are.

usage: emulators_are_judged.py PATH_TO_COUNTERSIGN [--all | NAME...] [--folder FOLDER] [--python3.13 PATH]

Installs each emulator at a fixed version below FOLDER (target/emulators), starts it on a free port of
127.0.0.1, has Countersign judge it, and holds the outcome against what is known of that emulator: the
class, the words that are quoted, every verdict, the exit code. Those that install in a minute are known
to have none of the other operations either, and are judged by them as well. Prints one sentence for
each, and puts the run streams and a matrix of them into FOLDER/reports.

Without a name it runs those that install in a minute, and of the others those that FOLDER has already.
They take longer; ask for them by name, or for --all:
  laws, fakecloud         built with cargo, 5 and 30 minutes on two cores
  localstack, localemu    from PyPI, and need Python 3.13
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator

HERE = Path(__file__).resolve().parent
READY_SECONDS = 120
# The first call loads the emulator's code: more than 10 s on a busy machine.
CALL_SECONDS = 60
JUDGED_SECONDS = 300

OPERATION, OTHERS = "GetCredentials", ["GetWorkgroup", "ListWorkgroups"]
# What must be refused, and what MockMesh, which looks at nothing in a request, accepts: values out of range, of a wrong
# form or type, no name at all, a workgroup that is not there.
REFUSALS = {f"GC-{id}" for id in ("DB-02 DB-03 DB-04 DB-05 DB-06 DB-07 DB-11 DUR-02 DUR-05 DUR-08 DUR-09 DUR-10 "
                                  "ERR-01 NAME-01 NAME-03 WG-02 WG-03 WG-04 WG-07 WG-10").split()}
# The bridge takes any media type and path, and what Python takes for JSON: a byte order mark, NaN.
BRIDGE = {"GC-PROTO-09", "GC-PROTO-10", "GC-PROTO-13", "GC-PROTO-16"}

passed = failed = 0


def check(claim: str, holds: bool, found: object = "") -> None:
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok  ' if holds else 'FAIL'} {claim}" + ("" if holds else f": {found}"), flush=True)


@dataclass
class Emulator:
    """One emulator: how it is installed and started, and what is known of its answer to the call.

    `signed` and `unsigned` are the class and the first words of its answer to a call with and without
    a signature, as seen on the wire by other means than Countersign.
    """

    name: str
    command: Callable[[Path, int], list]
    signed: tuple[str, str]
    unsigned: tuple[str, str]
    packages: list[str] = field(default_factory=list)
    crate: tuple[str, str] | None = None
    environment: Callable[[int], dict] = lambda port: {}
    python: str = "python3"
    slow: bool = False
    judged: bool = False


OWN_JSON = ("own-json", '400 application/json: "{}"')


def quoting(words: str) -> tuple[str, str]:
    return OWN_JSON[0], OWN_JSON[1].format(words)


NO_501 = ("declared-not-implemented", "501 ")
HYPERCORN = {"GATEWAY_SERVER": "hypercorn", "DNS_ADDRESS": "0"}

EMULATORS = [
    Emulator("moto", lambda bin, port: [bin / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
             ("not-aws", '500 text/html: "500 Internal Server Error'), ("wrong-service", "200 application/xml"),
             packages=["moto[server]==5.2.5"]),
    Emulator("ministack", lambda bin, port: [bin / "ministack"],
             quoting("Unsupported service: redshift-serverless"), ("wrong-service", "405 application/xml"),
             packages=["ministack==1.5.33"],
             environment=lambda port: {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}),
    Emulator("aws-local-run",
             lambda bin, port: [bin / "aws-local-run", "start", "--host", "127.0.0.1", "--port", str(port)],
             quoting("Cannot detect target service"), quoting("Cannot detect target service"),
             packages=["aws-local-run==1.1.0", "requests"]),
    # Its command listens on every interface and has no option for it.
    Emulator("mockmesh-server",
             lambda bin, port: [bin / "python", "-c", "import sys; from mockmesh.server import *; "
                                "ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), MockMeshHTTPHandler).serve_forever()",
                                str(port)],
             ("not-aws", "404"), ("not-aws", "404"), packages=["mockmesh-aws==0.2.0", "boto3"]),
    # It answers in process only: a bridge puts its answer on the wire.
    Emulator("mockmesh", lambda bin, port: [bin / "python", HERE / "mockmesh_bridge.py", str(port)],
             ("answers", "200 application/x-amz-json-1.1"), ("answers", "200 application/x-amz-json-1.1"),
             packages=["mockmesh-aws==0.2.0", "boto3"], judged=True),
    Emulator("mockmesh-epoch", lambda bin, port: [bin / "python", HERE / "mockmesh_bridge.py", str(port), "--epoch"],
             ("answers", "200 application/x-amz-json-1.1"), ("answers", "200 application/x-amz-json-1.1"),
             packages=["mockmesh-aws==0.2.0", "boto3"], judged=True),
    Emulator("laws", lambda bin, port: [bin / "laws", "--host", "127.0.0.1", "--port", str(port)],
             ("not-aws", '404 text/plain: "Unknown service or action"'),
             ("not-aws", '404 text/plain: "Unknown service or action"'), crate=("laws", "1.2.0"), slow=True),
    Emulator("localemu", lambda bin, port: [bin / "localemu", "start", "--host", "127.0.0.1", "--port", str(port)],
             NO_501, NO_501, packages=["localemu==1.3.2"], environment=lambda port: HYPERCORN,
             python="python3.13", slow=True),
    Emulator("localstack", lambda bin, port: [bin / "python", "-m", "localstack.runtime.main"],
             NO_501, NO_501,
             packages=["localstack-core[runtime]==2026.3.0", "cbor2<6", "pyopenssl<25"],
             environment=lambda port: {**HYPERCORN, "GATEWAY_LISTEN": f"127.0.0.1:{port}", "DISABLE_EVENTS": "1",
                                       "SKIP_SSL_CERT_DOWNLOAD": "1"},
             python="python3.13", slow=True),
    Emulator("fakecloud", lambda bin, port: [bin / "fakecloud", "--addr", f"127.0.0.1:{port}"],
             ("unknown-operation", "400 application/x-amz-json-1.1 UnknownOperationException: "),
             ("unknown-operation", "400 application/x-amz-json-1.1 UnknownOperationException: "),
             crate=("fakecloud", "0.51.0"), slow=True),
]


def environment(**more: str) -> dict:
    """Nothing of the user's AWS set-up, and no proxy, but the credentials that emulators take."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|https?_proxy)", name)}
    return {**kept, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PYTHONUNBUFFERED": "1", **more}


# Installing

def python(name: str, given: str | None) -> str | None:
    """A Python of that name that runs, the given one first, or one that pyenv keeps."""
    version = name.removeprefix("python")
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")) if version != "3" else []
    for path in [given if version != "3" else sys.executable, shutil.which(name), *map(str, kept)]:
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


def installed(emulator: Emulator, folder: Path, given: str | None, build: bool) -> Path | None:
    """The folder with the emulator's programs, installed first where that is needed and allowed."""
    if emulator.crate:
        return built(*emulator.crate, folder, build)
    home = folder / re.sub("[^a-z0-9.]+", "-", emulator.packages[0].lower())
    done = home / "installed"
    if not done.exists():
        if not build:
            return None
        found = python(emulator.python, given)
        if not found:
            raise RuntimeError(f"it needs {emulator.python}: name one with --{emulator.python} PATH")
        subprocess.run([found, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *emulator.packages],
                       check=True)
        done.touch()
    return home / "bin"


def built(crate: str, version: str, folder: Path, build: bool) -> Path | None:
    home = folder / f"{crate}-{version}"
    program = home / "bin" / crate
    if not program.exists() and build:
        subprocess.run(["cargo", "install", crate, "--version", version, "--locked", "--debug", "--quiet", "--root", home],
                       check=True)
    return program.parent if program.exists() else None


# Starting

def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(emulator: Emulator, programs: Path, log: Path) -> Iterator[str]:
    """Starts the emulator, gives its endpoint once it takes connections, and ends what was started."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, emulator.command(programs, port))), stdin=subprocess.DEVNULL,
                                   env=environment(**emulator.environment(port)), stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True, cwd=log.parent)
    try:
        until_it_listens(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def until_it_listens(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"it did not start: exit {process.poll()}, {log.read_text(errors='replace')[-500:]!r}")


def end(process: subprocess.Popen) -> None:
    """Ends the process and what it started, which are a group of their own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


# Judging

@dataclass
class Judged:
    """What one run left: its exit code, its text, its stream and its other reports."""

    code: int
    text: str
    errors: str
    events: list[dict]
    report: dict
    junit: str

    @property
    def target(self) -> dict:
        return self.events[0]["target"]

    @property
    def summary(self) -> dict:
        return self.events[-1]

    def verdicts(self) -> dict[str, str]:
        return {event["id"]: event["verdict"] for event in self.events if event["event"] == "case"}

    def violated(self) -> set[str]:
        return {event["id"] for event in self.events if event["event"] == "requirement" and event["status"] == "fail"}

    def found(self, requirement: str) -> str:
        """What the report says of the first violation of a requirement."""
        violations = (violation for event in self.events if event["event"] == "case" for violation in event["violations"])
        first = next(violation for violation in violations if violation["requirement"] == requirement)
        return f"{requirement} (at {first['at']} expected {first['expected']}, found {first['actual']})"


def countersign(binary: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([binary, *arguments], env=environment(), capture_output=True, text=True, cwd=folder,
                          timeout=JUDGED_SECONDS)


def judge(binary: str, name: str, endpoint: str, reports: Path, *flags: str) -> Judged:
    """Judges the server at an endpoint as the target of that name."""
    (reports / "countersign.toml").write_text(f'[targets.{name}]\nendpoint = "{endpoint}"\nworkgroup = "wg-1"\n')
    files = ["--report-jsonl", f"{name}.jsonl", "--report-json", f"{name}.json", "--report-junit", f"{name}.xml"]
    run = countersign(binary, "run", "--target", name, "--timeout", str(CALL_SECONDS), *files, *flags, folder=reports)
    if not (reports / f"{name}.jsonl").exists():
        raise RuntimeError(f"no report, exit {run.returncode}: {run.stderr}")
    events = [json.loads(line) for line in (reports / f"{name}.jsonl").read_text().splitlines()]
    return Judged(run.returncode, run.stdout, run.stderr, events, json.loads((reports / f"{name}.json").read_text()),
                  (reports / f"{name}.xml").read_text())


def sentence(name: str, judged: Judged) -> str:
    """What became of one emulator, in the report's own words."""
    target, summary = judged.target, judged.summary
    words = f"{name} {target['meaning']} ({target['class']}): it said {target['said']}"
    if target["class"] != "answers":
        return f"{words}."
    core = summary["features"]["core"]
    return (f"{words}; of {core['must']} must-requirements {core['decided']} are decided and {core['violated']} violated: "
            f"{', '.join(map(judged.found, sorted(judged.violated())))}.")


def hold(name: str, judged: Judged, expected: tuple[str, str], operation: str, cases: set[str]) -> None:
    """Checks what holds for every server that does not have the operation."""
    target, verdicts = judged.target, judged.verdicts()
    check(f"{name}: it does not have {operation}", f"not have {operation}" in target["meaning"], target)
    check(f"{name}: exit code 1", judged.code == 1, (judged.code, judged.errors))
    check(f"{name}: its class is {expected[0]}", target["class"] == expected[0], target)
    check(f"{name}: quoted is {expected[1]}", target["said"].startswith(expected[1]), target["said"])
    heard = target["heard"].get("answer", {})
    check(f"{name}: heard is what is quoted", target["said"].startswith(str(heard.get("status")))
          and (heard.get("words") or "") in target["said"] and (heard.get("error") or "") in target["said"], target)
    check(f"{name}: every case is reported", set(verdicts) == cases != set(), len(verdicts))
    check(f"{name}: every case is not-implemented", set(verdicts.values()) == {"not-implemented"}, verdicts)
    check(f"{name}: nothing is called conformant", judged.summary["conformant"] is False, judged.summary)
    check(f"{name}: nothing is called violated", not judged.violated(), judged.violated())
    check(f"{name}: the text says it plainly and once", judged.text.count(f"The target {target['meaning']}.") == 1,
          judged.text)
    check(f"{name}: the text lists no failures", "expected" not in judged.text, judged.text)
    check(f"{name}: all reports say the same", judged.report["run"]["target"] == target
          and {case["id"]: case["verdict"] for case in judged.report["cases"]} == verdicts)
    check(f"{name}: JUnit does not skip what is not there", judged.junit.count("<error") == len(cases))
    check(f"{name}: standard error has no panic", "panicked" not in judged.errors, judged.errors)


def hold_mockmesh(name: str, judged: Judged) -> None:
    """MockMesh answers, and wrongly: what the documents forbid is found, and nothing else is said.

    It accepts whatever it is asked. Of its four defects in the answers two break a documented requirement:
    timestamps that are texts, and credentials that expire the moment they are made, which shows once the
    timestamps can be read. That dbUser has no prefix and that the password never changes breaks nothing
    that is written down.
    """
    found = judged.violated()
    timestamps, lifetimes = {"GC-EXP-02", "GC-REF-02"}, {"GC-DUR-01", "GC-DUR-03"}
    wrong = lifetimes if name == "mockmesh-epoch" else timestamps
    expected = wrong | REFUSALS | BRIDGE
    check(f"{name}: exit code 1", judged.code == 1, (judged.code, judged.errors))
    check(f"{name}: its class is answers", judged.target["class"] == "answers", judged.target)
    check(f"{name}: {', '.join(sorted(expected))} are violated, and no more", found == expected, found ^ expected)
    check(f"{name}: no accusation of dbUser or dbPassword", not any(id.startswith(("GC-USER", "GC-PWD")) for id in found))
    verdicts = judged.verdicts()
    durations = {id: verdict for id, verdict in verdicts.items() if id.startswith("parameters/duration-")}
    check(f"{name}: the control is accepted, with a wrong answer", verdicts["success/workgroup-only"] == "fail", verdicts)
    check(f"{name}: so no wrong duration is left undecided", set(durations.values()) == {"fail"}, durations)
    check(f"{name}: the password is not in the report", "mock-DbPassword" not in judged.text + json.dumps(judged.events))


# The matrix

def matrix(binary: str, names: list[str], reports: Path) -> None:
    """One page with the targets across and the requirements down."""
    arguments = [part for name in names for part in ("--from", f"{name}.jsonl")]
    made = countersign(binary, "report", *arguments, "--report-html", "matrix.html", folder=reports)
    page = (reports / "matrix.html").read_text() if (reports / "matrix.html").exists() else ""
    check("the matrix is made", made.returncode == 0, made.stderr)
    check("the matrix names every target", all(name in page for name in names), len(page))
    check("the matrix loads nothing from elsewhere", not re.search(r'<(link|script|img)[^>]*(src|href)="?https?://', page))


def examine(emulator: Emulator, programs: Path, binary: str, reports: Path, cases: dict[str, set[str]]) -> Judged:
    name = emulator.name
    with running(emulator, programs, reports / f"{name}.log") as endpoint:
        judged = judge(binary, name, endpoint, reports)
        if emulator.judged:
            hold_mockmesh(name, judged)
            return judged
        hold(name, judged, emulator.signed, OPERATION, cases[OPERATION])
        hold(f"{name}, unsigned", judge(binary, f"{name}-unsigned", endpoint, reports, "--no-sign"),
             emulator.unsigned, OPERATION, cases[OPERATION])
        for operation in OTHERS if not emulator.slow else []:
            other = judge(binary, f"{name}-{operation}", endpoint, reports, "--operation", operation)
            hold(f"{name}, {operation}", other, emulator.signed, operation, cases[operation])
    return judged


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=lambda path: str(Path(path).resolve()), metavar="PATH_TO_COUNTERSIGN")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(emulator.name for emulator in EMULATORS))
    parser.add_argument("--all", action="store_true", help="all of them, however long they take to install")
    parser.add_argument("--folder", type=Path, default=Path("target/emulators"))
    parser.add_argument("--python3.13", dest="python", metavar="PATH", help="a Python 3.13, for localstack and localemu")
    given = parser.parse_args()
    if unknown := set(given.names) - {emulator.name for emulator in EMULATORS}:
        parser.error(f"no emulator is called {', '.join(sorted(unknown))}")
    return given


def dry_run(binary, operation: str) -> list[str]:
    """The cases that a run would try: each line begins with one, up to the totals."""
    lines = countersign(binary, "run", "--dry-run", "--operation", operation).stdout.split("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines if not line.startswith("(probe)")]


def main() -> None:
    given = arguments()
    reports = given.folder.resolve() / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    listed = json.loads(countersign(given.binary, "list", "--format", "json").stdout)
    cases = {operation: set(dry_run(given.binary, operation)) for operation in {case["operation"] for case in listed}}
    check("each case is one of an operation's", set().union(*cases.values()) == {case["id"] for case in listed},
          len(listed))
    streams: dict[str, Judged] = {}
    for emulator in EMULATORS:
        asked = given.all or emulator.name in given.names
        if given.names and not asked:
            continue
        try:
            programs = installed(emulator, given.folder.resolve(), given.python, build=asked or not emulator.slow)
            if programs is None:
                print(f"left out: {emulator.name} is not installed and takes minutes to; ask for it by name", flush=True)
                continue
            streams[emulator.name] = examine(emulator, programs, given.binary, reports, cases)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            check(f"{emulator.name} can be judged", False, error)
    print()
    for name, judged in streams.items():
        print(f"{sentence(name, judged)}")
    print()
    matrix(given.binary, list(streams), reports)
    check("an emulator was judged", bool(streams))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
