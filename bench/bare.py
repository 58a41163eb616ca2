"""What an ingest handler cannot do without: it reads the body, decodes it, answers 202. The yardstick of B1.

python -m bench.bare FD: serves on the listening socket that it inherits as file descriptor FD.
"""

from __future__ import annotations

import socket
import sys

import orjson
import uvloop
from aiohttp import web


async def take(request: web.Request) -> web.Response:
    orjson.loads(await request.read())
    return web.Response(status=202, body=b'{"accepted":1,"rejected":[]}', content_type="application/json")


def main() -> None:
    app = web.Application()
    app.router.add_post("/v1/events", take)
    uvloop.install()
    web.run_app(app, sock=socket.socket(fileno=int(sys.argv[1])), access_log=None, print=None)


if __name__ == "__main__":
    main()
