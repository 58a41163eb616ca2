"""The live stream: what happens now reaches every reader of the site, a slow one loses old events, nothing is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from query import live as live_module
from query import tail as tail_module
from query.answers import realtime
from query.errors import TooManyReaders
from query.live import QUEUE, SITE_READERS, Live, Reader, stream
from query.metrics import Metrics
from store.site import Site
from tests.query.fill import BERLIN, DEMO, KOLKATA, SITES
from tests.store.batches import NOW, Writer, conversion, custom, error, page_view
from tests.waiting import until

Client = TestClient[web.Request, web.Application]
Message = tuple[str, Any]


class Service:
    """A live stream at `/{site}` and all that there is to see of it."""

    def __init__(self, redis: Any) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.live = Live(redis=redis, partitions=1, clock=lambda: NOW, metrics=self.metrics)
        self.app = web.Application()
        self.app.add_routes([web.get("/{site}", self._handle)])

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        site = {site.id: site for site in SITES}[request.match_info["site"]]
        async with self.live.reader(site) as reader:
            return await stream(request, reader)

    def value(self, name: str) -> float:
        return self.registry.get_sample_value(name) or 0


@asynccontextmanager
async def serving(redis: Any) -> AsyncIterator[tuple[Service, Client]]:
    service = Service(redis)
    async with TestClient(TestServer(service.app)) as client:
        yield service, client
        service.live.close()
    await until(lambda: not live_tasks())


@pytest.fixture
async def served(redis: Any) -> AsyncIterator[tuple[Service, Client]]:
    async with serving(redis) as both:
        yield both


async def waiting(redis: Any) -> list[Any]:
    """The clients that Redis holds in a blocking command."""
    return [client for client in await redis.client_list() if "b" in client["flags"]]


async def nobody_waits(redis: Any) -> bool:
    return not await waiting(redis)


def live_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live ")]


async def messages(response: ClientResponse) -> AsyncIterator[Message]:
    """Each event of the stream with its data."""
    name = ""
    async for line in response.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def first(stream: AsyncIterator[Message], name: str) -> Any:
    async with asyncio.timeout(20):
        async for found, data in stream:
            if found == name:
                return data
    raise AssertionError(f"the stream ended without {name}")


async def test_a_stream_begins_with_a_summary_and_goes_on_with_events(
    served: tuple[Service, Client], writer: Writer
) -> None:
    _, client = served
    async with client.get("/demo") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.content.readline() == b"retry: 3000\n"
        sent = messages(response)
        assert (await first(sent, "summary"))["page_views"] == {"today": 0, "current_hour": 0}
        await writer.send(
            page_view(title="Shoes\n", url="https://shop.example/a", session="s1"), conversion(), error(), custom()
        )
        events = sorted([await first(sent, "event") for _ in range(4)], key=lambda event: str(event["type"]))
        base = {"timestamp": NOW, "datetime": "2026-11-23T13:03:20.000+00:00", "user_id": "ann"}
        assert events == [
            base | {"type": "conversion", "conversion_type": "purchase", "value": "19.99", "currency": "USD"},
            base | {"type": "error", "error_type": "TypeError", "error_message": "x is not a function"},
            base | {"type": "event", "name": "signup"},
            base | {"type": "page_view", "page_url": "https://shop.example/a", "title": "Shoes\n", "session_id": "s1"},
        ]
        while (await first(sent, "summary"))["page_views"]["today"] != 1:
            pass


async def test_a_reader_sees_its_own_site_only(served: tuple[Service, Client], writer: Writer) -> None:
    _, client = served
    async with client.get("/berlin") as berlin, client.get("/kolkata") as kolkata:
        streams = messages(berlin), messages(kolkata)
        for sent in streams:
            await first(sent, "summary")
        await writer.send(custom(name="a"), site="kolkata")
        await writer.send(custom(name="b"), site="berlin")
        await writer.send(custom(name="nobody reads it"), site="tokyo")
        names = [(await first(sent, "event"))["name"] for sent in streams]
        assert names == ["b", "a"]


async def test_a_summary_is_made_once_however_many_read_it(
    served: tuple[Service, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, client = served
    made = 0
    answer = realtime.answer

    async def counted(*args: Any) -> Any:
        nonlocal made
        made += 1
        return await answer(*args)

    monkeypatch.setattr(realtime, "answer", counted)
    monkeypatch.setattr(live_module, "SUMMARY_S", 60.0)
    async with client.get("/demo") as one, client.get("/demo") as two, client.get("/demo") as three:
        for response in (one, two, three):
            await first(messages(response), "summary")
        assert made == 1
        assert len(live_tasks()) == 2
        assert service.value("hitstream_live_readers") == 3


async def test_nothing_is_left_when_the_reader_leaves(served: tuple[Service, Client], redis: Any) -> None:
    service, client = served
    async with client.get("/demo") as one, client.get("/demo") as two, client.get("/berlin") as three:
        for response in (one, two, three):
            await first(messages(response), "summary")
        assert sorted(live_tasks()) == [
            "live summary of berlin", "live summary of demo", "live tail of partition 0",
        ]  # fmt: skip
    await until(lambda: service.value("hitstream_live_readers") == 0 and not live_tasks())
    await until(lambda: nobody_waits(redis))
    async with client.get("/demo") as again:
        assert await first(messages(again), "summary")


async def test_a_slow_reader_loses_old_events_and_holds_nobody_up(
    served: tuple[Service, Client], writer: Writer
) -> None:
    service, client = served
    reader, slow = await asyncio.open_connection("127.0.0.1", client.port, limit=4_096)
    slow.write(b"GET /demo HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"retry")  # and nothing more for now
    async with client.get("/demo") as response:
        fast = messages(response)
        await first(fast, "summary")
        page, sent = "https://shop.example/" + "x" * 2_000, 0
        while not service.value("hitstream_live_dropped_total"):
            sent += 1
            await writer.send(*(page_view(url=page, title=str(sent)) for _ in range(QUEUE)))
            for _ in range(QUEUE):  # the whole batch: nothing is lost to the fast one
                assert (await first(fast, "event"))["title"] == str(sent)
    async with asyncio.timeout(20):
        while b"event: dropped" not in await reader.readline():
            pass
        lost = json.loads((await reader.readline()).removeprefix(b"data: "))
    assert 0 < lost["events"] <= sent * QUEUE
    assert lost["exact"]
    slow.close()


async def test_a_reader_that_takes_nothing_is_cut_off(
    served: tuple[Service, Client], writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "WRITE_DEADLINE_S", 0.05)
    service, client = served
    reader, stuck = await asyncio.open_connection("127.0.0.1", client.port, limit=4_096)
    stuck.write(b"GET /demo HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"retry")
    page = "https://shop.example/" + "x" * 2_000
    while service.value("hitstream_live_readers"):
        await writer.send(*(page_view(url=page) for _ in range(QUEUE)))
        await asyncio.sleep(0.01)
    await until(lambda: not live_tasks())
    stuck.close()


async def test_without_redis_a_reader_is_told_so(tmp_path: Path) -> None:
    gone = Redis(unix_socket_path=str(tmp_path / "none"), retry=Retry(NoBackoff(), 0))
    async with gone as redis, serving(redis) as (_, client), client.get("/demo") as response:
        assert (await first(messages(response), "unavailable"))["code"] == "store_unavailable"


async def test_when_redis_loses_the_tail_it_goes_on_and_says_what_it_may_have_missed(
    served: tuple[Service, Client], redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "PAUSE_S", 0.01)
    _, client = served
    async with client.get("/demo") as response:
        sent = messages(response)
        await writer.send(custom(name="before"))
        assert (await first(sent, "event"))["name"] == "before"
        await until(lambda: waiting(redis))
        for tail in await waiting(redis):
            await redis.client_kill_filter(_id=tail["id"])
        assert await first(sent, "dropped") == {"events": 0, "exact": False}
        await writer.send(custom(name="after"))
        assert (await first(sent, "event"))["name"] == "after"


async def test_closing_ends_every_stream_and_those_to_come(served: tuple[Service, Client]) -> None:
    service, client = served
    async with client.get("/demo") as response:
        sent = messages(response)
        await first(sent, "summary")
        service.live.close()
        async with asyncio.timeout(20):
            assert [message async for message in sent if message[0] != "summary"] == []
    async with client.get("/demo") as response, asyncio.timeout(20):
        assert b"data" not in await response.read()


async def test_a_site_has_so_many_readers_and_no_more(served: tuple[Service, Client]) -> None:
    service, _ = served

    async def read(site: Site, count: int) -> None:
        if count:
            async with service.live.reader(site):
                await read(site, count - 1)
        else:
            with pytest.raises(TooManyReaders) as refused:
                async with service.live.reader(site):
                    pass
            assert refused.value.retry_after
            async with service.live.reader(BERLIN):
                pass  # another site has its own

    await read(DEMO, SITE_READERS)
    assert not live_tasks()
    async with service.live.reader(DEMO):
        assert service.value("hitstream_live_readers") == 1


async def test_a_full_queue_drops_its_oldest_and_counts_them() -> None:
    reader = Reader(Metrics(CollectorRegistry()))
    for i in range(QUEUE + 3):
        reader.offer(b"%d " % i)
    reader.show(b"old")
    reader.show(b"new")
    taken = await reader.take()
    assert taken is not None
    head, _, rest = taken.partition(b"\n\n")
    assert head == b'event: dropped\ndata: {"events":3,"exact":true}'
    assert rest == b"".join(b"%d " % i for i in range(3, QUEUE + 3)) + b"new"
    reader.offer(b"next")
    assert await reader.take() == b"next"


async def test_a_silent_stream_is_kept_alive_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "HEARTBEAT_S", 0.001)
    assert await Reader(Metrics(CollectorRegistry())).take() == b":\n\n"


async def test_an_events_time_is_on_the_sites_clock() -> None:
    message = live_module.event_message(KOLKATA, "event", {b"timestamp": b"1795439000007", b"name": b"x"})
    data = json.loads(message.removeprefix(b"event: event\ndata: "))
    assert data["datetime"] == "2026-11-23T18:33:20.007+05:30"
