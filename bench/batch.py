"""B2, and of B7 what a worker needs: batches of 100, sent as fast as they are acknowledged, until all are visible.

The clock runs from the first request until the counter that `GET /v1/metrics/realtime` shows has them all, so what an
acknowledgement leaves to be done later is paid for. Valkey's own XADD/s is measured in each round, on another Valkey
with the same settings.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from hitstream.engines import Valkey

from . import xadd
from .client import Outcome
from .figures import Figure, at_least, at_most, figure, listed, ratios
from .stage import Bench, Resident, Server, Spent, send, serving

BATCH: Final = 100
CONNECTIONS: Final = 16
SECONDS: Final = 5.0
XADDS: Final = 300_000  # some three seconds
MIB: Final = 1 << 20


class Round(Struct, frozen=True):
    """per_second: events until all were visible. Of a core, for one event: what the workers and Valkey took, in us."""

    outcome: Outcome
    per_second: float
    xadd: xadd.Rate
    worker_us: float
    valkey_us: float
    growth: int


async def measure(bench: Bench) -> list[Figure]:
    async with serving(bench, "batch") as server, Valkey(bench.root / "xadd-valkey") as valkey:
        path = valkey.url.removeprefix("unix://")
        resident = Resident(server.workers())
        rounds = [await _round(bench, server, resident, path, n) for n in range(bench.runs)]
    ours, own = [each.per_second for each in rounds], [each.xadd.per_second for each in rounds]
    acked = [each.outcome.events / each.outcome.seconds for each in rounds]
    return [
        figure(
            "B2", f"batches of {BATCH}, events/s until all are visible / Valkey's XADD/s",
            ratios(ours, own), "", at_least(0.35),
            f"events/s: {listed(ours)} visible, {listed(acked)} acked; XADD/s ({rounds[0].xadd.tool}): {listed(own)}",
            f"of a core an event: worker {listed([each.worker_us for each in rounds], 1)} us, "
            f"Valkey {listed([each.valkey_us for each in rounds], 1)} us; "
            f"client: {listed([each.outcome.cpu * 100 for each in rounds])} % of a core",
        ),
        figure(
            "B7", "worker's resident memory over idle, at B2",
            [each.growth / MIB for each in rounds], "MiB", at_most(64),
        ),
    ]  # fmt: skip


async def _round(bench: Bench, server: Server, resident: Resident, path: str, n: int) -> Round:
    own = await xadd.rate(path, bench.count(XADDS))
    before, valkey = await server.visible(), await server.valkey()
    worker, engine = Spent(server.workers()), Spent([valkey])
    async with resident.sampling():
        seconds = bench.seconds(SECONDS)
        outcome = await send(server.load(f"batch-{n}", batch=BATCH, connections=CONNECTIONS, seconds=seconds))
        took = await server.all_visible(before + outcome.events) - outcome.began
    return Round(
        outcome,
        outcome.events / took,
        own,
        worker.cpu_seconds() / outcome.events * 1e6,
        engine.cpu_seconds() / outcome.events * 1e6,
        resident.peak,
    )
