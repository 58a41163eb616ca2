"""`hitstream keys`: shows the sites' keys, makes those of a new site, and replaces one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import msgspec

from hitstream import keyfile
from hitstream.config import Config, ConfigError
from hitstream.datadir import DataDir
from hitstream.keyfile import KINDS, SiteKeys, new_key, new_keys
from store.site import SITE_ID, KeyKind

from .settings import OK, Commands, add

_RESTART: Final = "The server takes this up at its next start."


def describe(commands: Commands) -> None:
    parser = add(
        commands,
        "keys",
        run,
        help_="show, make and replace the sites' keys",
        description="Show the keys of all sites. A write key is public and sends events; a server key is secret and\n"
        "may also send history and orders; a read key asks.",
    )
    parser.add_argument("--add", metavar="SITE", help="make the keys of a new site")
    parser.add_argument(
        "--rotate", nargs=2, metavar=("SITE", "KIND"), help="replace a key; KIND: write, server or read"
    )
    parser.add_argument(
        "--keep-old", action="store_true", help="with --rotate: the old key stays valid beside the new one"
    )


def run(config: Config, options: argparse.Namespace) -> int:
    file = DataDir(Path(config.data_dir)).keys
    if options.keep_old and not options.rotate:
        raise ConfigError("--keep-old goes with --rotate")
    if options.add:
        _add(config, file, options.add)
    elif options.rotate:
        site, kind = options.rotate
        _rotate(config, file, site, kind, keep_old=options.keep_old)
    keys = keyfile.complete(config, file)
    for id_, site_keys in keys.items():
        print(id_)
        for kind in KINDS:
            for key in site_keys.of(kind):
                print(f"    {kind:8}{key}")
    if options.add or options.rotate:
        print(_RESTART)
    return OK


def _add(config: Config, file: Path, site: str) -> None:
    if not SITE_ID.match(site):
        raise ConfigError(f"{site!r}: a site's id is 2 to 32 lower-case letters, digits and '-'")
    kept = keyfile.read(file)
    if config.sites:
        raise ConfigError(f"the configuration lists the sites; add [sites.{site}] there, and its keys are made")
    if site in kept:
        raise ConfigError(f"the site {site} has its keys already")
    keyfile.write(file, {**kept, site: new_keys()})


def _rotate(config: Config, file: Path, site: str, kind: str, *, keep_old: bool) -> None:
    kept = keyfile.complete(config, file)
    if site not in kept:
        raise ConfigError(f"there is no site {site}; the known ones are {', '.join(kept)}")
    known: KeyKind | None = next((each for each in KINDS if each == kind), None)
    if known is None:
        raise ConfigError(f"there is no kind of key {kind!r}; the known ones are {', '.join(KINDS)}")
    own = keyfile.read(file)
    if site not in own:
        raise ConfigError(f"the configuration gives the keys of {site}; replace it there")
    old = own[site].of(known) if keep_old else ()
    replaced: SiteKeys = msgspec.structs.replace(own[site], **{known: (new_key(known), *old)})
    keyfile.write(file, {**own, site: replaced})
