"""The network's MongoDB: one client, rows as frozen structs, a deadline on every command, and what the server can do.

    async with Database(url) as database:
        posts = await database.find(Post, POSTS, {"user_id": "ada"}, index=POSTS_OF_AUTHOR, limit=20)

A row's struct says what is read: its fields are the projection, so that nothing else leaves the server. Writing is
done inside `working` or `transaction`, which give the driver's own database and translate its failures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC
from functools import cache
from typing import Any, Final, Self, TypeVar

import msgspec
import pymongo
from msgspec import Struct, inspect
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from .capabilities import Capabilities, probe
from .errors import NetworkUnavailable
from .schema import Collection, Index

log = logging.getLogger(__name__)

NAME: Final = "hitstream"  # of the database where the URL names none
READ_S: Final = 2.0  # the slowest read should take a tenth of it; an asker who waits longer is better told so
WORK_S: Final = 60.0  # what writes, or counts everything anew, in one command
PROBE_S: Final = 10.0  # a dozen commands, some of which make an index
PATIENCE_S: Final = 0.2  # before a task is cancelled again
POOL_SIZE: Final = 16

# A server that is being set up, or the wrong one: Unauthorized, AuthenticationFailed; IndexNotFound and
# NoQueryExecutionPlans, where a text or a place is looked for before `social.migrate` has made their indexes.
_NOT_READY: Final = frozenset({13, 18, 27, 291})

Document = dict[str, Any]
Handle = AsyncDatabase[Document]
T = TypeVar("T", bound=Struct)


class Database:
    """One client. The database is the one that `url` names, or `NAME`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: AsyncMongoClient[Document] | None = None
        self._capabilities: Capabilities | None = None
        self._probing: asyncio.Task[Capabilities | None] | None = None

    async def __aenter__(self) -> Self:
        """Does not wait for MongoDB: while it is away, questions are told so.

        One connection is always kept, and made without an asker's deadline: on a busy machine, to be let in may take
        longer than that, and no asker would ever be.
        """
        self._client = AsyncMongoClient(
            self.url, tz_aware=True, tzinfo=UTC, timeoutMS=int(READ_S * 1000), minPoolSize=1, maxPoolSize=POOL_SIZE,
            appname="hitstream",
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._probing and not self._probing.done():  # more than once: what it waits for may lose a cancellation
            self._probing.cancel()
            await asyncio.wait({self._probing}, timeout=PATIENCE_S)
        client, self._client = self._client, None
        if client:
            await client.close()

    @property
    def handle(self) -> Handle:
        """The driver's own. Its commands end after `READ_S`, unless they are in a block of `working`."""
        assert self._client
        return self._client.get_default_database(NAME)

    async def capabilities(self) -> Capabilities:
        """What the server can do, found out once, by one of those who ask. Raises `NetworkUnavailable`."""
        if self._capabilities is None:
            if self._probing is None or self._probing.done():
                self._probing = asyncio.create_task(self._probe(), name="probe mongodb")
            # It goes on when its asker has lost patience: the next one finds it done.
            await asyncio.wait({self._probing}, timeout=READ_S)
            self._capabilities = self._probing.result() if self._probing.done() else None
            if self._capabilities is None:
                raise NetworkUnavailable
        return self._capabilities

    async def _probe(self) -> Capabilities | None:
        """None where the server does not answer."""
        try:
            async with self.working(PROBE_S) as handle:
                found = await probe(handle)
        except NetworkUnavailable:
            return None
        log.info("the network's database", extra=msgspec.structs.asdict(found))
        return found

    async def find(
        self,
        row: type[T],
        collection: Collection,
        filter_: Mapping[str, Any],
        *,
        index: Index,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
    ) -> list[T]:
        """The rows that match. `index` is the one that is meant to find them. Raises `NetworkUnavailable`."""
        with _translated(collection.name):
            cursor = self.handle[collection.name].find(filter_, projection(row), limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            return msgspec.convert(await cursor.to_list(), list[row])  # type: ignore[valid-type]

    async def find_one(
        self, row: type[T], collection: Collection, filter_: Mapping[str, Any], *, index: Index
    ) -> T | None:
        found = await self.find(row, collection, filter_, index=index, limit=1)
        return found[0] if found else None

    async def aggregate(
        self, row: type[T], collection: Collection, pipeline: Sequence[Mapping[str, Any]], *, index: Index
    ) -> list[T]:
        """The rows that a pipeline makes; its last stage should be `{"$project": projection(row)}` or make no more.

        Raises `NetworkUnavailable`.
        """
        with _translated(collection.name):
            cursor = await self.handle[collection.name].aggregate(list(pipeline))
            return msgspec.convert(await cursor.to_list(), list[row])  # type: ignore[valid-type]

    @asynccontextmanager
    async def working(self, seconds: float = WORK_S) -> AsyncIterator[Handle]:
        """The driver's database for commands that may take their time, `seconds` for all together.

        Raises `NetworkUnavailable`.
        """
        with _translated("work"), pymongo.timeout(seconds):
            yield self.handle

    @asynccontextmanager
    async def transaction(self, session: AsyncClientSession, seconds: float = WORK_S) -> AsyncIterator[Handle]:
        """What is written in the block is there at its end, or not at all; every command in it must name the session.

        Only where the server has transactions. Raises `NetworkUnavailable`.
        """
        async with self.working(seconds) as handle, await session.start_transaction():
            yield handle

    def session(self) -> AsyncClientSession:
        """To be ended by whoever asks for it."""
        assert self._client
        return self._client.start_session()


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """pymongo's ways to say that the server does not answer, as ours."""
    try:
        yield
    except PyMongoError as error:
        if not unavailable(error):
            raise
        log.warning("mongodb did not answer", extra={"collection": what, "error": str(error)[:300]})
        raise NetworkUnavailable from error


def unavailable(error: PyMongoError) -> bool:
    """Whether the server could not be asked, or not in time; anything else is a mistake of ours."""
    if isinstance(error, OperationFailure) and error.code in _NOT_READY:
        return True
    return isinstance(error, ConnectionFailure) or error.timeout


@cache
def projection(row: type[Struct]) -> Mapping[str, int]:
    """The paths of a struct's fields, as MongoDB takes them."""
    info = inspect.type_info(row)
    assert isinstance(info, inspect.StructType)
    found = dict.fromkeys(_paths(info), 1)
    return found if "_id" in found else {"_id": 0, **found}


def _paths(info: inspect.StructType) -> list[str]:
    found: list[str] = []
    for each in info.fields:
        inner = each.type
        if isinstance(inner, inspect.UnionType):
            inner = next(one for one in inner.types if not isinstance(one, inspect.NoneType))
        if isinstance(inner, inspect.StructType):
            found += [f"{each.encode_name}.{path}" for path in _paths(inner)]
        else:
            found.append(each.encode_name)
    return found
