"""Everything that happens, in order of time, for ever: visits to the shop and what the network does. Pure.

The same seed, start and measures give the same events. Times before now are history, later ones are waited for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import tzinfo
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import Any, Final

from msgspec import Struct

from .network import Network
from .personas import Persona, people
from .rhythm import arrivals
from .visits import EVENTS_A_VISIT, ORDERS_A_VISIT, Shop, Visitor, visit

Event = dict[str, Any]

DAY_S: Final = 86_400
NEW: Final = 0.45  # of visits are somebody's first
SIGNED_IN: Final = 0.6  # of personas
SOCIAL_SHARE: Final = 0.1  # of events are the network's
INCIDENT_EVERY: Final = 40  # quarters of an hour, on average; then for one quarter the checkout is in trouble
QUARTER_MS: Final = 900_000


class Measures(Struct, frozen=True):
    """rate: events a second, on average over a week. people: who come again. members: of the network; 0 for none."""

    rate: float
    seed: int
    people: int = 3_000
    members: int = 150

    @property
    def visits_per_day(self) -> float:
        return self.rate * (1 - self.social) * DAY_S / EVENTS_A_VISIT

    @property
    def orders_per_day(self) -> float:
        return self.visits_per_day * ORDERS_A_VISIT

    @property
    def acts_per_day(self) -> float:
        return self.rate * self.social * DAY_S

    @property
    def social(self) -> float:
        return SOCIAL_SHARE if self.members else 0.0


class World(Struct, frozen=True):
    """Where it happens. run: names this demo among others, in ids. books: see `visits.Shop`."""

    origin: str
    run: str
    zone: tzinfo
    books: bool


def traffic(measures: Measures, world: World, start_ms: int) -> Iterator[Event]:
    """Events in order of their `timestamp`, each with an `event_id`. People are the same in every run of a seed."""
    everybody = people(Random(measures.seed), measures.people)  # noqa: S311 - a demo
    draw = Random(f"{measures.seed} {start_ms}")  # noqa: S311
    sources = [_visits(measures, world, Random(draw.random()), everybody, start_ms)]  # noqa: S311
    if measures.members:
        members = everybody[: measures.members]
        network = Network(Random(draw.random()), members, world.run)  # noqa: S311
        sources.append(_acts(measures, world, network, Random(draw.random()), start_ms))  # noqa: S311
    for number, event in enumerate(_in_order(heapq.merge(*sources, key=lambda burst: burst[0]))):
        yield {"event_id": f"demo-{world.run}-{number}", **event}


Burst = tuple[int, list[tuple[int, Event]]]  # when it begins, and its events then or later


def _visits(
    measures: Measures, world: World, draw: Random, everybody: tuple[Persona, ...], start_ms: int
) -> Iterator[Burst]:
    shop = Shop(world.origin, world.run, world.books)
    reach = list(accumulate(persona.keen for persona in everybody))
    for number, at in enumerate(arrivals(draw, start_ms, measures.visits_per_day, world.zone)):
        persona = draw.choices(everybody, cum_weights=reach)[0]
        if draw.random() < NEW:
            visitor = Visitor(persona, signed_in=False, browser=f"guest-{_digest(world.run, number)}")
        else:
            signed_in = persona.number % 100 < SIGNED_IN * 100
            visitor = Visitor(persona, signed_in=signed_in, browser=f"guest-{_digest('', persona.number)}")
        yield at, visit(draw, shop, visitor, at, number, trouble(at))


def _digest(run: str, number: int) -> str:
    """Looks as random as what a browser keeps, and is the same each time."""
    return blake2b(f"{run} {number}".encode(), digest_size=4).hexdigest()


def trouble(at_ms: int) -> float:
    """How much of an incident there is: the same for all visits of the quarter."""
    quarter = at_ms // QUARTER_MS
    return Random(quarter).random() if Random(-quarter).randrange(INCIDENT_EVERY) == 0 else 0.0  # noqa: S311


def _acts(measures: Measures, world: World, network: Network, draw: Random, start_ms: int) -> Iterator[Burst]:
    opened = start_ms
    for opened, events in network.opening(start_ms):
        yield opened, events
    for at in arrivals(draw, opened, measures.acts_per_day, world.zone):
        if acts := network.act(at):
            yield at, acts


def _in_order(bursts: Iterator[Burst]) -> Iterator[Event]:
    """No event may overtake another, so each is held back until nothing earlier can come."""
    held: list[tuple[int, int, Event]] = []
    number = 0
    for begins, events in bursts:
        while held and held[0][0] <= begins:
            yield heapq.heappop(held)[2]
        for at, event in events:
            number += 1
            heapq.heappush(held, (at, number, event))
