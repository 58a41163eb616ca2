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
from .stage import Bench, Handler, Server, Spent, handling, send, serving

CONNECTIONS: Final = 128  # fewer would wait for a slow disk, and the figure be the disk's
SECONDS: Final = 4.0
WARM_UP_S: Final = 1.0


class Side(Struct, frozen=True):
    """cpu_us: of the processes that took the load, for one event."""

    outcome: Outcome
    cpu_us: float


class Round(Struct, frozen=True):
    """left_s: from the last ack until all was visible."""

    ours: Side
    bare: Side
    seed: Side
    left_s: float


async def measure(bench: Bench) -> list[Figure]:
    async with (
        serving(bench, "single") as server,
        Valkey(bench.root / "seed-valkey") as seed_valkey,
        handling(bench, "bench.bare") as bare,
        handling(bench, "bench.seed_way", seed_valkey.url) as seed,
    ):
        load = server.load("warm", connections=CONNECTIONS, seconds=bench.seconds(WARM_UP_S))
        for handler in (bare, seed):
            await send(replace(load, port=handler.port))
        await server.all_visible((await send(load)).events)
        load = replace(load, seconds=bench.seconds(SECONDS))
        rounds = [await _round(server, bare, seed, replace(load, name=f"single-{n}")) for n in range(bench.runs)]
    ours = [each.ours.outcome for each in rounds]
    ours_rate = [outcome.rate for outcome in ours]
    bare_rate = [each.bare.outcome.rate for each in rounds]
    seed_rate = [each.seed.outcome.rate for each in rounds]
    return [
        figure(
            "B1", "single-event POST, acked after fdatasync / bare handler",
            ratios(ours_rate, bare_rate), "", at_least(0.8),
            f"requests/s: {listed(ours_rate)}; bare handler: {listed(bare_rate)}; {load.connections} connections",
            f"of a core an event: worker, forwarding included, {listed([each.ours.cpu_us for each in rounds])} us; "
            f"bare handler {listed([each.bare.cpu_us for each in rounds])} us",
            f"ack p99: {listed([each.p99_ms for each in ours], 1)} ms; all visible "
            f"{listed([each.left_s for each in rounds], 2)} s after the last ack; "
            f"client: {listed([each.cpu * 100 for each in ours])} % of a core",
        ),
        figure(
            "B3", "single-event POST / the seed's nine commands an event",
            ratios(ours_rate, seed_rate), "", at_least(15),
            f"requests/s of the seed's way: {listed(seed_rate)}; "
            f"of a core an event {listed([each.seed.cpu_us for each in rounds])} us",
        ),
    ]  # fmt: skip


async def _round(server: Server, bare: Handler, seed: Handler, load: Load) -> Round:
    before, spent = await server.visible(), Spent(server.workers())
    outcome = await send(load)
    left = await server.all_visible(before + outcome.events) - (outcome.began + outcome.seconds)
    ours = Side(outcome, spent.cpu_seconds() / outcome.events * 1e6)
    return Round(ours, await _side(bare, load), await _side(seed, load), left)


async def _side(handler: Handler, load: Load) -> Side:
    spent = Spent(handler.processes)
    outcome = await send(replace(load, port=handler.port))
    return Side(outcome, spent.cpu_seconds() / outcome.events * 1e6)
