"""Reading Redis for an answer: commands as plain tuples, all of them in one round trip, and replies as plain numbers.

What is read and what it means is each answer's business (`query.answers`). A pipeline is no transaction: a commit may
fall between two of its commands, so an answer orders them such that what it divides by is read last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.buckets import Interval, Span
from store.keys import SiteKeys

from .errors import StoreUnavailable

Command = tuple[str | int, ...]

DEADLINE_S: Final = 2.0  # a read takes milliseconds; an asker who waits longer than this is better told so

OTHER: Final = b"\0other"  # the member of a leaderboard that holds what was cut off it; as in functions.lua


log = logging.getLogger(__name__)


def counts(keys: SiteKeys, metric: str, interval: Interval, spans: Sequence[Span]) -> list[Command]:
    """One command a day of the spans; their replies in a row hold a number a span (`numbers`)."""
    key = keys.minutes if interval == "minute" else keys.count
    return [
        ("HMGET", key(metric, day), *("total" if interval == "day" else span.start for span in those))
        for day, those in _by_day(spans)
    ]


def revenue(keys: SiteKeys, currency: str, interval: Interval, spans: Sequence[Span]) -> list[Command]:
    """As `counts`, in minor units of the currency."""
    key = keys.revenue_minutes if interval == "minute" else keys.revenue
    return [
        ("HMGET", key(day), *(currency if interval == "day" else f"{currency}:{span.start}" for span in those))
        for day, those in _by_day(spans)
    ]


def users(keys: SiteKeys, metric: str, interval: Interval, spans: Sequence[Span]) -> list[Command]:
    """One command a span, each answered with an estimate of the distinct users."""
    if interval == "day":
        return [("PFCOUNT", keys.users_day(metric, span.day)) for span in spans]
    key = keys.users_minute if interval == "minute" else keys.users_hour
    return [("PFCOUNT", key(metric, span.start)) for span in spans]


def best(key: str, depth: int) -> tuple[Command, Command]:
    """The best `depth` members of a leaderboard (`ranking`), and what was cut off it (`number`)."""
    # One more is read because the rest may stand among the best itself.
    return ("ZRANGE", key, 0, depth, "REV", "WITHSCORES"), ("ZSCORE", key, OTHER.decode())


def number(reply: bytes | float | None) -> int:
    return int(reply or 0)


def numbers(replies: Iterable[Sequence[bytes | None]]) -> list[int]:
    return [int(value or 0) for reply in replies for value in reply]


def ranking(reply: Sequence[Any]) -> list[tuple[str, int]]:
    """Members and scores, best first; the rest that was cut off is left out."""
    # RESP2 replies are flat, RESP3's are pairs; which of them a client speaks is its maker's choice.
    pairs = reply if not reply or not isinstance(reply[0], bytes) else zip(reply[::2], reply[1::2], strict=True)
    return [(member.decode(), int(float(score))) for member, score in pairs if member != OTHER]


def _by_day(spans: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    return [(day, list(those)) for day, those in groupby(spans, attrgetter("day"))]


@asynccontextmanager
async def deadline(seconds: float = DEADLINE_S) -> AsyncIterator[None]:
    """Whatever keeps Redis from answering within it becomes `StoreUnavailable`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("redis did not answer a question", extra={"error": str(error) or type(error).__name__})
        raise StoreUnavailable from error


async def read(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """The replies, in the order of the commands, from one round trip. Raises `StoreUnavailable`."""
    async with deadline(), redis.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute()
