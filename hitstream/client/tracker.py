"""The calls that a program makes, the same for both clients, and the event that each makes."""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypedDict, TypeVar, Unpack

Sent = TypeVar("Sent")  # str, or what is awaited for it


class Common(TypedDict, total=False):
    """What every event may say.

    user_id: who, where that is known; anonymous_id otherwise. Without either the server makes a cookieless id.
    session_id: without it, 30 minutes of silence end a visit.
    timestamp: when it happened, aware or epoch milliseconds; now by default.
    event_id: one of your own, such as an order's number; made at random by default.
    """

    user_id: str | int | None
    anonymous_id: str | int | None
    session_id: str | int | None
    timestamp: datetime | int | None
    user_agent: str | None
    event_id: str | None


class Tracker(ABC, Generic[Sent]):
    """Each call puts an event into the queue and gives its id. Raises TypeError or ValueError for what is no JSON."""

    @abstractmethod
    def send(self, event: Mapping[str, Any]) -> Sent:
        """An event as the HTTP contract has it, with its `type`."""

    def page_view(
        self, page_url: str, *, referrer: str | None = None, title: str | None = None, **common: Unpack[Common]
    ) -> Sent:
        return self.send({"type": "page_view", "page_url": page_url, "referrer": referrer, "title": title, **common})

    def conversion(
        self,
        conversion_type: str,
        *,
        value: Decimal | str | int | float | None = None,
        currency: str | None = None,
        properties: Mapping[str, Any] | None = None,
        **common: Unpack[Common],
    ) -> Sent:
        """`value` in major units ("19.99"); a Decimal or text is exact, a float is what it prints as."""
        own = {"conversion_type": conversion_type, "value": value, "currency": currency, "properties": properties}
        return self.send({"type": "conversion", **own, **common})

    def error(
        self,
        error_type: str,
        *,
        message: str | None = None,
        context: Mapping[str, Any] | None = None,
        **common: Unpack[Common],
    ) -> Sent:
        own = {"error_type": error_type, "error_message": message, "context": context}
        return self.send({"type": "error", **own, **common})

    def event(self, name: str, *, properties: Mapping[str, Any] | None = None, **common: Unpack[Common]) -> Sent:
        return self.send({"type": "event", "name": name, "properties": properties, **common})


def encode(event: Mapping[str, Any]) -> tuple[str, bytes]:
    """The event's id and its JSON: what is None left out, with an id and a time where it has none."""
    whole = {name: value for name, value in event.items() if value is not None}
    event_id = whole.setdefault("event_id", uuid.uuid4().hex)
    whole.setdefault("timestamp", time.time_ns() // 1_000_000)
    text = json.dumps(whole, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return str(event_id), text.encode(errors="replace")  # half a surrogate pair has no bytes


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone, such as datetime.now(UTC)")
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
