"""python -m bench.plots REPORT.json...: draws the curves of a report, as PNG files beside it.

The bench calls it for its own report. Needs matplotlib (`pip install -e '.[bench]' -c constraints.txt`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from .figures import Curve
from .report import Report

SIZE_INCHES: Final = (8.0, 4.5)
MISSING: Final = "no plots: matplotlib is not installed (pip install -e '.[bench]' -c constraints.txt)"


def draw(report: Report, path: Path) -> Iterator[Path]:
    """The plots of `report`, which was written to `path`: one for the curves of a figure that share their axes."""
    for figure in report.figures:
        for number, (axes, curves) in enumerate(groupby(figure.curves, lambda curve: (curve.x, curve.y))):
            target = path.with_name(f"{path.stem}-{figure.id}{'abcdef'[number]}.png")
            _draw(f"{figure.id}: {figure.what}", axes, list(curves), target)
            yield target


def _draw(title: str, axes: tuple[str, str], curves: list[Curve], target: Path) -> None:
    from matplotlib.figure import Figure

    page = Figure(figsize=SIZE_INCHES, layout="constrained")
    plot: Any = page.subplots()
    for curve in curves:
        plot.plot(*zip(*curve.points, strict=True), marker="o", label=curve.name)
    if all(x > 0 for curve in curves for x, _ in curve.points) and _decades(curves) > 1:
        plot.set_xscale("log")
    plot.set(title=title, xlabel=axes[0], ylabel=axes[1], ylim=(0, None))
    plot.grid(alpha=0.3)
    plot.legend()
    page.savefig(target)


def _decades(curves: list[Curve]) -> float:
    """How wide the x axis is, in powers of ten, roughly."""
    xs = [x for curve in curves for x, _ in curve.points]
    return max(xs) / min(xs) / 10


def main() -> int:
    try:
        for name in sys.argv[1:]:
            path = Path(name)
            for drawn in draw(msgspec.json.decode(path.read_bytes(), type=Report), path):
                print(drawn)
    except ModuleNotFoundError:
        print(MISSING, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
