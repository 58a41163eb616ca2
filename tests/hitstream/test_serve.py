"""`hitstream serve` as an operator sees it: processes, signals, files, and what it says."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest
from redis.asyncio import Redis

from tests.endtoend.serving import Server, serving
from tests.waiting import is_gone, until


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hitstream", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


def descendants(pid: int) -> dict[int, str]:
    """The command lines of all that live below the process."""
    found = {}
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended, or is a zombie
            found[child.pid] = " ".join(child.cmdline())
    return found


def all_gone(pids: Iterable[int]) -> Callable[[], bool]:
    return lambda: all(is_gone(pid) for pid in pids)


async def post(server: Server, kind: str = "write") -> int:
    headers = {"X-Write-Key": server.key(kind)}
    async with aiohttp.ClientSession() as session:
        event = {"page_url": "https://shop.example/"}
        async with session.post(f"{server.url}/v1/page_view", json=event, headers=headers) as reply:
            return reply.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    async with serving(tmp_path / "data") as server:
        children = descendants(server.pid)
        assert [command for command in children.values() if "valkey-server" in command]
        assert await post(server) == 202
        await server.signal(number)
        assert await server.wait() == 0
    assert not (tmp_path / "data" / "ready.json").exists()
    assert all_gone(children)()
    said = (tmp_path / "data" / "server.log").read_text()
    assert f"Hitstream is ready on {server.url}" in said
    for kind in ("write", "server", "read"):
        # Listed, in the examples, and in the live page's link.
        assert said.count(server.key(kind)) == {"write": 2, "server": 1, "read": 3}[kind]
    assert '"level": "error"' not in said


async def test_what_it_acknowledged_is_in_redis_when_it_has_ended(tmp_path: Path, redis: Redis, redis_url: str) -> None:
    async with serving(tmp_path / "data", "--config", str(configured(tmp_path, redis_url))) as server:
        assert not descendants(server.pid)  # neither an engine nor workers
        assert await asyncio.gather(*(post(server) for _ in range(20))) == [202] * 20
        assert await server.stop() == 0
    assert await redis.xlen("{p0}:page_views") == 20


async def test_what_is_in_flight_is_finished_when_it_is_told_to_end(tmp_path: Path) -> None:
    body = b'{"page_url": "https://shop.example/"}'
    async with serving(tmp_path / "data") as server:
        address = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST /v1/page_view HTTP/1.1\r\nHost: x\r\nX-Write-Key: {server.key('write')}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body[:10])
        await writer.drain()
        await post(server)  # behind it on the loop, so it has begun
        await server.signal(signal.SIGTERM)
        await until(lambda: not (tmp_path / "data" / "ready.json").exists())
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(server)
        writer.write(body[10:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()
        assert await server.wait() == 0


async def test_a_live_stream_ends_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {server.key('read')}"}
        async with session.get(f"{server.url}/v1/live", headers=headers) as reply:
            await reply.content.readuntil(b"event: summary\n")
            await server.signal(signal.SIGTERM)
            await reply.read()  # to its end, which a connection that is cut has not
        assert await server.wait() == 0


def configured(directory: Path, redis_url: str) -> Path:
    file = directory / "hitstream.toml"
    file.write_text(f'redis_url = "{redis_url}"\n')
    return file


async def test_workers_share_the_port_and_come_back(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", "--workers", "2") as server:

        def workers() -> dict[int, str]:
            return {pid: line for pid, line in descendants(server.pid).items() if "hitstream.worker" in line}

        async def all_tell() -> bool:
            async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as reply:
                told = await reply.text()
            return all(f'hitstream_redis_up{{worker="{number}"}} 1.0' in told for number in (0, 1))

        await until(all_tell)
        before = workers()
        assert len(before) == 2
        killed = min(before)
        psutil.Process(killed).kill()
        await until(lambda: len(workers()) == 2 and killed not in workers())
        await until(all_tell)
        assert await post(server) == 202
        children = descendants(server.pid)
        assert await server.stop() == 0
    assert all_gone(children)()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_killed_it_leaves_no_process_and_the_next_start_works(tmp_path: Path, workers: str) -> None:
    async with serving(tmp_path / "data", "--workers", workers) as server:
        children = descendants(server.pid)
        await server.kill()
        await until(all_gone(children))
        await server.start()
        assert await post(server) == 202


async def test_a_data_directory_has_one_server(tmp_path: Path) -> None:
    async with serving(tmp_path / "data"):
        status, _, said = await run("serve", "--data-dir", str(tmp_path / "data"), "--port", "0")
        assert (status, said) == (1, f"hitstream: another server runs on {tmp_path / 'data'}\n")
        assert json.loads((tmp_path / "data" / "ready.json").read_text())["url"]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_taken_port_is_named(tmp_path: Path, workers: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, _, said = await run("serve", "--data-dir", str(tmp_path), "--port", port, "--workers", workers)
    assert status == 1
    assert said.startswith(f"hitstream: cannot listen on 127.0.0.1 port {port}: ")
    assert "is another server running there?" in said


async def test_a_damaged_engine_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "valkey" / "appendonlydir"
    damaged.mkdir(parents=True)
    (damaged / "appendonly.aof.manifest").write_text("nonsense\n")
    status, _, said = await run("serve", "--data-dir", str(tmp_path), "--port", "0")
    assert status == 1
    assert said.startswith("hitstream: Valkey ended with status 1:\n")
    assert "manifest" in said


async def test_misuse_is_told_with_status_2(tmp_path: Path) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text("prot = 80\n")
    status, _, said = await run("serve", "--config", str(file))
    assert status == 2
    assert said == f"hitstream: prot (in {file}): there is no such setting; is it 'port'?\n"
    status, _, said = await run("serve", "--workers", "none")
    assert status == 2
    assert "--workers" in said


async def test_help_tells_a_newcomer_what_to_do() -> None:
    status, said, _ = await run("--help")
    assert status == 0
    assert "serve" in said
    status, said, _ = await run("serve", "--help")
    assert status == 0
    assert "http://127.0.0.1:8080" in said
