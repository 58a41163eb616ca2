"""The made-up network is one that the projector could have made: its counters agree, and one seed makes one network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from social.database import Database
from social.generate import Scale, generate
from social.recount import recount
from tests.social.acting import act, project
from tests.social.tally import figures

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SMALL = Scale(users=30, follows=120, posts=60)


async def test_its_counters_agree_with_its_edges(database: Database, redis: Any) -> None:
    total = await generate(database, NOW, SMALL)
    found = await figures(database)
    assert (len(found["users"]), len(found["posts"])) == (30, 60)
    assert total > 300
    assert sum(stats["likes_count"] for stats in found["posts"].values()) == len(found["likes"]) > 60
    assert (await recount(database, NOW)).sound
    (follower, following), _ = next(iter(found["follows"].items()))
    await project(database, redis, act(follower, "unfollow", target_id=following))  # its ids are the projector's
    assert (follower, following) not in (await figures(database))["follows"]
    assert (await recount(database, NOW)).sound
