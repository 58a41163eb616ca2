"""A request's body to the events in it, each decoded or marked as what cannot be decoded.

One `orjson.loads` of the whole is the way of nearly every body. Where that fails the body is cut into its events
(`ingest.spans`) and each is decoded on its own, so that a bad one spoils no other. Which fields an event may have is
`ingest.admit`'s business.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Final

import orjson
from msgspec import Struct

from .errors import NotJson, TooLarge, TooManyEvents, UnsupportedType
from .rejection import Code
from .spans import SPACE, STRING, TooManyParts, Unbalanced, member, parts

MAX_EVENTS: Final = 5_000  # in one request
# Fifty for each of the most events. A few kilobytes of gzip inflate to millions of empty objects, which would cost a
# second and 280 MB before they could be counted as events; to count brackets and commas costs 5 ms at most.
MAX_VALUES: Final = 250_000
MAX_HALVES: Final = 50_000  # of surrogate pairs; each takes 0.3 µs to mend
MAX_FIELDS: Final = 1_000  # of a body that is one broken object: no event and no batch has as many
EXCERPT_BYTES: Final = 1_024  # of an event that cannot be decoded, to show what was sent

_BOM: Final = b"\xef\xbb\xbf"
# Whether each line is an event of its own. A sender that names no type at all is read as JSON.
_BY_LINE: Final = {"application/x-ndjson": True, "application/json": False, "text/plain": False, "": False}


class Undecodable(Struct, frozen=True):
    """Stands where an event would. `excerpt` is how its bytes begin."""

    code: Code
    message: str
    excerpt: bytes


class Decoded(Struct, frozen=True):
    """`items`: a decoded JSON value or an `Undecodable` for each event. `sent_at`: the batch's, as it was sent."""

    items: list[object]
    sent_at: object = None


class _BeyondInteger(ValueError):
    """An integer that 64 bits cannot hold; orjson silently makes it a float."""


def items(body: bytes, content_type: str) -> Decoded:
    """The events of a body: one object, an array of them, `{"batch": [...], "sent_at": ...}`, or one in each line.

    Raises `UnsupportedType`, `NotJson`, `TooManyEvents`, and `TooLarge` where it holds more values than it may.
    """
    by_line = _BY_LINE.get(content_type.partition(";")[0].strip().lower())
    if by_line is None:
        raise UnsupportedType("Content-Type must be application/json, application/x-ndjson or text/plain")
    bounded(body)
    text = body.removeprefix(_BOM)
    if by_line:
        return _lines(text)
    try:
        document = _loads(text)
    except ValueError:
        return _tolerant(text)
    if isinstance(document, list):
        return Decoded(_counted(document))
    if isinstance(document, dict) and isinstance(batch := document.get("batch"), list):
        return Decoded(_counted(batch), document.get("sent_at"))
    return Decoded([document])


def item(text: bytes) -> object:
    """One JSON value on its own: decoded, or an `Undecodable`."""
    try:
        return _loads(text)
    except _BeyondInteger:
        return Undecodable("invalid_number", "the event holds an integer beyond 64 bits", text[:EXCERPT_BYTES])
    except orjson.JSONDecodeError as error:
        return _undecodable(text, error)


def mended(text: bytes) -> bytes:
    """The JSON with U+FFFD for each half of a surrogate pair. Raises `TooLarge` where it is hardly anything else."""
    return _whole(text) if _SURROGATE.search(text) else text


def bounded(body: bytes) -> None:
    """Raises `TooLarge` where the JSON holds more values than a body may."""
    if len(body) > 2 * MAX_VALUES and _values(body) > MAX_VALUES:  # a value and what follows it take two bytes
        raise TooLarge(f"the body holds more than {MAX_VALUES:,} values")


def _tolerant(text: bytes) -> Decoded:
    """The events of a body that is not JSON as a whole."""
    start = len(text) - len(text.lstrip(SPACE))
    opening = text[start : start + 1]
    try:
        if opening == b"[":
            return Decoded(_array(text[start:]))
        if opening == b"{":
            return _object(text[start:])
    except Unbalanced:
        pass
    raise NotJson("the body is not JSON" if opening else "the body is empty")


def _array(text: bytes) -> list[object]:
    try:
        found, end = parts(text, 0, MAX_EVENTS)
    except TooManyParts:
        raise _too_many() from None
    if text[end:].strip(SPACE):
        raise Unbalanced
    return [item(part) for part in found]


def _object(text: bytes) -> Decoded:
    """One event, a batch, or the first of many lines."""
    try:
        members, end = parts(text, 0, MAX_FIELDS)
    except TooManyParts:
        raise Unbalanced from None
    behind = text[end:].lstrip(b" \t\r")
    if behind.strip(SPACE):
        if behind.startswith(b"\n"):
            return _lines(text)
        raise Unbalanced
    batch: bytes | None = None
    sent_at: object = None
    for pair in map(member, members):
        if pair is None:
            continue
        key, value = pair
        match item(key):
            case "batch":
                batch = value
            case "sent_at":
                sent_at = item(value)
    if batch is not None and batch.startswith(b"["):
        return Decoded(_array(batch), sent_at)
    return Decoded([item(text.rstrip(SPACE))])


def _lines(text: bytes) -> Decoded:
    found: list[object] = []
    for raw in BytesIO(text):
        if line := raw.strip(SPACE):
            if len(found) == MAX_EVENTS:
                raise _too_many()
            found.append(item(line))
    if not found:
        raise NotJson("the body is empty")
    return Decoded(found)


def _values(text: bytes) -> int:
    """At least as many as the JSON holds, for what stands in its texts counts too."""
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def _counted(found: list[Any]) -> list[Any]:
    if len(found) > MAX_EVENTS:
        raise _too_many()
    return found


def _too_many() -> TooManyEvents:
    return TooManyEvents(f"a request may hold at most {MAX_EVENTS:,} events")


# Nineteen digits in a row are looked for first: without them nothing is beyond 64 bits. To look for one byte nineteen
# times is four times as fast as a regular expression.
_DIGITS_ALIKE: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_SUSPICIOUS: Final = b"0" * 19
_ANY_STRING: Final = re.compile(STRING, re.DOTALL)
_LONG_INTEGER: Final = re.compile(rb"(?<![\d.eE+-])-?\d{19,}+(?![.eE])")
_INTEGERS: Final = range(-(1 << 63), 1 << 64)  # what orjson decodes as integers

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_TO_HALF: Final = re.compile(
    rb"((?:[^\\]++|\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u(?![dD][89a-fA-F])|[^u]))*+)\\u[dD][89a-fA-F]..", re.DOTALL
)


def _loads(text: bytes) -> object:
    """Raises `orjson.JSONDecodeError` and `_BeyondInteger`, both ValueErrors."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        if not _SURROGATE.search(text):
            raise
        value = orjson.loads(_whole(text))
    if _SUSPICIOUS in text.translate(_DIGITS_ALIKE) and _beyond_integer(text):
        raise _BeyondInteger
    return value


def _whole(text: bytes) -> bytes:
    """The text with U+FFFD for each half of a surrogate pair. Raises `TooLarge` where it is hardly anything else."""
    pieces: list[bytes] = []
    at = 0
    while match := _TO_HALF.match(text, at):
        if len(pieces) >= 2 * MAX_HALVES:
            raise TooLarge(f"the body holds more than {MAX_HALVES:,} halves of surrogate pairs")
        pieces += (match[1], rb"\ufffd")
        at = match.end()
    return b"".join((*pieces, text[at:]))


def _beyond_integer(text: bytes) -> bool:
    """Whether valid JSON holds an integer that 64 bits cannot."""
    return any(
        len(match[0]) > 20 or int(match[0]) not in _INTEGERS
        for match in _LONG_INTEGER.finditer(_ANY_STRING.sub(b'""', text))
    )


def _undecodable(text: bytes, error: orjson.JSONDecodeError) -> Undecodable:
    excerpt = text[:EXCERPT_BYTES]
    try:
        decoded = text.decode()
    except UnicodeDecodeError as invalid:
        return Undecodable("invalid_utf8", f"the event is not UTF-8 at its byte {invalid.start}", excerpt)
    if not text:
        return Undecodable("invalid_json", "there is nothing between the commas", excerpt)
    # NaN, Infinity and their like stand where a number should, and are the mistake that senders make.
    code: Code = "invalid_number" if decoded[error.pos : error.pos + 1] in tuple("-0123456789NI") else "invalid_json"
    return Undecodable(code, f"the event is not JSON at its character {error.pos}: {error.msg}", excerpt)
