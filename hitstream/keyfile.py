"""The sites' keys: those that the configuration gives, and `keys.toml` in the data directory for the others.

    [sites.demo]
    write = "hw_..."
    server = "hs_..."
    read = "hr_..."

A value may be a list, newest first, while an old key stays valid beside its successor.
"""

from __future__ import annotations

import secrets
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, get_args

import msgspec
from msgspec import Struct

from store.site import KeyKind, Site

from .config import Config, ConfigError, SiteConfig
from .datadir import replace_private

DEMO: Final = "demo"
KINDS: Final[tuple[KeyKind, ...]] = get_args(KeyKind)
PREFIX_OF: Final[Mapping[KeyKind, str]] = {"write": "hw_", "server": "hs_", "read": "hr_"}

_ALPHABET: Final = string.digits + string.ascii_letters
_LENGTH: Final = 32  # of 62 letters: 190 bits


class SiteKeys(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The keys of one site."""

    write: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    def of(self, kind: KeyKind) -> tuple[str, ...]:
        found: tuple[str, ...] = getattr(self, kind)
        return found


KeysBySite = Mapping[str, SiteKeys]


def new_key(kind: KeyKind) -> str:
    return PREFIX_OF[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_keys() -> SiteKeys:
    return SiteKeys(**{kind: (new_key(kind),) for kind in KINDS})


def sites_of(config: Config, kept: KeysBySite) -> list[Site]:
    """The sites of a deployment: the configured ones, else those that have keys in the data directory, else `demo`."""
    configured = config.sites or dict.fromkeys(kept or (DEMO,), SiteConfig())
    return [
        Site(
            id=id_,
            zone=site.zone,
            currency=site.currency,
            origins=frozenset(site.origins),
            aliases=frozenset(site.aliases),
        )
        for id_, site in configured.items()
    ]


def keys_of(config: Config, kept: KeysBySite) -> dict[str, SiteKeys]:
    """Each site's keys: the configured ones where it has any, else the kept ones, else none."""
    found = {}
    for site in sites_of(config, kept):
        configured = config.sites.get(site.id, SiteConfig())
        given = SiteKeys(**{kind: configured.keys(kind) for kind in KINDS})
        found[site.id] = given if given != SiteKeys() else kept.get(site.id, SiteKeys())
    return found


def read(path: Path) -> dict[str, SiteKeys]:
    """What the file holds; nothing where it is missing. Raises `ConfigError`."""
    try:
        document = tomllib.loads(path.read_text())
        sites = msgspec.convert(document.get("sites", {}), dict[str, SiteConfig])
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    return {id_: SiteKeys(**{kind: site.keys(kind) for kind in KINDS}) for id_, site in sites.items()}


def write(path: Path, kept: KeysBySite) -> None:
    lines = ["# Made by hitstream. A change counts from the next start.", ""]
    for id_, keys in kept.items():
        lines.append(f"[sites.{id_}]")
        lines += [f"{kind} = {_toml(keys.of(kind))}" for kind in KINDS if keys.of(kind)]
        lines.append("")
    replace_private(path, "\n".join(lines))


def complete(config: Config, path: Path) -> dict[str, SiteKeys]:
    """Each site's keys, after making those of sites that have none and keeping them in the file."""
    kept = read(path)
    found = keys_of(config, kept)
    missing = {id_: new_keys() for id_, keys in found.items() if keys == SiteKeys()}
    if missing:
        write(path, {**kept, **missing})
    return {**found, **missing}


def _toml(keys: tuple[str, ...]) -> str:
    """Keys hold no character that TOML or JSON would escape."""
    return f'"{keys[0]}"' if len(keys) == 1 else "[" + ", ".join(f'"{key}"' for key in keys) + "]"
