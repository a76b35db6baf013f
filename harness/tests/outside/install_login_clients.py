"""Installs the clients that logins_by_tools_and_sdks.py logs in with, all at the same time.

Usage: python3 install_login_clients.py FOLDER

Into FOLDER go a virtual environment with dbt and its adapter of Redshift, one with pgsesame, node-postgres, and a
program of tokio-postgres with the AWS SDK for Rust. What cannot be installed is named, and the exit code is 0 all the
same: the script that needs it judges that. Prints how long each took, and how much of the processor.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Newer versions of dbt fetch a part from elsewhere when they are installed.
DBT = ["dbt-core==1.10.23", "dbt-redshift==1.10.2"]
PGSESAME = ["pgsesame==0.4.2", "boto3", "psycopg[binary]"]
PG = ["pg@8.23.1"]
# No TLS and no search for credentials: each would take as long again to build.
MANIFEST = """
[package]
name = "tokio-postgres-client"
edition = "2024"

[workspace]

[dependencies]
aws-sdk-redshiftserverless = { version = "=1.129.0", default-features = false, features = ["rt-tokio"] }
aws-smithy-http-client = { version = "1", default-features = false, features = ["default-client"] }
tokio = { version = "1", default-features = false, features = ["rt", "net", "time"] }
tokio-postgres = { version = "0.7", default-features = false, features = ["runtime"] }

[profile.dev]
debug = false
incremental = false
"""


def environment(folder, packages):
    return [[sys.executable, "-m", "venv", folder], [folder / "bin/pip", "install", "--quiet", *packages]]


def project(folder):
    """Writes the Cargo project, with the versions that the driver of the Rust SDK is locked to."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / "Cargo.lock").write_bytes((ROOT / "harness/drivers/rust/Cargo.lock").read_bytes())
    (folder / "src/main.rs").write_bytes(Path(__file__).with_name("tokio_postgres_client.rs").read_bytes())
    return [["cargo", "build", "--quiet", "--manifest-path", folder / "Cargo.toml", "--target-dir", folder / "target"]]


def install(name, commands):
    """Runs the commands of one client, and gives a line about it."""
    began, used = time.monotonic(), 0.0
    for command in commands:
        try:
            process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except OSError as error:
            return f"{name} could not be installed: {error}"
        said = process.stderr.read()
        # Of this process and its children; `wait` would not say.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        used += usage.ru_utime + usage.ru_stime
        if process.returncode:
            return f"{name} could not be installed: {said.decode(errors='replace').strip()[-500:]}"
    return f"{name}: installed in {time.monotonic() - began:.0f} s, {used:.0f} s of the processor"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    npm = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", folder / "pg", *PG]
    (folder / "pg").mkdir(parents=True, exist_ok=True)
    clients = {
        "dbt": environment(folder / "dbt", DBT),
        "pgsesame": environment(folder / "pgsesame", PGSESAME),
        "node-postgres": [npm],
        "tokio-postgres": project(folder / "tokio-postgres"),
    }
    with ThreadPoolExecutor(len(clients)) as pool:
        for line in pool.map(install, clients, clients.values()):
            print(line, flush=True)


if __name__ == "__main__":
    main()
