"""The calls that take events, and the fields of an event."""

from __future__ import annotations

from typing import Any, Final

from ingest import errors
from ingest.http import SENDERS
from ingest.rejection import CODES
from store.keys import STREAM_OF

from .parts import JSON, Part, answer, one_of, operation, parameter, ref, text

REFUSALS: Final = (
    errors.NotJson, errors.CorruptBody, errors.NothingAccepted, errors.OriginNotAllowed, errors.BodyTimeout,
    errors.TooLarge, errors.TooManyEvents, errors.UnsupportedType, errors.UnsupportedEncoding, errors.RateLimited,
    errors.Overloaded, errors.JournalFull, errors.JournalBusy, errors.JournalBroken, errors.JournalClosed,
)  # fmt: skip

_OBJECT: Final[Part] = {"type": "object", "description": "At most 8 KiB encoded, depth 8."}

_SHARED: Final[dict[str, Part]] = {
    "event_id": text(maxLength=64, description="Makes a retry safe: within 24 hours it is counted once."),
    "user_id": text(maxLength=128),
    "anonymous_id": text(maxLength=128, description="Where there is no user_id; without either, a cookieless id."),
    "session_id": text(maxLength=128, description="Without it, 30 minutes of silence end a session."),
    "timestamp": {
        "oneOf": [text(format="date-time"), {"type": "integer", "description": "Epoch milliseconds."}],
        "description": "Without it, now. At most 30 days old (a server key may send any age) and 60 s ahead.",
    },
    "user_agent": text(),
    "address": text(maxLength=64, description="The visitor's, where a server sends for it; for the cookieless id."),
}
_OWN: Final[dict[str, tuple[dict[str, Part], list[str]]]] = {
    "page_view": (
        {
            "page_url": text(format="uri", maxLength=2048),
            "referrer": text(maxLength=2048),
            "title": text(),
            "properties": _OBJECT,
        },
        ["page_url"],
    ),
    "conversion": (
        {
            "conversion_type": text(maxLength=64),
            "value": {"oneOf": [text(), {"type": "number"}], "default": 0, "description": "A decimal."},
            "currency": text(pattern="^[A-Z]{3}$", default="USD", description="ISO 4217."),
            "properties": _OBJECT,
        },
        ["conversion_type"],
    ),
    "error": (
        {
            "error_type": text(maxLength=64),
            "error_message": text(description="Cut at 500 characters."),
            "context": _OBJECT,
        },
        ["error_type"],
    ),
    "event": ({"name": text(maxLength=64), "properties": _OBJECT}, ["name"]),
}

SCHEMAS: Final[dict[str, Part]] = {
    **{
        type_: {
            "type": "object",
            "properties": {"type": {"const": type_}, **_SHARED, **_OWN[type_][0]},
            "required": ["type", *_OWN[type_][1]],
        }
        for type_ in STREAM_OF
    },
    "Event": {"oneOf": [ref(type_) for type_ in STREAM_OF], "discriminator": {"propertyName": "type"}},
    "Events": {
        "oneOf": [
            ref("Event"),
            {"type": "array", "items": ref("Event"), "maxItems": 5000},
            {
                "type": "object",
                "properties": {
                    "batch": {"type": "array", "items": ref("Event"), "maxItems": 5000},
                    "sent_at": {
                        **_SHARED["timestamp"],
                        "description": "The sender's clock, which timestamps are corrected by.",
                    },
                },
                "required": ["batch"],
            },
        ]
    },
    "Accepted": {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"},
            "rejected": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "index": {"type": "integer", "description": "Of the event in the request, from 0."},
                        "code": one_of(sorted(CODES)),
                        "message": text(),
                    },
                    "required": ["index", "code", "message"],
                },
            },
        },
        "required": ["accepted", "rejected"],
    },
}

_BODY: Final[Part] = {
    JSON: {"schema": ref("Events")},
    "application/x-ndjson": {"schema": text(description="One event a line.")},
    "text/plain": {"schema": text(description="Either of the two, as navigator.sendBeacon sends it.")},
}


def paths() -> dict[str, Any]:
    found: dict[str, Any] = {"/v1/events": {"post": _post("Send events of any type")}}
    for type_ in STREAM_OF:
        found[f"/v1/{type_}"] = {"post": _post(f"Send events of the type {type_}, which they need not say")}
    fields = {"type": one_of(STREAM_OF)} | _SHARED
    for own, _ in _OWN.values():
        fields |= own
    found["/v1/pixel.gif"] = {
        "get": operation(
            "Send one event as a picture's URL",
            {200: answer("A GIF of one pixel, always; `X-Hitstream-Outcome` says what became of the event.")
             | {"headers": {"X-Hitstream-Outcome": {"schema": text()}}},
             400: answer("The URL is longer than the 16 KiB that HTTP has room for here.", text(), "text/plain")},
            parameters=[
                parameter(name, "As in the event; objects as JSON.", schema, required=name == "type")
                for name, schema in fields.items()
            ],
            keys=SENDERS,
        )
    }  # fmt: skip
    return found


def _post(summary: str) -> Part:
    return operation(
        summary,
        {202: answer("Safe on disk: those that were accepted will be counted once.", ref("Accepted"))},
        description="At most 1 MiB, 8 MiB inflated (gzip, deflate, br, zstd), 5,000 events, 250,000 values.",
        body=_BODY,
        keys=SENDERS,
        errors=REFUSALS,
    )
