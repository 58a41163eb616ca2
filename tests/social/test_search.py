"""Search finds what its words are in, the best first, for those who may see it; with a text index or without."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from social.database import Database
from social.reads import search as reading
from tests.social.asking import asking, fill
from tests.social.people import ago, block, follow, post, user


async def test_the_best_come_first_a_page_at_a_time(database: Database, redis: Redis) -> None:
    posts = [
        post("long", "ada", "tea is what we drink at five"),
        post("short", "ada", "Tea"),
        post("tagged", "ada", "A cup", hashtags=("tea",)),
        post("both", "ada", "tea", hashtags=("tea",)),
        post("other", "ada", "coffee"),
        post("twin", "ada", "Tea"),
    ]
    await fill(database, user("ada"), *posts)
    async with asking(database, redis) as network:
        for limit in (1, 2, 20):
            hits = await network.pages("/search", "hits", q="tea", limit=limit)
            assert [hit["post"]["id"] for hit in hits] == ["both", "short", "twin", "long", "tagged"]
            scores = [hit["score"] for hit in hits]
            assert scores == sorted(scores, reverse=True)
        answer = await network.get("/search", q="coffee -tea")
        assert [hit["post"]["id"] for hit in answer["hits"]] == ["other"]
        assert answer["method"] == ("text index" if (await database.capabilities()).text_index else "scan")
        assert answer["complete"]
        assert (await network.get("/search", q="milk"))["hits"] == []


async def test_nobody_finds_what_they_may_not_see(database: Database, redis: Redis) -> None:
    await fill(
        database, user("ada"), user("shy", private=True), user("gone", status="suspended"), user("foe"), user("me"),
        follow("me", "shy"), follow("fan", "ada"), block("me", "foe"),
        post("public", "ada", "tea"), post("close", "ada", "tea", visibility="followers_only"),
        post("own", "me", "tea", visibility="private"), post("draft", "ada", "tea", status="draft"),
        post("quiet", "shy", "tea"), post("past", "gone", "tea"), post("hostile", "foe", "tea"),
    )  # fmt: skip
    async with asking(database, redis) as network:
        for viewer, seen in (
            (None, {"public", "hostile"}),
            ("me", {"public", "own", "quiet"}),
            ("fan", {"public", "close", "hostile"}),
            ("ada", {"public", "close", "hostile"}),
        ):
            hits = await network.pages("/search", "hits", q="tea", viewer=viewer, limit=1)
            assert {hit["post"]["id"] for hit in hits} == seen


@pytest.mark.parametrize("q", ['{"$gt": ""}', "$where", ".*", "tea)|(.*", "/tea/i", "\\b", "[", "tea\\"])
async def test_words_are_words_and_nothing_else(database: Database, redis: Redis, q: str) -> None:
    await fill(database, user("ada"), post("p", "ada", "coffee"))
    async with asking(database, redis) as network, network.raw("/search", q=q) as reply:
        assert reply.status in (200, 400)
        if reply.status == 200:
            assert (await reply.json())["hits"] == []


async def test_says_where_not_all_posts_were_looked_at(database: Database, redis: Redis, monkeypatch: Any) -> None:
    if (await database.capabilities()).text_index:
        pytest.skip("this server has a text index, which looks at all")
    monkeypatch.setattr(reading, "LOOKED_AT", 2)
    await fill(database, user("ada"), *(post(f"p{at}", "ada", "tea", at=ago(minutes=at)) for at in range(3)))
    async with asking(database, redis) as network:
        answer = await network.get("/search", q="tea")
        assert not answer["complete"]
        assert [hit["post"]["id"] for hit in answer["hits"]] == ["p0", "p1"]
