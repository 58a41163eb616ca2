"""Notifications are grouped, told with the names of now, and silent about those whom the user wants no word of."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from social.database import Database
from social.model import Mute
from social.reads import notifications as reading
from store.parameters import Asked
from tests.social.asking import NOW, asking, fill
from tests.social.people import ago, block, comment, post, told, user


async def test_those_of_one_kind_about_one_thing_are_one_entry(database: Database, redis: Redis) -> None:
    fans = [f"fan{number}" for number in range(5)]
    await fill(
        database, user("ada"), *map(user, fans), post("p", "ada", "word " * 30), post("q", "ada"),
        *(told("ada", "like", fan, "post", "p", at=ago(minutes=50 - at), read=at < 2) for at, fan in enumerate(fans)),
        told("ada", "like", "fan0", "post", "q", at=ago(minutes=30)),
        told("ada", "comment", "fan0", "post", "p", at=ago(minutes=20)),
        told("ada", "comment", "fan0", "post", "p", at=ago(minutes=10)),
        told("ada", "follow", "fan1", "user", "ada", at=ago(minutes=40), read=True),
        told("eve", "like", "fan1", "post", "p"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        answer = await network.get("/users/ada/notifications")
        assert answer["complete"]
        found = [
            (group["type"], group["target_id"], group["actor_count"], group["count"], group["unread"])
            for group in answer["groups"]
        ]
        assert found == [
            ("comment", "p", 1, 2, 2), ("like", "q", 1, 1, 1), ("follow", "ada", 1, 1, 0), ("like", "p", 5, 5, 3),
        ]  # fmt: skip
        likes = answer["groups"][3]
        assert [actor["username"] for actor in likes["actors"]] == ["Fan4", "Fan3", "Fan2"]  # the latest
        assert len(likes["preview"]) == 100
        assert likes["latest_at"] == "2036-03-01T11:14:00Z"

        async def groups(**parameters: Any) -> list[tuple[str, int]]:
            answer = await network.get("/users/ada/notifications", **parameters)
            return [(group["type"], group["count"]) for group in answer["groups"]]

        assert await groups(unread="true") == [("comment", 2), ("like", 1), ("like", 3)]
        assert await groups(unread="false") == [("follow", 1), ("like", 2)]


async def test_pages_are_as_of_the_first_one(database: Database, redis: Redis) -> None:
    posts = [post(f"p{number}", "ada") for number in range(5)]
    likes = [told("ada", "like", "bob", "post", f"p{at}", at=ago(minutes=at + 1)) for at in range(5)]
    await fill(database, user("ada"), user("bob"), *posts, *likes)
    async with asking(database, redis) as network:
        first = await network.get("/users/ada/notifications", limit=2)
    later = NOW.replace(minute=30)
    async with asking(database, redis, later) as network:
        await fill(database, told("ada", "comment", "bob", "post", "p4", at=NOW.replace(minute=10)))
        # It would move the like of p4 up, were they one group; and it is of after the first page.
        rest = await network.pages("/users/ada/notifications", "groups", limit=2, cursor=first["next_cursor"])
        assert [group["target_id"] for group in first["groups"] + rest] == ["p0", "p1", "p2", "p3", "p4"]
        assert (await network.get("/users/ada/notifications"))["groups"][0]["type"] == "comment"


async def test_a_made_up_time_in_a_cursor(database: Database, redis: Redis) -> None:
    await fill(database, user("ada"))
    made_up = Asked("notifications", reading.PARAMETERS, {}).cursor(2**62, 0, "like:post:p")
    async with asking(database, redis) as network:
        why = await network.refused("/users/ada/notifications", cursor=made_up)
        assert why == "cursor: is not one that an answer gave"


async def test_nothing_is_told_of_whom_or_what_the_user_may_or_will_not_see(database: Database, redis: Redis) -> None:
    secret = comment("secret", "bob", "hidden")
    await fill(
        database, user("ada"), user("bob"), user("foe"), user("bore"), user("gone", status="suspended"),
        block("foe", "ada"), Mute("ada", "bore", ago(days=1)), Mute("ada", "bob", ago(days=2), ago(days=1)),
        post("mine", "ada"), post("hidden", "bob", visibility="private"), post("past", "ada", status="deleted"),
        secret, comment("said", "bob", "mine"), comment("unsaid", "bob", "mine", status="deleted"),
        *(told("ada", "like", actor, "post", "mine") for actor in ("bob", "foe", "bore", "gone", "unheard-of")),
        told("ada", "mention", "bob", "post", "hidden"), told("ada", "like", "bob", "post", "past"),
        told("ada", "mention", "bob", "comment", "secret"), told("ada", "reply", "bob", "comment", "unsaid"),
        told("ada", "reply", "bob", "comment", "said"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        answer = await network.get("/users/ada/notifications")
        found = {(group["type"], group["target_id"], group["count"]) for group in answer["groups"]}
        assert found == {("like", "mine", 1), ("reply", "said", 1)}
        assert {group["preview"] for group in answer["groups"]} == {"", "I am said"}
        await network.get("/users/nobody/notifications", 404)


async def test_says_where_not_all_were_looked_at(database: Database, redis: Redis, monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "LOOKED_AT", 3)
    likes = [told("ada", "follow", f"fan{number}", "user", "ada", at=ago(minutes=number)) for number in range(4)]
    await fill(database, user("ada"), *(user(f"fan{number}") for number in range(4)), *likes)
    async with asking(database, redis) as network:
        answer = await network.get("/users/ada/notifications")
        assert not answer["complete"]
        assert answer["groups"][0]["count"] == 3
