"""Cutting broken JSON into its parts: only strings, brackets and commas count."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.spans import TooManyParts, Unbalanced, member, parts


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"[]", []),
        (b"[ \n]", []),
        (b"{}", []),
        (b"[1]", [b"1"]),
        (b"[ 1 ,\t2\r\n]", [b"1", b"2"]),
        (b"[1,]", [b"1", b""]),
        (b"[,]", [b"", b""]),
        (b"[NaN,-Infinity,1e999]", [b"NaN", b"-Infinity", b"1e999"]),
        (b'["a,b]",{"c":"}"}]', [b'"a,b]"', b'{"c":"}"}']),
        (b'["\\"","\\\\",","]', [b'"\\""', b'"\\\\"', b'","']),
        (b'["raw \n \x00 control","\xff\xfe"]', [b'"raw \n \x00 control"', b'"\xff\xfe"']),
        (b"[[1,[2,3]],{}]", [b"[1,[2,3]]", b"{}"]),
        (b'{"a":1,"b":{"c":[1,2]}}', [b'"a":1', b'"b":{"c":[1,2]}']),
        (b"[nonsense here, {} trailing]", [b"nonsense here", b"{} trailing"]),
    ],
)
def test_parts(data: bytes, want: list[bytes]) -> None:
    assert parts(data, 0, 10) == (want, len(data))
    assert parts(b"  " + data + b"behind", 2, 10) == (want, len(data) + 2)


@pytest.mark.parametrize(
    "data",
    [
        b"[", b"[1", b"[1,", b'["a]', b'["a\\"]', b'["a\\', b"[{]", b"{[}", b"[[[[1]]]", b'[{"a":"x]}, {"b":1}]',
        b"[" * 10_000,
    ],
)  # fmt: skip
def test_what_never_closes(data: bytes) -> None:
    with pytest.raises(Unbalanced):
        parts(data, 0, 10)


def test_parts_are_counted_before_they_are_collected() -> None:
    assert parts(b"[1,2,3]", 0, 3)[0] == [b"1", b"2", b"3"]
    with pytest.raises(TooManyParts):
        parts(b"[1,2,3]", 0, 2)
    with pytest.raises(TooManyParts):
        parts(b"[" + b"," * 1_000_000, 0, 5_000)


def test_nothing_but_brackets_is_given_up() -> None:
    with pytest.raises(Unbalanced):
        parts(b"[[" + b"{}," * 600_000 + b"{}]]", 0, 10)


@pytest.mark.parametrize(
    ("part", "want"),
    [
        (b'"a":1', (b'"a"', b"1")),
        (b' "a" : [1] ', (b'"a"', b"[1]")),
        (b'"a\\":":NaN', (b'"a\\":"', b"NaN")),
        (b'"a":', (b'"a"', b"")),
        (b"a:1", None),
        (b'"a"', None),
        (b'"a', None),
        (b"", None),
    ],
)
def test_a_member_is_a_key_and_a_value(part: bytes, want: tuple[bytes, bytes] | None) -> None:
    assert member(part) == want


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(values, max_size=8))
def test_the_parts_of_valid_json_are_its_elements(document: list[object]) -> None:
    found, _ = parts(orjson.dumps(document, option=orjson.OPT_INDENT_2), 0, 8)
    assert [orjson.loads(part) for part in found] == document
