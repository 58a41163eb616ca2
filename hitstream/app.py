"""One worker's web application, put together: what each part needs is made here and given back here.

The parts end in the opposite order: requests first (that is `hitstream.worker`'s), then forwarding, which may drain for
a while, then the journal, and Redis last.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

import ingest.metrics
import query.metrics
from ingest.copies import Copies
from ingest.dialects import DIALECTS
from ingest.dialects.http import Interpreter
from ingest.express import Express
from ingest.forwarder import Forwarder
from ingest.http import CORS, Collector
from ingest.intake import Intake
from ingest.journal import Journal
from ingest.limits import Limits, Rate
from ingest.overload import Overload
from ingest.pressure import Pressure
from ingest.tracker.http import routes as tracker_routes
from ingest.visitors import Salt
from query.dashboard.http import routes as page_routes
from query.http import routes as query_routes
from query.live import Live
from store.cluster import Cluster, is_cluster
from store.functions import Functions
from store.identity import Identity

from . import inflight, openapi, problems, reference
from .access import Keyring
from .addresses import address_reader
from .connections import EXPRESS
from .demo import shop as demo_shop
from .deployment import Deployment
from .exposition import CONTENT_TYPE, Exposition
from .health import Health
from .inflight import InFlight
from .network import network
from .shop import shop
from .tasks import running

log = logging.getLogger(__name__)

DECLARED: Final = {"X-Content-Type-Options": "nosniff"}
DRAIN_S: Final = 10.0  # what is then not in Redis is replayed by the next start
LOAD_DEADLINE_S: Final = 2.0


def clock() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def application(deployment: Deployment, number: int = 0) -> AsyncIterator[web.Application]:
    """The application of worker `number`, working while the block lasts."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # it has none; drops series that nobody reads
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    config = deployment.config
    health = Health(clock)
    keyring = Keyring(deployment.sites, deployment.keys)
    exposition = Exposition(registry, number, config.workers, deployment.directory.root / "run")
    in_flight = InFlight()
    app = web.Application(middlewares=[in_flight.middleware(), problems.middleware])
    app[inflight.KEY] = in_flight
    app.on_response_prepare.append(_as_declared)
    app.add_routes([*health.routes(), *_exposed(exposition), web.get("/openapi.json", openapi.handler)])
    app.add_routes(reference.routes())
    async with connected(deployment.redis_url) as redis, exposition.serving():
        Gauge("hitstream_redis_up", "1 while Redis answers.", registry=registry).set_function(
            lambda: health.redis_answers
        )
        async with (
            running("watch redis", lambda: health.watch(redis)),
            collecting(app, deployment, keyring, redis, registry, health),
            shop(app, deployment, keyring, redis, registry, clock, projects=number == 0),
            network(app, deployment, keyring, redis, registry, clock, projects=number == 0),
        ):
            if config.role in ("all", "query"):
                answering(app, deployment, keyring, redis, registry)
            yield app


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """A client, of one server or of a cluster, that never retries by itself: a write retried after a lost reply would
    count twice.

    It has no time limit either, for each caller has its own. The client's would be an `asyncio.wait_for`, which on
    Python 3.11 loses a cancellation that arrives as a write ends: one in fifteen, and the worker then never stops.
    """
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_timeout": None}
    async with Cluster(url, **options) if is_cluster(url) else Redis.from_url(url, **options) as redis:
        yield redis


@asynccontextmanager
async def collecting(
    app: web.Application,
    deployment: Deployment,
    keyring: Keyring,
    redis: Redis,
    registry: CollectorRegistry,
    health: Health,
) -> AsyncIterator[None]:
    """Takes events, journals them and carries them into Redis; nothing of that where the role is another."""
    config = deployment.config
    if config.role not in ("all", "ingest"):
        yield
        return
    metrics = ingest.metrics.Metrics(registry)
    functions = Functions(redis)
    planner = deployment.planner()
    root = deployment.directory.journal
    forwarder = Forwarder(root, functions, planner, metrics, clock)
    copies = Copies(redis, config.partitions, metrics)
    await _load(functions)
    async with Journal.open(
        root,
        on_durable=forwarder.offer,
        on_damage=forwarder.note_damage,
        clock=clock,
        quota_bytes=config.journal_quota_bytes // config.workers,
    ) as journal:
        health.journal = journal
        _gauge(metrics, journal, forwarder)
        overload = Overload(config.overload_delay_ms / 1000, config.request_memory_bytes, random.random)
        pressure = Pressure(overload, journal, forwarder, metrics)
        intake = Intake(
            clock=clock,
            planner=planner,
            salt=Salt(deployment.directory.root),
            limits=Limits(Rate(config.events_per_second, config.events_burst)),
            overload=overload,
            journal=journal,
            forwarder=forwarder,
            copies=copies,
            metrics=metrics,
            ack_after_commit=config.ack == "redis",
        )
        address_of = address_reader(config.networks)
        express = app[EXPRESS] = Express(intake, {**CORS, **DECLARED}, app[inflight.KEY].change)
        collector = Collector(authorize=keyring.authorize, address_of=address_of, intake=intake, express=express)
        interpreter = Interpreter(
            dialects=[each for name, each in DIALECTS.items() if name not in config.dialects_off],
            recognise=keyring.recognise,
            status_of=problems.status_of,
            address_of=address_of,
            clock=clock,
            intake=intake,
        )

        async def stop_taking(_: web.Application) -> None:
            health.stopping = intake.stopping = True

        app.on_shutdown.append(stop_taking)
        app.add_routes([*collector.routes(), *interpreter.routes(), *tracker_routes()])
        async with (
            running("copies", copies.run),
            running("pressure", pressure.run),
            running("forwarder", lambda: forwarder.run(journal)),
        ):
            yield
            await _drain(forwarder)
        await copies.flush()


def answering(
    app: web.Application, deployment: Deployment, keyring: Keyring, redis: Redis, registry: CollectorRegistry
) -> None:
    """Answers questions, and ends live streams when the server stops."""
    metrics = query.metrics.Metrics(registry)
    partitions = deployment.config.partitions
    live = Live(redis=redis, partitions=partitions, clock=clock, metrics=metrics)
    app.add_routes(
        query_routes(
            redis=redis,
            clock=clock,
            authorize=keyring.authorize,
            identity=Identity(deployment.secret),
            partitions=partitions,
            live=live,
            metrics=metrics,
        )
    )
    app.add_routes(page_routes())
    if deployment.config.demo_shop:
        app.add_routes(demo_shop.routes(write_key=_write_key(deployment)))

    async def end_streams(_: web.Application) -> None:
        live.close()

    app.on_shutdown.append(end_streams)


def _write_key(deployment: Deployment) -> str:
    """Of the site that the demo shop's clicks go to: the shop's own, or the first. '' where it has none."""
    site = deployment.shop or deployment.sites[0]
    return next(iter(deployment.keys[site.id].write), "")


async def _as_declared(_: web.Request, response: web.StreamResponse) -> None:
    """No browser may take an answer for anything but what it says it is: texts in it come from strangers."""
    response.headers.update(DECLARED)


def _exposed(exposition: Exposition) -> list[web.RouteDef]:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await exposition.text(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/metrics", metrics)]


def _gauge(metrics: ingest.metrics.Metrics, journal: Journal, forwarder: Forwarder) -> None:
    metrics.gauge(
        "hitstream_backlog_events", "Events that are journalled and not known to be in Redis.", lambda: forwarder.behind
    )
    metrics.gauge("hitstream_journal_bytes", "Size of this worker's journal on disk.", lambda: journal.size_bytes)
    metrics.gauge(
        "hitstream_journal_quota_bytes", "Size at which the journal takes no more.", lambda: journal.quota_bytes
    )
    metrics.gauge(
        "hitstream_journal_pending_bytes", "Bytes that wait for the journal's disk.", lambda: journal.pending_bytes
    )


async def _load(functions: Functions) -> None:
    """Brings the function library up to date; where Redis is away, the first commit loads it if it is missing."""
    try:
        async with asyncio.timeout(LOAD_DEADLINE_S):
            await functions.load()
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("Redis does not answer yet", extra={"error": str(error) or type(error).__name__})


async def _drain(forwarder: Forwarder) -> None:
    try:
        async with asyncio.timeout(DRAIN_S):
            await forwarder.drain()
    except TimeoutError:
        log.warning("not all events are in Redis yet, the next start goes on", extra={"events": forwarder.behind})
