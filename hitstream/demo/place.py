"""Which server the demo fills, with which keys, and from when on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from hitstream import keyfile
from hitstream.config import NO_SHOP, Config, ConfigError, SiteConfig
from hitstream.datadir import DataDir, replace_private
from hitstream.postgres import Postgres

from . import server
from .shop.catalogue import CURRENCY

MARK: Final = "demo.json"  # in the data directory: up to when it is filled


class _Filled(Struct, frozen=True):
    until_ms: int


class Place(Struct, frozen=True):
    """The server that is filled. Where it is not run from a directory here, `directory` is None, and `read` (the read
    key) and `postgres` (its shop) are ''."""

    url: str
    key: str
    zone: ZoneInfo
    read: str = ""
    postgres: str = ""
    currency: str = ""
    directory: Path | None = None


def elsewhere(url: str, key: str) -> Place:
    return Place(url, key, ZoneInfo("UTC"))


@asynccontextmanager
async def here(config: Config, file: Path | None, stop: asyncio.Event) -> AsyncIterator[Place]:
    """The server that runs on the data directory, or one that lasts as long as the block. `file`: the configuration's.
    `stop` is set where that one ends before.

    Raises `DemoFailed`, `Unusable` and `ConfigError`.
    """
    directory = DataDir(Path(config.data_dir))
    if ready := server.running(directory):
        yield _of(config, directory, ready.url, SiteConfig())
        return
    async with server.own(config, file, stop) as ready:
        yield _of(config, directory, ready.url, SiteConfig(currency=CURRENCY))


def _of(config: Config, directory: DataDir, url: str, default: SiteConfig) -> Place:
    """`default`: of a site that the configuration does not name."""
    keys = keyfile.keys_of(config, keyfile.read(directory.keys))
    id_ = config.shop if config.shop in keys else next(iter(keys))
    if not keys[id_].server or not keys[id_].read:
        raise ConfigError(f"the site {id_} has no server key or no read key here, and the demo needs both")
    site = config.sites.get(id_, default)
    has_shop = config.shop != NO_SHOP and (len(keys) == 1 or config.shop == id_)
    return Place(
        url=url,
        key=keys[id_].server[0],
        zone=ZoneInfo(site.zone),
        read=keys[id_].read[0],
        postgres=(config.postgres_url or Postgres(directory.postgres).url) if has_shop else "",
        currency=site.currency,
        directory=directory.root,
    )


def start(place: Place, now: datetime, days: int) -> datetime:
    """Midnight so many days ago, or where an earlier demo ended, if that is later; `now` where `days` is 0."""
    if days == 0:
        return now
    found = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    if place.directory and (mark := place.directory / MARK).exists():
        filled = msgspec.json.decode(mark.read_bytes(), type=_Filled)
        return max(found, datetime.fromtimestamp(filled.until_ms / 1000, now.tzinfo))
    return found


def note(place: Place, until_ms: int) -> None:
    """Remembers up to when it is filled."""
    if place.directory:
        replace_private(place.directory / MARK, msgspec.json.encode(_Filled(until_ms)).decode() + "\n")
