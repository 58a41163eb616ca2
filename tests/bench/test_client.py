"""The sender: how replies are cut apart, how long a closed loop lasts, and what an open one counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.client import Client, Load, Outcome, encoded, reply_end
from bench.pace import due_times

REPLY = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
LOWER = b"HTTP/1.1 200 OK\r\ncontent-type: a\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (REPLY, len(REPLY)),
        (REPLY + REPLY, len(REPLY)),
        (REPLY[:20], 0),
        (REPLY[:-3], 0),  # the last line of the headers is not complete
        (LOWER + b"0123", len(LOWER) + 10),  # six bytes are still to come
        (LOWER + b"0123456789", len(LOWER) + 10),
    ],
)
def test_where_a_reply_ends(data: bytes, end: int) -> None:
    assert reply_end(data) == end


def test_a_reply_of_unknown_length_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="without Content-Length"):
        reply_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@asynccontextmanager
async def answering(before_reply: Callable[[int], Awaitable[None]]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server's port and the bodies it got; it answers the n-th request when `before_reply(n)` has returned."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                got.append(await reader.readexactly(length))
                await before_reply(len(got))
                writer.write(REPLY[:-1])  # in two pieces, as the network may
                await asyncio.sleep(0)
                writer.write(REPLY[-1:])
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], got


async def run(load: Load) -> Outcome:
    client = Client(load, encoded(load))
    try:
        return await client.run()
    finally:
        client.close()
        await asyncio.sleep(0)


async def at_once(_: int) -> None:
    return


async def test_a_closed_loop_sends_as_many_requests_as_asked_for() -> None:
    async with answering(at_once) as (port, got):
        outcome = await run(Load("x", port, "/", "k", batch=2, connections=4, seconds=10, requests=50))
    assert outcome.statuses == {202: 50}
    assert (outcome.requests, outcome.events) == (50, 100)
    assert len(set(got)) == 50


async def test_a_closed_loop_waits_for_its_last_replies() -> None:
    async with answering(at_once) as (port, got):
        outcome = await run(Load("x", port, "/", "k", batch=1, connections=4, seconds=0.1))
    assert outcome.requests == len(got) > 0


async def test_an_open_loop_counts_from_when_a_request_was_due() -> None:
    """The first reply is held back until all requests are due: each has waited since then, though not one was slow."""
    load = Load("x", 0, "/", "k", batch=1, connections=1, seconds=0.2, rate=100)
    dues = due_times(load.rate, load.seconds, load.seed)
    released = time.perf_counter()

    async def hold_the_first(n: int) -> None:
        nonlocal released
        if n == 1:
            await asyncio.sleep(2 * load.seconds)
            released = time.perf_counter()

    async with answering(hold_the_first) as (port, got):
        began = time.perf_counter()
        outcome = await run(Load("x", port, "/", "k", 1, 1, load.seconds, load.rate))
    assert outcome.requests == len(got) == len(dues)
    median_due = dues[len(dues) // 2]
    assert outcome.p50_ms / 1000 >= load.seconds  # at least what was left when it was due
    assert outcome.max_ms / 1000 <= time.perf_counter() - began
    assert released - began > median_due


async def test_a_lost_connection_fails_the_load() -> None:
    async def hang_up(_: int) -> None:
        raise asyncio.IncompleteReadError(b"", None)

    async with answering(hang_up) as (port, _):
        with pytest.raises(ConnectionError):
            await run(Load("x", port, "/", "k", batch=1, connections=2, seconds=5))
