"""B8: Valkey stands still (SIGSTOP) while 2,000 events a second go on, and comes back while they go on.

Resident memory is sampled in the workers all the time. They hold a bounded number of events for Valkey and leave the
rest on disk; so what tells a leak is the growth over the second half of the outage, when those bounds are full. The
drain rate is how fast events became visible from Valkey's return until none was behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from bisect import bisect
from collections.abc import Sequence
from typing import Final

from .client import Outcome
from .figures import Figure, at_least, at_most, figure
from .pace import due_times
from .stage import POLL_S, VISIBLE_S, Bench, Resident, Server, send, serving

EVENTS_PER_SECOND: Final = 2_000
BATCH: Final = 10
RATE: Final = EVENTS_PER_SECOND / BATCH
CONNECTIONS: Final = 50
BEFORE_S: Final = 3.0
AFTER_S: Final = 10.0  # of the load, and a fifth of the outage; draining may take longer
FLAT_MIB: Final = 4.0  # an allocator's breathing
CAUGHT_UP_S: Final = 0.2  # events younger than this are on their way, not behind
MIB: Final = 1 << 20

Sample = tuple[float, int]  # epoch s, page views visible


async def measure(bench: Bench) -> list[Figure]:
    outage = bench.seconds(bench.outage_s)
    seconds = bench.seconds(BEFORE_S + AFTER_S) + outage * 1.2
    async with serving(bench, "outage") as server:
        warm = server.load("warm", batch=BATCH, connections=CONNECTIONS, seconds=bench.seconds(1), rate=RATE)
        warmed = (await send(warm)).events
        await server.all_visible(warmed)
        load = server.load("outage", batch=BATCH, connections=CONNECTIONS, seconds=seconds, rate=RATE)
        valkey, resident = await server.valkey(), Resident(server.workers())
        async with resident.sampling(), asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send(load), name="load")
            await server.all_visible(warmed + 1)
            await asyncio.sleep(bench.seconds(BEFORE_S))
            stopped = time.time()
            os.kill(valkey.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(outage)
            finally:
                os.kill(valkey.pid, signal.SIGCONT)
            back = time.time()
            samples = await _visible_until_all(server, sending, warmed, seconds + VISIBLE_S)
    sent = sending.result()
    dues = [sent.began + due for due in due_times(load.rate, load.seconds, load.seed)]
    ended, visible = caught_up(samples, dues, warmed)
    drained = visible - samples[0][1]
    middle = (stopped + back) / 2
    first = max(growth for at, growth in resident.samples if stopped < at <= middle)
    second = max(growth for at, growth in resident.samples if middle < at <= back)
    return [
        figure(
            "B8", f"Valkey away for {outage:.0f} s at {EVENTS_PER_SECOND:,} events/s: RSS growth in its second half",
            [(second - first) / MIB], "MiB", at_most(FLAT_MIB),
            f"in its first half: {first / MIB:.1f} MiB; while draining at most {resident.peak / MIB:.1f} MiB",
            f"ack p99 of the whole load: {sent.p99_ms:.1f} ms, slowest {sent.max_ms:.1f} ms",
        ),
        figure(
            "B8", "drain rate after it / ingest",
            [drained / (ended - back) / EVENTS_PER_SECOND], "", at_least(5),
            f"{drained:,} events in {ended - back:.1f} s, while {EVENTS_PER_SECOND:,} a second went on",
        ),
    ]  # fmt: skip


async def _visible_until_all(
    server: Server, sending: asyncio.Task[Outcome], warmed: int, bound_s: float
) -> list[Sample]:
    samples: list[Sample] = []
    async with asyncio.timeout(bound_s):
        while not sending.done() or samples[-1][1] < warmed + sending.result().events:
            visible = await server.visible()
            samples.append((time.time(), visible))
            await asyncio.sleep(POLL_S)
    return samples


def caught_up(samples: Sequence[Sample], dues: Sequence[float], warmed: int) -> Sample:
    """The first sample that shows every event that was due shortly before; the last where none does."""
    for at, visible in samples:
        if visible >= warmed + BATCH * bisect(dues, at - CAUGHT_UP_S):
            return at, visible
    return samples[-1]
