#!/usr/bin/env python3
"""The implementer's kit keeps its promises: everything that harness/kit/GUIDE.md says is run.

usage: kit_guide_is_true.py PATH_TO_COUNTERSIGN [PATH_TO_ONE_THAT_CAN_LOG_IN]

At start.py nothing passes. Each command of the guide is run twice, before its step and after it, and must
fail the first time and say what the guide shows the second time. The server of a step is finished.py
without what later steps add to it. Then finished.py itself, as a program, must be conformant.

The step of the log-in needs the second program and a PostgreSQL; without them it is named and left out, or
is a failure if COUNTERSIGN_REQUIRE_POSTGRES is set.
"""
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Callable, Iterator

from postgres_cluster import PROGRAMS, as_admin, cluster

BINARY, *WITH_LOGIN = [str(Path(argument).resolve()) for argument in sys.argv[1:]]
ROOT = Path(__file__).resolve().parents[3]
KIT = ROOT / "harness/kit"
SECONDS = 120

passed = failed = 0


def check(claim: str, holds: bool, found: object = "") -> None:
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok  ' if holds else 'FAIL'} {claim}" + ("" if holds else f": {found}"), flush=True)


# The guide

def blocks(text: str, language: str) -> list[list[str]]:
    return [block.splitlines() for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)]


def steps() -> dict[int, str]:
    """The guide's sections by their numbers."""
    parts = re.split(r"^## (\d+)\. .*$", (KIT / "GUIDE.md").read_text(), flags=re.M)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2])}


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command of a section with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in (line for block in blocks(text, "console") for line in block):
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def is_shown(lines: list[str], output: str) -> bool:
    """Whether the shown lines are lines of the output, in this order; `...` is whatever is left out."""
    rest = iter(output.splitlines())
    patterns = [".*".join(map(re.escape, line.split("..."))) for line in lines if line != "..."]
    return all(any(re.fullmatch(pattern, line) for line in rest) for pattern in patterns)


# The server of each step

def without_the_rest(body: bytes) -> dict:
    """The body as it is read before step 3: whatever is no object has no members."""
    try:
        request = json.loads(body)
    except ValueError:
        request = {}
    return {name: value for name, value in request.items() if value is not None} if isinstance(request, dict) else {}


def nothing(*_: object) -> None:
    pass


ADDED: dict[int, dict[str, Callable]] = {
    2: {"seconds_of": lambda request: 900},
    3: {"read": without_the_rest},
    4: {"check_types": nothing},
    5: {"check_duration": nothing},
    6: {"check_names": nothing, "find": nothing},
    7: {"check_database": nothing},
    8: {"check_protocol": nothing},
    10: {"check_signature": nothing},
    11: {"user": lambda: "IAMR:someone", "add_user": nothing},
}


def module(name: str) -> ModuleType:
    """A fresh copy of a file of the kit."""
    spec = importlib.util.spec_from_file_location(name, KIT / f"{name}.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def server_of(step: int) -> ModuleType:
    """What the guide's reader has after a step."""
    if step == 0:
        return module("start")
    server = module("finished")
    for later in (number for number in ADDED if number > step):
        for name, instead in ADDED[later].items():
            assert callable(getattr(server, name)), name
            setattr(server, name, instead)
    return server


@contextmanager
def serving(step: int, database: str = "") -> Iterator[str]:
    server = server_of(step)
    server.DATABASE = database
    server.Handler.workgroup = "my-workgroup"
    listener = ThreadingHTTPServer(("127.0.0.1", 0), server.Handler)
    listener.handle_error = nothing  # what a step does not catch yet ends its connection, and is no news
    threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        listener.server_close()


# Running what the guide says

def exported(text: str) -> dict[str, str]:
    """The variables that section 0 has its reader set."""
    lines = [shlex.split(line)[1:] for block in blocks(text, "sh") for line in block if line.startswith("export ")]
    return dict(part.split("=", 1) for line in lines for part in line)


def run(command: str, endpoint: str, variables: dict[str, str], folder: Path,
        binary: str = BINARY) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|https?_proxy)", name)}
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    words = shlex.split(command)
    assert words[0] == "countersign", command
    return subprocess.run([binary, *words[1:]], env={**kept, **nobody, **variables, "COUNTERSIGN_ENDPOINT": endpoint},
                          capture_output=True, text=True, cwd=folder, timeout=SECONDS)


def try_step(number: int, text: str, variables: dict[str, str], folder: Path) -> None:
    for command, shown in commands(text):
        asks = command.startswith("countersign run")
        if asks and number not in (0, 9):
            with serving(number - 1) as endpoint:
                before = run(command, endpoint, variables, folder)
            if number == 8:
                check(f"step {number}, before: {command} warns", before.returncode == 0 and "Warnings" in before.stdout,
                      before.stdout)
            else:
                check(f"step {number}, before: {command} is exit 1", before.returncode == 1, before.stdout)
        with serving(number) as endpoint:
            after = run(command, endpoint, variables, folder)
        expected = 1 if number == 0 else 0
        check(f"step {number}: {command} is exit {expected}", after.returncode == expected, after.stdout + after.stderr)
        check(f"step {number}: {command} says what is shown", is_shown(shown, after.stdout), after.stdout)
        if asks and number >= 8:
            check(f"step {number}: {command} warns of nothing", "Warnings" not in after.stdout, after.stdout)


def try_log_in(text: str, variables: dict[str, str], folder: Path) -> None:
    """The step of the log-in: its commands at a PostgreSQL, which has no role of the server afterwards."""
    exported_there, (first, *rest) = exported(text), commands(text)
    with cluster() as (port, url):
        def at(command: str, endpoint: str) -> subprocess.CompletedProcess:
            shown = exported_there["COUNTERSIGN_DATABASE"]
            there = {"COUNTERSIGN_DATABASE": shown.replace(":5432/", f":{port}/")}
            assert there["COUNTERSIGN_DATABASE"] != shown, "the port that the guide shows"
            return run(command, endpoint, variables | there, folder, WITH_LOGIN[0])

        with serving(10, url) as endpoint:
            found = at(first[0], endpoint)
            check(f"step 11, before: {first[0]} is exit 1", found.returncode == 1, found.stdout)
        with serving(11, url) as endpoint:
            for command, shown in [first, *rest]:
                found = at(command, endpoint)
                check(f"step 11: {command} is exit 0", found.returncode == 0, found.stdout + found.stderr)
                check(f"step 11: {command} says what is shown", is_shown(shown, found.stdout), found.stdout)
                check(f"step 11: {command} warns of nothing", "Warnings" not in found.stdout, found.stdout)
        made = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'IAMR:%' AND rolcanlogin AND rolvaliduntil > now()"
        check("step 11: there is a role for each call", len(as_admin(url, made)) > 10)
        subprocess.run(["sh", "-c", "\n".join(blocks(text, "sh")[-1])], env={**os.environ, "DATABASE": url}, check=True,
                       stdout=subprocess.DEVNULL)
        check("step 11: the last command drops them all", as_admin(url, made) == [], as_admin(url, made))


def selected(text: str, variables: dict[str, str], folder: Path) -> set[str]:
    """The cases that the commands of a section run."""
    asked = [command for command, _ in commands(text) if command.startswith("countersign run")]
    def printed(command):
        # Each line begins with a case, up to the totals.
        return run(f"{command} --dry-run", "http://127.0.0.1:1", variables, folder).stdout.split("\n\n")[0].splitlines()

    return {line.split()[0] for command in asked for line in printed(command) if not line.startswith("(probe)")}


def start_as_shown(text: str, folder: Path) -> None:
    """The first lines that the reader types, but for the port."""
    (folder / "harness").symlink_to(ROOT / "harness")
    copy, start = blocks(text, "sh")[0]
    subprocess.run(shlex.split(copy), cwd=folder, check=True)
    with program([sys.executable, *shlex.split(start)[1:]], folder) as (said, _):
        shown = "http://127.0.0.1:8080 has the workgroup my-workgroup"
        check("the guide says what start.py prints", f"`{shown}`" in text and re.sub(r":\d+ ", ":8080 ", said) == shown, said)


@contextmanager
def program(command: list[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Runs a server of the kit on a free port; gives the line that it prints, and its endpoint."""
    process = subprocess.Popen([*command, "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        line = (process.stdout.readline() if process.stdout else "").strip()
        yield line, line.split(" ")[0]
    finally:
        process.terminate()
        process.wait(10)


def verdicts(endpoint: str, command: str, variables: dict[str, str], folder: Path) -> tuple[int, dict, dict[str, str]]:
    ran = run(f"{command} --report-json report.json", endpoint, variables, folder)
    report = json.loads((folder / "report.json").read_text())
    return ran.returncode, report["summary"], {case["id"]: case["verdict"] for case in report["cases"]}


def main() -> None:
    guide = steps()
    check("the steps are numbered from 0 to 11", list(guide) == list(range(12)), list(guide))
    check("each step has a command", all(commands(text) for text in guide.values()))
    variables = exported(guide[0])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start_as_shown(guide[0], folder)
        with program([sys.executable, str(KIT / "start.py")], folder) as (_, endpoint):
            code, summary, found = verdicts(endpoint, "countersign run --claim core", variables, folder)
            check("at start.py the run is exit 1", code == 1, code)
            check("at start.py every case is not-implemented", set(found.values()) == {"not-implemented"}, found)
            check("at start.py nothing is conformant or decided",
                  not summary["conformant"] and summary["features"]["core"]["decided"] == 0, summary)
        listed = json.loads(run("countersign list --format json", "http://127.0.0.1:1", variables, folder).stdout)
        # The kit is about the operation that a run is about where nobody says.
        core_cases = {case["id"] for case in listed if not case["needs"]} & set(found)
        check("start.py was asked for a case of core", core_cases)
        met = {id for number in range(1, 9) for id in selected(guide[number], variables, folder)}
        check("steps 1 to 8 meet every case of core", core_cases <= met, sorted(core_cases - met))
        log_in = guide.pop(11)
        for number, text in guide.items():
            try_step(number, text, variables, folder)
        if WITH_LOGIN and PROGRAMS:
            try_log_in(log_in, variables, folder)
        else:
            print("not checked: the step of the log-in, without a program that can log in or a PostgreSQL")
            if os.environ.get("COUNTERSIGN_REQUIRE_POSTGRES"):
                check("step 11: everything that it needs is there", False)
        with program([sys.executable, str(KIT / "finished.py")], folder) as (_, endpoint):
            code, summary, found = verdicts(endpoint, "countersign run --claim core,signature", variables, folder)
            core = summary["features"]["core"]
            check("finished.py is exit 0", code == 0, found)
            check("finished.py is conformant", summary["conformant"] is True, summary)
            check("at finished.py every requirement of core is decided", core["decided"] == core["must"] > 0, core)
            check("at finished.py only what is not claimed is left out", set(found.values()) == {"pass", "not-applicable"}
                  and all("domain" in id or id.startswith(("iam/", "lifecycle/", "login/"))
                          or id in ("success/without-workgroup", "parameters/both-names")
                          for id, verdict in found.items() if verdict == "not-applicable"), found)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
