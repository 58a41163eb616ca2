"""The command line: which command, with which settings. What each command does is told in a file of its own."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final, get_args

import uvloop

from . import logs
from .config import Config, ConfigError, Role
from .datadir import InUse
from .engines import EngineFailed
from .serve import CannotListen, serve
from .sources import load

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2  # what argparse itself exits with


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns the exit status: 0, 1 where it failed, 2 where it was not understood."""
    options = _parser().parse_args(arguments)
    try:
        config = load(options.config, os.environ, _flags(options))
        logs.set_up(config.log_level, config.log_format)
        status: int = options.run(config, options)
    except ConfigError as error:
        return _fail(MISUSED, error)
    except (InUse, EngineFailed, CannotListen) as error:
        return _fail(FAILED, error)
    return status


def _serve(config: Config, _: argparse.Namespace) -> int:
    uvloop.run(serve(config))
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hitstream",
        description="Realtime analytics that counts every event once and loses none.",
        epilog="Every setting is described in docs/configuration.md. 'hitstream COMMAND --help' tells more of each.",
    )
    parser.add_argument("--version", action="version", version=f"hitstream {version('hitstream')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serving = commands.add_parser(
        "serve",
        help="run the server, with everything it needs",
        description="Run the server. What is not configured is embedded: without any option it runs on "
        "http://127.0.0.1:8080 with its data in ./data, makes a site 'demo' and shows its keys.",
    )
    _add_common(serving)
    serving.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serving.add_argument("--port", type=int, help="port to listen on; 0 lets the system choose (default: 8080)")
    serving.add_argument("--workers", type=int, metavar="N", help="processes that serve the port (default: 1)")
    serving.add_argument("--role", choices=get_args(Role), help="what this process does (default: all)")
    serving.set_defaults(run=_serve)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    file = os.environ.get("HITSTREAM_CONFIG")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=Path(file) if file else None,
        help="TOML file with settings (default: $HITSTREAM_CONFIG, or none)",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where everything is kept (default: ./data)")


def _flags(options: argparse.Namespace) -> dict[str, object]:
    """The settings among the options that were given."""
    return {
        name: value for name, value in vars(options).items() if name in Config.__struct_fields__ and value is not None
    }


def _fail(status: int, error: Exception) -> int:
    print(f"hitstream: {error}", file=sys.stderr)  # noqa: T201
    return status
