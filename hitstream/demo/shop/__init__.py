"""A small shop to click through, whose pages carry the tracker: for `hitstream demo`, and for tests in a browser.

It sells nothing. The basket lives in the visitor's tab (`assets/shop.js`); `pages` holds the texts, `rendering` fills
them in, and what is here serves them under `PREFIX` with a policy as strict as a careful shop's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from aiohttp import web
from msgspec import Struct

from .rendering import PREFIX, Links, rendered

__all__ = ["PREFIX", "routes"]

_TYPES: Final = {".css": "text/css", ".csv": "text/csv", ".js": "text/javascript", ".svg": "image/svg+xml"}


class _Asset(Struct, frozen=True):
    body: bytes
    content_type: str


def routes(*, write_key: str, collector: str = "", live: str = "/") -> list[web.RouteDef]:
    """`write_key`: of the site that the clicks go to. `collector`: the origin whose `/t.js` the pages load, where it is
    another's (`http://127.0.0.1:8080`). `live`: address of the live page, which the shop links to."""
    pages = rendered(Links(write_key, collector, live))
    headers = {"Content-Security-Policy": policy(collector), "Referrer-Policy": "strict-origin-when-cross-origin"}

    async def page(request: web.Request) -> web.Response:
        path = request.path.removeprefix(PREFIX)
        found = pages.get(path)
        text = pages["404"] if found is None else found
        status = 404 if found is None else 200
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    async def entrance(_: web.Request) -> web.Response:
        raise web.HTTPFound(f"{PREFIX}/")

    return [
        web.get(PREFIX, entrance),
        *(web.get(f"{PREFIX}/assets/{name}", _serving(asset)) for name, asset in _assets().items()),
        web.get(PREFIX + "/{path:.*}", page),
    ]


def policy(collector: str) -> str:
    """What the pages may load and call: themselves and the collector, and nothing in between the lines."""
    origins = f"'self' {collector}".rstrip()
    return (
        f"default-src 'none'; script-src {origins}; connect-src {origins}; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


def _assets() -> dict[str, _Asset]:
    found = sorted((files(__package__) / "assets").iterdir(), key=lambda file: file.name)
    return {file.name: _Asset(file.read_bytes(), _TYPES["." + file.name.rpartition(".")[2]]) for file in found}


def _serving(asset: _Asset) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=asset.body, content_type=asset.content_type, headers={"Cache-Control": "no-cache"})

    return serve
