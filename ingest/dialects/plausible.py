"""Plausible: `POST /api/event`, as its script and its npm packages send it. https://plausible.io/docs/events-api

    domain, d            the site's alias, without www.; there is no key. Several, separated by commas, get the event
                         each. Where there is none, the host of the address
    name, n              `pageview` is a page view; a goal with revenue a conversion; any other goal, and what the
                         script says of engagement, an event
    url, u               page_url of a page view, with the fragment in its path where hash mode is on; else a property
    referrer, r          referrer of a page view; else a property
    props, p, meta, m    an object, or its JSON    properties
    revenue, $           {amount, currency}        value and currency
    all else                                       properties

Whoever sends from a server names the visitor by `User-Agent` and `X-Forwarded-For`, so the visitor is the day's
cookieless one. 202 `ok`; what was not taken is named in `errors`, and counted in `x-plausible-dropped`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from ..rejection import Rejection
from .amount import worth
from .fitting import beside, kept
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded, loads

PAGE_VIEW: Final = "pageview"
DROPPED: Final = "x-plausible-dropped"
MAX_DOMAINS: Final = 50  # that one event is for

_NAMES: Final = {
    "n": "name", "u": "url", "d": "domain", "r": "referrer", "p": "props", "m": "props", "meta": "props",
    "$": "revenue", "i": "interactive", "h": "hash_mode", "hashMode": "hash_mode", "w": "screen_width",
    "sd": "scroll_depth", "e": "engagement_time", "v": "version",
}  # fmt: skip
_TRANSLATED: Final = ("name", "domain", "props")
# Theirs for ours, for a person who looks for what is wrong with a request.
_FIELDS: Final = {"page_url": "url", "name": "event_name", "conversion_type": "event_name", "value": "revenue"}


def read(message: Message) -> Translation:
    sent = loads(message.body)
    if not isinstance(sent, dict):
        raise NotJson("the body must be a JSON object")
    fields: dict[str, Any] = {}
    for name, value in sent.items():
        if value is not None:
            fields.setdefault(_NAMES.get(str(name), str(name)), value)
    item, domains = _item(fields), _domains(fields)
    if len(domains) > 1 and "properties" in item:
        item["properties"] = kept(item["properties"])
    first, *others = (
        Translation(Presented(domain), [item], [place], len(domains)) for place, domain in enumerate(domains)
    )
    return replace(first, others=tuple(others))


def accept(_: Message, __: Translation, outcome: Outcome) -> Reply:
    failed: list[Rejection | RequestError] = [*outcome.rejections, *outcome.refused.values()]
    headers = {DROPPED: str(len(failed))} if failed else {}
    if outcome.taken:
        return Reply(202, b"ok", "text/plain", headers)
    return Reply(400, _errors(failed), headers=headers)


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return Reply(status, _errors([error]), headers={DROPPED: "1"})


def _errors(failed: Iterable[Rejection | RequestError]) -> bytes:
    errors: dict[str, list[str]] = {}
    for each in failed:
        field = each.message.partition(" ")[0] if isinstance(each, Rejection) else each.code
        errors.setdefault(_FIELDS.get(field, field), []).append(each.message)
    return encoded({"errors": errors})


def _domains(fields: dict[str, Any]) -> list[str]:
    """At least one, be it ''."""
    named = fields.get("domain")
    if not isinstance(named, str) or not named.strip():
        try:
            named = urlsplit(str(fields.get("url"))).hostname or ""
        except ValueError:
            named = ""
    found = [domain.strip().removeprefix("www.") for domain in named.split(",", MAX_DOMAINS)[:MAX_DOMAINS]]
    return list(dict.fromkeys(filter(None, found))) or [""]


def _item(fields: dict[str, Any]) -> dict[str, Any]:
    name, props = fields.get("name"), _object(fields.get("props"))
    rest = {field: value for field, value in fields.items() if field not in _TRANSLATED}
    if props is None:
        props, rest["props"] = {}, fields["props"]
    if rest.get("revenue") == {}:  # the script sends an empty one for a link that names none
        del rest["revenue"]
    revenue = _object(rest.get("revenue")) or {}
    item: dict[str, Any]
    if name == PAGE_VIEW:
        item = {"type": "page_view", "page_url": _page(rest), "referrer": rest.pop("referrer", None)}
    elif (amount := worth(revenue.get("amount"), revenue.get("currency"))) is not None:
        del rest["revenue"]
        item = {"type": "conversion", "conversion_type": name, **amount}
    else:
        item = {"type": "event", "name": name}
    properties = beside(props, rest)
    return {**item, "properties": properties} if properties else item


def _page(rest: dict[str, Any]) -> object:
    """In hash mode the fragment says which page it is, and a page's address is kept without one."""
    url = rest.pop("url", None)
    hashed = rest.get("hash_mode") in (1, True, "1", "true")
    return url.replace("#", "%23", 1) if hashed and isinstance(url, str) else url


def _object(value: object) -> dict[str, Any] | None:
    """Also as some versions send it: as JSON in a string. None for what is no object."""
    if isinstance(value, str):
        try:
            value = loads(value.encode(errors="replace"))
        except NotJson:
            return None
    return {} if value is None else dict(value) if isinstance(value, dict) else None


PLAUSIBLE: Final = Dialect("plausible", (Endpoint(("POST",), "/api/event", read, accept, refuse),))
