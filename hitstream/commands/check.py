"""`hitstream check`: tells what is well and what is not."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator

from hitstream.checkup import Finding, examine
from hitstream.config import Config, ConfigError
from hitstream.network_checkup import examine_network
from hitstream.shop_checkup import examine_shop

from . import checkmessage
from .settings import FAILED, OK, Commands, add


def describe(commands: Commands) -> None:
    parser = add(
        commands,
        "check",
        run,
        help_="look whether a deployment is well",
        description="Check the configuration, the engines, the journals, and whether Redis has all that they hold.\n"
        "It changes nothing (but with --repair) and may run beside a server. The status is 1 where something failed.",
    )
    parser.add_argument(
        "--commerce",
        action="store_true",
        help="compare the shop's figures instead: ledger and stock, orders and statistics, stream and orders",
    )
    parser.add_argument(
        "--social", action="store_true", help="compare the network's counters instead with the edges that they count"
    )
    parser.add_argument("--repair", action="store_true", help="with --commerce or --social: put right what differs")
    checkmessage.describe(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    if options.dialect:
        return checkmessage.run(config, options)
    if checkmessage.is_misused(options):
        raise ConfigError("FILE, --path, --query, --header and --json go with --dialect")
    if options.commerce and options.social:
        raise ConfigError("--commerce and --social: one at a time")
    if options.repair and not (options.commerce or options.social):
        raise ConfigError("--repair goes with --commerce or --social")
    if options.commerce:
        return asyncio.run(_tell(examine_shop(config, repair=options.repair)))
    if options.social:
        return asyncio.run(_tell(examine_network(config, repair=options.repair)))
    return asyncio.run(_tell(examine(config)))


async def _tell(findings: AsyncIterator[Finding]) -> int:
    status = OK
    async for finding in findings:
        print(f"{finding.level:9}{finding.subject}: {finding.text}", flush=True)
        if finding.level == "failed":
            status = FAILED
    return status
