"""A profile shows what its owner shows, to whom they show it, and never what is nobody's business."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from social.database import Database
from social.model import Preferences, Profile, UserStats
from tests.social.asking import asking, fill
from tests.social.people import block, follow, user

PROFILE = Profile(
    first_name="Ada", last_name="King", bio="Counts", avatar_url="https://cdn.example/a.jpg", city="London",
    country="UK", birth_date=datetime(1815, 12, 10, tzinfo=UTC), gender="female", website="https://ada.example",
)  # fmt: skip
HIDDEN = ("bio", "cover_url", "website", "gender", "birth_date", "city", "country", "created_at")


async def test_what_an_open_account_shows(database: Database, redis: Redis) -> None:
    await fill(database, user("ada", profile=PROFILE, stats=UserStats(followers_count=7)), user("bob"))
    async with asking(database, redis) as network:
        seen = await network.get("/users/ada", viewer="bob")
        assert seen["username"] == "Ada"
        assert seen["bio"] == "Counts"
        assert seen["stats"]["followers_count"] == 7
        assert seen["city"] == "London"
        assert seen["birth_date"] is None  # unless she shows it
        assert (await network.get("/users/ada", viewer="ada"))["birth_date"] == "1815-12-10"
        assert not seen["followed"]
        assert not seen["limited"]


async def test_what_preferences_show_and_hide(database: Database, redis: Redis) -> None:
    shy = Preferences(show_birth_date=True, show_location=False)
    await fill(database, user("ada", profile=PROFILE, preferences=shy))
    async with asking(database, redis) as network:
        seen = await network.get("/users/ada")
        assert (seen["birth_date"], seen["city"], seen["country"]) == ("1815-12-10", None, None)
        assert (await network.get("/users/ada", viewer="ada"))["city"] == "London"


async def test_a_private_account_shows_strangers_its_name_and_counts(database: Database, redis: Redis) -> None:
    await fill(
        database, user("ada", profile=PROFILE, private=True), user("bob"), user("eve"),
        follow("bob", "ada"), follow("eve", "ada", status="pending"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        for viewer in (None, "eve"):
            seen = await network.get("/users/ada", viewer=viewer)
            assert seen["limited"]
            assert seen["avatar_url"] == "https://cdn.example/a.jpg"
            assert all(seen[name] is None for name in HIDDEN)
        seen = await network.get("/users/ada", viewer="bob")
        assert seen["followed"]
        assert not seen["limited"]
        assert seen["bio"] == "Counts"


@pytest.mark.parametrize("viewer", [None, "bob", "ada"])
async def test_who_is_not_active_is_there_for_themselves_alone(
    database: Database, redis: Redis, viewer: str | None
) -> None:
    await fill(database, user("ada", status="suspended"), user("bob"), follow("bob", "ada"))
    async with asking(database, redis) as network:
        await network.get("/users/ada", 200 if viewer == "ada" else 404, viewer=viewer)


async def test_a_block_hides_both_from_each_other(database: Database, redis: Redis) -> None:
    await fill(database, user("ada"), user("bob"), user("eve"), block("ada", "bob"))
    async with asking(database, redis) as network:
        for id_, viewer, status in (("ada", "bob", 404), ("bob", "ada", 404), ("ada", "eve", 200), ("bob", None, 200)):
            await network.get(f"/users/{id_}", status, viewer=viewer)
        away = await network.get("/users/ada", 404, viewer="bob")
        none = await network.get("/users/nobody", 404, viewer="bob")
        assert away == {**none, "detail": away["detail"], "message": away["message"]}
        assert away["message"].replace("ada", "nobody") == none["message"]
