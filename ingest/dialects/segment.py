"""Segment, and RudderStack, which speaks the same. https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/

    type                 becomes     of what
    page                 page_view   url, referrer, title of `properties`, else of `context.page`
    page without a url   event       `page`, as Python's client sends it: there is no address to count; nor is an app's
    track                conversion  where it is a sale (`ingest.dialects.sale`)
    track                event       called as it is
    screen               event       `screen`
    identify, group      event       `identify`, `group`, with `traits`
    alias                event       `alias`, with `previous_id`; both ids stay two users

    userId, anonymousId     user_id, anonymous_id
    messageId               event_id: a batch that is sent again is counted once
    timestamp, sentAt       timestamp, corrected by the sender's clock
    context.userAgent       user_agent
    context.campaign        the utm_* parameters of a page view whose address has none; else a property
    context.sessionId       session_id
    context.ip              kept nowhere
    all else                properties, the rest of `context` as `context`

The key is the user name of Basic, or `writeKey` in the body. 200 `{"success": true}`, what was not taken as `rejected`
beside it; errors carry `code` and `message`, without which analytics-python tries again what is final.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiohttp import hdrs

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from .fitting import beside, kept
from .keys import in_address, in_body, in_header
from .page import tagged, web_address
from .sale import sale
from .wire import (
    Dialect,
    Endpoint,
    Message,
    Outcome,
    Reply,
    Settings,
    Translation,
    encoded,
    loads,
    refused,
)

BODY_BYTES: Final = 8 << 20  # RudderStack's clients send batches of 4 MB and an event more

_LETTERS: Final = {"t": "track", "p": "page", "i": "identify", "s": "screen", "g": "group", "a": "alias"}
_TYPES: Final = tuple(_LETTERS.values())
# Fields that have a place in our events, and those that speak of the sending alone.
_PLACED: Final = frozenset(
    ("type", "messageId", "userId", "anonymousId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context",
     "writeKey")
)  # fmt: skip

Object = dict[str, Any]


def read_batch(message: Message) -> Translation:
    sent = _object_of(message)
    batch = sent.get("batch")
    if not isinstance(batch, list):
        raise NotJson("batch must be an array of events")
    shared = kept(_object(sent.get("context")))
    items = [_item(event, shared) for event in batch]
    sent_at = sent.get("sentAt")
    if sent_at is None and batch and isinstance(batch[0], dict):  # RudderStack's for browsers says it in each
        sent_at = batch[0].get("sentAt")
    return Translation(_key(message, sent), items, list(range(len(items))), len(items), sent_at)


def reader(type_: str) -> Callable[[Message], Translation]:
    """Of an address that is for one type."""

    def read(message: Message) -> Translation:
        sent = _object_of(message)
        return Translation(_key(message, sent), [_item({**sent, "type": type_}, {})], [0], 1, sent.get("sentAt"))

    return read


def accept(_: Message, __: Translation, outcome: Outcome) -> Reply:
    rejected = [
        {"index": each.index, "code": each.code, "message": each.message}
        for each in outcome.rejections
    ]  # fmt: skip
    if rejected and not outcome.taken:
        first = outcome.rejections[0]
        return _failure(400, first.code, first.message, rejected=rejected)
    return Reply(200, encoded({"success": True, "rejected": rejected} if rejected else {"success": True}))


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return _failure(status, error.code, error.message)


def settings(message: Message) -> Reply:
    """What analytics.js asks for first: to send to where it asked, and to load no other tool."""
    destination = {"apiKey": message.path["key"], "unbundledIntegrations": [], "addBundledMetadata": True}
    if host := message.headers.get(hdrs.HOST):
        destination["apiHost"] = f"{host}/v1"
    return Reply(
        200,
        encoded(
            {
                "integrations": {"Segment.io": destination},
                "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
                "edgeFunction": {},
                "metrics": {"sampleRate": 0},
                "remotePlugins": [],
            }
        ),
    )


def _failure(status: int, code: str, text: str, **members: object) -> Reply:
    return Reply(status, encoded({"success": False, "code": code, "message": text, **members}))


def _object_of(message: Message) -> Object:
    sent = loads(message.body)
    if not isinstance(sent, dict):
        raise NotJson("the body must be a JSON object")
    return sent


def _key(message: Message, sent: Object) -> Presented:
    return (
        in_header(message, "basic")
        or in_body(sent.get("writeKey"))
        or in_header(message, "bearer")
        or in_address(message, "writeKey")
        or Presented("")
    )


def _item(event: object, shared: Object) -> object:
    """shared: the batch's context, for what the event's own does not say."""
    if not isinstance(event, dict):
        return event
    type_ = event.get("type")
    if type_ not in _TYPES:
        shown = {name: value for name, value in event.items() if name != "context"}  # where an address may stand
        return refused("unknown_type", f"type must be one of {', '.join(_TYPES)}", shown)
    context = {**shared, **_object(event.get("context"))}
    context.pop("ip", None)
    item = {
        "event_id": event.get("messageId"),
        "user_id": event.get("userId"),
        "anonymous_id": event.get("anonymousId"),
        "timestamp": event.get("timestamp") or event.get("originalTimestamp"),
        "user_agent": _text(context.pop("userAgent", None)),
        "session_id": context.pop("sessionId") if type(context.get("sessionId")) in (str, int) else None,
    }
    rest = {name: value for name, value in event.items() if name not in _PLACED and value not in (None, {})}
    own = _own(type_, rest, context)
    rest |= {"context": context} if context else {}
    properties = own.pop("properties", {})
    # analytics.js says the name of a page in both places.
    properties = beside(properties, {name: value for name, value in rest.items() if properties.get(name) != value})
    return {**item, **own, "properties": properties or None}


def _own(type_: str, rest: Object, context: Object) -> Object:
    """What makes the event of its type. What it takes from `rest` and `context` it takes away."""
    if type_ == "track":
        properties = _taken(rest, "properties")
        name = rest.pop("event", None)
        return sale(name, properties) or {"type": "event", "name": name, "properties": properties}
    if type_ == "page":
        return _page(rest, context)
    if type_ == "screen":
        return {"type": "event", "name": "screen", "properties": _taken(rest, "properties")}
    # RudderStack's clients put the traits into the context.
    if type_ == "identify" and isinstance(context.get("traits"), dict) and "traits" not in rest:
        rest["traits"] = context.pop("traits")
    for theirs, ours in (("groupId", "group_id"), ("previousId", "previous_id")):
        if theirs in rest:
            rest[ours] = rest.pop(theirs)
    return {"type": "event", "name": type_}


def _page(rest: Object, context: Object) -> Object:
    properties = _taken(rest, "properties")
    page = _object(context.get("page"))
    url = web_address(properties.get("url"), page.get("url"))
    if not url:
        return {"type": "event", "name": "page", "properties": properties}
    context.pop("page", None)
    found = {"url": url}
    for name in ("referrer", "title"):
        found[name] = _text(properties.get(name)) or _text(page.get(name))
    found["title"] = found["title"] or _text(rest.get("name"))
    # `path` and `search` are parts of the address.
    properties = {
        name: value for name, value in {**page, **properties}.items() if name not in (*found, "path", "search")
    }
    if (campaign := context.get("campaign")) and isinstance(campaign, dict) and "utm_" not in url:
        url = tagged(url, context.pop("campaign"))
    return {
        "type": "page_view", "page_url": url, "referrer": found["referrer"], "title": found["title"],
        "properties": properties,
    }  # fmt: skip


def _taken(rest: Object, name: str) -> Object:
    """An object out of `rest`; what is none stays where it is."""
    return dict(rest.pop(name)) if isinstance(rest.get(name), dict) else {}


def _object(value: object) -> Object:
    return dict(value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


SEGMENT: Final = Dialect(
    "segment",
    (
        *(
            Endpoint(("POST",), path, read_batch, accept, refuse, body_bytes=BODY_BYTES)
            for path in ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")
        ),
        *(
            Endpoint(("POST",), f"/v1/{word}", reader(type_), accept, refuse)
            for letter, type_ in _LETTERS.items()
            for word in (type_, letter)
        ),
    ),
    (Settings(("GET",), "/v1/projects/{key}/settings", settings),),
    headers=("X-Retry-Count", "AnonymousId"),
)
