"""The two transports against what servers and broken servers send: the same replies are read from both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hitstream.client.connection import Connection
from hitstream.client.delivery import NoReply, Reply, Request
from hitstream.client.streams import Streams
from hitstream.client.target import target

REQUEST = Request(b'{"batch":[]}', {"Content-Type": "application/json"})


@asynccontextmanager
async def answering(*replies: bytes, close: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Sends each reply to one request, on however many connections; gives the URL and what the requests were."""
    requests: list[bytes] = []
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                requests.append(head + await reader.readexactly(len(REQUEST.body)))
                writer.write(left.pop(0))
                await writer.drain()
                if close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base", requests


OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"

CASES = [
    (OK, Reply(202, b"{}")),
    (b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", Reply(503, b"", "7")),
    (b"HTTP/1.1 202 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x\r\n}\r\n0\r\nT: u\r\n\r\n", Reply(202, b"{}")),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, Reply(202, b"{}")),
    (b"HTTP/1.0 404 Gone\r\n\r\nto the end", Reply(404, b"to the end")),
    (b"SSH-2.0-OpenSSH\r\n", None),
    (b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\n{}", None),
    (b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "found"), CASES)
async def test_a_reply_is_read_alike(said: bytes, found: Reply | None) -> None:
    async with answering(said, said, close=True) as (url, requests):
        streams, connection = Streams(target(url, "hw_key"), 5), Connection(target(url, "hw_key"), 5)
        for reply in (await streams.post(REQUEST), await asyncio.to_thread(connection.post, REQUEST)):
            assert reply == found if found else isinstance(reply, NoReply) and not reply.stale
        streams.close()
        connection.close()
    for request in requests:
        assert request.startswith(b"POST /base/v1/events HTTP/1.1\r\n")
        assert b"Authorization: Bearer hw_key\r\n" in request
        assert request.endswith(REQUEST.body)


@pytest.mark.parametrize("kind", ["streams", "connection"])
async def test_a_connection_is_kept_and_opened_anew_where_the_server_closed_it(kind: str) -> None:
    async with answering(OK, close=True) as (url, _):
        to = target(url, "hw_key")
        streams, connection = Streams(to, 5), Connection(to, 5)

        async def post() -> Reply | NoReply:
            return await (streams.post(REQUEST) if kind == "streams" else asyncio.to_thread(connection.post, REQUEST))

        assert await post() == Reply(202, b"{}")
        again = await post()
        assert isinstance(again, NoReply)
        assert again.stale
        fresh = await post()
        assert isinstance(fresh, NoReply)
        assert not fresh.stale
        streams.close()
        connection.close()


async def test_nobody_there() -> None:
    async with answering() as (url, _):
        pass
    streams, connection = Streams(target(url, "hw_key"), 5), Connection(target(url, "hw_key"), 5)
    assert isinstance(await streams.post(REQUEST), NoReply)
    assert isinstance(connection.post(REQUEST), NoReply)


async def test_a_server_that_says_nothing_is_left() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        to = target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "hw_key")
        for reply in (
            await Streams(to, 0.05).post(REQUEST),
            await asyncio.to_thread(Connection(to, 0.05).post, REQUEST),
        ):
            assert isinstance(reply, NoReply)
