"""What harness/docs/emulator.md and logins.md tell a user of the emulator to type is typed, and says what they show.

Usage: python emulator_pages_are_true.py PATH_TO_COUNTERSIGN_BINARY

The binary needs the feature `login`. Needs boto3, redshift_connector, curl, Cargo, and PostgreSQL with psql:
without one of them it says so and ends with exit code 77, or 1 if COUNTERSIGN_REQUIRE_POSTGRES is set. Only the ports
are others, and the URL of the PostgreSQL. Prints one line a check, then `N passed, M failed`.
"""

import contextlib
import importlib.util
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import check, clean_environment, exit_code, missing
from pages import DOCS, ROOT, blocks, commands, is_shown, section, type_into_shell
from postgres_cluster import PROGRAMS, as_admin, cluster

SECONDS = 60
URL = "postgres://admin@localhost/dev"
ROLES = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'countersign%'"

for module in ("boto3", "redshift_connector"):
    if not importlib.util.find_spec(module):
        missing(f"{module} is not installed")
for program in ("cargo", "curl"):
    if not shutil.which(program):
        missing(f"there is no {program} on this machine")
if not PROGRAMS:
    missing("there is no PostgreSQL on this machine")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Reader:
    """Somebody who types what the pages show, in a folder of their own."""

    def __init__(self, binary, folder, database):
        self.folder, (self.postgres, self.url) = folder, database
        self.api, self.door = free_port(), free_port()
        (folder / "bin").mkdir()
        (folder / "bin/countersign").symlink_to(binary)
        path = os.pathsep.join([str(folder / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path}

    def here(self, text):
        """The text with the ports of this machine."""
        replaced = {URL: self.url, ":4567": f":{self.api}", "127.0.0.1:5439": f"127.0.0.1:{self.door}",
                    "port=5439": f"port={self.door}", "port=5432": f"port={self.postgres}"}
        for shown, real in replaced.items():
            text = text.replace(shown, real)
        return text

    def type(self, page, lines, typed):
        """Types commands into one shell behind some lines; each must say what is shown."""
        said, errors = type_into_shell(lines, [self.here(command) for command, _ in typed], SECONDS, env=self.environment, cwd=self.folder)
        for (command, shown), (output, code) in zip(typed, said):
            name = f"{page}: {command.splitlines()[0]}"
            check(f"{name} is exit 0", code == "0", (code, output, errors))
            check(f"{name} says what is shown", is_shown(map(self.here, shown), output), output)

    @contextlib.contextmanager
    def serving(self, page, command, shown):
        """Runs a command that serves; gives the process, and the lines that it says to type elsewhere."""
        words = self.here(command).split() + ["--listen", f"127.0.0.1:{self.api}"]
        process = subprocess.Popen(words, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE)
        output, end = "", time.monotonic() + SECONDS
        # The last thing that it says is how to judge it.
        while "\ncountersign run " not in output and process.poll() is None and time.monotonic() < end:
            if select.select([process.stdout], [], [], 1)[0]:
                output += os.read(process.stdout.fileno(), 65536).decode()
        try:
            check(f"{page}: {command} says what is shown", is_shown(map(self.here, shown), output), output)
            yield process, [line for line in output.splitlines() if line.startswith(("export ", "unset "))]
        finally:
            process.terminate()
            process.wait(timeout=20)


def as_files(text):
    """The Python blocks of a section, each as the command that runs it."""
    return [(f"cat > page.py <<'END'\n{block}END\npython3 page.py", []) for block in blocks(text, "python")]


def try_page_of_emulator(reader):
    page = (DOCS / "emulator.md").read_text()
    text = section(page, "## Serve the reference emulator")
    with reader.serving("emulator.md", *commands(text.split("\n### ")[0])[0]) as (_, lines):
        typed = as_files(text)
        check("emulator.md: there are two examples with boto3", len(typed) == 2, typed)
        reader.type("emulator.md", lines, typed)
    text = section(page, "### Deny one workgroup")
    before, ask, after, judge = commands(text)
    with reader.serving("emulator.md, before the policy", *before) as (_, lines):
        reader.type("emulator.md, before the policy", lines, [ask])
    (reader.folder / "identities.json").write_text(blocks(text, "json")[0])
    with reader.serving("emulator.md, with the policy", *after) as (_, lines):
        reader.type("emulator.md, with the policy", lines, [judge])
    first, *rest = commands(section(page, "### Move its clock"))
    with reader.serving("emulator.md", *first) as (_, lines):
        check("emulator.md: there are three requests to the clock", len(rest) == 3, rest)
        reader.type("emulator.md", lines, rest)
    there = (DOCS / "logins.md").read_text()
    short = commands(section(page, "### Log in with its credentials"))
    check("emulator.md: it shows two commands that log in", len(short) == 2, short)
    for command, _ in short:
        check(f"emulator.md: {command} is on the page about log-ins", f"\n$ {command}\n" in there)


def try_page_of_logins(reader):
    page = (DOCS / "logins.md").read_text()
    first, *rest = commands(section(page, "## Alone"))
    with reader.serving("logins.md, alone", *first) as (_, lines):
        check("logins.md, alone: there is something to type", len(rest) > 4, rest)
        reader.type("logins.md, alone", lines, rest)
    first, *rest, last = commands(section(page, "## With a PostgreSQL"))
    check("logins.md, with a PostgreSQL: there is something to type", len(rest) > 2, rest)
    with reader.serving("logins.md, with a PostgreSQL", *first) as (process, lines):
        reader.type("logins.md, with a PostgreSQL", lines, rest)
    left = as_admin(reader.url, ROLES)
    check("logins.md: the roles are dropped when the emulator ends", left == [], left)
    with reader.serving("logins.md, before it is killed", *first) as (process, lines):
        reader.type("logins.md, before it is killed", lines, rest)
        process.kill()
        process.wait(timeout=20)
        reader.type("logins.md, after it was killed", [], [last])
    left = as_admin(reader.url, ROLES)
    check("logins.md: the roles are dropped afterwards", left == [], left)


def try_rust(reader):
    """The test that logins.md shows; one beside it holds that the page shows this one."""
    command = ["cargo", "test", "--quiet", "--features", "login", "--test", "log_in"]
    done = subprocess.run(command, env={**os.environ, "LOGINS_PAGE_DATABASE": reader.url}, cwd=ROOT,
                          capture_output=True, text=True)
    passed = re.search(r"(\d+) passed; 0 failed", done.stdout)
    check("logins.md, in a Rust test: it passes", done.returncode == 0 and passed and passed[1] == "3",
          done.stdout + done.stderr)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = Path(sys.argv[1]).resolve()
    clean_environment()
    with cluster() as (port, url), tempfile.TemporaryDirectory() as folder:
        reader = Reader(binary, Path(folder), (port, url))
        try_page_of_emulator(reader)
        try_page_of_logins(reader)
        try_rust(reader)
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
