"""How Sentry's clients pack what they send: an envelope of items. https://develop.sentry.dev/sdk/data-model/envelopes/

{"dsn": ..., "sent_at": ..., "event_id": ...}\\n
{"type": "event", "length": 41}\\n                   `length` bytes follow, or without it the rest of the line
{"message": "hello", "level": "error", ...}\\n
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from ..errors import NotJson, TooManyEvents
from .wire import loads

MAX_ITEMS: Final = 1_000  # theirs allow a hundred of most kinds


class Item(Struct, frozen=True):
    header: dict[str, Any]
    payload: bytes


class Envelope(Struct, frozen=True):
    header: dict[str, Any]
    items: list[Item]


def unpacked(body: bytes) -> Envelope:
    """Raises `NotJson` where a header is none, and `TooManyEvents`."""
    first, at = _line(body, 0)
    header = _object(first)
    items: list[Item] = []
    for item in _items(body, at):
        if len(items) == MAX_ITEMS:
            raise TooManyEvents(f"an envelope may hold at most {MAX_ITEMS:,} items")
        items.append(item)
    return Envelope(header, items)


def _items(body: bytes, at: int) -> Iterator[Item]:
    while at < len(body):
        line, at = _line(body, at)
        if not line.strip():
            continue  # between items, and at the end
        header = _object(line)
        length = header.get("length")
        if type(length) is int and length >= 0:  # not bool, which is one too
            payload, at = body[at : at + length], at + length
        else:
            payload, at = _line(body, at)
        yield Item(header, payload)


def _line(body: bytes, at: int) -> tuple[bytes, int]:
    """The line that begins there, and where the next one does."""
    end = body.find(b"\n", at)
    return (body[at:end], end + 1) if end >= 0 else (body[at:], len(body))


def _object(text: bytes) -> dict[str, Any]:
    found = loads(text)
    if not isinstance(found, dict):
        raise NotJson("a header of the envelope is not a JSON object")
    return found
