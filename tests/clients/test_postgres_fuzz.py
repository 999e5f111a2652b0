"""Whole sessions of the Postgres protocol, mutated by a seed: bytes flipped, lengths wrong, messages cut, repeated, joined.

What one of them sends harms nobody else: the server lives, answers others at once, and lets go of the connection. A seed
in a failure is the session: `before_login(server, seed)` or `after_login(server, seed)` sends it again.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest
from conftest import airshed
from serving import serve

USER = "finn"
# A server that says nothing for so long waits for more; one that was left must have hung up after so long.
QUIET_S, GONE_S = 0.3, 15
# So long may somebody take to be let in.
STARTUP_S = 10
AT_ONCE = 6
DONE = b"this session is done"


@pytest.fixture(scope="module")
def server(folder):
    with serve(folder, [(USER, "analyst", "correct horse battery", None)]) as server:
        listed = json.loads(airshed("token", "list", "--lake", "lake", "-o", "json", folder=folder).stdout)
        # A token signs in by its id, and unlike a name is never shut for wrong tries.
        (server.token_id,) = [token["id"] for token in listed if token["user"] == USER]
        yield server


# --- what a client says ---


def message(kind, *parts):
    body = b"".join(parts)
    return kind + struct.pack("!I", len(body) + 4) + body


def text(value):
    return value.encode() + b"\0"


def parse(name, statement, *types):
    return message(b"P", text(name), text(statement), struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(portal, name, *values, formats=(), results=()):
    listed = [struct.pack(f"!H{len(codes)}H", len(codes), *codes) for codes in (formats, results)]
    given = b"".join(struct.pack("!i", -1) if v is None else struct.pack("!I", len(v)) + v for v in values)
    return message(b"B", text(portal), text(name), listed[0], struct.pack("!H", len(values)), given, listed[1])


def execute(portal, most=0):
    return message(b"E", text(portal), struct.pack("!I", most))


def query(statement):
    return message(b"Q", text(statement))


def describe(kind, name):
    return message(b"D", kind, text(name))


def close(kind, name):
    return message(b"C", kind, text(name))


SSL_REQUEST, GSS_REQUEST = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)
SYNC, FLUSH, TERMINATE = message(b"S"), message(b"H"), message(b"X")
INT4, TEXT, NUMERIC, TIMESTAMP, UNKNOWN = 23, 25, 1700, 1114, 0
NUMBER_15 = struct.pack("!5h", 1, 0, 0, 2, 15)
SESSION = [
    query("SELECT 1"),
    query("SELECT count(*), 'a' FROM runs; SHOW server_version;; SELECT 2"),
    query("SELEC 1"),
    parse("", "SELECT $1 + 1, $2 || 's'", INT4, TEXT),
    bind("", "", b"41", b"text", results=[0]),
    describe(b"P", ""),
    execute(""),
    SYNC,
    parse("s", "SELECT $1::int, $2::numeric, $3::timestamp, $4::text", INT4, NUMERIC, TIMESTAMP, UNKNOWN),
    describe(b"S", "s"),
    FLUSH,
    bind("p", "s", b"\0\0\0\7", NUMBER_15, b"\0\0\1" + bytes(5), None, formats=[1, 1, 1, 0], results=[1]),
    execute("p"),
    SYNC,
    parse("t", "SELECT value FROM generate_series(1, 20)"),
    bind("q", "t"),
    describe(b"P", "q"),
    execute("q", 3),
    execute("q", 3),
    close(b"P", "q"),
    SYNC,
    close(b"S", "t"),
    SYNC,
    query("COPY runs FROM STDIN"),
    message(b"d", b"1\t2\n"),
    message(b"c"),
    message(b"f", text("no more")),
    query("BEGIN"),
    query("DECLARE c CURSOR FOR SELECT value FROM generate_series(1, 20)"),
    query("FETCH 2 FROM c"),
    query("CLOSE c"),
    query("COMMIT"),
    query("SET statement_timeout = '10s'"),
    message(b"F", struct.pack("!IHHH", 1, 0, 0, 0)),
    message(b"p", text("a password")),
    TERMINATE,
]


def startup(user, *settings):
    words = ["user", user, "database", "airshed", "application_name", "fuzz", *settings]
    return struct.pack("!II", sum(len(word) + 1 for word in words) + 9, 196608) + b"".join(map(text, words)) + b"\0"


def sasl(mechanism, data):
    return message(b"p", text(mechanism), struct.pack("!I", len(data)), data)


FIRST = b"n=,r=rOprNGfwEbeRWgbNEkqO"


@lru_cache
def salted(secret, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, iterations)


def proof(secret, server_first):
    """The last message of SCRAM-SHA-256 (RFC 5802) for what the server said first."""
    said = dict(part.split(b"=", 1) for part in server_first.split(b","))
    key = salted(secret, base64.b64decode(said[b"s"]), int(said[b"i"]))
    client = hmac.digest(key, b"Client Key", "sha256")
    bare = b"c=biws,r=" + said[b"r"]
    signature = hmac.digest(hashlib.sha256(client).digest(), b",".join([FIRST, server_first, bare]), "sha256")
    return message(b"p", bare + b",p=" + base64.b64encode(bytes(map(int.__xor__, client, signature))))


# --- mutations ---

LENGTHS = [0, 1, 3, 4, 5, 8, 0x7F, 0xFFFF, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1 << 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def flip(messages, chance):
    at, changed = somewhere(messages, chance)
    for _ in range(chance.choice([1, 1, 2, 8])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    messages[at] = bytes(changed)


def overwrite(messages, chance):
    at, changed = somewhere(messages, chance)
    number = chance.choice(LENGTHS)
    form = chance.choice(["!B", "!H", "!I"])
    written = struct.pack(form, number & ((1 << 8 * struct.calcsize(form)) - 1))
    place = chance.randrange(len(changed))
    changed[place : place + len(written)] = written
    messages[at] = bytes(changed)


def lengthen(messages, chance):
    """Another length than that of the message; that of a start-up message stands first."""
    at, changed = somewhere(messages, chance)
    place = 0 if changed[:1] == b"\0" else 1
    (true,) = struct.unpack_from("!I", changed.ljust(8, b"\0"), place)
    length = chance.choice([*LENGTHS, *(true + by for by in (-5, -1, 1, 2, 300) if true + by >= 0)])
    changed[place : place + 4] = struct.pack("!I", length & 0xFFFFFFFF)
    messages[at] = bytes(changed)


def swap_lengths(messages, chance):
    a, b = chance.randrange(len(messages)), chance.randrange(len(messages))
    one, other = messages[a], messages[b]
    messages[a], messages[b] = one[:1] + other[1:5] + one[5:], other[:1] + one[1:5] + other[5:]


def rename(messages, chance):
    at, changed = somewhere(messages, chance)
    changed[0] = chance.choice(b"QPBEDCHSXFpdcfZRTKN\0\xff")
    messages[at] = bytes(changed)


def cut(messages, chance):
    at, changed = somewhere(messages, chance)
    messages[at] = bytes(changed[: chance.randrange(len(changed))])


def fill(messages, chance):
    at, changed = somewhere(messages, chance)
    place = chance.randrange(len(changed) + 1)
    some = chance.choice([chance.randbytes(chance.randrange(1, 200)), b"\0" * 100, b"\xff" * 100, b"%s(" * 3_000])
    messages[at] = bytes(changed[:place] + some + changed[place:])


def repeat(messages, chance):
    at = chance.randrange(len(messages))
    messages[at:at] = [messages[at]] * chance.choice([1, 2, 20, 100])


def swap(messages, chance):
    a, b = chance.randrange(len(messages)), chance.randrange(len(messages))
    messages[a], messages[b] = messages[b], messages[a]


def drop(messages, chance):
    if len(messages) > 1:
        del messages[chance.randrange(len(messages))]


def splice(messages, chance):
    """The head of one message, the end of another."""
    at, changed = somewhere(messages, chance)
    other = chance.choice([message for message in [*SESSION, *messages] if message])
    messages[at] = bytes(changed[: chance.randrange(len(changed) + 1)]) + other[chance.randrange(len(other)) :]


def end(messages, chance):
    del messages[chance.randrange(len(messages)) + 1 :]
    messages[-1] = messages[-1][: chance.randrange(len(messages[-1]) + 1)]


MUTATIONS = [flip, flip, overwrite, overwrite, lengthen, swap_lengths, rename, cut, fill, repeat, swap, drop, splice, end]


def somewhere(messages, chance):
    at = chance.choice([number for number, message in enumerate(messages) if message] or [0])
    return at, bytearray(messages[at] or b"\0")


def mutated(messages, chance):
    messages = list(messages)
    for _ in range(chance.choice([1, 1, 2, 3, 6])):
        chance.choice(MUTATIONS)(messages, chance)
    return messages


# --- what the server answers ---


class Client:
    """A socket, and what came over it until the server let go."""

    def __init__(self, bare):
        self.bare = bare
        self.answer = b""
        self.is_over = self.is_broken = False

    def send(self, data):
        try:
            self.bare.settimeout(GONE_S)
            self.bare.sendall(data)
        except ConnectionError:
            self.is_over = self.is_broken = True

    def receive(self, within):
        """What comes next, or nothing."""
        if self.is_over:
            return b""
        self.bare.settimeout(within)
        try:
            came = self.bare.recv(65_536)
        except TimeoutError:
            return b""
        except ConnectionError:
            self.is_over = self.is_broken = True
            return b""
        self.is_over = not came
        self.answer += came
        return came

    def leave(self, seed):
        """Says that nothing more will come; the server hangs up then."""
        try:
            self.bare.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # hung up already
        until = time.monotonic() + GONE_S
        while not self.is_over:
            assert time.monotonic() < until, f"seed {seed}: the connection is left open"
            self.receive(GONE_S)
        return codes(self.answer, seed, self.is_broken)


def codes(answer, seed, is_broken):
    """The codes of errors in an answer, which is made of whole messages unless the server hung up on unread bytes."""
    # Up to three requests for encryption were answered by a letter each.
    for start in range(4):
        messages, rest = split(answer[start:]) if answer[:start] == b"N" * start else ([], b"?")
        if not rest or is_broken and messages:
            break
    else:
        assert is_broken or not answer, f"seed {seed}: the answer is in pieces: {answer[-200:]!r}"
        return Counter()
    found = Counter()
    for kind, body in messages:
        if kind == b"E":
            fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
            assert fields[b"M"] and not fields[b"C"].startswith("XX"), f"seed {seed}: {fields}"
            found[fields[b"C"]] += 1
    return found


def split(answer):
    """Its messages, and what is no message."""
    messages = []
    while len(answer) >= 5 and answer[:1] in b"CDEGIKNRSTVZ123AHcdnstv":
        (length,) = struct.unpack("!I", answer[1:5])
        if length < 4 or len(answer) < length + 1:
            break
        messages.append((answer[:1], answer[5 : length + 1]))
        answer = answer[length + 1 :]
    return messages, answer


def before_login(server, seed):
    """A session of somebody who is not let in yet: all at once, or step by step with one message that is wrong."""
    chance = random.Random(seed)
    first = sasl("SCRAM-SHA-256", b"n,," + FIRST)
    with socket.create_connection(("127.0.0.1", server.port), timeout=GONE_S) as bare:
        client = Client(bare)
        begin = [chance.choice([SSL_REQUEST, GSS_REQUEST, b""]), startup(server.token_id, "options", "-c datestyle=ISO")]
        if chance.random() < 0.5:
            last = message(b"p", b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF,p=" + base64.b64encode(bytes(32)))
            client.send(b"".join(mutated([*begin, first, last, *SESSION[:3]], chance)))
        else:
            wrong = chance.randrange(3)
            begin = mutated(begin, chance) if wrong == 0 else begin
            for said in begin:
                client.send(said)
                if said:
                    client.receive(GONE_S if wrong else QUIET_S)
            client.send(b"".join(mutated([first], chance)) if wrong == 1 else first)
            answers, _ = split(client.receive(GONE_S if wrong == 2 else QUIET_S))
            if answers and b",i=" in answers[0][1]:
                last = proof(server.tokens[USER], answers[0][1][4:])
                client.send(b"".join(mutated([last], chance) if wrong == 2 else [last, *SESSION[:3]]))
        while client.receive(QUIET_S):
            pass
        return client.leave(seed)


def after_login(server, seed):
    """A session of somebody who is let in."""
    chance = random.Random(seed)
    with server.connect(USER) as connection, socket.socket(fileno=os.dup(connection.fileno())) as bare:
        client = Client(bare)
        start = chance.randrange(len(SESSION))
        said = mutated(SESSION[start : start + chance.randrange(1, 16)], chance)
        client.send(b"".join(said) + SYNC + query(f"SELECT '{DONE.decode()}'"))
        while DONE not in client.answer and client.receive(QUIET_S):
            pass
        return client.leave(seed)


# --- nobody else is harmed ---


class Watcher:
    """Somebody else, who asks on and on and notes how long it takes."""

    def __init__(self, server):
        self.server, self.slowest, self.asked, self.over = server, 0, 0, threading.Event()

    def run(self):
        with self.server.connect(USER) as connection:
            while not self.over.wait(0.05):
                began = time.monotonic()
                assert connection.execute("SELECT 1").fetchall() == [(1,)]
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.asked += 1


def sockets(server):
    """How many sockets the server holds."""
    found = 0
    for descriptor in os.scandir(f"/proc/{server.process.pid}/fd"):
        try:
            found += os.readlink(descriptor.path).startswith("socket:")
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def harmless(server, session, seeds):
    """Sends a session for each seed, several at a time; returns how often the server said what."""
    with server.connect(USER) as connection:
        connection.execute("SELECT 1")
    before, memory, log = sockets(server), server.memory_mib(), server.log.stat().st_size
    watcher = Watcher(server)
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        watched = pool.submit(watcher.run)
        try:
            said = sum(pool.map(lambda seed: session(server, seed), seeds), Counter())
        finally:
            watcher.over.set()
        watched.result()
    assert server.process.poll() is None, server.log.read_text()[-4_000:]
    assert watcher.asked > 0 and watcher.slowest < 5, f"somebody else waited for {watcher.slowest:.1f} s"
    assert server.memory_mib() - memory < 256
    until = time.monotonic() + GONE_S
    while sockets(server) > before:
        assert time.monotonic() < until, f"{sockets(server) - before} connections are left open"
        time.sleep(0.1)
    panics = panics_since(server, log)
    assert not panics, f"{len(panics)} panics, the first by seed {blamed(server, session, seeds)}: {Counter(panics)}"
    return said


def panics_since(server, size):
    """What panics said, without the numbers in it."""
    log = server.log.read_bytes()[size:].decode()
    return [re.sub(r"\d+", "N", words) for words in re.findall(r" panicked at .*\n(.*)", log)]


def blamed(server, session, seeds):
    for seed in seeds:
        size = server.log.stat().st_size
        session(server, seed)
        if panics_since(server, size):
            return seed
    return "none that is sent alone"


def test_what_is_mutated_is_right_as_it_stands(server, monkeypatch):
    """Each message has its answer, and only what is meant to be refused is."""
    with server.connect(USER) as connection, socket.socket(fileno=os.dup(connection.fileno())) as bare:
        client = Client(bare)
        client.send(b"".join(SESSION))
        while client.receive(GONE_S):
            pass
    # A word that is none, a COPY, and a call of a function, which ends the session.
    assert codes(client.answer, "none", client.is_broken) == {"42601": 1, "42501": 1, "08P01": 1}
    kinds = Counter(kind.decode() for kind, _ in split(client.answer)[0])
    assert kinds == {"Z": 14, "D": 14, "C": 12, "T": 8, "E": 3, "1": 3, "2": 3, "s": 2, "3": 2, "t": 1}
    # Step by step they are let in; all at once the proof is made up.
    monkeypatch.setattr(sys.modules[__name__], "mutated", lambda messages, chance: messages)
    said = [before_login(server, seed) for seed in range(20)]
    assert Counter() in said and {"42601": 1} in said and {"08P01": 1} in said, said


@pytest.mark.parametrize("session", [before_login, after_login])
def test_mutated_sessions_harm_nobody(server, session):
    said = harmless(server, session, range(300))
    assert len(said) > 3, f"nearly all were refused for the same reason: {said}"


@pytest.mark.large
@pytest.mark.parametrize("session", [before_login, after_login])
def test_many_mutated_sessions_harm_nobody(server, session):
    harmless(server, session, range(300, 20_300))


def test_who_stops_halfway_is_let_go_before_login(server):
    """They say a part of what they should and then nothing, and do not hang up."""
    chance = random.Random(1)
    whole = SSL_REQUEST + startup(USER) + sasl("SCRAM-SHA-256", b"n,," + FIRST)
    before = sockets(server)
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=STARTUP_S + 5) for _ in range(30)]
    try:
        for bare in waiting:
            bare.sendall(whole[: chance.randrange(len(whole))])
        for bare in waiting:
            client = Client(bare)
            while not client.is_over:
                assert client.receive(STARTUP_S + 5) or client.is_over, "a connection is left open"
    finally:
        for bare in waiting:
            bare.close()
    assert sockets(server) <= before
