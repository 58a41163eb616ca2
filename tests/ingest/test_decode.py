"""Every form of body, and what a bad event does to its neighbours: nothing."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode import EXCERPT_BYTES, MAX_EVENTS, Decoded, Undecodable, item, items
from ingest.errors import NotJson, TooManyEvents, UnsupportedType

JSON = "application/json"
LINES = "application/x-ndjson"

A, B = {"a": 1}, {"b": 2}

FORMS = [
    # name, body, content type, items, sent_at
    ("one event", b'{"a":1}', JSON, [A], None),
    ("white space around", b' \r\n\t{"a":1}\n ', JSON, [A], None),
    ("an array", b'[{"a":1},{"b":2}]', JSON, [A, B], None),
    ("an empty array", b"[]", JSON, [], None),
    ("a batch", b'{"batch":[{"a":1},{"b":2}],"sent_at":5}', JSON, [A, B], 5),
    ("a batch without sent_at", b'{"batch":[]}', JSON, [], None),
    ("a batch that is none is an event", b'{"batch":7}', JSON, [{"batch": 7}], None),
    ("lines", b'{"a":1}\n{"b":2}\n', LINES, [A, B], None),
    ("lines without a last break", b'{"a":1}\n{"b":2}', LINES, [A, B], None),
    ("lines and blank ones", b'\n{"a":1}\r\n \n{"b":2}\n\n', LINES, [A, B], None),
    ("one line", b'{"a":1}', LINES, [A], None),
    ("lines sent as JSON", b'{"a":1}\n{"b":2}\n', JSON, [A, B], None),
    ("a beacon", b'{"a":1}', "text/plain;charset=UTF-8", [A], None),
    ("lines in a beacon", b'{"a":1}\r\n{"b":2}', "text/plain", [A, B], None),
    ("no content type", b'{"a":1}', "", [A], None),
    ("a content type with parameters", b'{"a":1}', " Application/JSON ; charset=utf-8", [A], None),
    ("a byte order mark", b'\xef\xbb\xbf{"a":1}', JSON, [A], None),
    ("a byte order mark before lines", b'\xef\xbb\xbf{"a":1}\n{"b":2}', LINES, [A, B], None),
    ("duplicate keys", b'{"a":7,"a":1}', JSON, [A], None),
    ("duplicate batches", b'{"batch":[{"a":7}],"batch":[{"a":1}]}', JSON, [A], None),
    ("what is no object is passed on", b'[1,"x",null,[{}]]', JSON, [1, "x", None, [{}]], None),
    ("a number alone", b"42", JSON, [42], None),
    ("text that is not ASCII", '{"a":"Grüße 😀"}'.encode(), JSON, [{"a": "Grüße 😀"}], None),
    ("the largest integers", b'{"a":[18446744073709551615,-9223372036854775808]}', JSON,
     [{"a": [18446744073709551615, -9223372036854775808]}], None),
    ("long digits in text", b'{"a":"18446744073709551616","b\\"":"99999999999999999999"}', JSON,
     [{"a": "18446744073709551616", 'b"': "99999999999999999999"}], None),
    ("long fractions and exponents", b'[{"a":1.2345678901234567890123},{"a":12345678901234567890.5},{"a":1e20}]', JSON,
     [{"a": 1.2345678901234567}, {"a": 12345678901234567890.5}, {"a": 1e20}], None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "want", "sent_at"), [form[1:] for form in FORMS], ids=[f[0] for f in FORMS])
def test_forms(body: bytes, kind: str, want: list[object], sent_at: object) -> None:
    assert items(body, kind) == Decoded(want, sent_at)


BAD_EVENTS = [
    # what it is, its bytes, code, message
    ("NaN", b'{"v":NaN}', "invalid_number", "character 5"),
    ("Infinity", b'{"v":Infinity}', "invalid_number", "character 5"),
    ("-Infinity", b'{"v":-Infinity}', "invalid_number", "not JSON"),
    ("1e999", b'{"v":1e999}', "invalid_number", "infinity"),
    ("-1e999", b'{"v":-1e999}', "invalid_number", "infinity"),
    ("a leading zero", b'{"v":01}', "invalid_number", "leading zero"),
    ("2**64", b'{"v":18446744073709551616}', "invalid_number", "beyond 64 bits"),
    ("-2**63-1", b'{"v":-9223372036854775809}', "invalid_number", "beyond 64 bits"),
    ("thousands of digits", b'{"v":' + b"9" * 5_000 + b"}", "invalid_number", ""),
    ("2**64 far inside", b'{"v":[{"w":[18446744073709551616]}]}', "invalid_number", "beyond 64 bits"),
    ("a raw newline", b'{"v":"a\nb"}', "invalid_json", "control character"),
    ("a raw NUL", b'{"v":"a\x00b"}', "invalid_json", "control character"),
    ("a raw escape character", b'{"v":"a\x1bb"}', "invalid_json", "control character"),
    ("invalid UTF-8", b'{"v":"\xff"}', "invalid_utf8", "byte 6"),
    ("an overlong slash", b'{"v":"\xc0\xaf"}', "invalid_utf8", "byte 6"),
    ("a surrogate in UTF-8", b'{"v":"\xed\xa0\x80"}', "invalid_utf8", "byte 6"),
    ("a stray comma", b'{"v":1,}', "invalid_json", "not JSON"),
    ("single quotes", b"{'v':1}", "invalid_json", "not JSON"),
    ("a comment", b'{"v":1/**/}', "invalid_json", "not JSON"),
    ("an unknown escape", b'{"v":"\\x41"}', "invalid_json", "not JSON"),
    ("a bare word", b'{"v":undefined}', "invalid_json", "not JSON"),
    ("nesting", b'{"v":' + b"[" * 2_000 + b"]" * 2_000 + b"}", "invalid_json", "depth"),
]  # fmt: skip
BAD = pytest.mark.parametrize(("bad", "code", "reason"), [b[1:] for b in BAD_EVENTS], ids=[b[0] for b in BAD_EVENTS])


@BAD
def test_a_bad_event_spoils_no_other(bad: bytes, code: str, reason: str) -> None:
    bodies = [
        (b'[{"a":1},' + bad + b',{"b":2}]', JSON),
        (b' [\n{"a":1} ,\n' + bad + b'\n, {"b":2}]\n', "text/plain"),
        (b'{"batch":[{"a":1},' + bad + b',{"b":2}],"sent_at":5}', JSON),
        (b'{"sent_at":5, "batch" : [{"a":1},' + bad + b',{"b":2}]}', JSON),
    ]
    if b"\n" not in bad:
        bodies += [(b'{"a":1}\n' + bad + b'\n{"b":2}', kind) for kind in (JSON, LINES)]
    for body, kind in bodies:
        decoded = items(body, kind)
        first, refused, last = decoded.items
        assert (first, last) == (A, B)
        assert isinstance(refused, Undecodable)
        assert refused.code == code
        assert reason in refused.message
        assert refused.excerpt == bad[:EXCERPT_BYTES]
        assert decoded.sent_at == (5 if b"sent_at" in body else None)


@BAD
def test_a_bad_event_alone_is_named_too(bad: bytes, code: str, reason: str) -> None:
    (refused,) = items(bad, JSON).items
    assert isinstance(refused, Undecodable)
    assert refused.code == code


def test_nothing_between_two_commas_is_a_bad_event() -> None:
    first, refused = items(b'[{"a":1},]', JSON).items
    assert first == A
    assert refused == Undecodable("invalid_json", "there is nothing between the commas", b"")


def test_a_bad_sent_at_spoils_no_event() -> None:
    decoded = items(b'{"batch":[{"a":1}],"sent_at":NaN}', JSON)
    assert decoded.items == [A]
    assert isinstance(decoded.sent_at, Undecodable)


@pytest.mark.parametrize(
    ("escaped", "want"),
    [
        ("\\ud800", "�"),
        ("\\uDC00", "�"),
        ("x\\udbffy", "x�y"),
        ("\\ud800\\ud800", "��"),
        ("\\udc00\\ud800", "��"),
        ("\\ud800\\u0041", "�A"),
        ("\\ud83d\\ude00", "😀"),
        ("\\ud83d\\ude00\\ud83d", "😀�"),
        ("\\ud83d\\ud83d\\ude00", "�😀"),
        ("\\\\ud800", "\\ud800"),  # an escaped backslash and four letters
        ("\\\\\\ud800", "\\�"),
        ("\\ud800\\n", "�\n"),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(escaped: str, want: str) -> None:
    # Beside a half that has to be mended, everything else stays as it is.
    body = f'[{{"t":"{escaped}"}},{{"t":"\\ud800"}}]'.encode()
    assert items(body, JSON).items == [{"t": want}, {"t": "�"}]


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n", b"\xef\xbb\xbf", b"hello", b"NaN", b"01", b'"text', b"\x00", b"\xff\xfe[\x00]\x00",
        b"[", b"{", b'{"a":1', b'[{"a":1}', b'[{"a":1},{"b":"x]', b'{"batch":[{"a":1},{"b":2}', b'{"batch":[{"a":1}]',
        b"[1]]", b'[{"a":1}] x', b'{"a":1} {"b":2}', b'{"a":1}}', b'{"a":NaN} x', b'{"batch":[NaN}',
        b"<html></html>", b"a=1&b=2", b"[" * 100_000, b"{" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_json_at_all(body: bytes) -> None:
    with pytest.raises(NotJson):
        items(body, JSON)


def test_empty_lines_are_no_json_either() -> None:
    with pytest.raises(NotJson, match="empty"):
        items(b"\n\n", LINES)


def test_a_bad_first_line_spoils_no_other() -> None:
    refused, last = items(b'{"a":\n{"b":2}', LINES).items
    assert isinstance(refused, Undecodable)
    assert last == B


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "multipart/form-data", "json", "*/*"])
def test_other_content_types(kind: str) -> None:
    with pytest.raises(UnsupportedType):
        items(b"{}", kind)


@pytest.mark.parametrize("bad", [b"{}", b"NaN"], ids=["good", "bad"])
def test_the_number_of_events_is_bounded_in_every_form(bad: bytes) -> None:
    def bodies(count: int) -> list[tuple[bytes, str]]:
        elements = [b"{}"] * (count - 1) + [bad]
        array = b"[" + b",".join(elements) + b"]"
        return [(array, JSON), (b'{"batch":' + array + b"}", JSON), (b"\n".join(elements), LINES)]

    for body, kind in bodies(MAX_EVENTS):
        assert len(items(body, kind).items) == MAX_EVENTS
    for body, kind in bodies(MAX_EVENTS + 1):
        with pytest.raises(TooManyEvents, match="5,000"):
            items(body, kind)


numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
events = st.lists(values | st.dictionaries(st.text(), values, max_size=4), max_size=6)


@given(events, st.integers(0, 6))
def test_beside_a_bad_event_all_others_are_decoded_the_same(found: list[object], place: int) -> None:
    place = min(place, len(found))
    with_bad = [orjson.dumps(each) for each in found]
    with_bad.insert(place, b"NaN")
    whole = items(orjson.dumps(found), JSON).items
    cut = items(b"[" + b",".join(with_bad) + b"]", JSON).items
    assert isinstance(cut.pop(place), Undecodable)
    assert cut == whole


@given(events, values)
def test_a_batch_with_a_bad_event_too(found: list[object], sent_at: object) -> None:
    batch = b",".join([*map(orjson.dumps, found), b"1e999"])
    decoded = items(b'{"sent_at":' + orjson.dumps(sent_at) + b',"batch":[' + batch + b"]}", JSON)
    assert (decoded.items[:-1], decoded.sent_at) == (found, sent_at)


@given(st.integers())
def test_an_integer_is_exact_or_refused(number: int) -> None:
    decoded = item(b'{"n":%d}' % number)
    if -(2**63) <= number < 2**64:
        assert decoded == {"n": number}
    else:
        assert isinstance(decoded, Undecodable)


TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\ud800", b"1", b"NaN", b"a", b"\n", b"\xff", b'"batch"']
jsonish = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)


@given(st.binary(max_size=200) | jsonish, st.sampled_from([JSON, LINES, "text/plain"]))
def test_any_bytes_end_in_items_or_a_named_error(body: bytes, kind: str) -> None:
    with suppress(NotJson):
        items(body, kind)
