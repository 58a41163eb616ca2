"""The questions over HTTP: authorised, parsed, answered, encoded.

Every call takes a read key, and the site follows from it. What an answer holds is described where it is made
(`query.answers`, `query.live`); which status an error gets is decided in `hitstream.problems`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct
from redis.asyncio import Redis

from store.identity import Identity
from store.keys import SiteKeys
from store.site import Grant, KeyKind, Site

from . import question
from .answers import activity, comparison, realtime, timeseries, top
from .answers.funnel import Funnels
from .errors import BodyTimeout, BodyTooLarge
from .folds import Folds
from .funnel import question as funnel_question
from .live import Live, stream
from .metrics import Endpoint, Metrics

BODY_BYTES: Final = 256 << 10  # 20 steps of 2,048 characters, each of them escaped, are 240 KiB
BODY_DEADLINE_S: Final = 10.0

READERS: Final[frozenset[KeyKind]] = frozenset({"read"})
HEADERS: Final = {"Cache-Control": "no-store"}

Authorize = Callable[[web.Request, frozenset[KeyKind]], Grant]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_encoder = msgspec.json.Encoder()


class Asked(Struct, frozen=True):
    """What every handler needs: by whose key, when, and the request itself."""

    request: web.Request
    site: Site
    keys: SiteKeys
    now: int


def routes(
    *,
    redis: Redis,
    clock: Callable[[], int],
    authorize: Authorize,
    identity: Identity,
    partitions: int,
    live: Live,
    metrics: Metrics,
) -> list[web.RouteDef]:
    """The routes of `/v1/metrics`, `/v1/users`, `/v1/funnels` and `/v1/live`. `clock` gives epoch milliseconds."""

    async def answer_realtime(asked: Asked) -> Struct:
        question.nothing(asked.request.query)
        return await realtime.answer(redis, asked.site, asked.keys, asked.now)

    async def answer_comparison(asked: Asked) -> Struct:
        question.nothing(asked.request.query)
        return await comparison.answer(redis, asked.site, asked.keys, asked.now)

    async def answer_timeseries(asked: Asked) -> Struct:
        parsed = question.timeseries(asked.request.query, asked.site, asked.now)
        return await timeseries.answer(redis, asked.site, asked.keys, parsed, asked.now)

    async def answer_top(asked: Asked) -> Struct:
        parsed = question.top(asked.request.query, asked.site, asked.now)
        return await top.answer(redis, asked.site, asked.keys, parsed, asked.now)

    async def answer_activity(asked: Asked) -> Struct:
        parsed = question.activity(asked.request.match_info["user_id"], asked.request.query, asked.now)
        return await activity.answer(redis, asked.site, asked.keys, identity, parsed, asked.now)

    funnels = Funnels(Folds(redis, identity))

    async def answer_funnel(asked: Asked) -> Struct:
        if asked.request.method == "POST":
            question.nothing(asked.request.query)
            parsed = funnel_question.from_json(await _body(asked.request), asked.now)
        else:
            parsed = funnel_question.from_parameters(asked.request.query, asked.now)
        return await funnels.answer(asked.site, asked.keys, parsed, asked.now)

    def handler(endpoint: Endpoint, answer: Callable[[Asked], Awaitable[Struct]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            with metrics.measured(endpoint):
                site = authorize(request, READERS).site
                answered = await answer(Asked(request, site, SiteKeys(site.id, partitions), clock()))
                return web.Response(body=_encoder.encode(answered), content_type="application/json", headers=HEADERS)

        return handle

    async def handle_live(request: web.Request) -> web.StreamResponse:
        with metrics.refusals("live"):
            site = authorize(request, READERS).site
            question.nothing(request.query)
            async with live.reader(site) as reader:
                return await stream(request, reader)

    return [
        web.get("/v1/metrics/realtime", handler("realtime", answer_realtime)),
        web.get("/v1/metrics/comparison", handler("comparison", answer_comparison)),
        web.get("/v1/metrics/timeseries", handler("timeseries", answer_timeseries)),
        web.get("/v1/metrics/top", handler("top", answer_top)),
        web.get("/v1/users/{user_id:[^/]+}/activity", handler("activity", answer_activity)),
        web.get("/v1/funnels", handler("funnel", answer_funnel)),
        web.post("/v1/funnels", handler("funnel", answer_funnel)),
        web.get("/v1/live", handle_live, allow_head=False),  # it has no end
    ]


async def _body(request: web.Request) -> bytes:
    """The body as it came. Raises `BodyTooLarge` and `BodyTimeout`."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > BODY_BYTES:
                    raise BodyTooLarge(f"the body is over {BODY_BYTES:,} bytes")
    except TimeoutError:
        raise BodyTimeout(f"the body did not arrive within {BODY_DEADLINE_S:g} s") from None
    return bytes(body)
