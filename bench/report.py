"""What a run of the bench found: as a table for a person, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from .figures import Figure, listed
from .machine import Machine

WIDTH: Final = 118
_SIGN: Final = {">=": "≥", "<=": "≤"}


class Report(Struct, frozen=True):
    """at: ISO 8601, UTC. quick: too short to mean much. others: cores that other programs took meanwhile."""

    at: str
    revision: str
    quick: bool
    workers: int
    machine: Machine
    others: float
    figures: list[Figure]


def table(report: Report) -> Iterator[str]:
    """The report's lines."""
    yield f"Hitstream bench, {report.at}, {report.revision}, {report.workers} worker{'s' * (report.workers > 1)}"
    yield from str(report.machine).splitlines()
    yield f"meanwhile other programs, and the host, took {report.others:.2f} cores"
    if report.quick:
        yield "QUICK: every run is too short for its figure to mean much"
    yield ""
    yield f"{'id':<4}{'what':<76}{'measured':>14}{'target':>15}   met"
    yield "-" * WIDTH
    for each in report.figures:
        yield from lines(each)


def lines(each: Figure) -> Iterator[str]:
    target = f"{_SIGN[each.target.relation]} {shown(each.target.bound, each.unit)}"
    first, *rest = textwrap.wrap(each.what, 74)
    yield f"{each.id:<4}{first:<76}{shown(each.value, each.unit):>14}{target:>15}   {'yes' if each.met else 'NO'}"
    yield from (f"    {line}" for line in rest)
    notes = list(each.notes)
    if len(each.runs) > 1:
        notes.insert(0, f"runs: {listed(each.runs, 2)}")
    for note in notes:
        yield from textwrap.wrap(note, WIDTH, initial_indent="      ", subsequent_indent="        ")


def shown(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.2f}"
    return f"{text} {unit}".strip()


def write(report: Report, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
