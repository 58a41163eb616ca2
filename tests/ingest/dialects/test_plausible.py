"""What Plausible's clients write, what it becomes, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.dialects.plausible import PLAUSIBLE
from ingest.errors import NotJson, RateLimited
from ingest.rejection import Rejection
from store.event import PageView
from tests.ingest.dialects.messages import answered, decoded, events, message

(API,) = PLAUSIBLE.endpoints
URL = "https://shop.example/a"
HERE: dict[str, Any] = {"d": "shop.example", "u": URL}


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        ({"n": "pageview", **HERE}, {"type": "page_view", "page_url": URL, "referrer": None}),
        (
            {"name": "pageview", "url": URL, "domain": "a.example", "referrer": "https://x.example/", "h": 0, "w": 9},
            {
                "type": "page_view", "page_url": URL, "referrer": "https://x.example/",
                "properties": {"hash_mode": 0, "screen_width": 9},
            },
        ),
        (
            {"n": "pageview", **HERE, "u": f"{URL}#/route", "h": 1, "p": '{"author":"me"}'},
            {
                "type": "page_view", "page_url": f"{URL}%23/route", "referrer": None,
                "properties": {"author": "me", "hash_mode": 1},
            },
        ),
        (
            {"n": "Outbound Link: Click", **HERE, "p": {"url": "https://to.example"}, "i": False},
            {
                "type": "event", "name": "Outbound Link: Click",
                "properties": {"url": "https://to.example", "_url": URL, "interactive": False},
            },
        ),
        (
            {"n": "Purchase", **HERE, "$": {"amount": "12.50", "currency": "eur"}, "m": {"sku": 7}},
            {
                "type": "conversion", "conversion_type": "Purchase", "value": 12.5, "currency": "EUR",
                "properties": {"sku": 7, "url": URL},
            },
        ),
        (
            {"n": "Purchase", **HERE, "revenue": '{"amount": 3, "currency": "USD"}'},
            {
                "type": "conversion", "conversion_type": "Purchase", "value": 3, "currency": "USD",
                "properties": {"url": URL},
            },
        ),
        (
            {"n": "Purchase", **HERE, "$": {"amount": "much", "currency": "USD"}},
            {
                "type": "event", "name": "Purchase",
                "properties": {"url": URL, "revenue": {"amount": "much", "currency": "USD"}},
            },
        ),
        ({"n": "Click", **HERE, "$": {}}, {"type": "event", "name": "Click", "properties": {"url": URL}}),
        (
            {"n": "engagement", **HERE, "sd": 60, "e": 4_000, "v": 36, "p": "no JSON"},
            {
                "type": "event", "name": "engagement",
                "properties": {
                    "url": URL, "scroll_depth": 60, "engagement_time": 4_000, "version": 36, "props": "no JSON",
                },
            },
        ),
        (
            {"n": "pageview", **HERE, "$": {"amount": 1, "currency": "USD"}, "p": [1]},
            {
                "type": "page_view", "page_url": URL, "referrer": None,
                "properties": {"revenue": {"amount": 1, "currency": "USD"}, "props": [1]},
            },
        ),
    ],
)  # fmt: skip
def test_what_it_becomes(sent: dict[str, Any], want: dict[str, Any]) -> None:
    found = message(sent)
    assert API.read(found).items == [want]
    assert len(events(API, found)) == 1


def test_in_hash_mode_each_route_is_a_page() -> None:
    (view,) = events(API, message({"n": "pageview", **HERE, "u": f"{URL}#/route", "h": 1}))
    assert isinstance(view, PageView)
    assert view.url == f"{URL}%23/route"


@pytest.mark.parametrize(
    ("domain", "want"),
    [
        ("a.example", ["a.example"]),
        (" www.a.example , b.example,,a.example", ["a.example", "b.example"]),
        (None, ["shop.example"]),
        (" ", ["shop.example"]),
    ],
)
def test_whose_event_it_is(domain: str | None, want: list[str]) -> None:
    translation = API.read(message({"n": "pageview", "u": URL, "d": domain}))
    assert [each.presented.key for each in (translation, *translation.others)] == want


def test_an_event_without_any_site_is_nobodys() -> None:
    assert API.read(message({"n": "pageview", "u": "http://[", "d": ""})).presented.key == ""


def test_what_many_sites_get_is_cut_once() -> None:
    sent = {"n": "goal", "u": URL, "p": {"big": "x" * 9_000}}
    (alone,) = API.read(message({**sent, "d": "a.example"})).items
    (shared,) = API.read(message({**sent, "d": "a.example,b.example"})).items
    assert "big" in alone["properties"]  # type: ignore[index]
    assert shared["properties"] == {"url": URL, "not_kept": ["big"]}  # type: ignore[index]


def test_at_most_fifty_sites() -> None:
    translation = API.read(message({"n": "pageview", "d": ",".join(f"{each}.example" for each in range(90))}))
    assert len(translation.others) == 49


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"'])
def test_what_is_no_event(body: bytes) -> None:
    with pytest.raises(NotJson):
        API.read(message(body))


def test_the_replies() -> None:
    sent = message({"n": "pageview", **HERE})
    reply = answered(API, sent)
    assert (reply.status, reply.body, reply.headers) == (202, b"ok", {})
    reply = answered(API, sent, {0: Rejection(0, "invalid_url", "page_url must have a valid host")})
    assert (reply.status, reply.headers) == (400, {"x-plausible-dropped": "1"})
    assert decoded(reply) == {"errors": {"url": ["page_url must have a valid host"]}}
    error = RateLimited(2)
    reply = API.refuse(sent, error, 429)
    assert (reply.status, decoded(reply)) == (429, {"errors": {"rate_limited": [error.message]}})
