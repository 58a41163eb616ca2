"""The shop's calls over real HTTP, as the composition root wires them, with the time standing still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from commerce.database import Database
from commerce.errors import NoShop, NotFound
from commerce.http import routes
from commerce.metrics import Metrics
from store.errors import BadParameter, RequestError
from store.site import Grant, Site
from tests.commerce.shop import NOW_MS, SITE

STATUS = {BadParameter: 400, NotFound: 404, NoShop: 404}


@web.middleware
async def problems(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answered: web.StreamResponse = await handler(request)
        return answered
    except RequestError as error:
        problem = {"code": error.code, "message": error.message, **error.members}
        return web.json_response(problem, status=STATUS.get(type(error), 503))


class Shop:
    """`get` asks with the shop's read key; `refused` wants a problem and gives (code, message)."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    async def get(self, path: str, want: int = 200, site: str = SITE, **parameters: Any) -> Any:
        headers = {"X-Site": site}
        async with self._client.get(f"/v1/commerce{path}", params=parameters, headers=headers) as response:
            answer = await response.json()
            assert response.status == want, answer
            return answer

    async def refused(self, path: str, **parameters: Any) -> tuple[str, str]:
        problem = await self.get(path, 400, **parameters)
        assert problem["message"].startswith(f"{problem['parameter']}: ")
        return problem["parameter"], problem["message"]

    async def pages(self, path: str, items: str, **parameters: Any) -> list[Any]:
        """All items, a page at a time."""
        found: list[Any] = []
        while True:
            answer = await self.get(path, **parameters)
            found += answer[items]
            if answer["next_cursor"] is None:
                return found
            parameters["cursor"] = answer["next_cursor"]


@asynccontextmanager
async def asking(database: Database) -> AsyncIterator[Shop]:
    def authorize(request: web.Request, kinds: object) -> Grant:
        assert kinds == frozenset({"read"})
        return Grant(Site(request.headers["X-Site"]), "read")

    app = web.Application(middlewares=[problems])
    metrics = Metrics(CollectorRegistry())
    app.add_routes(routes(database=database, site=SITE, clock=lambda: NOW_MS, authorize=authorize, metrics=metrics))
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as client:
        yield Shop(client)
