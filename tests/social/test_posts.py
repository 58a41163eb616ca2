"""A post and its comments: who sees them, in which order, and a page at a time."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from social.database import Database
from social.model import (
    MAX_DEPTH,
    Comment,
    Content,
    Like,
    Place,
    Point,
    Poll,
    PollOption,
    Post,
    PostStats,
)
from tests.social.asking import NOW, asking, fill
from tests.social.people import ago, block, comment, follow, post, user

READERS = ("author", "follower", "asker", "stranger", "blocked", None)


@pytest.mark.parametrize(
    ("fields", "private", "seen_by"),
    [
        ({"visibility": "public"}, False, {"author", "follower", "asker", "stranger", None}),
        ({"visibility": "followers_only"}, False, {"author", "follower"}),
        ({"visibility": "private"}, False, {"author"}),
        ({"visibility": "public"}, True, {"author", "follower"}),
        ({"status": "draft"}, False, {"author"}),
        ({"status": "deleted"}, False, set()),
    ],
    ids=str,
)
async def test_who_sees_a_post(
    database: Database, redis: Redis, fields: dict[str, Any], private: bool, seen_by: set[str | None]
) -> None:
    await fill(
        database, *(user(name, private=private and name == "author") for name in READERS if name),
        follow("follower", "author"), follow("asker", "author", status="pending"), block("author", "blocked"),
        post("p", "author", "Hello", **fields),
    )  # fmt: skip
    async with asking(database, redis) as network:
        for reader in READERS:
            for path in ("/posts/p", "/posts/p/comments"):
                await network.get(path, 200 if reader in seen_by else 404, viewer=reader)


async def test_what_a_post_shows(database: Database, redis: Redis) -> None:
    poll = Poll("Tea?", (PollOption("Yes", 2), PollOption("No")), total_votes=2)
    there = Post(
        "p", "ada", ago(hours=1), ago(hours=1), Content("Hello", (), poll), ("tea",), ("bob",),
        Place(Point((-0.12, 51.5)), "London"), PostStats(3, 2, 1, 40), quote_post="q",
    )  # fmt: skip
    await fill(database, user("ada"), user("bob"), there, Like("bob", "post", "p", NOW))
    async with asking(database, redis) as network:
        answer = await network.get("/posts/p", viewer="bob")
        shown = answer["post"]
        assert shown["author"] == {
            "id": "ada", "username": "Ada", "name": "", "avatar_url": None, "is_verified": False,
        }  # fmt: skip
        assert shown["poll"]["options"] == [{"text": "Yes", "votes": 2}, {"text": "No", "votes": 0}]
        assert shown["location"] == {"name": "London", "latitude": 51.5, "longitude": -0.12}
        assert (shown["hashtags"], shown["mentions"], shown["quote_post"]) == (["tea"], ["bob"], "q")
        assert shown["stats"] == {"likes_count": 3, "comments_count": 2, "shares_count": 1, "views_count": 40}
        assert shown["user_liked"]
        assert not (await network.get("/posts/p", viewer="ada"))["post"]["user_liked"]


def thread() -> list[Comment]:
    """Two beginnings; under the first one a reply with a reply, and a later reply."""
    first = comment("first", "ada", "p", at=ago(minutes=50))
    reply = comment("reply", "bob", "p", first, at=ago(minutes=40))
    return [
        first,
        reply,
        comment("deep", "ada", "p", reply, at=ago(minutes=10)),
        comment("late", "ada", "p", first, at=ago(minutes=20)),
        comment("second", "bob", "p", at=ago(minutes=45)),
    ]


@pytest.mark.parametrize("limit", [1, 2, 20])
async def test_threads_are_read_from_their_beginning(database: Database, redis: Redis, limit: int) -> None:
    elsewhere = comment("elsewhere", "ada", "q")
    await fill(database, user("ada"), user("bob"), post("p", "ada"), post("q", "ada"), elsewhere, *reversed(thread()))
    async with asking(database, redis) as network:

        async def ids(**parameters: Any) -> list[str]:
            return [
                each["id"] for each in await network.pages("/posts/p/comments", "comments", limit=limit, **parameters)
            ]

        assert await ids() == ["first", "reply", "deep", "late", "second"]
        assert await ids(root="first") == ["first", "reply", "deep", "late"]
        assert await ids(root="elsewhere") == []
        assert await ids(depth=1) == ["first", "reply", "late", "second"]
        assert await ids(depth=0) == ["first", "second"]


async def test_replies_at_the_greatest_depth_stand_beside_each_other(database: Database, redis: Redis) -> None:
    chain = [comment("c0", "ada", "p", at=ago(minutes=59))]
    for number in range(1, MAX_DEPTH + 4):
        chain.append(comment(f"c{number}", "ada", "p", chain[-1], at=ago(minutes=59 - number)))
    await fill(database, user("ada"), post("p", "ada"), *reversed(chain))
    async with asking(database, redis) as network:
        found = await network.pages("/posts/p/comments", "comments", limit=3)
        assert [each["id"] for each in found] == [each.id for each in chain]
        assert [each["depth"] for each in found] == [*range(MAX_DEPTH + 1), MAX_DEPTH, MAX_DEPTH, MAX_DEPTH]
        assert found[-1]["parent_id"] == chain[-2].id


async def test_whose_comments_are_left_out(database: Database, redis: Redis) -> None:
    writers = [user("ada"), user("shy", private=True), user("gone", status="deactivated"), user("foe"), user("me")]
    written = [comment(each.id, each.id, "p", at=ago(minutes=50 - at)) for at, each in enumerate(writers)]
    nobody = comment("nobody", "unheard-of", "p", at=ago(minutes=1))
    await fill(database, *writers, block("foe", "me"), follow("fan", "shy"), post("p", "ada"), *written, nobody)
    async with asking(database, redis) as network:
        for viewer, seen in ((None, ["ada", "foe", "me"]), ("me", ["ada", "me"]), ("fan", ["ada", "shy", "foe", "me"])):
            found = await network.get("/posts/p/comments", viewer=viewer)
            assert [each["id"] for each in found["comments"]] == seen


async def test_a_deleted_comment_keeps_its_place_and_nothing_else(database: Database, redis: Redis) -> None:
    first = comment("first", "ada", "p", status="deleted", text="regretted")
    await fill(database, user("ada"), user("bob"), post("p", "ada"), first, comment("reply", "bob", "p", first))
    await fill(database, Like("ada", "comment", "reply", NOW))
    async with asking(database, redis) as network:
        deleted, reply = (await network.get("/posts/p/comments", viewer="ada"))["comments"]
        assert deleted["deleted"]
        assert (deleted["author"], deleted["text"]) == (None, "")
        assert reply["text"] == "I am reply"
        assert reply["user_liked"]
