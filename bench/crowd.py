"""The crowd: senders who come whether or not the server keeps up, and go away when they are refused.

    python -m bench.crowd < coming.json > turnout.json

An open loop like that of `bench.client`, but a request is never sent late: one for which none of the connections is
free is lost, as a browser's is that finds no way in. So what is offered does not depend on what is answered, up to as
many requests at a time as there are connections. Nobody tries again.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import Counter, deque
from typing import Final

import msgspec
import uvloop
from msgspec import Struct

from .client import Connection, Load
from .figures import percentile
from .pace import due_times
from .traffic import bodies, fill, request

ACCEPTED: Final = 202
SETTLE_S: Final = 1.0  # until the server has taken all connections up: a loop of libuv takes one a turn
ANSWER_S: Final = 30.0  # how long the last replies may take
VIEW: Final = b'"type":"page_view"'
PURCHASE: Final = b'"type":"conversion","conversion_type":"purchase","value":"19.99"'


class Coming(Struct, frozen=True):
    """An open loop of single events; they are page views, or purchases by the same visitors."""

    load: Load
    purchases: bool = False


class Turnout(Struct, frozen=True):
    """offered: requests that were due. lost: of those, found no connection. `statuses` by status code, of the others.
    p50_ms, p99_ms: of the accepted ones, from when each was due. cpu: share of a core that the crowd took."""

    seconds: float
    offered: int
    lost: int
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    cpu: float

    @property
    def accepted(self) -> int:
        return self.statuses.get(ACCEPTED, 0)


class Crowd:
    def __init__(self, load: Load, templates: list[bytes]) -> None:
        self._load = load
        self._templates = templates
        self._idle: deque[Connection] = deque()
        self._busy = 0
        self._lost = 0
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._ended = asyncio.Event()

    async def run(self) -> Turnout:
        load, loop = self._load, asyncio.get_running_loop()
        for _ in range(load.connections):
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", load.port)
            self._idle.append(connection)
        await asyncio.sleep(SETTLE_S)
        dues = due_times(load.rate, load.seconds, load.seed)
        gc.collect()
        gc.freeze()
        busy, start = time.process_time(), time.perf_counter()
        zero = time.time() - start
        for serial, due in enumerate(dues):
            wait = start + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self._idle:
                body = fill(self._templates[serial % len(self._templates)], serial, int((zero + start + due) * 1000))
                self._busy += 1
                self._idle.popleft().send(body, start + due)
            else:
                self._lost += 1
        took = time.perf_counter() - start
        async with asyncio.timeout(ANSWER_S):
            while self._busy:
                self._ended.clear()
                await self._ended.wait()
        cpu = (time.process_time() - busy) / (time.perf_counter() - start)
        self._latencies.sort()
        p50, p99 = (percentile(self._latencies, share) * 1000 if self._latencies else 0.0 for share in (0.5, 0.99))
        return Turnout(took, len(dues), self._lost, dict(self._statuses), p50, p99, cpu)

    def answered(self, connection: Connection, status: int, due: float) -> None:
        self._statuses[status] += 1
        if status == ACCEPTED:
            self._latencies.append(time.perf_counter() - due)
        self._busy -= 1
        self._idle.append(connection)
        self._ended.set()

    def lost(self, error: Exception | None) -> None:
        if self._busy:
            raise ConnectionError(f"a connection was lost: {error}")


def encoded(coming: Coming) -> list[bytes]:
    load = coming.load
    found = bodies(load.name, 1, load.distinct, load.seed)
    if coming.purchases:
        found = [body.replace(VIEW, PURCHASE) for body in found]
    return [request("POST", load.path, {"X-Write-Key": load.key}, body) for body in found]


async def _main(coming: Coming) -> Turnout:
    return await Crowd(coming.load, encoded(coming)).run()


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(uvloop.run(_main(msgspec.json.decode(sys.stdin.buffer.read(), type=Coming))))
    )
