"""An event loop without a clock, and processes that can die at once.

Time does not pass, it is passed over: where every task waits, the loop goes to the moment that the next one waits for.
So an hour costs nothing, and what happens depends on nothing but the draws of a random generator. There are no threads
either: what a program hands to one is run by the loop a moment later, while the other tasks go on.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

from ingest.journal import Orphan

_process: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """What ends together: tasks, and locks, which the kernel gives back."""

    def __init__(self) -> None:
        self.alive = True
        self._tasks: set[asyncio.Task[Any]] = set()
        self._orphans: list[Orphan] = []

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        context = copy_context()
        context.run(_process.set, self)
        context.run(lambda: asyncio.ensure_future(work())).add_done_callback(_must_not_fail)

    def kill(self) -> None:
        self.alive = False
        for task in self._tasks:
            task.cancel()
        for orphan in self._orphans:
            orphan.close()

    def owns(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def received(self, result: object) -> None:
        if isinstance(result, Orphan):
            self._orphans.append(result)


def _must_not_fail(work: asyncio.Future[None]) -> None:
    if not work.cancelled() and (failure := work.exception()):
        raise failure


class TimelessLoop(asyncio.SelectorEventLoop):
    """`draw` decides how long what is handed to a thread takes."""

    def __init__(self, draw: random.Random) -> None:
        self._moment = _Moment()
        self.failures: list[str] = []
        super().__init__(self._moment)
        self._draw = draw
        self.set_task_factory(_task)
        self.set_exception_handler(lambda _, context: self.failures.append(repr(context)))

    def time(self) -> float:
        return self._moment.now

    def run_in_executor(  # type: ignore[override]  # the types of the arguments do not matter here
        self, _: object, function: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        process = _process.get()

        def run() -> None:
            if future.done() or (process and not process.alive):
                return
            try:
                result = function(*args)
            except Exception as failure:  # noqa: BLE001 - whatever it is, it belongs to whoever waits
                future.set_exception(failure)
                return
            if process:
                process.received(result)
            future.set_result(result)

        self.call_later(self._draw.uniform(0.0001, 0.01), run)
        return future


class _Moment(selectors.SelectSelector):
    """Waits for nothing: there is nobody else from whom something could come."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "every task waits for another: a deadlock"
        self.now += max(timeout, 0.0)
        return []


def _task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **options)
    if process := _process.get():
        process.owns(task)
    return task
