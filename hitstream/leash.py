"""A leash: a child process that ends with the process that started it, even where that one was killed.

    python leash.py PARENT_PID COMMAND [ARGUMENT...]

becomes COMMAND, which gets a SIGTERM when the parent ends. A program of its own, because a `preexec_fn` runs Python
between fork and exec, which is not safe in a process with threads. What is asked for here outlives the exec.
Linux only; the parent is, to the kernel, the *thread* that started the child, so start it from the main thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def tie(parent: int) -> None:
    """The calling process gets a SIGTERM when `parent` (a pid, its own parent) ends; exits where it already has."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before the kernel was asked to watch it
        raise SystemExit(1)


def command(*words: str) -> list[str]:
    """The command line that runs `words` on a leash held by this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *words]


if __name__ == "__main__":
    tie(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
