"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psutil


async def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    """Returns when `holds` is true, or what it awaits; TimeoutError where that does not come."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether the process has ended, be it that nobody has asked after it yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended; a failure of its own is raised.

    More than once, for on Python 3.11 `asyncio.wait_for`, which the database clients use, can lose a cancellation.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    if not task.cancelled():
        task.result()
