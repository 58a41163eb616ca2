"""The embedded Valkey: starts, keeps what it was given, comes back, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hitstream import allocator
from hitstream.engines import Valkey
from tests.waiting import is_gone, until


def client(valkey: Valkey) -> Redis:
    return Redis.from_url(valkey.url, socket_timeout=5)


async def test_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    async with Valkey(tmp_path / "v") as valkey, client(valkey) as redis:
        pid = valkey.pid
        assert pid
        await redis.set("greeting", "hello")
    assert not psutil.pid_exists(pid)
    async with Valkey(tmp_path / "v") as valkey, client(valkey) as redis:
        assert await redis.get("greeting") == b"hello"


async def test_is_configured_for_the_promise_and_listens_on_no_port(tmp_path: Path) -> None:
    async with Valkey(tmp_path / "v") as valkey, client(valkey) as redis:
        config = await redis.config_get()
        want = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "set-max-intset-entries": "8192",
            "port": "0",
        }
        assert {name: config[name] for name in want} == want
        assert valkey.pid
        assert not [c for c in psutil.Process(valkey.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]


async def test_runs_with_the_allocator_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    async with Valkey(tmp_path / "v") as valkey:
        assert valkey.pid
        loaded = {Path(region.path).name for region in psutil.Process(valkey.pid).memory_maps()}
    assert any(name.startswith(allocator.LIBRARY) for name in loaded)


@pytest.mark.parametrize(("before", "want"), [(None, "{}"), ("", "{}"), ("/lib/other.so", "{}:/lib/other.so")])
def test_what_is_preloaded_already_stays_behind_the_allocator(before: str | None, want: str) -> None:
    environment = {"HOME": "/x"} if before is None else {"HOME": "/x", "LD_PRELOAD": before}
    found = allocator.preloading(environment)
    library = found["LD_PRELOAD"].partition(":")[0]
    assert found == {"HOME": "/x", "LD_PRELOAD": want.format(library)}
    assert Path(library).name == allocator.LIBRARY


def test_where_the_wheel_is_missing_nothing_is_preloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "PACKAGE", "no-such-package")
    assert allocator.preloading({"HOME": "/x"}) == {"HOME": "/x"}


async def test_is_started_again_when_killed(tmp_path: Path) -> None:
    async with Valkey(tmp_path / "v") as valkey:
        first = valkey.pid
        assert first
        os.kill(first, signal.SIGKILL)

        async def answers() -> bool:
            with suppress(RedisError, OSError):
                async with client(valkey) as redis:
                    return bool(await redis.ping())
            return False

        await until(answers, 30)
        assert valkey.pid != first


async def test_a_path_too_long_for_a_socket_is_served_all_the_same(tmp_path: Path) -> None:
    directory = tmp_path / ("deep" * 30)
    async with Valkey(directory) as valkey, client(valkey) as redis:
        assert await redis.ping()
        socket = Path(valkey.url.removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert not socket.parent.exists()
    assert (directory / "appendonlydir").is_dir()


SERVE = """
import asyncio, sys, pathlib
from hitstream.engines import Valkey
from tests.waiting import until
async def main():
    async with Valkey(pathlib.Path(sys.argv[1])) as valkey:
        print(valkey.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def started(directory: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a Valkey, and that Valkey's pid."""
    owner = subprocess.Popen([sys.executable, "-c", SERVE, str(directory)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner.stdout:
        return owner, int(owner.stdout.readline())


async def test_ends_with_its_owner_even_when_that_is_killed(tmp_path: Path) -> None:
    owner, pid = started(tmp_path / "v")
    owner.kill()
    owner.wait()
    await until(lambda: is_gone(pid), 30)


async def test_one_left_behind_is_ended_before_another_starts(tmp_path: Path) -> None:
    owner, pid = started(tmp_path / "v")
    os.kill(pid, signal.SIGSTOP)  # so that it cannot follow its owner
    owner.kill()
    owner.wait()
    async with Valkey(tmp_path / "v") as valkey, client(valkey) as redis:
        assert valkey.pid != pid
        assert await redis.ping()
        await until(lambda: is_gone(pid), 30)
