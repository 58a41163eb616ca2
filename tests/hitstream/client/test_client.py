"""Both clients against a real server: what arrives, how often, and what a program is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import web
from redis.asyncio import Redis

from hitstream.client import AsyncClient, Client, Options, Rejection, Stats
from tests.application import KEYS, Running, serving
from tests.waiting import until

NOBODY = "http://127.0.0.1:9"  # the port of discard, where nothing listens


class Either(Protocol):
    """What the two have in common, as a coroutine."""

    @property
    def event(self) -> Callable[..., Awaitable[str]]: ...

    async def flush(self) -> bool: ...

    @property
    def stats(self) -> Stats: ...


class Threaded:
    """The threaded client, called as a program with threads would, so that the loop can serve meanwhile."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def event(self, name: str, **fields: Any) -> str:
        return await asyncio.to_thread(self._client.event, name, **fields)

    async def flush(self) -> bool:
        return await asyncio.to_thread(self._client.flush, 20)

    @property
    def stats(self) -> Stats:
        return self._client.stats


Open = Callable[..., Any]


@pytest.fixture(params=["threaded", "async"])
def opened(request: pytest.FixtureRequest) -> Open:
    """A function that opens the one client or the other."""

    @asynccontextmanager
    async def open_threaded(url: str, key: str, **options: Any) -> AsyncIterator[Either]:
        client = Client(url, key, **options)
        try:
            yield Threaded(client)
        finally:
            await asyncio.to_thread(client.close)

    @asynccontextmanager
    async def open_async(url: str, key: str, **options: Any) -> AsyncIterator[Either]:
        async with AsyncClient(url, key, **options) as client:
            yield client

    return open_threaded if request.param == "threaded" else open_async


QUICK = Options(linger_s=0.01, backoff_s=0.01, longest_backoff_s=0.05)
WRITE = KEYS["shop"]["write"]


async def streamed(redis: Redis) -> list[str]:
    entries: Any = await redis.xrange("{p0}:user_events")
    return [fields[b"name"].decode() for _, fields in entries]


async def test_events_arrive_once_and_in_order(opened: Open, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(1_200)]
    async with serving(redis_url, tmp_path) as app, opened(app.url, WRITE, options=Options(batch_events=500)) as hits:
        for name in names:
            await hits.event(name)
        assert await hits.flush()
        assert hits.stats == Stats(accepted=1_200)
    assert await streamed(redis) == names


async def test_what_is_rejected_is_told_one_by_one(opened: Open, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    told: list[Rejection] = []
    async with serving(redis_url, tmp_path) as app, opened(app.url, WRITE, on_reject=told.append) as hits:
        for name in ("good", "", "good", "x" * 65):
            await hits.event(name)
        assert await hits.flush()
        assert hits.stats == Stats(accepted=2, rejected=2)
    assert [(each.index, each.code, each.event["name"]) for each in told] == [
        (1, "missing_field", ""),
        (3, "too_long", "x" * 65),
    ]
    assert told[0].message == "name is required"
    assert await streamed(redis) == ["good", "good"]


async def test_a_wrong_key_is_told_and_the_log_gets_one_line(
    opened: Open, redis_url: str, redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(redis_url, tmp_path) as app, opened(app.url, "hw_nobody") as hits:
        for _ in range(20):
            await hits.event("a")
        await hits.flush()
    (record,) = [each for each in caplog.records if each.name == "hitstream.client"]
    assert record.getMessage() == "20 events were not taken, the first one because: the key is not known"


async def test_a_failing_callback_stops_nothing(opened: Open, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    def fail(_: Rejection) -> None:
        raise RuntimeError("no")

    async with serving(redis_url, tmp_path) as app, opened(app.url, WRITE, on_reject=fail) as hits:
        await hits.event("")
        await hits.flush()
        await hits.event("good")
        await hits.flush()
    assert await streamed(redis) == ["good"]


async def test_a_key_that_sends_too_much_is_slowed_down_and_loses_nothing(
    opened: Open, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """The real server's 429. A batch may overdraw its bucket, so the next one is refused."""
    options = Options(batch_events=20, linger_s=0, backoff_s=0.01, longest_backoff_s=0.1)
    async with (
        serving(redis_url, tmp_path, events_per_second=50, events_burst=10) as app,
        opened(app.url, WRITE, options=options) as hits,
    ):
        for number in range(40):
            await hits.event(f"n{number}")
        assert await hits.flush()
        assert hits.stats.accepted == 40
        assert hits.stats.retries > 0
    assert len(await streamed(redis)) == 40


@asynccontextmanager
async def through(app: Running, refuse: Callable[[int], Awaitable[web.Response | None]]) -> AsyncIterator[str]:
    """A proxy before the application that may answer the n-th request itself, before or after it was passed on."""
    asked = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        body = await request.read()
        if asked % 2:  # it reaches the server, and its sender never learns of that
            async with app.session.post(app.url + request.path, data=body, headers=headers) as reply:
                assert reply.status == 202
        if instead := await refuse(asked):
            return instead
        async with app.session.post(app.url + request.path, data=body, headers=headers) as reply:
            return web.Response(status=reply.status, body=await reply.read())

    proxy = web.Application()
    proxy.add_routes([web.post("/v1/events", handle)])
    runner = web.AppRunner(proxy)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_retry_counts_once(opened: Open, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async def refuse(asked: int) -> web.Response | None:
        return web.Response(status=(503, 502, 429)[asked % 3], headers={"Retry-After": "0"}) if asked < 6 else None

    async with (
        serving(redis_url, tmp_path) as app,
        through(app, refuse) as url,
        opened(url, WRITE, options=QUICK) as hits,
    ):
        for number in range(10):
            await hits.event(f"n{number}")
        assert await hits.flush()
        assert hits.stats.accepted == 10
        assert hits.stats.retries >= 5
    assert sorted(await streamed(redis)) == [f"n{number}" for number in range(10)]


async def test_a_full_queue_drops_the_newest_and_says_so(opened: Open) -> None:
    told: list[Rejection] = []
    options = Options(queue_events=3, close_s=0, linger_s=60)
    async with opened(NOBODY, WRITE, options=options, on_reject=told.append) as hits:
        for number in range(5):
            await hits.event(f"n{number}")
        assert [(each.code, each.event["name"]) for each in told] == [("queue_full", "n3"), ("queue_full", "n4")]
        assert hits.stats == Stats(rejected=2, queued=3)
    assert [(each.code, each.event["name"]) for each in told[2:]] == [("unsent", f"n{n}") for n in range(3)]
    assert hits.stats == Stats(rejected=5)


async def test_a_full_queue_may_make_the_caller_wait(
    opened: Open, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    options = Options(queue_events=3, when_full="wait", linger_s=0)
    async with serving(redis_url, tmp_path) as app, opened(app.url, WRITE, options=options) as hits:
        for number in range(50):
            await hits.event(f"n{number}")
            assert hits.stats.queued <= 3
        assert await hits.flush()
    assert len(await streamed(redis)) == 50


async def test_an_event_larger_than_a_batch_is_told(opened: Open) -> None:
    told: list[Rejection] = []
    options = Options(batch_bytes=1_000)
    async with opened(NOBODY, WRITE, options=options, on_reject=told.append) as hits:
        await hits.event("a", properties={"text": "x" * 1_000})
    assert [each.code for each in told] == ["too_large"]


async def test_what_cannot_be_sent_by_the_end_is_told(opened: Open) -> None:
    told: list[Rejection] = []
    options = Options(close_s=0.05, linger_s=0)
    async with opened(NOBODY, WRITE, options=options, on_reject=told.append) as hits:
        await hits.event("a")
    assert [(each.code, each.event["name"]) for each in told] == [("unsent", "a")]
    await hits.event("b")
    assert [(each.code, each.event["name"]) for each in told[1:]] == [("closed", "b")]


async def test_large_batches_are_compressed(opened: Open, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    encodings: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        encodings.append(request.headers.get("Content-Encoding", ""))
        assert len((await request.json())["batch"]) in (1, 100)
        return web.Response(status=202, body=b'{"accepted": 100, "rejected": []}')

    server = web.Application()
    server.add_routes([web.post("/v1/events", handle)])
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with opened(f"http://127.0.0.1:{runner.addresses[0][1]}", WRITE) as hits:
            await hits.event("one")
            await hits.flush()
            for _ in range(100):
                await hits.event("one of many")
            await hits.flush()
    finally:
        await runner.cleanup()
    assert encodings == ["", "gzip"]


async def test_many_threads_share_a_client(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path) as app:
        client = Client(app.url, WRITE, options=Options(batch_events=50, linger_s=0.001))

        def send(thread: int) -> None:
            for number in range(100):
                client.event(f"{thread} {number}")

        def run() -> None:
            threads = [threading.Thread(target=send, args=(thread,)) for thread in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client.close()

        await asyncio.to_thread(run)
        assert client.stats == Stats(accepted=800)
    assert sorted(await streamed(redis)) == sorted(f"{thread} {number}" for thread in range(8) for number in range(100))


async def test_a_callback_may_use_the_client(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """It runs in the thread that would make room and end: neither may wait for itself."""
    async with serving(redis_url, tmp_path) as app:
        done: list[Mapping[str, Any]] = []

        def use(rejection: Rejection) -> None:
            client.event("instead")
            assert not client.flush(60)
            client.close()
            done.append(rejection.event)

        client = Client(app.url, WRITE, options=Options(when_full="wait", queue_events=2, linger_s=0), on_reject=use)
        client.event("")
        await until(lambda: done)
        await asyncio.to_thread(client.close)
    assert await streamed(redis) == ["instead"]


async def test_the_end_of_a_task_group_takes_the_rest_with_it(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """A cancelled program's `async with` still sends what is queued."""
    async with serving(redis_url, tmp_path) as app:
        sent = asyncio.Event()

        async def program() -> None:
            async with AsyncClient(app.url, WRITE, options=Options(linger_s=60)) as hits:
                await hits.event("last words")
                sent.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(program())
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await streamed(redis) == ["last words"]
