"""Which measures run, and each of them once against real servers, as short as can be: that it works, no more."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path

import pytest

from bench.__main__ import MEASURES, measures
from bench.figures import at_least, at_most, figure
from bench.machine import Weather, describe
from bench.report import Report, table
from bench.stage import Bench

SCALE = 0.02


def test_names_and_ids_choose_the_measures() -> None:
    everything = [measure for _, measure in MEASURES.values()]
    assert measures([]) == everything
    assert measures(["paced"]) == measures(["B5"]) == [MEASURES["paced"][1]]
    assert measures(["memory", "B2"]) == [MEASURES["batch"][1], MEASURES["memory"][1]]
    with pytest.raises(ValueError, match="unknown measure 'B9'; the known ones are single, "):
        measures(["single", "B9"])


@pytest.mark.parametrize("name", MEASURES)
async def test_a_measure_works(name: str, tmp_path: Path) -> None:
    ids, measure = MEASURES[name]
    found = await measure(Bench(tmp_path, runs=1, outage_s=10, scale=SCALE))
    assert {each.id for each in found} == set(ids.split())
    assert all(isfinite(each.value) for each in found)


async def test_a_report_names_the_machine_and_every_figure(tmp_path: Path) -> None:
    weather = Weather()
    machine = await describe(tmp_path)
    assert weather.others() >= 0
    found = [
        figure("B1", "one thing / another", [0.5, 0.9, 0.8], "", at_least(0.8), "and what was behind it"),
        figure("B4", "how long it took, told at such length that it needs a second line", [12], "ms", at_most(10)),
    ]
    lines = list(table(Report("2026-11-23T12:00:00+00:00", "abc", True, 1, machine, 0.5, found)))
    text = "\n".join(lines)
    assert {"Valkey", "fdatasync", "QUICK:"} <= set(text.split())
    assert re.search(r"^B1 .* 0\.80 +≥ 0\.80 +yes$", text, re.MULTILINE)
    assert re.search(r"^B4 .* 12 ms +≤ 10 ms +NO$", text, re.MULTILINE)
    assert "runs: 0.50 0.90 0.80" in text
    assert max(map(len, lines)) <= 120
