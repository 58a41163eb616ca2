"""The shop, put together: its answers in every worker that answers, and in one worker what keeps it up to date.

    migrations -> projectors of orders and of product views, snapshots, a look for drift

All of that waits for PostgreSQL and for nothing else: taking events, and every other answer, goes on without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from psycopg import AsyncConnection, OperationalError
from redis.asyncio import Redis

from commerce.check import run_check
from commerce.database import Database
from commerce.http import routes
from commerce.metrics import Metrics
from commerce.migrate import migrate
from commerce.projector import GROUP, STREAM, Projector
from commerce.snapshots import STANDARD, keep_fresh
from commerce.views import STREAMS, Views
from store.consumer import Consumer
from store.keys import partition_of

from .access import Keyring
from .deployment import Deployment
from .tasks import running

CHECK_EVERY_S: Final = 600.0  # each comparison holds bookings up for as long as it takes
RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def shop(
    app: web.Application,
    deployment: Deployment,
    keyring: Keyring,
    redis: Redis,
    registry: CollectorRegistry,
    clock: Callable[[], int],
    *,
    projects: bool,
) -> AsyncIterator[None]:
    """Adds the shop's routes where this worker answers; where it `projects`, keeps the shop up to date meanwhile."""
    site, role = deployment.shop, deployment.config.role
    if site is None:
        yield
        return
    metrics = Metrics(registry)
    async with Database(deployment.postgres_url, currency=site.currency) as database:
        if role in ("all", "query"):
            found = routes(database=database, site=site.id, clock=clock, authorize=keyring.authorize, metrics=metrics)
            app.add_routes(found)
        if not projects or role not in ("all", "projector"):
            yield
            return
        async with running("shop", lambda: _keep(database, deployment, site.id, redis, metrics, clock)):
            yield


async def _keep(
    database: Database,
    deployment: Deployment,
    site: str,
    redis: Redis,
    metrics: Metrics,
    clock: Callable[[], int],
) -> None:
    """Everything that the shop needs to be done behind its answers, until cancelled."""
    await _migrate(database.url)
    partition = partition_of(site, deployment.config.partitions)
    orders = Projector(database, site, metrics)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Consumer(redis, partition, STREAM, GROUP, GROUP).run(orders.apply), name="orders")
        for stream in STREAMS:
            views = Views(database, site, stream, GROUP, metrics, product_path=deployment.config.product_path)
            tasks.create_task(Consumer(redis, partition, stream, GROUP, GROUP).run(views.apply), name=f"views {stream}")
        tasks.create_task(keep_fresh(database, clock, STANDARD, metrics), name="snapshots")
        tasks.create_task(_watch(database, redis, site, partition, metrics), name="drift")


async def _migrate(url: str) -> None:
    """Waits for PostgreSQL and brings its schema up to date."""
    while True:
        try:
            async with await AsyncConnection.connect(url, autocommit=True) as connection:
                await migrate(connection)
                return
        except OperationalError as error:
            log.info("waiting for PostgreSQL", extra={"error": str(error).strip()})
            await asyncio.sleep(RETRY_S)


async def _watch(database: Database, redis: Redis, site: str, partition: int, metrics: Metrics) -> None:
    """Keeps the gauge of drift true."""
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        try:
            await run_check(database, redis, site=site, partition=partition, metrics=metrics)
        except OperationalError as error:
            log.warning("the shop's figures were not compared", extra={"error": str(error).strip()})
