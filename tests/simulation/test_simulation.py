"""Ten thousand schedules of crashes and faults, each drawn from a seed of its own; a failure prints the seed.

`HITSTREAM_SIMULATION_SEEDS=4711:4712 make test ARGS=tests/simulation` plays one again, `0:1000000` looks further.
That it would find a mistake is tested too: each of the bugs below is planted, and must be found soon.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.simulation.disk import Disk
from tests.simulation.schedule import Failed, run, staged

SEEDS: Final = os.environ.get("HITSTREAM_SIMULATION_SEEDS", "0:10000")
PARTS: Final = 10  # so that one sees it go on
FOUND_WITHIN: Final = 1_000  # schedules


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory in memory where there is one: what survives a crash is the model's to say, not a disk's."""
    memory = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    logging.disable(logging.CRITICAL)  # the world is full of faults, and they are told in millions of lines
    try:
        with staged():
            yield directory
    finally:
        logging.disable(logging.NOTSET)
        shutil.rmtree(directory, ignore_errors=True)


def play(root: Path, seeds: range) -> None:
    for seed in seeds:
        run(seed, root / str(seed))
        shutil.rmtree(root / str(seed))


def parts() -> list[range]:
    first, last = map(int, SEEDS.split(":"))
    step = max(1, (last - first + PARTS - 1) // PARTS)
    return [range(start, min(start + step, last)) for start in range(first, last, step)]


@pytest.mark.parametrize("seeds", parts(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_what_was_acknowledged_is_counted_and_once(root: Path, seeds: range) -> None:
    play(root, seeds)


def _syncs_nothing(disk: Disk, fd: int) -> None:
    """An acknowledgement that does not wait for the disk."""


def _believes(forwarder: Any, journal: Any, lanes: Any) -> Any:
    """What is in Redis as it was before it went away."""

    async def positions() -> dict[int, int]:
        return {lane.partition: lane.position for lane in lanes}

    return positions()


async def _asks_for_no_fence(lane: Any) -> None:
    """After a timeout the commit is taken to have failed, and what follows to begin where it began."""
    lane._doubtful = False


async def _compares_nothing(forwarder: Any, journal: str, ends: Any) -> None:
    """What Redis lacks of journals that are gone is passed over in silence."""


LOSS: Final = "(lost|a gap that nothing explains)"
BUGS: Final[dict[str, tuple[str, Any, str]]] = {
    "acknowledged before it is synced": ("tests.simulation.disk.Disk.fdatasync", _syncs_nothing, LOSS),
    "a descriptor trusted after a failed sync": ("ingest.journal.appender.Appender.give_up", lambda _: None, LOSS),
    "no fence asked for": ("ingest.lane.Lane._ask_fence", _asks_for_no_fence, "not level"),
    "old fences believed": ("ingest.forwarder.Forwarder._fences", _believes, LOSS),
    "deleted before it is fenced": ("ingest.journal.backlog.Segment.is_fenced", lambda *_: True, LOSS),
    "ids not looked up": ("store.commit._Building.is_new", lambda *_: True, "counted more than once"),
    "gone journals not recalled": ("ingest.forwarder.Forwarder._compare", _compares_nothing, "lost"),
    "orphans left alone": ("ingest.journal.Orphan.adopt", lambda *_: None, "not level"),
}
"""What is wrong -> (the name that is replaced, what by, how it shows)"""


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(root: Path, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    name, replacement, how = BUGS[bug]
    monkeypatch.setattr(name, replacement)
    with pytest.raises(Failed, match=rf"^seed \d+: {how}"):
        play(root, range(FOUND_WITHIN))


def test_a_seed_plays_the_same_again(root: Path) -> None:
    for seed in range(50):
        first, again = (run(seed, root / f"{seed}-{turn}") for turn in "ab")
        assert first.trace == again.trace
        assert first.acknowledged == again.acknowledged
        assert first.redis.counted == again.redis.counted
