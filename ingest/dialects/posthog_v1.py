"""PostHog's newer way to send, on request in its server libraries: `POST /i/v1/analytics/events`.

    Authorization: Bearer KEY
    PostHog-Request-Timestamp: ...      the sender's clock; `created_at` stays the same when a batch is sent again
    PostHog-Sdk-Info: NAME/VERSION      $lib and $lib_version of every event
    {"created_at": ..., "batch": [{"event", "uuid", "distinct_id", "timestamp", "session_id"?, "window_id"?,
                                   "options": {...}, "properties": {...}}]}
    -> 200 {"results": {uuid: {"result": "ok"}, uuid: {"result": "drop", "details": why}}}

A dropped event reaches the program's `on_error`, and its neighbours are safe. Too much is answered with 503 and a
Retry-After: some of its clients take a 429 for final and would lose the batch.
"""

from __future__ import annotations

from typing import Any, Final

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from .keys import in_header
from .posthog_event import item
from .wire import Message, Outcome, Reply, Translation, encoded, loads

_OPTIONS: Final = {"disable_skew_correction": "$ignore_sent_at"}  # others are called as they were, with a dollar
_TOO_MANY, _TRY_AGAIN = 429, 503


def read(message: Message) -> Translation:
    sent = loads(message.body)
    batch = sent.get("batch") if isinstance(sent, dict) else None
    if not isinstance(batch, list):
        raise NotJson("batch must be an array of events")
    library, _, version = message.headers.get("PostHog-Sdk-Info", "").partition("/")
    common = {"$lib": library, "$lib_version": version} if library else {}
    items = [item(_legacy(event, common), message.now) for event in batch]
    sent_at = message.headers.get("PostHog-Request-Timestamp") if not any(map(_ignores_clock, batch)) else None
    key = in_header(message, "bearer") or Presented("")
    return Translation(key, items, list(range(len(items))), len(items), sent_at)


def accept(message: Message, translation: Translation, outcome: Outcome) -> Reply:
    rejections = outcome.by_place(translation)
    results = {}
    for place, event in enumerate(loads(message.body)["batch"]):
        uuid = event.get("uuid") if isinstance(event, dict) else None
        if isinstance(uuid, str):
            why = rejections.get(place)
            results[uuid] = {"result": "drop", "details": why[0].message} if why else {"result": "ok"}
    return Reply(200, encoded({"results": results}))


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    status = _TRY_AGAIN if status == _TOO_MANY else status
    return Reply(status, encoded({"error": error.code, "error_description": error.message}))


def _legacy(event: object, common: dict[str, Any]) -> object:
    """As the older way has it, where these stand among the properties."""
    if not isinstance(event, dict):
        return event
    given = event.get("properties")
    properties = {**common, **given} if isinstance(given, dict) else dict(common)
    for field in ("session_id", "window_id"):
        if event.get(field) is not None:
            properties[f"${field}"] = event[field]
    if isinstance(options := event.get("options"), dict):
        properties |= {_OPTIONS.get(name, f"${name}"): value for name, value in options.items()}
    plain = {name: value for name, value in event.items() if name not in ("session_id", "window_id", "options")}
    if given is not None and not isinstance(given, dict):
        properties["properties"] = given
    return {**plain, "properties": properties}


def _ignores_clock(event: object) -> bool:
    options = event.get("options") if isinstance(event, dict) else None
    return isinstance(options, dict) and options.get("disable_skew_correction") is True
