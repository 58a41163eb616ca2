"""What Umami's clients write, what it becomes, and what they are told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from ingest.dialects.umami import UMAMI
from ingest.errors import NotJson, Overloaded
from ingest.rejection import Rejection
from store.event import PageView
from tests.ingest.dialects.messages import answered, decoded, events, message

SEND, BATCH = UMAMI.endpoints
SITE = "978435e2-7ba1-4337-9860-ec31ece2db60"


def one(type_: str = "event", **payload: Any) -> dict[str, Any]:
    return {"type": type_, "payload": {"website": SITE, **payload}}


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        (
            one(hostname="shop.example", url="/a?q=1", referrer="", title="A", language="en", screen="1x1"),
            {
                "type": "page_view", "page_url": "https://shop.example/a?q=1", "referrer": "", "title": "A",
                "properties": {"language": "en", "screen": "1x1"},
            },
        ),
        (
            one(url="https://shop.example/a", referrer="https://x.example/", tag="b"),
            {
                "type": "page_view", "page_url": "https://shop.example/a", "referrer": "https://x.example/",
                "properties": {"tag": "b"},
            },
        ),
        (one(url="/", referrer="/before"), {
            "type": "page_view", "page_url": "https://localhost/", "referrer": "https://localhost/before",
        }),
        (
            one(name="signup", url="/a", hostname="shop.example", data={"plan": "pro", "url": 1}, id=7),
            {
                "type": "event", "name": "signup", "user_id": 7,
                "properties": {"plan": "pro", "url": 1, "_url": "/a", "hostname": "shop.example"},
            },
        ),
        (
            one(name="buy", data={"revenue": 19.5, "currency": "eur", "sku": 1}, timestamp=1_795_435_100),
            {
                "type": "conversion", "conversion_type": "buy", "value": 19.5, "currency": "EUR",
                "timestamp": 1_795_435_100_000, "properties": {"sku": 1},
            },
        ),
        (
            one(name="buy", data={"revenue": -1, "currency": "EUR"}),
            {"type": "event", "name": "buy", "properties": {"revenue": -1, "currency": "EUR"}},
        ),
        (one(name="odd", data=[1]), {"type": "event", "name": "odd", "properties": {"data": [1]}}),
        (
            one("identify", id="u1", data={"plan": "pro"}, ip="203.0.113.9", userAgent="Firefox/1"),
            {
                "type": "event", "name": "identify", "user_id": "u1", "address": "203.0.113.9",
                "user_agent": "Firefox/1", "properties": {"plan": "pro"},
            },
        ),
        (
            one("performance", url="/a", lcp=12.5, timestamp="1795435100"),
            {
                "type": "event", "name": "performance", "timestamp": 1_795_435_100_000,
                "properties": {"url": "/a", "lcp": 12.5},
            },
        ),
        ({"type": "event", "payload": {"pixel": "p1", "name": "open"}}, {
            "type": "event", "name": "open", "properties": {"pixel": "p1"},
        }),
    ],
)  # fmt: skip
def test_what_it_becomes(sent: dict[str, Any], want: dict[str, Any]) -> None:
    found = message(sent)
    assert SEND.read(found).items == [want]
    assert BATCH.read(message([sent])).items == [want]
    assert len(events(SEND, found)) == 1


def test_a_view_of_a_path() -> None:
    (view,) = events(SEND, message(one(url="/a?utm_source=x", hostname="Shop.Example", referrer="https://y.example")))
    assert isinstance(view, PageView)
    assert (view.url, view.utm, view.source) == ("https://shop.example/a", {"utm_source": "x"}, "y.example")


def test_a_batch_may_be_for_several_sites() -> None:
    other = {"type": "event", "payload": {"website": "other", "name": "b"}}
    translation = BATCH.read(message([one(name="a"), other, one(name="c")]))
    assert (translation.presented.key, translation.places, translation.parts) == (SITE, [0, 2], 3)
    (second,) = translation.others
    assert (second.presented.key, second.places) == ("other", [1])


@pytest.mark.parametrize(("endpoint", "body"), [(SEND, []), (SEND, "x"), (BATCH, {}), (SEND, None)])
def test_what_is_no_message(endpoint: Any, body: object) -> None:
    with pytest.raises(NotJson):
        endpoint.read(message(body))


@pytest.mark.parametrize("sent", [{}, {"type": "event"}, {"type": "event", "payload": 1}, 1, one("login")])
def test_a_part_that_is_none_spoils_no_other(sent: object) -> None:
    translation = BATCH.read(message([sent, one(name="good")]))
    assert [place for each in (translation, *translation.others) for place in each.places] in ([0, 1], [1, 0])


def test_the_reply_to_one() -> None:
    sent = message(one(name="a"))
    first, again = decoded(answered(SEND, sent)), decoded(answered(SEND, sent))
    assert first == again
    assert set(first) == {"cache", "sessionId", "visitId"}
    known = str(UUID(int=7))
    assert decoded(answered(SEND, message(one(name="a"), x_umami_cache=known)))["sessionId"] == known
    assert decoded(answered(SEND, message(one(name="a"), x_umami_cache="made up")))["cache"] != "made up"
    reply = answered(SEND, sent, {0: Rejection(0, "missing_field", "name is required")})
    error = {"message": "name is required", "code": "missing_field", "status": 400}
    assert (reply.status, decoded(reply)) == (400, {"error": error})


def test_the_reply_to_many() -> None:
    sent = message([one(name="a"), one(name=""), one(name="c")])
    reply = answered(BATCH, sent)
    assert (reply.status, decoded(reply)) == (200, {"size": 3, "processed": 3, "errors": 0, "details": []})
    rejection = Rejection(1, "missing_field", "page_url is required")
    reply = answered(BATCH, sent, {1: rejection})
    error = {"message": rejection.message, "code": rejection.code, "status": 400}
    assert reply.status == 200
    assert decoded(reply) == {
        "size": 3, "processed": 2, "errors": 1, "details": [{"index": 1, "response": {"error": error}}],
    }  # fmt: skip
    assert answered(BATCH, sent, dict.fromkeys(range(3), rejection)).status == 400
    assert decoded(answered(BATCH, message([])))["size"] == 0


def test_a_refusal_names_its_status() -> None:
    reply = SEND.refuse(message(b""), Overloaded("memory", 1), 503)
    assert (reply.status, decoded(reply)["error"]["code"], decoded(reply)["error"]["status"]) == (
        503,
        "overloaded",
        503,
    )
