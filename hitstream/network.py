"""The social network, put together: its answers in every worker that answers, in one worker what keeps it up to date.

    collections and indexes -> projector of actions, trends and influence, a look for drift

All of that waits for MongoDB and for nothing else: taking events, and every other answer, goes on without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from social.database import Database
from social.errors import NetworkUnavailable
from social.http import routes
from social.interests import Interests
from social.metrics import Metrics
from social.migrate import ensure
from social.projector import GROUP, STREAM, Projector, watch_lag
from social.recount import watch_drift
from social.renewal import keep_fresh
from social.snapshots import Snapshots
from store.consumer import Consumer
from store.identity import Identity
from store.keys import partition_of

from .access import Keyring
from .deployment import Deployment
from .tasks import running

RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def network(
    app: web.Application,
    deployment: Deployment,
    keyring: Keyring,
    redis: Redis,
    registry: CollectorRegistry,
    clock: Callable[[], int],
    *,
    projects: bool,
) -> AsyncIterator[None]:
    """Adds the network's routes where this worker answers; where it `projects`, keeps the network up to date."""
    site, role = deployment.network, deployment.config.role
    if site is None:
        yield
        return
    metrics = Metrics(registry)
    partitions, identity = deployment.config.partitions, Identity(deployment.secret)
    async with Database(deployment.mongo_url) as database:
        if role in ("all", "query"):
            snapshots = Snapshots(redis, identity, site.id, partitions)
            app.add_routes(
                routes(
                    database=database,
                    snapshots=snapshots,
                    site=site.id,
                    clock=clock,
                    authorize=keyring.authorize,
                    metrics=metrics,
                )
            )
        if not projects or role not in ("all", "projector"):
            yield
            return
        interests = Interests(redis, identity, site.id, partitions)
        partition = partition_of(site.id, partitions)
        projector = Projector(database, redis, site.id, partition, metrics, interests)
        consumer = Consumer(redis, partition, STREAM, GROUP, GROUP)
        async with running("network", lambda: _keep(database, consumer, projector, metrics, clock)):
            yield


async def _keep(
    database: Database, consumer: Consumer, projector: Projector, metrics: Metrics, clock: Callable[[], int]
) -> None:
    """Everything that the network needs to be done behind its answers, until cancelled."""
    await _prepare(database)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(projector.apply), name="actions")
        tasks.create_task(watch_lag(consumer, metrics), name="lag")
        tasks.create_task(watch_drift(database, metrics, clock), name="drift")
        tasks.create_task(keep_fresh(database, clock), name="trends and influence")


async def _prepare(database: Database) -> None:
    """Waits for MongoDB and brings its collections up to date."""
    while True:
        try:
            return await ensure(database)
        except NetworkUnavailable:
            log.info("waiting for MongoDB")
            await asyncio.sleep(RETRY_S)
