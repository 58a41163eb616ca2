"""C1: what an event costs by how many of them come in one request, from socket to Valkey.

Each size is sent as fast as it is acknowledged; a worker's and Valkey's shares of a core, divided by the events, until
all are visible.
"""

from __future__ import annotations

from typing import Final

from .figures import Curve, Figure, at_most, figure, listed
from .stage import Bench, Server, Spent, send, serving

SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
COMPARED: Final = 100  # with 1
CONNECTIONS: Final = 16
SECONDS: Final = 2.0


async def measure(bench: Bench) -> list[Figure]:
    async with serving(bench, "sizes") as server:
        await _cost(bench, server, "warm", 10)
        runs = [[await _cost(bench, server, f"sizes-{n}", size) for size in SIZES] for n in range(bench.runs)]
    single, batch = SIZES.index(1), SIZES.index(COMPARED)
    workers, valkeys = ([each[part] for each in runs[-1]] for part in (0, 1))
    x, y = "events a request", "us of a core an event"
    return [
        figure(
            "C1", f"cost of an event in a batch of {COMPARED} / of a single one",
            [sum(run[batch]) / sum(run[single]) for run in runs], "", at_most(0.5),
            f"events a request: {listed(SIZES)}",
            f"us of a core an event, worker: {listed(workers, 1)}; Valkey: {listed(valkeys, 1)}",
            curves=tuple(
                Curve(name, x, y, tuple(zip(SIZES, values, strict=True)))
                for name, values in (("worker", workers), ("Valkey", valkeys))
            ),
        )
    ]  # fmt: skip


async def _cost(bench: Bench, server: Server, name: str, size: int) -> tuple[float, float]:
    """Of a worker and of Valkey: us of a core an event."""
    before, worker, engine = await server.visible(), Spent(server.workers()), Spent([await server.valkey()])
    load = server.load(f"{name}-{size}", batch=size, connections=CONNECTIONS, seconds=bench.seconds(SECONDS))
    events = (await send(load)).events
    await server.all_visible(before + events)
    return worker.cpu_seconds() / events * 1e6, engine.cpu_seconds() / events * 1e6
