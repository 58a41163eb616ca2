"""An event of PostHog's, whichever way it was sent, in our words. https://posthog.com/docs/api/capture

event        becomes      of what
$pageview    page_view    $current_url, $referrer, title; without an address of the web an event, as all others
$exception   error        $exception_list, its first: type, value; all else in `context`
a sale       conversion   `ingest.dialects.sale`
all others   event        called as they are: $identify, $set, $screen, $autocapture, ...

distinct_id                  user_id; the cookieless mode's has none, so the visitor is the day's
uuid                         event_id: a batch that is sent again is counted once
timestamp, or offset in ms   timestamp
$session_id                  session_id
$raw_user_agent              user_agent
$ip, ip                      kept nowhere
all else                     properties, with $set and $set_once
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from .fitting import beside
from .page import web_address
from .sale import sale

PAGE_VIEW: Final = "$pageview"
EXCEPTION: Final = "$exception"
COOKIELESS: Final = "$posthog_cookieless"  # stands in place of ids that the client may not make
DIRECT: Final = "$direct"  # the referrer of one who has none

_TRACE_BYTES: Final = 4 << 10  # half of what fits; a longer one is kept without source lines and variables
_FRAMES: Final = 10  # the innermost
_EXCEPTIONS: Final = 5
_SAYS: Final = 500  # characters of what an exception says

_KEYS: Final = ("token", "api_key", "$token")
# Fields that have a place in our events, and those that speak of the sending alone.
_PLACED: Final = frozenset(
    ("event", "properties", "distinct_id", "$distinct_id", "uuid", "timestamp", "offset", "sent_at", "ip", "type",
     *_KEYS)
)  # fmt: skip
_PLACED_PROPERTIES: Final = frozenset(("distinct_id", "$session_id", "$raw_user_agent", "$ip", *_KEYS))

Object = dict[str, Any]


def item(event: object, now: int) -> object:
    """As `ingest.admit` takes it. now: our clock, epoch ms."""
    if not isinstance(event, dict):
        return event
    given = event.get("properties")
    sent: Object = given if isinstance(given, dict) else {}
    properties = {name: value for name, value in sent.items() if name not in _PLACED_PROPERTIES}
    rest = {name: value for name, value in event.items() if name not in _PLACED and value is not None}
    if given is not sent and given:
        rest["properties"] = given
    name = event.get("event")
    if name is None and ("$set" in event or "$set_once" in event):
        name = "$set"  # what /engage/ is for
    user, session = (
        event.get("distinct_id", event.get("$distinct_id", sent.get("distinct_id"))),
        sent.get("$session_id"),
    )
    agent = sent.get("$raw_user_agent")
    return {
        "event_id": event.get("uuid"),
        "user_id": user if user != COOKIELESS else None,
        "timestamp": _timestamp(event, now),
        "session_id": session if type(session) in (str, int) and session != COOKIELESS else None,
        "user_agent": agent if isinstance(agent, str) else None,
        **_own(name, beside(properties, rest)),
    }


def key(event: object) -> str:
    """What the event itself says of whose it is, or ''."""
    if isinstance(event, dict):
        properties = event.get("properties")
        for fields in (event, properties):
            if isinstance(fields, dict):
                for name in _KEYS:
                    if isinstance(found := fields.get(name), str) and found:
                        return found
    return ""


def ignores_clock(event: object) -> bool:
    """Whether its time is to be taken as it is."""
    properties = event.get("properties") if isinstance(event, dict) else None
    return isinstance(properties, dict) and properties.get("$ignore_sent_at") in (True, "true", "1", 1)


def _timestamp(event: Object, now: int) -> object:
    """posthog-js says how long ago it was, for its clock may be wrong by years."""
    at, offset = event.get("timestamp"), event.get("offset")
    if at is None and isinstance(offset, int) and offset >= 0:
        return now - offset
    return at


def _own(name: object, properties: Object) -> Object:
    if name == PAGE_VIEW and (url := web_address(properties.get("$current_url"))):
        referrer, title = properties.get("$referrer"), properties.get("title") or properties.get("$title")
        of_it = ("$current_url", "$referrer", "title", "$title")
        return {
            "type": "page_view",
            "page_url": url,
            "referrer": referrer if isinstance(referrer, str) and referrer != DIRECT else None,
            "title": title if isinstance(title, str) else None,
            "properties": {field: value for field, value in properties.items() if field not in of_it} or None,
        }
    if name == EXCEPTION:
        return _exception(properties)
    return sale(name, properties) or {"type": "event", "name": name, "properties": properties or None}


def _exception(properties: Object) -> Object:
    listed = properties.get("$exception_list")
    exceptions = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    first = exceptions[0] if exceptions else {}
    type_, says = first.get("type"), first.get("value")
    if not isinstance(type_, str) or not type_.strip():
        type_ = _first_text(properties.get("$exception_type"), properties.get("$exception_types")) or "Error"
    if not isinstance(says, str):
        says = _first_text(properties.get("$exception_message"), properties.get("$exception_values"))
    if exceptions and len(_encoded(listed)) > _TRACE_BYTES:
        properties = {**properties, "$exception_list": [_brief(each) for each in exceptions[:_EXCEPTIONS]]}
    return {"type": "error", "error_type": type_, "error_message": says, "context": properties}


def _brief(exception: Object) -> Object:
    """Where it happened, without source lines and variables."""
    found: Object = {name: exception[name] for name in ("type", "mechanism", "module") if name in exception}
    if isinstance(says := exception.get("value"), str):
        found["value"] = says[:_SAYS]
    trace = exception.get("stacktrace")
    frames = trace.get("frames") if isinstance(trace, dict) else None
    if isinstance(frames, list):
        wanted = ("filename", "function", "lineno", "colno", "module", "in_app")
        found["stacktrace"] = {
            "frames": [
                {name: frame[name] for name in wanted if name in frame}
                for frame in frames[-_FRAMES:]
                if isinstance(frame, dict)
            ]
        }
    return found


def _first_text(*values: object) -> str:
    for value in values:
        found = value[0] if isinstance(value, list) and value else value
        if isinstance(found, str) and found.strip():
            return found
    return ""


def _encoded(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return b" " * (_TRACE_BYTES + 1)  # nested too deep to be small
