"""How an error reaches the one who asked: the one table from exceptions to HTTP, rendered as RFC 9457.

A class that has no row of its own gets that of its nearest ancestor; a test proves that every class has one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from commerce import errors as commerce
from ingest import errors as ingest
from query import errors as query
from social import errors as social
from store.errors import BadParameter, RequestError

from . import access

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

TABLE: Final[Mapping[type[RequestError], tuple[int, str]]] = {
    access.Unauthorized: (401, "No valid key"),
    access.WrongKind: (403, "Wrong kind of key"),
    ingest.NotJson: (400, "Not JSON"),
    ingest.CorruptBody: (400, "Corrupt body"),
    ingest.NothingAccepted: (400, "Nothing accepted"),
    ingest.OriginNotAllowed: (403, "Origin not allowed"),
    ingest.BodyTimeout: (408, "Body too slow"),
    ingest.TooLarge: (413, "Body too large"),
    ingest.TooManyEvents: (413, "Too many events"),
    ingest.UnsupportedType: (415, "Unsupported content type"),
    ingest.UnsupportedEncoding: (415, "Unsupported content encoding"),
    ingest.RateLimited: (429, "Too many events for this key"),
    ingest.Overloaded: (503, "Overloaded"),
    ingest.JournalFull: (503, "Journal full"),
    ingest.JournalBusy: (503, "Journal busy"),
    ingest.JournalBroken: (503, "Journal broken"),
    ingest.JournalClosed: (503, "Stopping"),
    query.BadParameter: (400, "Bad parameter"),
    query.BadBody: (400, "Bad body"),
    query.BodyTimeout: (408, "Body too slow"),
    query.BodyTooLarge: (413, "Body too large"),
    query.StoreUnavailable: (503, "Store unavailable"),
    query.TooManyReaders: (503, "Too many readers"),
    query.TooManyFunnels: (503, "Too many funnels"),
    query.FunnelTooLarge: (422, "Funnel too large"),
    BadParameter: (400, "Bad parameter"),
    commerce.NotFound: (404, "Not found"),
    commerce.NoShop: (404, "No shop"),
    commerce.ShopUnavailable: (503, "Shop unavailable"),
    social.NotFound: (404, "Not found"),
    social.NoNetwork: (404, "No network"),
    social.NotSupported: (501, "Not supported"),
    social.NetworkUnavailable: (503, "Network unavailable"),
}

# What a browser's page may read of any answer, wherever the page comes from: nothing here depends on cookies.
_CORS: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns whatever a handler raises into a problem; what nobody foresaw is logged and told without detail."""
    try:
        return await handler(request)
    except RequestError as error:
        return render(error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _render_http(error)
    except ConnectionError:
        raise  # the one who asked has gone; aiohttp ends the connection
    except Exception:  # the last resort: one request must not end others
        log.exception("unforeseen error", extra={"method": request.method, "route": _route(request)})
        return problem(500, "Internal error", "internal_error")


def render(error: RequestError) -> web.Response:
    status, title = _row(type(error))
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(max(1, ceil(error.retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="hitstream"'
    return problem(status, title, error.code, error.message, headers=headers, members=error.members)


def problem(
    status: int,
    title: str,
    code: str,
    message: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> web.Response:
    """`code` is for programs, `message` for a person and is the document's `detail` too."""
    document: dict[str, Any] = {"type": f"urn:hitstream:problem:{code}", "title": title, "status": status}
    if message:
        document["detail"] = message
    document |= {"code": code, "message": message or title, **(members or {})}
    # The standard encoder: it escapes what is not ASCII, so that a lone surrogate in quoted input is no error.
    body = json.dumps(document).encode()
    return web.Response(status=status, body=body, content_type=MEDIA_TYPE, headers={**_CORS, **(headers or {})})


def status_of(error: RequestError) -> int:
    return _row(type(error))[0]


def _row(class_: type[RequestError]) -> tuple[int, str]:
    for ancestor in class_.__mro__:
        if row := TABLE.get(ancestor):
            return row
    return 500, "Internal error"


def _render_http(error: web.HTTPException) -> web.Response:
    """aiohttp's own: no such route, not this method, a body over its limit."""
    title = HTTPStatus(error.status).phrase
    headers: dict[str, str] = {hdrs.ALLOW: allow} if (allow := error.headers.get(hdrs.ALLOW)) else {}
    return problem(error.status, title, title.lower().replace(" ", "_").replace("-", "_"), headers=headers)


def _route(request: web.Request) -> str:
    """The route's pattern: what a client put into the path may be a user's name."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
