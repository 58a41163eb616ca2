"""The network's calls over real HTTP, as the composition root wires them, with the time standing still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from msgspec import Struct
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from hitstream.problems import middleware
from social.contract import PREFIX
from social.database import Database
from social.http import routes
from social.metrics import Metrics
from social.model import document
from social.schema import COLLECTIONS
from social.snapshots import Snapshots
from store.identity import Identity
from store.site import Grant, Site

SITE: Final = "net"
NOW: Final = datetime(2036, 3, 1, 12, tzinfo=UTC)  # not past: the server removes what is old by its own clock


async def fill(database: Database, *documents: Struct) -> None:
    """Puts each into the collection of its kind."""
    names = {collection.document: collection.name for collection in COLLECTIONS}
    found: dict[str, list[Any]] = defaultdict(list)
    for each in documents:
        found[names[type(each)]].append(document(each))
    async with database.working() as handle:
        for name, held in found.items():
            await handle[name].insert_many(held)


class Asking:
    """`get` asks with the network's read key and wants `status`; it gives the answer, or the problem.

    `refused` wants a problem about a parameter and gives its message; `pages` gives all items, a page at a time.
    """

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    async def get(self, path: str, status: int = 200, site: str = SITE, **parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        async with self._client.get(PREFIX + path, params=given, headers={"X-Site": site}) as response:
            answer = await response.json(content_type=None)
            assert response.status == status, answer
            return answer

    def raw(self, path: str, **parameters: Any) -> Any:
        """The reply itself, whatever it is."""
        return self._client.get(PREFIX + path, params=parameters, headers={"X-Site": SITE})

    async def refused(self, path: str, **parameters: Any) -> str:
        problem = await self.get(path, 400, **parameters)
        assert problem["message"].startswith(f"{problem['parameter']}: ")
        message: str = problem["message"]
        return message

    async def pages(self, path: str, items: str, **parameters: Any) -> list[Any]:
        found: list[Any] = []
        while True:
            answer = await self.get(path, **parameters)
            found += answer[items]
            if answer["next_cursor"] is None:
                return found
            parameters["cursor"] = answer["next_cursor"]


@asynccontextmanager
async def asking(database: Database, redis: Redis, now: datetime = NOW) -> AsyncIterator[Asking]:
    def authorize(request: web.Request, kinds: object) -> Grant:
        assert kinds == frozenset({"read"})
        return Grant(Site(request.headers["X-Site"]), "read")

    app = web.Application(middlewares=[middleware])
    app.add_routes(
        routes(
            database=database,
            snapshots=Snapshots(redis, Identity(bytes(16)), SITE, 1),
            site=SITE,
            clock=lambda: int(now.timestamp() * 1000),
            authorize=authorize,
            metrics=Metrics(CollectorRegistry()),
        )
    )
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as client:
        yield Asking(client)
