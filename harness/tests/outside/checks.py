"""Checks of the scripts beside this file: one line each, then how many passed."""

import contextlib
import os
import sys

results = []


def check(name, ok, detail=""):
    results.append(bool(ok))
    print(f"{'ok    ' if ok else 'FAILED'} {name}{'' if ok else f': {detail}'}", flush=True)


@contextlib.contextmanager
def group(name):
    """What goes wrong in one group of checks is one failure, and the next group still runs."""
    try:
        yield
    except Exception as error:
        check(name, False, f"{type(error).__name__}: {error}")


def exit_code():
    """Prints how many checks passed, and gives the exit code of the script."""
    failed = results.count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


def missing(what, variable="COUNTERSIGN_REQUIRE_POSTGRES"):
    """Ends the script, as a part is not there: with 77, or with 1 if the variable is set."""
    print(f"not checked: {what}")
    sys.exit(1 if os.environ.get(variable) else 77)


def clean_environment():
    """Nothing of the user's set-up, and no proxy, reaches the clients."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO_", "COUNTERSIGN_", "PG")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull
    )
