"""`hitstream import`: a file of history into a running server."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from hitstream import keyfile
from hitstream.config import Config, ConfigError
from hitstream.datadir import DataDir
from hitstream.importer import ImportFailed
from hitstream.importer.mapping import Columns, check_field
from hitstream.importer.rows import WHITE_SPACE, Layout, guess_format
from hitstream.importer.run import TOLD, Result, Task
from hitstream.importer.run import run as run_import

from .settings import FAILED, OK, Commands, add

_DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";", WHITE_SPACE: WHITE_SPACE}


def describe(commands: Commands) -> None:
    parser = add(
        commands,
        "import",
        run,
        help_="bring in a file of history (CSV or NDJSON)",
        description="""Send the rows of a file to a running server as events: CSV with a header line, or NDJSON,
either of them also gzipped.

A column that is named like an event's field is taken for it. Others are mapped:

    hitstream import visits.csv --type event --map name=action,user_id=visitor
    hitstream import sales.txt --delimiter space --type conversion --set conversion_type=purchase \\
        --map user_id=customer,value=amount,timestamp=date --time-format %Y%m%d --zone Europe/Paris

A stopped import goes on where it was when it is started again. Each row has an event_id of its own, so what was sent
and not noted is counted once; the server remembers ids for 24 hours.""",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or NDJSON, also as .gz")
    parser.add_argument("--type", help="type of all events: page_view, conversion, error or event")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help="fields from columns; properties.NAME is a member of the properties",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="a field that is the same in every event"
    )
    parser.add_argument(
        "--time-format", default="", metavar="F", help="as strptime, or epoch, or epoch_ms (default: ISO)"
    )
    parser.add_argument("--zone", default="UTC", help="zone of times without an offset (default: UTC)")
    parser.add_argument("--format", choices=("csv", "ndjson"), help="how it is written (default: by its name)")
    parser.add_argument(
        "--delimiter", default="comma", metavar="D", help="one character, or comma, semicolon, tab, space"
    )
    parser.add_argument("--columns", metavar="A,B,...", help="names of the columns, where the file has no header line")
    parser.add_argument("--site", help="whose events they are (default: the only site)")
    parser.add_argument("--url", help="URL of the server (default: the one that runs on the data directory)")
    parser.add_argument("--key", help="server key (default: $HITSTREAM_KEY, or the site's own)")
    parser.add_argument("--again", action="store_true", help="begin at the first row, whatever was imported before")


def run(config: Config, options: argparse.Namespace) -> int:
    directory = DataDir(Path(config.data_dir))
    if not options.file.is_file():  # before a word about servers
        raise ImportFailed(f"cannot read {options.file}: No such file or directory")
    try:
        result = asyncio.run(run_import(_task(config, directory, options), directory.imports, again=options.again))
    except KeyboardInterrupt as stopped:
        raise ImportFailed("stopped; the same command goes on from here") from stopped
    print(_told(result))
    return FAILED if result.faults or result.progress.refused or result.progress.unreadable else OK


def _told(result: Result) -> str:
    progress = result.progress
    lines = [f"line {line}: {fault}" for line, fault in result.faults[:TOLD]]
    if len(result.faults) > TOLD:
        lines.append(f"and {len(result.faults) - TOLD:,} more")
    if result.found == progress.rows and result.found:
        lines.append("This file was imported before; --again sends it once more.")
    elif result.found:
        lines.append(f"Went on after the first {result.found:,} rows, which an earlier run had sent.")
    lines.append(
        f"{progress.rows:,} rows: {progress.accepted:,} events accepted, {progress.refused:,} refused, "
        f"{progress.unreadable:,} rows without an event"
    )
    return "\n".join(lines)


def _task(config: Config, directory: DataDir, options: argparse.Namespace) -> Task:
    """What was typed is looked at before what is there."""
    constants = _pairs("--set", options.set) | ({"type": options.type} if options.type else {})
    layout = Layout(
        format=options.format or guess_format(options.file),
        delimiter=_delimiter(options.delimiter),
        columns=tuple(options.columns.split(",")) if options.columns else (),
    )
    columns = Columns(
        columns=_pairs("--map", [pair for given in options.map for pair in given.split(",")]),
        constants=constants,
        time_format=options.time_format,
        zone=_zone(options.zone),
    )
    url = _url(directory, options)
    site, key = _site_and_key(config, directory, options)
    return Task(file=options.file, layout=layout, columns=columns, url=url, key=key, site=site)


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    found = {}
    for pair in given:
        field, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"{option} {pair}: must be FIELD={'COLUMN' if option == '--map' else 'VALUE'}")
        try:
            check_field(field)
        except ValueError as error:
            raise ConfigError(f"{option} {pair}: {error}") from error
        found[field] = value
    return found


def _delimiter(given: str) -> str:
    delimiter = _DELIMITERS.get(given, given)
    if delimiter != WHITE_SPACE and len(delimiter) != 1:
        raise ConfigError(f"--delimiter {given}: must be one character, or {', '.join(_DELIMITERS)}")
    return delimiter


def _zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (LookupError, ValueError, OSError) as error:
        raise ConfigError(f"--zone: no time zone is called {given!r}") from error
    return given


def _url(directory: DataDir, options: argparse.Namespace) -> str:
    if options.url:
        return str(options.url)
    ready = directory.find_ready()
    if ready is None:
        raise ImportFailed(f"no server runs on {directory.root}; start one with 'hitstream serve', or give --url")
    return ready.url


def _site_and_key(config: Config, directory: DataDir, options: argparse.Namespace) -> tuple[str, str]:
    given = options.key or os.environ.get("HITSTREAM_KEY")
    if given:
        return options.site or "", given
    keys = keyfile.keys_of(config, keyfile.read(directory.keys))
    site = options.site or (next(iter(keys)) if len(keys) == 1 else None)
    if site is None:
        raise ConfigError(f"--site: must be one of {', '.join(keys)}")
    if site not in keys:
        raise ConfigError(f"--site: there is no site {site}; the known ones are {', '.join(keys)}")
    if not keys[site].server:
        raise ConfigError(f"the site {site} has no server key here; give one with --key or $HITSTREAM_KEY")
    return site, keys[site].server[0]
