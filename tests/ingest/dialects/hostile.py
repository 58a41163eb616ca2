"""Messages of every dialect, and what somebody with bad intentions or a broken client makes of them. Seeded."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from msgspec import Struct

AT: Final = "2026-11-23T15:59:00Z"

EVENT: Final = {
    "type": "track", "event": "x", "messageId": "m", "userId": "u", "anonymousId": "a", "timestamp": AT,
    "properties": {"revenue": 5, "currency": "EUR", "url": "https://s.example/", "nested": {"a": [1]}},
    "traits": {"a": 1}, "groupId": "g", "previousId": "p", "name": "n", "integrations": {"All": True},
    "context": {"userAgent": "x", "sessionId": 1, "page": {"url": "https://s.example/"}, "campaign": {"source": "m"}},
}  # fmt: skip
POSTHOG: Final = {
    "event": "$pageview", "distinct_id": "u", "uuid": "0199", "timestamp": "2026-11-23T15:59:00Z", "offset": 5,
    "session_id": "s", "window_id": "w", "options": {"disable_skew_correction": True}, "$set": {"a": 1},
    "properties": {
        "token": "K", "$current_url": "https://s.example/", "$referrer": "$direct", "title": "t", "revenue": 1,
        "$exception_list": [{"type": "E", "value": "v", "stacktrace": {"frames": [{"filename": "f"}]}}],
    },
}  # fmt: skip
SENTRY: Final = {
    "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": 1795449540.5, "level": "error", "message": "m",
    "exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [{"function": "f", "in_app": 1}]}}]},
    "logentry": {"message": "m", "formatted": "f"}, "user": {"id": 1, "email": "e"}, "tags": {"a": "b"},
    "extra": {"c": 1}, "request": {"url": "u", "headers": {"User-Agent": "x"}}, "sdk": {"name": "n", "version": "v"},
}  # fmt: skip
PLAUSIBLE: Final = {
    "name": "pageview", "url": "https://s.example/", "domain": "K", "referrer": "r", "props": {"a": 1},
    "revenue": {"amount": 1, "currency": "EUR"}, "interactive": True, "h": 1,
}  # fmt: skip
UMAMI: Final = {
    "type": "event",
    "payload": {
        "website": "K", "hostname": "h", "url": "/a", "referrer": "r", "title": "t", "language": "l", "screen": "1x1",
        "name": "n", "data": {"revenue": 1, "currency": "EUR"}, "id": "i", "timestamp": 1795449540,
    },
}  # fmt: skip
GA4: Final = {
    "client_id": "c", "user_id": "u", "timestamp_micros": "1795449540000000", "user_properties": {"a": {"value": 1}},
    "events": [
        {"name": "purchase", "params": {"value": 1, "currency": "EUR", "transaction_id": "t", "items": [{"a": "i"}]}},
        {"name": "page_view", "params": {"page_location": "https://s.example/", "session_id": 1}},
    ],
}  # fmt: skip
MATOMO: Final = {
    "idsite": "K", "rec": "1", "url": "https://s.example/", "action_name": "a", "_id": "0123456789abcdef", "uid": "u",
    "urlref": "r", "e_c": "c", "e_a": "a", "e_n": "n", "e_v": "1", "idgoal": "1", "revenue": "5", "cdt": "1795449540",
    "ec_id": "o", "ec_items": "[]", "search": "s", "link": "l", "cip": "1.2.3.4", "ua": "x", "send_image": "0",
}  # fmt: skip


class Sample(Struct, frozen=True):
    """A message that is right. dialect, and a word of the addresses that it may be sent to. packed: in an envelope."""

    dialect: str
    word: str
    body: Any = None
    query: Mapping[str, str] = {}
    packed: bool = False


SAMPLES: Final = (
    Sample("segment", "batch", {"writeKey": "K", "sentAt": AT, "batch": [EVENT], "context": {"ip": "i"}}),
    Sample("segment", "batch", {"writeKey": "K", "batch": [{**EVENT, "type": "page"}, {**EVENT, "type": "identify"}]}),
    Sample("segment", "/v1/track", {"writeKey": "K", **EVENT}),
    Sample("segment", "/v1/page", {"writeKey": "K", **EVENT}),
    Sample("posthog", "", {"api_key": "K", "sent_at": "2026-11-23T15:59:00Z", "batch": [POSTHOG]}),
    Sample("posthog", "", [POSTHOG, {**POSTHOG, "event": "$exception"}]),
    Sample("posthog", "", {"created_at": "x", "batch": [POSTHOG, {**POSTHOG, "event": "bought"}]}),
    Sample("sentry", "envelope", SENTRY, packed=True),
    Sample("sentry", "store", SENTRY),
    Sample("plausible", "", PLAUSIBLE),
    Sample("plausible", "", {**PLAUSIBLE, "name": "Goal", "domain": "K,L"}),
    Sample("umami", "send", UMAMI),
    Sample("umami", "batch", [UMAMI, {**UMAMI, "type": "identify"}]),
    Sample("ga4", "", GA4, {"measurement_id": "K", "api_secret": "s"}),
    Sample("matomo", "", None, MATOMO),
    Sample("matomo", "", {"requests": ["?idsite=K&rec=1&url=https://s.example/", MATOMO], "token_auth": "t"}),
)

_DEEP: Final = json.loads("[" * 400 + "]" * 400)
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 5, 2**63, 2**64 - 1, -(2**63), 2**80, 1e308, -0.0, float("nan"), float("inf"), "", " ",
    "x" * 10_000, "\x00\x7f\ud83e", "NaN", "1e999", "-5", "http://[", "https://", "//", "?", "?a=%ff&b", "{", "[1]",
    '{"a":1}', "2099-01-01T00:00:00Z", "0001-01-01", "K,L,", [], {}, [[]], [None], [{}], {"": ""}, {"a": None},
    {"type": {}},
    [1] * 1000, {str(number): number for number in range(500)}, _DEEP, {"values": _DEEP}, {"x" * 5000: "y" * 9000},
)  # fmt: skip


def one_by_one() -> Iterator[tuple[Sample, bytes, dict[str, str]]]:
    """(sample, body, query): each sample with each of its values replaced by each of the hostile ones."""
    for sample in SAMPLES:
        for name in sample.query:
            for value in _VALUES:
                yield sample, b"", {**sample.query, name: _parameter(value)}
        for path in _paths(sample.body, ()):
            for value in _VALUES:
                changed = [deepcopy(sample.body)]
                *to_it, last = (0, *path)
                parent: Any = changed
                for key in to_it:
                    parent = parent[key]
                parent[last] = value
                yield sample, _encoded(sample, changed[0]), dict(sample.query)


def at_random(seed: int, count: int) -> Iterator[tuple[Sample, bytes, dict[str, str]]]:
    """The same after several changes, fields gone or misnamed and bytes damaged among them."""
    draw = random.Random(seed)
    for number in range(count):
        sample = SAMPLES[number % len(SAMPLES)]
        query = {name: value for name, value in sample.query.items() if draw.random() < 0.9}
        for name in draw.sample(sorted(query), k=min(len(query), draw.randrange(4))):
            query[name] = _parameter(draw.choice(_VALUES))
        changed = [deepcopy(sample.body)]
        for _ in range(draw.choice((0, 1, 2, 3, 5))):
            _change(changed, draw)
        body = _encoded(sample, changed[0], ascii_only=draw.random() < 0.5, length=draw.choice((None, 0, 5, -1, 10**9)))
        if body and draw.random() < 0.15:
            at = draw.randrange(len(body))
            body = draw.choice((body[:at], body[:at] + bytes([draw.randrange(256)]) + body[at + 1 :], body[at:]))
        yield sample, body, query


def _paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if value is not None:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from _paths(member, (*path, key))


def _encoded(sample: Sample, body: Any, *, ascii_only: bool = True, length: int | None = None) -> bytes:
    if body is None and sample.body is None:
        return b""
    text = json.dumps(body, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    if not sample.packed:
        return text
    header = json.dumps({"type": "event"} | ({"length": length} if length is not None else {})).encode()
    return b'{"sent_at":"2026-11-23T15:59:00Z"}\n%b\n%b\n' % (header, text)


def _parameter(value: Any) -> str:
    return str(value).encode(errors="replace").decode()[:200]


def _change(holder: list[Any], draw: random.Random) -> None:
    """One value somewhere below is replaced, goes, or gets another name."""
    parent: Any = holder
    key: Any = 0
    while isinstance(value := parent[key], dict | list) and value and draw.random() < 0.8:
        parent = value
        key = draw.choice(list(value)) if isinstance(value, dict) else draw.randrange(len(value))
    if isinstance(parent, dict) and draw.random() < 0.2:
        kept = parent.pop(key)
        if draw.random() < 0.5:
            parent[draw.choice(("", "x" * 300, "type", "properties", "_", "\ud83e"))] = kept
    else:
        parent[key] = deepcopy(draw.choice(_VALUES))
