"""A program that uses posthog: URL KEY OPTIONS. The way it sends is chosen by POSTHOG_CAPTURE_MODE."""

from __future__ import annotations

import json
import sys
from typing import Any

from posthog import Posthog

from tests.clients.scripts.story import perform, say, values

url, key, options = sys.argv[1:]
client = Posthog(
    key,
    host=url,
    on_error=lambda error, batch: say({"error": str(error), "drops": len(getattr(error, "drops", []))}),
    flush_interval=0.05,
    **json.loads(options),
)


def capture(name: str, properties: dict[str, Any], timestamp: str | None = None) -> None:
    client.capture(name, distinct_id="u", properties=properties, timestamp=timestamp)


def people() -> None:
    client.set(distinct_id="u", properties={"plan": "pro"})
    client.group_identify("company", "c", {"size": 3}, distinct_id="u")
    client.alias("anon", "u")


def fail() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        client.capture_exception(error, distinct_id="u")


def many(first: int, count: int, size: int = 0) -> None:
    for number in range(first, first + count):
        capture("Counted", {"number": number, "padding": "x" * size})


perform(
    {
        "capture": capture,
        "people": people,
        "fail": fail,
        "many": many,
        "values": lambda: capture("Values", values()),
        "flag": lambda: client.feature_enabled("beta", "u"),
        "flush": client.flush,
    }
)
client.shutdown()
