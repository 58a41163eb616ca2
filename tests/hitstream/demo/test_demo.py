"""`hitstream demo` against a real server, and with one of its own: what it says it sent is what is counted."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from hitstream.cli import main
from tests.endtoend.serving import Server, serving
from tests.waiting import until

TYPES = ("page_view", "conversion", "error", "event")


async def started(*options: str, **environment: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "hitstream", "demo", *options]
    return await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1, env={**os.environ, **environment})


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert err.decode() == ""
    return process.returncode or 0, out.decode()


def accepted(said: str) -> dict[str, int]:
    """What the last line but one tells, by type."""
    found = {type_: int(count.replace(",", "")) for count, type_ in re.findall(r"([\d,]+) (\w+(?: \w+)?)s[,)]", said)}
    return {type_: found.get(type_.replace("_", " "), 0) for type_ in TYPES}


async def counted(server: Server) -> dict[str, int]:
    async def count(type_: str) -> int:
        answer: Any = await server.ask("/v1/metrics/timeseries", metric=f"{type_}s", interval="day", days="10")
        return sum(point["count"] for point in answer["points"])

    return {type_: await count(type_) for type_ in TYPES}


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_a_bounded_run_into_a_server_that_is_there(tmp_path: Path) -> None:
    options = ("--days", "2", "--rate", "0.03", "--minutes", "0.01", "--seed", "7")
    async with serving(tmp_path / "data", HITSTREAM_SITES_DEMO_ZONE="Asia/Kolkata") as server:
        process = await started("--url", server.url, "--key", server.key("server"), *options)
        status, said = await ended(process)
        assert status == 0, said
        assert "0 refused" in said
        assert "The seed was 7." in said
        told = accepted(said)
        assert min(told.values()) > 0

        async def all_counted() -> bool:
            return await counted(server) == told

        await until(all_counted)


async def test_what_is_refused_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        process = await started(
            "--url", server.url, "--key", "hs_nobody", "--days", "1", "--rate", "0.01", "--minutes", "0"
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert err.decode() == "\rrefused: the key is not known\x1b[K\n"
    assert "0 events accepted" in out.decode()
    assert "times: unauthorized: the key is not known" in out.decode()


async def test_it_ends_though_its_server_is_away() -> None:
    process = await started("--url", "http://127.0.0.1:9", "--key", "hs_nobody")
    assert process.stdout
    await process.stdout.readuntil(b"Ctrl-C ends it.\n")
    process.send_signal(signal.SIGINT)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "times: unsent: " in out.decode()


async def test_a_shop_of_its_own_until_it_is_told_to_end(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    options = ("--data-dir", str(directory), "--port", "0", "--days", "1", "--rate", "0.1", "--seed", "1")
    process = await started(*options, HITSTREAM_SHOP="")
    try:
        assert process.stdout
        said = (await process.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()
        server = Server(directory)
        server.url = re.search(r"live page +(\S+)/#key=hr_", said)[1]  # type: ignore[index]
        assert f"{server.url}/demo/" in said

        async def is_booked() -> bool:
            """Orders come from the stream, and what they sold is found in euros."""
            try:
                found = await server.ask("/v1/commerce/products", q="bowl")
            except AssertionError:  # a 503: the shop's database is being set up
                return False
            text = await server.text("/metrics")
            return found["total"] > 0 and bool(re.search(r"^hitstream_commerce_orders_total [1-9]", text, re.MULTILINE))

        await until(is_booked, 60)
        page = await server.text("/demo/products/fog-bowl")
        assert server.key("write") in page
        children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(signal.SIGINT)
        status, rest = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert status == 0, rest
    assert " 0 refused." in rest
    await until(lambda: not any(map(lives, children)))
    assert (directory / "demo.json").exists()
    assert not (directory / "ready.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--url", "http://127.0.0.1:9"), "--url: needs a server key of that server too, as --key or $HITSTREAM_KEY"),
        (("--key", "hs_x"), "--key: goes with --url; the demo knows the keys of a server of its own"),
        (("--days", "31"), "argument --days: must be 0 to 30, not 31"),
        (("--rate", "fast"), "argument --rate: invalid number value: 'fast'"),
    ],
)
def test_misuse_is_told(options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["demo", *options])
    except SystemExit as ended:  # argparse's own
        status = int(ended.code or 0)
    assert status == 2
    assert capsys.readouterr().err.rstrip().endswith(said)
