"""What every dialect has in common, shown with the smallest: the same promise as for our own calls, in other words."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

import ingest.dialects.http
from ingest.body import BODY_BYTES
from ingest.dialects import DIALECTS
from ingest.errors import JournalBroken
from ingest.journal import Journal
from tests.application import ALIAS, KEYS, Running, serving

PATH = "/api/event"
VIEW = {"n": "pageview", "u": "https://shop.example/", "d": ALIAS}


@pytest.fixture
async def app(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(redis_url, tmp_path) as running:
        yield running


async def post(app: Running, body: object, **headers: str) -> tuple[int, str, dict[str, str]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with app.session.post(
        app.url + PATH, data=BytesIO(data), headers={"Content-Type": "text/plain", **headers}
    ) as reply:
        return reply.status, await reply.text(), dict(reply.headers)


async def views(app: Running) -> int:
    _, body = await app.get("/v1/metrics/realtime")
    found: int = body["page_views"]["today"]
    return found


@pytest.mark.parametrize("key", [ALIAS, KEYS["shop"]["write"], KEYS["shop"]["server"]])
async def test_a_site_is_found_by_its_alias_or_a_key(app: Running, key: str) -> None:
    status, text, headers = await post(app, {**VIEW, "d": key})
    assert (status, text) == (202, "ok")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert await views(app) == 1


@pytest.mark.parametrize(
    ("key", "status"), [("", 401), ("nobody.example", 401), ("x" * 100_000, 401), (KEYS["shop"]["read"], 403)]
)
async def test_nobody_else_may_send(app: Running, key: str, status: int) -> None:
    found, text, _ = await post(app, {**VIEW, "d": key, "u": "https://nobody.example/"})
    assert found == status
    assert json.loads(text)["errors"]
    assert await views(app) == 0


async def test_one_message_may_be_for_several_sites(app: Running) -> None:
    both = f"{ALIAS},nobody.example,{KEYS['blog']['write']}"
    status, text, headers = await post(app, {**VIEW, "d": both})
    assert (status, text, headers["x-plausible-dropped"]) == (202, "ok", "1")
    assert await views(app) == 1
    _, body = await app.get("/v1/metrics/realtime", site="blog")
    assert body["page_views"]["today"] == 1
    status, text, _ = await post(app, {**VIEW, "d": "nobody.example,nor.example"})
    assert (status, list(json.loads(text))) == (401, ["errors"])
    status, text, headers = await post(app, {**VIEW, "d": both, "u": "nowhere"})
    assert (status, headers["x-plausible-dropped"]) == (400, "3")


async def test_a_part_for_a_site_that_is_not_here_spoils_no_other(app: Running) -> None:
    def event(site: str, url: str = "/") -> dict[str, Any]:
        return {"type": "event", "payload": {"website": site, "hostname": "shop.example", "url": url}}

    body = [event("nobody"), event(ALIAS), event(KEYS["blog"]["write"]), event(ALIAS, "https://-/")]
    async with app.session.post(app.url + "/api/batch", json=body) as reply:
        said = await reply.json()
    assert (reply.status, said["size"], said["processed"], said["errors"]) == (200, 4, 2, 2)
    failed = {each["index"]: each["response"]["error"]["code"] for each in said["details"]}
    assert failed == {0: "unauthorized", 3: "invalid_url"}
    assert await views(app) == 1


async def test_a_second_key_lends_its_rights_where_it_is_of_the_same_site(app: Running) -> None:
    def old(idsite: str, token: str) -> str:
        query = f"idsite={idsite}&rec=1&url=https://shop.example/&cdt=2020-01-31 12:00:00"
        return json.dumps({"requests": [query], "token_auth": token})

    async def sent(idsite: str, token: str) -> int:
        async with app.session.post(app.url + "/matomo.php", data=old(idsite, token)) as reply:
            return reply.status

    assert await sent(ALIAS, "") == 400
    assert await sent(ALIAS, KEYS["shop"]["server"]) == 200
    assert await sent(ALIAS, KEYS["blog"]["server"]) == 400
    assert await sent(ALIAS, "unknown") == 400
    assert await sent("9", KEYS["shop"]["server"]) == 200
    assert await sent("9", "unknown") == 401


async def test_a_small_message_never_becomes_a_huge_one(app: Running) -> None:
    event = {"type": "track", "event": "e", "userId": "u"}
    body = {"writeKey": KEYS["shop"]["write"], "context": {"about": "x" * 8_000}, "batch": [event] * 5_000}
    async with app.session.post(app.url + "/v1/batch", json=body) as reply:
        assert (reply.status, (await reply.json())["code"]) == (413, "body_too_large")
    async with app.session.post(app.url + "/v1/batch", json={**body, "batch": [event] * 500}) as reply:
        assert reply.status == 200


async def test_a_reply_may_end_the_connection(app: Running) -> None:
    params = {"idsite": ALIAS, "rec": "1", "url": "https://shop.example/"}
    for agent, connection in (({}, "close"), ({"User-Agent": "Mozilla/5.0"}, "keep-alive")):
        options: dict[str, Any] = {"headers": agent} if agent else {"skip_auto_headers": ["User-Agent"]}
        async with app.session.get(app.url + "/matomo.php", params=params, **options) as reply:
            assert reply.status == 200
            assert reply.headers.get("Connection", "keep-alive") == connection


async def test_more_events_than_a_request_may_hold(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.dialects.http, "MAX_EVENTS", 1)
    assert (await post(app, VIEW))[0] == 202
    assert (await post(app, {**VIEW, "d": f"{ALIAS},{KEYS['blog']['write']}"}))[0] == 413


async def test_an_alias_may_not_ask_nor_send_in_our_own_words(app: Running) -> None:
    headers = {"Authorization": f"Bearer {ALIAS}"}
    async with app.session.get(app.url + "/v1/metrics/realtime", headers=headers) as reply:
        assert reply.status == 401
    async with app.session.post(app.url + "/v1/page_view", json={}, headers=headers) as reply:
        assert reply.status == 401


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(json.dumps(VIEW).encode()), {"Content-Encoding": "gzip"}),
        (gzip.compress(json.dumps(VIEW).encode()), {}),
        (gzip.compress(json.dumps(VIEW).encode()), {"Content-Encoding": "utf-8"}),
        (json.dumps(VIEW).encode(), {"Content-Encoding": "utf-8"}),
        (json.dumps({**VIEW, "p": {"a": float("nan"), "b": float("inf"), "c": 2**70}}).encode(), {}),
    ],
)
async def test_bodies_as_clients_write_them(app: Running, body: bytes, headers: dict[str, str]) -> None:
    assert (await post(app, body, **headers))[0] == 202
    assert await views(app) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"[]", {}, 400),
        (b"", {}, 400),
        (b"\x1f\x8b\x08 damaged", {}, 400),
        (b"{}", {"Content-Encoding": "rot13"}, 415),
        (b" " * (BODY_BYTES + 1), {}, 413),
        (gzip.compress(b" " * (9 << 20)), {"Content-Encoding": "gzip"}, 413),
        (b"[" + b"{}," * 300_000 + b"{}]", {}, 413),
        (json.dumps({**VIEW, "u": "nowhere"}).encode(), {}, 400),
    ],
)
async def test_bad_input_is_refused_in_the_dialects_words(
    app: Running, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, text, _ = await post(app, body, **headers)
    assert (found, list(json.loads(text))) == (status, ["errors"])


async def test_too_many_and_a_broken_disk_say_when_to_come_back(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(redis_url, tmp_path, events_per_second=1, events_burst=1) as app:
        assert (await post(app, VIEW))[0] == 202
        status, text, headers = await post(app, VIEW)
        assert (status, "rate_limited" in text) == (429, True)
        assert int(headers["Retry-After"]) >= 1

    async def fail(*_: object, **__: object) -> int:
        raise JournalBroken("the disk refuses")

    async with serving(redis_url, tmp_path) as app:
        monkeypatch.setattr(Journal, "append", fail)
        status, text, headers = await post(app, VIEW)
        assert (status, "journal_broken" in text) == (503, True)
        assert int(headers["Retry-After"]) >= 1


async def test_a_page_of_another_origin_is_asked_to_leave(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path) as app:
        body = {**VIEW, "d": KEYS["blog"]["write"]}
        assert (await post(app, body, Origin="https://evil.example"))[0] == 403
        assert (await post(app, body, Origin="https://blog.example"))[0] == 202


async def test_every_address_answers_a_preflight(app: Running) -> None:
    for dialect in DIALECTS.values():
        for path in (*(each.path for each in dialect.endpoints), *(each.path for each in dialect.settings)):
            async with app.session.options(app.url + re.sub(r"{\w+}", "x", path)) as reply:
                assert reply.status == 204, path
                allowed = reply.headers["Access-Control-Allow-Headers"]
                assert all(name in allowed for name in ("Authorization", *dialect.headers))


async def test_a_dialect_can_be_switched_off(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, dialects_off=("plausible",)) as app:
        assert (await post(app, VIEW))[0] == 404


async def test_many_at_once_are_all_counted(app: Running) -> None:
    replies: list[Any] = await asyncio.gather(*(post(app, VIEW) for _ in range(50)))
    assert [reply[0] for reply in replies] == [202] * 50
    assert await views(app) == 50


async def test_bodies_without_a_length_take_the_memory_that_they_need(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """4 MiB are room for four of the largest bodies, and for many small ones whose end is not announced."""
    together = asyncio.Barrier(50)

    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps(VIEW).encode()
        await together.wait()

    async def too_long() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES // 4096 + 1):
            yield b" " * 4096

    async def streamed(running: Running, body: AsyncIterator[bytes]) -> int:
        async with running.session.post(running.url + PATH, data=body) as reply:
            return reply.status

    async with serving(redis_url, tmp_path, request_memory_bytes=4 << 20) as app:
        assert await asyncio.gather(*(streamed(app, pieces()) for _ in range(50))) == [202] * 50
        assert await streamed(app, too_long()) == 413


async def test_a_client_that_sends_once_is_waited_for(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    body = b'{}\n{"type":"event"}\n{"message":"x"}\n'

    async def sent(running: Running, site: str) -> tuple[int, str | None]:
        headers = {"X-Sentry-Auth": f"Sentry sentry_key={KEYS[site]['write']}"}
        async with running.session.post(running.url + "/api/1/envelope/", data=body, headers=headers) as reply:
            return reply.status, reply.headers.get("X-Sentry-Rate-Limits")

    async with serving(redis_url, tmp_path, events_per_second=10, events_burst=1) as app:
        assert await asyncio.gather(*(sent(app, "shop") for _ in range(5))) == [(200, None)] * 5
        event = {"type": "event", "name": "x"}
        await app.post("/v1/events", [event] * 1000, site="blog")  # which takes longer to be paid off than any waits
        status, limits = await sent(app, "blog")
        assert status == 429
        assert limits
        assert limits.endswith(":error;default:key:rate_limited")
