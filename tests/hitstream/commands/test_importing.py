"""`hitstream import` against a running server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.endtoend.serving import Server, serving
from tests.hitstream.test_serve import run
from tests.waiting import until

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path / "data") as server:
        yield server


async def bring(server: Server, file: Path, *options: str) -> tuple[int, str]:
    status, out, err = await run("import", str(file), "--data-dir", str(server.directory), *options)
    return status, out + err


async def counted(server: Server, stream: str, events: int) -> None:
    """Returns when as many events are in the stream; fails where there are more."""
    async with server.redis() as redis:

        async def are_there() -> bool:
            return int(await redis.xlen(f"{{p0}}:{stream}")) >= events

        await until(are_there, 60)
        assert await redis.xlen(f"{{p0}}:{stream}") == events


async def test_rows_become_events_and_faults_are_told_by_line(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(
        "visitor,action,when\nann,signup,2024-03-13 10:00\nbob,,2024-03-13 10:01\nann,login\ncarl,login,yesterday\n"
        "dora,login,2024-03-13 10:04\n"
    )
    mapping = ("--type", "event", "--map", "user_id=visitor,name=action", "--map", "timestamp=when")
    status, said = await bring(server, file, *mapping)
    assert status == 1
    assert said.splitlines()[:3] == [
        "line 3: name is required",
        "line 4: has 2 columns where 3 are named",
        "line 5: timestamp: 'yesterday' is not an ISO 8601 time; see --time-format",
    ]
    assert said.endswith("5 rows: 2 events accepted, 1 refused, 2 rows without an event\n")
    await counted(server, "user_events", 2)

    assert "was imported before" in (await bring(server, file, *mapping))[1]
    await bring(server, file, *mapping, "--again")
    await counted(server, "user_events", 2)  # the same ids


async def test_a_killed_import_goes_on_and_counts_nothing_twice(server: Server, tmp_path: Path) -> None:
    rows = 40_000
    file = tmp_path / "pages.csv"
    file.write_text("page_url,user_id\n" + "".join(f"https://shop.example/{n % 50},u{n % 99}\n" for n in range(rows)))
    options = (str(file), "--data-dir", str(server.directory), "--type", "page_view")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "hitstream", "import", *options)
    await until(lambda: list((server.directory / "imports").glob("pages.csv.*")))
    process.kill()
    await process.wait()
    status, said = await bring(server, file, *options[3:])
    assert status == 0
    assert "Went on after the first " in said
    assert said.endswith(f"{rows:,} rows: {rows:,} events accepted, 0 refused, 0 rows without an event\n")
    await counted(server, "page_views", rows)


async def test_ndjson_needs_no_mapping(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(
        '{"type": "conversion", "conversion_type": "purchase", "value": "12.50", "user_id": 7}\n'
        '{"type": "error", "error_type": "timeout", "timestamp": 946684800000}\n'
    )
    assert (await bring(server, file))[0] == 0
    await counted(server, "conversions", 1)
    await counted(server, "errors", 1)


@pytest.mark.parametrize(
    ("options", "status", "why"),
    [
        (("--map", "user=a"), 2, "--map user=a: an event has no field 'user'"),
        (("--map", "user_id"), 2, "--map user_id: must be FIELD=COLUMN"),
        (("--zone", "Mars"), 2, "--zone: no time zone is called 'Mars'"),
        (("--delimiter", "ab"), 2, "--delimiter ab: must be one character"),
        (("--site", "shop"), 2, "--site: there is no site shop; the known ones are demo"),
        (("--key", "hs_unknown"), 1, "the server answers 401: the key is not known"),
        (("--key", "READ"), 1, "the server answers 403: this call takes a server or write key"),
    ],
)
async def test_misuse_is_told(server: Server, tmp_path: Path, options: tuple[str, ...], status: int, why: str) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("name\nsignup\n")
    given = [server.key("read") if option == "READ" else option for option in options]
    assert (await bring(server, file, "--type", "event", *given))[0] == status
    assert why in (await bring(server, file, "--type", "event", *given))[1]


async def test_a_missing_file_and_a_missing_server_are_named(tmp_path: Path) -> None:
    status, _, said = await run("import", str(tmp_path / "absent.csv"), "--url", "http://127.0.0.1:1", "--key", "hs_x")
    assert (status, said) == (1, f"hitstream: cannot read {tmp_path / 'absent.csv'}: No such file or directory\n")
    (tmp_path / "keys.toml").write_text('[sites.demo]\nserver = "hs_0123456789abcdef"\n')
    (tmp_path / "x.csv").write_text("a\n1\n")
    status, _, said = await run("import", str(tmp_path / "x.csv"), "--data-dir", str(tmp_path))
    assert status == 1
    assert said.startswith(f"hitstream: no server runs on {tmp_path}; start one with 'hitstream serve'")


ECOM = ("--type", "event", "--map", "name=event")
CDNOW = (
    "--delimiter", "space", "--type", "conversion", "--set", "conversion_type=purchase", "--time-format", "%Y%m%d",
    "--map", "user_id=customer_id,value=dollar_value,timestamp=date",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "stream", "rows"),
    [("ecom.csv.gz", ECOM, "user_events", 31_106), ("cdnow.txt.gz", CDNOW, "conversions", 69_659)],
)
async def test_real_files_are_taken_to_the_last_row(
    server: Server, name: str, options: tuple[str, ...], stream: str, rows: int
) -> None:
    file = DATA / name
    if not file.exists():
        pytest.skip(f"{name} is not here")
    status, said = await bring(server, file, *options)
    assert (status, said) == (0, f"{rows:,} rows: {rows:,} events accepted, 0 refused, 0 rows without an event\n")
    await counted(server, stream, rows)
