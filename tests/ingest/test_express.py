"""The short way answers as the regular one does, and steps aside for whatever is out of the ordinary."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from ingest.errors import JournalBroken, JournalFull
from ingest.intake import Intake
from ingest.journal import Journal
from ingest.overload import Overload, Reading
from ingest.pressure import Pressure
from tests.application import KEYS, Running, serving
from tests.waiting import until

KEY = KEYS["shop"]["write"]
VIEW = b'{"page_url":"https://shop.example/"}'
BAD = b'{"page_url":"nowhere"}'


@pytest.fixture
async def app(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(redis_url, tmp_path, ack="journal") as running:
        yield running


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way each request that was admitted has gone."""
    gone: list[str] = []
    take, take_plain = Intake.take, Intake.take_plain

    async def regular(self: Intake, *args: Any, **options: Any) -> Any:
        gone.append("regular")
        return await take(self, *args, **options)

    def short(self: Intake, *args: Any, **options: Any) -> Any:
        taken = take_plain(self, *args, **options)
        if taken is not None:
            gone.append("short")
        return taken

    monkeypatch.setattr(Intake, "take", regular)
    monkeypatch.setattr(Intake, "take_plain", short)
    return gone


def request(
    body: bytes = VIEW, *headers: str, key: str = KEY, path: str = "/v1/page_view", version: str = "1.1"
) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    head = f"POST {path} HTTP/{version}\r\nHost: x\r\nX-Write-Key: {key}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Peer:
    """The other end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *chunks: bytes) -> None:
        """Each in a packet of its own."""
        for chunk in chunks:
            self.writer.write(chunk)
            await self.writer.drain()

    async def reply(self) -> tuple[int, set[bytes], bytes]:
        """(status, header lines but for the date, body)"""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), {line for line in head.split(b"\r\n") if not line.startswith(b"Date: ")}, body

    async def ask(self, *chunks: bytes) -> int:
        await self.send(*chunks)
        return (await self.reply())[0]


@pytest.fixture
async def peer(app: Running) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    yield Peer(reader, writer)
    writer.close()


async def views(app: Running) -> int:
    _, body = await app.get("/v1/metrics/realtime")
    found: int = body["page_views"]["today"]
    return found


async def test_a_head_that_came_before_takes_the_short_way(app: Running, peer: Peer, ways: list[str]) -> None:
    replies = []
    for body in (VIEW, VIEW, b"[" + VIEW + b"," + VIEW + b"]", VIEW):
        await peer.send(request(body))
        replies.append(await peer.reply())
    assert ways == ["regular", "short", "short", "short"]
    assert replies[1] == replies[0]
    assert json.loads(replies[2][2]) == {"accepted": 2, "rejected": []}
    await until(lambda: _equals(app, 5))


async def test_a_head_is_known_to_every_connection(app: Running, ways: list[str]) -> None:
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        assert await Peer(reader, writer).ask(request()) == 202
        writer.close()
    assert ways == ["regular", "short"]


OTHERS = [
    # what, request, its status
    ("another key", request(key="hw_unknown_0123456789"), 401),
    ("a key of another kind", request(key=KEYS["shop"]["read"]), 403),
    ("another path", request(path="/v1/nothing"), 404),
    ("no JSON", request(b"{"), 400),
    ("nothing accepted", request(BAD), 400),
    ("one of two accepted", request(b"[" + VIEW + b"," + BAD + b"]"), 202),
    ("another encoding", request(VIEW, "Content-Encoding: rot13"), 415),
    ("two lengths", request(VIEW, "Content-Length: 3"), 400),
    ("a length with a sign", request().replace(b"Length: ", b"Length: +"), 400),
    ("chunks and a length", request(VIEW, "Transfer-Encoding: chunked"), 400),
]


@pytest.mark.parametrize(("what", "sent", "status"), OTHERS, ids=[what for what, *_ in OTHERS])
async def test_what_is_not_plain_goes_the_regular_way(
    app: Running, peer: Peer, ways: list[str], what: str, sent: bytes, status: int
) -> None:
    assert [await peer.ask(request()), await peer.ask(request())] == [202, 202]
    assert await peer.ask(sent) == status
    assert ways[:2] == ["regular", "short"]
    assert "short" not in ways[2:]


@pytest.mark.parametrize(
    ("header", "version"),
    [("Connection: close", "1.1"), ("Connection: keep-alive", "1.0"), ("Expect: 100-continue", "1.1")],
)
async def test_a_head_with_a_meaning_for_the_connection_is_not_learnt(
    app: Running, ways: list[str], header: str, version: str
) -> None:
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        await Peer(reader, writer).ask(request(VIEW, header, version=version))
        writer.close()
    assert ways == ["regular", "regular"]


async def test_a_chunked_body_is_not_taken_for_a_request(app: Running, peer: Peer, ways: list[str]) -> None:
    """What looks like a known request, byte for byte, is another's body here."""
    assert [await peer.ask(request()), await peer.ask(request())] == [202, 202]
    inner = request(b'{"page_url":"https://shop.example/smuggled"}')
    head = f"POST /v1/page_view HTTP/1.1\r\nHost: x\r\nX-Write-Key: {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    status = await peer.ask(head.encode(), f"{len(inner):x}\r\n".encode(), inner, b"\r\n0\r\n\r\n")
    assert (status, ways) == (400, ["regular", "short"])


async def test_requests_behind_one_that_is_under_way_are_answered_in_order(app: Running, peer: Peer) -> None:
    assert await peer.ask(request()) == 202
    await peer.send(request(), request(BAD), request(), request() + request(BAD) + request())
    assert [(await peer.reply())[0] for _ in range(6)] == [202, 400, 202, 202, 400, 202]


async def test_a_disk_that_refuses_is_answered_by_the_regular_way(
    app: Running, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await peer.ask(request()) == 202
    append = Journal.append
    for failure in (JournalBroken("the disk refuses"), JournalFull("no room")):

        def fail(*_: object, failure: Exception = failure) -> asyncio.Future[int]:
            broken = asyncio.get_running_loop().create_future()
            broken.set_exception(failure)
            return broken

        monkeypatch.setattr(Journal, "append", fail)
        assert await peer.ask(request()) == 503
    monkeypatch.setattr(Journal, "append", append)
    assert await peer.ask(request()) == 202
    await until(lambda: _equals(app, 2))


async def test_a_sender_who_leaves_is_counted_all_the_same(app: Running, peer: Peer) -> None:
    assert await peer.ask(request()) == 202
    _, writer = await asyncio.open_connection("127.0.0.1", app.port)
    writer.write(request())
    await writer.drain()
    writer.transport.abort()
    await until(lambda: _equals(app, 2))


async def test_the_rate_counts_both_ways(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path, ack="journal", events_per_second=1, events_burst=5) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        peer = Peer(reader, writer)
        assert [await peer.ask(request()) for _ in range(6)] == [202] * 5 + [429]
        writer.close()


async def test_overload_makes_no_request_dearer(
    redis: Redis, redis_url: str, tmp_path: Path, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is let in while others are turned away goes the short way too."""
    made: list[Overload] = []

    def make(*args: Any) -> Overload:
        made.append(Overload(*args))
        return made[0]

    monkeypatch.setattr("hitstream.app.Overload", make)
    monkeypatch.setattr(Pressure, "run", lambda _: asyncio.Event().wait())  # measures nothing by itself
    async with serving(redis_url, tmp_path, ack="journal") as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        peer = Peer(reader, writer)
        assert await peer.ask(request()) == 202
        made[0].measured(Reading(elapsed_s=0.1, late_s=1.0, journal_share=0.0, drain_s=0.0))
        assert made[0].capacity < inf
        assert await peer.ask(request()) == 202
        writer.close()
    assert ways == ["regular", "short"]


async def test_an_acknowledgement_that_waits_for_redis_takes_the_regular_way(
    redis: Redis, redis_url: str, tmp_path: Path, ways: list[str]
) -> None:
    async with serving(redis_url, tmp_path, ack="redis") as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        peer = Peer(reader, writer)
        assert [await peer.ask(request()) for _ in range(3)] == [202] * 3
        writer.close()
    assert ways == ["regular"] * 3


async def test_however_a_stream_is_cut_it_is_answered_alike(app: Running, ways: list[str]) -> None:
    """Against connections whose every head is new, and so takes the regular way."""
    kinds = [VIEW, VIEW, VIEW, BAD, b"{", b"[" + VIEW + b"," + BAD + b"]", b""]
    for seed in range(60):
        draw = random.Random(seed)
        bodies = draw.choices(kinds, k=draw.randrange(1, 8))
        plain = [request(body) for body in bodies]
        new = [request(body, f"X-Nonce: {seed}-{place}") for place, body in enumerate(bodies)]
        streams = []
        for sent in (plain, new):
            whole = b"".join(sent)
            ends = [sum(map(len, sent[:place])) for place in range(1, len(sent) + 1)]
            cuts = sorted(
                {*draw.sample(ends, draw.randrange(len(ends) + 1)), *draw.sample(range(len(whole)), draw.randrange(4))}
            )
            reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
            peer = Peer(reader, writer)
            for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
                await peer.send(whole[start:end])
                if draw.random() < 0.5:
                    await asyncio.sleep(0)
            streams.append([await peer.reply() for _ in bodies])
            writer.close()
        assert streams[0] == streams[1], f"seed {seed}"
    assert "short" in ways


async def _equals(app: Running, expected: int) -> bool:
    return await views(app) == expected
