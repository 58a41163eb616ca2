"""What Matomo's clients write, what it becomes, and what they are told."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from ingest.dialects.matomo import MATOMO
from ingest.dialects.wire import Message
from ingest.errors import NotJson, RateLimited, TooManyEvents
from ingest.rejection import Rejection
from tests.ingest.dialects.messages import NOW, answered, decoded, events, message

PHP, PIWIK = MATOMO.endpoints
URL = "https://shop.example/a"
REC = {"idsite": "1", "rec": "1"}


def bulk(*requests: object, **members: Any) -> Message:
    return message({"requests": list(requests), **members})


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        (
            {"url": URL, "urlref": "https://x.example/", "action_name": "A", "dimension2": "d", "rand": "7"},
            {
                "type": "page_view", "page_url": URL, "referrer": "https://x.example/", "title": "A",
                "properties": {"dimension2": "d"},
            },
        ),
        (
            {"url": URL, "cvar": '{"1":["a","b"]}', "_cvar": "no JSON", "uid": "u", "_id": "i", "send_image": "0"},
            {
                "type": "page_view", "page_url": URL, "user_id": "u", "anonymous_id": "i",
                "properties": {"cvar": {"1": ["a", "b"]}, "_cvar": "no JSON"},
            },
        ),
        (
            {"e_c": "video", "e_a": "play", "e_n": "intro", "e_v": "1.5", "url": URL, "cid": "c", "_id": "i"},
            {
                "type": "event", "name": "video / play", "anonymous_id": "c",
                "properties": {"e_c": "video", "e_a": "play", "e_n": "intro", "e_v": "1.5", "url": URL},
            },
        ),
        (
            {"idgoal": "3", "revenue": "9.90"},
            {"type": "conversion", "conversion_type": "goal_3", "value": 9.9, "properties": {"idgoal": "3"}},
        ),
        (
            {"idgoal": "3", "revenue": "much"},
            {"type": "conversion", "conversion_type": "goal_3", "properties": {"idgoal": "3", "revenue": "much"}},
        ),
        (
            {"idgoal": "0", "ec_id": "T1", "revenue": "20", "ec_tx": "2", "ec_items": '[["hat","Hat",["a","b"],10,2]]'},
            {
                "type": "conversion", "conversion_type": "purchase", "event_id": "order:T1", "value": 20,
                "properties": {
                    "idgoal": "0", "ec_id": "T1", "ec_tx": "2",
                    "ec_items": [{"sku": "hat", "name": "Hat", "category": ["a", "b"], "price": 10, "quantity": 2}],
                },
            },
        ),
        ({"idgoal": "0", "revenue": "20"}, {
            "type": "event", "name": "cart", "properties": {"idgoal": "0", "revenue": "20"},
        }),
        ({"link": "https://x.example"}, {
            "type": "event", "name": "outlink", "properties": {"link": "https://x.example"},
        }),
        ({"download": f"{URL}.pdf"}, {"type": "event", "name": "download", "properties": {"download": f"{URL}.pdf"}}),
        ({"search": "hat", "search_count": "0"}, {
            "type": "event", "name": "search", "properties": {"search": "hat", "search_count": "0"},
        }),
        ({"c_n": "ad"}, {"type": "event", "name": "content", "properties": {"c_n": "ad"}}),
        (
            {"cra": "x is undefined", "cra_tp": "TypeError", "cra_ru": URL},
            {
                "type": "error", "error_type": "TypeError", "error_message": "x is undefined",
                "context": {"cra_ru": URL},
            },
        ),
        ({"url": URL, "cdt": "1795435100", "ua": "Firefox/1", "cip": "203.0.113.9"}, {
            "type": "page_view", "page_url": URL, "timestamp": 1_795_435_100_000, "user_agent": "Firefox/1",
            "address": "203.0.113.9",
        }),
        ({"url": URL, "cdt": "2026-11-23 11:00:00"}, {
            "type": "page_view", "page_url": URL, "timestamp": "2026-11-23 11:00:00",
        }),
        ({"url": URL, "cdo": "60"}, {"type": "page_view", "page_url": URL, "timestamp": NOW - 60_000}),
    ],
)  # fmt: skip
def test_what_it_becomes(sent: dict[str, str], want: dict[str, Any]) -> None:
    parameters = REC | sent
    by_get = message(query=parameters)
    assert PHP.read(by_get).items == [want]
    assert PIWIK.read(message(urlencode(parameters).encode())).items == [want]
    assert PHP.read(bulk(f"?{urlencode(parameters)}")).items == [want]
    assert PHP.read(bulk(f"https://a.example/matomo.php?{urlencode(parameters)}")).items == [want]
    assert PHP.read(bulk(parameters)).items == [want]
    assert len(events(PHP, by_get)) == 1


def test_a_heartbeat_is_only_acknowledged() -> None:
    sent = message(query=REC | {"ping": "1", "url": URL})
    assert PHP.read(sent).items == []
    assert answered(PHP, sent).status == 200


def test_a_picture_in_a_page_counts_that_page() -> None:
    (item,) = PHP.read(message(query=REC, referer=URL)).items
    assert item == {"type": "page_view", "page_url": URL}


def test_numbers_of_a_batch_are_as_good_as_text() -> None:
    (item,) = PHP.read(bulk({"idsite": 1, "rec": 1, "url": URL, "e_v": 1.5})).items
    assert item == {"type": "page_view", "page_url": URL, "properties": {"e_v": "1.5"}}


def test_whose_they_are() -> None:
    translation = PHP.read(message(query=REC | {"token_auth": "t"}))
    assert (translation.presented.key, translation.presented.in_url) == ("1", True)
    assert translation.token
    assert (translation.token.key, translation.token.in_url) == ("t", True)
    translation = PHP.read(bulk("?idsite=1&rec=1", "?idsite=2&rec=1", "?idsite=1&rec=1", 7, token_auth="t"))
    assert (translation.presented.key, translation.places, translation.parts) == ("1", [0, 2], 4)
    assert [(each.presented.key, each.places) for each in translation.others] == [("2", [1]), ("", [3])]
    assert {each.token.key for each in (translation, *translation.others) if each.token} == {"t"}


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"requests": []}', b'{"requests": {}}'])
def test_what_is_no_batch(body: bytes) -> None:
    with pytest.raises(NotJson):
        PHP.read(message(body))


def test_too_many_in_a_batch() -> None:
    with pytest.raises(TooManyEvents):
        PHP.read(bulk(*["?rec=1"] * 5_001))


@pytest.mark.parametrize("where", ["query", "form"])
def test_the_reply_to_one(where: str) -> None:
    def sent(**more: str) -> Message:
        parameters = REC | {"url": URL} | more
        return message(query=parameters) if where == "query" else message(urlencode(parameters).encode())

    reply = answered(PHP, sent())
    assert (reply.status, reply.content_type, reply.body[:6]) == (200, "image/gif", b"GIF89a")
    reply = answered(PHP, sent(send_image="0"))
    assert (reply.status, reply.body) == (204, b"")
    reply = answered(PHP, sent(), {0: Rejection(0, "invalid_url", "page_url must have a valid host")})
    assert (reply.status, reply.body) == (400, b"page_url must have a valid host")
    assert PHP.refuse(sent(), RateLimited(1), 429).status == 429


def test_a_client_that_reads_no_reply_is_hung_up_on() -> None:
    parameters = REC | {"url": URL}
    assert answered(PHP, message(query=parameters)).closes
    assert answered(PHP, message(query=parameters | {"send_image": "0"})).closes
    assert PHP.refuse(message(query=parameters), RateLimited(1), 429).closes
    assert not answered(PHP, message(query=parameters, user_agent="Mozilla/5.0")).closes
    assert not answered(PHP, bulk("?idsite=1&rec=1&e_c=a&e_a=b")).closes


def test_the_reply_to_many() -> None:
    sent = bulk("?idsite=1&rec=1", "?idsite=1&rec=1&ping=1", "?idsite=1&rec=1&e_c=a&e_a=b")
    reply = answered(PHP, sent)
    assert (reply.status, decoded(reply)) == (200, {"status": "success", "tracked": 3, "invalid": 0})
    rejection = Rejection(0, "missing_field", "page_url is required")
    reply = answered(PHP, sent, {0: rejection})
    assert (reply.status, decoded(reply)) == (
        200,
        {"status": "success", "tracked": 2, "invalid": 1, "invalid_indices": [0]},
    )
    alone = bulk("?idsite=1&rec=1")
    assert (answered(PHP, alone, {0: rejection}).status, answered(PHP, alone).status) == (400, 200)
    silent = bulk("?idsite=1&rec=1&e_c=a&e_a=b", send_image=0)
    assert answered(PHP, silent).status == 204
    assert answered(PHP, silent, {0: rejection}).status == 400
    refused = decoded(PHP.refuse(message(b"{"), RateLimited(1), 429))
    assert (refused["status"], refused["tracked"]) == ("error", 0)
