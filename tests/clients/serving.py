"""`airshed serve` for tests: its users, the process on free ports, the addresses it prints, and ways to ask it."""

import json
import re
import resource
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from conftest import BINARY, airshed, environment

HTTP = re.compile(r"https?://(127\.0\.0\.1:\d+)")
POSTGRES = re.compile(r"(?i)postgres.*?(127\.0\.0\.1):(\d+)")
STARTED_WITHIN_S = 60
# Address space of the server: one that takes too much ends itself and not the machine.
MOST_BYTES = 6 << 30


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict
    text: str

    def json(self):
        return json.loads(self.text)


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


@dataclass
class Server:
    """A server that runs, and the passwords and tokens of its users."""

    log: Path
    http: str
    port: int
    passwords: dict
    tokens: dict
    process: subprocess.Popen
    kept: dict = field(default_factory=dict)

    def memory_mib(self):
        """The most memory that the process has held."""
        held = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert held, f"the server ended: {self.log.read_text()[-4_000:]}"
        return int(held[1]) // 1_024

    def connect(self, user, **options):
        options = {"password": self.passwords[user], "autocommit": True, "dbname": "airshed"} | options
        return psycopg.connect(host="127.0.0.1", port=self.port, user=user, **options)

    def connection(self, user):
        """A connection that is used again, as long as it lives; each begins outside of a transaction."""
        connection = self.kept.get(user)
        if connection is None or connection.closed:
            connection = self.kept[user] = self.connect(user)
        connection.rollback()
        return connection

    def ask(self, user, path, body=None, accept="application/json", timeout=120):
        """A GET, or a POST where there is a body: bytes as they are, anything else as JSON."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}", "Accept": accept, "Content-Type": "application/json"}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.http}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, lower(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, lower(refused.headers), refused.read().decode())


def add_user(folder, name, role, password, scope=None):
    """Adds a user to the lake in `folder`, and makes a token for them; returns the token."""
    scoped = ["--scope", scope] if scope else []
    airshed("user", "add", name, "--lake", "lake", "--role", role, *scoped, "--password-stdin", folder=folder, input=password)
    printed = airshed("token", "create", name, "--lake", "lake", folder=folder)
    return next(word for word in (printed.stdout + printed.stderr).split() if word.startswith("airshed_"))


@contextmanager
def serve(folder, users, env=(), flight="off"):
    """Serves the lake in `folder` to users: name, role, password, scope. It must end by itself when asked to."""
    tokens = {name: add_user(folder, name, role, password, scope) for name, role, password, scope in users}
    passwords = {name: password for name, _, password, _ in users}
    log = folder / "serve.log"
    command = [BINARY, "serve", "--lake", "lake", "--http", "127.0.0.1:0", "--pg", "127.0.0.1:0", "--flight", flight]
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(env), stdout=output, stderr=output,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES)),
        )  # fmt: skip
    try:
        http, port = addresses(process, log)
        yield Server(log, http, port, passwords, tokens, process)
        assert process.poll() is None, f"the server ended: {log.read_text()[-4_000:]}"
        process.terminate()
        assert process.wait(timeout=30) == 0, log.read_text()[-4_000:]
    finally:
        process.kill()
        process.wait()


def addresses(process, log):
    """Where it listens, as it says."""
    until = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < until:
        said = log.read_text()
        assert process.poll() is None, said
        http, postgres = HTTP.search(said), POSTGRES.search(said)
        if http and postgres:
            return http[1], int(postgres[2])
        time.sleep(0.1)
    raise AssertionError(f"no addresses were printed: {log.read_text()}")
