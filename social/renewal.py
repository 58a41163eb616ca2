"""Keeps what is worked out ahead of time from growing old: trends every few minutes, influence once a night."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from .database import Database
from .errors import NetworkUnavailable
from .reads import influence, trending

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 15.0  # whether something's time has come, which each decides itself


async def keep_fresh(database: Database, clock: Callable[[], int], *, every_s: float = LOOK_EVERY_S) -> None:
    """Until it is cancelled. MongoDB being away is waited out. `clock` gives epoch milliseconds."""
    while True:
        for renew in (trending.renew, influence.renew):
            try:
                await renew(database, datetime.fromtimestamp(clock() / 1000, UTC))
            except NetworkUnavailable:
                log.warning("trends and influence stay as they are")
        await asyncio.sleep(every_s)
