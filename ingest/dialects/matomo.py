"""Matomo: its Tracking HTTP API, `matomo.php` and `piwik.php`. https://developer.matomo.org/api-reference/tracking-api

Parameters in the URL, in a form, or many of them as `{"requests": ["?...", ...]}`, each for its own site.

    idsite               the site's alias, or its write key
    token_auth           a server key of the site, if any: for times of more than 30 days ago
    uid                  user_id
    cid, _id             anonymous_id
    cdt, cdo             timestamp: a date, epoch seconds; or seconds ago
    ua, cip              user_agent and address of the visitor, where a server sends for it

    what it is, the first that fits                 and what becomes of it
    cra                                             error: cra_tp is its type, cra its message
    idgoal=0 with ec_id                             conversion `purchase`, the order's id makes its event_id, as
                                                    Matomo counts an order once; ec_items become objects
    idgoal=0 without                                event `cart`
    idgoal                                          conversion `goal_N`
    e_c, e_a                                        event `category / action`
    link, download, search, c_n, ping               events `outlink`, `download`, `search`, `content`; nothing
    else                                            page view: url, urlref, action_name
    revenue                                         value, in the site's currency: Matomo's requests name none

All else, dimensions and variables too, are properties under their own names. A GIF, or 204 with send_image=0; a batch
is answered with how many were tracked and which were invalid. An error's GIF or text comes with its status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import hdrs
from msgspec.structs import replace

from store.errors import RequestError
from store.site import Presented

from ..decode import MAX_EVENTS, Undecodable
from ..errors import NotJson, TooManyEvents
from ..fields import clean
from ..http import GIF
from .amount import worth
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded, loads

BULK: Final = b"{"  # a form begins with no brace
MAX_PARAMETERS: Final = 1_000  # of one request; the API knows about 150

_SECOND_MS: Final = 1_000
_DATE_DIGITS: Final = 8  # of 20260131; a number of more is epoch seconds
_MAX_DIGITS: Final = 12
_PROTOCOL: Final = frozenset(
    {"idsite", "rec", "apiv", "rand", "r", "send_image", "token_auth", "bots", "queuedtracking"}
)
_COMMON: Final = frozenset({"uid", "cid", "_id", "cdt", "cdo", "ua", "cip"})
_JSON: Final = ("cvar", "_cvar", "ec_items", "uadata")
_ITEM: Final = ("sku", "name", "category", "price", "quantity")
_EVENTS: Final = {"link": "outlink", "download": "download", "search": "search", "c_n": "content"}


def read(message: Message) -> Translation:
    body = message.body.strip()
    if body.startswith(BULK):
        return _bulk(message, body)
    parameters = {name: clean(value) for name, value in message.query.items()}
    for name, value in _parsed(body.decode(errors="replace")).items():
        parameters.setdefault(name, value)
    if "url" not in parameters and "urlref" not in parameters and (page := message.headers.get("Referer")):
        parameters["url"] = clean(page)  # as a picture in a page has it, where no script runs
    token = _token(parameters.get("token_auth"), in_url="token_auth" in message.query)
    return _translated([parameters], token, message.now, in_url="idsite" in message.query)


def accept(message: Message, translation: Translation, outcome: Outcome) -> Reply:
    if _is_bulk(message):
        return _bulk_reply(message, translation, outcome)
    if outcome.taken or not outcome.rejections:
        return _image(message, 200)
    return _closing(message, Reply(400, outcome.rejections[0].message.encode(), "text/plain"))


def refuse(message: Message, error: RequestError, status: int) -> Reply:
    if _is_bulk(message):
        return Reply(status, encoded({"status": "error", "tracked": 0, "invalid": 0, "message": error.message}))
    return _closing(message, Reply(status, error.message.encode(), "text/plain"))


def _is_bulk(message: Message) -> bool:
    return message.body.lstrip().startswith(BULK)


def _image(message: Message, status: int) -> Reply:
    wanted = message.query.get("send_image") or _parsed(message.body.decode(errors="replace")).get("send_image")
    return _closing(message, Reply(204) if wanted == "0" else Reply(status, GIF, "image/gif"))


def _closing(message: Message, reply: Reply) -> Reply:
    """matomo-tracker never reads what it gets, so its program would not end while the connection lasts. It sends no
    User-Agent; browsers do, and keep their connections."""
    return reply if hdrs.USER_AGENT in message.headers else replace(reply, closes=True)


def _bulk_reply(message: Message, translation: Translation, outcome: Outcome) -> Reply:
    invalid = sorted(outcome.by_place(translation))
    tracked = translation.parts - len(invalid)
    if not invalid and str(loads(message.body).get("send_image")) == "0":
        return Reply(204)
    body = {"status": "success" if tracked else "error", "tracked": tracked, "invalid": len(invalid)}
    return Reply(200 if tracked else 400, encoded({**body, "invalid_indices": invalid} if invalid else body))


def _bulk(message: Message, body: bytes) -> Translation:
    sent = loads(body)
    if not isinstance(sent, dict) or not isinstance(requests := sent.get("requests"), list) or not requests:
        raise NotJson("the body must be a JSON object with requests")
    if len(requests) > MAX_EVENTS:
        raise TooManyEvents(f"a request may hold at most {MAX_EVENTS:,} events")
    token = sent.get("token_auth")
    found = _token(token, in_url=False) or _token(message.query.get("token_auth"), in_url=True)
    return _translated([_of_one(request) for request in requests], found, message.now)


def _of_one(request: object) -> dict[str, str] | None:
    """A query, with or without what stands before it, or its parameters."""
    if isinstance(request, str):
        before, mark, query = request.partition("?")
        return _parsed(query if mark else before)
    if isinstance(request, dict):
        return {str(name): value if isinstance(value, str) else _as_text(value) for name, value in request.items()}
    return None


def _as_text(value: object) -> str:
    """As it would stand in a query."""
    if value is None or isinstance(value, bool):
        return "1" if value else ""
    try:
        return encoded(value).decode()
    except TypeError:  # nested deeper than can be encoded
        return ""


def _parsed(query: str) -> dict[str, str]:
    pairs = parse_qsl(query.partition("#")[0], keep_blank_values=False, errors="replace")
    return {name: clean(value) for name, value in reversed(pairs[:MAX_PARAMETERS])}


def _token(token: object, *, in_url: bool) -> Presented | None:
    return Presented(token, in_url=in_url) if isinstance(token, str) and token else None


def _translated(
    requests: Sequence[Mapping[str, str] | None], token: Presented | None, now: int, *, in_url: bool = False
) -> Translation:
    """By the sites that they are for."""
    by_site: dict[str, tuple[list[object], list[int]]] = {}
    for place, each in enumerate(requests):
        items, places = by_site.setdefault(each.get("idsite", "") if each else "", ([], []))
        item = _item(each, now)
        if item is not None:
            items.append(item)
            places.append(place)
    first, *others = (
        Translation(Presented(site, in_url=in_url), items, places, len(requests), token=token)
        for site, (items, places) in by_site.items()
    )
    return Translation(first.presented, first.items, first.places, first.parts, token=token, others=tuple(others))


def _item(sent: Mapping[str, str] | None, now: int) -> object | None:
    if sent is None:
        return Undecodable("invalid_type", "a request must be a query or an object of parameters", b"")
    if sent.get("rec") != "1":
        return Undecodable("missing_field", "rec is required: 1", b"")
    given = {name: _value(name, value) for name, value in sent.items() if name not in _PROTOCOL and value != ""}
    item: dict[str, Any] = {
        "user_id": given.get("uid"),
        "anonymous_id": given.get("cid") or given.get("_id"),
        "timestamp": _time(given, now),
        "user_agent": given.get("ua"),
        "address": given.get("cip"),
    }
    properties = {name: value for name, value in given.items() if name not in _COMMON}
    of_its_kind = _kind(properties)
    if of_its_kind is None:
        return None
    document = "context" if of_its_kind["type"] == "error" else "properties"
    item |= of_its_kind
    if properties:
        item[document] = properties
    return {name: value for name, value in item.items() if value is not None}


def _kind(given: dict[str, Any]) -> dict[str, Any] | None:
    """Takes from what was given what becomes a field. None for what only says that the visitor is still there."""
    goal = given.get("idgoal")
    if "cra" in given:
        return {"type": "error", "error_type": given.pop("cra_tp", "crash"), "error_message": given.pop("cra")}
    if goal == "0":
        return _order(given)
    if isinstance(goal, str) and goal.isdigit():
        return {"type": "conversion", "conversion_type": f"goal_{goal}", **_revenue(given)}
    if "e_c" in given and "e_a" in given:
        return {"type": "event", "name": f"{given['e_c']} / {given['e_a']}"}
    for parameter, name in _EVENTS.items():
        if parameter in given:
            return {"type": "event", "name": name}
    if given.get("ping") == "1":
        return None
    return {
        "type": "page_view", "page_url": given.pop("url", None), "referrer": given.pop("urlref", None),
        "title": given.pop("action_name", None),
    }  # fmt: skip


def _order(given: dict[str, Any]) -> dict[str, Any]:
    items = given.get("ec_items")
    if isinstance(items, list):
        given["ec_items"] = [dict(zip(_ITEM, each, strict=False)) if isinstance(each, list) else each for each in items]
    order = given.get("ec_id")
    if not order:
        return {"type": "event", "name": "cart"}
    return {"type": "conversion", "conversion_type": "purchase", "event_id": f"order:{order}", **_revenue(given)}


def _revenue(given: dict[str, Any]) -> dict[str, Any]:
    amount = worth(given.get("revenue"))
    if amount is not None:
        del given["revenue"]
    return amount or {}


def _value(name: str, value: str) -> Any:
    if name in _JSON:
        try:
            return loads(value.encode(errors="replace"))
        except NotJson:
            pass
    return value


def _time(given: Mapping[str, Any], now: int) -> object:
    ago = given.get("cdo", "")
    if _is_number(ago):
        return now - int(ago) * _SECOND_MS
    at = given.get("cdt")
    if at and _is_number(at) and len(at) > _DATE_DIGITS:
        return int(at) * _SECOND_MS
    return at


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


MATOMO: Final = Dialect(
    "matomo",
    tuple(Endpoint(("GET", "POST"), path, read, accept, refuse) for path in ("/matomo.php", "/piwik.php")),
)
