"""The scripts over HTTP, for pages of any origin. Take no key: the page's own stands in its script tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from .files import Script, published

SHARED: Final = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Access-Control-Allow-Origin": "*",  # what a page pins by its digest it must be able to read
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}
PINNED: Final = {"Cache-Control": "public, max-age=31536000, immutable"}  # its name is its content
# The newest: asked about again each hour, and shown a day longer where the server does not answer.
NEWEST: Final = {"Cache-Control": "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400"}


def routes() -> list[web.RouteDef]:
    """`/t.js`, which is the newest script, and each under its own name."""
    scripts = {(str(script.version), script.digest): script for script in published()}
    newest = published()[-1]

    async def latest(request: web.Request) -> web.Response:
        return _response(request, newest, NEWEST)

    async def pinned(request: web.Request) -> web.Response:
        script = scripts.get((request.match_info["version"], request.match_info["digest"]))
        if script is None:
            raise web.HTTPNotFound
        return _response(request, script, PINNED)

    return [web.get("/t.js", latest), web.get("/t.{version}.{digest}.js", pinned)]


def _response(request: web.Request, script: Script, caching: Mapping[str, str]) -> web.Response:
    tag = f'W/"{script.digest}"'  # weak: one for all encodings
    headers = {**SHARED, **caching, "ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    accepted = _accepted(request.headers.get("Accept-Encoding", ""))
    encoding = next((name for name in script.encoded if name in accepted), "identity")
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return web.Response(body=script.encoded[encoding], headers=headers)


def _accepted(header: str) -> set[str]:
    """The encodings that an Accept-Encoding names, but for those that it refuses."""
    entries = (entry.replace(" ", "").lower().partition(";q=") for entry in header.split(","))
    return {name for name, _, weight in entries if weight.strip("0.") or not weight}
