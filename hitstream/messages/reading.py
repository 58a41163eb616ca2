"""One event of a message, as a person wants to see it: its fields as they are kept, and what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from msgspec import Struct

from ingest.dialects.trial import Tried
from ingest.times import parse
from store.event import Conversion, Event
from store.money import decimal_text

# An event's fields by the names that they are sent under; the rest of them is of no sender's making.
_NAMES: Final = {
    "at": "timestamp", "user": "user_id", "session": "session_id", "agent": "user_agent", "url": "page_url",
    "message": "error_message", "minor": "value",
}  # fmt: skip
_HIDDEN: Final = ("dedup", "trusted")
_SHARED: Final = frozenset(
    {"type", "event_id", "user_id", "anonymous_id", "session_id", "timestamp", "user_agent", "address"}
)
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "page_view": _SHARED | {"page_url", "referrer", "title", "properties"},
    "conversion": _SHARED | {"conversion_type", "value", "currency", "properties"},
    "error": _SHARED | {"error_type", "error_message", "context"},
    "event": _SHARED | {"name", "properties"},
}
_IDS: Final = ("user_id", "anonymous_id")
# Why a text may be kept in other words than it was sent in.
_TEXTS: Final = {
    "page_url": "kept in one spelling, without a fragment and advertisers' parameters; utm_* stand apart",
    "referrer": "kept without its query, and not at all where it is no address",
    "title": "cut where it is too long, control characters replaced",
    "error_message": "cut where it is too long, control characters replaced",
    "session_id": "control characters replaced",
}


class Reading(Struct, frozen=True, omit_defaults=True):
    """One event. part: of the message, from 0. fields: as they are stored. notes: what was corrected, cut or dropped,
    and why. code, message: why it is not taken."""

    part: int
    site: str
    type: str = ""
    fields: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    code: str = ""
    message: str = ""


def reading(each: Tried, site: str) -> Reading:
    if each.rejection:
        return Reading(each.place, site, code=each.rejection.code, message=each.rejection.message,
                       notes=tuple(each.changes))  # fmt: skip
    assert each.event
    assert isinstance(each.item, dict)
    type_ = str(each.event.__struct_config__.tag)
    fields = _fields(each.event)
    if event_id := each.item.get("event_id"):
        fields["event_id"] = event_id
    if not any(each.item.get(name) for name in _IDS):
        fields["user_id"] = "(cookieless)"
    notes = (*each.changes, *_corrections(each.item, each.event, fields), *_unknown(each.item, type_))
    return Reading(each.place, site, type_, fields, notes)


def _fields(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in _HIDDEN or value in ("", {}, "{}"):
            continue
        match name:
            case "at":
                value = datetime.fromtimestamp(value / 1_000, UTC).isoformat(timespec="milliseconds")
            case "agent":
                value = str(value)
            case "minor":
                assert isinstance(event, Conversion)
                value = decimal_text(value, event.currency)
            case "properties" | "context":
                value = orjson.loads(value)
        found[_NAMES.get(name, name)] = value
    return found


def _corrections(item: dict[str, Any], event: Event, fields: dict[str, Any]) -> Iterator[str]:
    if item.get("timestamp") not in (None, "") and parse(item["timestamp"], "timestamp") != event.at:
        yield f"timestamp was {item['timestamp']}: it is corrected by the sender's clock, or was a little ahead of ours"
    if not item.get("user_id"):
        if item.get("anonymous_id"):
            yield "user_id is the anonymous_id, for there is none"
        else:
            yield "user_id is the day's cookieless id, for there is neither a user_id nor an anonymous_id"
    for name, reason in _TEXTS.items():
        sent = item.get(name)
        if isinstance(sent, str) and sent and sent != fields.get(name):
            yield f"{name} was {sent[:100]!r}{'...' if len(sent) > 100 else ''}: it is {reason}"
    if item.get("user_agent"):
        yield "user_agent is kept as browser, system and device"
    if item.get("address"):
        yield "address is for the cookieless id alone and is kept nowhere"


def _unknown(item: dict[str, Any], type_: str) -> Iterator[str]:
    for name in item:
        if name not in _FIELDS[type_]:
            yield f"{name[:100]} is dropped: a {type_} has no such field; put it into properties"
