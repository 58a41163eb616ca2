"""The server that the demo fills: one that runs on the data directory already, or one of its own beside it.

Its own is `hitstream serve` as a process on a leash: the traffic must not slow down what it is sent to.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from hitstream import leash
from hitstream.config import Config
from hitstream.datadir import DataDir, InUse, Ready
from hitstream.keyfile import DEMO

from .shop.catalogue import CURRENCY
from .shop.rendering import PREFIX

LOG: Final = "demo-server.log"
STOP_S: Final = 60.0  # it drains and stops its engines
POLL_S: Final = 0.05


class DemoFailed(Exception):
    """There is nothing to fill; the text says why."""


def running(directory: DataDir) -> Ready | None:
    """The server that runs there. What a killed one left behind is none."""
    ready = directory.find_ready()
    try:
        with directory.lock() if ready else nullcontext():
            return None
    except InUse:
        return ready


@asynccontextmanager
async def own(config: Config, file: Path | None, stop: asyncio.Event) -> AsyncIterator[Ready]:
    """Starts a server with these settings and stops it at the end; where it ends before, sets `stop`.

    Raises `DemoFailed`, also when it has ended by itself.
    """
    directory = DataDir(Path(config.data_dir))
    with directory.lock():  # says that it can be written to, and that nobody else is there
        log = (directory.root / LOG).open("wb")
    with log:
        process = await asyncio.create_subprocess_exec(
            *leash.command(sys.executable, "-m", "hitstream", "serve", *_flags(config, file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **_settings(config)},
            start_new_session=True,  # a Ctrl-C in the terminal is ours: what is on its way is sent first
        )
    watching = asyncio.create_task(_watch(process, stop), name="watch the server")
    try:
        yield await _ready(process, directory)
        if process.returncode is not None:
            raise DemoFailed(f"the server ended by itself; {directory.root / LOG} says why")
    finally:
        watching.cancel()
        await _end(process)


def _flags(config: Config, file: Path | None) -> list[str]:
    flags = ["--data-dir", config.data_dir, "--host", config.host, "--port", str(config.port)]
    return [*flags, "--config", str(file)] if file else flags


def _settings(config: Config) -> Mapping[str, str]:
    """What makes the demo's pages count as the shop's, where the operator has not said otherwise."""
    found = {"HITSTREAM_DEMO_SHOP": "true", "HITSTREAM_PRODUCT_PATH": PREFIX + "/products/{handle}"}
    if not config.sites:
        found[f"HITSTREAM_SITES_{DEMO.upper()}_CURRENCY"] = CURRENCY
    return found


async def _ready(process: asyncio.subprocess.Process, directory: DataDir) -> Ready:
    while process.returncode is None:
        ready = directory.find_ready()
        if ready and ready.pid == process.pid:
            return ready
        await asyncio.sleep(POLL_S)
    said = (directory.root / LOG).read_text(errors="replace").strip().splitlines()
    raise DemoFailed("the server did not start:\n" + "\n".join(said[-10:]))


async def _watch(process: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    await process.wait()
    stop.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
