"""`hitstream check` on a cluster: every primary is looked at, and so is how the partitions lie on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitstream.checkup import Finding, examine
from hitstream.config import Config, ConfigError, check
from store.keys import PartitionKeys
from tests.cluster.servers import Servers
from tests.cluster.worker import PARTITIONS, SITES, working


async def _found(url: str, directory: Path, partitions: int = PARTITIONS) -> dict[str, Finding]:
    config = Config(data_dir=str(directory), redis_url=url, partitions=partitions)
    return {finding.subject: finding async for finding in examine(config)}


async def test_all_is_well(servers: Servers, tmp_path: Path) -> None:
    async with working(servers.url, tmp_path, ack="redis") as worker:
        for site in SITES.values():
            await worker.send(site)
        findings = await _found(servers.url, tmp_path)
    assert {finding.level for finding in findings.values()} - {"ok"} == set(), findings
    assert findings["cluster"].text == "3 of 3 primaries have partitions; there are 8 of these"
    assert findings["drift"].text.startswith("none")


async def test_partitions_too_few_to_use_all_primaries_are_named(servers: Servers, tmp_path: Path) -> None:
    tmp_path.joinpath("data").mkdir()
    findings = await _found(servers.url, tmp_path / "data", partitions=1)
    assert findings["cluster"].level == "warning"
    assert findings["cluster"].text.startswith("1 of 3 primaries")


async def test_a_primary_that_may_throw_keys_away_is_named(servers: Servers, tmp_path: Path) -> None:
    server = await servers.owner(PartitionKeys(min(SITES)).tag)
    await server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        findings = await _found(servers.url, tmp_path)
    finally:
        await server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    failed = [finding.subject for finding in findings.values() if finding.level == "failed"]
    assert failed == [f"redis {server.port}"]


def test_a_url_that_names_no_server_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"redis_url: .*host:port"):
        check(Config(redis_url="redis+cluster://a:7000,,c:7002"))
