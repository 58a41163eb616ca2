"""B4 and B5: latencies at a steady 5,000 events a second, and what a dashboard waits for meanwhile.

Open loops: every latency counts from when the request was due (`bench.client`). Batches of ten come over 50
connections, while the realtime metrics are asked for 20 times a second; then single events at the rate below. How long
an event takes to become visible is told by a watcher on the stream (`bench.watch`).

Round trips are counted by Valkey on an otherwise idle server: how often it read from a client's socket, and how many
commands it ran, for each question; what the server does of itself in the same time is taken off.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .client import Load, Outcome
from .figures import Figure, at_most, figure, listed
from .pace import due_times
from .processes import ProcessFailed, asked
from .stage import VISIBLE_S, Bench, Server, send, serving
from .watch import Seen, Watch

EVENTS_PER_SECOND: Final = 5_000
BATCH: Final = 10
CONNECTIONS: Final = 50
SINGLE_RATE: Final = 1_500  # a second; all of 5,000 take more than one core of a worker
QUESTION_RATE: Final = 20
SECONDS: Final = 10.0
QUESTIONS: Final = 100  # of which the round trips are counted


class Round(Struct, frozen=True):
    batches: Outcome
    batches_seen: Seen
    questions: Outcome
    singles: Outcome
    singles_seen: Seen


async def measure(bench: Bench) -> list[Figure]:
    seconds = bench.seconds(SECONDS)
    async with serving(bench, "paced") as server:
        batches = server.load(
            "warm", batch=BATCH, connections=CONNECTIONS, seconds=bench.seconds(1), rate=EVENTS_PER_SECOND / BATCH
        )
        questions = Load("", server.port, "/v1/metrics/realtime", server.key("read"), 0, 2, seconds, QUESTION_RATE)
        await server.all_visible((await send(batches)).events)
        rounds = [
            await _round(server, replace(batches, name=f"batches-{n}", seconds=seconds, seed=n), questions)
            for n in range(bench.runs)
        ]
        trips, commands = await _round_trips(server, replace(questions, requests=QUESTIONS, rate=0))
    return [
        *_latencies(f"{EVENTS_PER_SECOND:,} events/s in batches of {BATCH}",
                    [each.batches for each in rounds], [each.batches_seen for each in rounds]),
        *_latencies(f"{SINGLE_RATE:,} single events/s",
                    [each.singles for each in rounds], [each.singles_seen for each in rounds]),
        figure(
            "B5", "realtime metrics under B4's batches: p99",
            [each.questions.p99_ms for each in rounds], "ms", at_most(5),
            f"p50: {listed([each.questions.p50_ms for each in rounds], 1)} ms; {QUESTION_RATE} a second",
        ),
        figure(
            "B5", "realtime metrics: round trips to Valkey",
            [trips], "", at_most(1),
            f"{commands:.0f} commands",
        ),
    ]  # fmt: skip


def _latencies(load: str, outcomes: list[Outcome], seen: list[Seen]) -> list[Figure]:
    return [
        figure(
            "B4", f"{load}: ack p99",
            [each.p99_ms for each in outcomes], "ms", at_most(10),
            f"p50: {listed([each.p50_ms for each in outcomes], 1)} ms, "
            f"slowest: {listed([each.max_ms for each in outcomes], 1)} ms; "
            f"client: late p99 {listed([each.late_p99_ms for each in outcomes], 1)} ms, "
            f"{listed([each.cpu * 100 for each in outcomes])} % of a core",
        ),
        figure(
            "B4", f"{load}: event to visible p99",
            [each.p99_ms for each in seen], "ms", at_most(50),
            f"p50: {listed([each.p50_ms for each in seen], 1)} ms, "
            f"slowest: {listed([each.max_ms for each in seen], 1)} ms; "
            f"watcher: {listed([each.cpu * 100 for each in seen])} % of a core",
        ),
    ]  # fmt: skip


async def _round(server: Server, batches: Load, questions: Load) -> Round:
    singles = replace(batches, name=f"singles-{batches.name}", batch=1, rate=SINGLE_RATE)
    first, first_seen, asked_for = await _watched(server, batches, questions)
    second, second_seen, _ = await _watched(server, singles, None)
    assert asked_for
    return Round(first, first_seen, asked_for, second, second_seen)


async def _watched(server: Server, load: Load, questions: Load | None) -> tuple[Outcome, Seen, Outcome | None]:
    stream = server.keys.partition.stream("page_views")
    events = len(due_times(load.rate, load.seconds, load.seed)) * load.batch
    watch = Watch(server.valkey_url, stream, events, load.seconds + VISIBLE_S)
    before = await server.visible()
    async with asked("bench.watch", watch) as watcher:
        await watcher.is_ready()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(send(questions)) if questions else None
            sending = tasks.create_task(send(load))
        await server.all_visible(before + sending.result().events)
        seen = await watcher.answer(Seen)
    if seen.events != events:
        raise ProcessFailed(f"load {load.name}: {seen.events} of {events} events were seen")
    return sending.result(), seen, asking.result() if asking else None


async def _round_trips(server: Server, questions: Load) -> tuple[float, float]:
    """(round trips, commands) a question."""
    await send(questions)  # connections are made and set up
    before, since = await _work(server), time.monotonic()
    await send(questions)
    asked_for, took = await _work(server), time.monotonic() - since
    await asyncio.sleep(took)
    idle = await _work(server)
    reads, commands = (
        ((after - first) - (later - after)) / questions.requests
        for first, after, later in zip(before, asked_for, idle, strict=True)
    )
    return round(reads, 1), commands


async def _work(server: Server) -> tuple[int, int]:
    """How often Valkey read from a socket, and how many commands it ran."""
    stats = await server.redis.info("stats")
    return stats["total_reads_processed"], stats["total_commands_processed"]
