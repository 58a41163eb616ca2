"""Whether a worker lives, whether it may be sent events, and whether Redis answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import orjson
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ingest.journal import Journal

QUOTA_SHARE: Final = 0.9  # of the journal: a balancer turns away before senders get a 503
UNWELL_MS: Final = 10_000  # after the disk refused a group
PING_EVERY_S: Final = 5.0
PING_DEADLINE_S: Final = 2.0

HEADERS: Final = {"Cache-Control": "no-store"}


class Health:
    """`reasons` are why the worker is not ready; none where it is."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.journal: Journal | None = None  # of a worker that collects
        self.stopping = False
        self.redis_answers = False

    def reasons(self) -> list[str]:
        found = ["stopping"] if self.stopping else []
        if journal := self.journal:
            if journal.failed_at and self._clock() - journal.failed_at < UNWELL_MS:
                found.append("the journal's disk refuses to keep events")
            if journal.size_bytes + journal.pending_bytes > QUOTA_SHARE * journal.quota_bytes:
                found.append("the journal's backlog is near its quota")
        return found

    def routes(self) -> list[web.RouteDef]:
        async def alive(_: web.Request) -> web.Response:
            return _json(200, {"alive": True})

        async def ready(_: web.Request) -> web.Response:
            reasons = self.reasons()
            return _json(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})

        return [web.get("/healthz", alive), web.get("/readyz", ready)]

    async def watch(self, redis: Redis) -> None:
        """Keeps `redis_answers` true to life. Redis being away is a figure, not a reason to send events elsewhere."""
        while True:
            try:
                async with asyncio.timeout(PING_DEADLINE_S):
                    self.redis_answers = bool(await redis.ping())
            except (RedisError, OSError, TimeoutError):
                self.redis_answers = False
            await asyncio.sleep(PING_EVERY_S)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=HEADERS)
