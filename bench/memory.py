"""B7 in Redis: bytes an event and bytes a deduplicated id, of a day of a busy shop.

200,000 page views of 20,000 visitors on 1,000 pages, all with an id, their times spread evenly over the last 24 hours,
in batches of 100: so minutes, hours and leaderboards are as full as a day makes them. The dataset is what Valkey calls
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
DAY_S: Final = 86_400
SECONDS: Final = 120.0  # at most


async def measure(bench: Bench) -> list[Figure]:
    async with serving(bench, "memory") as server:
        load = server.load("day", batch=BATCH, connections=CONNECTIONS, seconds=SECONDS)
        load = replace(load, requests=bench.count(EVENTS) // BATCH, history_s=DAY_S)
        empty, empty_used = await _dataset(server)
        events = (await send(load)).events
        await server.all_visible(events)
        full, full_used = await _dataset(server)
        ids = await _id_bytes(server)
    return [
        figure(
            "B7", "Redis: bytes an event",
            [(full - empty) / events], "B", at_most(220),
            f"{events:,} page views over 24 h; {(full_used - empty_used) / events:.0f} B with Valkey's own tables and "
            f"buffers; {ids / events:.1f} B of them are for the event's id",
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
