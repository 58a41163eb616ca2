"""Redis as the forwarder knows it: fences, ids, what was counted and which gaps were noted. A model, not a server.

It keeps its operations in a log, as an append-only file does, and what a crash leaves is a beginning of that log. On
the way to it and back, requests and replies are late or lost; one that was stopped in the meantime runs later, after
whoever sent it has given up; and a few run twice.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import OutOfMemoryError

from store.commit import FIELDS, Batch
from store.functions import Applied, Fenced, Functions, Reply, Seen
from store.keys import PartitionKeys

SYNC_S: Final = 2.0  # what everysec may lose, in an evil hour
NAME: Final = FIELDS["user_events"].index("name")
WIDTH: Final = len(FIELDS["user_events"])

Ids = list[int | str]
Streams = list[tuple[str, int, list[str], list[str | int]]]


class Gap(msgspec.Struct, frozen=True):
    journal: str
    partition: int
    after: int
    to: int
    reason: str


class RedisModel(Functions):
    """`flakiness`: the share of calls that something goes wrong with."""

    def __init__(self, draw: random.Random) -> None:
        self.up = True
        self.full = False
        self.flakiness = 0.0
        self._draw = draw
        self._stopped: list[Callable[[], None]] | None = None
        self._life = 0
        self._waiting: set[asyncio.Future[Any]] = set()
        self._log: list[tuple[float, Callable[[], None]]] = []
        self._forget()

    def _forget(self) -> None:
        self.fences: dict[tuple[str, str], int] = {}  # (key, journal) ->
        self.counted: Counter[str] = Counter()
        self.gaps: list[Gap] = []
        self._ids: dict[str, set[int]] = {}

    # What goes wrong

    def stop(self) -> None:
        """SIGSTOP: what is sent waits."""
        if self._stopped is None:
            self._stopped = []

    def go_on(self) -> None:
        waiting, self._stopped = self._stopped or [], None
        for run in waiting:
            run()

    def crash(self, now: float) -> None:
        """Comes to its end, and loses some of its last two seconds."""
        synced = sum(at < now - SYNC_S for at, _ in self._log)
        self.restore(self._draw.randint(synced, len(self._log)))

    def restore(self, operations: int) -> None:
        """Whatever was there, from now on only the first so many operations have been."""
        self._life += 1
        self._stopped = None
        for reply in self._waiting:
            if not reply.done():
                reply.set_exception(Disconnected("connection lost"))
        del self._log[operations:]
        self._forget()
        for _, operation in self._log:
            operation()

    @property
    def operations(self) -> int:
        return len(self._log)

    # What the forwarder calls

    async def fence(self, partition: PartitionKeys, journal: str) -> int:
        found: int = await self._ask(lambda: self.fences.get((partition.fences, journal), 0))
        return found

    async def commit(self, batch: Batch) -> Reply:
        reply: Reply = await self._ask(lambda: self._commit(batch))
        return reply

    async def skip(self, partition: PartitionKeys, journal: str, previous: int, to: int, reason: str) -> bool:
        gap = Gap(journal, int(partition.tag[2:-1]), previous, to, reason)
        moved: bool = await self._ask(lambda: self._skip(partition.fences, gap))
        return moved

    async def forget(self, partition: PartitionKeys, journal: str) -> None:
        await self._ask(lambda: self._append(lambda: self.fences.pop((partition.fences, journal), None)))

    async def _ask(self, operation: Callable[[], Any]) -> Any:
        """Sends the operation and waits for its reply; that it runs does not hang on the waiting."""
        loop, life = asyncio.get_running_loop(), self._life
        if not self.up:
            raise Disconnected("connection refused")
        reply: asyncio.Future[Any] = loop.create_future()
        fate = self._draw.choice(("request", "reply", "late", "twice")) if self._is_unlucky() else ""

        def run() -> None:
            if life != self._life or not self.up:
                return
            if self._stopped is not None:
                self._stopped.append(run)
                return
            try:
                result = operation()
                if fate == "twice":
                    operation()
            except OutOfMemoryError as failure:
                result = failure
            if fate == "reply":
                result = Disconnected("connection lost")
            loop.call_later(self._draw.uniform(0.0001, 0.002), answer, result)

        def answer(result: Any) -> None:
            if reply.done():
                return
            if isinstance(result, Exception):
                reply.set_exception(result)
            else:
                reply.set_result(result)

        if fate == "request":
            loop.call_later(0.001, answer, Disconnected("connection lost"))
        else:
            loop.call_later(self._draw.uniform(5, 15) if fate == "late" else self._draw.uniform(0.0001, 0.003), run)
        self._waiting.add(reply)
        reply.add_done_callback(self._waiting.discard)
        return await reply

    def _is_unlucky(self) -> bool:
        return self._draw.random() < self.flakiness

    # What it does, all at once

    def _append(self, operation: Callable[[], Any]) -> None:
        self._log.append((asyncio.get_running_loop().time(), operation))
        operation()

    def _commit(self, batch: Batch) -> Reply:
        journal, previous, last, _, ids, streams, *_ = _decoder.decode(batch.sections)
        if self.full:
            raise OutOfMemoryError("used memory > maxmemory")
        fences, newest, *_ = batch.keys
        fence = self.fences.get((fences, journal), 0)
        if fence != previous:
            return Fenced(fence)
        hashes = [int(each) for each in ids[1::2]]
        known = set[int]().union(*(self._ids.get(key, set()) for key in batch.keys[1:]))
        if seen := tuple(position for position, id_ in enumerate(hashes) if id_ in known):
            return Seen(seen)
        names = [str(name) for _, _, _, rows in streams for name in rows[NAME::WIDTH]]

        def apply() -> None:
            self.fences[fences, journal] = last
            self.counted.update(names)
            self._ids.setdefault(newest, set()).update(hashes)

        self._append(apply)
        return Applied(0, ())

    def _skip(self, fences: str, gap: Gap) -> bool:
        if self.full:
            raise OutOfMemoryError("used memory > maxmemory")
        if self.fences.get((fences, gap.journal), 0) != gap.after:
            return False

        def apply() -> None:
            self.fences[fences, gap.journal] = gap.to
            self.gaps.append(gap)

        self._append(apply)
        return True


_decoder = msgspec.msgpack.Decoder(
    tuple[str, int, int, int, Ids, Streams, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw,
          msgspec.Raw, msgspec.Raw]
)  # fmt: skip
"""A batch, as far as it concerns the model: the rest are sums of the same events."""
