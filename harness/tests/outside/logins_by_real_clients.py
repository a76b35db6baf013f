"""Unmodified clients log in with the credentials that `countersign serve emulator` gives out.

Usage: python logins_by_real_clients.py PATH_TO_COUNTERSIGN_BINARY

The binary needs the feature `login`. Needs boto3, redshift_connector and psycopg, and PostgreSQL with
psql: without them it says so and ends with exit code 77, or 1 if COUNTERSIGN_REQUIRE_POSTGRES is set.
Prints one line a check, then `N passed, M failed`; exit code 1 if one failed. Everything is tried on
the embedded door and on a throw-away PostgreSQL.
"""

import os
import subprocess
import sys
import tempfile

from checks import check, clean_environment, exit_code, missing

try:
    import psycopg
    import redshift_connector
    from log_ins import OTHER, USER, WORKGROUP, advance, credentials, door, emulator, is_refused
except ImportError as error:
    missing(f"{error.name} is not installed")

from postgres_cluster import PROGRAMS, PSQL, as_admin, cluster

if not PROGRAMS:
    missing("there is no PostgreSQL on this machine")


def psql(ready, user, password, mode="verify-full", host=None, port=None):
    """What psql prints, or its error."""
    host, port = host or "127.0.0.1", port or door(ready)
    text = f"host={host} port={port} dbname=dev sslmode={mode} sslrootcert={ready['ca_file']} connect_timeout=5"
    environment = {**os.environ, "PGUSER": user, "PGPASSWORD": password}
    done = subprocess.run(
        [PSQL, "-X", "-A", "-t", "-c", "select current_user", text], env=environment, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


def with_psycopg(ready, user, password):
    try:
        with psycopg.connect(
            host="127.0.0.1", port=door(ready), user=user, password=password, dbname="dev", connect_timeout=5
        ) as connection:
            return connection.execute("select current_user").fetchone()[0]
    except psycopg.OperationalError as error:
        return str(error)


def with_redshift_connector(**how):
    try:
        with redshift_connector.connect(database="dev", timeout=10, **how) as connection:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
                return cursor.fetchone()[0]
    except Exception as error:  # The driver raises errors of many kinds.
        return f"{type(error).__name__}: {error}"


def try_clients(kind, ready, direct_port=None):
    # OpenSSL, and so Python, takes the authorities to trust from here.
    os.environ["SSL_CERT_FILE"] = ready["ca_file"]
    user, password = credentials(ready, dbName="dev")
    check(f"{kind}: the user is the caller's", user == USER, user)
    for mode in ("verify-full", "disable"):
        got = psql(ready, user, password, mode)
        check(f"{kind}: psql logs in, sslmode={mode}", got == USER, got)
    got = with_psycopg(ready, user, password)
    check(f"{kind}: psycopg logs in", got == USER, got)
    iam = {
        "iam": True, "is_serverless": True, "serverless_work_group": WORKGROUP, "endpoint_url": ready["endpoint"],
        "region": ready["region"], "access_key_id": ready["access_key_id"],
        "secret_access_key": ready["secret_access_key"],
    }
    got = with_redshift_connector(host="127.0.0.1", port=door(ready), **iam)
    check(f"{kind}: redshift_connector gets credentials and runs select 1", got == 1, got)
    account_and_region = {**iam, "serverless_acct_id": ready["account"]}
    got = with_redshift_connector(**account_and_region)
    check(f"{kind}: redshift_connector asks where the workgroup is", got == 1, got)

    got = psql(ready, user, password[:-1])
    check(f"{kind}: a truncated password is refused", is_refused(got), got)
    _, others = credentials(ready, OTHER)
    got = psql(ready, user, others)
    check(f"{kind}: another workgroup's password is refused", is_refused(got), got)
    if direct_port:
        newest = credentials(ready)[1]
        got = psql(ready, user, newest, "disable", port=direct_port)
        check(f"{kind}: psql logs in directly with the newest password", got == USER, got)
    both = [credentials(ready)[1], credentials(ready)[1]]
    got = [psql(ready, user, each) for each in both]
    check(f"{kind}: both of two fresh passwords log in", got == [USER, USER], got)

    with psycopg.connect(host="127.0.0.1", port=door(ready), user=user, password=both[0], dbname="dev") as opened:
        check(f"{kind}: the clock is moved", advance(ready, 901) == 901)
        got = opened.execute("select current_user").fetchone()[0]
        check(f"{kind}: an open session lives on", got == USER, got)
    for each in [password, *both]:
        for name, got in [
            ("psql", psql(ready, user, each)),
            ("psycopg", with_psycopg(ready, user, each)),
            ("redshift_connector", with_redshift_connector(
                host="127.0.0.1", port=door(ready), user=user, password=each, sslmode="verify-ca"
            )),
        ]:
            check(f"{kind}: {name} does not log in with an expired password", is_refused(got), got)
    if direct_port:
        got = psql(ready, user, both[1], "disable", port=direct_port)
        check(f"{kind}: psql does not log in directly with an expired password", is_refused(got), got)
    got = with_redshift_connector(host="127.0.0.1", port=door(ready), **{**iam, "iam_disable_cache": True})
    check(f"{kind}: new credentials log in", got == 1, got)


def main():
    binary = sys.argv[1]
    clean_environment()
    with emulator(binary) as ready:
        try_clients("embedded", ready)
        ca_file = ready["ca_file"]
    check("the temporary certificate is gone", not os.path.exists(ca_file))
    with cluster() as (port, url), tempfile.TemporaryDirectory() as mine:
        ca_file = os.path.join(mine, "ca.pem")
        with emulator(binary, "--database", url, "--ca-out", ca_file) as ready:
            try_clients("postgresql", ready, port)
        check("the certificate is where --ca-out says", os.path.exists(ca_file))
        made = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'countersign%'"
        left = as_admin(url, made)
        check("the roles are dropped at the end", left == [], left)
        with emulator(binary, "--database", url) as ready:
            credentials(ready)
            done = subprocess.run(
                [binary, "serve", "emulator", "--database", url, "--drop-roles"], capture_output=True, text=True
            )
            check("--drop-roles drops and lists roles", done.stdout == f"{USER}\n" and done.returncode == 0, done)
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
