"""What users of other load tools start from: wrk scripts that are run, a Locust file and a k6 script that are read."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.application import KEYS, serving

LOAD = Path(__file__).parents[2] / "bench" / "load"


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
@pytest.mark.parametrize(("script", "views", "sales"), [("single.lua", 1, 0), ("batch.lua", 38, 2)])
async def test_a_wrk_script_sends_what_is_accepted(
    redis: Redis, redis_url: str, tmp_path: Path, script: str, views: int, sales: int
) -> None:
    async with serving(redis_url, tmp_path) as app:
        wrk = await asyncio.create_subprocess_exec(
            *("wrk", "-t1", "-c2", "-d1s", "-s", str(LOAD / script), app.url),
            env={**os.environ, "KEY": KEYS["shop"]["write"], "BATCH": "40"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output = (await wrk.communicate())[0].decode()
        _, body = await app.get("/v1/metrics/realtime")
    assert "Non-2xx" not in output
    answered = re.search(r"(\d+) requests in", output)
    assert answered, output
    requests = int(answered[1])
    assert requests > 0
    # What wrk has sent when it stops is taken, too, but it does not count the answer.
    assert requests <= body["page_views"]["today"] / views <= requests + 2
    assert body["conversions"]["today"] == body["page_views"]["today"] / views * sales


def test_the_locust_file_is_read() -> None:
    path = LOAD / "locustfile.py"
    compile(path.read_text(), str(path), "exec")
    if not find_spec("locust"):
        pytest.skip("compiled; not imported, as Locust is not installed")
    # In a process of its own: Locust puts gevent in the place of the standard library's sockets.
    command = [sys.executable, "-c", "import locustfile; assert locustfile.Visitor.tasks"]
    subprocess.run(command, cwd=LOAD, env={**os.environ, "KEY": "x"}, check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js, which parses the script, is not installed")
def test_the_k6_script_is_a_module(tmp_path: Path) -> None:
    module = shutil.copy(LOAD / "k6.js", tmp_path / "k6.mjs")  # k6 takes any script for a module, Node by its name
    checked = subprocess.run(["node", "--check", module], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
