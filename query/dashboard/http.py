"""The live page over HTTP. Takes no key: what the page shows it asks for with the key of whoever opened it.

The key is in the fragment of the page's address, which a browser never sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from .files import File, load

DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",  # no text becomes markup, whatever a script does
    "trusted-types 'none'",
)
PAGE: Final = {
    "Content-Security-Policy": "; ".join(DIRECTIVES),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cache-Control": "no-cache",  # kept, but asked about each time: it names the version of the rest
    "Vary": "Accept-Encoding",
}
PART: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "public, max-age=31536000, immutable",  # its URL names its version
    "Vary": "Accept-Encoding",
}


def routes() -> list[web.RouteDef]:
    """`/`, and under `/dashboard` what the page is made of."""
    files = load()
    tag = f'W/"{files.version}"'  # weak: one for all encodings

    async def page(request: web.Request) -> web.Response:
        headers = {**PAGE, hdrs.ETAG: tag}
        if tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
            return web.Response(status=304, headers=headers)
        return _response(request, files.index, headers)

    async def part(request: web.Request) -> web.Response:
        found = files.parts.get((request.match_info["folder"], request.match_info["name"]))
        if found is None:
            raise web.HTTPNotFound
        return _response(request, found, PART)

    return [web.get("/", page), web.get("/dashboard/{folder}/{name}", part)]


def _response(request: web.Request, file: File, headers: Mapping[str, str]) -> web.Response:
    accepted = _accepted(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    encoding = next((name for name in file.encoded if name in accepted), "identity")
    own: dict[str, str] = {hdrs.CONTENT_TYPE: file.type}
    if encoding != "identity":
        own[hdrs.CONTENT_ENCODING] = encoding
    return web.Response(body=file.encoded[encoding], headers={**headers, **own})


def _accepted(header: str) -> set[str]:
    """The encodings that an Accept-Encoding names, but for those that it refuses."""
    entries = (entry.replace(" ", "").lower().partition(";q=") for entry in header.split(","))
    return {name for name, _, weight in entries if weight.strip("0.") or not weight}
