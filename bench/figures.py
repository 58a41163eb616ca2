"""A measured figure beside its target, and the arithmetic of samples. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Literal

from msgspec import Struct


class Target(Struct, frozen=True):
    relation: Literal[">=", "<="]
    bound: float

    def met(self, value: float) -> bool:
        return value >= self.bound if self.relation == ">=" else value <= self.bound


class Curve(Struct, frozen=True):
    """Points (x, y), rising in x, and what the axes are: curves of a figure with the same ones belong in one plot."""

    name: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]


class Figure(Struct, frozen=True, omit_defaults=True):
    """`value` is the median of `runs`. `notes`: lines of a person's text, the raw numbers behind it among them."""

    id: str
    what: str
    value: float
    unit: str
    target: Target
    runs: tuple[float, ...]
    notes: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def met(self) -> bool:
        return self.target.met(self.value)


def figure(
    id_: str,
    what: str,
    runs: Sequence[float],
    unit: str,
    target: Target,
    *notes: str,
    curves: tuple[Curve, ...] = (),
) -> Figure:
    return Figure(id_, what, median(runs), unit, target, tuple(runs), notes, curves)


def at_least(bound: float) -> Target:
    return Target(">=", bound)


def at_most(bound: float) -> Target:
    return Target("<=", bound)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of all do not exceed (nearest rank); `ordered` rises, is not empty."""
    return float(ordered[max(ceil(share * len(ordered)) - 1, 0)])


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """One a round: what was measured next to each other shares the machine's weather."""
    return [above / below for above, below in zip(numerators, denominators, strict=True)]


def listed(values: Sequence[float], digits: int = 0) -> str:
    return " ".join(f"{value:,.{digits}f}" for value in values)
