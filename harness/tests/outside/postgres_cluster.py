"""A throw-away PostgreSQL, for the scripts beside this file."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import time

READY_SECONDS = 20

FOLDERS = sorted(glob.glob("/usr/lib/postgresql/*/bin")) + os.environ.get("PATH", "").split(os.pathsep)
# The folder with the newest PostgreSQL of this machine, or None.
PROGRAMS = next((folder for folder in reversed(FOLDERS) if os.path.exists(os.path.join(folder, "initdb"))), None)
PSQL = shutil.which("psql") or os.path.join(PROGRAMS or "", "psql")


def as_postgres(*command):
    """A command of somebody other than root, as whom PostgreSQL does not run."""
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]
    return list(command)


def as_admin(url, statement):
    """What the administrator's statement gives, one row a line; an error where it fails."""
    command = [PSQL, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url]
    return subprocess.run(command, stdout=-1, stderr=subprocess.DEVNULL, check=True, text=True).stdout.splitlines()


@contextlib.contextmanager
def cluster():
    """Runs a PostgreSQL with the database `dev`; gives its port, and its URL for the administrator."""
    made = subprocess.run(as_postgres("mktemp", "-d", "/tmp/countersign-pg-XXXXXXXX"), stdout=-1, check=True, text=True)
    folder = made.stdout.strip()
    data = os.path.join(folder, "data")
    initdb = [os.path.join(PROGRAMS, "initdb"), "--auth-local=trust", "--auth-host=scram-sha-256", "-U", "admin", "-N"]
    subprocess.run(as_postgres(*initdb, "-E", "UTF8", "-D", data), stdout=subprocess.DEVNULL, check=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = [os.path.join(PROGRAMS, "postgres"), "-F", "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-D", data]
    process = subprocess.Popen(as_postgres(*server), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    start = f"postgres://admin@{folder.replace('/', '%2F')}:{port}"
    try:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                as_admin(f"{start}/postgres", "CREATE DATABASE dev")
                break
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield port, f"{start}/dev"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)
