"""Plausible: `POST /api/event`, as its script and its npm packages send it. https://plausible.io/docs/events-api

    domain, d            the site's alias; there is no key. Several, separated by commas: the first that is ours
    name, n              `pageview` is a page view; a goal with revenue a conversion; any other goal an event
    url, u               referrer, r               page_url and referrer of a page view; of a goal, properties
    props, p, meta, m    an object, or its JSON    properties
    revenue, $           {amount, currency}        value and currency
    interactive, i       hash mode, h              properties

Whoever sends from a server names the visitor by `User-Agent` and `X-Forwarded-For`, so the visitor is the day's
cookieless one. 202 `ok`; what was not taken is named in `errors`, and counted in `x-plausible-dropped`.
"""

from __future__ import annotations

from typing import Any, Final

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded, loads

PAGE_VIEW: Final = "pageview"
DROPPED: Final = "x-plausible-dropped"

_NAMES: Final = {
    "n": "name", "u": "url", "d": "domain", "r": "referrer", "p": "props", "m": "props", "meta": "props",
    "$": "revenue", "i": "interactive", "h": "hash_mode",
}  # fmt: skip


def read(message: Message) -> Translation:
    sent = loads(message.body)
    if not isinstance(sent, dict):
        raise NotJson("the body must be a JSON object")
    fields: dict[str, Any] = {_NAMES.get(name, name): value for name, value in sent.items() if value is not None}
    domain = fields.get("domain")
    key = domain.partition(",")[0].strip() if isinstance(domain, str) else ""
    return Translation(Presented(key), [_item(fields)], [0], 1)


def accept(_: Message, __: Translation, outcome: Outcome) -> Reply:
    if outcome.taken:
        return Reply(202, b"ok", "text/plain")
    errors = {rejection.code: [rejection.message] for rejection in outcome.rejections}
    return Reply(400, encoded({"errors": errors}), headers={DROPPED: str(len(outcome.rejections))})


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return Reply(status, encoded({"errors": {error.code: [error.message]}}), headers={DROPPED: "1"})


def _item(fields: dict[str, Any]) -> object:
    name, url = fields.get("name"), fields.get("url")
    properties = _properties(fields.get("props"))
    properties |= {field: fields[field] for field in ("interactive", "hash_mode") if field in fields}
    if name == PAGE_VIEW:
        return {
            "type": "page_view", "page_url": url, "referrer": fields.get("referrer"), "properties": properties or None,
        }  # fmt: skip
    properties |= {field: fields[field] for field in ("url", "referrer") if field in fields}
    revenue = _properties(fields.get("revenue"))
    if revenue:
        return {
            "type": "conversion", "conversion_type": name, "value": revenue.get("amount"),
            "currency": revenue.get("currency"), "properties": properties,
        }  # fmt: skip
    return {"type": "event", "name": name, "properties": properties}


def _properties(value: object) -> dict[str, Any]:
    """An object, also as some versions send it: as JSON in a string."""
    if isinstance(value, str):
        try:
            value = loads(value.encode(errors="replace"))
        except NotJson:
            return {}
    return dict(value) if isinstance(value, dict) else {}


PLAUSIBLE: Final = Dialect("plausible", (Endpoint(("POST",), "/api/event", read, accept, refuse),))
