"""The watcher: a process of its own that sees events become visible, and when.

    python -m bench.watch < watch.json > seen.json

It reads the stream of page views as a consumer does, with a blocking XREAD, which Valkey answers at the end of the
commit that added the entries; a commit is atomic, so every counter shows them then, too. Each entry carries the
timestamp that the sender gave it: when it was due. Resolution: timestamps are whole milliseconds, cut off, so a figure
is up to 1 ms too high; decoding a reply adds some tenths.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final, cast

import msgspec
from msgspec import Struct
from redis import Redis

from .figures import percentile

COUNT: Final = 2_000  # entries a reply
BLOCK_MS: Final = 100


class Watch(Struct, frozen=True):
    """Entries of `stream` from now on, until `events` have come or `deadline_s` is over."""

    valkey_url: str
    stream: str
    events: int
    deadline_s: float


class Seen(Struct, frozen=True):
    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu: float


def watch(asked: Watch) -> Seen:
    latencies: list[float] = []
    with Redis.from_url(asked.valkey_url) as redis:
        newest: Any = redis.xrevrange(asked.stream, count=1)
        after = newest[0][0] if newest else b"0-0"
        print("ready", file=sys.stderr, flush=True)
        start, busy = time.monotonic(), time.process_time()
        while len(latencies) < asked.events and time.monotonic() - start < asked.deadline_s:
            reply = cast(Any, redis.xread({asked.stream: after}, count=COUNT, block=BLOCK_MS))
            now = time.time() * 1000
            for _, entries in reply.items() if isinstance(reply, dict) else reply:
                latencies += (now - int(fields[b"timestamp"]) for _, fields in entries)
                after = entries[-1][0]
        cpu = (time.process_time() - busy) / (time.monotonic() - start)
    latencies.sort()
    if not latencies:
        return Seen(0, 0, 0, 0, cpu)
    return Seen(len(latencies), percentile(latencies, 0.5), percentile(latencies, 0.99), latencies[-1], cpu)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(watch(msgspec.json.decode(sys.stdin.buffer.read(), type=Watch))))
