"""The sites of the servers that client tests share, each with an alias, and what was counted for one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
import orjson
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.keys import STREAM_OF, PartitionKeys, SiteKeys
from tests.endtoend.serving import Server
from tests.waiting import until

COUNT: Final = 120  # more than there are tests here
WAIT_S: Final = 30.0

_COUNTERS: Final = {"page_view": "page_views", "event": "events", "conversion": "conversions", "error": "errors"}


def configured(**settings: object) -> str:
    """A server's configuration, its `settings` as TOML writes them."""
    tables = [
        f'[sites.{name}]\naliases = ["{alias(name)}"]\n'
        + "".join(f'{kind} = "{key(name, kind)}"\n' for kind in ("write", "server", "read"))
        for name in unused()
    ]
    return "\n".join(['shop = "-"', *(f"{name} = {value}" for name, value in settings.items()), *tables])


def unused() -> Iterator[str]:
    return (f"site-{number}" for number in range(COUNT))


def key(name: str, kind: str) -> str:
    """Letters, digits and '_' alone: Sentry's clients take no other in a DSN."""
    return f"h{kind[0]}_{name.replace('-', '_')}_of_the_client_tests"


def alias(name: str) -> str:
    return f"{name}.example"


class Counted(Struct, frozen=True):
    """A site's entries of the four streams and of `rejected`, by the seed's field names; documents are decoded."""

    page_views: list[dict[str, Any]]
    events: list[dict[str, Any]]
    conversions: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    rejected: list[dict[str, Any]]

    @property
    def total(self) -> int:
        """Of what was taken."""
        return len(self.page_views) + len(self.events) + len(self.conversions) + len(self.errors)

    def named(self, field: str) -> Counter[str]:
        """How often each value of a field that custom events have: `name`, or one of their properties."""
        return Counter(str(event[field] if field in event else event["properties"].get(field)) for event in self.events)


class OnSite(Struct, frozen=True):
    """One site of a server: what its clients present, and what was counted for it."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def alias(self) -> str:
        return alias(self.name)

    def key(self, kind: str = "write") -> str:
        return key(self.name, kind)

    async def counted(self, events: int, rejected: int = 0) -> Counted:
        """Returns when at least so many were taken and refused, and nothing more is under way.

        Each was counted as often as it stands in its stream, or the assertion here says so; that it stands there
        exactly once is for the caller to see.
        """
        found: list[Counted] = []

        async def arrived() -> bool:
            try:
                async with self.server.redis() as redis:
                    found[:] = [await self._read(redis)]
            except (RedisError, OSError):
                return False  # it is on its way back
            return found[0].total >= events and len(found[0].rejected) >= rejected

        try:
            await until(arrived, WAIT_S)
        except TimeoutError:
            raise AssertionError(f"{events} events and {rejected} rejections were awaited; there is {found}") from None
        await until(self._settled, WAIT_S)
        async with self.server.redis() as redis:
            counted = await self._read(redis)
            for type_, metric in _COUNTERS.items():
                in_stream: list[Any] = getattr(counted, metric)
                assert await self._counter(redis, metric) == len(in_stream), type_
        return counted

    async def ask(self, path: str, **params: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key('read')}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, params=params, headers=headers) as reply,
        ):
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def _settled(self) -> bool:
        """Whether all that was acknowledged is in Redis."""
        families = text_string_to_metric_families(await self.server.text("/metrics"))
        behind = [
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "hitstream_backlog_events"
        ]
        return bool(behind) and sum(behind) == 0

    async def _read(self, redis: Redis) -> Counted:
        streams = {
            _COUNTERS[type_]: await self._entries(redis, PartitionKeys(0).stream(stream))
            for type_, stream in STREAM_OF.items()
        }
        return Counted(**streams, rejected=await self._entries(redis, PartitionKeys(0).rejected))

    async def _entries(self, redis: Redis, stream: str) -> list[dict[str, Any]]:
        found: Any = await redis.xrange(stream)
        entries = [
            {name.decode(): value.decode(errors="replace") for name, value in fields.items()} for _, fields in found
        ]
        return [
            {
                name: orjson.loads(value or "{}") if name in ("properties", "context") else value
                for name, value in each.items()
            }
            for each in entries
            if each["site"] == self.name
        ]

    async def _counter(self, redis: Redis, metric: str) -> int:
        keys = [key async for key in redis.scan_iter(SiteKeys(self.name, 1).count(metric, "*"), count=10_000)]
        return sum([int(await redis.hget(key, "total") or 0) for key in keys])
