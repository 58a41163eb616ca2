"""A proxy before a server that loses, delays or swallows on command: the faults of a network, really happening."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

STEPS_PER_S: Final = 50  # in which a slow line brings what it brings

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Proxy:
    """Switches of a running proxy. All take effect at the next chunk that passes.

    lose_reply_to: a word; the next request that holds it reaches the server, its reply is dropped, the line is cut.
    open: while false, connections are accepted and nothing passes either way (a black hole).
    delay_s: each reply is held back so long.
    bytes_per_s: so fast is the line, each way; 0: as fast as it is.
    """

    def __init__(self, connect: Connect) -> None:
        self.port = 0
        self.lose_reply_to = b""
        self.delay_s = 0.0
        self.bytes_per_s = 0
        self.replies_lost = 0
        self._connect = connect
        self._open = asyncio.Event()
        self._open.set()
        self._lines: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def black_hole(self) -> None:
        self._open.clear()

    def restore(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Ends every connection at once."""
        for line in self._lines:
            line.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            server_reader, server_writer = await self._connect()
            try:
                losing = asyncio.Event()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._requests(reader, server_writer, losing))
                    tasks.create_task(self._replies(server_reader, writer, losing))
            finally:
                server_writer.close()
        except* (ConnectionError, _Cut):
            pass
        finally:
            self._lines.discard(line)
            writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        while data := await reader.read(1 << 20):
            await self._open.wait()
            if self.lose_reply_to and self.lose_reply_to in data:
                self.lose_reply_to = b""
                losing.set()
            await self._pass_on(data, server)
        raise _Cut

    async def _replies(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while data := await server.read(1 << 20):
            await self._open.wait()
            if losing.is_set():
                self.replies_lost += 1
                raise _Cut
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._pass_on(data, writer)
        raise _Cut

    async def _pass_on(self, data: bytes, to: asyncio.StreamWriter) -> None:
        step = self.bytes_per_s // STEPS_PER_S or len(data)
        for at in range(0, len(data), step):
            to.write(data[at : at + step])
            await to.drain()
            if self.bytes_per_s:
                await asyncio.sleep(1 / STEPS_PER_S)


class _Cut(Exception):
    """The line ends here."""


@asynccontextmanager
async def proxy_to(connect: Connect) -> AsyncIterator[Proxy]:
    proxy = Proxy(connect)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 2)
