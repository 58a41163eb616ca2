"""What is asked wrongly gets a problem that names it; what is asked cleverly stays text; what is secret stays so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final

from redis.asyncio import Redis

from social.contract import PREFIX, READS
from social.database import Database
from social.model import Like, Place, Point, Preferences, Profile
from social.openapi import paths, schemas
from tests.social.asking import NOW, asking, fill
from tests.social.people import comment, follow, post, told, user

HERE: Final = {"lat": 51.5, "lon": -0.12}


REFUSED: Final[tuple[tuple[str, dict[str, str], str], ...]] = (
    ("/users/ada", {"x": "1"}, "x: unknown parameter; the known ones are viewer"),
    ("/users/ada", {"viewer[$ne]": ""}, "viewer[$ne]: unknown parameter"),
    ("/users/ada", {"viewer": ""}, "viewer: must be 1 to 128 characters"),
    ("/users/ada", {"viewer": "v" * 129}, "viewer: must be 1 to 128 characters"),
    ("/posts/p/comments", {"limit": "101"}, "limit: must be a whole number from 1 to 100"),
    ("/posts/p/comments", {"depth": "9"}, "depth: must be a whole number from 0 to 8"),
    ("/posts/p/comments", {"cursor": "!!"}, "cursor: is not one that an answer gave"),
    ("/posts/p/comments", {"cursor": "A" * 2_001}, "cursor: is not one that an answer gave"),
    ("/users/ada/notifications", {"unread": "1"}, "unread: must be true or false"),
    ("/search", {}, "q: is needed"),
    ("/search", {"q": " "}, "q: must be 1 to 200 printable characters"),
    ("/search", {"q": "-tea"}, "q: must hold a word"),
    ("/search", {"q": "x" * 201}, "q: must be 1 to 200"),
    ("/nearby", {"lat": "1"}, "lon: is needed"),
    ("/nearby", {"lat": "91", "lon": "0"}, "lat: must be a number from -90 to 90"),
    ("/nearby", {"lat": "0", "lon": "-180.1"}, "lon: must be a number from -180 to 180"),
    ("/nearby", {"lat": "NaN", "lon": "0"}, "lat: must be a number"),
    ("/nearby", {"lat": "1e1", "lon": "0"}, "lat: must be a number"),
    ("/nearby", {"lat": "0", "lon": "0", "radius_m": "50001"}, "radius_m: must be a whole number from 1 to 50000"),
)


async def test_refuses(database: Database, redis: Redis) -> None:
    await fill(database, user("ada"), post("p", "ada"))
    async with asking(database, redis) as network:
        for path, parameters, why in REFUSED:
            assert (await network.refused(path, **parameters)).startswith(why)


OPERATORS: Final = ('{"$gt":""}', "$ne", "$where", "users.$", "a\0b", "\ud7ff", "%ED%A0%80", "ada' || '1'=='1")


async def test_an_operator_is_text(database: Database, redis: Redis) -> None:
    """In every place that takes any: nothing is found by it, and nothing fails."""
    await fill(database, user("ada", private=True), post("p", "ada"), comment("c", "ada", "p"))
    async with asking(database, redis) as network:
        for text, read in product(OPERATORS, READS):
            known = {each.name for each in read.parameters}
            needed: dict[str, Any] = {"lat": 0, "lon": 0} if "lat" in known else {"q": "tea"} if "q" in known else {}
            for name in known & {"viewer", "q", "root"}:
                async with network.raw(read.path.replace("{id}", "p"), **{**needed, name: text}) as reply:
                    assert reply.status in (200, 400, 404)
            if "{id}" in read.path:
                async with network.raw(read.path.replace("{id}", text.replace("%", "%25")), **needed) as reply:
                    assert reply.status in (200, 404)
        for text in OPERATORS:
            assert (await network.get("/users/ada", viewer=text))["limited"]


async def test_a_cursor_belongs_to_its_list(database: Database, redis: Redis) -> None:
    await fill(database, user("ada"), post("p", "ada"), *(comment(f"c{at}", "ada", "p") for at in range(3)))
    async with asking(database, redis) as network:
        cursor = (await network.get("/posts/p/comments", limit=1))["next_cursor"]
        assert len((await network.get("/posts/p/comments", limit=9, cursor=cursor))["comments"]) == 2
        for other in ({"root": "c0"}, {"depth": "1"}, {"viewer": "ada"}):
            why = await network.refused("/posts/p/comments", cursor=cursor, **other)
            assert why == "cursor: belongs to a list with other filters"


async def test_the_network_is_its_sites_alone(database: Database, redis: Redis) -> None:
    async with asking(database, redis) as network:
        assert (await network.get("/users/ada", 404, site="blog"))["code"] == "no_network"


SECRETS: Final = ("$2b$12$", "@example.com", "1990-05-15", "Sirius")


async def test_no_answer_holds_what_is_secret(database: Database, redis: Redis) -> None:
    """Every read, of everything about one who hides what can be hidden, by every viewer but themselves."""
    profile = Profile(first_name="Ada", birth_date=datetime(1990, 5, 15, tzinfo=UTC), city="Sirius", country="Sirius")
    hidden = Preferences(show_birth_date=False, show_location=False)
    await fill(
        database, user("ada", profile=profile, preferences=hidden), user("bob"), follow("bob", "ada"),
        follow("ada", "bob"), Like("bob", "post", "p", NOW), comment("c", "ada", "p"),
        post("p", "ada", "tea", hashtags=("tea",), location=Place(Point((HERE["lon"], HERE["lat"])), "here")),
        told("bob", "follow", "ada", "user", "bob"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        for read in READS:
            known = {each.name for each in read.parameters}
            given: dict[str, Any] = {name: value for name, value in {**HERE, "q": "tea"}.items() if name in known}
            id_ = {"/posts": "p", "/users": "ada"}.get(read.path[:6], "")
            for viewer in ("bob", "ada") if "{id}" in read.path and "viewer" not in known else ("bob", None):
                if viewer and "viewer" in known:
                    given["viewer"] = viewer
                path = read.path.replace("{id}", id_ if "viewer" in known else viewer or id_)
                async with network.raw(path, **given) as reply:
                    text = await reply.text()
                    assert reply.status == 200, text
                assert not [secret for secret in SECRETS if secret in text], read.name


def test_the_document_describes_every_read() -> None:
    described = paths()
    assert set(described) == {PREFIX + read.path for read in READS}
    named = schemas()
    for read in READS:
        operation = described[PREFIX + read.path]["get"]
        assert [each["name"] for each in operation["parameters"] if each["in"] == "query"] == [
            each.name for each in read.parameters
        ]
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert reference.removeprefix("#/components/schemas/") in named
    for reference in re.findall(r"'#/components/schemas/(\w+)'", str(named)):
        assert reference in named
