"""A program that uses analytics-python, or RudderStack's fork of it: PACKAGE URL KEY OPTIONS.

Calls are given in the words of the wire, as the program for Node takes them.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from importlib import import_module
from typing import Any

from tests.clients.scripts.story import perform, say, values

package, url, key, options = sys.argv[1:]
client = import_module(f"{package}.client").Client(
    key,
    host=url,
    on_error=lambda error, items: say({"error": str(error), "items": len(items)}),
    upload_interval=0.05,
    **json.loads(options),
)


def call(type_: str, event: dict[str, Any]) -> None:
    fields = {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in event.items()}
    if "timestamp" in fields:
        fields["timestamp"] = datetime.fromisoformat(fields["timestamp"])
    getattr(client, type_)(**fields)


def many(first: int, count: int, size: int = 0) -> None:
    for number in range(first, first + count):
        client.track("u", "Counted", {"number": number, "padding": "x" * size})


def everything() -> None:
    client.track("u", "Values", values())


perform({"call": call, "many": many, "values": everything, "flush": client.flush})
client.shutdown()
