"""Whether a deployment is well: its configuration, its engines, what the journals hold, and what of it Redis lacks.

Looks and changes nothing. It may run beside a server; then the journals and Redis move while they are read, and a few
events in between are no drift.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from ingest.journal import journals
from ingest.journal.backlog import read_stretch
from ingest.journal.directory import segment_name, segments
from ingest.journal.frame import UnknownVersion
from store.cluster import Cluster
from store.functions import INTSET_ENTRIES
from store.keys import PartitionKeys

from .app import connected
from .config import Config, ConfigError
from .datadir import DataDir, InUse, Unusable
from .engines import Valkey
from .keyfile import read as read_keys
from .keyfile import sites_of

DEADLINE_S: Final = 10.0
READ_BYTES: Final = 1 << 20

# The oldest that know what the function library calls, by the name that INFO gives them.
OLDEST: Final = {"valkey": (8, 0), "redis": (7, 2)}


Level = Literal["ok", "warning", "failed"]


class Finding(Struct, frozen=True):
    """`warning`: it works, and somebody should look. `failed`: it does not."""

    level: Level
    subject: str
    text: str


class Contents(Struct):
    """What is in a journal. last: partition -> its highest sequence number."""

    events: int = 0
    size_bytes: int = 0
    damages: list[str] = []
    last: dict[int, int] = {}


async def examine(config: Config) -> AsyncIterator[Finding]:
    """The findings, each as soon as it is known."""
    directory = DataDir(Path(config.data_dir))
    if not directory.root.exists():
        yield Finding("warning", "data directory", f"{directory.root} is not there yet; 'hitstream serve' makes it")
        return
    try:
        sites = sites_of(config, read_keys(directory.keys))
        directory.secret()
    except (ConfigError, Unusable) as error:
        yield Finding("failed", "configuration", str(error))
        return
    yield Finding("ok", "configuration", f"{len(sites)} sites: {', '.join(site.id for site in sites)}")
    ready = directory.find_ready()
    yield Finding("ok", "server", f"runs on {ready.url}, process {ready.pid}" if ready else "does not run here")

    held = {}
    for id_ in journals(directory.journal):
        try:
            held[id_] = await asyncio.to_thread(contents, directory.journal / id_)
        except (OSError, UnknownVersion) as error:
            yield Finding("failed", f"journal {id_}", str(error))
    yield _journals(held)
    async with _redis(config, directory) as redis:
        try:
            async with asyncio.timeout(DEADLINE_S):
                for finding in [*await _engines(config, redis), *await _drift(config, redis, held)]:
                    yield finding
        except (RedisError, OSError, TimeoutError) as error:
            yield Finding("failed", "redis", f"does not answer: {str(error) or type(error).__name__}")


def contents(path: Path) -> Contents:
    """Reads a journal through, whoever owns it. Blocking. Raises OSError and `UnknownVersion`."""
    found = Contents()
    starts = segments(path)
    for start, following in zip(starts, [*starts, None][1:], strict=True):
        try:
            size = (path / segment_name(start)).stat().st_size
        except FileNotFoundError:
            continue  # expired while we looked
        end = size if following is None else following - start
        found.size_bytes += end
        at = 0
        while at < end:
            stretch = read_stretch(path, start, at, end, READ_BYTES)
            for frame in stretch.frames:
                found.events += frame.count
                found.last[frame.partition] = frame.seq
            found.damages += [
                f"{segment_name(start)} at byte {at + flaw.offset}: {flaw.reason}" for flaw in stretch.flaws
            ]
            at += stretch.used
            if stretch.torn:
                if following is not None:
                    found.damages.append(f"{segment_name(start)} ends at byte {at}, before it should")
                break  # of the last one it is the record that is being written, or that a crash cut short
    return found


def _journals(held: dict[str, Contents]) -> Finding:
    events = sum(journal.events for journal in held.values())
    size = sum(journal.size_bytes for journal in held.values())
    damages = [f"{id_}/{damage}" for id_, journal in held.items() for damage in journal.damages]
    text = f"{len(held)} with {events:,} events in {size:,} bytes"
    if damages:
        return Finding("failed", "journals", f"{text}; damaged: {'; '.join(damages)}")
    return Finding("ok", "journals", f"{text}, all readable")


@asynccontextmanager
async def _redis(config: Config, directory: DataDir) -> AsyncIterator[Redis]:
    """The Redis of the deployment; the embedded one is started where no server has it running."""
    if config.redis_url:
        async with connected(config.redis_url) as redis:
            yield redis
        return
    valkey = Valkey(directory.valkey)
    try:
        with directory.lock():
            async with valkey, connected(valkey.url) as redis:
                yield redis
    except InUse:
        async with connected(valkey.url) as redis:
            yield redis


async def _engines(config: Config, redis: Redis) -> list[Finding]:
    """The one server's, or each primary's of a cluster and how the partitions lie on them."""
    if not isinstance(redis, Cluster):
        return [await _engine("redis", redis, _without_password(config.redis_url) or "the embedded socket")]
    primaries = await redis.primaries()
    found = [await _engine(f"redis {port}", server, f"{host}:{port}") for (host, port), server in primaries.items()]
    used = {await redis.owner(PartitionKeys(partition).fences) for partition in range(config.partitions)}
    level: Level = "ok" if len(used) == len(primaries) else "warning"
    text = f"{len(used)} of {len(primaries)} primaries have partitions; there are {config.partitions} of these"
    return [*found, Finding(level, "cluster", text)]


async def _engine(subject: str, redis: Redis, where: str) -> Finding:
    info: Any = await redis.info("server")
    name = "valkey" if "valkey_version" in info else "redis"
    version = str(info.get("valkey_version", info["redis_version"]))
    what = f"{name} {version} on {where}"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST[name]:
        return Finding("failed", subject, f"{what}; needed is {OLDEST[name][0]}.{OLDEST[name][1]} or later")
    try:
        settings: Any = await redis.config_get("maxmemory-policy", "appendonly", "set-max-intset-entries")
    except ResponseError:  # where it is rented, nobody may ask
        return Finding("ok", subject, what)
    policy, appends = settings.get("maxmemory-policy"), settings.get("appendonly")
    if policy != "noeviction":
        return Finding("failed", subject, f"{what}; maxmemory-policy is {policy}: it may throw counters away")
    if appends != "yes":
        return Finding(
            "warning", subject, f"{what}; appendonly is {appends}: a restart loses what journals no longer hold"
        )
    entries = int(settings.get("set-max-intset-entries", INTSET_ENTRIES))
    if entries < INTSET_ENTRIES:
        text = (
            f"{what}; set-max-intset-entries is {entries}, below {INTSET_ENTRIES}: event ids take five times the memory"
        )
        return Finding("warning", subject, text)
    return Finding("ok", subject, what)


async def _drift(config: Config, redis: Redis, held: dict[str, Contents]) -> list[Finding]:
    """The fences against the journals, and the gaps that were noted."""
    found: list[Finding] = []
    behind = gaps = 0
    for partition in range(config.partitions):
        keys = PartitionKeys(partition)
        fences: Any = await redis.hgetall(keys.fences)
        gaps += await redis.xlen(keys.gaps)
        for id_, journal in held.items():
            if partition not in journal.last:
                continue
            last, fence = journal.last[partition], int(fences.get(id_.encode(), 0))
            behind += max(0, last - fence)
            if fence > last:
                text = f"partition {partition}: Redis has applied {fence - last:,} events that are not in the journal"
                found.append(Finding("failed", f"journal {id_}", text))
    if behind:
        found.append(Finding("warning", "drift", f"{behind:,} events are journalled and not yet in Redis"))
    if gaps:
        found.append(
            Finding("warning", "gaps", f"{gaps:,} noted: events that no journal could replay; see the runbook")
        )
    return found or [Finding("ok", "drift", "none: Redis has applied what the journals hold")]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
