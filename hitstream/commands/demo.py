"""`hitstream demo`: a shop and a network full of life, to look at."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from hitstream.config import Config, ConfigError
from hitstream.demo import place
from hitstream.demo.filling import Filling, Result, Task
from hitstream.demo.place import Place
from hitstream.demo.server import DemoFailed
from hitstream.demo.shop.rendering import PREFIX
from hitstream.demo.stocking import NoShop, keep_fresh, stock
from hitstream.demo.traffic import Measures, World
from hitstream.tasks import running
from hitstream.worker import stop_on_signals

from .settings import FAILED, OK, Commands, add

DIRECTORY: Final = "demo-data"
DAYS: Final = 1
RATE: Final = 1.0


def describe(commands: Commands) -> None:
    parser = add(
        commands,
        "demo",
        run,
        help_="show a shop and a network full of life",
        data_dir=DIRECTORY,
        description=f"""Fill a server with made-up traffic: visits to a small shop, orders and refunds, a network of
people who post and like. First comes what happened since yesterday's midnight, as fast as it goes, then what
happens now, as it happens.

Without options it runs a server of its own, with its data in ./{DIRECTORY}, and tells where to look. Started again,
it goes on where it was. Nothing is fetched from anywhere, and nobody in it is real.

    hitstream demo                                    # until Ctrl-C
    hitstream demo --minutes 5 --rate 10              # busier, and not for long
    hitstream demo --url https://stats.example --key hs_... --days 0""",
    )
    parser.add_argument("--host", help="address that its own server listens on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port that it listens on; 0 lets the system choose (default: 8080)")
    parser.add_argument("--url", help="fill this server instead; needs --key")
    parser.add_argument("--key", help="server key of that server (default: $HITSTREAM_KEY)")
    parser.add_argument(
        "--days", type=_within(int, 0, 30), default=DAYS, metavar="N", help=f"history before today (default: {DAYS})"
    )
    parser.add_argument(
        "--rate", type=_within(float, 0.001, 1_000), default=RATE, metavar="R",
        help=f"events a second, on average (default: {RATE:g})",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=_within(float, 0, 1_000_000), metavar="M", help="live traffic (default: until Ctrl-C)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed makes the same traffic (default: any)")


def run(config: Config, options: argparse.Namespace) -> int:
    if options.url and not (options.key or os.environ.get("HITSTREAM_KEY")):
        raise ConfigError("--url: needs a server key of that server too, as --key or $HITSTREAM_KEY")
    if options.key and not options.url:
        raise ConfigError("--key: goes with --url; the demo knows the keys of a server of its own")
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    return asyncio.run(_demo(config, options, Measures(rate=options.rate, seed=seed)))


async def _demo(config: Config, options: argparse.Namespace, measures: Measures) -> int:
    stop = stop_on_signals()
    async with AsyncExitStack() as stack:
        if options.url:
            filled = place.elsewhere(options.url, options.key or os.environ["HITSTREAM_KEY"])
        else:
            print("Starting a server ...", flush=True)
            filled = await stack.enter_async_context(place.here(config, options.config, stop))
        print(_where(filled), flush=True)
        now = datetime.now(filled.zone)
        start = place.start(filled, now, options.days)
        if filled.postgres:
            await _unless(stop, _stock(filled, measures, start, now))
            refreshing = partial(keep_fresh, filled.postgres, filled.currency)
            await stack.enter_async_context(running("snapshots", refreshing))
        result = await Filling(_task(filled, measures, start, options.minutes), stop).run()
        place.note(filled, result.until_ms)
        print(_told(result, measures.seed), flush=True)
    return FAILED if result.refused else OK


def _task(filled: Place, measures: Measures, start: datetime, minutes: float | None) -> Task:
    start_ms = int(start.timestamp() * 1000)
    parts = urlsplit(filled.url)
    world = World(
        origin=f"{parts.scheme}://{parts.netloc}",
        run=f"{measures.seed:x}-{start_ms // 1000:x}",
        zone=filled.zone,
        books=bool(filled.postgres),
    )
    live_s = None if minutes is None else minutes * 60
    return Task(filled.url, filled.key, measures, world, start_ms, live_s)


async def _stock(filled: Place, measures: Measures, start: datetime, now: datetime) -> None:
    try:
        await stock(filled.postgres, filled.currency, measures.orders_per_day, start.astimezone(UTC), now)
    except NoShop as error:
        raise DemoFailed(f"the shop's database did not come: {error}") from error


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Awaits the work, or gives it up when all is to stop."""
    working, stopping = asyncio.create_task(work, name="stock"), asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        while not working.done():  # more than once: what it waits for may lose a cancellation
            working.cancel()
            await asyncio.wait({working}, timeout=1)
    if not working.cancelled():
        working.result()


def _where(filled: Place) -> str:
    if filled.read:
        lines = [
            f"    live page    {filled.url}/#key={filled.read}",
            f"    the shop     {filled.url}{PREFIX}/  (your own clicks count, too)",
            f"    its API      {filled.url}/docs",
        ]
    else:
        lines = [f"    live page    {filled.url}/  (it asks for a read key)"]
    return "\n".join(["", "The demo is on its way. Look at it:", "", *lines, "", "Ctrl-C ends it.", ""])


def _told(result: Result, seed: int) -> str:
    parts = ", ".join(f"{count:,} {type_.replace('_', ' ')}s" for type_, count in sorted(result.sent.items()))
    lines = [f"{result.sent.total():,} events accepted ({parts or 'none'}), {result.refused.total():,} refused."]
    lines += [f"    {count:,} times: {reason}" for reason, count in result.refused.most_common(5)]
    return "\n".join([*lines, f"The seed was {seed}."])


def _within(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be {least:g} to {most:g}, not {text}")
        return value

    parse.__name__ = "number"  # argparse calls it so where the text is none
    return parse
