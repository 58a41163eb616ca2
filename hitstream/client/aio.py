"""`AsyncClient`: the same for asyncio. A task sends; it belongs to the loop in which the first event was sent.

async with AsyncClient(url, key) as hits:
    await hits.page_view("https://shop.example/")
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, Self

from .delivery import Delivery
from .options import Options
from .outcome import CLOSED, QUEUE_FULL, TOO_LARGE, UNSENT, OnReject, Rejection, Stats, rejection, report
from .pile import Pile
from .streams import Streams
from .target import target
from .tracker import Tracker, encode


class AsyncClient(Tracker[Coroutine[Any, Any, str]]):
    """Sends to the server at `url` with a write key or a server key. Only waits where the options say so.

    on_reject: is told of every event that will not be counted; without it, the log is (`hitstream.client`).
    Nothing is sent at the program's end by itself, for the loop has ended before: use `async with`, or `close()`.
    """

    def __init__(
        self, url: str, key: str, *, options: Options | None = None, on_reject: OnReject | None = None
    ) -> None:
        self._options = options or Options()
        self._on_reject = on_reject
        self._streams = Streams(target(url, key), self._options.timeout_s)
        self._pile = Pile(self._options)
        self._draw = Random()  # noqa: S311 - spreads retries, protects nothing
        self._pid = os.getpid()
        self._changed = asyncio.Event()  # set, and replaced, at each change
        self._task: asyncio.Task[None] | None = None
        self._delivery: Delivery | None = None
        self._wanted = 0
        self._closing = False
        self._accepted = self._rejected = self._retries = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, event: Mapping[str, Any]) -> str:
        if self._pid != os.getpid():
            raise RuntimeError("the process has forked: make an AsyncClient of its own in the child")
        event_id, encoded = encode(event)
        refused = await self._put(encoded)
        if refused:
            self._report([refused])
        return event_id

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Sends what is queued now; True when each of these events is accepted or rejected."""
        wanted = self._wanted = self._pile.added
        self._notify()
        try:
            async with asyncio.timeout(timeout_s):
                await self._until(lambda: self._pile.settled >= wanted)
        except TimeoutError:
            return False
        return True

    async def close(self, timeout_s: float | None = None) -> None:
        """Sends what is queued, for at most so many seconds, and ends the task. What is left then is reported."""
        timeout_s = self._options.close_s if timeout_s is None else timeout_s
        self._closing = True
        self._notify()
        try:
            if self._task:
                await asyncio.wait({self._task}, timeout=timeout_s)
        finally:
            self._end()
            while self._task and not self._task.done():
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=1)
            self._streams.close()

    @property
    def stats(self) -> Stats:
        return Stats(self._accepted, self._rejected, self._pile.held, self._retries)

    async def _put(self, encoded: bytes) -> Rejection | None:
        if not self._pile.fits(encoded):
            return rejection(-1, TOO_LARGE, "is larger than a batch may be", encoded)
        if self._options.when_full == "wait":
            await self._until(lambda: self._closing or self._pile.has_room(encoded))
        if self._closing:
            return rejection(-1, CLOSED, "the client is closed", encoded)
        if not self._pile.has_room(encoded):
            return rejection(-1, QUEUE_FULL, "the queue is full: the server is slow or away", encoded)
        self._pile.add(encoded, time.monotonic())
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="hitstream client")
        if self._pile.due(time.monotonic()) <= 0 or len(self._pile) == 1:
            self._notify()
        return None

    async def _run(self) -> None:
        while batch := await self._next():
            delivery = self._delivery = Delivery(batch, self._options, self._draw)
            while not delivery.done():
                reply = await self._streams.post(delivery.request(_epoch_ms()))
                pause = delivery.after(reply, _epoch_ms())
                if not delivery.done():
                    await asyncio.sleep(pause)
            self._settle(delivery)

    async def _next(self) -> list[bytes]:
        """The next batch, when it is due; none when there is none and the client closes."""
        while True:
            due = self._pile.due(time.monotonic())
            hurried = self._closing or self._wanted > self._pile.settled
            if len(self._pile) and (due <= 0 or hurried):
                return self._pile.take()
            if self._closing:
                return []
            try:
                async with asyncio.timeout(None if math.isinf(due) else due):
                    await self._changed.wait()
            except TimeoutError:
                pass  # the oldest has lingered

    def _settle(self, delivery: Delivery) -> None:
        self._delivery = None
        self._accepted += delivery.accepted
        self._retries += delivery.retries
        self._report(delivery.rejections)
        self._pile.settle(delivery.batch)
        self._notify()

    def _end(self) -> None:
        """Gives up what is still there."""
        left: list[bytes] = []
        rejections: list[Rejection] = []
        if delivery := self._delivery:
            self._delivery = None
            self._accepted += delivery.accepted
            self._pile.settle(delivery.batch)
            left += delivery.unsettled()
            rejections += delivery.rejections
        while batch := self._pile.take():
            self._pile.settle(batch)
            left += batch
        rejections += [rejection(-1, UNSENT, "was not sent before the client closed", encoded) for encoded in left]
        self._report(rejections)
        self._notify()

    def _report(self, rejections: Sequence[Rejection]) -> None:
        self._rejected += len(rejections)
        report(rejections, self._on_reject)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._changed.wait()


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000
