"""Servers of `countersign serve`, for the scripts beside this file."""

import contextlib
import json
import os
import select
import subprocess

READY_SECONDS = 20


@contextlib.contextmanager
def serving(binary, *arguments, **environment):
    """Runs a server on a free port; gives what it prints when it is ready, and ends it by its process id."""
    command = [str(binary), "serve", *arguments, "--listen", "127.0.0.1:0", "--format", "json"]
    # Nothing of the user's configuration reaches it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=kept | environment)
    try:
        readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not become ready")
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            code = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {code} when it was terminated")
