"""What the Measurement Protocol's clients write, what it becomes, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.dialects.ga4 import GA4
from ingest.errors import NotJson, RateLimited, TooManyEvents
from ingest.rejection import Rejection
from store.event import Conversion, Error
from tests.ingest.dialects.messages import NOW, answered, decoded, events, message

(COLLECT,) = GA4.endpoints
(DEBUG,) = GA4.settings
CLIENT: dict[str, Any] = {"client_id": "123.456"}
MICROS = (NOW - 1_000) * 1_000
ITEMS = [{"item_id": "hat", "price": 10, "quantity": 2}]


def one(name: str, /, **params: Any) -> dict[str, Any]:
    return {"name": name, "params": params}


@pytest.mark.parametrize(
    ("event", "want"),
    [
        (
            one("page_view", page_location="https://a.example/b", page_referrer="https://c.example/", page_title="B"),
            {
                "type": "page_view", "page_url": "https://a.example/b", "referrer": "https://c.example/", "title": "B",
            },
        ),
        (one("page_view", page_title="B"), {"type": "event", "name": "page_view", "properties": {"page_title": "B"}}),
        (
            one("purchase", value="20.50", currency="EUR", transaction_id="T1", items=ITEMS, session_id=17, coupon="c"),
            {
                "type": "conversion", "conversion_type": "purchase", "value": 20.5, "currency": "EUR",
                "event_id": "purchase:T1", "session_id": "123.456.17",
                "properties": {"transaction_id": "T1", "items": ITEMS, "coupon": "c"},
            },
        ),
        (
            one("purchase", value="a lot", currency="EUR"),
            {
                "type": "conversion", "conversion_type": "purchase",
                "properties": {"value": "a lot", "currency": "EUR"},
            },
        ),
        (
            one("refund", value=5, currency="EUR", transaction_id="T1"),
            {
                "type": "conversion", "conversion_type": "refund", "value": 5, "currency": "EUR",
                "properties": {"transaction_id": "T1"},
            },
        ),
        (
            one("add_to_cart", value=5, currency="EUR", engagement_time_msec=1),
            {
                "type": "event", "name": "add_to_cart",
                "properties": {"value": 5, "currency": "EUR", "engagement_time_msec": 1},
            },
        ),
        (
            one("exception", description="broken", fatal=True),
            {"type": "error", "error_type": "exception", "error_message": "broken", "context": {"fatal": True}},
        ),
        ({"name": "login"}, {"type": "event", "name": "login"}),
        ({"name": "odd", "params": [1]}, {"type": "event", "name": "odd", "properties": {"params": [1]}}),
        (
            {"name": "more", "params": {"a": 1}, "a": 2},
            {"type": "event", "name": "more", "properties": {"a": 1, "_a": 2}},
        ),
        (
            {"name": "late", "timestamp_micros": str(MICROS)},
            {"type": "event", "name": "late", "timestamp": NOW - 1_000},
        ),
    ],
)  # fmt: skip
def test_what_it_becomes(event: dict[str, Any], want: dict[str, Any]) -> None:
    sent = message({**CLIENT, "events": [event]}, {"measurement_id": "G-1", "api_secret": "s"})
    translation = COLLECT.read(sent)
    assert translation.items == [{"anonymous_id": "123.456", **want}]
    assert (translation.presented.key, translation.presented.in_url) == ("G-1", True)
    assert len(events(COLLECT, sent)) == 1


def test_what_the_message_says_of_all_its_events() -> None:
    sent = message(
        {
            "app_instance_id": "app", "user_id": "u", "timestamp_micros": MICROS, "ip_override": "203.0.113.9",
            "user_agent": "Firefox/1", "user_properties": {"plan": {"value": "pro"}}, "consent": {"ads": "DENIED"},
            "validation_behavior": "RELAXED", "events": {"name": "login", "params": {"consent": 1}},
        },
        {"firebase_app_id": "1:2:web:3"},
    )  # fmt: skip
    translation = COLLECT.read(sent)
    assert translation.presented.key == "1:2:web:3"
    assert translation.items == [
        {
            "type": "event", "name": "login", "user_id": "u", "anonymous_id": "app", "timestamp": NOW - 1_000,
            "address": "203.0.113.9", "user_agent": "Firefox/1",
            "properties": {
                "consent": 1, "user_properties": {"plan": {"value": "pro"}}, "_consent": {"ads": "DENIED"},
            },
        }
    ]  # fmt: skip


def test_a_refund_is_money_given_back() -> None:
    sale, refund = events(
        COLLECT,
        message(
            {**CLIENT, "events": [one("purchase", value=1, currency="EUR"), one("refund", value=-1, currency="EUR")]}
        ),
    )
    assert isinstance(sale, Conversion)
    assert isinstance(refund, Conversion)
    assert (sale.minor, refund.minor) == (100, -100)


def test_an_exception_is_an_error() -> None:
    (error,) = events(COLLECT, message({"events": [one("exception", description=7)]}))
    assert isinstance(error, Error)
    assert error.message == "7"


def test_sessions_of_two_clients_that_began_in_one_second_are_two() -> None:
    found = {
        events(COLLECT, message({"client_id": client, "events": [one("login", session_id=17)]}))[0].session
        for client in ("a", "b")
    }
    assert len(found) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": 1}'])
def test_what_is_no_message(body: bytes) -> None:
    with pytest.raises(NotJson):
        COLLECT.read(message(body))
    (said,) = decoded(DEBUG.answer(message(body)))["validationMessages"]
    assert said["validationCode"] == "VALUE_INVALID"


def test_too_many_events() -> None:
    with pytest.raises(TooManyEvents):
        COLLECT.read(message({"events": [one("login")] * 26}))


def test_the_replies() -> None:
    sent = message({**CLIENT, "events": [one("a"), one("b")]})
    assert (answered(COLLECT, sent).status, answered(COLLECT, sent).body) == (204, b"")
    assert answered(COLLECT, message({"events": []})).status == 204
    rejection = Rejection(1, "missing_field", "name is required")
    said = {"fieldPath": "events[1].name", "description": "name is required", "validationCode": "VALUE_REQUIRED"}
    reply = answered(COLLECT, sent, {1: rejection})
    assert (reply.status, decoded(reply)) == (200, {"validationMessages": [said]})
    assert answered(COLLECT, sent, {0: rejection, 1: rejection}).status == 400
    reply = COLLECT.refuse(sent, RateLimited(1), 429)
    assert (reply.status, decoded(reply)["validationMessages"][0]["validationCode"]) == (429, "VALUE_INVALID")


@pytest.mark.parametrize(
    ("events", "want"),
    [
        ([one("fine")], []),
        ([one("login")] * 26, [("events", "EXCEEDED_MAX_ENTITIES")]),
        ([one("_bad"), one("purchase")], [("events[0].name", "NAME_INVALID")]),
        ([{"params": {}}], [("events[0].name", "VALUE_REQUIRED")]),
        ([1], [("events[0]", "VALUE_INVALID")]),
        ([one("page_view", page_location="nowhere")], [("events[0].params.page_location", "VALUE_INVALID")]),
        ([{**one("old"), "timestamp_micros": 1}], [("events[0].timestamp_micros", "VALUE_OUT_OF_BOUNDS")]),
        ([one("big", text="x" * 9_000)], [("events[0]", "VALUE_OUT_OF_BOUNDS")]),
    ],
)
def test_what_validation_says(events: list[Any], want: list[tuple[str, str]]) -> None:
    reply = DEBUG.answer(message({**CLIENT, "events": events}))
    assert reply.status == 200
    found = [(said["fieldPath"], said["validationCode"]) for said in decoded(reply)["validationMessages"]]
    assert found == want
