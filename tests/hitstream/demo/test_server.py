"""Whether a server runs where the demo keeps its data."""

from __future__ import annotations

import os
from pathlib import Path

from hitstream.datadir import DataDir, Ready
from hitstream.demo.server import running


def test_who_holds_the_directory_runs_and_what_was_left_behind_does_not(tmp_path: Path) -> None:
    directory, ready = DataDir(tmp_path), Ready("http://127.0.0.1:8080", os.getpid())
    assert running(directory) is None
    with directory.ready(ready):
        assert running(directory) is None  # the process lives, and is another by now
        with directory.lock():
            assert running(directory) == ready
