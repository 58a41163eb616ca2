"""The embedded PostgreSQL: starts, keeps what it was given, comes back, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from hitstream.postgres import Postgres


async def ask(url: str, query: str) -> Any:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query.encode())
        row = await cursor.fetchone() if cursor.description else None
        return row and row[0]


async def eventually(url: str, query: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            with suppress(psycopg.OperationalError):
                return await ask(url, query)
            await asyncio.sleep(0.05)


async def test_keeps_its_data_when_killed_and_over_a_restart(tmp_path: Path) -> None:
    directory = tmp_path / ("deep" * 30)  # a path too long for a socket
    async with Postgres(directory) as postgres:
        assert await ask(postgres.url, "SHOW listen_addresses") == ""
        assert await ask(postgres.url, "SHOW synchronous_commit") == "on"
        await ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        first = postgres.pid
        assert first
        assert psutil.Process(first).uids().effective != 0
        os.kill(first, signal.SIGKILL)
        assert await eventually(postgres.url, "SELECT answer FROM kept") == 42
        assert postgres.pid != first
        last = postgres.pid
    assert last
    assert not psutil.pid_exists(last)
    async with Postgres(directory) as postgres:
        assert await ask(postgres.url, "SELECT answer FROM kept") == 42


SERVE = """
import asyncio, sys, pathlib
from hitstream.postgres import Postgres
async def main():
    async with Postgres(pathlib.Path(sys.argv[1])) as postgres:
        print(postgres.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def started(directory: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a PostgreSQL, and that server's pid."""
    owner = subprocess.Popen([sys.executable, "-c", SERVE, str(directory)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner.stdout:
        return owner, int(owner.stdout.readline())


async def test_one_left_behind_is_ended_before_another_starts(tmp_path: Path) -> None:
    owner, pid = started(tmp_path / "p")
    os.kill(pid, signal.SIGSTOP)  # so that it cannot follow its owner
    owner.kill()
    owner.wait()
    async with Postgres(tmp_path / "p") as postgres:
        assert postgres.pid != pid
        assert await ask(postgres.url, "SELECT 1") == 1
        async with asyncio.timeout(30):
            while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
