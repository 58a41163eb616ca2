"""The network at scale: p50 and p95 of every read through HTTP beside its target, and what each has to look at.

    python -m bench.social [--posts N] [--calls N] [--mongo URL] [--keep]

Without a URL it starts the embedded database and makes 1/200 of the network that the targets are for (100 k users,
2 M follows, 1 M posts): that server is one Python process. With the URL of a MongoDB it makes all of it, in a database
`hitstream_bench`, which is dropped at the end, or kept for the next run. A call is a GET over a loopback connection.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pymongo import monitoring
from pymongo.errors import OperationFailure
from redis.asyncio import Redis

from hitstream.engines import Valkey
from hitstream.mongo import Mongo
from hitstream.problems import middleware
from social.contract import PREFIX, READS
from social.database import Database
from social.generate import CITIES, TAGS, WORDS, Scale, generate
from social.http import routes
from social.metrics import Metrics
from social.migrate import ensure
from social.projector import STREAM, Projector
from social.reads import influence, trending
from social.recount import recount
from social.snapshots import Snapshots
from store.consumer import StreamEntry
from store.identity import Identity
from store.keys import PartitionKeys
from store.site import Grant, Site

SITE: Final = "demo"
WHOLE: Final = 1_000_000  # posts of the network that the targets are for
EMBEDDED: Final = 5_000
TARGET_MS: Final = {
    "user": 20, "notifications": 10, "post": 20, "comments": 20, "search": 80, "nearby": 80, "feed": 60, "influence": 5,
    "influence, fresh": 200, "trending": 5,
}  # fmt: skip
BATCHES: Final = {1: 100, 50: 1_000, 500: 3_000}  # batch -> actions
WARM_UP: Final = 5
READ_COMMANDS: Final = ("find", "aggregate")


class Heard(monitoring.CommandListener):
    """The reading commands that the driver sends, while it listens."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.commands is not None and event.command_name in READ_COMMANDS:
            self.commands.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def draws(scale: Scale) -> dict[str, Callable[[], str]]:
    """Read -> the path and query of its next call."""

    def skewed(count: int) -> int:
        return min(int(random.paretovariate(0.5)), count) - 1

    def user() -> str:
        return f"u{random.choice([skewed(scale.users), random.randrange(scale.users)])}"

    def post() -> str:
        return f"p{scale.posts - 1 - skewed(scale.posts)}"  # the new ones most

    def nearby() -> str:
        longitude, latitude = random.choice(CITIES)
        return f"/nearby?lat={latitude}&lon={longitude}&radius_m={random.choice([1_000, 10_000])}&viewer={user()}"

    def search() -> str:
        return f"/search?q={random.choice([random.choice(WORDS), f'tag{random.randrange(TAGS)}'])}&viewer={user()}"

    return {
        "user": lambda: f"/users/{user()}?viewer={user()}",
        "notifications": lambda: f"/users/{user()}/notifications",
        "post": lambda: f"/posts/{post()}?viewer={user()}",
        "comments": lambda: f"/posts/{post()}/comments?viewer={user()}",
        "search": search,
        "nearby": nearby,
        "feed": lambda: f"/users/{user()}/feed",
        "influence": lambda: f"/users/u{skewed(100)}/influence",  # of the most followed it is kept
        "influence, fresh": lambda: f"/users/{user()}/influence",
        "trending": lambda: f"/trending?hours={random.choice([1, 24])}",
    }


async def bench_reads(client: ClientSession, database: Database, heard: Heard, scale: Scale, calls: int) -> None:
    print(f"\n{'read':<18}{'p50 ms':>9}{'p95 ms':>9}{'target':>8}{'not 200':>9}{'commands':>10}{'docs':>8}{'keys':>8}")
    asked = draws(scale)
    assert {read.name for read in READS} <= asked.keys(), "a read is not measured"
    for name, draw in asked.items():
        if name == "influence":
            await _renewed(database)
        elif name == "influence, fresh":
            async with database.working() as handle:
                await handle.influence.delete_many({})
        taken, refused, last = [], 0, ""
        for call in range(WARM_UP + calls):
            path = PREFIX + draw()
            started = perf_counter()
            async with client.get(path) as reply:
                body = await reply.read()
            if reply.status not in (200, 404):  # not all that is drawn may be seen
                refused += 1
                last = body.decode()[:150]
            if call >= WARM_UP:
                taken.append((perf_counter() - started) * 1000)
        ordered = sorted(taken)
        commands: list[dict[str, Any]] = []
        heard.commands = commands
        async with client.get(PREFIX + draw()) as reply:
            await reply.read()
        heard.commands = None
        examined = await _examined(database, commands)
        print(
            f"{name:<18}{ordered[len(ordered) // 2]:>9.1f}{ordered[int(len(ordered) * 0.95)]:>9.1f}{TARGET_MS[name]:>8}"
            f"{refused:>9}{len(commands):>10}{examined}{'  ' + last if refused else ''}"
        )


async def _renewed(database: Database) -> None:
    """What a server works out ahead of time."""
    started = perf_counter()
    now = datetime.now(UTC)
    await trending.renew(database, now)
    between = perf_counter()
    await influence.renew(database, now)
    print(f"{'(trends worked out in ' + format(between - started, '.1f') + ' s, influence in ':<18}"
          f"{perf_counter() - between:.1f} s)")  # fmt: skip


async def _examined(database: Database, commands: list[dict[str, Any]]) -> str:
    """Documents and keys that these commands look at, as the server explains them; `-` where it does not."""
    found = {"totalDocsExamined": 0, "totalKeysExamined": 0}
    explained = 0
    for command in commands:
        plain = {key: value for key, value in command.items() if not key.startswith("$") and key not in _OUTSIDE}
        try:
            async with database.working() as handle:
                plan = await handle.command("explain", plain, verbosity="executionStats")
        except OperationFailure:
            continue
        explained += 1
        _add(plan, found)
    if explained < len(commands):
        return f"{'-':>8}{'-':>8}  ({len(commands) - explained} not explained)"
    return f"{found['totalDocsExamined']:>8}{found['totalKeysExamined']:>8}"


_OUTSIDE: Final = ("lsid", "txnNumber", "maxTimeMS")


def _add(plan: Any, found: dict[str, int]) -> None:
    if isinstance(plan, dict):
        if "totalDocsExamined" in plan:
            for name in found:
                found[name] += int(plan.get(name, 0))
            return
        plan = list(plan.values())
    if isinstance(plan, list):
        for each in plan:
            _add(each, found)


def actions(count: int, scale: Scale) -> list[dict[str, str]]:
    """Entries of the stream, in the proportions of an ordinary day."""
    made = []
    for _ in range(count):
        post = {"post_id": f"p{random.randrange(scale.posts)}"}
        fresh = f"b{random.getrandbits(48):x}"
        name, properties = random.choice([
            *[("like", post)] * 6, *[("post_view", post)] * 4, ("share", post),
            ("follow", {"target_id": f"u{random.randrange(scale.users)}"}),
            ("comment", {"comment_id": fresh, **post, "text": "the same here"}),
            ("post", {"post_id": fresh, "text": f"#tag{random.randrange(TAGS)} {random.choice(WORDS)}"}),
        ])  # fmt: skip
        made.append({
            "site": SITE, "user_id": f"u{random.randrange(scale.users)}", "name": name, "trusted": "1",
            "timestamp": str(int(time() * 1000)), "properties": orjson.dumps(properties).decode(),
        })  # fmt: skip
    return made


async def bench_projector(database: Database, redis: Redis, scale: Scale) -> None:
    print(f"\n{'projector, batch of':<20}{'actions/s':>10}")
    projector = Projector(database, redis, SITE, 0, Metrics(CollectorRegistry()))
    stream = PartitionKeys(0).stream(STREAM)
    for batch, count in BATCHES.items():
        fields = actions(count, scale)
        async with redis.pipeline(transaction=False) as pipe:
            for one in fields:
                pipe.xadd(stream, one)  # type: ignore[arg-type]  # a dict of str to str is none of str to more
            ids = [id_.decode() for id_ in await pipe.execute()]
        entries = [StreamEntry(id_, one) for id_, one in zip(ids, fields, strict=True)]
        started = perf_counter()
        for start in range(0, count, batch):
            await projector.apply(entries[start : start + batch])
        print(f"{batch:<20}{count / (perf_counter() - started):>10.0f}")


@asynccontextmanager
async def asking(database: Database, redis: Redis) -> AsyncIterator[ClientSession]:
    """A client of the network's calls over HTTP."""
    app = web.Application(middlewares=[middleware])
    site = Site(SITE)
    app.add_routes(routes(
        database=database, snapshots=Snapshots(redis, Identity(b"0123456789abcdef"), SITE, 1), site=SITE,
        clock=lambda: int(time() * 1000), authorize=lambda request, kinds: Grant(site, "read"),
        metrics=Metrics(CollectorRegistry()),
    ))  # fmt: skip
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as client:
        yield client


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, help="the rest is in proportion")
    parser.add_argument("--calls", type=int, default=100, help="of each read")
    parser.add_argument("--mongo", metavar="URL", help="of a server; otherwise the embedded one is started")
    parser.add_argument("--keep", action="store_true", help="with --mongo: leave the network there, or use it again")
    given = parser.parse_args()
    n = given.posts or (WHOLE if given.mongo else EMBEDDED)
    scale = Scale(users=n // 10, follows=2 * n, posts=n)
    random.seed(7)
    monitoring.register(heard := Heard())
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        valkey = await stack.enter_async_context(Valkey(directory / "valkey"))
        redis = await stack.enter_async_context(Redis.from_url(valkey.url, socket_timeout=None))
        if given.mongo:
            url = urlunsplit(urlsplit(given.mongo)._replace(path="/hitstream_bench"))
        else:
            url = (await stack.enter_async_context(Mongo(directory / "mongo", sync=False))).url
        database = await stack.enter_async_context(Database(url))
        print(f"server: {'MongoDB' if given.mongo else 'the embedded one'}, {await database.capabilities()}")
        await ensure(database)
        async with database.working() as handle:
            there = await handle.users.estimated_document_count()
        if not there:
            started = perf_counter()
            total = await generate(database, datetime.now(UTC), scale)
            print(f"made {total:,} documents in {perf_counter() - started:.0f} s: {scale.users:,} users, "
                  f"{scale.follows:,} follows, {scale.posts:,} posts")  # fmt: skip
        client = await stack.enter_async_context(asking(database, redis))
        await bench_reads(client, database, heard, scale, given.calls)
        await bench_projector(database, redis, scale)
        started = perf_counter()
        report = await recount(database, datetime.now(UTC))
        print(f"\nrecount: {'sound' if report.sound else report} in {perf_counter() - started:.1f} s")
        if given.mongo and not given.keep:
            async with database.working() as handle:
                await handle.client.drop_database(handle.name)


if __name__ == "__main__":
    asyncio.run(main())
