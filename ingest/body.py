"""A request's body as it came over the wire: capped, and in time. What is in it is read elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from .errors import BodyTimeout, TooLarge

BODY_BYTES: Final = 1 << 20  # on the wire
INFLATED_BYTES: Final = 8 << 20
BODY_DEADLINE_S: Final = 10.0


def announced(request: web.Request, limit: int = BODY_BYTES) -> int:
    """How long the body may become. Raises TooLarge."""
    length = request.content_length
    if length is None:
        return limit if request.body_exists else 0
    if length > limit:
        raise TooLarge(f"the body is over {limit:,} bytes")
    return length


async def read(request: web.Request, limit: int = BODY_BYTES, grow: Callable[[int], None] | None = None) -> bytes:
    """`grow` is told how long the body has become, piece by piece. Raises TooLarge, BodyTimeout."""
    content = request.content
    if content.is_eof():  # came in one piece with the headers
        return content.read_nowait()
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            async for piece in content.iter_any():
                size += len(piece)
                if size > limit:
                    raise TooLarge(f"the body is over {limit:,} bytes")
                if grow:
                    grow(size)
                pieces.append(piece)
    except TimeoutError:
        raise BodyTimeout(f"the body did not arrive within {BODY_DEADLINE_S:g} s") from None
    return b"".join(pieces)
