"""Background work lasts as long as its block, whatever happens to it."""

from __future__ import annotations

import asyncio

import pytest

from hitstream import tasks
from tests.waiting import until


async def test_is_started_again_when_it_fails_and_ends_with_the_block(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "PAUSE_S", 0.001)
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    async with tasks.running("work", work):
        await until(lambda: starts == 3)
        assert "work" in {task.get_name() for task in asyncio.all_tasks()}
    assert "work" not in {task.get_name() for task in asyncio.all_tasks()}
    assert caplog.text.count("background work failed") == 2


async def test_work_that_is_done_is_not_repeated() -> None:
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1

    async with tasks.running("work", work):
        await until(lambda: starts == 1)
        await asyncio.sleep(0)
    assert starts == 1


async def test_the_blocks_own_failure_comes_through() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(KeyError):
        async with tasks.running("work", work):
            raise KeyError
