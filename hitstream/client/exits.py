"""What happens to open clients when their process ends or forks: the one place that hooks into the interpreter.

At the end every client is closed, which sends what it holds. In a forked child every client starts empty: the parent
sends what was queued before, and the thread that would send it here exists only there.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from typing import Protocol


class Open(Protocol):
    def close(self) -> None: ...

    def _forget(self) -> None: ...


_open: weakref.WeakSet[Open] = weakref.WeakSet()
_lock = threading.Lock()


def watch(client: Open) -> None:
    with _lock:
        _open.add(client)


def watch_child() -> None:
    """A child of `multiprocessing` ends without `atexit`, but not without its own finalizers."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing and multiprocessing.parent_process():
        from multiprocessing.util import Finalize

        Finalize(None, _close_all, exitpriority=0)


def _close_all() -> None:
    with _lock:
        clients = list(_open)
    for client in clients:
        client.close()


def _forget_all() -> None:
    _lock.release()
    for client in list(_open):
        client._forget()


atexit.register(_close_all)
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget_all)
