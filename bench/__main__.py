"""python -m bench [NAME...] [--quick] [--runs N] [--workers N] [--outage SECONDS] [--json PATH] [--dir DIRECTORY]

Runs the measures that are named, or all, one after the other, and prints their figures beside their targets.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from . import batch, funnel, memory, outage, overload, paced, plots, report, single, sizes
from .figures import Figure
from .machine import Weather, describe
from .processes import ROOT
from .report import Report
from .stage import Bench

QUICK: Final = 0.1

Measure = Callable[[Bench], Awaitable[list[Figure]]]

MEASURES: Final[dict[str, tuple[str, Measure]]] = {
    "single": ("B1 B3", single.measure),
    "batch": ("B2 B7", batch.measure),
    "paced": ("B4 B5", paced.measure),
    "funnel": ("B6", funnel.measure),
    "memory": ("B7", memory.measure),
    "outage": ("B8", outage.measure),
    "sizes": ("C1", sizes.measure),
    "overload": ("O1 O2 O3 O4", overload.measure),
}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the targets of the design on this machine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}, or an id; all by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, one run: tries the bench itself")
    parser.add_argument("--runs", type=int, default=3, help="interleaved rounds, of which the median counts (3)")
    parser.add_argument("--workers", type=int, default=1, help="of the product, and of what it is compared with (1)")
    parser.add_argument("--outage", type=float, default=60, metavar="SECONDS", help="how long Valkey is away (60)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where the report goes (bench/results/DATE.json)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build", help="where the journals are written (build)")
    chosen = parser.parse_args(arguments)
    try:
        chosen.measures = measures(chosen.names)
    except ValueError as error:
        parser.error(str(error))
    return chosen


def measures(names: list[str]) -> list[Measure]:
    """Those that a name or an id asks for, in the order of the table; all where there is none. Raises ValueError."""
    for name in names:
        if not any(name == known or name in ids.split() for known, (ids, _) in MEASURES.items()):
            raise ValueError(f"unknown measure {name!r}; the known ones are {', '.join(MEASURES)}")
    return [
        measure
        for known, (ids, measure) in MEASURES.items()
        if not names or any(name == known or name in ids.split() for name in names)
    ]


async def run(chosen: argparse.Namespace) -> Report:
    chosen.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.dir) as root:
        runs = 1 if chosen.quick else chosen.runs
        bench = Bench(Path(root), runs, chosen.workers, chosen.outage, QUICK if chosen.quick else 1.0)
        machine = await describe(bench.root)
        weather = Weather()
        found: list[Figure] = []
        for measure in chosen.measures:
            print(f"{time.strftime('%H:%M:%S')} {measure.__module__}", file=sys.stderr)
            found += await measure(bench)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    others, found = weather.others(), sorted(found, key=lambda each: each.id)
    return Report(now, _revision(), chosen.quick, chosen.workers, machine, others, found)


def _revision() -> str:
    """Which state of the code was measured."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown revision"


def main() -> int:
    chosen = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # `timeout` ends us in order, too
    try:
        found = asyncio.run(run(chosen))
    except KeyboardInterrupt:
        return 130
    for line in report.table(found):
        print(line)
    path = chosen.json or Path(__file__).parent / "results" / f"{found.at[:19].replace(':', '')}.json"
    report.write(found, path)
    print(f"\n{path}")
    try:
        for plot in plots.draw(found, path):
            print(plot)
    except ModuleNotFoundError:
        print(plots.MISSING)
    return 0


if __name__ == "__main__":
    sys.exit(main())
