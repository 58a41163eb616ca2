"""JSON as other products' clients write it."""

from __future__ import annotations

import json
from math import inf, isnan
from typing import Any

import pytest

from ingest.dialects.wire import loads, refused
from ingest.errors import NotJson, TooLarge


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b'{"a": Infinity, "b": -Infinity, "c": 1e999}', {"a": inf, "b": -inf, "c": inf}),
        (b'["\\ud83e", NaN ]', ["\ufffd", None]),
        (b'["\\ud83e\\udd86"]', ["\N{DUCK}"]),
        (b'["a\nb\tc\x00d"]', ["a\nb\tc\x00d"]),
        (b'["\xff"]', ["\ufffd"]),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[9223372036854775808, -9223372036854775808, 18446744073709551615, 1]", [2**63, -(2**63), 2**64 - 1, 1]),
        (b"[NaN, 9223372036854775808, -9223372036854775808, 18446744073709551615]", [None, 2**63, -(2**63), 2**64 - 1]),
        (b"[NaN, 1208925819614629174706176, 18446744073709551616]", [None, 2.0**80, 2.0**64]),
        (b"[1208925819614629174706176]", [2.0**80]),
    ],
)
def test_what_strict_readers_refuse_is_read(text: bytes, want: Any) -> None:
    found = loads(text)
    if isinstance(found, list):
        found = [None if isinstance(each, float) and isnan(each) else each for each in found]
    assert found == want
    assert repr(found) == repr(want)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"{'a': 1}", b"[" * 100_000, b'{"a": nan}', b"[" + b"9" * 10_000 + b"", b"\x00"]
)
def test_what_is_no_json(text: bytes) -> None:
    with pytest.raises(NotJson):
        loads(text)


def test_values_are_bounded_also_where_they_are_not_strict() -> None:
    with pytest.raises(TooLarge):
        loads(b"[NaN" + b",1" * 300_000 + b"]")


def test_a_refused_event_shows_how_it_begins() -> None:
    deep: Any = []
    for _ in range(1000):
        deep = [deep]
    assert refused("unknown_type", "no", {"type": "x"}).excerpt == b'{"type":"x"}'
    assert (
        refused("unknown_type", "no", {"text": "x" * 5000}).excerpt
        == json.dumps({"text": "x" * 5000}).replace(": ", ":").encode()[:1024]
    )
    assert refused("unknown_type", "no", deep).excerpt == b""
