"""A page view as the sample code that the product grew from takes it, made to work: the yardstick of B3.

An XADD is awaited, then eight more commands at once, each on a connection of its own, none of them atomic with another.
Mended: the client is the asynchronous one, and the user's activity has its members the right way round. In its favour:
it validates nothing, deduplicates nothing, speaks to Valkey over a unix socket, and leaves out a tenth command, which
expires a session that nobody made.

python -m bench.seed_way FD VALKEY_URL: serves on the listening socket that it inherits as file descriptor FD.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import uvloop
from aiohttp import web
from redis.asyncio import BlockingConnectionPool, Redis

REDIS = web.AppKey("redis", Redis)
DAY_S: Final = 86_400
CONNECTIONS: Final = 32  # more make it slower; without a bound it fails


async def take(request: web.Request) -> web.Response:
    await track(request.app[REDIS], orjson.loads(await request.read()))
    return web.Response(status=202, body=b'{"accepted":1,"rejected":[]}', content_type="application/json")


async def track(redis: Redis, view: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    at, date = int(now.timestamp() * 1000), now.date().isoformat()
    row: dict[Any, Any] = {
        "user_id": view["user_id"],
        "page_url": view["page_url"],
        "referrer": view["referrer"],
        "user_agent": view["user_agent"],
        "session_id": view["session_id"],
        "timestamp": at,
        "date": date,
        "hour": now.hour,
    }
    activity = f"seed:activity:{view['user_id']}"
    await redis.xadd("seed:page_views", row, maxlen=1_000_000)
    await asyncio.gather(
        redis.incr(f"seed:views:{date}"),
        redis.incr(f"seed:active:{date}"),
        redis.incr(f"seed:views:{date}:{now.hour}"),
        redis.zincrby("seed:pages", 1, view["page_url"]),
        redis.zincrby("seed:referrers", 1, view["referrer"] or "direct"),
        redis.pfadd("seed:visitors", view["user_id"]),
        redis.zadd(activity, {view["page_url"]: at}),
        redis.expire(activity, DAY_S),
    )


async def _redis(app: web.Application) -> AsyncIterator[None]:
    pool = BlockingConnectionPool.from_url(sys.argv[2], max_connections=CONNECTIONS)
    async with Redis(connection_pool=pool) as redis:
        app[REDIS] = redis
        yield


def main() -> None:
    app = web.Application()
    app.router.add_post("/v1/events", take)
    app.cleanup_ctx.append(_redis)
    uvloop.install()
    web.run_app(app, sock=socket.socket(fileno=int(sys.argv[1])), access_log=None, print=None)


if __name__ == "__main__":
    main()
