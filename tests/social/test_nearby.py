"""What is posted around a point: the nearest first, no farther than asked, and for those who may see it."""

from __future__ import annotations

from math import cos, radians

import pytest
from redis.asyncio import Redis

from social.database import Database
from social.model import Place, Point, Post
from tests.social.asking import asking, fill
from tests.social.people import block, follow, post, user

LAT, LON = 51.5, -0.12
METRES_A_DEGREE = 6_378_100 * radians(1)  # MongoDB's globe


def east(id_: str, author: str, metres: float, **fields: str) -> Post:
    return post(
        id_, author, location=Place(Point((LON + metres / METRES_A_DEGREE / cos(radians(LAT)), LAT)), "there"), **fields
    )


@pytest.fixture(autouse=True)
async def places(database: Database) -> None:
    if not (await database.capabilities()).geo_index:
        pytest.skip("this server has no index of places")


async def test_the_nearest_come_first(database: Database, redis: Redis) -> None:
    posts = [east("far", "ada", 900), east("near", "ada", 100), east("out", "ada", 1_100), post("nowhere", "ada")]
    twins = [east(f"twin{at}", "ada", 500) for at in (2, 0, 1)]
    await fill(database, user("ada"), *posts, *twins)
    async with asking(database, redis) as network:
        for limit in (1, 2, 20):
            found = await network.pages("/nearby", "posts", lat=LAT, lon=LON, limit=limit)
            assert [each["post"]["id"] for each in found] == ["near", "twin0", "twin1", "twin2", "far"]
            assert [round(each["distance_m"]) for each in found] == [100, 500, 500, 500, 900]
        wider = await network.pages("/nearby", "posts", lat=LAT, lon=LON, radius_m=2_000, limit=1)
        assert [each["post"]["id"] for each in wider][-1] == "out"


async def test_nobody_is_shown_what_they_may_not_see(database: Database, redis: Redis) -> None:
    await fill(
        database, user("ada"), user("shy", private=True), user("foe"), user("me"), follow("me", "shy"),
        block("foe", "me"), east("public", "ada", 1), east("close", "ada", 2, visibility="followers_only"),
        east("quiet", "shy", 3), east("hostile", "foe", 4), east("draft", "ada", 5, status="draft"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        for viewer, seen in (
            (None, ["public", "hostile"]),
            ("me", ["public", "quiet"]),
            ("ada", ["public", "close", "hostile"]),
        ):
            found = await network.pages("/nearby", "posts", lat=LAT, lon=LON, viewer=viewer, limit=1)
            assert [each["post"]["id"] for each in found] == seen


async def test_across_the_date_line(database: Database, redis: Redis) -> None:
    there = [post(f"p{at}", "ada", location=Place(Point((lon, 0.0)))) for at, lon in enumerate((179.999, -179.999))]
    await fill(database, user("ada"), *there)
    async with asking(database, redis) as network:
        for lon in (180, -180):
            assert len((await network.get("/nearby", lat=0, lon=lon))["posts"]) == 2
