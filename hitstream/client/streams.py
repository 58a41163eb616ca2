"""As much of HTTP/1.1 as one kept connection for POSTs takes, on asyncio's streams, which have no HTTP of their own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

from .delivery import NoReply, Reply, Request
from .target import Target

LONGEST_HEAD: Final = 100  # lines; a server that sends more is none
LONGEST_BODY: Final = 4 << 20  # the longest true one names 5,000 rejected events


class _Malformed(Exception):
    """This is not HTTP."""


class Streams:
    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, request: Request) -> Reply | NoReply:
        reused = self._writer is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(request)
        except (OSError, EOFError, ValueError, _Malformed, TimeoutError) as error:
            stale = reused and isinstance(error, (ConnectionError, EOFError))
            self.close()
            return NoReply(str(error) or type(error).__name__, stale)
        except BaseException:  # cancelled half way: what comes next on this connection belongs to nobody
            self.close()
            raise

    def close(self) -> None:
        writer, self._reader, self._writer = self._writer, None, None
        if writer:
            writer.close()

    async def _exchange(self, request: Request) -> Reply:
        target = self._target
        if self._writer is None or self._reader is None:
            context = ssl.create_default_context() if target.https else None
            self._reader, self._writer = await asyncio.open_connection(target.host, target.port, ssl=context)
        reader, writer = self._reader, self._writer
        writer.write(_head(target, request) + request.body)
        await writer.drain()
        status, version, headers = await _read_head(reader)
        body = await _read_body(reader, headers)
        if version != b"HTTP/1.1" or "close" in headers.get("connection", "").lower():
            self.close()
        return Reply(status, body, headers.get("retry-after", ""))


def _head(target: Target, request: Request) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    if target.port != (443 if target.https else 80):
        host += f":{target.port}"
    headers = {"Host": host, **target.headers, **request.headers, "Content-Length": str(len(request.body))}
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, bytes, Mapping[str, str]]:
    while True:
        line = await reader.readline()
        if not line:
            raise EOFError("the server closed the connection")
        version, _, rest = line.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise _Malformed("the server does not speak HTTP/1.1")
        headers: dict[str, str] = {}
        for _ in range(LONGEST_HEAD):
            line = await reader.readline()
            if line in (b"\r\n", b"\n"):
                break
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _Malformed("the server's headers make no sense")
            headers[name.strip().lower()] = value.strip()
        else:
            raise _Malformed("the server's headers do not end")
        if int(rest[:3]) >= 200:  # before it, as many as it likes say that it is on its way
            return int(rest[:3]), version, headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in headers:
        return await reader.readexactly(_checked(int(headers["content-length"])))
    found = b""
    while chunk := await reader.read(64 << 10):  # to the connection's end
        _checked(len(found) + len(chunk))
        found += chunk
    return found


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while size := int((await reader.readline()).partition(b";")[0].strip() or b"-", 16):
        found += await reader.readexactly(_checked(len(found) + size) - len(found))
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass  # trailers
    return found


def _checked(size: int) -> int:
    if not 0 <= size <= LONGEST_BODY:
        raise _Malformed("the reply is too long")
    return size
