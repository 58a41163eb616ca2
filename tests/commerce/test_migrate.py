"""Migrations run once, forward, one process at a time, from empty and from every earlier version."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from commerce import migrate as module
from commerce.migrate import Migration, MigrationRefused, migrate, migrations


async def connect(url: str) -> AsyncConnection:
    return await AsyncConnection.connect(url, autocommit=True)


SHAPE = b"""
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION ALL SELECT tablename, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass::text, pg_get_constraintdef(oid), '', '' FROM pg_constraint WHERE conrelid > 0
    ORDER BY 1, 2"""


async def shape(connection: AsyncConnection) -> list[tuple[Any, ...]]:
    return await (await connection.execute(SHAPE)).fetchall()


async def test_from_empty_and_from_each_earlier_version_to_the_same_shape(fresh: Any, template: str) -> None:
    async with fresh(template) as url, await connect(url) as connection:
        want = await shape(connection)
    for version in range(1, len(migrations())):
        async with fresh() as url, await connect(url) as connection:
            await migrate(connection, to=version)
            rest = await migrate(connection)
            assert [migration.version for migration in rest] == list(range(version + 1, len(migrations()) + 1))
            assert await migrate(connection) == []
            assert await shape(connection) == want


async def test_of_many_that_start_at_once_one_applies_them(fresh: Any) -> None:
    async with fresh() as url:

        async def start() -> int:
            async with await connect(url) as connection:
                return len(await migrate(connection))

        done = await asyncio.gather(*(start() for _ in range(4)))
        assert sorted(done) == [0, 0, 0, len(migrations())]


async def test_what_was_applied_may_not_change(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh() as url, await connect(url) as connection:
        await migrate(connection, to=1)
        first, *rest = migrations()
        monkeypatch.setattr(module, "migrations", lambda: [Migration(1, first.name, first.sql + "--"), *rest])
        with pytest.raises(MigrationRefused, match="0001_catalogue was changed"):
            await migrate(connection)
        monkeypatch.setattr(module, "migrations", list)
        with pytest.raises(MigrationRefused, match="version 1, newer"):
            await migrate(connection)


async def test_one_that_fails_leaves_nothing_of_itself(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [Migration(1, "0001_a", "CREATE TABLE a ()"), Migration(2, "0002_b", "CREATE TABLE b (); SELECT 1 / 0")]
    monkeypatch.setattr(module, "migrations", lambda: broken)
    async with fresh() as url, await connect(url) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await migrate(connection)
        found = await connection.execute("SELECT to_regclass('a') IS NOT NULL, to_regclass('b') IS NOT NULL")
        assert await found.fetchone() == (True, False)


async def test_every_foreign_key_has_an_index(fresh: Any, template: str) -> None:
    async with fresh(template) as url, await connect(url) as connection:
        found = await connection.execute("""
            SELECT conrelid::regclass::text, conname FROM pg_constraint
            WHERE contype = 'f' AND NOT EXISTS (
                SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1]
            )""")
        # The default location, the few categories and brands: nobody deletes them by the million.
        assert await found.fetchall() == []
