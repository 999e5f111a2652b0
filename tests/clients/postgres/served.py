"""A ledger that is served over the Postgres protocol, and who asks it: fixtures of test_postgres*.py.

It holds lines of five accounts over two months. `bob` sees all of it, `ada` one account, `eve` may not write SQL.
"""

import socket
import subprocess
import time

import psycopg
import psycopg.types
import pytest
from conftest import BINARY, airshed, company, environment, export

PASSWORDS = {"bob": "correct horse battery", "ada": "staple of another kind", "eve": "looks but never asks"}
OWN, OTHERS = "222222222223", ["222222222222", "222222222224", "222222222225", "222222222226"]
TABLES = ["billing_lines", "emissions", "emissions_hourly", "emissions_daily", "emissions_monthly"]
# `serve.connections` where nothing is set.
PLACES = 500
# Rows enough to keep every core busy for hours, whatever the machine.
FOREVER = "SELECT count(*) FROM emissions a, emissions b, emissions c, emissions d WHERE a.line_id < b.line_id || c.line_id || d.line_id"
# Texts that a sum cannot give up again: memory grows until it is stopped.
TOO_MUCH = "SELECT array_agg(a.line_id || b.line_id || c.line_id) FROM emissions a, emissions b, emissions c"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export(folder / "bills" / "acme.parquet", company(3_000))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder)
    for name, role, scope in [("bob", "analyst", []), ("ada", "analyst", ["--scope", f"account={OWN}"]), ("eve", "viewer", [])]:
        airshed(
            "user", "add", name, "--lake", "lake", "--role", role, *scope, "--password-stdin",
            folder=folder, input=PASSWORDS[name],
        )
    return folder


@pytest.fixture(scope="module")
def server(folder):
    """Port and process."""
    port = free_port()
    command = [BINARY, "serve", "--lake", "lake", "--http", "127.0.0.1:0", "--pg", f"127.0.0.1:{port}", "--flight", "off"]
    with open(folder / "serve.log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)
    try:
        for _ in range(300):
            assert server.poll() is None, (folder / "serve.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, server
        server.terminate()
        assert server.wait(timeout=20) == 0, (folder / "serve.log").read_text()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def port(server):
    return server[0]


def connect(port, user="bob", **options):
    options = {"password": PASSWORDS.get(user, ""), "autocommit": True, "dbname": "airshed"} | options
    return psycopg.connect(host="127.0.0.1", port=port, user=user, **options)


@pytest.fixture(scope="module")
def bob(port):
    with connect(port) as connection:
        yield connection


@pytest.fixture(scope="module")
def ada(port):
    with connect(port, "ada") as connection:
        yield connection


def rows(connection, statement, *parameters, **options):
    return connection.execute(statement, parameters or None, **options).fetchall()


def psql(port, *commands, user="bob", code=0):
    arguments = [argument for command in commands for argument in ("-c", command)]
    address = f"host=127.0.0.1 port={port} user={user} dbname=airshed"
    done = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", address, *arguments],
        env=environment({"PGPASSWORD": PASSWORDS[user]}), capture_output=True, text=True, check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr

