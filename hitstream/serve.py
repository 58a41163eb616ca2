"""`hitstream serve`: engines first, then the workers, and back in the opposite order.

One worker runs in this process. Several run in processes of their own that share the port (SO_REUSEPORT); one that
dies is started again, and its journal is adopted meanwhile by another.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from . import leash
from .config import NO_NETWORK, NO_SHOP, Config
from .datadir import DataDir, Ready
from .deployment import Deployment, resolve
from .engines import Engine, Valkey
from .mongo import Mongo
from .postgres import Postgres
from .tasks import running
from .welcome import welcome
from .worker import READY, Assignment, listen, stop_on_signals, work

log = logging.getLogger(__name__)

BACKOFF_S: Final = (0.1, 5.0)  # before a dead worker is started again, doubled from the first to the second
HEALTHY_S: Final = 60.0  # one that worked so long did not die of its start
END_S: Final = 30.0  # a worker's stages take 10 s for requests and 10 s for draining at most


class CannotListen(Exception):
    """The address is taken or not ours."""


async def serve(config: Config) -> None:
    """Serves until SIGTERM or SIGINT. Raises `Unusable`, `ConfigError`, `EngineFailed` and `CannotListen`."""
    directory = DataDir(Path(config.data_dir))
    stop = stop_on_signals()
    with directory.lock():
        directory.not_ready()
        with _bind(config) as bound:
            async with (
                _redis(config, directory) as redis_url,
                _postgres(config, directory) as postgres_url,
                _mongo(config, directory) as mongo_url,
            ):
                deployment = resolve(config, redis_url, postgres_url, mongo_url)
                if config.workers == 1:
                    await _serve_here(deployment, bound, stop)
                else:
                    await _serve_in_processes(deployment, bound, stop)


@asynccontextmanager
async def _redis(config: Config, directory: DataDir) -> AsyncIterator[str]:
    """The URL of the Redis to use: the configured one, or that of an embedded one, which lasts as long as the block."""
    if config.redis_url:
        yield config.redis_url
        return
    async with Valkey(directory.valkey) as valkey:
        yield valkey.url


@asynccontextmanager
async def _postgres(config: Config, directory: DataDir) -> AsyncIterator[str]:
    """The URL of the shop's PostgreSQL, '' where there is no shop. Nothing waits for the embedded one to be there."""
    if config.shop == NO_SHOP or config.role == "ingest":
        yield ""
    elif config.postgres_url:
        yield config.postgres_url
    else:
        postgres = Postgres(directory.postgres)
        async with running("postgres", lambda: _run(postgres)):
            yield postgres.url


@asynccontextmanager
async def _mongo(config: Config, directory: DataDir) -> AsyncIterator[str]:
    """The URL of the network's MongoDB, '' where there is no network. Nothing waits for the embedded one either."""
    if config.network == NO_NETWORK or config.role == "ingest":
        yield ""
    elif config.mongo_url:
        yield config.mongo_url
    else:
        mongo = Mongo(directory.mongo)
        mongo.settle()
        async with running("mongo", lambda: _run(mongo)):
            yield mongo.url


async def _run(engine: Engine) -> None:
    async with engine:
        await asyncio.Event().wait()


async def _serve_here(deployment: Deployment, bound: socket.socket, stop: asyncio.Event) -> None:
    ready = asyncio.Event()
    worker = asyncio.create_task(work(deployment, 0, bound, ready.set, stop), name="worker")
    await _serve_until_stopped(deployment, bound, [worker], [ready], stop)


async def _serve_in_processes(deployment: Deployment, bound: socket.socket, stop: asyncio.Event) -> None:
    """`bound` is never listened on here: it keeps the port ours while workers come and go."""
    numbers = range(deployment.config.workers)
    readies = [asyncio.Event() for _ in numbers]
    workers = [
        asyncio.create_task(
            _keep(Assignment(deployment, number, _port(bound)), readies[number], stop), name=f"worker {number}"
        )
        for number in numbers
    ]
    await _serve_until_stopped(deployment, bound, workers, readies, stop)


async def _serve_until_stopped(
    deployment: Deployment,
    bound: socket.socket,
    workers: list[asyncio.Task[None]],
    readies: list[asyncio.Event],
    stop: asyncio.Event,
) -> None:
    """Tells that the server is ready once all workers are, and returns when all have ended."""
    all_ready = asyncio.gather(*(ready.wait() for ready in readies))
    stopping = asyncio.ensure_future(stop.wait())
    ended = asyncio.gather(*workers)
    try:
        await asyncio.wait((all_ready, stopping, ended), return_when=asyncio.FIRST_COMPLETED)
        if all_ready.done() and not ended.done():
            url = _url(deployment.config.host, _port(bound))
            with deployment.directory.ready(Ready(url, os.getpid())):
                print(welcome(url, deployment), flush=True)  # noqa: T201 - what `serve` has to say to a person
                await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
    finally:
        all_ready.cancel()
        stop.set()
        await ended


async def _keep(assignment: Assignment, ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Runs a worker process, and another whenever it has died, until all is to stop."""
    pause, longest = BACKOFF_S
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        since = clock()
        status = await _run_worker(assignment, ready, stop)
        if stop.is_set():
            return
        log.error("a worker ended, starting it again", extra={"worker": assignment.number, "status": status})
        if clock() - since > HEALTHY_S:
            pause = BACKOFF_S[0]
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, longest)


async def _run_worker(assignment: Assignment, ready: asyncio.Event, stop: asyncio.Event) -> int:
    """One worker process, from its start to its end; its exit status."""
    process = await asyncio.create_subprocess_exec(
        *leash.command(sys.executable, "-m", "hitstream.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C in the terminal is ours to pass on, in order
    )
    telling = asyncio.create_task(_tell(process, assignment, ready), name=f"tell worker {assignment.number}")
    stopping = asyncio.create_task(stop.wait(), name=f"stop worker {assignment.number}")
    ending = asyncio.create_task(process.wait(), name=f"wait for worker {assignment.number}")
    try:
        await asyncio.wait((stopping, ending), return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            process.terminate()
            await asyncio.wait((ending,), timeout=END_S)
    finally:
        if not ending.done():
            process.kill()
        stopping.cancel()
        status = await ending
        await telling
    return status


async def _tell(process: asyncio.subprocess.Process, assignment: Assignment, ready: asyncio.Event) -> None:
    """Gives the worker its assignment and waits for its word."""
    assert process.stdin
    assert process.stdout
    with suppress(ConnectionError):  # it died before it had read; its end is noticed elsewhere
        process.stdin.write(msgspec.json.encode(assignment))
        await process.stdin.drain()
        process.stdin.close()
    if await process.stdout.readline() == READY:
        ready.set()


def _bind(config: Config) -> socket.socket:
    """Reserves the port. Raises `CannotListen`."""
    try:
        if config.workers > 1 and config.port:
            # A socket that may be shared would be let in beside another server's: ask once without.
            listen(config.host, config.port, shared=False).close()
        return listen(config.host, config.port, shared=config.workers > 1)
    except OSError as error:
        hint = "; is another server running there? --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise CannotListen(f"cannot listen on {config.host} port {config.port}: {error.strerror}{hint}") from error


def _port(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


def _url(host: str, port: int) -> str:
    """How this machine reaches the server."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared with
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
