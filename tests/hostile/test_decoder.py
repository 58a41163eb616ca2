"""The way from a body to events, with bytes that nobody thought of: it takes them or says why not, and nothing else.

The same bytes in every run; a defect that is found becomes a row of `tests.hostile.bodies`.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.admit import Context, admit
from ingest.body import INFLATED_BYTES
from ingest.decode import MAX_EVENTS, items
from ingest.errors import CorruptBody, NotJson, TooLarge, TooManyEvents
from ingest.inflate import KNOWN, decompress
from ingest.rejection import CODES
from store.event import Record, decode, encode
from store.identity import Identity
from store.site import Site
from tests.hostile.bodies import BODIES, FAIL, NAMED, SALE, VIEW

TYPES: Final = ("application/json", "application/x-ndjson", "text/plain", "")
SEEDS: Final = [
    *(row.body for rows in BODIES.values() for row in rows if 0 < len(row.body) <= 2_000),
    json.dumps({"batch": [VIEW, SALE, FAIL, NAMED], "sent_at": "2026-11-23T12:00:00Z"}).encode(),
    "\n".join(map(json.dumps, (VIEW, SALE, FAIL, NAMED))).encode(),
    json.dumps([{**SALE, "value": "1.5", "currency": "KWD", "properties": {"a": [1, {"b": "é"}]}}]).encode(),
]
TOKENS: Final = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000",
    b"NaN", b"-Infinity", b"1e999", b"18446744073709551616", b"null", b"\xed\xa0\x80", b'"batch":[', b'"sent_at":',
]  # fmt: skip
WRITER: Final = Context(
    site=Site("demo"), trusted=False, now=1_795_435_200_123, identity=Identity(b"k" * 32), salt=b"s" * 32
)
MANY = settings(
    max_examples=1_000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A body of the tables with pieces cut out, doubled, and strewn in."""
    body = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(body)))
        end = min(len(body), at + draw(st.integers(0, 20)))
        match draw(st.sampled_from(["cut", "double", "token", "byte"])):
            case "cut":
                del body[at:end]
            case "double":
                body[at:at] = body[at:end]
            case "token":
                body[at:at] = draw(st.sampled_from(TOKENS))
            case _:
                body[at:end] = draw(st.binary(max_size=8))
    return bytes(body)


def through(body: bytes, type_: str, context: Context = WRITER) -> None:
    try:
        decoded = items(body, type_)
    except (NotJson, TooManyEvents, TooLarge):
        return
    assert len(decoded.items) <= MAX_EVENTS
    admission = admit(decoded.items, context)
    assert admission.accepted + len(admission.rejections) == len(decoded.items)
    assert all(rejection.code in CODES for rejection in admission.rejections)
    assert decode(encode(Record("demo", admission.events))).events == admission.events


@MANY
@given(damaged(), st.sampled_from(TYPES))
def test_damaged_bodies(body: bytes, type_: str) -> None:
    through(body, type_)


@MANY
@given(st.binary(max_size=200), st.sampled_from(TYPES))
def test_random_bytes(body: bytes, type_: str) -> None:
    through(body, type_)


@MANY
@given(st.binary(max_size=200), st.sampled_from(KNOWN), st.integers(0, 8))
def test_random_bytes_said_to_be_compressed(body: bytes, encoding: str, kept: int) -> None:
    magic = {"gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "zstd": b"\x28\xb5\x2f\xfd", "deflate": b"\x78\x9c"}
    try:
        found = decompress(magic.get(encoding, b"")[:kept] + body, encoding, INFLATED_BYTES)
    except (CorruptBody, TooLarge):
        return
    assert len(found) <= INFLATED_BYTES


GREEDY: list[tuple[str, Callable[[], bytes]]] = [
    ("objects", lambda: b"[" + b"{}," * (INFLATED_BYTES // 3 - 2) + b"{}]"),
    ("objects that hold something", lambda: b"[" + b'{"":0},' * (INFLATED_BYTES // 7 - 2) + b"{}]"),
    ("texts", lambda: b'{"a":[' + b'"a",' * (INFLATED_BYTES // 4 - 4) + b"1]}"),
    ("numbers", lambda: b"[" + b"1.5," * (INFLATED_BYTES // 4 - 4) + b"1]"),
    ("keys", lambda: json.dumps(dict.fromkeys(map(str, range(600_000)), 1)).encode()),
    ("lines", lambda: b"{}\n" * (INFLATED_BYTES // 3)),
    ("commas", lambda: b"[" + b"," * (INFLATED_BYTES - 2) + b"]"),
    ("broken objects", lambda: b"[{NaN}," + b"{}," * (INFLATED_BYTES // 3 - 9) + b"{}]"),
    ("as many values as may be", lambda: b'{"a":[' + b'"a",' * 249_000 + b"1]}"),
    ("as many objects as may be", lambda: b'{"a":[' + b'{"":0},' * 124_000 + b"1]}"),
    ("one long text", lambda: b'{"type":"event","name":"' + b"a" * (INFLATED_BYTES - 30) + b'"}'),
    ("one long broken text", lambda: b'{"type":"event","name":"' + b'\\"' * (INFLATED_BYTES // 2 - 30) + b'\n"}'),
]  # fmt: skip


@pytest.mark.parametrize("made", [row[1] for row in GREEDY], ids=[row[0] for row in GREEDY])
def test_no_body_takes_many_times_its_size(made: Callable[[], bytes]) -> None:
    """Before values were counted first, 8 MiB of empty objects took 280 MB and a second.

    The limit leaves room for what the parser reserves and does not touch: 15 bytes for each of the body.
    """
    body = made()
    assert len(body) <= INFLATED_BYTES
    tracemalloc.start()
    try:
        for type_ in TYPES[:2]:
            through(body, type_)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * INFLATED_BYTES
