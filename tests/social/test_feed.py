"""The feed: whose posts, in which order, and pages that neither repeat nor skip while the network lives on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from social.database import Database
from social.errors import NetworkUnavailable, NotFound
from social.model import Block, Follow, Mute, Post, PostStats, User, document
from social.reads import feed as reading
from social.reads.feed import PARAMETERS, Feed, feed
from social.snapshots import Snapshots
from store.errors import BadParameter
from store.identity import Identity
from store.keys import SiteKeys
from store.parameters import Asked

NOW = datetime(2025, 1, 13, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

Asks = Callable[..., Awaitable[Feed]]


@pytest.fixture
def snapshots(redis: Redis) -> Snapshots:
    return Snapshots(redis, Identity(bytes(16)), "net", 1)


@pytest.fixture
async def ask(database: Database, snapshots: Snapshots) -> Asks:
    """`ask(user="me", now=NOW, limit=..., cursor=...)`"""

    async def ask(user: str = "me", now: datetime = NOW, **parameters: object) -> Feed:
        given = {name: str(value) for name, value in parameters.items()}
        return await feed(database, snapshots, user, Asked("feed", PARAMETERS, given), now)

    return ask


async def write(database: Database, **documents: list[Any]) -> None:
    async with database.working() as handle:
        for name, structs in documents.items():
            await handle[name].insert_many([document(each) for each in structs])


def post(id_: str, author: str, age: timedelta = HOUR, likes: int = 0) -> Post:
    return Post(id_, author, NOW - age, NOW, stats=PostStats(likes_count=likes))


@pytest.fixture
async def friends(database: Database) -> list[str]:
    """Ids of 30 posts by ten accounts that `me` follows, the best first."""
    names = [f"u{at}" for at in range(10)]
    await write(
        database,
        users=[User(name, NOW, NOW) for name in ("me", "other", *names)],
        follows=[Follow(follower, name, NOW) for name in names for follower in ("me", "other")],
        posts=[post(f"p{at:02}", f"u{at % 10}", (at + 1) * HOUR) for at in range(30)],
    )
    return [f"p{at:02}" for at in range(30)]


def ids(answer: Feed) -> list[str]:
    return [each.id for each in answer.posts]


async def rest(ask: Asks, answer: Feed) -> list[str]:
    found: list[str] = []
    while answer.next_cursor:
        answer = await ask(limit=7, cursor=answer.next_cursor)
        found += ids(answer)
    return found


async def test_pages_are_pieces_of_one_list(ask: Asks, friends: list[str]) -> None:
    first = await ask(limit=7)
    assert ids(first) + await rest(ask, first) == friends
    assert ids(await ask(limit=30)) == friends
    assert (await ask(limit=30)).next_cursor is None


async def test_posts_that_arrive_and_rise_neither_repeat_nor_skip(
    database: Database, ask: Asks, friends: list[str]
) -> None:
    first = await ask(limit=7)
    await write(database, posts=[post("new", "u0", timedelta())])
    async with database.working() as handle:
        await handle["posts"].update_one({"_id": friends[-1]}, {"$set": {"stats.likes_count": 10**6}})
    assert ids(first) + await rest(ask, first) == friends
    assert ids(await ask(limit=2)) == [friends[-1], "new"]


@pytest.mark.parametrize(
    ("collection", "change"),
    [
        ("posts", {"filter": {"user_id": "u5"}, "update": {"$set": {"status": "deleted"}}}),
        ("posts", {"filter": {"user_id": "u5"}, "update": {"$set": {"visibility": "private"}}}),
        ("users", {"filter": {"_id": "u5"}, "update": {"$set": {"status": "suspended"}}}),
        ("follows", {"filter": {"follower_id": "me", "following_id": "u5"}, "update": {"$set": {"status": "pending"}}}),
        ("blocks", document(Block("me", "u5", NOW))),
        ("blocks", document(Block("u5", "me", NOW))),
        ("mutes", document(Mute("me", "u5", NOW))),
    ],
)
async def test_what_may_not_be_seen_any_more_is_left_out(
    database: Database, ask: Asks, friends: list[str], collection: str, change: dict[str, Any]
) -> None:
    first = await ask(limit=7)  # holds p05, the first of three by u5
    async with database.working() as handle:
        if "update" in change:
            await handle[collection].update_many(**change)
        else:
            await handle[collection].insert_one(change)
    assert ids(first) + await rest(ask, first) == [id_ for id_ in friends if id_ not in ("p15", "p25")]
    assert await rest(ask, await ask(limit=7)) == [id_ for id_ in friends if id_[-1] != "5"][7:]


async def test_a_page_is_full_as_long_as_there_is_something(database: Database, ask: Asks, friends: list[str]) -> None:
    first = await ask(limit=3)
    async with database.working() as handle:
        await handle["posts"].update_many({"_id": {"$in": friends[3:20]}}, {"$set": {"status": "deleted"}})
    second = await ask(limit=3, cursor=first.next_cursor)
    assert ids(second) == friends[20:23]
    assert await rest(ask, second) == friends[23:]


async def test_a_cursor_is_its_users_alone_and_lasts_ten_minutes(
    ask: Asks, redis: Redis, snapshots: Snapshots, friends: list[str]
) -> None:
    cursor = (await ask(limit=7)).next_cursor
    other = (await ask("other", limit=7)).next_cursor
    for user, given in (("me", other), ("other", cursor)):
        with pytest.raises(BadParameter, match="not one that this user's feed gave") as refused:
            await ask(user, cursor=given)
        assert refused.value.parameter == "cursor"

    (key,) = [key async for key in redis.scan_iter(match=_pattern("me"))]
    assert 590 < await redis.ttl(key) <= 600
    await redis.delete(key)  # as it would be by then
    with pytest.raises(BadParameter, match="older than 10 minutes"):
        await ask(cursor=cursor, now=NOW + timedelta(minutes=10))


@pytest.mark.parametrize("place", [0, -1, 30, 1 << 40])
async def test_a_forged_place_is_refused(ask: Asks, friends: list[str], place: int) -> None:
    cursor = (await ask(limit=7)).next_cursor
    asked = Asked("feed", PARAMETERS, {"cursor": str(cursor)})
    values = asked.after(int, str, int)
    assert values
    forged = (asked.cursor(*values[:2], place), asked.cursor(values[0] + 1, *values[1:]))
    for each in forged:
        with pytest.raises(BadParameter, match="cursor"):
            await ask(cursor=each)


@pytest.mark.parametrize("name", ["", "0" * 32, "*", "../..", "0" * 31 + "\n"])
async def test_a_forged_name_is_refused(ask: Asks, friends: list[str], name: str) -> None:
    with pytest.raises(BadParameter, match="cursor"):
        await ask(cursor=Asked("feed", PARAMETERS, {}).cursor(int(NOW.timestamp() * 1000), name, 1))


async def test_interests_come_from_what_one_liked(
    database: Database, redis: Redis, ask: Asks, friends: list[str]
) -> None:
    async with database.working() as handle:
        await handle["posts"].update_one({"_id": "p20"}, {"$set": {"hashtags": ["tea"]}})
    assert ids(await ask(limit=30)) == friends
    key = SiteKeys("net", 1).liked_tags(Identity(bytes(16)).user("net", "me"))
    await redis.zadd(key, {"tea": 1})
    await redis.expire(key, 60)
    assert ids(await ask(limit=30)).index("p20") == 0  # log2(2.5) half-lives are 31 hours
    assert ids(await ask("other", limit=30)) == friends


async def test_a_long_list_of_followed_accounts_is_asked_for_in_pieces(
    database: Database, ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"u{at:03}" for at in range(60)]
    await write(
        database,
        users=[User(name, NOW, NOW) for name in ("me", *names)],
        follows=[Follow("me", name, NOW) for name in names],
        posts=[post(f"p{at:03}", names[at], at // 3 * HOUR / 3) for at in range(60)],
    )
    newest = [f"p{at:03}" for at in range(60)]
    newest.sort(key=lambda id_: (-(int(id_[1:]) // 3), id_), reverse=True)
    monkeypatch.setattr(reading, "CANDIDATES", 20)
    monkeypatch.setattr(reading, "AUTHORS_AT_ONCE", 12)
    first = await ask(limit=7)
    assert ids(first) + await rest(ask, first) == newest[:20]


async def test_nobody_has_no_feed(database: Database, ask: Asks) -> None:
    await write(database, users=[User("quiet", NOW, NOW), User("gone", NOW, NOW, status="deleted")])
    assert ids(await ask("quiet")) == []
    for user in ("gone", "nobody"):
        with pytest.raises(NotFound):
            await ask(user)


async def test_while_redis_is_away_the_asker_is_told_so(database: Database, friends: list[str]) -> None:
    async with Redis.from_url("redis://127.0.0.1:1", socket_timeout=None) as away:
        snapshots = Snapshots(away, Identity(bytes(16)), "net", 1)
        with pytest.raises(NetworkUnavailable):
            await feed(database, snapshots, "me", Asked("feed", PARAMETERS, {}), NOW)


def _pattern(user: str) -> str:
    return SiteKeys("net", 1).feed(Identity(bytes(16)).user("net", user), "*").replace("{", "[{]").replace("}", "[}]")
