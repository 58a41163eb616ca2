"""B7 in Redis: bytes an event and bytes a deduplicated id, of the last hours of a busy shop.

200,000 page views, all different and all with an id, their times spread evenly over the last three hours: as long as
open sessions are kept, so nothing is there that live traffic would not have left. The dataset is what Valkey calls
`used_memory_dataset`: without its buffers and tables. Ids are what the keys of deduplication occupy (`MEMORY USAGE`).

Memory does not depend on the machine's mood, so one run is enough.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from .figures import Figure, at_most, figure
from .stage import Bench, Server, send, serving

EVENTS: Final = 200_000
BATCH: Final = 100
CONNECTIONS: Final = 8
HISTORY_S: Final = 3 * 3600
SECONDS: Final = 120.0  # at most


async def measure(bench: Bench) -> list[Figure]:
    async with serving(bench, "memory") as server:
        load = server.load("history", batch=BATCH, connections=CONNECTIONS, seconds=SECONDS)
        requests = bench.count(EVENTS) // BATCH
        load = replace(load, requests=requests, history_s=HISTORY_S, distinct=requests * BATCH)
        empty, empty_used = await _dataset(server)
        events = (await send(load)).events
        await server.all_visible(events)
        full, full_used = await _dataset(server)
        ids = await _id_bytes(server)
    return [
        figure(
            "B7", "Redis: bytes an event",
            [(full - empty) / events], "B", at_most(220),
            f"{events:,} page views over {HISTORY_S // 3600} h; with Valkey's own tables and buffers "
            f"{(full_used - empty_used) / events:.0f} B; {ids / events:.1f} B of them are for the event's id",
        ),
        figure(
            "B7", "Redis: bytes a deduplicated id",
            [ids / events], "B", at_most(10),
        ),
    ]  # fmt: skip


async def _dataset(server: Server) -> tuple[int, int]:
    """(used_memory_dataset, used_memory)"""
    memory = await server.redis.info("memory")
    return memory["used_memory_dataset"], memory["used_memory"]


async def _id_bytes(server: Server) -> int:
    found = [key async for key in server.redis.scan_iter(match=f"{server.keys.partition.tag}:dedup:*", count=1000)]
    async with server.redis.pipeline(transaction=False) as pipeline:
        for key in found:
            pipeline.memory_usage(key, samples=0)
        sizes: list[Any] = await pipeline.execute()
    return sum(sizes)
