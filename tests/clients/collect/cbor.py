"""CBOR (RFC 8949) as Smithy's rpcv2Cbor uses it: integers, floats, texts, lists, maps, nulls, and times as tag 1."""

import math
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Instant:
    """Seconds since 1970."""

    seconds: float


def dumps(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, Instant):
        return head(6, 1) + dumps(float(value.seconds))
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(dumps, value))
    return head(5, len(value)) + b"".join(dumps(key) + dumps(item) for key, item in value.items())


def head(major, number):
    for code, (limit, form) in enumerate(
        ((24, None), (1 << 8, ">B"), (1 << 16, ">H"), (1 << 32, ">I"), (1 << 64, ">Q"))
    ):
        if number < limit:
            return (
                bytes([major << 5 | number])
                if form is None
                else bytes([major << 5 | 23 + code]) + struct.pack(form, number)
            )
    raise ValueError(number)


def loads(data):
    value, end = item(data, 0) if data else ({}, 0)
    assert end == len(data), "bytes after the value"
    return value


STOP = object()


def item(data, at):
    major, code, at = data[at] >> 5, data[at] & 31, at + 1
    if major == 7:
        return simple(data, code, at)
    number = code
    if 24 <= code < 28:
        size = 1 << code - 24
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    endless = code == 31
    if major in (0, 1):
        return (number if major == 0 else -1 - number), at
    if major in (2, 3) and not endless:
        raw = bytes(data[at : at + number])
        return (raw.decode() if major == 3 else raw), at + number
    if major == 6:
        value, at = item(data, at)
        return (Instant(value) if number == 1 else value), at
    values = []
    while endless or len(values) < number * (2 if major == 5 else 1):
        value, at = item(data, at)
        if value is STOP:
            break
        values.append(value)
    if major == 4:
        return values, at
    if major == 5:
        return dict(zip(values[::2], values[1::2], strict=True)), at
    return (b"" if major == 2 else "").join(values), at


def simple(data, code, at):
    if code in (25, 26, 27):
        form, size = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}[code]
        [value] = struct.unpack(form, data[at : at + size])
        return (value if math.isfinite(value) else None), at + size
    return {20: False, 21: True, 22: None, 23: None, 31: STOP}[code], at
