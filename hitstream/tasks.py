"""Background work that is owned: it lasts as long as a block does, and no failure that nobody foresaw ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0


@asynccontextmanager
async def running(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Runs `work()` while the block lasts, again whenever it fails, and cancels it at the end."""

    async def keep() -> None:
        while True:
            try:
                return await work()
            except Exception:  # whatever it is: acknowledging must go on without it
                log.exception("background work failed, starting it again", extra={"task": name})
                await asyncio.sleep(PAUSE_S)

    task = asyncio.create_task(keep(), name=name)
    try:
        yield
    finally:
        while not task.done():  # more than once: `asyncio.wait_for`, in whatever it waits for, can lose a cancellation
            task.cancel()
            await asyncio.wait({task}, timeout=PAUSE_S)
