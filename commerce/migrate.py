"""Migrations: ordered files of SQL, each applied once, forward only, in a transaction of its own.

Whoever starts applies what is missing; an advisory lock lets one at a time do so, and the others then find nothing
to do. A file that was applied and has changed since is refused: what stands in the database is no longer what it says.
"""

from __future__ import annotations

import hashlib
import logging
from importlib.resources import files
from typing import Final

from msgspec import Struct
from psycopg import AsyncConnection

log = logging.getLogger(__name__)

LOCK: Final = 0x48_53_43_4D  # of the database: any number that nothing else of the product takes

_LEDGER: Final = """
    CREATE TABLE IF NOT EXISTS migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        digest text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""


class MigrationRefused(Exception):
    """The database and the files disagree; the text says where."""


class Migration(Struct, frozen=True):
    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All of them, in order. Their numbers leave no gap."""
    found = [
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text())
        for file in files(__package__).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    ]
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationRefused("the numbers of the migrations have a gap or a double")
    return found


async def migrate(connection: AsyncConnection, *, to: int | None = None) -> list[Migration]:
    """Applies what is missing, up to version `to`, and returns it. The connection must be in autocommit mode.

    Raises `MigrationRefused`; an error of PostgreSQL leaves the migrations before it in place.
    """
    await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    try:
        await connection.execute(_LEDGER)
        rows = await (await connection.execute("SELECT version, digest FROM migrations")).fetchall()
        applied: dict[int, str] = dict(rows)
        known = migrations()
        if applied and max(applied) > len(known):
            raise MigrationRefused(f"the database is at version {max(applied)}, newer than this program's {len(known)}")
        missing = []
        for migration in known[:to]:
            if migration.version not in applied:
                missing.append(migration)
            elif applied[migration.version] != migration.digest:
                raise MigrationRefused(f"{migration.name} was changed after it was applied; add a new one instead")
        for migration in missing:
            async with connection.transaction():
                await connection.execute(migration.sql.encode())
                await connection.execute(
                    "INSERT INTO migrations (version, name, digest) VALUES (%s, %s, %s)",
                    (migration.version, migration.name, migration.digest),
                )
            log.info("applied a migration", extra={"migration": migration.name})
        return missing
    finally:
        await connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
