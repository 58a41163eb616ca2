"""Google Analytics 4: its Measurement Protocol. https://developers.google.com/analytics/devguides/collection/protocol/ga4

    measurement_id, firebase_app_id   in the URL: the site's alias, or its write key. api_secret is not looked at
    user_id                           user_id
    client_id, app_instance_id        anonymous_id
    timestamp_micros                  of the message, or of one event
    user_agent, ip_override           of the visitor, where a server sends for it
    all else of the message           properties of each event

    events, or a single one
      page_view with page_location    a page view; page_referrer, page_title
      purchase, refund                conversions; value and currency. transaction_id makes a purchase's event_id, for
                                      Google counts it once as well; of one purchase there may be several refunds
      exception                       an error; description is its message
      all others                      events
      session_id                      session_id, with the client's id in front: it is a time, which others share
      all other params                properties

204 where all was taken, as Google always says; else `validationMessages`, with 200 where some was and 400 where
nothing was. `/debug/mp/collect` takes nothing, and says what would be refused or cut, and what Google itself refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from store.errors import RequestError
from store.site import Presented

from ..decode import Undecodable
from ..errors import NotJson, TooManyEvents
from .amount import worth
from .fitting import beside, kept
from .trial import Tried, tried
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Settings, Translation, encoded, loads

MAX_EVENTS: Final = 25  # in a message, as Google has it

_MICROS: Final = 1_000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
_SITES: Final = ("measurement_id", "firebase_app_id")
_CLIENTS: Final = ("client_id", "app_instance_id")
_OF_THE_MESSAGE: Final = (
    *_CLIENTS, "user_id", "timestamp_micros", "user_agent", "ip_override", "events", "validation_behavior",
)  # fmt: skip
_OF_AN_EVENT: Final = ("name", "params", "timestamp_micros")
_OF_A_VIEW: Final = {"page_location": "page_url", "page_referrer": "referrer", "page_title": "title"}
_SALES: Final = ("purchase", "refund")
_WORDS: Final = {
    "missing_field": "VALUE_REQUIRED", "too_long": "VALUE_OUT_OF_BOUNDS", "too_large": "VALUE_OUT_OF_BOUNDS",
    "too_deep": "VALUE_OUT_OF_BOUNDS", "too_old": "VALUE_OUT_OF_BOUNDS", "in_future": "VALUE_OUT_OF_BOUNDS",
    "too_many_events": "EXCEEDED_MAX_ENTITIES",
}  # fmt: skip
# Theirs for ours, for a person who looks for what is wrong with a message.
_FIELDS: Final = {
    "name": "name", "conversion_type": "name", "page_url": "params.page_location",
    "referrer": "params.page_referrer", "title": "params.page_title", "session_id": "params.session_id",
    "timestamp": "timestamp_micros", "properties": "params", "context": "params", "events": "events",
}  # fmt: skip
_WITHOUT_EVENTS: Final = "the body must be a JSON object with events"


def read(message: Message) -> Translation:
    sent = loads(message.body)
    if not isinstance(sent, dict) or not isinstance(events := sent.get("events"), list | dict):
        raise NotJson(_WITHOUT_EVENTS)
    events = [events] if isinstance(events, dict) else events
    if len(events) > MAX_EVENTS:
        raise TooManyEvents(f"events must be at most {MAX_EVENTS} in a message")
    site = next((key for name in _SITES if (key := message.query.get(name))), "")
    of_all = kept({field: value for field, value in sent.items() if field not in _OF_THE_MESSAGE})
    items = [_item(event, sent, of_all) for event in events]
    return Translation(Presented(site, in_url=True), items, list(range(len(items))), len(items))


def accept(_: Message, translation: Translation, outcome: Outcome) -> Reply:
    failed = outcome.by_place(translation)
    if not failed:
        return Reply(204)
    messages = [
        _message(f"events[{place}]", each.code, each.message) for place in sorted(failed) for each in failed[place]
    ]
    return _messages(200 if outcome.taken else 400, messages)


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return _messages(status, [_message("", error.code, error.message)])


def validate(message: Message) -> Reply:
    try:
        return _messages(200, [said for each in tried(read(message), message) for said in _said_of(each)])
    except RequestError as error:
        return _messages(200, [_message("", error.code, error.message)])


def _said_of(each: Tried) -> Iterator[dict[str, str]]:
    where = f"events[{each.place}]"
    name = each.item.get("name", each.item.get("conversion_type")) if isinstance(each.item, dict) else None
    if isinstance(name, str) and not _NAME.match(name):
        text = "a name begins with a letter and has at most 40 letters, digits and _ at Google's; here any 64 do"
        yield _said(f"{where}.name", text, "NAME_INVALID")
    if each.rejection:
        yield _message(where, each.rejection.code, each.rejection.message)
    for change in each.changes:
        yield _said(where, change, "VALUE_OUT_OF_BOUNDS")


def _messages(status: int, messages: Sequence[dict[str, str]]) -> Reply:
    return Reply(status, encoded({"validationMessages": messages}))


def _message(where: str, code: str, text: str) -> dict[str, str]:
    """A refusal's text begins with the field that it is about."""
    field = _FIELDS.get(text.partition(" ")[0], "")
    return _said(".".join(filter(None, (where, field))), text, _WORDS.get(code, "VALUE_INVALID"))


def _said(path: str, description: str, code: str) -> dict[str, str]:
    return {"fieldPath": path, "description": description, "validationCode": code}


def _item(event: object, sent: dict[str, Any], of_all: dict[str, Any]) -> object:
    if not isinstance(event, dict):
        return Undecodable("invalid_type", "an event must be an object", b"")
    client = next((value for name in _CLIENTS if (value := sent.get(name))), None)
    name, given = event.get("name"), event.get("params")
    params = dict(given) if isinstance(given, dict) else {} if given is None else {"params": given}
    item: dict[str, Any] = {
        "user_id": sent.get("user_id"),
        "anonymous_id": client,
        "timestamp": _milliseconds(event.get("timestamp_micros", sent.get("timestamp_micros"))),
        "user_agent": sent.get("user_agent"),
        "address": sent.get("ip_override"),
        "session_id": _session(params.pop("session_id", None), client or sent.get("user_id")),
    }
    document = "properties"
    if name == "page_view" and params.get("page_location"):
        item["type"] = "page_view"
        item |= {ours: params.pop(theirs, None) for theirs, ours in _OF_A_VIEW.items()}
    elif name in _SALES:
        item |= _sale(name, params)
    elif name == "exception":
        item |= {"type": "error", "error_type": name, "error_message": _text(params.pop("description", None))}
        document = "context"
    else:
        item |= {"type": "event", "name": name}
    of_the_event = {field: value for field, value in event.items() if field not in _OF_AN_EVENT}
    if members := beside(params, beside(of_the_event, of_all)):
        item[document] = members
    return {field: value for field, value in item.items() if value is not None}


def _sale(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Takes from the params what becomes a field."""
    amount = worth(params.get("value"), params.get("currency"), refund=name == "refund")
    for field in amount or ():
        del params[field]
    order = params.get("transaction_id")
    event_id = f"{name}:{order}" if name == "purchase" and isinstance(order, str | int) and order else None
    return {"type": "conversion", "conversion_type": name, "event_id": event_id, **(amount or {})}


def _session(session: object, client: object) -> object:
    return f"{client}.{session}" if client and isinstance(session, str | int) and session else session


def _milliseconds(micros: object) -> object:
    try:
        return int(micros) // _MICROS  # type: ignore[call-overload]  # text and numbers alike; the rest raises
    except (TypeError, ValueError, OverflowError):
        return micros


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)


GA4: Final = Dialect(
    "ga4",
    (Endpoint(("POST",), "/mp/collect", read, accept, refuse),),
    (Settings(("POST",), "/debug/mp/collect", validate),),
)
