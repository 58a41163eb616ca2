"""One worker's whole application in this process, on a real Redis, with two sites and their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from hitstream.app import application
from hitstream.config import Config, SiteConfig
from hitstream.connections import accept
from hitstream.deployment import resolve
from hitstream.worker import listen

ALIAS = "shop.example"  # what another product's client calls the site `shop`

KEYS: dict[str, dict[str, Any]] = {
    "shop": {"write": "hw_shop_0123456789", "server": "hs_shop_0123456789", "read": "hr_shop_0123456789"},
    "blog": {"write": "hw_blog_0123456789", "server": "hs_blog_0123456789", "read": "hr_blog_0123456789"},
}


class Running:
    """A client of the application. Paths are relative; `kind` and `site` choose the key."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.session = session

    async def post(
        self, path: str, body: object = None, *, kind: str = "write", site: str = "shop", **options: Any
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """(status, body, headers)"""
        headers = {"X-Write-Key": KEYS[site][kind], **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        async with self.session.post(self.url + path, headers=headers, **options) as reply:
            return reply.status, await reply.json(content_type=None), reply.headers

    async def get(self, path: str, *, kind: str = "read", site: str = "shop", **params: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {KEYS[site][kind]}"}
        async with self.session.get(self.url + path, params=params, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)


@asynccontextmanager
async def serving(
    redis_url: str, directory: Path, postgres_url: str = "", mongo_url: str = "", **settings: Any
) -> AsyncIterator[Running]:
    """`ack = "redis"` unless told otherwise: what was acknowledged can be read.

    A shop where a PostgreSQL is given, a network where a MongoDB is.
    """
    sites = {
        "shop": SiteConfig(aliases=(ALIAS,), **KEYS["shop"]),
        "blog": SiteConfig(zone="Asia/Kolkata", origins=("https://blog.example",), **KEYS["blog"]),
    }
    config = Config(data_dir=str(directory), sites=sites, **{"ack": "redis", **settings})
    async with application(resolve(config, redis_url, postgres_url, mongo_url)) as app:
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            listening = await accept(runner, listen("127.0.0.1", 0, shared=False))
            port = listening.sockets[0].getsockname()[1]
            async with aiohttp.ClientSession() as session:
                yield Running(port, session)
            listening.close()
        finally:
            await runner.cleanup()
