"""A process on a leash."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from hitstream import leash

OWNER = """
import subprocess
from hitstream import leash
print(subprocess.Popen(leash.command("/bin/sleep", "60"), stdout=subprocess.DEVNULL).pid, flush=True)
"""


def test_it_becomes_the_command_and_passes_its_words() -> None:
    told = subprocess.run(leash.command("/bin/echo", "a b", "c"), capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "a b c\n")


def test_a_parent_that_has_ended_starts_nothing() -> None:
    command = leash.command("/bin/echo", "started")
    command[command.index(str(os.getpid()))] = "1"
    told = subprocess.run(command, capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (1, "")


def test_it_ends_with_its_parent() -> None:
    told = subprocess.run([sys.executable, "-c", OWNER], capture_output=True, text=True, check=True)
    pid = int(told.stdout)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
