"""Every query of the reads is answered from the index that stands beside it: the plans of a real MongoDB say so.

What the embedded server's explain says of itself proves nothing about MongoDB's: these tests need one
(`HITSTREAM_TEST_MONGO_URL`, or `HITSTREAM_TEST_MONGO_IMAGE` where there is a Docker engine).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from social.contract import READS
from social.database import Database
from social.schema import COLLECTIONS, Collection, Index
from tests.social.asking import asking, fill
from tests.social.people import ago, block, comment, follow, post, told, user

USERS: Final = 60
POSTS: Final = 600


class Watched(Database):
    """Remembers what it was asked: (collection, the command to be explained, the index that is meant)."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[tuple[str, dict[str, Any], str]] = []

    async def find(
        self,
        row: Any,
        collection: Collection,
        filter_: Mapping[str, Any],
        *,
        index: Index,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
    ) -> Any:
        command: dict[str, Any] = {"find": collection.name, "filter": filter_, "limit": limit}
        if sort:
            command["sort"] = dict(sort)
        self.asked.append((collection.name, command, index.name))
        return await super().find(row, collection, filter_, index=index, sort=sort, limit=limit)

    async def aggregate(
        self, row: Any, collection: Collection, pipeline: Sequence[Mapping[str, Any]], *, index: Index
    ) -> Any:
        command = {"aggregate": collection.name, "pipeline": list(pipeline), "cursor": {}}
        self.asked.append((collection.name, command, index.name))
        return await super().aggregate(row, collection, pipeline, index=index)


@pytest.fixture
async def watched(database: Database) -> AsyncIterator[Watched]:
    async with Watched(database.url) as found:
        info = await found.handle.client.server_info()
        if "secantusVersion" in info:
            pytest.skip("no MongoDB to explain its plans: HITSTREAM_TEST_MONGO_URL names none")
        yield found


async def test_every_query_is_answered_from_its_index(watched: Watched, redis: Redis) -> None:
    names = [f"u{number}" for number in range(USERS)]
    posts = [
        post(f"p{at}", names[at % USERS], f"tea number {at}", hashtags=("tea",), at=ago(minutes=at))
        for at in range(POSTS)
    ]
    await fill(
        watched, *map(user, names), *posts, *(follow("u0", name) for name in names[1:50]), block("u0", "u55"),
        *(comment(f"c{at}", names[at % USERS], f"p{at % 50}") for at in range(POSTS)),
        *(told(names[at % USERS], "like", "u1", "post", f"p{at}", at=ago(minutes=at)) for at in range(POSTS)),
    )  # fmt: skip
    async with asking(watched, redis) as network:
        for read in READS:
            known = {each.name for each in read.parameters}
            every: dict[str, Any] = {"viewer": "u0", "q": "tea", "lat": 0, "lon": 0, "limit": 5}
            given = {name: value for name, value in every.items() if name in known}
            async with network.raw(
                read.path.replace("{id}", "p1" if "/posts" in read.path else "u0"), **given
            ) as reply:
                assert reply.status == 200, await reply.text()
        await network.get("/posts/p1/comments", root="c1")
    for collection, command, index in watched.asked:
        plan = await watched.handle.command("explain", command, verbosity="queryPlanner")
        won, considered = plans(plan)
        # Of two indexes that serve equally well, either may win; the one that is meant must be among them.
        assert "COLLSCAN" not in stages(won), f"{collection}: {command} looked at all documents"
        assert index in named(won) | named(considered), f"{collection}: {command} went by {named(won)}, not {index}"
        assert named(won) <= known_of(collection) | {"_id_"}


def plans(plan: Any) -> tuple[list[Any], list[Any]]:
    """(winning, rejected), wherever in the answer they stand: of a query, or of a pipeline's first stages."""
    won: list[Any] = []
    rejected: list[Any] = []
    for each in walk(plan):
        if "winningPlan" in each:
            won.append(each["winningPlan"])
            rejected += each.get("rejectedPlans", [])
    return won, rejected


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from walk(each)


def stages(plan: Any) -> set[str]:
    return {each["stage"] for each in walk(plan) if "stage" in each}


def named(plan: Any) -> set[str]:
    """The names of its indexes; a look-up by id has no other."""
    found = {each["indexName"] for each in walk(plan) if "indexName" in each}
    return found | ({"_id_"} if stages(plan) & {"IDHACK", "EXPRESS_IXSCAN"} else set())


def known_of(collection: str) -> set[str]:
    (held,) = (each for each in COLLECTIONS if each.name == collection)
    return {index.name for index in held.indexes}
