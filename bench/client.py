"""The sender: a process of its own that loads one server over keep-alive connections and tells what it saw.

    python -m bench.client < load.json > outcome.json

Requests are encoded before the load begins and replies are only cut apart, so a request costs a tenth of what it costs
the server; the outcome says how much of a core it took. Two kinds of load:

    closed    each connection sends its next request when the last is answered: what a server carries
    open      requests are sent when they are due, whatever became of those before. One for which no connection is free
              waits, and its latency counts from when it was due: a server that stalls is not spared the requests that
              it would have got meanwhile (no coordinated omission). The loop's timers tick in milliseconds, so up to
              one of them is the client's own; `late_p99_ms` is how late requests were handed to a connection.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
import typing
from collections import Counter, deque
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

from .figures import percentile
from .pace import due_times
from .traffic import bodies, fill, request

ANSWER_S: Final = 30.0  # how long the last replies may take


class Load(Struct, frozen=True):
    """What to send, and how.

    name: begins every event id, so two loads of one name are each other's duplicates.
    batch: events a request; 0 sends GETs. rate: requests a second of an open loop; 0 makes it a closed one, which
    ends after `requests` where that is given. history_s: timestamps rise to the present from so long ago. distinct:
    events in the bodies; then they come again, with new ids and times.
    """

    name: str
    port: int
    path: str
    key: str
    batch: int
    connections: int
    seconds: float
    rate: float = 0
    requests: int = 0
    history_s: float = 0
    distinct: int = 10_000
    seed: int = 1


class Outcome(Struct, frozen=True):
    """began: epoch s of the first request. seconds: to the last reply. cpu: share of a core that the client took.
    Latencies in ms; `statuses` by status code."""

    began: float
    seconds: float
    requests: int
    events: int
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    late_p99_ms: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Client:
    """All connections of a load, and what became of its requests."""

    def __init__(self, load: Load, templates: list[bytes]) -> None:
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self.sent = 0
        self.done = asyncio.get_running_loop().create_future()
        self._load = load
        self._templates = templates
        self._connections: list[Connection] = []
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()  # due and not yet sent
        self._ending = False
        self._zero = 0.0  # epoch seconds where the clock of the loop stood at 0

    async def run(self) -> Outcome:
        load, loop = self._load, asyncio.get_running_loop()
        for _ in range(load.connections):
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", load.port)
            self._connections.append(connection)
        self._idle.extend(self._connections)
        dues = due_times(load.rate, load.seconds, load.seed) if load.rate else []
        gc.collect()
        gc.freeze()
        busy, start = _cpu(), time.perf_counter()
        self._zero = time.time() - start
        await (self._open(start, dues) if load.rate else self._closed(start))
        end = time.perf_counter()
        latencies = sorted(self.latencies)
        return Outcome(
            began=self._zero + start,
            seconds=end - start,
            requests=len(latencies),
            events=len(latencies) * load.batch,
            statuses=dict(self.statuses),
            p50_ms=percentile(latencies, 0.5) * 1000,
            p99_ms=percentile(latencies, 0.99) * 1000,
            max_ms=latencies[-1] * 1000,
            late_p99_ms=percentile(sorted(self.lateness), 0.99) * 1000 if self.lateness else 0.0,
            cpu=(_cpu() - busy) / (end - start),
        )

    async def _closed(self, start: float) -> None:
        while self._idle and not (self._load.requests and self.sent == self._load.requests):
            self._send(self._idle.popleft(), time.perf_counter())
        if not self._load.requests:
            asyncio.get_running_loop().call_later(self._load.seconds, self._end)
        else:
            self._ending = self.sent == self._load.requests
        async with asyncio.timeout(self._load.seconds + ANSWER_S):
            await self.done

    async def _open(self, start: float, dues: list[float]) -> None:
        for due in dues:
            wait = start + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self._idle:
                self._send(self._idle.popleft(), start + due)
            else:
                self._waiting.append(start + due)
        self._end()
        async with asyncio.timeout(ANSWER_S):
            await self.done

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def answered(self, connection: Connection, status: int, due: float) -> None:
        now = time.perf_counter()
        self.statuses[status] += 1
        self.latencies.append(now - due)
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        elif self._ending or self._load.rate:
            self._idle.append(connection)
            if self._ending:
                self._end()
        else:
            self._send(connection, now)
            self._ending = self.sent == self._load.requests

    def lost(self, error: Exception | None) -> None:
        if not self.done.done():  # where it is, we hung up ourselves
            self.done.set_exception(ConnectionError(f"a connection was lost: {error}"))

    def _end(self) -> None:
        """No further request is sent; done when the last is answered."""
        self._ending = True
        if len(self.latencies) == self.sent and not self._waiting and not self.done.done():
            self.done.set_result(None)

    def _send(self, connection: Connection, due: float) -> None:
        load, serial = self._load, self.sent
        stamp = self._zero + due
        if load.history_s:
            stamp -= load.history_s * (1 - serial / load.requests)
        if load.rate:
            self.lateness.append(time.perf_counter() - due)
        self.sent += 1
        connection.send(fill(self._templates[serial % len(self._templates)], serial, int(stamp * 1000)), due)


class Answered(typing.Protocol):
    """Whoever sends over a connection."""

    def answered(self, connection: Connection, status: int, due: float) -> None: ...

    def lost(self, error: Exception | None) -> None: ...


class Connection(asyncio.Protocol):
    """One request at a time. Knows replies with a Content-Length, which is what every server here sends."""

    def __init__(self, client: Answered) -> None:
        self._client = client
        self._due = 0.0
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of its class

    def send(self, data: bytes, due: float) -> None:
        self._due = due
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        end = reply_end(data)
        if end == 0 or end > len(data):
            self._rest = data
        else:
            self._rest = b""
            self._client.answered(self, int(data[9:12]), self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost(exc)


def reply_end(data: bytes) -> int:
    """How long the reply that `data` begins with is; 0 while its headers are not complete."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    at = data.find(b"ontent-", 0, head)
    while at >= 0 and data[at + 7 : at + 14].lower() != b"length:":
        at = data.find(b"ontent-", at + 7, head)
    if at < 0:
        raise ValueError(f"a reply without Content-Length: {data[:head]!r}")
    return head + 4 + int(data[at + 14 : data.index(b"\r", at)])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def encoded(load: Load) -> list[bytes]:
    """The requests of a load, but for what `fill` puts in."""
    if not load.batch:
        return [request("GET", load.path, {"Authorization": f"Bearer {load.key}"})]
    distinct = max(load.distinct // load.batch, 1)
    return [
        request("POST", load.path, {"X-Write-Key": load.key}, body)
        for body in bodies(load.name, load.batch, distinct, load.seed)
    ]


async def _main(load: Load) -> Outcome:
    client = Client(load, encoded(load))
    try:
        return await client.run()
    finally:
        client.close()


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(uvloop.run(_main(msgspec.json.decode(sys.stdin.buffer.read(), type=Load))))
    )
