"""The shop's PostgreSQL: a pool of connections, queries by the name of their file, rows as frozen structs.

A query's text lives in `commerce/sql/<name>.sql` and nowhere else. `{name}` in it stands for an identifier that the
caller picks from a closed set (a column to sort by); everything else is a parameter, `%(name)s`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self, TypeVar

from msgspec import Struct
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import kwargs_row
from psycopg_pool import AsyncConnectionPool

from .errors import ShopUnavailable

log = logging.getLogger(__name__)

READ_MS: Final = 2_000  # the slowest read takes 50; an asker who waits longer is better told so
WAIT_S: Final = 2.0  # for a connection of the pool
WORK_S: Final = 300  # a transaction that writes: a rebuild at a hundred times the scale that is measured

# Every plan is made for its parameters: a filter that is NULL costs nothing, a common value is not planned as a rare
# one. Planning takes a tenth of a millisecond.
_OPTIONS: Final = f"-c statement_timeout={READ_MS} -c plan_cache_mode=force_custom_plan -c timezone=UTC -c jit=off"

# What writes keeps plans: foreign keys are checked row by row by plans of their own, which took half of a booking when
# they were made anew each time. Its own statements are not prepared, and so planned for their parameters all the same:
# a plan for a few lines is quadratic in thousands.
_WRITING: Final = f"SET LOCAL statement_timeout = '{WORK_S}s'; SET LOCAL plan_cache_mode = auto"

T = TypeVar("T", bound=Struct)
Parameters = Mapping[str, object]


@cache
def text(name: str) -> str:
    """The SQL of that name."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_text()


@cache
def query(name: str, **identifiers: str) -> bytes:
    """The SQL of that name with its identifiers put in."""
    source = text(name)
    for key, value in identifiers.items():
        source = source.replace(f"{{{key}}}", f'"{value}"')
    return source.encode()


class Database:
    """One pool. `currency` is the shop's own: what prices are searched in and answers given in by default."""

    def __init__(self, url: str, *, currency: str = "USD", size: int = 8) -> None:
        self.url = url
        self.currency = currency
        # A read is a statement of its own: BEGIN and COMMIT around it would be two round trips more.
        settings = {"options": _OPTIONS, "autocommit": True}
        self._pool = AsyncConnectionPool(
            url, min_size=0, max_size=size, timeout=WAIT_S, open=False, kwargs=settings, name="commerce"
        )

    async def __aenter__(self) -> Self:
        """Asks nothing of PostgreSQL yet, which may be starting: while it is away, questions are told so."""
        await self._pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def read(self, row: type[T], name: str, parameters: Parameters, **identifiers: str) -> list[T]:
        """The rows of a query. Raises `ShopUnavailable`.

        Asked once more where the connection turns out to be one of a server that has gone.
        """
        statement = query(name, **identifiers)
        try:
            try:
                return await self._read(row, statement, parameters)
            except OperationalError as error:
                if error.sqlstate not in (None, "57P01", "57P02"):  # no answer at all, or the server was shut down
                    raise
                return await self._read(row, statement, parameters)
        except OperationalError as error:
            log.warning("postgres did not answer a question", extra={"query": name, "error": str(error)})
            raise ShopUnavailable from error

    async def read_one(self, row: type[T], name: str, parameters: Parameters) -> T | None:
        found = await self.read(row, name, parameters)
        return found[0] if found else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection inside a transaction that may take its time; committed at the end of the block."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_WRITING.encode())
                yield connection
        except OperationalError as error:
            # A statement that is cancelled with its task may end as "canceling statement": then the task, which was
            # asked to end, must not take it for a failure to be waited out.
            task = asyncio.current_task()
            if task and task.cancelling():
                raise asyncio.CancelledError from error
            raise

    async def _read(self, row: type[T], statement: bytes, parameters: Parameters) -> list[T]:
        async with self._pool.connection() as connection, connection.cursor(row_factory=kwargs_row(row)) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()


async def run(connection: AsyncConnection, name: str, parameters: Parameters) -> int:
    """Executes the SQL of that name and returns how many rows it wrote."""
    return (await connection.execute(query(name), parameters, prepare=False)).rowcount


async def rows(connection: AsyncConnection, row: type[T], name: str, parameters: Parameters) -> list[T]:
    """The rows of a query, inside a transaction."""
    async with connection.cursor(row_factory=kwargs_row(row)) as cursor:
        await cursor.execute(query(name), parameters, prepare=False)
        return await cursor.fetchall()


def columns(values: Sequence[Any], **of: str) -> dict[str, list[object]]:
    """Structs as the arrays that `unnest` takes: parameter name -> the attribute's value of each."""
    return {name: [getattr(value, attribute) for value in values] for name, attribute in of.items()}
