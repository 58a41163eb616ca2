"""Whether the shop's figures agree: the ledger with the stock, orders with the statistics, the stream with the orders.

May run beside a server; where none runs, the embedded engines are started for as long as it takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from psycopg import Error as PostgresError
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.check import Drift, run_check
from commerce.database import Database
from store.keys import partition_of

from .app import connected
from .checkup import Finding
from .config import Config
from .datadir import DataDir, InUse
from .deployment import shop_of
from .engines import Valkey
from .keyfile import read as read_keys
from .keyfile import sites_of
from .postgres import Postgres


async def examine_shop(config: Config, *, repair: bool) -> AsyncIterator[Finding]:
    """A finding for each comparison. With `repair` the shop's tables are put right where they differ."""
    directory = DataDir(Path(config.data_dir))
    site = shop_of(config, sites_of(config, read_keys(directory.keys)))
    if site is None:
        yield Finding("failed", "shop", "there is none: the setting shop names no site, and there is not just one")
        return
    partition = partition_of(site.id, config.partitions)
    async with _engines(config, directory) as (redis, url), Database(url, currency=site.currency) as database:
        try:
            report = await run_check(database, redis, site=site.id, partition=partition, repair=repair)
        except (PostgresError, PoolTimeout, RedisError, OSError) as error:
            yield Finding("failed", "shop", f"cannot be compared: {str(error).strip() or type(error).__name__}")
            return
    for drift in report.drifts:
        yield _finding(drift)


def _finding(drift: Drift) -> Finding:
    subject = f"shop, {drift.check}"
    if not drift.rows:
        return Finding("ok", subject, "agrees")
    examples = "; ".join(drift.examples)
    if drift.repaired:
        return Finding("warning", subject, f"{drift.rows:,} rows differed and were put right: {examples}")
    return Finding("failed", subject, f"{drift.rows:,} rows differ: {examples}")


@asynccontextmanager
async def _engines(config: Config, directory: DataDir) -> AsyncIterator[tuple[Redis, str]]:
    """The Redis and the URL of the PostgreSQL of the deployment."""
    valkey, postgres = Valkey(directory.valkey), Postgres(directory.postgres)
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(directory.lock())
        except InUse:
            pass  # a server has them running
        else:
            if not config.redis_url:
                await stack.enter_async_context(valkey)
            if not config.postgres_url:
                await stack.enter_async_context(postgres)
        redis = await stack.enter_async_context(connected(config.redis_url or valkey.url))
        yield redis, config.postgres_url or postgres.url
