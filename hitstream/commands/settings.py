"""The options that every command has: where its settings come from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from hitstream.config import Config

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[Config, argparse.Namespace], int]

OK = 0
FAILED = 1


def add(
    commands: Commands, name: str, run: Run, *, help_: str, description: str, data_dir: str | None = None
) -> argparse.ArgumentParser:
    """A new command. `run` gets the settings and the parsed options, and returns the exit status.

    `data_dir`: where this command keeps its data, whatever the settings say elsewhere.
    """
    parser = commands.add_parser(
        name, help=help_, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    file = os.environ.get("HITSTREAM_CONFIG")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=Path(file) if file else None,
        help="TOML file with settings (default: $HITSTREAM_CONFIG, or none)",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        default=data_dir,
        help=f"where everything is kept (default: ./{data_dir or 'data'})",
    )
    return parser


def flags(options: argparse.Namespace) -> dict[str, object]:
    """The settings among the options that were given."""
    return {
        name: value for name, value in vars(options).items() if name in Config.__struct_fields__ and value is not None
    }
