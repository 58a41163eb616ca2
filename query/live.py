"""The live stream of a site: a summary every second and the newest events, as server-sent events.

    Tail (one a partition) ── events ──> Room (one a site) ──> Reader (one a connection) ──> socket
                                         └─ summary, once a second

A reader holds the newest summary and a bounded number of events. One that is slower than its site loses the oldest and
is told how many; nobody waits for it. Tails and rooms exist while they have readers. Each worker has its own.

    event: summary      the realtime answer
    event: event        one event, without its properties or context
    event: dropped      {"events": n, "exact": bool}: so many were passed over before what follows
    event: unavailable  {"code", "message"} in the place of a summary, while the store does not answer

There are no ids: who comes back after a break goes on with what is newest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import orjson
from aiohttp import web
from redis.asyncio import Redis

from store.keys import PartitionKeys, SiteKeys, partition_of
from store.site import Site

from .answers import realtime
from .answers.quality import iso
from .errors import StoreUnavailable, TooManyReaders
from .metrics import Metrics
from .tail import Entry, Tail, cancelled

SUMMARY_S: Final = 1.0
QUEUE: Final = 200  # events a reader may lag behind: more than a page shows, and at most about 1 MB
SITE_READERS: Final = 100  # a worker's; each costs a socket and a copy of everything
RETRY_MS: Final = 3_000  # after which a browser comes back
HEARTBEAT_S: Final = 15.0  # proxies cut a silent connection after 30 to 60 s
WRITE_DEADLINE_S: Final = 30.0  # a reader who takes nothing for so long is gone

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold the stream back
}
SHOWN: Final = (
    "user_id", "session_id", "page_url", "title", "referrer", "conversion_type", "value", "currency", "error_type",
    "error_message", "name",
)  # fmt: skip
"""The fields of a stream's entry that the live stream passes on, those of them that it has."""

_SHOWN: Final = {name.encode(): name for name in SHOWN}
_encoder = msgspec.json.Encoder()


def message(event: str, data: bytes) -> bytes:
    """`data` is JSON on one line."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)


def event_message(site: Site, type_: str, fields: Entry) -> bytes:
    at = int(fields.get(b"timestamp", 0))
    shown = {name: fields[field].decode() for field, name in _SHOWN.items() if fields.get(field)}
    return message("event", orjson.dumps({"type": type_, "timestamp": at, "datetime": iso(site.tz, at), **shown}))


class Reader:
    """What one connection has still to be sent."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._events: deque[bytes] = deque(maxlen=QUEUE)
        self._summary = b""
        self._dropped = 0
        self._skipped = False
        self._closed = False
        self._wake = asyncio.Event()

    def offer(self, event: bytes) -> None:
        if len(self._events) == QUEUE:
            self._dropped += 1
            self._metrics.live_dropped.inc()
        self._events.append(event)
        self._wake.set()

    def show(self, summary: bytes) -> None:
        self._summary = summary
        self._wake.set()

    def skip(self) -> None:
        """Events were passed over, nobody knows how many."""
        self._skipped = True

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def take(self) -> bytes | None:
        """All that there is, as soon as there is something; a comment where there is nothing for long; None to end."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._wake.wait()
        except TimeoutError:
            return b":\n\n"
        self._wake.clear()
        if self._closed:
            return None
        parts = [*self._events, self._summary]
        if self._dropped or self._skipped:
            lost = {"events": self._dropped, "exact": not self._skipped}
            parts.insert(0, message("dropped", orjson.dumps(lost)))
        self._events.clear()
        self._summary, self._dropped, self._skipped = b"", 0, False
        return b"".join(parts)


class _Room:
    """A site's readers, and the newest summary for those who come next."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.readers: set[Reader] = set()
        self.summary = b""


class _Partition:
    """The rooms of a partition, by site: what its tail publishes to."""

    def __init__(self) -> None:
        self.rooms: dict[bytes, _Room] = {}

    def publish(self, type_: str, fields: Entry) -> None:
        if room := self.rooms.get(fields.get(b"site", b"")):
            event = event_message(room.site, type_, fields)
            for reader in room.readers:
                reader.offer(event)

    def skipped(self) -> None:
        for room in self.rooms.values():
            for reader in room.readers:
                reader.skip()


class Live:
    """The rooms of one worker."""

    def __init__(self, *, redis: Redis, partitions: int, clock: Callable[[], int], metrics: Metrics) -> None:
        self._redis = redis
        self._partitions = partitions
        self._clock = clock
        self._metrics = metrics
        self._open: dict[int, _Partition] = {}
        self._tasks: dict[int | str, asyncio.Task[None]] = {}  # tails by partition, summaries by site
        self._closed = False

    @asynccontextmanager
    async def reader(self, site: Site) -> AsyncIterator[Reader]:
        """A reader of the site's events from now on. Raises `TooManyReaders`."""
        room = self._enter(site)
        if len(room.readers) >= SITE_READERS:
            raise TooManyReaders(SITE_READERS, retry_after=10)
        reader = Reader(self._metrics)
        if room.summary:
            reader.show(room.summary)
        if self._closed:
            reader.close()
        room.readers.add(reader)
        self._metrics.live_readers.inc()
        try:
            yield reader
        finally:
            self._metrics.live_readers.dec()
            room.readers.discard(reader)
            if not room.readers:
                await self._leave(site)

    def close(self) -> None:
        """Ends every stream, and those that still come; each cleans up as it ends."""
        self._closed = True
        for partition in self._open.values():
            for room in partition.rooms.values():
                for reader in room.readers:
                    reader.close()

    def _enter(self, site: Site) -> _Room:
        number = partition_of(site.id, self._partitions)
        partition = self._open.get(number)
        if partition is None:
            partition = self._open[number] = _Partition()
            tail = Tail(self._redis, PartitionKeys(number), partition.publish, partition.skipped)
            self._tasks[number] = asyncio.create_task(tail.run(), name=f"live tail of partition {number}")
        room = partition.rooms.get(site.id.encode())
        if room is None:
            room = partition.rooms[site.id.encode()] = _Room(site)
            self._tasks[site.id] = asyncio.create_task(self._summarise(room), name=f"live summary of {site.id}")
        return room

    async def _leave(self, site: Site) -> None:
        """After the last reader: ends what brought the site its events, and the partition where it was the last."""
        number = partition_of(site.id, self._partitions)
        ended = [self._tasks.pop(site.id)]
        del self._open[number].rooms[site.id.encode()]
        if not self._open[number].rooms:
            del self._open[number]
            ended.append(self._tasks.pop(number))
        for task in ended:
            task.cancel()
        await asyncio.wait(ended)

    async def _summarise(self, room: _Room) -> None:
        keys = SiteKeys(room.site.id, self._partitions)
        loop = asyncio.get_running_loop()
        while not cancelled():
            began = loop.time()
            try:
                answer = await realtime.answer(self._redis, room.site, keys, self._clock())
                room.summary = message("summary", _encoder.encode(answer))
            except StoreUnavailable as error:
                why = {"code": error.code, "message": error.message}
                room.summary = message("unavailable", orjson.dumps(why))
            for reader in room.readers:
                reader.show(room.summary)
            await asyncio.sleep(max(0.0, SUMMARY_S - (loop.time() - began)))


async def stream(request: web.Request, reader: Reader) -> web.StreamResponse:
    """Writes what the reader gets until either end has had enough."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    try:
        await response.write(b"retry: %d\n\n" % RETRY_MS)
        while (sent := await reader.take()) is not None:
            async with asyncio.timeout(WRITE_DEADLINE_S):
                await response.write(sent)
    except ConnectionError:
        pass  # the reader left
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # what is still to be written will not be taken either
    return response
