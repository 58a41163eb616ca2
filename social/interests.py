"""The hashtags of what a user has liked lately, in Redis: what a feed takes for their interests.

A sorted set by the time of the like, the newest `LIKED_TAGS_CAP` kept. To write the same again changes nothing, so it
needs no share in the transaction of the edges; a like that is taken back leaves its hashtags, which fade.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from redis.asyncio import Redis

from store.identity import Identity
from store.keys import LIKED_TAGS_CAP, TTL_LIKED_TAGS, SiteKeys

from .working_set import Tagged

_MOST_AT_ONCE: Final = 500  # users a round trip


class Interests:
    """Those of the users of one site."""

    def __init__(self, redis: Redis, identity: Identity, site: str, partitions: int) -> None:
        self._redis = redis
        self._identity = identity
        self._site = site
        self._keys = SiteKeys(site, partitions)

    async def note(self, liked: Sequence[Tagged]) -> None:
        """Raises what Redis raises."""
        of_users: dict[str, dict[str, int]] = {}
        for one in liked:
            at = int(one.at.timestamp() * 1000)
            tags = of_users.setdefault(one.user_id, {})
            tags |= {tag: max(at, tags.get(tag, 0)) for tag in one.tags}
        users = list(of_users)
        for start in range(0, len(users), _MOST_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for user in users[start : start + _MOST_AT_ONCE]:
                    key = self._keys.liked_tags(self._identity.user(self._site, user))
                    pipe.zadd(key, of_users[user], gt=True)
                    pipe.zremrangebyrank(key, 0, -LIKED_TAGS_CAP - 1)
                    pipe.expire(key, TTL_LIKED_TAGS)
                await pipe.execute()
