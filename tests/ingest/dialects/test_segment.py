"""Segment's events to ours, and the replies in its words."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from ingest.decode import Undecodable
from ingest.dialects.segment import accept, read_batch, reader, refuse, settings
from ingest.dialects.wire import Outcome, Translation
from ingest.errors import NotJson, RateLimited
from ingest.rejection import Rejection
from store.event import Conversion, Custom, PageView
from store.site import Presented
from tests.ingest.dialects.translating import AT, AT_MS, admitted, message, without_nothing

COMMON = {"messageId": "m1", "userId": "u", "timestamp": AT}
OURS = {"event_id": "m1", "user_id": "u", "timestamp": AT, "user_agent": ""}
URL = "https://shop.example/a?q=1"
DONE = "Order Completed"


def read(*events: dict[str, Any], **members: Any) -> Translation:
    return read_batch(message({"batch": list(events), "writeKey": "K", **members}))


def item(event: dict[str, Any], **members: Any) -> Any:
    return without_nothing(read({**COMMON, **event}, **members).items[0])


def track(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties}


@pytest.mark.parametrize(
    ("event", "want"),
    [
        (track("Signed Up", plan="pro"), {"type": "event", "name": "Signed Up", "properties": {"plan": "pro"}}),
        ({"type": "track", "event": "Bare"}, {"type": "event", "name": "Bare"}),
        (
            {"type": "track", "event": "Odd", "properties": [1]},
            {"type": "event", "name": "Odd", "properties": {"properties": [1]}},
        ),
        (
            {"type": "track", "event": "Rich", "properties": {"context": 1}, "context": {"os": {"name": "x"}}},
            {"type": "event", "name": "Rich", "properties": {"context": 1, "_context": {"os": {"name": "x"}}}},
        ),
        (
            {"type": "track", "event": "More", "integrations": {"All": True}, "channel": "server", "version": None},
            {"type": "event", "name": "More", "properties": {"integrations": {"All": True}, "channel": "server"}},
        ),
        (
            {"type": "identify", "traits": {"email": "a@b"}},
            {"type": "event", "name": "identify", "properties": {"traits": {"email": "a@b"}}},
        ),
        (
            {"type": "identify", "context": {"traits": {"email": "a@b"}, "library": {"name": "rudder"}}},
            {
                "type": "event",
                "name": "identify",
                "properties": {"traits": {"email": "a@b"}, "context": {"library": {"name": "rudder"}}},
            },
        ),
        (
            {"type": "group", "groupId": "g", "traits": {"size": 3}},
            {"type": "event", "name": "group", "properties": {"traits": {"size": 3}, "group_id": "g"}},
        ),
        (
            {"type": "alias", "previousId": "old"},
            {"type": "event", "name": "alias", "properties": {"previous_id": "old"}},
        ),
        (
            {"type": "screen", "name": "Home", "category": "Top", "properties": {"x": 1}},
            {"type": "event", "name": "screen", "properties": {"x": 1, "name": "Home", "category": "Top"}},
        ),
        (
            {"type": "page", "properties": {"url": "app://home"}, "context": {"page": {"url": "/a"}}},
            {
                "type": "event",
                "name": "page",
                "properties": {"url": "app://home", "context": {"page": {"url": "/a"}}},
            },
        ),
        (
            {"type": "page", "name": "Docs", "properties": {"x": 1}},
            {"type": "event", "name": "page", "properties": {"x": 1, "name": "Docs"}},
        ),
    ],
)
def test_what_each_type_becomes(event: dict[str, Any], want: dict[str, Any]) -> None:
    assert item(event) == {**OURS, **want}


@pytest.mark.parametrize(
    ("event", "want"),
    [
        (
            {"properties": {"url": URL, "referrer": "https://g.example/", "title": "A", "path": "/a", "x": 1}},
            {"page_url": URL, "referrer": "https://g.example/", "title": "A", "properties": {"x": 1}},
        ),
        (
            {
                "name": "Docs",
                "context": {"page": {"url": URL, "path": "/a", "search": "?q=1", "title": "T"}, "locale": "de"},
            },
            {"page_url": URL, "title": "T", "properties": {"name": "Docs", "context": {"locale": "de"}}},
        ),
        (
            {"name": "Docs", "properties": {"url": URL, "name": "Docs"}},
            {"page_url": URL, "title": "Docs", "properties": {"name": "Docs"}},
        ),
        (
            {
                "properties": {"url": URL + "#x"},
                "context": {"campaign": {"name": "spring", "source": "mail", "term": 1}},
            },
            {"page_url": URL + "&utm_campaign=spring&utm_source=mail#x", "title": ""},
        ),
        (
            {"properties": {"url": "https://s.example/"}, "context": {"campaign": {"source": "mail"}}},
            {"page_url": "https://s.example/?utm_source=mail", "title": ""},
        ),
        (
            {
                "properties": {"url": "/a"},
                "context": {"page": {"url": URL}, "campaign": {"source": "\ud83e", "x\ud83e": "y"}},
            },
            {"page_url": URL + "&utm_source=%EF%BF%BD&utm_x%EF%BF%BD=y", "title": ""},
        ),
        (
            {"properties": {"url": URL + "&utm_source=x"}, "context": {"campaign": {"source": "mail"}}},
            {
                "page_url": URL + "&utm_source=x",
                "title": "",
                "properties": {"context": {"campaign": {"source": "mail"}}},
            },
        ),
    ],
)
def test_page_views(event: dict[str, Any], want: dict[str, Any]) -> None:
    assert item({"type": "page", **event}) == {**OURS, "type": "page_view", "referrer": "", **want}


@pytest.mark.parametrize(
    ("event", "type_", "minor", "currency", "properties"),
    [
        (track(DONE, revenue=19.99, currency="eur", order_id="1"), DONE, 1999, "EUR", {"order_id": "1"}),
        (track(DONE, revenue="19.99"), DONE, 1999, "USD", {}),
        (track(DONE, total=20, tax=1), DONE, 2000, "USD", {"tax": 1}),
        (track(DONE, revenue=10, total=20), DONE, 1000, "USD", {"total": 20}),
        (track(DONE), DONE, 0, "USD", {}),
        (track(DONE, revenue="a lot"), DONE, 0, "USD", {"revenue": "a lot"}),
        (track(DONE, revenue=5, currency="XYZ"), DONE, 0, "USD", {"revenue": 5, "currency": "XYZ"}),
        (track(DONE, revenue=1e300), DONE, 0, "USD", {"revenue": 1e300}),
        (track("Renewed", revenue=19.999), "Renewed", 2000, "USD", {}),
        (track("Renewed", revenue=0), "Renewed", 0, "USD", {}),
        (track("Order Refunded", total=20), "refund", -2000, "USD", {"event": "Order Refunded"}),
        (track("Cancelled", revenue=-5, event=1), "refund", -500, "USD", {"event": 1, "_event": "Cancelled"}),
    ],
)  # fmt: skip
def test_sales(event: dict[str, Any], type_: str, minor: int, currency: str, properties: dict[str, Any]) -> None:
    (found,) = admitted(read({**COMMON, **event})).events
    assert isinstance(found, Conversion)
    assert (found.conversion_type, found.minor, found.currency) == (type_, minor, currency)
    assert json.loads(found.properties) == properties


@pytest.mark.parametrize("revenue", [None, True, "free", float("nan"), float("inf"), [1], "9" * 100])
def test_what_is_no_amount_makes_no_sale(revenue: object) -> None:
    (found,) = admitted(read({**COMMON, **track("Tried", revenue=revenue)})).events
    assert isinstance(found, Custom)


def test_who_and_when_and_with_what() -> None:
    event = {
        "type": "page", "messageId": "m", "anonymousId": "anon", "timestamp": AT, "properties": {"url": URL},
        "context": {"userAgent": "Mozilla/5.0 Firefox/140.0", "sessionId": 170, "ip": "203.0.113.9"},
    }  # fmt: skip
    (found,) = admitted(read(event)).events
    assert isinstance(found, PageView)
    assert (found.user, found.session, found.agent.browser, found.at) == ("anon", "170", "firefox", AT_MS)
    assert found.dedup
    assert "203.0.113.9" not in repr(found)


def test_the_sender_s_clock_is_corrected() -> None:
    behind = {**COMMON, **track("x"), "timestamp": "2026-11-23T14:59:00Z"}
    (found,) = admitted(read(behind, sentAt="2026-11-23T15:00:00Z")).events
    assert found.at == AT_MS
    (found,) = admitted(read({**behind, "sentAt": "2026-11-23T15:00:00Z"})).events
    assert found.at == AT_MS
    (found,) = admitted(read({**COMMON, **track("x"), "timestamp": None, "originalTimestamp": AT})).events
    assert found.at == AT_MS


def test_the_context_of_a_batch_is_that_of_its_events() -> None:
    event = {**track("x"), "context": {"locale": "de"}}
    found = item(event, context={"locale": "en", "app": {"name": "shop"}})
    assert found["properties"] == {"context": {"locale": "de", "app": {"name": "shop"}}}


@pytest.mark.parametrize("event", [{"type": "delete"}, {}, {"type": ["track"]}, {"type": None}])
def test_a_type_that_is_none_is_refused_by_its_name(event: dict[str, Any]) -> None:
    found = item({**event, "context": {"ip": "203.0.113.9"}})
    assert isinstance(found, Undecodable)
    assert found.code == "unknown_type"
    assert "identify" in found.message
    assert b"203.0.113.9" not in found.excerpt


def test_one_event_at_an_address_of_its_type() -> None:
    translation = reader("track")(message({"event": "x", "writeKey": "K", "userId": "u", "type": "page", "sentAt": AT}))
    assert translation.presented == Presented("K")
    assert translation.sent_at == AT
    assert without_nothing(translation.items[0]) == {"type": "event", "name": "x", "user_id": "u", "user_agent": ""}


@pytest.mark.parametrize(
    ("headers", "query", "body", "want"),
    [
        ({"Authorization": "Basic " + b64encode(b"K:").decode()}, {}, {}, Presented("K")),
        ({"Authorization": "Basic ???"}, {}, {"writeKey": "B"}, Presented("B")),
        ({"Authorization": "Bearer T"}, {}, {"writeKey": "B"}, Presented("B")),
        ({"Authorization": "Bearer T"}, {}, {}, Presented("T")),
        ({}, {"writeKey": "Q"}, {}, Presented("Q", in_url=True)),
        ({}, {}, {"writeKey": 5}, Presented("")),
    ],
)
def test_where_the_key_may_stand(
    headers: dict[str, str], query: dict[str, str], body: dict[str, Any], want: Presented
) -> None:
    assert read_batch(message({"batch": [], **body}, headers, query)).presented == want


@pytest.mark.parametrize("body", [b"", b"{", [], {}, {"batch": {}}, 5, None])
def test_what_is_no_batch(body: object) -> None:
    with pytest.raises(NotJson):
        read_batch(message(body))


REJECTION = Rejection(1, "missing_field", "name is required")
REJECTED = [{"index": 1, "code": "missing_field", "message": "name is required"}]


@pytest.mark.parametrize(
    ("outcome", "status", "want"),
    [
        (Outcome(0), 200, {"success": True}),
        (Outcome(2), 200, {"success": True}),
        (Outcome(1, [REJECTION]), 200, {"success": True, "rejected": REJECTED}),
        (
            Outcome(0, [REJECTION]),
            400,
            {"success": False, "code": "missing_field", "message": "name is required", "rejected": REJECTED},
        ),
    ],
)
def test_replies(outcome: Outcome, status: int, want: dict[str, Any]) -> None:
    reply = accept(message({}), Translation(Presented(""), [], [], 0), outcome)
    assert (reply.status, json.loads(reply.body)) == (status, want)


def test_a_refusal_has_code_and_message_or_clients_try_again_what_is_final() -> None:
    reply = refuse(message({}), RateLimited(2), 429)
    assert reply.status == 429
    assert reply.says_when
    assert set(json.loads(reply.body)) == {"success", "code", "message"}


def test_settings_name_the_place_to_send_to() -> None:
    found = json.loads(settings(message(b"", {"Host": "hits.example:80"}, path={"key": "K"})).body)
    assert found["integrations"]["Segment.io"]["apiHost"] == "hits.example:80/v1"
    assert found["integrations"]["Segment.io"]["apiKey"] == "K"
