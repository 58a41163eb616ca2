"""Whether the network's counters agree with the edges that they count.

May run beside a server; where none runs, the embedded database is started for as long as it takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from social.database import Database
from social.errors import NetworkUnavailable
from social.model import Progress
from social.recount import Drift, recount
from social.schema import BY_ID, PROGRESS

from .checkup import Finding
from .config import Config
from .datadir import DataDir, InUse
from .deployment import network_of
from .keyfile import read as read_keys
from .keyfile import sites_of
from .mongo import Mongo


async def examine_network(config: Config, *, repair: bool) -> AsyncIterator[Finding]:
    """A finding for each counter. With `repair` those that differ are put right."""
    directory = DataDir(Path(config.data_dir))
    if network_of(config, sites_of(config, read_keys(directory.keys))) is None:
        yield Finding("failed", "network", "there is none: the setting network names no site, and there are several")
        return
    async with _engine(config, directory) as url, Database(url) as database:
        try:
            await database.find_one(Progress, PROGRESS, {}, index=BY_ID)  # one that is away is told of at once
            report = await recount(database, datetime.now(UTC), repair=repair)
        except NetworkUnavailable as error:
            yield Finding("failed", "network", f"cannot be compared: {error.message}")
            return
    for drift in report.drifts:
        yield _finding(drift)


def _finding(drift: Drift) -> Finding:
    subject = f"network, {drift.counter}"
    if not drift.documents:
        return Finding("ok", subject, "agrees")
    examples = "; ".join(drift.examples)
    if drift.repaired:
        return Finding("warning", subject, f"{drift.documents:,} documents differed and were put right: {examples}")
    return Finding("failed", subject, f"{drift.documents:,} documents differ: {examples}")


@asynccontextmanager
async def _engine(config: Config, directory: DataDir) -> AsyncIterator[str]:
    """The URL of the deployment's MongoDB."""
    mongo = Mongo(directory.mongo)
    async with AsyncExitStack() as stack:
        if not config.mongo_url:
            try:
                stack.enter_context(directory.lock())
            except InUse:
                pass  # a server has it running
            else:
                await stack.enter_async_context(mongo)
        yield config.mongo_url or mongo.url
