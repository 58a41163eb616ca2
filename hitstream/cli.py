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
CUT_OFF: Final = 141  # and a SIGPIPE


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns the exit status: 0, 1 where it failed, 2 where it was not understood."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):  # no command: whoever types the name alone wants to know what there is
        parser.print_help()
        return MISUSED
    try:
        config = load(options.config, os.environ, flags(options))
        logs.set_up(config.log_level, config.log_format)
        status: int = options.run(config, options)
        sys.stdout.flush()
    except ConfigError as error:
        return _fail(MISUSED, error)
    except (CannotListen, DemoFailed, EngineFailed, ImportFailed, Unusable) as error:
        return _fail(FAILED, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as of `| head`: nobody reads the rest, nor what would be said of that
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_OFF
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hitstream",
        description="Realtime analytics that counts every event once and loses none.",
        epilog="Begin with 'hitstream demo' to look around, or with 'hitstream serve'.\n"
        "'hitstream COMMAND --help' tells a command's options; docs/configuration.md the settings,\n"
        "which stand in a TOML file or in variables HITSTREAM_...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hitstream {version('hitstream')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (serve, demo, importing, keys, check):
        command.describe(commands)
    return parser


def _fail(status: int, error: Exception) -> int:
    print(f"hitstream: {error}", file=sys.stderr)
    return status
