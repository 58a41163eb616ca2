"""Sends the traffic: what has happened as fast as it is taken, what happens now when it happens."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, TextIO

from msgspec import Struct

from hitstream.client import AsyncClient, Options, Rejection
from hitstream.client.outcome import CLOSED
from hitstream.importer.bar import Bar

from .traffic import Measures, World, traffic

Event = dict[str, Any]

TOLD: Final = 5  # kinds of refusal that are told one by one
CLOSE_S: Final = 5.0  # for the rest when the demo ends
STATUS_EVERY_S: Final = 1.0

# History is limited by the server, so calls wait; a batch is as large as pays. What happens now should show at once.
OPTIONS: Final = Options(
    batch_events=1_000, batch_bytes=500_000, queue_events=3_000, linger_s=0.2, when_full="wait", close_s=CLOSE_S
)


class Task(Struct, frozen=True):
    """Events from `start_ms` on; after the present is reached, for `live_s` more, or until stopped."""

    url: str
    key: str
    measures: Measures
    world: World
    start_ms: int
    live_s: float | None


class Result(Struct, frozen=True):
    """sent: events by their type, those accepted. until_ms: the time of the last one."""

    sent: Counter[str]
    refused: Counter[str]
    until_ms: int


class Filling:
    def __init__(self, task: Task, stop: asyncio.Event, out: TextIO = sys.stderr) -> None:
        self._task = task
        self._stop = stop
        self._out = out
        self._sent: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._until_ms = task.start_ms

    async def run(self) -> Result:
        async with AsyncClient(self._task.url, self._task.key, options=OPTIONS, on_reject=self._note) as client:
            ending = asyncio.create_task(self._close_when_stopped(client), name="close when stopped")
            try:
                events = traffic(self._task.measures, self._task.world, self._task.start_ms)
                first = await self._history(client, events)
                if first and not self._stop.is_set():
                    await self._live(client, itertools.chain([first], events))
            finally:
                if not self._stop.is_set():
                    ending.cancel()
                await asyncio.wait({ending})  # where it closes, it sends what is still queued
        return Result(self._sent, self._refused, self._until_ms)

    async def _close_when_stopped(self, client: AsyncClient) -> None:
        """Where the server is away, whoever waits for room in the queue is let go."""
        await self._stop.wait()
        await client.close()

    async def _history(self, client: AsyncClient, events: Iterator[Event]) -> Event | None:
        """Sends all that lies in the past; the first event that does not."""
        start_ms = self._task.start_ms
        bar = Bar("history", _now_ms() - start_ms, self._out)
        try:
            for event in events:
                if event["timestamp"] > _now_ms():
                    return event
                if self._stop.is_set():
                    return None
                await self._send(client, event)
                bar.show(event["timestamp"] - start_ms, self._sent.total())
        finally:
            bar.clear()
        return None  # the traffic never ends

    async def _live(self, client: AsyncClient, events: Iterator[Event]) -> None:
        began = time.monotonic()
        before = self._sent.total()
        deadline = _now_ms() + self._task.live_s * 1000 if self._task.live_s is not None else None
        for event in events:
            at = event["timestamp"] if deadline is None else min(event["timestamp"], deadline)
            while (wait := (at - _now_ms()) / 1000) > 0 and not self._stop.is_set():
                self._tell(self._sent.total() - before, time.monotonic() - began)
                await self._pause(min(wait, STATUS_EVERY_S))
            if self._stop.is_set() or (deadline is not None and event["timestamp"] > deadline):
                break
            await self._send(client, event)
        if self._out.isatty():
            self._out.write("\r\x1b[K")

    async def _send(self, client: AsyncClient, event: Event) -> None:
        await client.send(event)
        self._sent[event["type"]] += 1
        self._until_ms = event["timestamp"]

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass

    def _tell(self, events: int, seconds: float) -> None:
        if self._out.isatty():
            rate = events / max(seconds, 1.0)
            self._out.write(f"\rlive  {events:,} events  {rate:.1f}/s  (Ctrl-C ends the demo) \x1b[K")
            self._out.flush()

    def _note(self, rejection: Rejection) -> None:
        self._sent[rejection.event["type"]] -= 1
        if rejection.code == CLOSED:
            return  # it was waiting for room when the demo was told to end
        self._refused[f"{rejection.code}: {rejection.message}"] += 1
        if len(self._refused) <= TOLD and self._refused.total() == len(self._refused):
            self._out.write(f"\rrefused: {rejection.message}\x1b[K\n")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
