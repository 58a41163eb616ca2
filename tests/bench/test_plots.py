"""Curves become pictures beside the report, one for each pair of axes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import Curve, at_least, figure
from bench.machine import describe
from bench.plots import draw
from bench.report import Report


async def test_the_curves_of_a_report_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curves = (
        Curve("accepted", "offered", "requests/s", ((0.5, 50), (1, 100), (3, 98))),
        Curve("offered", "offered", "requests/s", ((0.5, 50), (1, 100), (3, 300))),
        Curve("p99", "offered", "ms", ((0.5, 5), (1, 20), (3, 90))),
    )
    found = [
        figure("O1", "goodput", [0.98], "", at_least(0.9), curves=curves),
        figure("O2", "without any", [1.0], "", at_least(0.9)),
    ]
    report = Report("2026-11-23T12:00:00+00:00", "abc", True, 1, await describe(tmp_path), 0.5, found)
    drawn = list(draw(report, tmp_path / "report.json"))
    assert [path.name for path in drawn] == ["report-O1a.png", "report-O1b.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
