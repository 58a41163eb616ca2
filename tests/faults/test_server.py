"""What happens to a whole server under traffic: what it acknowledged is counted, and once, and others are unharmed."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import orjson
import psutil
import pytest

from hitstream.engines import Valkey
from tests.endtoend.serving import Server, serving
from tests.endtoend.traffic import Traffic, all_is_counted
from tests.faults.views import DAY, NOON
from tests.ingest.rig import counted, everywhere
from tests.waiting import until

MIB: Final = 1 << 20
BATCH: Final = 500
IDLE: Final = 2_000  # connections
SLOW: Final = 20


async def valkey_of(server: Server) -> int:
    async with server.redis() as redis:
        return int((await redis.info("server"))["process_id"])


async def scraped(server: Server, name: str) -> float:
    """The sum of a metric over workers and labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as reply:
        lines = (await reply.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((name + "{", name + " ")))


async def flood(server: Server, events: int) -> None:
    """Returns when so many are acknowledged."""
    page = {"type": "page_view", "page_url": "https://shop.example/flood", "timestamp": NOON, "title": "x" * 100}
    body = orjson.dumps([{**page, "user_id": f"u{number}"} for number in range(BATCH)])
    headers = {"Authorization": f"Bearer {server.key('server')}", "Content-Type": "application/json"}
    left = iter(range(events // BATCH))
    async with aiohttp.ClientSession(headers=headers) as session:

        async def sender() -> None:
            for _ in left:
                async with session.post(f"{server.url}/v1/events", data=body) as reply:
                    assert reply.status == 202, await reply.text()

        await asyncio.gather(*(sender() for _ in range(4)))


async def test_valkey_stands_still_while_a_hundred_thousand_events_are_acknowledged(tmp_path: Path) -> None:
    """Memory holds a bounded number of them; the others wait on disk."""
    (tmp_path / "hitstream.toml").write_text("events_per_second = 0\n")
    async with serving(tmp_path / "data", "--config", str(tmp_path / "hitstream.toml")) as server:
        process, valkey = psutil.Process(server.pid), await valkey_of(server)
        await flood(server, 10_000)
        before = process.memory_info().rss
        os.kill(valkey, signal.SIGSTOP)
        try:
            await flood(server, 40_000)
            filled = process.memory_info().rss
            await flood(server, 60_000)
            grown = process.memory_info().rss
            assert await scraped(server, "hitstream_backlog_events") >= 100_000
        finally:
            os.kill(valkey, signal.SIGCONT)
        assert grown - before < 64 * MIB
        assert grown - filled < 16 * MIB, "it grows with what is acknowledged"

        async def all_counted() -> bool:
            async with server.redis() as redis:
                return await counted(redis, DAY) == everywhere(110_000)

        await until(all_counted, 60)


async def test_sigterm_drains_what_is_acknowledged(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 1)
        async with traffic.flowing():
            await traffic.more(500)
            assert await server.stop() == 0
            assert not (tmp_path / "data" / "ready.json").exists()
            acknowledged = traffic.acknowledged.total()
            async with Valkey(tmp_path / "data" / "valkey"), server.redis() as redis:
                assert (await counted(redis, DAY))["stream"] >= acknowledged  # more, where a reply did not arrive
            await server.start()
            await traffic.more(100)
        await all_is_counted(server, traffic)
        assert '"level": "error"' not in (tmp_path / "data" / "server.log").read_text()


async def test_a_worker_is_killed_and_the_other_adopts_its_journal(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", "--workers", "2") as server:
        traffic = Traffic(server, 2)
        async with traffic.flowing():
            await traffic.more(300)
            workers = [
                child
                for child in psutil.Process(server.pid).children(recursive=True)
                if "hitstream.worker" in " ".join(child.cmdline())
            ]
            await server.signal(signal.SIGSTOP)  # so that it starts no other, which might be the one to adopt
            try:
                workers[0].kill()
                await traffic.more(300)
                await until(lambda: has_adopted(server), 30)
            finally:
                await server.signal(signal.SIGCONT)
        await all_is_counted(server, traffic)


async def has_adopted(server: Server) -> bool:
    return await scraped(server, "hitstream_journals_adopted_total") >= 1


async def test_a_crowd_that_is_idle_or_slow_harms_nobody(tmp_path: Path) -> None:
    """Connections that say nothing, senders that never finish, readers of the live stream that take nothing."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if open_files < IDLE + 1_000:
        pytest.skip(f"only {open_files} open files are allowed here")
    async with serving(tmp_path / "data") as server, AsyncExitStack() as crowd:
        host, _, port = server.url.removeprefix("http://").partition(":")
        live = f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key('read')}\r\n\r\n"
        post = f"POST /v1/events?key={server.key('write')} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n["
        said = [b""] * IDLE + [live.encode()] * SLOW + [post.encode()] * SLOW
        silent = [await crowd.enter_async_context(connection(host, int(port), words)) for words in said]
        await until(lambda: live_readers(server))
        before = psutil.Process(server.pid).memory_info().rss
        traffic = Traffic(server, 3)
        async with traffic.flowing():
            await traffic.more(2_000)
        await all_is_counted(server, traffic)
        assert psutil.Process(server.pid).memory_info().rss - before < 64 * MIB
        assert all(is_open(each) for each in silent[:IDLE])


async def live_readers(server: Server) -> bool:
    return await scraped(server, "hitstream_live_readers") == SLOW


@asynccontextmanager
async def connection(host: str, port: int, words: bytes) -> AsyncIterator[socket.socket]:
    """One on which these words are said, and nothing is ever read."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(line, (host, port))
        await loop.sock_sendall(line, words)
        yield line


def is_open(line: socket.socket) -> bool:
    try:
        return bool(line.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
