"""`Client`: calls return at once, and a thread sends.

The thread starts with the first event, so a client may be made before a server forks its workers. It is a daemon: it
holds up no program's end, `close()` does that for as long as the options allow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, Self

from . import exits
from .connection import Connection
from .delivery import Delivery
from .options import Options
from .outcome import CLOSED, QUEUE_FULL, TOO_LARGE, UNSENT, OnReject, Rejection, Stats, rejection, report
from .pile import Pile
from .target import target
from .tracker import Tracker, encode

_LAST_WORDS_S: Final = 1.0  # for the thread to notice that its connection was cut


class Client(Tracker[str]):
    """Sends to the server at `url` with a write key or a server key. May be used from any thread.

    on_reject: is told of every event that will not be counted; without it, the log is (`hitstream.client`). It is
    called from the sending thread, or from the caller's where the queue was full.
    """

    def __init__(
        self, url: str, key: str, *, options: Options | None = None, on_reject: OnReject | None = None
    ) -> None:
        self._target = target(url, key)
        self._options = options or Options()
        self._on_reject = on_reject
        self._connection: Connection | None = None
        self._forget()
        exits.watch(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, event: Mapping[str, Any]) -> str:
        event_id, encoded = encode(event)
        refused = self._put(encoded)
        if refused:
            self._report([refused])
        return event_id

    def flush(self, timeout_s: float | None = None) -> bool:
        """Sends what is queued now; True when each of these events is accepted or rejected.

        False where that takes longer, or where `on_reject` calls it, which the sending thread waits for.
        """
        with self._changed:
            if self._thread is threading.current_thread():
                return False
            wanted = self._wanted = self._pile.added
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._pile.settled >= wanted, timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Sends what is queued, for at most so many seconds, and ends the thread. What is left then is reported."""
        timeout_s = self._options.close_s if timeout_s is None else timeout_s
        with self._changed:
            self._closing = True
            self._gives_up_at = time.monotonic() + timeout_s
            self._changed.notify_all()
            thread = self._thread
        if thread is threading.current_thread():  # called by on_reject: the thread ends by itself
            return
        if thread and thread.is_alive():
            thread.join(timeout_s)
        elif self._pile.held:
            self._run()  # no thread can be started any more when the interpreter ends
        self._end(thread)

    @property
    def stats(self) -> Stats:
        with self._changed:
            return Stats(self._accepted, self._rejected, self._pile.held, self._retries)

    def _forget(self) -> None:
        """Begins with nothing: at first, and in a forked child."""
        self._changed = threading.Condition(threading.Lock())
        self._pile = Pile(self._options)
        self._draw = Random()  # noqa: S311 - spreads retries, protects nothing
        if self._connection:
            self._connection.close()  # this process' copy; the parent's goes on
        self._connection = Connection(self._target, self._options.timeout_s)
        self._thread: threading.Thread | None = None
        self._delivery: Delivery | None = None
        self._wanted = 0  # up to which event somebody waits
        self._closing = False
        self._gives_up_at = float("inf")
        self._accepted = self._rejected = self._retries = 0

    def _put(self, encoded: bytes) -> Rejection | None:
        with self._changed:
            if not self._pile.fits(encoded):
                return rejection(-1, TOO_LARGE, "is larger than a batch may be", encoded)
            if not self._pile.has_room(encoded):
                # The sending thread, in on_reject, would wait for itself.
                if self._options.when_full == "drop" or self._thread is threading.current_thread():
                    return rejection(-1, QUEUE_FULL, "the queue is full: the server is slow or away", encoded)
                self._changed.wait_for(lambda: self._closing or self._pile.has_room(encoded))
            if self._closing:
                return rejection(-1, CLOSED, "the client is closed", encoded)
            self._pile.add(encoded, time.monotonic())
            if self._thread is None:
                self._start()
            if self._pile.due(time.monotonic()) <= 0 or len(self._pile) == 1:
                self._changed.notify_all()
        return None

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="hitstream client", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # the interpreter ends; `close()` sends
        self._thread = thread
        exits.watch_child()

    def _run(self) -> None:
        while batch := self._next():
            delivery = self._delivery = Delivery(batch, self._options, self._draw)
            while not delivery.done():
                assert self._connection
                reply = self._connection.post(delivery.request(_epoch_ms()))
                pause = delivery.after(reply, _epoch_ms())
                if not delivery.done() and not self._wait(pause):
                    return  # `close()` has taken what is left
            self._settle(delivery)
        assert self._connection
        self._connection.close()

    def _next(self) -> list[bytes]:
        """The next batch, when it is due; none when there is none and the client closes."""
        with self._changed:
            while True:
                now = time.monotonic()
                due = self._pile.due(now)
                hurried = self._closing or self._wanted > self._pile.settled
                if len(self._pile) and (due <= 0 or hurried):
                    return self._pile.take()
                if self._closing:
                    return []
                self._changed.wait(due if len(self._pile) else None)

    def _wait(self, pause: float) -> bool:
        """False where the client has given up meanwhile."""
        until = time.monotonic() + pause
        with self._changed:
            while (now := time.monotonic()) < min(until, self._gives_up_at):
                self._changed.wait(min(until, self._gives_up_at) - now)
            return now < self._gives_up_at

    def _settle(self, delivery: Delivery) -> None:
        with self._changed:
            if self._delivery is not delivery:
                return  # given up by `close()`, and reported
            self._delivery = None
            self._accepted += delivery.accepted
            self._retries += delivery.retries
        self._report(delivery.rejections)
        with self._changed:  # only now, so that `flush()` returns when everything has been told
            self._pile.settle(delivery.batch)
            self._changed.notify_all()

    def _end(self, thread: threading.Thread | None) -> None:
        """Gives up what is still there."""
        left: list[bytes] = []
        rejections: list[Rejection] = []
        with self._changed:
            if delivery := self._delivery:
                self._delivery = None
                self._accepted += delivery.accepted
                self._pile.settle(delivery.batch)
                left += delivery.unsettled()
                rejections += delivery.rejections
            while batch := self._pile.take():
                self._pile.settle(batch)
                left += batch
            self._changed.notify_all()
        rejections += [rejection(-1, UNSENT, "was not sent before the client closed", encoded) for encoded in left]
        self._report(rejections)
        if thread and thread.is_alive():
            assert self._connection
            self._connection.abort()
            thread.join(_LAST_WORDS_S)

    def _report(self, rejections: Sequence[Rejection]) -> None:
        with self._changed:
            self._rejected += len(rejections)
        report(rejections, self._on_reject)


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000
