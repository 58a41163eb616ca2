"""A whole server as an operator runs it: processes, engines and all, in a data directory of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hitstream import leash
from tests.waiting import is_gone, until

START_S = 60.0  # what a loaded machine may need; a ready server is noticed at once


class Server:
    """`hitstream serve` on `directory`, started, stopped and killed at will."""

    def __init__(self, directory: Path, *options: str, **environment: str) -> None:
        self.directory = directory
        self._options = options
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def key(self, kind: str) -> str:
        keys: str = tomllib.loads((self.directory / "keys.toml").read_text())["sites"]["demo"][kind]
        return keys

    def redis(self) -> Redis:
        path = self.directory / "valkey" / "valkey.sock"
        return Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0), socket_timeout=5)

    async def start(self) -> None:
        ready = self.directory / "ready.json"
        words = (sys.executable, "-m", "hitstream", "serve", "--data-dir", str(self.directory), "--port", "0")
        self.directory.mkdir(exist_ok=True)
        with (self.directory / "server.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *leash.command(*words, *self._options), stdout=log, stderr=log, env={**os.environ, **self._environment}
            )
        process = self._process

        def is_ready() -> bool:
            assert process.returncode is None, (self.directory / "server.log").read_text()[-4000:]
            try:
                found = json.loads(ready.read_text())
            except (OSError, ValueError):
                return False
            self.url = found["url"]
            return bool(found["pid"] == process.pid)

        await until(is_ready, START_S)

    async def signal(self, number: signal.Signals) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def wait(self) -> int:
        assert self._process
        return await asyncio.wait_for(self._process.wait(), 60)

    async def stop(self) -> int:
        await self.signal(signal.SIGTERM)
        return await self.wait()

    async def kill(self) -> None:
        await self.signal(signal.SIGKILL)
        await self.wait()

    async def kill_valkey(self) -> None:
        """Of the server that listens on the socket; the supervisor starts another."""
        os.kill(await self._valkey_pid(), signal.SIGKILL)

    async def kill_all(self) -> None:
        """The server, and its Valkey, which else would end in order and write what it still has."""
        valkey = await self._valkey_pid()
        await self.kill()
        with suppress(ProcessLookupError):
            os.kill(valkey, signal.SIGKILL)
        await until(lambda: is_gone(valkey))

    async def _valkey_pid(self) -> int:
        async with self.redis() as redis:
            return int((await redis.info("server"))["process_id"])

    async def ask(self, path: str, **params: str) -> Any:
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {self.key('read')}"}
            async with session.get(self.url + path, params=params, headers=headers) as reply:
                assert reply.status == 200, await reply.text()
                return await reply.json()

    async def text(self, path: str) -> str:
        """Of a call that takes no key."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as reply:
            return await reply.text()


@asynccontextmanager
async def serving(directory: Path, *options: str, **environment: str) -> AsyncIterator[Server]:
    server = Server(directory, *options, **environment)
    try:
        await server.start()
        yield server
    finally:
        if server._process and server._process.returncode is None:
            await server.stop()
