"""B1 and B3: single events, acknowledged when they are on disk, beside a bare handler and beside the seed's way.

The three take the same bodies over the same number of connections from the same client, one after the other in each
round, the other two idle. The product goes on forwarding to Valkey in the same worker while it acknowledges; what is
left over when the load ends is waited for, and how long that took is noted.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from hitstream.engines import Valkey

from .client import Load, Outcome
from .figures import Figure, at_least, figure, listed, ratios
from .stage import Bench, Server, Spent, handling, send, serving

SECONDS: Final = 4.0
WARM_UP_S: Final = 1.0


class Round(Struct, frozen=True):
    """cpu_us: of the workers, for one event from socket to Valkey. left_s: from the last ack until all was visible."""

    ours: Outcome
    bare: Outcome
    seed: Outcome
    cpu_us: float
    left_s: float


async def measure(bench: Bench) -> list[Figure]:
    async with (
        serving(bench, "single") as server,
        Valkey(bench.root / "seed-valkey") as seed_valkey,
        handling(bench, "bench.bare") as bare_port,
        handling(bench, "bench.seed_way", seed_valkey.url) as seed_port,
    ):
        ours = server.load("warm", seconds=bench.seconds(WARM_UP_S))
        bare, seed = replace(ours, port=bare_port), replace(ours, port=seed_port)
        for load in (bare, seed):
            await send(load)
        await server.all_visible((await send(ours)).events)
        rounds = [await _round(bench, server, n, ours, bare, seed) for n in range(bench.runs)]
    ours_rate, bare_rate, seed_rate = (
        [outcome.rate for outcome in outcomes]
        for outcomes in zip(*((each.ours, each.bare, each.seed) for each in rounds), strict=True)
    )
    return [
        figure(
            "B1", "single-event POST, acked after fdatasync / bare handler",
            ratios(ours_rate, bare_rate), "", at_least(0.8),
            f"requests/s: {listed(ours_rate)}; bare handler: {listed(bare_rate)}; {ours.connections} connections",
            f"ack p99: {listed([each.ours.p99_ms for each in rounds], 1)} ms; "
            f"worker: {listed([each.cpu_us for each in rounds])} us of a core an event, forwarding included; "
            f"all visible {listed([each.left_s for each in rounds], 2)} s after the last ack; "
            f"client: {listed([each.ours.cpu * 100 for each in rounds])} % of a core",
        ),
        figure(
            "B3", "single-event POST / the seed's nine commands an event",
            ratios(ours_rate, seed_rate), "", at_least(15),
            f"requests/s of the seed's way: {listed(seed_rate)}",
        ),
    ]  # fmt: skip


async def _round(bench: Bench, server: Server, n: int, ours: Load, bare: Load, seed: Load) -> Round:
    seconds = bench.seconds(SECONDS)
    before, spent = await server.visible(), Spent(server.workers())
    our = await send(replace(ours, name=f"single-{n}", seconds=seconds))
    left = await server.all_visible(before + our.events) - (our.began + our.seconds)
    cpu_us = spent.cpu_seconds() / our.events * 1e6
    return Round(
        our, await send(replace(bare, seconds=seconds)), await send(replace(seed, seconds=seconds)), cpu_us, left
    )
