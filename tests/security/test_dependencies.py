"""No dependency may be so old that a known advisory is against it.

The service that knows all advisories is not asked here, for a test needs no network: the table names those that concern
a server like this one, with the version that mended them. Whoever raises a version reads what was found since.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT: Final = Path(__file__).parents[2]

MENDED: Final = {
    "aiohttp": ("3.14.3", "smuggling behind an upgrade (3.14.2), a parser's read out of bounds (3.14.3), and before"),
    "brotli": ("1.2.0", "output without a bound: CVE-2025-6176"),
    "idna": ("3.7", "quadratic time: CVE-2024-3651"),
    "orjson": ("3.11.6", "recursion without a bound: CVE-2024-27454, CVE-2025-67221"),
    "pymongo": ("4.6.3", "a read out of bounds: CVE-2024-5629"),
    "redis": ("4.5.5", "a cancelled call leaves its reply to the next: CVE-2023-28858, CVE-2023-28859"),
    "requests": ("2.32.4", "credentials sent to others: CVE-2024-47081"),
    "urllib3": ("2.7.0", "bombs in streamed replies: CVE-2026-21441, CVE-2026-44431"),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_is_installed_is_mended(name: str) -> None:
    least, advisory = MENDED[name]
    try:
        found = version(name)
    except PackageNotFoundError:
        assert name not in declared()
    else:
        assert Version(found) >= Version(least), advisory


@pytest.mark.parametrize("name", MENDED)
def test_no_older_one_may_be_installed(name: str) -> None:
    """An installation without our constraints takes whatever the project's metadata lets in."""
    least, advisory = MENDED[name]
    if requirement := declared().get(name):
        bounds = [Version(each.version) for each in requirement.specifier if each.operator in (">=", "==", "~=")]
        assert bounds, f"{name} has no lower bound: {advisory}"
        assert max(bounds) >= Version(least), advisory


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {found.name.lower(): found for found in map(Requirement, project["dependencies"])}
