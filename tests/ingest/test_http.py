"""The collector as its senders meet it: every call, every status, every key, on the whole application."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import brotli
import pytest
import zstandard
from redis.asyncio import Redis

from ingest import body as wire
from ingest.errors import JournalBroken
from ingest.journal import Journal
from tests.application import KEYS, Running, serving
from tests.waiting import until

VIEW = {"type": "page_view", "page_url": "https://shop.example/"}
SALE = {"type": "conversion", "conversion_type": "purchase", "value": "19.99"}
FAILURE = {"type": "error", "error_type": "TypeError", "error_message": "x is not a function"}
NAMED = {"type": "event", "name": "signup"}


@pytest.fixture
async def app(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(redis_url, tmp_path) as running:
        yield running


async def realtime(app: Running, site: str = "shop") -> tuple[int, int, int]:
    """(page views, conversions, errors) of today."""
    status, body = await app.get("/v1/metrics/realtime", site=site)
    assert status == 200, body
    return body["page_views"]["today"], body["conversions"]["today"], body["errors"]["today"]


@pytest.mark.parametrize(
    ("path", "body", "accepted"),
    [
        ("/v1/events", VIEW, 1),
        ("/v1/events", [VIEW, SALE, FAILURE, NAMED], 4),
        ("/v1/events", {"batch": [VIEW, VIEW], "sent_at": "2026-11-23T12:00:00Z"}, 2),
        ("/v1/page_view", {"page_url": "https://shop.example/"}, 1),
        ("/v1/page_view", [{"page_url": "https://shop.example/"}, VIEW], 2),
        ("/v1/conversion", {"conversion_type": "signup"}, 1),
        ("/v1/error", {"error_type": "TypeError"}, 1),
        ("/v1/event", {"name": "signup"}, 1),
    ],
)
async def test_accepted(app: Running, path: str, body: object, accepted: int) -> None:
    status, reply, headers = await app.post(path, body)
    assert (status, reply) == (202, {"accepted": accepted, "rejected": []})
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


async def test_what_was_accepted_is_counted_for_its_site_alone(app: Running) -> None:
    await app.post("/v1/events", [VIEW, VIEW, SALE, FAILURE, NAMED])
    await app.post("/v1/events", [VIEW], site="blog", kind="server")
    assert await realtime(app) == (2, 1, 1)
    assert await realtime(app, "blog") == (1, 0, 0)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", "application/x-ndjson"])
async def test_content_types(app: Running, content_type: str) -> None:
    body = json.dumps(VIEW).encode()
    if content_type == "application/x-ndjson":
        body = body + b"\n" + body + b"\n"
    status, reply, _ = await app.post("/v1/events", data=body, headers={"Content-Type": content_type})
    assert (status, reply["accepted"]) == (202, body.count(b"page_view"))


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
async def test_content_encodings(app: Running, encoding: str, encode: Any) -> None:
    body = encode(json.dumps([VIEW] * 100).encode())
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    status, reply, _ = await app.post("/v1/events", data=body, headers=headers)
    assert (status, reply["accepted"]) == (202, 100)


async def test_one_bad_event_spoils_nothing_and_is_kept_for_inspection(app: Running, redis: Any) -> None:
    body = (
        b'[{"type":"page_view","page_url":"https://shop.example/"},{"type":"page_view","value":NaN},{"type":"event"}]'
    )
    status, reply, _ = await app.post("/v1/events", data=body, headers={"Content-Type": "application/json"})
    assert status == 202
    assert reply["accepted"] == 1
    assert [(bad["index"], bad["code"]) for bad in reply["rejected"]] == [(1, "invalid_number"), (2, "missing_field")]
    assert await realtime(app) == (1, 0, 0)
    await until(lambda: redis.exists("{p0}:rejected"))
    copies = [fields for _, fields in await redis.xrange("{p0}:rejected")]
    assert [(copy[b"site"], copy[b"code"], copy[b"event"]) for copy in copies] == [
        (b"shop", b"invalid_number", b'{"type":"page_view","value":NaN}'),
        (b"shop", b"missing_field", b'{"type":"event"}'),
    ]


BOMB = gzip.compress(b" " * (9 << 20))
REFUSALS = [
    # name, options, status, code
    ("not JSON", {"data": b"page_view"}, 400, "not_json"),
    ("empty", {"data": b""}, 400, "not_json"),
    ("nothing acceptable", {"json": {"type": "page_view"}}, 400, "nothing_accepted"),
    ("no events at all", {"json": []}, 400, "nothing_accepted"),
    ("unknown key", {"json": VIEW, "headers": {"X-Write-Key": "hw_nobody"}}, 401, "unauthorized"),
    ("a read key", {"json": VIEW, "headers": {"X-Write-Key": KEYS["shop"]["read"]}}, 403, "wrong_key"),
    ("too large", {"data": BytesIO(b"[" + b" " * (1 << 20) + b"]")}, 413, "body_too_large"),
    ("a bomb", {"data": BOMB, "headers": {"Content-Encoding": "gzip"}}, 413, "body_too_large"),
    ("too many", {"json": [NAMED] * 5_001}, 413, "too_many_events"),
    ("not a type we know", {"data": b"<x/>", "headers": {"Content-Type": "text/xml"}}, 415, "unsupported_type"),
    ("not an encoding we know", {"data": b"x", "headers": {"Content-Encoding": "rot13"}}, 415, "unsupported_encoding"),
    ("damaged gzip", {"data": b"\x1f\x8b\x08 no", "headers": {"Content-Encoding": "gzip"}}, 400, "corrupt_body"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "status", "code"), [row[1:] for row in REFUSALS], ids=[str(row[0]) for row in REFUSALS]
)
async def test_refused(app: Running, options: dict[str, Any], status: int, code: str) -> None:
    headers = {"Content-Type": "application/json", **options.get("headers", {})}
    found, reply, reply_headers = await app.post("/v1/events", **{**options, "headers": headers})
    assert (found, reply["code"]) == (status, code)
    assert {"type", "title", "status", "detail", "message"} <= reply.keys()
    assert reply_headers["Content-Type"].startswith("application/problem+json")
    assert reply_headers["Access-Control-Allow-Origin"] == "*"
    assert await realtime(app) == (0, 0, 0)


async def test_nothing_accepted_says_why(app: Running) -> None:
    status, reply, _ = await app.post("/v1/events", [{"type": "page_view"}, {"type": "nonsense"}])
    assert (status, reply["accepted"]) == (400, 0)
    assert [(bad["index"], bad["code"]) for bad in reply["rejected"]] == [(0, "missing_field"), (1, "unknown_type")]
    assert "page_url" in reply["detail"]


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        ({"Authorization": f"Bearer {KEYS['shop']['write']}"}, {}, 202),
        ({"Authorization": aiohttp.encode_basic_auth(KEYS["shop"]["write"], "")}, {}, 202),
        ({"X-Write-Key": KEYS["shop"]["server"]}, {}, 202),
        ({}, {"key": KEYS["shop"]["write"]}, 202),
        ({}, {"key": KEYS["shop"]["server"]}, 403),
        ({}, {}, 401),
        ({"Authorization": "Digest x"}, {}, 401),
    ],
)
async def test_ways_to_present_a_key(app: Running, headers: Any, params: dict[str, str], status: int) -> None:
    async with app.session.post(f"{app.url}/v1/events", json=VIEW, headers=headers, params=params) as reply:
        assert reply.status == status
        assert ("WWW-Authenticate" in reply.headers) is (status == 401)


@pytest.mark.parametrize("path", ["/v1/metrics/realtime", "/v1/metrics/top", "/v1/users/ann/activity", "/v1/live"])
@pytest.mark.parametrize("kind", ["write", "server"])
async def test_only_a_read_key_asks(app: Running, path: str, kind: str) -> None:
    status, reply = await app.get(path, kind=kind)
    assert (status, reply["code"]) == (403, "wrong_key")


@pytest.mark.parametrize(("kind", "status"), [("write", 400), ("server", 202)])
async def test_only_a_server_key_sends_history(app: Running, kind: str, status: int) -> None:
    old = {**VIEW, "timestamp": "1997-01-01T00:00:00Z"}
    assert (await app.post("/v1/events", old, kind=kind))[0] == status


@pytest.mark.parametrize(
    ("origin", "status"), [("https://blog.example", 202), ("https://evil.example", 403), ("null", 403), (None, 202)]
)
async def test_origins(app: Running, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    assert (await app.post("/v1/events", VIEW, site="blog", headers=headers))[0] == status
    assert (await app.post("/v1/events", VIEW, site="shop", headers=headers))[0] == 202


@pytest.mark.parametrize("path", ["/v1/events", "/v1/page_view", "/v1/conversion", "/v1/error", "/v1/event"])
async def test_preflight(app: Running, path: str) -> None:
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-write-key",
    }
    async with app.session.options(app.url + path, headers=headers) as reply:
        assert reply.status == 204
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in reply.headers["Access-Control-Allow-Methods"]
        assert "X-Write-Key" in reply.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize(
    ("params", "outcome"),
    [
        ({"type": "page_view", "page_url": "https://shop.example/"}, "accepted"),
        ({"type": "conversion", "conversion_type": "mail_opened", "value": "1.50"}, "accepted"),
        ({"type": "event", "name": "opened", "properties": '{"mail":7}'}, "accepted"),
        ({"type": "page_view"}, "missing_field"),
        ({}, "missing_field"),
        ({"type": "page_view", "page_url": "https://shop.example/", "key": "hw_nobody"}, "unauthorized"),
    ],
)
async def test_pixel(app: Running, params: dict[str, str], outcome: str) -> None:
    query = {"key": KEYS["shop"]["write"], **params}
    async with app.session.get(f"{app.url}/v1/pixel.gif", params=query) as reply:
        assert (reply.status, reply.headers["X-Hitstream-Outcome"]) == (200, outcome)
        assert reply.content_type == "image/gif"
        assert reply.headers["Cache-Control"] == "no-store"
        body = await reply.read()
    assert body.startswith(b"GIF89a")
    assert body.endswith(b";")


async def test_the_same_event_id_counts_once_within_and_across_requests(app: Running) -> None:
    event = {**VIEW, "event_id": "e1"}
    assert (await app.post("/v1/events", [event, event, {**VIEW, "event_id": "e2"}]))[1]["accepted"] == 3
    assert (await app.post("/v1/events", event))[1] == {"accepted": 1, "rejected": []}
    assert (await app.post("/v1/events", event, site="blog"))[1]["accepted"] == 1  # another site's ids are its own
    assert await realtime(app) == (2, 0, 0)
    assert await realtime(app, "blog") == (1, 0, 0)


async def test_a_key_that_sends_too_much_waits_and_harms_no_other(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, events_per_second=1, events_burst=10) as app:
        assert (await app.post("/v1/events", [VIEW] * 10))[0] == 202
        status, reply, headers = await app.post("/v1/events", VIEW)
        assert (status, reply["code"]) == (429, "rate_limited")
        assert 1 <= int(headers["Retry-After"]) <= 2
        assert (await app.post("/v1/events", VIEW, kind="server"))[0] == 202
        assert (await app.post("/v1/events", VIEW, site="blog"))[0] == 202


async def test_a_full_journal_refuses_and_takes_again(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, journal_quota_bytes=1 << 20) as app:
        batch = [{**NAMED, "properties": {"padding": "x" * 4_000}}] * 100
        replies = [await app.post("/v1/events", batch) for _ in range(4)]
        assert [status for status, _, _ in replies] == [202, 202, 503, 503]
        assert replies[-1][1]["code"] == "journal_full"
        assert int(replies[-1][2]["Retry-After"]) >= 1
        async with app.session.get(f"{app.url}/readyz") as ready:
            assert ready.status in (200, 503)


async def test_the_last_of_the_journal_is_kept_for_conversions(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, journal_quota_bytes=1 << 20) as app:
        padding = {"padding": "x" * 4_000}
        assert (await app.post("/v1/events", [{**NAMED, "properties": padding}] * 240))[0] == 202  # 93 % of the quota

        async def turned_away() -> bool:
            return (await app.post("/v1/page_view", VIEW))[0] == 503

        await until(turned_away)
        for path, body, expected in [
            ("/v1/events", VIEW, 503),
            ("/v1/events", [VIEW, NAMED], 503),
            ("/v1/event", NAMED, 503),
            ("/v1/events", SALE, 202),
            ("/v1/error", {"error_type": "TypeError"}, 202),
            ("/v1/events", [VIEW, SALE], 202),  # taken as a whole, or not at all
            ("/v1/events", [{"type": ["conversion"]}], 503),
        ]:
            status, reply, headers = await app.post(path, body)
            assert (path, body, status) == (path, body, expected)
            if status == 503:
                assert reply["code"] == "overloaded"
                assert 1 <= int(headers["Retry-After"]) <= 120


async def test_bodies_under_way_have_a_bound_and_no_site_takes_all_of_it(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with serving(redis_url, tmp_path, request_memory_bytes=4 << 20) as app:
        host, _, port = app.url.removeprefix("http://").partition(":")
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: {KEYS['shop']['write']}\r\n"
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        for _, writer in opened:  # each announces all that a body may be, and sends nothing of it
            writer.write(f"{head}Content-Length: {1 << 20}\r\n\r\n".encode())

        async def is_full() -> bool:
            reply = await _raw(app, f"{head}Content-Length: {1 << 20}\r\nConnection: close\r\n\r\n".encode())
            return b"(memory)" in reply

        await until(is_full)
        assert (await app.post("/v1/events", VIEW, site="blog"))[0] == 202
        for _, writer in opened:
            writer.close()
        await until(lambda: _taken(app))


async def _taken(app: Running) -> bool:
    """Whether a body may again be as long as any."""
    filler = b"[" + json.dumps(VIEW).encode() + b" " * ((1 << 20) - 1_000) + b"]"
    return (await app.post("/v1/events", data=filler, headers={"Content-Type": "application/json"}))[0] == 202


async def test_a_broken_disk_is_a_503(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise JournalBroken("the journal's disk refuses to keep what is written to it")

    monkeypatch.setattr(Journal, "append", broken)
    status, reply, headers = await app.post("/v1/events", VIEW)
    assert (status, reply["code"]) == (503, "journal_broken")
    assert "Retry-After" in headers


async def _raw(app: Running, *pieces: bytes) -> bytes:
    """What comes back to bytes that no HTTP client would send."""
    host, _, port = app.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(1 << 16), 20)
    finally:
        writer.close()


async def test_bodies_that_cannot_be_read_count_towards_the_rate(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, events_per_second=1, events_burst=3) as app:
        statuses = [(await app.post("/v1/events", data=b"{"))[0] for _ in range(4)]
    assert statuses == [415, 415, 415, 429]  # no Content-Type that we know


async def test_a_copy_of_what_was_refused_outlives_the_worker(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path) as app:
        assert (await app.post("/v1/page_view", {"page_url": "nowhere"}))[0] == 400
    assert await redis.xlen("{p0}:rejected") == 1


async def test_a_body_that_does_not_come_in_time(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_DEADLINE_S", 0.05)
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: {KEYS['shop']['write']}\r\nContent-Length: 100\r\n\r\n"
    reply = await _raw(app, head.encode(), b'[{"type":')
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"body_timeout" in reply


async def test_a_body_over_the_limit_in_chunks(app: Running) -> None:
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: {KEYS['shop']['write']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    reply = await _raw(app, head.encode(), *[chunk] * 17, b"0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_", [b"GARBAGE\r\n\r\n", b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
)
async def test_malformed_http_is_closed(app: Running, request_: bytes) -> None:
    reply = await _raw(app, request_)
    assert not reply or reply.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/events", 405), ("PUT", "/v1/page_view", 405), ("POST", "/v1/nothing", 404), ("GET", "/v1", 404)],
)
async def test_no_such_call(app: Running, method: str, path: str, status: int) -> None:
    async with app.session.request(method, app.url + path) as reply:
        assert reply.status == status
        assert (await reply.json(content_type=None))["status"] == status


async def test_the_address_is_kept_nowhere(app: Running, redis: Any, tmp_path: Path) -> None:
    await app.post("/v1/events", VIEW)  # without any id: the visitor's is made of the address
    (entry,) = await redis.xrange("{p0}:page_views")
    assert entry[1][b"user_id"].startswith(b"c-")
    for key in [key async for key in redis.scan_iter("*")]:
        assert b"127.0.0.1" not in (await redis.dump(key))
    assert b"127.0.0.1" not in _journalled(tmp_path)


def _journalled(directory: Path) -> bytes:
    return b"".join(segment.read_bytes() for segment in directory.glob("journal/*/*.log"))


async def test_visitors_without_ids_are_told_apart_by_agent(app: Running) -> None:
    for agent in ("Firefox/1", "Firefox/1", "Chrome/2"):
        await app.post("/v1/events", VIEW, headers={"User-Agent": agent})
    _, body = await app.get("/v1/metrics/realtime")
    assert body["unique_metrics"]["visitors"] == 2
