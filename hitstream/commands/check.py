"""`hitstream check`: tells what is well and what is not."""

from __future__ import annotations

import argparse
import asyncio

from hitstream.checkup import examine
from hitstream.config import Config

from .settings import FAILED, OK, Commands, add


def describe(commands: Commands) -> None:
    add(
        commands,
        "check",
        run,
        help_="look whether a deployment is well",
        description="Check the configuration, the engines, the journals, and whether Redis has all that they hold.\n"
        "It changes nothing and may run beside a server. The status is 1 where something failed.",
    )


def run(config: Config, _: argparse.Namespace) -> int:
    return asyncio.run(_run(config))


async def _run(config: Config) -> int:
    status = OK
    async for finding in examine(config):
        print(f"{finding.level:9}{finding.subject}: {finding.text}", flush=True)
        if finding.level == "failed":
            status = FAILED
    return status
