"""Umami: `POST /api/send` and `/api/batch`. https://docs.umami.is/docs/api/sending-stats

    {type, payload}, or an array of those. Of the payload:

    website (or link, pixel)    the site's alias; there is no key
    name                        without it a page view; with it an event, or a conversion where data has a revenue
    type                        identify, performance and engagement become events of these names
    url, hostname, referrer     page_url and referrer of a page view; else properties
    title                       title of a page view; else a property
    id                          user_id
    timestamp                   in seconds
    userAgent, ip               user_agent and address of the visitor, where a server sends for it
    data, and all else          properties

Without an id the visitor is the day's cookieless one. Bots are taken and counted as such, as everywhere here, so none
is told `beep boop`. A session's id in a reply is made for that reply and echoed when it comes back in `x-umami-cache`:
sessions follow from the visitor's pauses.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from store.errors import RequestError
from store.site import Presented

from ..decode import Undecodable
from ..errors import NotJson
from ..rejection import Rejection
from .amount import worth
from .fitting import beside
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded, loads

CACHE: Final = "x-umami-cache"

_OTHER_TYPES: Final = ("identify", "performance", "engagement")
_SITES: Final = ("website", "link", "pixel")
_TRANSLATED: Final = ("website", "name", "id", "timestamp", "userAgent", "ip", "data")
_OF_A_VIEW: Final = ("url", "hostname", "referrer", "title")
_SECOND_MS: Final = 1_000


def read_one(message: Message) -> Translation:
    sent = loads(message.body)
    if not isinstance(sent, dict):
        raise NotJson("the body must be a JSON object with type and payload")
    return _translated([sent])


def read_many(message: Message) -> Translation:
    sent = loads(message.body)
    if not isinstance(sent, list):
        raise NotJson("the body must be a JSON array")
    return _translated(sent)


def accept_one(message: Message, _: Translation, outcome: Outcome) -> Reply:
    if outcome.taken:
        return Reply(200, encoded(_visit(message)))
    return Reply(400, encoded(_error(400, outcome.rejections[0])))


def accept_many(_: Message, translation: Translation, outcome: Outcome) -> Reply:
    failed = outcome.by_place(translation)
    details = [{"index": place, "response": _error(400, failed[place][0])} for place in sorted(failed)]
    size, errors = translation.parts, len(details)
    body = {"size": size, "processed": size - errors, "errors": errors, "details": details}
    return Reply(200 if outcome.taken or not errors else 400, encoded(body))


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return Reply(status, encoded(_error(status, error)))


def _error(status: int, error: Rejection | RequestError) -> dict[str, Any]:
    return {"error": {"message": error.message, "code": error.code, "status": status}}


def _visit(message: Message) -> dict[str, str]:
    try:
        known = UUID(message.headers.get(CACHE, ""))
    except ValueError:
        digest = blake2b(message.body, digest_size=16, salt=message.now.to_bytes(8, "little")).digest()
        known = UUID(bytes=digest, version=4)
    return {"cache": str(known), "sessionId": str(known), "visitId": str(known)}


def _translated(sent: list[Any]) -> Translation:
    """By the sites that they are for, at least one, be it ''."""
    by_site: dict[str, tuple[list[object], list[int]]] = {}
    for place, each in enumerate(sent):
        payload = each.get("payload") if isinstance(each, dict) else None
        payload = payload if isinstance(payload, dict) else {}
        site = next((value for name in _SITES if isinstance(value := payload.get(name), str)), "")
        items, places = by_site.setdefault(site, ([], []))
        items.append(_item(each.get("type", "event"), payload) if payload else _EMPTY)
        places.append(place)
    first, *others = (
        Translation(Presented(site), items, places, len(sent))
        for site, (items, places) in (by_site or {"": ([], [])}).items()
    )
    return Translation(first.presented, first.items, first.places, len(sent), others=tuple(others))


_EMPTY: Final = Undecodable("missing_field", "payload is required: an object", b"")


def _item(type_: object, payload: dict[str, Any]) -> object:
    name, data = payload.get("name"), payload.get("data")
    item: dict[str, Any] = {
        "user_id": payload.get("id") or None,
        "timestamp": _milliseconds(payload.get("timestamp")),
        "user_agent": payload.get("userAgent"),
        "address": payload.get("ip") or None,
    }
    properties = dict(data) if isinstance(data, dict) else {} if data is None else {"data": data}
    left = [*_TRANSLATED]
    if type_ in _OTHER_TYPES:
        item |= {"type": "event", "name": type_}
        left.remove("name")
    elif type_ != "event":
        return Undecodable("unknown_type", f"type must be event, {', '.join(_OTHER_TYPES)}", b"")
    elif not name:
        item |= {
            "type": "page_view", "page_url": _absolute(payload, "url"),
            "referrer": _absolute(payload, "referrer"), "title": payload.get("title"),
        }  # fmt: skip
        left += _OF_A_VIEW
    elif (amount := worth(properties.get("revenue"), properties.get("currency"))) is not None:
        item |= {"type": "conversion", "conversion_type": name, **amount}
        properties = {field: value for field, value in properties.items() if field not in ("revenue", "currency")}
    else:
        item |= {"type": "event", "name": name}
    properties = beside(properties, {field: value for field, value in payload.items() if field not in left})
    if properties:
        item["properties"] = properties
    return {field: value for field, value in item.items() if value is not None}


def _absolute(payload: dict[str, Any], field: str) -> object:
    """Umami takes paths, whose host stands beside them."""
    address = payload.get(field)
    if not isinstance(address, str) or not address or "://" in address:
        return address
    return f"https://{payload.get('hostname') or 'localhost'}/{address.removeprefix('/')}"


def _milliseconds(seconds: object) -> object:
    try:
        return int(seconds) * _SECOND_MS  # type: ignore[call-overload]  # text and numbers alike; the rest raises
    except (TypeError, ValueError, OverflowError):
        return seconds


UMAMI: Final = Dialect(
    "umami",
    (
        Endpoint(("POST",), "/api/send", read_one, accept_one, refuse),
        Endpoint(("POST",), "/api/batch", read_many, accept_many, refuse),
    ),
    headers=(CACHE,),
)
