"""Real processes that end, fork and import, and a server that dies under the client."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from hitstream.client import AsyncClient, Client, Options
from tests.application import KEYS, serving
from tests.endtoend.serving import serving as server_process
from tests.waiting import until

WRITE = KEYS["shop"]["write"]
OURS = ("store", "ingest", "query", "commerce", "social")
NOT_OURS = ("aiohttp", "redis", "msgspec", "orjson", "numpy", "prometheus_client", "uvloop")


async def python(program: str, *arguments: str) -> str:
    """What a fresh interpreter says; it must end well and complain of nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *arguments),
        stdout=-1,
        stderr=-1,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode().strip()


async def streamed(redis: Redis) -> Counter[str]:
    entries: Any = await redis.xrange("{p0}:user_events")
    return Counter(fields[b"name"].decode() for _, fields in entries)


async def test_importing_it_brings_in_the_standard_library_alone() -> None:
    loaded = await python("import sys, hitstream.client; print(*sys.modules)")
    names = set(loaded.split())
    assert "hitstream.client" in names
    assert not names & {*OURS, *NOT_OURS}
    assert {name for name in names if name.startswith("hitstream.")} == {
        name for name in names if name.startswith("hitstream.client")
    }


ENDS = """
import sys
from hitstream.client import Client, Options
client = Client(sys.argv[1], sys.argv[2], options=Options(linger_s=60))
for number in range(100):
    client.event(f"n{number}")
"""

FORKS = """
import os, sys
from hitstream.client import Client, Options
client = Client(sys.argv[1], sys.argv[2], options=Options(linger_s=60))
client.event("before")
client.flush()  # the connection is open now, and the thread runs
client.event("queued")
child = os.fork()
client.event("child" if child == 0 else "parent")
if child:
    assert os.waitpid(child, 0)[1] == 0
"""

FORKS_THROUGH_MULTIPROCESSING = """
import multiprocessing, sys
from hitstream.client import Client, Options
client = Client(sys.argv[1], sys.argv[2], options=Options(linger_s=60))
client.event("queued")

def work():
    client.event("child")

process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
"""

WRAPS = """
import asyncio, sys
from hitstream.client import AsyncClient, Options

async def main():
    async with AsyncClient(sys.argv[1], sys.argv[2], options=Options(linger_s=60)) as hits:
        await hits.event("wrapped")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("program", "arrives"),
    [
        (ENDS, [f"n{number}" for number in range(100)]),
        (FORKS, ["before", "queued", "child", "parent"]),
        (FORKS_THROUGH_MULTIPROCESSING, ["queued", "child"]),
        (WRAPS, ["wrapped"]),
    ],
    ids=["ends", "forks", "multiprocessing", "asyncio"],
)
async def test_what_a_program_leaves_queued_is_sent_once(
    program: str, arrives: list[str], redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with serving(redis_url, tmp_path) as app:
        await python(program, app.url, WRITE)
        assert await streamed(redis) == Counter(arrives)


async def test_a_forked_async_client_refuses() -> None:
    said = await python("""
import asyncio, os
from hitstream.client import AsyncClient

client = AsyncClient("http://127.0.0.1:9", "hw_key")
if os.fork() == 0:
    try:
        asyncio.run(client.event("a"))
    except RuntimeError as error:
        print(error)
else:
    os.wait()
""")
    assert said == "the process has forked: make an AsyncClient of its own in the child"


def free_port() -> int:
    """One that no outgoing connection is given while the server is away: those have ports from 32768 on."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


async def test_a_server_that_is_killed_in_the_middle_gets_everything_once(tmp_path: Path) -> None:
    """Twice, under both clients; a reply that was lost with the server leads to a retry of what it had journalled."""
    options = Options(
        batch_events=7, linger_s=0, backoff_s=0.02, longest_backoff_s=0.2, when_full="wait", queue_events=100
    )
    async with server_process(tmp_path / "data", "--port", str(free_port())) as server:
        key = server.key("write")
        with closing(Client(server.url, key, options=options)) as client:  # or a failure would wait for it for ever

            def send() -> None:
                for number in range(1_500):
                    client.event(f"sync {number}")

            async def send_async() -> None:
                async with AsyncClient(server.url, key, options=options) as hits:
                    for number in range(1_500):
                        await hits.event(f"async {number}")
                    assert await hits.flush(60)
                    assert hits.stats.accepted == 1_500

            sending = asyncio.gather(asyncio.to_thread(send), send_async())
            for enough in (200, 700):
                await until(lambda enough=enough: client.stats.accepted > enough, 60)  # type: ignore[misc]
                await server.kill()
                await server.start()
            await sending
            assert await asyncio.to_thread(client.flush, 60)
            assert client.stats.accepted == 1_500
            assert client.stats.retries > 0
        async with server.redis() as redis:

            async def arrived() -> bool:
                return (await streamed(redis)).total() >= 3_000

            await until(arrived, 60)
            assert await streamed(redis) == Counter(
                f"{kind} {number}" for kind in ("sync", "async") for number in range(1_500)
            )
