"""`/docs`: the HTTP contract as a page to read, made of what `/openapi.json` says and of nothing else.

It is written once, here: no script runs in it, and it loads nothing but its own style sheet and the live page's font.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Final

from aiohttp import web

from hitstream import openapi

from .page import rendered

POLICY: Final = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/docs", _page),
        web.get("/docs/style.css", _part("style.css", "text/css")),
        web.get("/docs/icon.svg", _part("icon.svg", "image/svg+xml")),
    ]


async def _page(_: web.Request) -> web.Response:
    response = web.Response(text=_html(), content_type="text/html", headers=HEADERS)
    response.enable_compression()
    return response


def _part(name: str, content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = (files(__package__) / name).read_bytes()

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, headers={"Cache-Control": "no-cache"})

    return serve


@cache
def _html() -> str:
    return rendered(openapi.document())
