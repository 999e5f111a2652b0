"""A fault proxy between the collectors and moto: it damages the traffic by plan, and writes down every call.

What happens to a request follows from the seed, the call and the number of its attempt, not from the order in which
requests arrive, so that a run can be repeated. The proxy knows which account a key belongs to, because it sees the
answers of AssumeRole. It keeps the answers of paged calls: moto's page tokens work once, AWS's again and again.
"""

import asyncio
import hashlib
import json
import random
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from email.utils import formatdate

from collect import standin, wire

ACCOUNT_OF_TESTS = "123456789012"
KEY = ("<AccessKeyId>", "</AccessKeyId>")
# By how much the service's clock is ahead when it refuses a signature for its time.
SKEW_S = 1200
HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "date", "keep-alive"}


@dataclass
class Faults:
    """Share of the requests that each fault hits, 0 to 1. `denied` are accounts whose role cannot be assumed."""

    throttle: float = 0.0
    error: float = 0.0
    cut: float = 0.0
    stall: float = 0.0
    expired: float = 0.0
    skew: float = 0.0
    duplicate: float = 0.0
    stall_s: float = 30.0
    denied: frozenset = frozenset()
    denied_actions: frozenset = frozenset()  # (account, action)

    ORDER = ("throttle", "error", "cut", "stall", "expired", "skew")


@dataclass
class Record:
    """What was asked for, and what the proxy did."""

    times: dict = field(default_factory=lambda: defaultdict(list))
    faults: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)

    def peak(self, *actions, window_s=1.0):
        """Most calls of some actions together within a window, over all accounts and regions, and where."""
        places, best = defaultdict(list), (0, None)
        for (account, region, action), times in self.times.items():
            if action in actions:
                places[account, region] += times
        for place, times in places.items():
            times.sort()
            first = 0
            for last, moment in enumerate(times):
                while moment - times[first] >= window_s:
                    first += 1
                best = max(best, (last - first + 1, place))
        return best

    def calls(self, action=None):
        return sum(len(times) for (_, _, called), times in self.times.items() if action in (None, called))


class Proxy:
    """Listens on a port of its own thread; `faults` may be changed at any time."""

    def __init__(self, moto_port, seed=0, faults=None, company=None):
        self.moto_port, self.seed, self.company = moto_port, seed, company
        self.faults = faults or Faults()
        self.record = Record()
        self.accounts, self.dead_keys, self.defects = {}, set(), []
        self.attempts, self.answers, self.delivered = Counter(), {}, []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="fault proxy", daemon=True)

    def __enter__(self):
        self.thread.start()
        listening = asyncio.start_server(self.connection, "127.0.0.1", 0, limit=1 << 20)
        self.server = asyncio.run_coroutine_threadsafe(listening, self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        if self.defects:
            raise ExceptionGroup("the proxy has defects", self.defects)

    async def close(self):
        self.server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def reset(self, faults=None, seed=None):
        """Forgets what was recorded, for the next part of a test."""
        self.faults, self.record = faults or Faults(), Record()
        self.seed = self.seed if seed is None else seed
        self.attempts.clear()
        self.delivered.clear()

    async def connection(self, reader, writer):
        try:
            while request := await read_request(reader, writer):
                if not await self.serve(wire.recognise(request), writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the collector was killed or gave up
        except asyncio.CancelledError:
            pass  # the proxy is closing, and nobody waits for this task
        except Exception as defect:
            self.defects.append(defect)
        finally:
            writer.close()

    async def serve(self, request, writer):
        """Answers a request; whether the connection lives on."""
        account = self.account(request)
        self.record.times[account, request.region, request.action].append(time.monotonic())
        fault = self.fault(request, account)
        if fault:
            self.record.faults[fault] += 1
        if fault in wire.REFUSALS:
            self.record.refused[account, request.action, fault] += 1
            if fault == "expired":
                self.dead_keys.add(request.access_key)
            clock_s = SKEW_S if fault == "skew" else 0
            return await self.send(writer, request, wire.refusal(request, fault), clock_s=clock_s)
        answer = await self.answer(request, account)
        if fault == "stall":
            await asyncio.sleep(self.faults.stall_s)
        if fault == "cut" and len(answer.body) > 1:
            await self.send(writer, request, answer, cut=True)
            return False
        return await self.send(writer, request, answer)

    def account(self, request):
        if request.action == "AssumeRole":
            return request.parameters["RoleArn"].split(":")[4]
        return self.accounts.get(request.access_key, ACCOUNT_OF_TESTS)

    def fault(self, request, account):
        faults = self.faults
        if request.access_key in self.dead_keys:
            return "expired"
        is_denied = account in faults.denied and (
            request.action == "AssumeRole" or request.access_key in self.accounts
        )
        if is_denied or (account, request.action) in faults.denied_actions:
            return "denied"
        call = (account, *request.identity[1:])  # whatever the key: a new one is no first attempt
        self.attempts[call] += 1
        text = f"{self.seed}/{call}/{self.attempts[call]}"
        drawn = random.Random(hashlib.sha256(text.encode()).digest()).random()
        for fault in faults.ORDER:
            drawn -= getattr(faults, fault)
            if drawn < 0:
                # Only keys of roles run out; the collectors' own come from outside.
                return None if fault == "expired" and request.access_key not in self.accounts else fault
        return None

    async def answer(self, request, account):
        if request.has_token and request.identity in self.answers:
            return self.answers[request.identity]
        answer = standin.answer(request, account, self.company)
        if answer is None:
            sent = wire.as_json(request) if request.protocol == "cbor" else request
            sent.headers["x-moto-account-id"] = ACCOUNT_OF_TESTS if request.action == "AssumeRole" else account
            answer = await self.ask_moto(sent)
            if request.protocol == "cbor":
                answer = wire.as_cbor(answer)
        if request.has_token:
            self.answers[request.identity] = answer
        if request.action == "AssumeRole" and answer.status == 200:
            key = answer.body.decode().split(KEY[0])[1].split(KEY[1])[0]
            self.accounts[key] = account
        if request.action == "ReceiveMessage" and answer.status == 200 and self.faults.duplicate:
            answer = self.duplicated(request, answer)
        return answer

    def duplicated(self, request, answer):
        """Messages that were delivered before come again, and all come in another order."""
        values = json.loads(answer.body or b"{}")
        messages = values.get("Messages") or []
        chance = random.Random(f"{self.seed}/messages/{len(self.delivered)}/{self.record.faults['duplicate']}")
        again = [old for old in self.delivered[-50:] if chance.random() < self.faults.duplicate][: 10 - len(messages)]
        self.delivered += messages
        self.record.faults["duplicate"] += len(again)
        messages = messages + again
        chance.shuffle(messages)
        body = json.dumps(values | {"Messages": messages}).encode()
        return wire.Answer(answer.status, answer.headers, body)

    async def ask_moto(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.moto_port)
        try:
            headers = {key: value for key, value in request.headers.items() if key not in HOP_HEADERS | {"expect"}}
            headers |= {"content-length": str(len(request.body)), "connection": "close"}
            lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
            writer.write(f"{request.method} {request.target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body)
            await writer.drain()
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = headers_of(lines)
            if headers.get("transfer-encoding") == "chunked":
                body = unchunked(body)
            return wire.Answer(int(first.split()[1]), headers, body)
        finally:
            writer.close()

    async def send(self, writer, request, answer, cut=False, clock_s=0):
        headers = {key: value for key, value in answer.headers.items() if key not in HOP_HEADERS}
        length = answer.headers.get("content-length", "0") if request.method == "HEAD" else str(len(answer.body))
        headers |= {"content-length": length, "date": formatdate(time.time() + clock_s, usegmt=True)}
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        body = answer.body[: len(answer.body) // 2] if cut else answer.body
        writer.write(f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode("latin-1") + body)
        await writer.drain()
        return True


async def read_request(reader, writer):
    """The next request of a connection; nothing at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = headers_of(lines)
    if headers.get("expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "") == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return wire.Request(method, target, headers, body)


def unchunked(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2 :] if length else b""
    return body


def headers_of(lines):
    return {key.strip().lower(): value.strip() for key, value in (line.split(":", 1) for line in lines if line)}
