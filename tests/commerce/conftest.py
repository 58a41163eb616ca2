"""The real PostgreSQL that these tests talk to, and an empty database for each of them.

By default it is the embedded one. `HITSTREAM_TEST_POSTGRES_URL` names another server instead, whose user may create
databases; only databases whose names begin with `hitstream_test_` are touched.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.conninfo import make_conninfo

from commerce.database import Database
from commerce.migrate import migrate
from hitstream.postgres import Postgres

_numbers = count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Of the one server that a test run shares. A test that kills a server starts its own `Postgres`."""
    if url := os.environ.get("HITSTREAM_TEST_POSTGRES_URL"):
        yield url
    else:
        # What a test run writes need not outlive a power cut.
        async with Postgres(tmp_path_factory.mktemp("postgres"), fsync="off", shared_buffers="64MB") as postgres:
            yield postgres.url


async def execute(url: str, statement: sql.Composed | sql.SQL) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement)


Fresh = Callable[[str | None], Any]


@pytest.fixture(scope="session")
def fresh(postgres_url: str) -> Fresh:
    """`async with fresh(template) as url`: a database that is dropped at the end."""

    @asynccontextmanager
    async def make(template: str | None = None) -> AsyncIterator[str]:
        name = f"hitstream_test_{os.getpid()}_{next(_numbers)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        await execute(postgres_url, create)
        try:
            yield make_conninfo(postgres_url, dbname=name)
        finally:
            await execute(postgres_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    return make


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(fresh: Fresh) -> AsyncIterator[str]:
    """The name of a database with the whole schema and nothing in it."""
    async with fresh(None) as url:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await migrate(connection)
            name = connection.info.dbname
        yield name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(fresh: Fresh, template: str) -> AsyncIterator[str]:
    """The database that most tests use one after the other: emptying it is faster than copying another."""
    async with fresh(template) as url:
        yield url


EMPTY: Final = """
    DO $$ BEGIN
        EXECUTE (
            SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY CASCADE'
            FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations'
        );
        INSERT INTO locations (code, name, is_default) VALUES ('main', 'Main warehouse', true);
    END $$"""


@pytest.fixture
async def database(shared: str) -> AsyncIterator[Database]:
    """An empty shop."""
    await execute(shared, sql.SQL(EMPTY))
    async with Database(shared, currency="USD") as database:
        yield database
