"""A program that uses sentry-sdk: URL KEY OPTIONS."""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

import sentry_sdk

from tests.clients.scripts.story import perform, say, values

url, key, options = sys.argv[1:]
sentry_sdk.init(f"http://{key}@{urlsplit(url).netloc}/1", release="shop@1.2", environment="test", **json.loads(options))
transport = sentry_sdk.get_client().transport
assert transport
transport.on_dropped_event = lambda reason: say({"dropped": reason})  # type: ignore[attr-defined]


def fail(says: str = "no") -> None:
    try:
        try:
            raise KeyError("a")
        except KeyError as error:
            raise ValueError(says) from error
    except ValueError:
        sentry_sdk.capture_exception()


def many(first: int, count: int, size: int = 0) -> None:
    for number in range(first, first + count):
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("padding", "x" * size)
            scope.capture_message(f"number {number}", level="error")


def everything() -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_user({"id": "u", "email": "a@b.example", "ip_address": "203.0.113.9"})
        scope.set_tag("plan", "pro")
        for name in ("text", "half", "none", "yes", "whole", "fraction", "nan", "bigger", "decimal"):
            scope.set_extra(name, values()[name])  # it keeps ten
        fail()


perform(
    {
        "fail": fail,
        "many": many,
        "values": everything,
        "uncaught": lambda: sys.excepthook(RuntimeError, RuntimeError("at the end"), None),
        "flush": lambda: sentry_sdk.flush(20),
    }
)
