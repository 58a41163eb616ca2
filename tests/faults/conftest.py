"""Every fault of docs/runbook.md is caused for real. Where:

    Redis killed, its file cut short             endtoend/test_kill.py
    stopped (SIGSTOP), memory bounded            faults/test_server.py
    a black hole, cut lines, lost replies, full  ingest/test_lane.py
    slow, loading, read-only, failing over       faults/test_redis.py
    empty; an older copy; away for long          ingest/test_lane.py; faults/test_redis.py; faults/test_long_outage.py
    a key of the wrong type                      store/test_commit.py
    no function library                          ingest/test_lane.py
    the server killed; a worker of two           endtoend/test_kill.py; faults/test_server.py
    an orphan, a torn tail, a flipped bit, gaps  ingest/test_lane.py, ingest/test_journal_orphan.py
    a full disk                                  faults/test_disk.py; at every byte: ingest/test_journal_faults.py
    syncs that fail or wait                      faults/test_disk.py; each call: ingest/test_journal_faults.py
    SIGTERM                                      faults/test_server.py
    idle and slow connections                    faults/test_server.py, ingest/test_http.py, query/test_live.py
    a clock that is off                          faults/test_clock.py
    all of that in any order                     simulation/

Here is what these tests share: a way past the client to the shared Redis, for a proxy to stand on.
"""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import UnixDomainSocketConnection

from tests.proxy import Connect


@pytest.fixture
def reach(redis: Redis) -> Connect:
    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = redis.connection_pool.connection_kwargs
        if issubclass(redis.connection_pool.connection_class, UnixDomainSocketConnection):
            return await asyncio.open_unix_connection(settings["path"])
        return await asyncio.open_connection(settings["host"], settings["port"])

    return connect
