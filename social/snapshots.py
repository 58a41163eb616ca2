"""A feed's order, kept for as long as somebody reads on in it: the ids of its posts, in Redis, for ten minutes.

A page is a piece of the list, so pages neither repeat nor skip while posts arrive and counters move. What the list
names is looked up anew for each page; nothing of a post but its id is kept here.

A snapshot's name is 128 random bits and its key holds a keyed hash of the viewer: one that was not given to this
viewer is not found, whatever a cursor claims.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.identity import Identity
from store.keys import TTL_FEED, SiteKeys

from .errors import NetworkUnavailable

log = logging.getLogger(__name__)

DEADLINE_S: Final = 2.0
_NAME_BYTES: Final = 16
_NAME: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)  # nothing else that a cursor holds comes near a key


class Snapshot(Struct, frozen=True, array_like=True):
    as_of: datetime
    ids: list[str]


class Snapshots:
    """Those of one site, and beside them the hashtags that its users have liked."""

    def __init__(self, redis: Redis, identity: Identity, site: str, partitions: int) -> None:
        self._redis = redis
        self._identity = identity
        self._site = site
        self._keys = SiteKeys(site, partitions)

    async def liked_tags(self, viewer: str) -> frozenset[str]:
        """The hashtags of what the viewer liked lately. Raises `NetworkUnavailable`."""
        key = self._keys.liked_tags(self._identity.user(self._site, viewer))
        async with _deadline():
            tags: list[Any] = await self._redis.zrange(key, 0, -1)
        return frozenset(tag.decode() for tag in tags)

    async def keep(self, viewer: str, snapshot: Snapshot) -> str:
        """Its name, for `find`. Raises `NetworkUnavailable`."""
        name = secrets.token_hex(_NAME_BYTES)
        async with _deadline():
            await self._redis.set(self._key(viewer, name), msgspec.msgpack.encode(snapshot), TTL_FEED)
        return name

    async def find(self, viewer: str, name: str) -> Snapshot | None:
        """None where it has expired, or was never this viewer's. Raises `NetworkUnavailable`."""
        if not _NAME.fullmatch(name):
            return None
        async with _deadline():
            kept: Any = await self._redis.get(self._key(viewer, name))
        return None if kept is None else msgspec.msgpack.decode(kept, type=Snapshot)

    def _key(self, viewer: str, name: str) -> str:
        return self._keys.feed(self._identity.user(self._site, viewer), name)


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("redis did not answer about a feed", extra={"error": str(error) or type(error).__name__})
        raise NetworkUnavailable from error
