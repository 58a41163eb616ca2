"""What each call makes of its arguments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hitstream.client.tracker import Tracker, encode


class Kept(Tracker[str]):
    """Keeps what it is given instead of sending it."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def send(self, event: Mapping[str, Any]) -> str:
        event_id, encoded = encode(event)
        self.kept = json.loads(encoded)
        return event_id


AT = {"timestamp": 1_700_000_000_000, "event_id": "e"}

CASES = [
    (
        lambda kept: kept.page_view("https://a.example/", title="A", user_id="ann", **AT),
        {"type": "page_view", "page_url": "https://a.example/", "title": "A", "user_id": "ann", **AT},
    ),
    (
        lambda kept: kept.conversion("purchase", value=Decimal("19.90"), currency="EUR", properties={"n": 1}, **AT),
        {"type": "conversion", "conversion_type": "purchase", "value": "19.90", "currency": "EUR"}
        | {"properties": {"n": 1}, **AT},
    ),
    (
        lambda kept: kept.error("TypeError", message="no", context={"id": uuid.UUID(int=1)}, session_id=7, **AT),
        {"type": "error", "error_type": "TypeError", "error_message": "no", "session_id": 7}
        | {"context": {"id": "00000000-0000-0000-0000-000000000001"}, **AT},
    ),
    (lambda kept: kept.event("a", anonymous_id="x", **AT), {"type": "event", "name": "a", "anonymous_id": "x"} | AT),
    (
        lambda kept: kept.event("a", event_id="e", timestamp=datetime(2026, 1, 2, tzinfo=UTC)),
        {"type": "event", "name": "a", "event_id": "e", "timestamp": "2026-01-02T00:00:00+00:00"},
    ),
    (lambda kept: kept.event("\ud800ü", **AT), {"type": "event", "name": "?ü"} | AT),
]  # fmt: skip


@pytest.mark.parametrize(("call", "event"), CASES)
def test_what_a_call_makes(call: Any, event: dict[str, Any]) -> None:
    kept = Kept()
    assert call(kept) == "e"
    assert kept.kept == event


def test_what_an_event_gets_by_itself() -> None:
    kept = Kept()
    ids = {kept.page_view("https://a.example/") for _ in range(100)}
    assert len(ids) == 100
    assert kept.kept["event_id"] in ids
    assert isinstance(kept.kept["timestamp"], int)


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({"a": float("nan")}, ValueError),
        ({"a": object()}, TypeError),
        ({"a": {1, 2}}, TypeError),
        ({"a": datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001 - that is the point
    ],
)
def test_what_is_no_json_is_the_callers_error(properties: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Kept().event("a", properties=properties)
