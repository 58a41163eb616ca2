"""Bytes on a connection of one's own, and what comes back, for requests that no HTTP client would send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE_S = 30.0  # what a loaded machine may need

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [A-Z]")
_CODE = re.compile(rb'"code": "(\w+)"|X-Hitstream-Outcome: (\w+)')


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, sent: bytes, *, ends: bool = False) -> None:
        """A server that has heard enough may hang up on the rest."""
        with suppress(OSError):  # not only ConnectionError: of a line that is gone, ENOTCONN tells when its end is sent
            self._writer.write(sent)
            await self._writer.drain()
            if ends:
                self._writer.write_eof()

    async def heard(self, replies: int | None = None) -> bytes:
        """Everything until the server hangs up, or until there are so many replies."""
        found = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_S):
                while replies is None or len(statuses(found)) < replies or not found.endswith(b"}"):
                    piece = await self._reader.read(1 << 16)
                    if not piece:
                        break
                    found += piece
        return found


def statuses(heard: bytes) -> tuple[int, ...]:
    return tuple(int(status) for status in _STATUS.findall(heard))


def code(heard: bytes) -> str:
    """Of the last reply: a problem's code, or a pixel's outcome."""
    found = _CODE.findall(heard)
    return b"".join(found[-1]).decode() if found else ""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()  # what was not sent need not be
        with suppress(ConnectionError):
            await writer.wait_closed()
