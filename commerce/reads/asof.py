"""When the snapshot that an answer is read from was rebuilt."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ..database import Database
from ..errors import ShopUnavailable


class _AsOf(Struct, frozen=True):
    as_of: datetime


async def as_of(database: Database, snapshot: str) -> datetime:
    """Raises `ShopUnavailable` where it was never built: then nothing is known, which is not the same as nothing."""
    found = await database.read_one(_AsOf, "snapshot_as_of", {"name": snapshot})
    if found is None:
        raise ShopUnavailable(retry_after=5)
    return found.as_of
