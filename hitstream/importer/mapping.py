"""A row to an event, as the options say: which column goes into which field, and what is the same in every event.

A field that neither is mapped nor set takes the column of its own name, where there is one. What an event must look
like is the server's business; here only what a file leaves open is settled: names, times, and nested objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

FIELDS: Final = (
    "type", "event_id", "user_id", "anonymous_id", "session_id", "timestamp", "user_agent", "page_url", "referrer",
    "title", "conversion_type", "value", "currency", "properties", "error_type", "error_message", "context", "name",
)  # fmt: skip
OBJECTS: Final = ("properties", "context")  # their members are named `properties.member`

EPOCH_FORMATS: Final = {"epoch": 1000, "epoch_ms": 1}  # what a number is multiplied by to be milliseconds


class Unmappable(Exception):
    """The row gives no event; the text says why."""


class Columns(Struct, frozen=True):
    """columns: field -> column. constants: field -> value. time_format: as strptime, `epoch`, `epoch_ms`, or ''.

    zone: IANA name of the zone that times without an offset are in.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    time_format: str
    zone: str

    def event(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The event of a row. Raises `Unmappable`."""
        event: dict[str, Any] = {}
        for field in FIELDS:
            if field not in self.columns and field in values:
                _put(event, field, values[field])
        for field, column in self.columns.items():
            if column not in values:
                raise Unmappable(f"has no column {column!r}; it has {', '.join(values)}")
            _put(event, field, values[column])
        for field, constant in self.constants.items():
            _put(event, field, constant)
        if "timestamp" in event:
            event["timestamp"] = _milliseconds(event["timestamp"], self.time_format, ZoneInfo(self.zone))
        return event


def check_field(name: str) -> None:
    """Raises ValueError where an event has no such field."""
    head, dot, member = name.partition(".")
    if head not in FIELDS or (dot and (head not in OBJECTS or not member)):
        raise ValueError(f"an event has no field {name!r}; it has {', '.join(FIELDS)}, and properties.NAME")


def _put(event: dict[str, Any], field: str, value: Any) -> None:
    """An empty cell is no value."""
    if isinstance(value, str):
        value = value.strip()
    if value in ("", None):
        return
    head, dot, member = field.partition(".")
    if dot:
        event.setdefault(head, {})[member] = value
    elif field in OBJECTS and isinstance(value, str):
        try:
            event[field] = msgspec.json.decode(value, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Unmappable(f"{field}: {value[:40]!r} is not a JSON object") from error
    else:
        # Numbers that name somebody are text to the server.
        event[field] = str(value) if isinstance(value, int) and field not in ("timestamp", "value") else value


def _milliseconds(value: Any, time_format: str, zone: ZoneInfo) -> int:
    if isinstance(value, int | float) and not time_format:
        return int(value)  # as in an event: epoch milliseconds
    try:
        if factor := EPOCH_FORMATS.get(time_format):
            return round(float(value) * factor)
        text = str(value)
        at = datetime.strptime(text, time_format) if time_format else datetime.fromisoformat(text)  # noqa: DTZ007
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone)
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        wanted = f"of the form {time_format}" if time_format else "an ISO 8601 time; see --time-format"
        raise Unmappable(f"timestamp: {str(value)[:40]!r} is not {wanted}") from error
