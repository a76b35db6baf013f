"""Unmodified tools, and drivers with credentials of their own SDKs, log in at `countersign serve emulator`.

Usage: python logins_by_tools_and_sdks.py PATH_TO_COUNTERSIGN_BINARY FOLDER FOLDER_WITH_THE_JAVASCRIPT_SDK

FOLDER is what install_login_clients.py filled. The binary needs the feature `login`, and this script needs boto3 and
PostgreSQL. Each client gets credentials by the SDK that it brings, logs in, and asks `select 1` and
`select current_user`; after the clock was moved, those credentials log nobody in. dbt gets new ones at each start, so it
is told the expired ones then. Everything is tried on the embedded door and on a throw-away PostgreSQL.

A client that is not there is named and left out; without any, and without boto3 or PostgreSQL, the exit code is 77.
With COUNTERSIGN_REQUIRE_CLIENTS that is a failure. Prints one line a check, then `N passed, M failed`.

| client | gets credentials by | logs in by |
|---|---|---|
| dbt-redshift, `method: iam` | redshift_connector: boto3 | redshift_connector |
| pgsesame | boto3 | psycopg |
| node-postgres | @aws-sdk/client-redshift-serverless | itself, over TLS |
| tokio-postgres | aws-sdk-redshiftserverless | itself, without TLS: it would take as long again to build |

awswrangler is not among them: it calls the operation of the provisioned sibling (`connect_temp`), or takes a user and a
password from Glue or Secrets Manager (`connect`).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks import check, clean_environment, exit_code, group, missing

REQUIRED = "COUNTERSIGN_REQUIRE_CLIENTS"

try:
    from log_ins import USER, WORKGROUP, advance, credentials, door, emulator, is_refused
except ImportError as error:
    missing(f"{error.name} is not installed", REQUIRED)

from postgres_cluster import PROGRAMS, PSQL, cluster

if not PROGRAMS:
    missing("there is no PostgreSQL on this machine", REQUIRED)

MACRO = """
{% macro who() %}
  {{ log("read: " ~ run_query("select 1").rows[0][0], info=True) }}
  {{ log("read: " ~ run_query("select current_user").rows[0][0], info=True) }}
{% endmacro %}
"""

PGSESAME = """
import os
from pgsesame.aws import iam_database
from pgsesame.db import Database
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
if "PGUSER" in os.environ:
    database = Database(SecretStr("sslmode=require"))
else:
    database = iam_database(os.environ["PGDATABASE"], workgroup=os.environ["WORKGROUP"])
info = database.conn.info
print(info.user, info.password, database.rows("select 1")[0][0], database.rows("select current_user")[0][0], sep="\\n")
"""


class Refused(Exception):
    """A client did not log in; the text is what it said."""


def environment(ready, **more):
    """What every client is told. Each finds the emulator by the variable that AWS SDKs know."""
    return {
        **os.environ, "AWS_ENDPOINT_URL": ready["endpoint"], "AWS_REGION": ready["region"],
        "AWS_DEFAULT_REGION": ready["region"], "AWS_ACCESS_KEY_ID": ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ready["secret_access_key"], "WORKGROUP": WORKGROUP, "PGHOST": "127.0.0.1",
        "PGPORT": str(door(ready)), "PGDATABASE": "dev", "SSL_CERT_FILE": ready["ca_file"],
        "NODE_EXTRA_CA_CERTS": ready["ca_file"], **more,
    }


def run(command, variables, folder=None):
    command = list(map(str, command))
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Refused(f"{done.stdout}\n{done.stderr}")
    return done.stdout


def check_in(name, lines):
    """What a client read is what it must be."""
    check(f"{name}: select 1", lines[-2:-1] == ["1"], lines)
    check(f"{name}: select current_user", lines[-1:] == [USER], lines)


def try_program(name, command, ready):
    """Logs in by a program that prints user, password and what it read. Gives how it logs in with those again."""
    first = run(command, environment(ready)).splitlines()
    check_in(f"{name} with credentials of its SDK", first)
    known = environment(ready, PGUSER=first[0], PGPASSWORD=first[1])
    check_in(f"{name} with the same ones again", run(command, known).splitlines())
    return lambda: run(command, known)


def try_dbt(name, dbt, ready, folder):
    """`dbt debug` and a macro, with `method: iam`. Gives how it logs in with a password that is good now."""
    user, password = credentials(ready)
    both = {
        "type": "redshift", "host": "127.0.0.1", "port": door(ready), "dbname": "dev", "schema": "public",
        "sslmode": "verify-full", "retries": 0, "threads": 1,
    }
    iam = {
        "method": "iam", "user": "not-asked-for", "region": ready["region"], "is_serverless": True,
        "serverless_work_group": WORKGROUP, "access_key_id": ready["access_key_id"],
        "secret_access_key": ready["secret_access_key"],
    }
    outputs = {"iam": both | iam, "password": both | {"method": "database", "user": user, "password": password}}
    # YAML, of which JSON is a part.
    for file, text in {
        "dbt_project.yml": json.dumps({"name": "logs_in", "version": "1.0.0", "profile": "all", "config-version": 2}),
        "profiles.yml": json.dumps({"all": {"target": "iam", "outputs": outputs}}),
        "macros/who.sql": MACRO,
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)

    def ask(*words):
        return run([dbt, "--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors", *words,
                    "--project-dir", folder, "--profiles-dir", folder], environment(ready), folder)

    said = ask("debug", "--target", "iam")
    check(f"{name}: dbt debug with method: iam", "Connection test: [OK connection ok]" in said, said)
    said = ask("run-operation", "who", "--target", "iam")
    check_in(f"{name}: a macro with method: iam", re.findall(r"read: (.*)", said))
    # A start of dbt takes two seconds; psql says sooner that the password is good.
    known = environment(ready, PGUSER=user, PGPASSWORD=password)
    said = run([PSQL, "-XAtc", "select 1", "-c", "select current_user"], known)
    check_in(f"{name}: psql with its password", said.splitlines())
    return lambda: ask("debug", "--target", "password")


def try_clients(kind, ready, clients):
    """Every client logs in; after the clock was moved, none of them does."""
    def of(name):
        with group(f"{kind}: {name}"):
            return clients[name](f"{kind}: {name}", ready)
        return None

    def is_kept_out(name, again):
        with group(f"{kind}: {name} after the clock was moved"):
            try:
                said = again()
            except Refused as refused:
                said = str(refused)
            check(f"{kind}: {name} does not log in with expired credentials", is_refused(said), said)

    with ThreadPoolExecutor(len(clients)) as pool:
        again = dict(zip(clients, pool.map(of, clients)))
        check(f"{kind}: the clock is moved", advance(ready, 901) == 901)
        list(pool.map(is_kept_out, clients, again.values()))


def installed(own, folder, sdk):
    """The clients that are there: how each is tried. One of them keeps its files in a folder of its own."""
    def program(*command):
        return lambda name, ready: try_program(name, command, ready)

    node = Path(__file__).with_name("node_postgres_client.mjs")
    dbt, pgsesame, pg = folder / "dbt/bin/dbt", folder / "pgsesame/bin/python", folder / "pg"
    rust = folder / "tokio-postgres/target/debug/tokio-postgres-client"
    clients = {
        "dbt": ([dbt], lambda name, ready: try_dbt(name, dbt, ready, own / name.replace(": ", "-"))),
        "pgsesame": ([pgsesame], program(pgsesame, "-c", PGSESAME)),
        "node-postgres": ([sdk / "node_modules", pg / "node_modules"], program("node", node, sdk, pg)),
        "tokio-postgres": ([rust], program(rust)),
    }
    there = {}
    for name, (needs, attempt) in clients.items():
        absent = [str(path) for path in needs if not path.exists()]
        if absent and os.environ.get(REQUIRED):
            check(f"{name} is there", False, absent)
        elif absent:
            print(f"not checked: {name}, as there is no {', '.join(absent)}")
        else:
            there[name] = attempt
    return there


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    binary, folder, sdk = (Path(argument).resolve() for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as own:
        clients = installed(Path(own), folder, sdk)
        if not clients:
            missing("no client is there", REQUIRED)
        clean_environment()
        with emulator(binary) as alone, cluster() as (_, url), emulator(binary, "--database", url) as before_one:
            with ThreadPoolExecutor(2) as pool:
                kinds = {"embedded": alone, "postgresql": before_one}
                list(pool.map(lambda kind: try_clients(kind, kinds[kind], clients), kinds))
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
