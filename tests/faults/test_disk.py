"""The disk of a whole server is full, slow, or fails its syncs: what was acknowledged is counted, and it goes on alone.

The kernel itself says no here: a real file system of 8 MiB, and system calls that `strace` makes fail or wait.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.endtoend.serving import Server, serving
from tests.endtoend.traffic import Traffic, all_is_counted
from tests.waiting import until

SIZE: Final = 8 << 20
ROOM: Final = 200 << 10  # left for journal and engine together
UNMOUNT_LAZILY: Final = 2  # MNT_DETACH


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    libc = ctypes.CDLL(None, use_errno=True)
    where = tmp_path / "small"
    where.mkdir()
    if libc.mount(b"tmpfs", bytes(where), b"tmpfs", 0, f"size={SIZE}".encode()):
        pytest.skip(f"a file system cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    yield where
    assert libc.umount2(bytes(where), UNMOUNT_LAZILY) == 0, os.strerror(ctypes.get_errno())


def fill(disk: Path, *, room: int) -> Path:
    """A file that leaves so much room."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - room)))
    return ballast


async def readiness(server: Server) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/readyz") as reply:
        return reply.status


async def test_a_disk_of_8_mib_fills_up_and_is_freed(small_disk: Path) -> None:
    """The journal's and Redis's alike."""
    async with serving(small_disk / "data") as server:
        traffic = Traffic(server, 4)
        async with traffic.flowing():
            await traffic.more(300)
            ballast = fill(small_disk, room=ROOM)
            await until(lambda: traffic.refused > 10, 60)
            assert await readiness(server) == 503
            ballast.unlink()
            await traffic.more(300)
        await all_is_counted(server, traffic)


@asynccontextmanager
async def strace(pid: int, inject: str) -> AsyncIterator[None]:
    """While the block lasts, the fdatasync of all threads of the process is tampered with."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed")
    tracer = await asyncio.create_subprocess_exec(
        *(program, "-f", "-p", str(pid), "-e", "trace=fdatasync", "-e", f"inject=fdatasync:{inject}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert tracer.stderr
    said = await tracer.stderr.readline()
    if b"attached" not in said:
        await tracer.wait()
        pytest.skip(f"a process cannot be traced here: {said.decode().strip()}")
    draining = asyncio.create_task(tracer.stderr.read())
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        await tracer.wait()
        await draining


async def test_syncs_that_fail(tmp_path: Path) -> None:
    """Every third does: the segment is given up, and what was not acknowledged is written to another."""
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 5)
        async with traffic.flowing():
            await traffic.more(100)
            async with strace(server.pid, "error=EIO:when=1+3"):
                await traffic.more(1_000)
            await traffic.more(100)
        assert "is given up: [Errno 5]" in (tmp_path / "data" / "server.log").read_text()
        assert len([*(tmp_path / "data" / "journal").glob("*/*.log")]) > 1
        await all_is_counted(server, traffic)
        assert not traffic.refused


async def test_a_disk_that_keeps_nothing_for_a_while(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 6)
        async with traffic.flowing():
            await traffic.more(100)
            async with strace(server.pid, "error=EIO"):
                await until(lambda: traffic.refused > 10, 60)
                assert await readiness(server) == 503
            await traffic.more(300)
        await all_is_counted(server, traffic)


async def test_syncs_that_take_long(tmp_path: Path) -> None:
    """Senders wait; nobody is refused."""
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 7)
        async with traffic.flowing():
            await traffic.more(100)
            async with strace(server.pid, "delay_enter=150000"):
                await traffic.more(100)
            await traffic.more(300)
        await all_is_counted(server, traffic)
        assert not traffic.refused
