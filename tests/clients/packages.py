"""The npm packages of `package.json`, installed beside it once, at the versions that `package-lock.json` names."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "package-lock.json"
INSTALLED: Final = HERE / "node_modules" / ".package-lock.json"  # npm writes it last
INSTALL_S: Final = 300


class Missing(Exception):
    """Why there are no packages."""


def install() -> None:
    """Raises `Missing` where there is no Node, or npm cannot install them."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"there is no {program}")
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # against another test run in the same checkout
        if INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime:
            return
        try:
            done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired as error:
            raise Missing(f"npm ci took more than {INSTALL_S} s") from error
        if done.returncode:
            raise Missing(f"npm ci failed: {done.stderr.strip()[-500:]}")
