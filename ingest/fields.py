"""Reads one field of a decoded event: its type, its length, its characters. Each reader refuses with the field's name.

A field that is absent, null or empty reads as ''. Text is measured in characters. Nothing that is admitted holds a
control character or half a surrogate pair, so every consumer may put it in a log line, a header or a database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from .rejection import Refusal

DOCUMENT_BYTES: Final = 8 << 10  # of properties and context, as compact JSON
DOCUMENT_DEPTH: Final = 8  # the object itself is the first level

Fields = Mapping[str, Any]

_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAKS: Final = re.compile(r"[\t\n\r]")
_ESCAPED_CONTROL: Final = re.compile(rb"\\(u00[01][0-9a-f]|.)")


def text(event: Fields, name: str, limit: int) -> str:
    """Text of at most `limit` characters."""
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal("invalid_type", f"{name} must be text")
    if len(value) > limit:
        raise Refusal("too_long", f"{name} must be at most {limit:,} characters long")
    return value if value.isprintable() else clean(value)


def name_of(event: Fields, name: str, limit: int) -> str:
    """Text that must be there and not blank."""
    value = text(event, name, limit)
    if not value or value.isspace():
        raise Refusal("missing_field", f"{name} is required")
    return value


def identifier(event: Fields, name: str, limit: int) -> str:
    """Like `text`; an integer is taken as its decimal digits, as many databases' ids are sent."""
    value = event.get(name)
    if type(value) is int:  # not bool, which is one too
        return str(value)
    return text(event, name, limit)


def line(event: Fields, name: str, limit: int) -> str:
    """Text for people: cut at `limit` characters instead of refused, its tabs and line breaks made spaces."""
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal("invalid_type", f"{name} must be text")
    value = value[:limit]
    return value if value.isprintable() else clean(_BREAKS.sub(" ", value))


def document(event: Fields, name: str) -> str:
    """A JSON object, encoded compactly; '{}' where there is none."""
    value = event.get(name)
    if value is None:
        return "{}"
    if not isinstance(value, dict):
        raise Refusal("invalid_type", f"{name} must be an object")
    try:
        encoded = orjson.dumps(value)
    except orjson.JSONEncodeError:  # it is nested beyond what orjson encodes, or never was JSON
        if depth(value) > DOCUMENT_DEPTH:
            raise _too_deep(name) from None
        raise Refusal("invalid_value", f"{name} holds what JSON cannot") from None
    if len(encoded) > DOCUMENT_BYTES:
        raise Refusal("too_large", f"{name} must be at most {DOCUMENT_BYTES:,} bytes of JSON")
    # There are no more levels than opening brackets, those in text included: few of them settle it without a walk.
    if encoded.count(b"{") + encoded.count(b"[") > DOCUMENT_DEPTH and depth(value) > DOCUMENT_DEPTH:
        raise _too_deep(name)
    if b"\\u00" in encoded:
        encoded = _ESCAPED_CONTROL.sub(_without_control, encoded)
    found = encoded.decode()
    return found if found.isprintable() else clean(found)  # JSON does not escape U+007F to U+009F


def clean(value: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)


def _too_deep(name: str) -> Refusal:
    return Refusal("too_deep", f"{name} must be nested at most {DOCUMENT_DEPTH} levels deep")


def depth(value: object) -> int:
    """Levels of objects and arrays, counted without recursion."""
    levels = 0
    level: list[object] = [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        levels += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return levels


def _without_control(escape: re.Match[bytes]) -> bytes:
    """JSON's tabs and line breaks stay, for they have escapes of their own; PostgreSQL takes no \\u0000 at all."""
    return "\N{REPLACEMENT CHARACTER}".encode() if len(escape[1]) > 1 else escape[0]
