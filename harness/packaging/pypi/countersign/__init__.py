"""The program `countersign`, and its two servers for tests of clients.

`emulator` and `mock` start a server on a free loopback port and end it with the `with` block. The pytest fixtures
`countersign_emulator` and `countersign_mock` do the same.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sysconfig
import threading
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Emulator", "Mock", "emulator", "mock", "program"]

# A server that prints nothing for so long is given up.
READY_SECONDS = 20
END_SECONDS = 10


def program():
    """The path of the program: where pip puts programs for this Python, else where PATH has it."""
    name = "countersign.exe" if os.name == "nt" else "countersign"
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", "nt_user" if os.name == "nt" else "posix_user"),
        # `pip install --target` puts it beside the modules.
        str(Path(__file__).parents[1] / "bin"),
    ]
    for folder in folders:
        if Path(folder, name).is_file():
            return str(Path(folder, name))
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(
            f"there is no {name} in {', '.join(folders)} or PATH; install the wheel countersign-conformance again"
        )
    return found


@dataclass(frozen=True)
class Emulator:
    """A running reference emulator. Its keys are invented, and live as long as it does."""

    endpoint: str
    region: str
    account: str
    workgroups: "list[str]"
    custom_domains: "list[str]"
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @property
    def workgroup(self):
        """A workgroup that it has."""
        return self.workgroups[0]

    @property
    def environment(self):
        """The environment variables that point every AWS SDK at it."""
        return {
            "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


@dataclass(frozen=True)
class Mock:
    """A running mock. It answers any request; the path of the URL says how."""

    endpoint: str

    def case(self, case):
        """The URL that gives the reply to a case: see `countersign list cases`."""
        return f"{self.endpoint}/{case}"

    def reply(self, name):
        """The URL that gives a reply, right or wrong: see `countersign list replies`."""
        return f"{self.endpoint}/replies/{name}"


@contextlib.contextmanager
def emulator(*flags):
    """Runs `countersign serve emulator` with these flags; gives an `Emulator`."""
    with _serving("emulator", flags) as ready:
        yield Emulator(**{name: ready[name] for name in Emulator.__dataclass_fields__})


@contextlib.contextmanager
def mock(*flags):
    """Runs `countersign serve mock` with these flags; gives a `Mock`."""
    with _serving("mock", flags) as ready:
        yield Mock(ready["endpoint"])


@contextlib.contextmanager
def _serving(server, flags):
    command = [program(), "serve", server, "--listen", "127.0.0.1:0", "--format", "json", *flags]
    # The variables are meant for `countersign run`: a workgroup there is not one that the emulator should have.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=kept)
    try:
        too_late = threading.Timer(READY_SECONDS, process.kill)
        too_late.start()
        line = process.stdout.readline()
        too_late.cancel()
        if not line:
            raise RuntimeError(
                f"countersign serve {server} ended with exit code {process.wait()} before it listened; "
                "standard error says why"
            )
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
