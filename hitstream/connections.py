"""How a worker takes connections: the limits that aiohttp sets on each, and the short way where there is one."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from aiohttp import web

from ingest.express import Connection, Express

EXPRESS: Final = web.AppKey("express", Express)

BACKLOG: Final = 1024  # connections that may wait while a worker is busy or starting
KEEP_ALIVE_S: Final = 120.0  # longer than a proxy keeps an idle connection, so that it is not closed under a request
LINGER_S: Final = 2.0  # a refused body is read on for so long, lest its sender, still sending, miss the reply
LINE_BYTES: Final = 16_384  # of a URL or header: a pixel carries its properties in one


async def accept(runner: web.AppRunner, bound: socket.socket) -> asyncio.Server:
    """Listens on `bound` until the server is closed. The connections end with the runner, which is set up."""
    loop, manager, express = asyncio.get_running_loop(), runner.server, runner.app.get(EXPRESS)
    assert manager is not None
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,  # the collector bounds what a body inflates to
        "keepalive_timeout": KEEP_ALIVE_S,
        "lingering_time": LINGER_S,
        "max_line_size": LINE_BYTES,
        "max_field_size": LINE_BYTES,
    }

    def connection() -> web.RequestHandler:
        if express is None:
            return web.RequestHandler(manager, loop=loop, **options)
        return Connection(manager, express, loop=loop, **options)

    return await loop.create_server(connection, sock=bound, backlog=BACKLOG)
