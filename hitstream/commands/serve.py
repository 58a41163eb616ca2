"""`hitstream serve`."""

from __future__ import annotations

import argparse
from typing import get_args

import uvloop

from hitstream.config import Config, Role
from hitstream.serve import serve

from .settings import OK, Commands, add


def describe(commands: Commands) -> None:
    parser = add(
        commands,
        "serve",
        run,
        help_="run the server, with everything it needs",
        description="Run the server. What is not configured is embedded: without any option it runs on\n"
        "http://127.0.0.1:8080 with its data in ./data, makes a site 'demo' and shows its keys.",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 lets the system choose (default: 8080)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that serve the port (default: 1)")
    parser.add_argument("--role", choices=get_args(Role), help="what this process does (default: all)")


def run(config: Config, _: argparse.Namespace) -> int:
    uvloop.run(serve(config))
    return OK
