"""`hitstream check`: finds what is wrong, and nothing where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from hitstream.app import application
from hitstream.checkup import Finding, examine
from hitstream.config import Config
from ingest.journal import Journal, journals
from store.event import Agent, Custom, Record, encode
from store.keys import PartitionKeys
from tests.endtoend.serving import serving
from tests.hitstream.deployments import deployment
from tests.hitstream.test_serve import run


async def found(config: Config) -> dict[str, Finding]:
    return {finding.subject: finding async for finding in examine(config)}


async def fill(directory: Path, events: int) -> None:
    """A journal with as many records of one event."""
    event = Custom(at=0, user="u", session="", agent=Agent(), dedup=0, name="signup", properties="{}", trusted=False)
    record = encode(Record("demo", [event]))
    async with Journal.open(directory, on_durable=lambda _: None, clock=lambda: 1_700_000_000_000) as journal:
        for _ in range(events):
            await journal.append(0, record, 1)


async def test_all_is_well_beside_a_server_and_without_one(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        status, said, _ = await run("check", "--data-dir", str(server.directory))
        assert status == 0
        assert f"runs on {server.url}" in said
        assert "drift: none" in said
    status, said, _ = await run("check", "--data-dir", str(server.directory))
    assert status == 0
    assert "server: does not run here" in said
    assert "redis: valkey" in said
    assert {line.split()[0] for line in said.splitlines()} == {"ok"}


async def test_drift_is_counted(tmp_path: Path, redis: Redis, redis_url: str) -> None:
    config = Config(data_dir=str(tmp_path), redis_url=redis_url)
    await fill(tmp_path / "journal", 7)
    [journal] = journals(tmp_path / "journal")
    await redis.hset(PartitionKeys(0).fences, journal, "4")
    findings = await found(config)
    assert findings["drift"] == Finding("warning", "drift", "3 events are journalled and not yet in Redis")
    await redis.hset(PartitionKeys(0).fences, journal, "7")
    assert (await found(config))["drift"].level == "ok"
    await redis.hset(PartitionKeys(0).fences, journal, "9")
    findings = await found(config)
    assert findings[f"journal {journal}"].level == "failed"
    assert "2 events that are not in the journal" in findings[f"journal {journal}"].text


async def test_gaps_are_told(tmp_path: Path, redis: Redis, redis_url: str) -> None:
    await redis.xadd(PartitionKeys(0).gaps, {"reason": "missing"})
    findings = await found(Config(data_dir=str(tmp_path), redis_url=redis_url))
    assert findings["gaps"].level == "warning"


async def test_damage_is_named_and_stays_as_it_is(tmp_path: Path, redis: Redis, redis_url: str) -> None:
    await fill(tmp_path / "journal", 9)
    [segment] = (tmp_path / "journal").glob("*/*.log")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    finding = (await found(Config(data_dir=str(tmp_path), redis_url=redis_url)))["journals"]
    assert finding.level == "failed"
    assert "1 with 8 events" in finding.text
    assert segment.name in finding.text
    assert segment.read_bytes() == content
    assert not (tmp_path / "journal" / "aside").exists()


async def test_a_redis_that_may_throw_counters_away_fails(tmp_path: Path, redis: Redis, redis_url: str) -> None:
    config = Config(data_dir=str(tmp_path), redis_url=redis_url)
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert (await found(config))["redis"].level == "failed"
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
    assert (await found(config))["redis"].level == "ok"


async def test_a_redis_that_keeps_event_ids_at_length_is_warned_of(tmp_path: Path, redis: Any, redis_url: str) -> None:
    config = Config(data_dir=str(tmp_path), redis_url=redis_url)
    before = await redis.config_get("set-max-intset-entries")
    await redis.config_set("set-max-intset-entries", "512")
    try:
        finding = (await found(config))["redis"]
        assert (finding.level, "set-max-intset-entries is 512" in finding.text) == ("warning", True)
    finally:
        await redis.config_set("set-max-intset-entries", before["set-max-intset-entries"])
    assert (await found(config))["redis"].level == "ok"


async def test_a_redis_that_is_away_fails_and_no_password_is_shown(tmp_path: Path) -> None:
    url = "redis://user:hunter2@127.0.0.1:1/0"
    findings = await found(Config(data_dir=str(tmp_path), redis_url=url))
    assert findings["redis"].level == "failed"
    assert "hunter2" not in str(findings)


async def test_the_directory_of_no_deployment_is_left_alone(tmp_path: Path) -> None:
    findings = await found(Config(data_dir=str(tmp_path / "none")))
    assert list(findings) == ["data directory"]
    assert not (tmp_path / "none").exists()


async def test_damaged_keys_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text("[sites")
    findings = await found(Config(data_dir=str(tmp_path)))
    assert findings["configuration"].level == "failed"


async def test_the_journal_of_a_running_worker_is_read_without_disturbing_it(tmp_path: Path, redis_url: str) -> None:
    deployed = deployment(tmp_path, redis_url)
    async with application(deployed):
        findings = await found(deployed.config)
    assert findings["journals"].level == "ok"
