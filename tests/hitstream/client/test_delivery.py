"""What follows each reply, without any network."""

from __future__ import annotations

import gzip
import json
from random import Random
from typing import Any

import pytest

from hitstream.client import Options
from hitstream.client.delivery import GIVE_UP_MS, Delivery, NoReply, Reply, seconds

NOW = 1_700_000_000_000
OPTIONS = Options(backoff_s=1, longest_backoff_s=8)


def delivery(events: int = 2, **options: Any) -> Delivery:
    batch = [json.dumps({"n": number}).encode() for number in range(events)]
    return Delivery(batch, Options(**options) if options else OPTIONS, Random(1))


def reply(status: int, retry_after: str = "", **members: Any) -> Reply:
    return Reply(status, json.dumps(members).encode(), retry_after)


def numbers(found: Delivery) -> list[int]:
    return [json.loads(encoded)["n"] for encoded in found.unsettled()]


def test_all_are_taken() -> None:
    found = delivery()
    request = found.request(NOW)
    assert json.loads(request.body) == {"sent_at": NOW, "batch": [{"n": 0}, {"n": 1}]}
    assert found.after(reply(202, accepted=2, rejected=[]), NOW) == 0
    assert found.done()
    assert (found.accepted, found.rejections, found.retries) == (2, [], 0)


@pytest.mark.parametrize(("status", "code"), [(202, None), (400, "nothing_accepted")])
def test_rejected_ones_are_named(status: int, code: str | None) -> None:
    found = delivery(3)
    found.request(NOW)
    rejected = [{"index": 1, "code": "too_old", "message": "timestamp must be younger"}, {"index": 9}, "nonsense"]
    found.after(reply(status, code=code, rejected=rejected), NOW)
    assert found.done()
    assert found.accepted == 2
    assert [(each.index, each.code, each.message, each.event) for each in found.rejections] == [
        (1, "too_old", "timestamp must be younger", {"n": 1})
    ]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (reply(401, code="unauthorized", message="the key is not known"), "unauthorized", "the key is not known"),
        (reply(400, code="not_json", message="no"), "not_json", "no"),
        (reply(301), "http_301", "the server answers 301; is it a Hitstream at all?"),
        (Reply(404, b"<html>"), "http_404", "the server answers 404; is it a Hitstream at all?"),
        (Reply(200, b"[1]"), "http_200", "the server answers 200; is it a Hitstream at all?"),
    ],
)
def test_what_another_try_would_not_change(answer: Reply, code: str, message: str) -> None:
    found = delivery()
    found.request(NOW)
    assert found.after(answer, NOW) == 0
    assert found.done()
    assert [(each.index, each.code, each.message) for each in found.rejections] == [
        (0, code, message),
        (1, code, message),
    ]


@pytest.mark.parametrize("answer", [reply(429), reply(503), reply(500), reply(408), NoReply("refused")])
def test_what_is_tried_again_with_longer_and_longer_pauses(answer: Reply | NoReply) -> None:
    pauses = []
    for seed in range(200):
        found = Delivery([b"{}"], OPTIONS, Random(seed))
        for _ in range(6):
            found.request(NOW)
            pauses.append((found.retries, found.after(answer, NOW)))
        assert not found.done()
        assert found.retries == 6
    longest = [max(pause for tries, pause in pauses if tries == each) for each in range(6)]
    shortest = [min(pause for tries, pause in pauses if tries == each) for each in range(6)]
    for highest, bound in zip(longest, (1, 2, 4, 8, 8, 8), strict=True):
        assert 0.8 * bound < highest <= bound
    assert max(shortest) < 0.5  # all of it is random, so that a crowd spreads out


@pytest.mark.parametrize(("said", "least", "most"), [("7", 7, 8.75), ("0", 0, 1), ("86400", 300, 375), ("soon", 0, 1)])
def test_retry_after_is_honoured(said: str, least: float, most: float) -> None:
    found = delivery()
    found.request(NOW)
    assert least <= found.after(reply(503, said), NOW) <= most


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("120", 120),
        (" 3 ", 3),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0),
        ("-1", 0),
        ("1.5", 0),
        ("", 0),
        ("²", 0),
        ("9" * 400, 999_999_999),
    ],
)
def test_what_a_retry_after_says(said: str, found: float) -> None:
    assert seconds(said, NOW) == found


def test_a_connection_closed_while_idle_is_tried_at_once_but_once() -> None:
    found = delivery()
    found.request(NOW)
    assert found.after(NoReply("closed", stale=True), NOW) == 0
    assert not found.done()
    found.request(NOW)
    assert found.after(NoReply("closed", stale=True), NOW) > 0


def test_what_is_too_large_goes_in_halves() -> None:
    found = delivery(5)
    sent = []
    while not found.done():
        batch = json.loads(found.request(NOW).body)["batch"]
        sent.append([each["n"] for each in batch])
        found.after(reply(413) if len(batch) > 2 or batch[0]["n"] == 4 else reply(202, rejected=[]), NOW)
    assert sent == [[0, 1, 2, 3, 4], [0, 1], [2, 3, 4], [2], [3, 4]]
    assert found.accepted == 5


def test_a_single_event_that_is_too_large_is_rejected() -> None:
    found = delivery(2)
    for _ in range(3):
        found.request(NOW)
        found.after(reply(413, code="body_too_large", message="too large"), NOW)
    assert found.done()
    assert [(each.index, each.code, each.event) for each in found.rejections] == [
        (0, "body_too_large", {"n": 0}),
        (0, "body_too_large", {"n": 1}),
    ]


def test_what_is_settled_of_a_halved_batch_is_not_given_up_with_it() -> None:
    found = delivery(4)
    found.request(NOW)
    found.after(reply(413), NOW)
    found.request(NOW)
    found.after(reply(202, rejected=[]), NOW)
    assert numbers(found) == [2, 3]


def test_ids_are_not_used_when_the_server_may_have_forgotten_them() -> None:
    found = delivery()
    found.request(NOW)
    found.after(NoReply("away"), NOW)
    found.request(NOW + GIVE_UP_MS)
    found.after(NoReply("away"), NOW + GIVE_UP_MS + 1)
    assert found.done()
    assert [each.code for each in found.rejections] == ["given_up"] * 2


def test_large_bodies_are_compressed() -> None:
    small, large = delivery(2, gzip_bytes=1_000), delivery(200, gzip_bytes=1_000)
    assert "Content-Encoding" not in small.request(NOW).headers
    request = large.request(NOW)
    assert request.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(request.body))["batch"]) == 200
