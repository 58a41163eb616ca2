"""A pixel's query parameters to the item that `ingest.admit` takes, for pages and mails that run no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .decode import Undecodable, item

_TEXTS: Final = (
    "type", "event_id", "user_id", "anonymous_id", "session_id", "timestamp", "user_agent", "page_url", "referrer",
    "title", "conversion_type", "value", "currency", "error_type", "error_message", "name",
)  # fmt: skip
_DOCUMENTS: Final = ("properties", "context")  # JSON in a parameter


def pixel_event(parameters: Mapping[str, str]) -> object:
    """The fields as text, so numbers too; an `Undecodable` where `properties` or `context` is no JSON."""
    event: dict[str, object] = {name: value for name in _TEXTS if (value := parameters.get(name))}
    for name in _DOCUMENTS:
        if value := parameters.get(name):
            decoded = item(value.encode(errors="replace"))
            if isinstance(decoded, Undecodable):
                return Undecodable(decoded.code, f"{name} must be a JSON object", decoded.excerpt)
            event[name] = decoded
    return event
