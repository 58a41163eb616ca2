"""A cluster of servers, spoken to as if it were one: a `Redis` that finds the server of each command.

    redis+cluster://user:password@a:6379,b:6379      some of its servers; the others are learned from them
    rediss+cluster://...                             the same over TLS

It relies on what `store.keys` promises: a key begins with its partition's tag {pN}, so all keys of a command lie in one
slot, and so do those of a pipeline that asks about one site. A command without a key goes to every primary; the first
one's reply counts, and any one's failure.

Nothing is sent twice but what certainly did not run: a server that says MOVED or ASK has refused, and the command goes
where it says. After anything else (a lost connection, a caller whose deadline passed) the caller decides, and the next
command first waits until the server answers again or another owns the slot. A failure touches the slots of its server
only. One that hangs says nothing at all: so the map is looked at all the time, and who waits for a server that was
replaced waits no longer.

The client library has a cluster client too. This is not it, because that one (8.1) asks the server which arguments of
a function are keys, and for that sends them all, twice: each commit travels three times. It sends ASKING and a command
on two connections; where it may not retry, its pipelines never learn of a failover; it runs each command of a
transaction in a thread and an event loop of its own; and one server's failure makes it drop the connections to all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - the library's, which is no OSError
    MovedError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

Address = tuple[str, int]
Command = tuple[tuple[Any, ...], Mapping[str, Any]]  # what a pipeline of the library holds: arguments and options

SCHEMES: Final = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
PORT: Final = 6379
ANSWER_S: Final = 0.5  # a server that needs longer to say who owns what, or that it is there, is passed over
ASK_AGAIN_S: Final = 0.1  # so soon a failover is noticed by those who wait for it
WATCH_S: Final = 0.5  # between two looks at who owns what; costs a server a reply of about a kilobyte
REDIRECTIONS: Final = 5  # in a row: then the servers do not agree yet, and the caller had better wait


def is_cluster(url: str) -> bool:
    return urlsplit(url).scheme in SCHEMES


def seeds(url: str) -> list[Address]:
    """The servers that a URL names. Raises ValueError where it names none, or one that cannot be."""
    found = []
    for place in urlsplit(url).netloc.rpartition("@")[2].split(","):
        server = urlsplit(f"//{place}")
        if not server.hostname:
            raise ValueError(f"{place!r} is no host:port")
        found.append((server.hostname, server.port or PORT))
    return found


def slot_of(args: Sequence[Any]) -> int | None:
    """The slot of a command's first key; None where it has none."""
    for arg in args[1:]:
        if isinstance(arg, str) and arg.startswith("{p"):
            return _slot(arg[: arg.index("}") + 1])
        if isinstance(arg, bytes) and arg.startswith(b"{p"):
            return _slot(arg[: arg.index(b"}") + 1].decode())
    return None


async def _run(server: Redis, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    return await server.execute_command(*args, **options)  # type: ignore[no-untyped-call]  # it is not, there


@lru_cache(maxsize=2_048)
def _slot(tag: str) -> int:
    return key_slot(tag.encode())


class Cluster(Redis):
    """`options` are those of `Redis.from_url`, for the client of each server; it must not retry by itself.

    What needs a connection of its own to keep is not offered: WATCH and subscriptions.
    """

    def __init__(self, url: str, **options: Any) -> None:
        """Raises ValueError as `seeds`."""
        super().__init__()
        self._url = urlsplit(url)
        self._options = options
        self._known = seeds(url)
        self._seeds = tuple(self._known)
        self._clients: dict[Address, Redis] = {}
        self._owners: dict[int, Address] = {}
        self._doubted: set[Address] = set()
        self._waits: dict[Address, set[asyncio.Timeout]] = {}
        self._learning = asyncio.Lock()
        self._learned = 0
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._keep_learning(), name="watch the cluster")
        return await super().__aenter__()

    async def primaries(self) -> dict[Address, Redis]:
        """A client of each server that owns slots."""
        if not self._owners or self._doubted:
            await self._learn()
        return {address: self._client(address) for address in dict.fromkeys(self._owners.values())}

    async def owner(self, key: str) -> Address:
        """The server that has the key."""
        slot = slot_of(("", key))
        assert slot is not None
        return await self._owner(slot)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        slot = slot_of(args)
        if slot is None:
            return await self._everywhere(args, options)
        try:
            return await self._on_owner(slot, lambda server: _run(server, args, options))
        except MovedError:
            raise
        except AskError as elsewhere:
            return await self._asking(elsewhere, args, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> _Pipeline:
        return _Pipeline(self, transaction)

    async def run_pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Replies and errors in the order of the commands; one round trip a slot."""
        replies: list[Any] = [None] * len(commands)
        slots: dict[int | None, list[int]] = {}
        for position, (args, _) in enumerate(commands):
            slots.setdefault(slot_of(args), []).append(position)
        await asyncio.gather(*(self._part(slot, commands, those, replies) for slot, those in slots.items()))
        return replies

    async def run_transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Replies in the order of the commands, which are all of one slot. While that moves key by key, it fails."""
        [slot] = {slot_of(args) for args, _ in commands}
        assert slot is not None

        async def run(server: Redis) -> Any:
            async with server.pipeline(transaction=True) as pipe:
                pipe.command_stack = list(commands)
                return await pipe.execute()

        replies: list[Any] = await self._on_owner(slot, run)
        return replies

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.wait((self._watch,))
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.aclose() for client in clients.values()))
        await super().aclose(close_connection_pool)

    async def _part(
        self, slot: int | None, commands: Sequence[Command], positions: Sequence[int], replies: list[Any]
    ) -> None:
        """Puts the replies to the commands at `positions`, all of one slot, in their places."""
        if slot is None:
            raise ResponseError("a pipeline of commands without a key has no server to go to")
        address = await self._owner(slot)
        async with self._waiting_for(address), self._client(address).pipeline(transaction=False) as pipe:
            pipe.command_stack = [commands[position] for position in positions]
            found = await pipe.execute(raise_on_error=False)
        for position, reply in zip(positions, found, strict=True):
            replies[position] = reply
            if isinstance(reply, AskError):  # MOVED is one too: it did not run
                args, options = commands[position]
                try:
                    replies[position] = await self.execute_command(*args, **options)
                except RedisError as error:
                    replies[position] = error

    async def _on_owner(self, slot: int, call: Callable[[Redis], Awaitable[Any]]) -> Any:
        """Runs `call` on the server that owns the slot, whichever says that it does. Raises `AskError`."""
        for _ in range(REDIRECTIONS):
            address = await self._owner(slot)
            try:
                async with self._waiting_for(address):
                    return await call(self._client(address))
            except MovedError as moved:
                self._owners[slot] = (moved.host or address[0], moved.port)
        raise ClusterDownError(f"the servers do not agree on who owns slot {slot}")

    async def _asking(self, elsewhere: AskError, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """One command on the server that its slot is moving to; ASKING holds for the next one of its connection."""
        address = (elsewhere.host, elsewhere.port)
        async with self._waiting_for(address), self._client(address).pipeline(transaction=False) as pipe:
            pipe.execute_command("ASKING")
            pipe.execute_command(*args, **options)
            return (await pipe.execute())[1]

    async def _everywhere(self, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        async def run(address: Address, server: Redis) -> Any:
            async with self._waiting_for(address):
                return await _run(server, args, options)

        servers = await self.primaries()
        replies = await asyncio.gather(*(run(*each) for each in servers.items()), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return replies[0]

    @asynccontextmanager
    async def _waiting_for(self, address: Address) -> AsyncIterator[None]:
        """What is no reply, a caller's passed deadline too, casts doubt on whether the server still owns anything.

        TimeoutError where the server is replaced meanwhile.
        """
        waits = self._waits.setdefault(address, set())
        try:
            async with asyncio.timeout(None) as wait:
                waits.add(wait)
                try:
                    yield
                finally:
                    waits.discard(wait)
        except (ClusterDownError, ReadOnlyError):
            self._doubted.add(address)
            raise
        except ResponseError:
            raise
        except BaseException:
            self._doubted.add(address)
            raise

    async def _owner(self, slot: int) -> Address:
        """Waits, as long as the caller does, where the owner neither answers nor is replaced yet."""
        while slot not in self._owners or self._owners[slot] in self._doubted:
            await self._learn()
            owner = self._owners.get(slot)
            if owner is None:
                raise ClusterDownError(f"no server owns slot {slot}")
            if owner in self._doubted and not await self._is_well(owner):
                await asyncio.sleep(ASK_AGAIN_S)
        return self._owners[slot]

    async def _is_well(self, address: Address) -> bool:
        """Whether a doubted server answers after all."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await _run(self._client(address), ("PING",), {})
        except (RedisError, OSError, TimeoutError):
            return False
        self._doubted.discard(address)
        return True

    async def _learn(self) -> None:
        """Asks who owns what, one server after the other until one answers; those that seem well come first."""
        learned = self._learned
        async with self._learning:
            if self._learned != learned:
                return  # another command asked while this one waited
            random.shuffle(self._known)
            places = dict.fromkeys([*self._known, *self._seeds])
            failure: Exception | None = None
            for address in sorted(places, key=self._doubted.__contains__):
                try:
                    async with asyncio.timeout(ANSWER_S):
                        ranges = await _run(self._client(address), ("CLUSTER", "SLOTS"), {})
                except (RedisError, OSError, TimeoutError) as error:
                    failure = error
                    continue
                self._adopt(ranges, address)
                return
            raise ConnectionError("no server of the cluster answers") from failure

    async def _keep_learning(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await self._learn()
            except RedisError:
                continue  # whoever needs an answer now gets the error
            for address in self._waits.keys() - set(self._owners.values()):
                for wait in self._waits[address]:
                    if not wait.expired():
                        wait.reschedule(asyncio.get_running_loop().time())

    def _adopt(self, ranges: Sequence[Any], asked: Address) -> None:
        """`ranges`: [first slot, last slot, [host, port, ...] of the primary, those of its replicas ...], ..."""
        owners: dict[int, Address] = {}
        known: dict[Address, None] = {}
        for first, last, *servers in ranges:
            # A server that was not told its own name leaves it out.
            places = [((host or asked[0].encode()).decode(), port) for host, port, *_ in servers]
            known |= dict.fromkeys(places)
            owners |= dict.fromkeys(range(first, last + 1), places[0])
        self._owners, self._known = owners, list(known)
        self._doubted &= known.keys()
        self._learned += 1

    def _client(self, address: Address) -> Redis:
        client = self._clients.get(address)
        if client is None:
            host, port = address
            user, at, _ = self._url.netloc.rpartition("@")
            netloc = f"{user}{at}{f'[{host}]' if ':' in host else host}:{port}"
            url = self._url._replace(scheme=SCHEMES[self._url.scheme], netloc=netloc).geturl()
            client = self._clients[address] = Redis.from_url(url, **self._options)
        return client


class _Pipeline(Pipeline):
    """Collects commands as the library's does; the cluster runs them."""

    def __init__(self, cluster: Cluster, transaction: bool) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands, self.command_stack = self.command_stack, []
        if not commands:
            return []
        if self.is_transaction:
            return await self._cluster.run_transaction(commands)
        replies = await self._cluster.run_pipeline(commands)
        for reply in replies:
            if raise_on_error and isinstance(reply, Exception):
                raise reply
        return replies
