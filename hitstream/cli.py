"""The command line: which command, with which settings; errors that a person can mend become one line and a status."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from typing import Final

from . import logs
from .commands import check, demo, importing, keys, serve
from .commands.settings import FAILED, flags
from .config import ConfigError
from .datadir import Unusable
from .demo.server import DemoFailed
from .engines import EngineFailed
from .importer import ImportFailed
from .serve import CannotListen
from .sources import load

MISUSED: Final = 2  # what argparse itself exits with
INTERRUPTED: Final = 130  # as a shell reports a Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns the exit status: 0, 1 where it failed, 2 where it was not understood."""
    options = _parser().parse_args(arguments)
    try:
        config = load(options.config, os.environ, flags(options))
        logs.set_up(config.log_level, config.log_format)
        status: int = options.run(config, options)
    except ConfigError as error:
        return _fail(MISUSED, error)
    except (CannotListen, DemoFailed, EngineFailed, ImportFailed, Unusable) as error:
        return _fail(FAILED, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hitstream",
        description="Realtime analytics that counts every event once and loses none.",
        epilog="Begin with 'hitstream serve'. Settings are described in docs/configuration.md, and each command's\n"
        "options by 'hitstream COMMAND --help'.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hitstream {version('hitstream')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, demo, importing, keys, check):
        command.describe(commands)
    return parser


def _fail(status: int, error: Exception) -> int:
    print(f"hitstream: {error}", file=sys.stderr)
    return status
