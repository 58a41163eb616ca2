"""How a test tells a Python client's program what to do (`tests.clients.program`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


def perform(calls: Mapping[str, Callable[..., object]]) -> None:
    """Does what the input says, line by line, until it ends. A call that raises is answered with what it raised."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = calls[name](*arguments)
        except Exception as error:  # noqa: BLE001  # whatever a client throws at its user, the test is to see
            answer = {"raised": f"{type(error).__name__}: {error}"}
        _print("done", answer)


def say(value: object) -> None:
    """Tells the test something unasked, such as what a callback was given."""
    _print("said", value)


def values() -> dict[str, Any]:
    """Every type of value that somebody puts into a property."""
    return {
        "text": "grün 日本語 🦆",
        "control": "a\tb\nc\x00d\x7f",
        "half": "half \ud83e of a pair",
        "empty": "",
        "none": None,
        "yes": True,
        "whole": 42,
        "big": 2**63,
        "bigger": 2**80,
        "negative": -(2**70),
        "fraction": 0.1,
        "nan": float("nan"),
        "inf": float("inf"),
        "minus_inf": float("-inf"),
        "decimal": Decimal("19.99"),
        "moment": datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
        "day": date(2026, 1, 31),
        "list": [1, "two", None, [3.5]],
        "nested": {"a": {"b": {"c": [{"d": 1}]}}},
        "name with spaces": "x",
        "$dollar": 1,
    }


def _print(kind: str, value: object) -> None:
    sys.stdout.write(json.dumps([kind, value], default=str) + "\n")
    sys.stdout.flush()
