"""One field at a time: its type, its limit, its characters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fields import DOCUMENT_BYTES, DOCUMENT_DEPTH, clean, document, identifier, line, name_of, text
from ingest.rejection import Refusal


def refusal(read: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        read()
    return caught.value.code, caught.value.message


CHARACTERS = [
    ("plain", "plain"),
    ("Grüße 😀 日本語", "Grüße 😀 日本語"),
    ("no\u00a0break", "no\u00a0break"),
    ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),  # joined by characters that do not print
    ("العربية\u200f", "العربية\u200f"),
    ("a\x00b", "a�b"),
    ("a\x1b[31mb", "a�[31mb"),
    ("a\x7fb\x85c", "a�b�c"),
    ("a\ud800b\udc00", "a�b�"),
    ("\ufeffa", "\ufeffa"),
]


@pytest.mark.parametrize(("sent", "want"), [*CHARACTERS, ("a\tb\r\nc", "a�b��c")])
def test_text_holds_no_control_character(sent: str, want: str) -> None:
    assert text({"f": sent}, "f", 100) == want
    assert identifier({"f": sent}, "f", 100) == want
    assert name_of({"f": sent}, "f", 100) == want


@pytest.mark.parametrize(("sent", "want"), [*CHARACTERS, ("a\tb\r\nc", "a b  c")])
def test_in_a_line_for_people_breaks_are_spaces(sent: str, want: str) -> None:
    assert line({"f": sent}, "f", 100) == want


@given(st.text(st.characters()))
def test_cleaned_text_can_be_encoded_and_is_as_long(sent: str) -> None:
    cleaned = clean(sent)
    assert len(cleaned) == len(sent)
    assert cleaned.encode().decode() == cleaned
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in cleaned)


@pytest.mark.parametrize("read", [text, identifier, line])
@pytest.mark.parametrize("event", [{}, {"f": None}, {"f": ""}, {"g": "x"}])
def test_absent_null_and_empty_are_the_same(read: Callable[..., str], event: dict[str, Any]) -> None:
    assert read(event, "f", 5) == ""


@pytest.mark.parametrize("event", [{}, {"f": None}, {"f": ""}, {"f": " \u00a0"}])
def test_a_required_name(event: dict[str, Any]) -> None:
    assert refusal(lambda: name_of(event, "f", 5)) == ("missing_field", "f is required")


@pytest.mark.parametrize("read", [text, name_of, identifier])
def test_limits_count_characters(read: Callable[..., str]) -> None:
    want = ("too_long", "f must be at most 5 characters long")
    for char in ("x", "é", "😀"):
        assert read({"f": char * 5}, "f", 5) == char * 5
        assert refusal(partial(read, {"f": char * 6}, "f", 5)) == want


def test_a_line_is_cut() -> None:
    assert line({"f": "😀" * 6}, "f", 5) == "😀" * 5


@pytest.mark.parametrize("read", [text, name_of, identifier, line])
@pytest.mark.parametrize("value", [True, False, 1.5, [], {}, ["x"]])
def test_other_types_are_not_text(read: Callable[..., str], value: object) -> None:
    assert refusal(lambda: read({"f": value}, "f", 5)) == ("invalid_type", "f must be text")


@pytest.mark.parametrize(("value", "want"), [(42, "42"), (0, "0"), (-7, "-7"), (2**64 - 1, "18446744073709551615")])
def test_only_an_identifier_may_be_an_integer(value: int, want: str) -> None:
    assert identifier({"f": value}, "f", 128) == want
    for read in (text, name_of, line):
        assert refusal(partial(read, {"f": value}, "f", 128))[0] == "invalid_type"


def test_documents_are_kept_as_compact_json() -> None:
    sent = {"b": 1, "a": [1.5, "é", None, True], "c": {"d": "x y"}}
    assert document({"f": sent}, "f") == '{"b":1,"a":[1.5,"é",null,true],"c":{"d":"x y"}}'
    nothing: list[dict[str, Any]] = [{}, {"f": None}, {"f": {}}]
    assert [document(event, "f") for event in nothing] == ["{}"] * 3


@pytest.mark.parametrize("value", [[], "x", "{}", 1, True])
def test_a_document_is_an_object(value: object) -> None:
    assert refusal(lambda: document({"f": value}, "f")) == ("invalid_type", "f must be an object")


def test_a_documents_size_is_that_of_its_bytes() -> None:
    want = ("too_large", "f must be at most 8,192 bytes of JSON")
    for char in ("x", "é"):
        room = (DOCUMENT_BYTES - len('{"a":""}')) // len(char.encode())
        assert len(document({"f": {"a": char * room}}, "f").encode()) == DOCUMENT_BYTES
        assert refusal(partial(document, {"f": {"a": char * (room + 1)}}, "f")) == want


def test_a_documents_depth() -> None:
    deepest = {"a": {"b": [{"c": [{"d": [{"e": 1}]}]}]}}  # { { [ { [ { [ { is eight
    assert orjson.loads(document({"f": deepest}, "f")) == deepest
    want = ("too_deep", "f must be nested at most 8 levels deep")
    too_deep: list[dict[str, Any]] = [{"a": deepest}, {"a": [[[[[[[[]]]]]]]]}, {"a": 1, "b": {"a": deepest}}]
    for deeper in too_deep:
        assert refusal(partial(document, {"f": deeper}, "f")) == want


def test_breadth_is_not_depth() -> None:
    wide = {"a": [{}] * 100, "text": "{[" * 100}
    assert orjson.loads(document({"f": wide}, "f")) == wide


def test_no_depth_is_too_much_for_us() -> None:
    bomb: dict[str, Any] = {}
    for _ in range(100_000):
        bomb = {"a": bomb}
    assert refusal(lambda: document({"f": bomb}, "f"))[0] == "too_deep"


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        ("a\x00b", '{"a":"a�b"}'),
        ("\x1b\x1f", '{"a":"��"}'),
        ("\\u0000", '{"a":"\\\\u0000"}'),  # six letters, not one character
        ("\\\x00", '{"a":"\\\\�"}'),
        ("tab\tline\n", '{"a":"tab\\tline\\n"}'),
    ],
)
def test_a_documents_control_characters(sent: str, want: str) -> None:
    assert document({"f": {"a": sent}}, "f") == want


@pytest.mark.parametrize("value", ["\ud800", 2**64, object()])
def test_what_never_was_json_is_refused(value: object) -> None:
    assert refusal(lambda: document({"f": {"a": value}}, "f")) == ("invalid_value", "f holds what JSON cannot")


plain = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=10)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(plain, json_values, max_size=4))
def test_a_documents_meaning_is_kept(sent: dict[str, Any]) -> None:
    if levels(sent) > DOCUMENT_DEPTH:
        assert refusal(lambda: document({"f": sent}, "f"))[0] == "too_deep"
    else:
        assert orjson.loads(document({"f": sent}, "f")) == sent


def levels(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels, value), default=0)
    return 0
