"""O1 to O4: what is let in when more is sent than one worker can take, up to three times as much.

The limit is what a closed loop gets acknowledged. Then, at each multiple of it, three crowds come at once
(`bench.crowd`), whatever becomes of their requests: one site floods with page views and sends a few conversions among
them, another sends a tenth of the limit all the time. Goodput is what was acknowledged, of all three, a second.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .client import Load, Outcome
from .crowd import ACCEPTED, Coming, Turnout
from .figures import Curve, Figure, at_least, at_most, figure, listed
from .processes import asked
from .stage import SITE, Bench, Server, serving

FLOOD: Final = "flood"
SITES: Final = {f"HITSTREAM_SITES_{site.upper()}_ZONE": "UTC" for site in (SITE, FLOOD)}  # all else as by default
MULTIPLES: Final = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
QUIET: Final = 0.10  # of the limit, that the other site sends
CONVERSIONS: Final = 0.05  # of the limit, from the site that floods
SEEKING: Final = 256  # connections that seek the limit: so many that syncs of the disk are shared and do not set it
CONNECTIONS: Final = 2_000  # of the flood: how many requests of it can be under way
FEW: Final = 600  # of each of the others
SECONDS: Final = 5.0
SETTLE_S: Final = 2.0  # until what one crowd left behind is in Redis


class Step(Struct, frozen=True):
    """What became of the three crowds at `multiple` of the limit."""

    multiple: float
    views: Turnout
    conversions: Turnout
    quiet: Turnout

    @property
    def goodput(self) -> float:
        return sum(each.accepted for each in self._all) / self.views.seconds

    @property
    def offered(self) -> float:
        return sum(each.offered for each in self._all) / self.views.seconds

    @property
    def _all(self) -> tuple[Turnout, Turnout, Turnout]:
        return self.views, self.conversions, self.quiet


async def measure(bench: Bench) -> list[Figure]:
    async with serving(bench, "overload", SITES) as server:
        await _limit(server.load("warm", seconds=bench.seconds(1)))
        runs = [await _run(bench, server, n) for n in range(bench.runs)]
    last = [steps[-1] for _, steps in runs]
    limits = [limit for limit, _ in runs]
    goodputs = {n: [steps[n].goodput / limit for limit, steps in runs] for n in range(len(MULTIPLES))}
    at_limit = goodputs[MULTIPLES.index(1.0)]
    return [
        figure(
            "O1", f"goodput at {MULTIPLES[-1]:g} times the limit / at the limit",
            [most / one for most, one in zip(goodputs[len(MULTIPLES) - 1], at_limit, strict=True)], "", at_least(0.9),
            f"limit: {listed(limits)} requests/s of one event, a closed loop of {SEEKING}",
            *_lines(runs[-1][1]),
            curves=_curves(runs[-1][1]),
        ),
        figure(
            "O2", "meanwhile, of what another site sends: let in",
            [_let_in(step.quiet) for step in last], "", at_least(0.99),
            f"its p99: {listed([step.quiet.p99_ms for step in last])} ms",
        ),
        figure(
            "O3", "meanwhile, of the flooding site's conversions: let in",
            [_let_in(step.conversions) for step in last], "", at_least(0.99),
            f"of its page views: {listed([_let_in(step.views) for step in last], 2)}",
        ),
        figure(
            "O4", "meanwhile, p99 of what is let in, from when it was due",
            [max(step.views.p99_ms, step.quiet.p99_ms, step.conversions.p99_ms) for step in last], "ms", at_most(1_000),
            f"p50: {listed([step.views.p50_ms for step in last])} ms",
        ),
    ]  # fmt: skip


async def _run(bench: Bench, server: Server, n: int) -> tuple[float, list[Step]]:
    """(the limit, the steps): requests a second."""
    limit = await _limit(server.load(f"limit-{n}", connections=SEEKING, seconds=bench.seconds(SECONDS)))
    steps = []
    for multiple in MULTIPLES:
        await asyncio.sleep(bench.seconds(SETTLE_S))
        steps.append(await _step(bench, server, n, multiple, limit))
    return limit, steps


async def _limit(load: Load) -> float:
    async with asked("bench.client", load) as client:
        outcome = await client.answer(Outcome)
    return outcome.statuses.get(ACCEPTED, 0) / outcome.seconds


async def _step(bench: Bench, server: Server, n: int, multiple: float, limit: float) -> Step:
    quiet = replace(
        server.load(f"quiet-{n}-{multiple}", connections=FEW, seconds=bench.seconds(SECONDS), rate=limit * QUIET),
        distinct=1_000,
    )
    flood = replace(
        quiet, name=f"flood-{n}-{multiple}", key=server.key("write", FLOOD), connections=CONNECTIONS,
        rate=limit * (multiple - QUIET - CONVERSIONS),
    )  # fmt: skip
    conversions = replace(flood, name=f"sales-{n}-{multiple}", connections=FEW, rate=limit * CONVERSIONS)
    crowds = Coming(flood), Coming(conversions, purchases=True), Coming(quiet)
    async with asyncio.TaskGroup() as tasks:
        views, sales, other = [tasks.create_task(_come(coming)) for coming in crowds]
    return Step(multiple, views.result(), sales.result(), other.result())


async def _come(coming: Coming) -> Turnout:
    async with asked("bench.crowd", coming) as crowd:
        return await crowd.answer(Turnout)


def _let_in(turnout: Turnout) -> float:
    return turnout.accepted / turnout.offered if turnout.offered else 1.0


def _lines(steps: list[Step]) -> list[str]:
    """The last run as a table."""
    return [
        f"{step.multiple:g} x: {step.offered:,.0f} requests/s offered, {step.goodput:,.0f} accepted; page views "
        f"{_let_in(step.views):.0%}, refused {step.views.statuses.get(503, 0)}, lost {step.views.lost}, "
        f"p50 {step.views.p50_ms:.0f} ms, p99 {step.views.p99_ms:.0f} ms; conversions {_let_in(step.conversions):.0%}; "
        f"other site {_let_in(step.quiet):.0%}, p99 {step.quiet.p99_ms:.0f} ms; "
        f"the crowds took {step.views.cpu + step.conversions.cpu + step.quiet.cpu:.0%} of a core"
        for step in steps
    ]


def _curves(steps: list[Step]) -> tuple[Curve, ...]:
    x = "offered, times the limit"

    def curve(name: str, y: str, values: list[float]) -> Curve:
        return Curve(name, x, y, tuple(zip(MULTIPLES, values, strict=True)))

    return (
        curve("accepted", "requests/s", [step.goodput for step in steps]),
        curve("offered", "requests/s", [step.offered for step in steps]),
        curve("page views of the flooding site, p50", "ms", [step.views.p50_ms for step in steps]),
        curve("page views of the flooding site, p99", "ms", [step.views.p99_ms for step in steps]),
        curve("another site, p99", "ms", [step.quiet.p99_ms for step in steps]),
    )
