"""The shop over HTTP: authorised, parsed, asked, encoded. The calls themselves stand in `contract`.

Every call takes a read key of the shop's site. Which status an error gets is decided in `hitstream.problems`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from store.contract import Read
from store.parameters import Asked
from store.site import Grant, KeyKind

from .contract import PREFIX, READS, Question
from .database import Database
from .errors import NoShop
from .metrics import Metrics

READERS: Final[frozenset[KeyKind]] = frozenset({"read"})
HEADERS: Final = {"Cache-Control": "no-store"}

Authorize = Callable[[web.Request, frozenset[KeyKind]], Grant]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_encoder = msgspec.json.Encoder()


def routes(
    *, database: Database, site: str, clock: Callable[[], int], authorize: Authorize, metrics: Metrics
) -> list[web.RouteDef]:
    """The routes of `/v1/commerce`. `site` is the one whose shop this is; `clock` gives epoch milliseconds."""

    def handler(read: Read[Question]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            with metrics.measured(read.name):
                grant = authorize(request, READERS)
                if grant.site.id != site:
                    raise NoShop(grant.site.id)
                asked = Asked(read.name, read.parameters, request.query, database.currency)
                subject = next(iter(request.match_info.values()), "")
                now = datetime.fromtimestamp(clock() / 1000, UTC)
                answer = await read.ask(Question(database, asked, subject, now))
                return web.Response(body=_encoder.encode(answer), content_type="application/json", headers=HEADERS)

        return handle

    return [web.get(PREFIX + read.path.replace("}", ":[^/]+}"), handler(read)) for read in READS]
