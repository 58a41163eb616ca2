"""Real files through the whole product: what it answers is what an independent count of the file says."""

from __future__ import annotations

import asyncio
import csv
import gzip
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from tests.endtoend.serving import Server, serving
from tests.waiting import until

DATA = Path(__file__).parents[3] / "shared" / "data"
CDNOW, ECOM = DATA / "cdnow.txt.gz", DATA / "ecom.csv.gz"

pytestmark = pytest.mark.skipif(not CDNOW.exists() or not ECOM.exists(), reason=f"the real files are not in {DATA}")

CDNOW_OPTIONS = [
    "--delimiter", "space", "--type", "conversion", "--set", "conversion_type=purchase",
    "--map", "user_id=customer_id,value=dollar_value,timestamp=date", "--time-format", "%Y%m%d",
]  # fmt: skip
ECOM_OPTIONS = ["--type", "event", "--map", "name=event,user_id=user_id,session_id=session_id,timestamp=timestamp"]
STEPS = ("product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """With both files imported; nothing of the tests below changes anything."""
    async with serving(tmp_path_factory.mktemp("import") / "data") as server:
        await _import(server, CDNOW, CDNOW_OPTIONS)
        await _import(server, ECOM, ECOM_OPTIONS)
        await _settled(server)
        yield server


async def _start(server: Server, file: Path, options: list[str]) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "hitstream", "import", str(file), "--data-dir", str(server.directory), *options]
    return await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)


async def _import(server: Server, file: Path, options: list[str]) -> str:
    process = await _start(server, file, options)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode() + output.decode()
    return output.decode()


async def _settled(server: Server) -> None:
    """Returns when all that was acknowledged is in Redis."""

    async def is_drained() -> bool:
        return "hitstream_backlog_events 0.0" in await server.text("/metrics")

    await until(is_drained, 120)


# What the files say, counted without any of the product's code


def _purchases() -> list[tuple[str, date, Decimal]]:
    """(customer, day, dollars)"""
    with gzip.open(CDNOW, "rt") as file:
        next(file)
        rows = [line.split() for line in file]
    return [(row[0], date(int(row[1][:4]), int(row[1][4:6]), int(row[1][6:])), Decimal(row[3])) for row in rows]


def _clicks() -> dict[str, list[tuple[str, str]]]:
    """user -> [(time, event)] in order"""
    users: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with gzip.open(ECOM, "rt", newline="") as file:
        for row in csv.DictReader(file):
            users[row["user_id"]].append((row["timestamp"], row["event"]))
    return {user: sorted(events) for user, events in users.items()}


def _reached(events: list[tuple[str, str]], window: timedelta) -> int:
    """How many of STEPS a user took in order within the window of a first one: every beginning is tried.

    Events of equal time are sorted by their steps, so they count as in order.
    """
    times = sorted((datetime.fromisoformat(at), STEPS.index(event)) for at, event in events if event in STEPS)
    best = 0
    for begin, (start, step) in enumerate(times):
        if step:
            continue
        reached = 1
        for at, taken in times[begin + 1 :]:
            if taken == reached and at - start <= window:
                reached += 1
        best = max(best, reached)
    return best


async def test_daily_purchases_and_revenue(server: Server) -> None:
    purchases = _purchases()
    assert len(purchases) == 69_659
    counts = Counter(day.isoformat() for _, day, _ in purchases)
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    for _, day, dollars in purchases:
        revenue[day.isoformat()] += dollars
    asked = {"interval": "day", "from": "1997-01-01T00:00:00Z", "to": "1998-12-31T00:00:00Z"}
    series = (await server.ask("/v1/metrics/timeseries", metric="conversions", **asked))["points"]
    assert {point["start"][:10]: point["count"] for point in series if point["count"]} == counts
    assert len(series) == 729
    money = (await server.ask("/v1/metrics/timeseries", metric="revenue", **asked))["points"]
    assert {point["start"][:10]: Decimal(point["count"]) for point in money if Decimal(point["count"])} == revenue
    assert sum(Decimal(point["count"]) for point in money) == sum(dollars for _, _, dollars in purchases)


async def test_unique_buyers_of_a_day_are_within_the_stated_error(server: Server) -> None:
    buyers: dict[str, set[str]] = defaultdict(set)
    for customer, day, _ in _purchases():
        buyers[day.isoformat()].add(customer)
    asked = {"metric": "conversions", "interval": "day", "from": "1997-01-01T00:00:00Z", "to": "1998-07-01T00:00:00Z"}
    for point in (await server.ask("/v1/metrics/timeseries", **asked))["points"]:
        assert point["unique_users"] == pytest.approx(len(buyers[point["start"][:10]]), rel=5 * 0.0081, abs=1)


async def test_top_users_by_value(server: Server) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for customer, _, dollars in _purchases():
        totals[customer] += dollars
    asked = {"dimension": "users", "from": "1997-01-01T00:00:00Z", "to": "1998-07-01T00:00:00Z", "limit": "50"}
    answer = await server.ask("/v1/metrics/top", **asked)
    best = sorted(totals.values(), reverse=True)[:50]
    assert [Decimal(item["count"]) for item in answer["items"]] == best
    assert all(Decimal(item["count"]) == totals[item["key"]] for item in answer["items"])
    assert answer["exact"]
    assert Decimal(answer["other"]) == sum(totals.values()) - sum(best)


@pytest.mark.parametrize("window", ["10m", "1h", "1d", "7d", "200d"])
async def test_the_funnel_over_the_whole_period(server: Server, window: str) -> None:
    span = timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[window[-1]]: int(window[:-1])})
    depths = Counter(_reached(events, span) for events in _clicks().values())
    want = [sum(users for depth, users in depths.items() if depth > step) for step in range(len(STEPS))]
    answer = await server.ask(
        "/v1/funnels",
        steps=",".join(f"event:{step}" for step in STEPS),
        window=window,
        **{"from": "2024-01-01T00:00:00Z", "to": "2024-07-01T00:00:00Z"},
    )
    assert [step["users"] for step in answer["steps"]] == want


async def test_sessions_are_those_of_the_file(server: Server) -> None:
    with gzip.open(ECOM, "rt", newline="") as file:
        sessions = {row["session_id"]: row["timestamp"][:10] for row in reversed(list(csv.DictReader(file)))}
    asked = {"metric": "sessions", "interval": "day", "from": "2024-01-01T00:00:00Z", "to": "2024-07-01T00:00:00Z"}
    points = (await server.ask("/v1/metrics/timeseries", **asked))["points"]
    assert {point["start"][:10]: point["count"] for point in points if point["count"]} == Counter(sessions.values())


async def test_an_import_that_is_killed_goes_on_and_counts_each_row_once(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        for least in (500, 5_000, 15_000):
            process = await _start(server, ECOM, ECOM_OPTIONS)
            await until(partial(_has, server, least), 60)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
        output = await _import(server, ECOM, ECOM_OPTIONS)
        assert "Went on after" in output
        await _settled(server)
        assert await _has(server, 31_105)
        assert not await _has(server, 31_106)
        output = await _import(server, ECOM, ECOM_OPTIONS)
        assert "imported before" in output


async def _has(server: Server, more_than: int) -> bool:
    async with server.redis() as redis:
        return int(await redis.xlen("{p0}:user_events")) > more_than
