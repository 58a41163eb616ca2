"""`hitstream check --social` tells which counters differ, repairs them, and says why where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitstream import keyfile
from hitstream.checkup import Finding
from hitstream.config import Config
from hitstream.datadir import DataDir
from hitstream.network_checkup import examine_network
from social.database import Database
from tests.social.acting import act, project


async def findings(config: Config, *, repair: bool = False) -> list[Finding]:
    return [finding async for finding in examine_network(config, repair=repair)]


@pytest.fixture
def config(tmp_path: Path, database: Database) -> Config:
    found = Config(data_dir=str(tmp_path), mongo_url=database.url)
    keyfile.complete(found, DataDir(tmp_path).keys)
    return found


async def test_finds_and_repairs(config: Config, database: Database, redis: Any) -> None:
    await project(database, redis, act("ada", "post", post_id="p"), act("bob", "like", post_id="p"))
    assert {finding.level for finding in await findings(config)} == {"ok"}
    async with database.working() as handle:
        await handle.posts.update_one({"_id": "p"}, {"$set": {"stats.likes_count": 4}})
    (failed,) = [finding for finding in await findings(config) if finding.level != "ok"]
    assert failed == Finding(
        "failed", "network, posts.likes_count", "1 documents differ: p: stats.likes_count is 4, should be 1"
    )
    (repaired,) = [finding for finding in await findings(config, repair=True) if finding.level != "ok"]
    assert repaired.level == "warning"
    assert {finding.level for finding in await findings(config)} == {"ok"}


async def test_a_database_that_is_away(config: Config, tmp_path: Path) -> None:
    away = Config(data_dir=str(tmp_path), mongo_url="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    (finding,) = await findings(away)
    assert (finding.level, finding.subject) == ("failed", "network")


async def test_no_network(tmp_path: Path) -> None:
    (finding,) = await findings(Config(data_dir=str(tmp_path), network="-"))
    assert finding.text == "there is none: the setting network names no site, and there are several"
