"""Valkey's own pipelined XADD/s, of the entry that the product stores for a page view: the yardstick of B2.

Measured with `valkey-benchmark` or `redis-benchmark -P 64` where one is installed; else by this module's own client, a
process that writes whole pipelines which were encoded beforehand and only counts the replies:

    python -m bench.xadd < pipelines.json > rate.json
"""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections.abc import Sequence
from selectors import EVENT_READ, DefaultSelector
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Final

import msgspec
from msgspec import Struct

from store.commit import FIELDS

from .processes import asked, output_of
from .traffic import page_views

PIPELINE: Final = 64
CONNECTIONS: Final = 50  # the tools' own default
KEY: Final = "bench:xadd"


class Pipelines(Struct, frozen=True):
    path: str
    entries: int


class Rate(Struct, frozen=True):
    """XADD a second, and what measured it."""

    per_second: float
    tool: str


async def rate(path: str, entries: int) -> Rate:
    """`path`: of the Valkey's unix socket."""
    for tool in ("valkey-benchmark", "redis-benchmark"):
        if program := shutil.which(tool):
            options = ("-s", path, "-n", str(entries), "-P", str(PIPELINE), "-c", str(CONNECTIONS), "--csv")
            output = await output_of(program, *options, *_command())
            return Rate(float(list(csv.reader(output.splitlines()))[-1][1]), tool)
    async with asked("bench.xadd", Pipelines(path, entries)) as client:
        return await client.answer(Rate)


def _command() -> Sequence[str]:
    """The command as the product's commit gives it."""
    added = {"site": "demo", "timestamp": 1_764_000_000_000, "date": "2025-11-24", "hour": 16}
    view = {**next(page_views(1)), **added, "user_agent": "chrome/windows/desktop"}  # what is kept of it
    pairs = [word for field in FIELDS["page_views"] for word in (field, str(view.get(field, "")))]
    return ("XADD", KEY, "*", *pairs)


def _encoded(words: Sequence[str]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in words)


def _run(asked_for: Pipelines) -> Rate:
    pipeline = _encoded(_command()) * PIPELINE
    left = -(-asked_for.entries // PIPELINE)
    replies: dict[socket, int] = {}  # lines still to come: an id is a length and a text
    start = time.perf_counter()
    with DefaultSelector() as selector:
        for _ in range(min(CONNECTIONS, left)):
            line = socket(AF_UNIX, SOCK_STREAM)
            line.connect(asked_for.path)
            selector.register(line, EVENT_READ)
            replies[line] = 0
        total = left * PIPELINE
        for line in replies:
            left -= _next(line, pipeline, replies)
        while replies:
            for ready, _ in selector.select(timeout=10):
                line = ready.fileobj  # type: ignore[assignment]  # registered above, as a socket
                data = line.recv(1 << 16)
                replies[line] -= data.count(b"\n")
                if replies[line] == 0:
                    if left:
                        left -= _next(line, pipeline, replies)
                    else:
                        selector.unregister(line)
                        line.close()
                        del replies[line]
    return Rate(total / (time.perf_counter() - start), "own pipelined client")


def _next(line: socket, pipeline: bytes, replies: dict[socket, int]) -> int:
    line.sendall(pipeline)
    replies[line] = 2 * PIPELINE
    return 1


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_run(msgspec.json.decode(sys.stdin.buffer.read(), type=Pipelines))))
