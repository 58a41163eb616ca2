"""What happens to a world, drawn from a seed: up to eleven steps, then healing, then the check."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from ingest.journal import KEEP_MS
from store.buckets import DAY_MS, HOUR_MS
from tests.simulation.timeless import TimelessLoop
from tests.simulation.world import NoThread, World

WORKERS: Final = 2

Step = Callable[[World], Awaitable[None]]


MADE_UP: Final[dict[str, Any]] = {
    "ingest.journal.journal.Thread": NoThread,
    "ingest.journal.directory.sync": lambda _: None,  # what is durable is the disk's affair
    "ingest.journal.directory.secrets": SimpleNamespace(token_hex=lambda _: "00000000"),  # moments tell journals apart
    "ingest.lane.QUEUE_EVENTS": 6,  # so few that a short schedule sees memory's bound, and more than one batch
    "ingest.lane.BATCH_EVENTS": 5,
    "ingest.lane.READ_BYTES": 400,
    "ingest.lane.IDLE_CHECK_S": 10.0,  # and a quiet hour is made of few steps
    "ingest.lane.BACKOFF_S": (0.05, 10.0),
}
"""What a schedule puts in the place of the real things."""


class Failed(AssertionError):
    """What did not hold, with the seed and the steps that led to it."""


@contextmanager
def staged() -> Iterator[None]:
    """Schedules are run within."""
    with ExitStack() as stack:
        for name, stand_in in MADE_UP.items():
            stack.enter_context(patch(name, stand_in))
        yield


def run(seed: int, root: Path) -> World:
    """Plays the schedule of `seed` in a directory of its own. Raises `Failed`."""
    draw = random.Random(seed)
    loop = TimelessLoop(draw)
    try:
        world = World(root, loop, draw)
        try:
            loop.run_until_complete(_play(world))
            world.check()
        except AssertionError as failure:
            steps = "\n  ".join(world.trace)
            raise Failed(f"seed {seed}: {failure}\n  {steps}") from failure
        finally:
            world.kill_workers()
            loop.run_until_complete(_bury())
    finally:
        loop.close()
    return world


async def _play(world: World) -> None:
    world.begin_worker()
    for _ in range(world.draw.randint(3, 11)):
        (step,) = world.draw.choices(list(STEPS), weights=list(STEPS.values()))
        world.tell(step.__name__)
        await step(world)
    world.tell("heal")
    await world.heal()


async def _bury() -> None:
    """Lets what was cancelled come to its end."""
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)


async def send(world: World) -> None:
    world.send()
    await asyncio.sleep(world.draw.uniform(0.0, 0.03))


async def wait(world: World) -> None:
    await asyncio.sleep(world.draw.uniform(0.05, 3.0))


async def kill_a_worker(world: World) -> None:
    if living := world.living():
        world.draw.choice(living).kill()


async def damage_a_record(world: World) -> None:
    if living := world.living():
        worker = world.draw.choice(living)
        worker.kill()
        world.damage(worker)


async def begin_a_worker(world: World) -> None:
    if len(world.living()) < WORKERS:
        world.begin_worker()
        await asyncio.sleep(world.draw.uniform(0.0, 0.05))


async def die_within_a_write(world: World) -> None:
    world.disk.dies_in = world.draw.randint(1, 4)
    await send(world)


async def lose_power(world: World) -> None:
    world.lose_power()


async def lose_power_within_a_write(world: World) -> None:
    await die_within_a_write(world)
    world.lose_power()


async def fail_the_disk(world: World) -> None:
    call = world.draw.choice(("fdatasync", "fdatasync", "pwrite", "fsync", "ftruncate", "unlink", "open"))
    world.disk.fail(call, world.draw.randint(1, 3))
    await send(world)


async def fill_the_disk(world: World) -> None:
    world.disk.room = world.draw.randrange(400)
    await send(world)


async def free_the_disk(world: World) -> None:
    world.disk.room = None


async def crash_redis(world: World) -> None:
    world.redis.crash(world.loop.time())


async def take_redis_away(world: World) -> None:
    world.redis.crash(world.loop.time())
    world.redis.up = False


async def stop_redis(world: World) -> None:
    world.redis.stop()


async def fill_redis(world: World) -> None:
    world.redis.full = True


async def bring_redis_back(world: World) -> None:
    world.redis.up, world.redis.full = True, False
    world.redis.go_on()


async def restore_a_snapshot(world: World) -> None:
    world.restore_snapshot()


async def make_the_line_bad(world: World) -> None:
    world.redis.flakiness = world.draw.choice((0.0, 0.2, 0.6))


async def shift_the_clock(world: World) -> None:
    by = HOUR_MS if world.clients_repeat else 2 * DAY_MS
    world.shift_clock(world.draw.choice((-by, by)))


async def let_segments_expire(world: World) -> None:
    """In time, or in an outage: what Redis lost at its beginning must still be there at its end."""
    if world.draw.random() < 0.5:
        await take_redis_away(world)
    await asyncio.sleep(KEEP_MS / 1000 + world.draw.uniform(20, 60))
    await bring_redis_back(world)


async def restore_a_snapshot_after_a_restart(world: World) -> None:
    """So long after that the journals of the killed workers are gone as a whole."""
    world.kill_workers()
    world.begin_worker()
    await asyncio.sleep(KEEP_MS / 1000 + world.draw.uniform(20, 60))
    world.restore_snapshot()


STEPS: Final[dict[Step, float]] = {
    send: 30,
    wait: 8,
    kill_a_worker: 5,
    damage_a_record: 1,
    begin_a_worker: 8,
    die_within_a_write: 4,
    lose_power: 3,
    lose_power_within_a_write: 3,
    fail_the_disk: 6,
    fill_the_disk: 3,
    free_the_disk: 3,
    crash_redis: 4,
    take_redis_away: 2,
    stop_redis: 2,
    fill_redis: 2,
    bring_redis_back: 6,
    restore_a_snapshot: 1,
    make_the_line_bad: 5,
    shift_the_clock: 2,
    let_segments_expire: 0.8,
    restore_a_snapshot_after_a_restart: 0.3,
}
"""How often each is drawn."""
