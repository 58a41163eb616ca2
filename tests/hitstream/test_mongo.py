"""The embedded database of the network: lets only us in, keeps what it was given, comes back, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hitstream.mongo import HOST, Mongo
from tests.waiting import is_gone, until

Client = AsyncMongoClient[dict[str, Any]]


async def ask(url: str) -> Any:
    async with Client(url, timeoutMS=5_000) as client:
        found = await client.get_default_database()["kept"].find_one({"_id": 1})
        return found and found["answer"]


async def answers(url: str, wanted: object) -> bool:
    try:
        return bool(await ask(url) == wanted)
    except PyMongoError:
        return False


SERVE = """
import asyncio, sys, pathlib
from hitstream.mongo import Mongo
async def main():
    async with Mongo(pathlib.Path(sys.argv[1])) as mongo:
        print(mongo.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def started(directory: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a server, and that server's pid."""
    owner = subprocess.Popen([sys.executable, "-c", SERVE, str(directory)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner.stdout:
        return owner, int(owner.stdout.readline())


async def test_keeps_its_data_whatever_ends_it(tmp_path: Path) -> None:
    """One story, for a server takes seconds to start and to stop."""
    directory = tmp_path / "mongo"
    async with Mongo(directory) as mongo:
        first, url = mongo.pid, mongo.url
        assert first
        assert {each.laddr.ip for each in psutil.Process(first).net_connections()} == {HOST}
        assert stat.S_IMODE((directory / "password").stat().st_mode) == 0o600
        assert Mongo(directory).url == url  # as another command finds the server that runs
        await refuses_strangers(url)
        async with Client(url) as client:
            await client.get_default_database()["kept"].insert_one({"_id": 1, "answer": 42})
        os.kill(first, signal.SIGKILL)
        await until(lambda: mongo.pid not in (None, first), 60)
        await until(lambda: answers(url, 42), 60)
        second = mongo.pid
    assert second
    assert not psutil.pid_exists(second)

    owner, left = started(directory)
    os.kill(left, signal.SIGSTOP)  # so that it cannot follow its owner
    owner.kill()
    owner.wait()
    async with Mongo(directory) as mongo:
        assert mongo.pid != left
        assert await ask(mongo.url) == 42
        await until(lambda: is_gone(left))


async def refuses_strangers(url: str) -> None:
    password = url.split("@")[0].rsplit(":", 1)[1]
    nobody = url.replace(f"hitstream:{password}@", "").replace("&authSource=admin", "")
    for other in (nobody, url.replace(password, "x")):
        async with Client(other, timeoutMS=5_000) as client:
            with pytest.raises(OperationFailure):
                await client.get_default_database()["kept"].find_one()


async def test_takes_another_port_where_the_last_one_is_taken(tmp_path: Path) -> None:
    mongo = Mongo(tmp_path)
    mongo.settle()
    before = mongo.url
    mongo._clear()
    with socket.socket() as taken:
        taken.bind((HOST, int((tmp_path / "port").read_text())))
        taken.listen()
        again = Mongo(tmp_path)
        again.settle()
        assert again.url != before
        again._clear()
