"""One worker: the application on a listening socket, until it is told to stop.

It ends in stages: not ready, no new connections, what is in flight is finished, and what is acknowledged drains.

Run as a process of its own (`python -m hitstream.worker`, by `hitstream.serve`) it reads an `Assignment` from its
standard input, and says `ready` on its standard output.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

import msgspec
import uvloop
from aiohttp import web
from msgspec import Struct

from . import inflight, logs
from .app import application
from .connections import accept
from .deployment import Deployment

log = logging.getLogger(__name__)

READY: Final = b"ready\n"

IN_FLIGHT_S: Final = 10.0  # for requests when stopping: as long as a body may take
CUT_OFF_S: Final = 1.0  # for those that are still not done

# The journal's thread cannot begin to write, nor tell of a sync, before the loop lets go of the interpreter, and waits
# this long before it asks. Measured from append to synced, with 12 ms of other requests' work in the same turn of the
# loop: 12 to 24 ms (median) with Python's own 5 ms, 2 to 4 ms with this.
SWITCH_S: Final = 0.0005

# Events come and go by the thousand and form no cycles, so looking for cycles after every 700 of them finds nothing: it
# took 6 of 100 samples of a busy worker. What is there at the start stays, and is not looked at again.
COLLECT_AFTER: Final = 50_000


class Assignment(Struct, frozen=True):
    """What a worker process is told. `port` is already reserved for it."""

    deployment: Deployment
    number: int
    port: int


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket; `shared` with the other workers, among whom the kernel distributes connections."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


async def work(
    deployment: Deployment, number: int, bound: socket.socket, on_ready: Callable[[], None], stop: asyncio.Event
) -> None:
    """Serves on `bound` until `stop` is set; `on_ready` is called once it listens."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    _allow_connections()
    async with application(deployment, number) as app:
        runner = web.AppRunner(app, shutdown_timeout=CUT_OFF_S)
        try:
            await runner.setup()
            listening = await accept(runner, bound)
            on_ready()
            await stop.wait()
            listening.close()
            await app.shutdown()  # taking, on connections that are open
            if not await app[inflight.KEY].finished(IN_FLIGHT_S):
                log.warning("some requests are cut off")
        finally:
            await runner.cleanup()


def stop_on_signals() -> asyncio.Event:
    """Set when the process is asked to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _allow_connections() -> None:
    """As many open files as the system lets us have: the usual soft limit of 1,024 is there for select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _main(assignment: Assignment) -> None:
    config = assignment.deployment.config
    with listen(config.host, assignment.port, shared=True) as bound:

        def say_ready() -> None:
            sys.stdout.buffer.write(READY)
            sys.stdout.flush()

        await work(assignment.deployment, assignment.number, bound, say_ready, stop_on_signals())


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Assignment)
    logs.set_up(given.deployment.config.log_level, given.deployment.config.log_format)
    uvloop.run(_main(given))
