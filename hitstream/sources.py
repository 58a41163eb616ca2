"""Where the configuration comes from: a TOML file, the environment and the command line, read once, at the start.

Later ones win: defaults, then the file, then `HITSTREAM_<NAME>`, then the flags. A site's value is
`HITSTREAM_SITES_<ID>_<NAME>`, its id in capitals with `_` for `-`. Lists are written `a,b` in the environment,
where an empty variable counts as none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from .config import Config, ConfigError, SiteConfig, check

PREFIX: Final = "HITSTREAM_"
# Ours, but no setting: the file itself, and what tests and the import command read.
NOT_SETTINGS: Final = re.compile(r"HITSTREAM_(CONFIG|KEY|TEST_\w+)\Z")

T = TypeVar("T", bound=Struct)


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """The configuration, checked. `flags`: field -> value, those that were given. Raises `ConfigError`."""
    given = _read(file) if file else {}
    where = dict.fromkeys(given, f"in {file}")
    raw_sites = given.pop("sites", {})
    if not isinstance(raw_sites, dict) or not all(isinstance(site, dict) for site in raw_sites.values()):
        raise ConfigError(f"sites (in {file}): must be tables, [sites.<id>]")
    sites = {id_: dict(site) for id_, site in raw_sites.items()}
    where |= {f"sites.{id_}.{field}": f"in {file}" for id_, site in sites.items() for field in site}
    for variable, text in environ.items():
        if not text or not variable.startswith(PREFIX) or NOT_SETTINGS.match(variable):
            continue
        name = variable.removeprefix(PREFIX).lower()
        where[name] = f"from {variable}"
        if name.startswith("sites_"):
            _put_site(sites, where, variable, text)
        else:
            given[name] = _parsed(text, Config, name)
    for name, value in flags.items():
        given[name], where[name] = value, f"from --{name.replace('_', '-')}"
    site_configs = {id_: _convert(site, SiteConfig, f"sites.{id_}.", where) for id_, site in sites.items()}
    config = msgspec.structs.replace(_convert(given, Config, "", where), sites=site_configs)
    try:
        check(config)
    except ConfigError as error:
        name, _, reason = str(error).partition(": ")
        raise ConfigError(f"{name} ({where[name]}): {reason}" if name in where else str(error)) from error
    return config


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not TOML: it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _put_site(sites: dict[str, dict[str, Any]], where: dict[str, str], variable: str, text: str) -> None:
    """Field names hold no `_` and ids no capitals, so the last word is the field and the rest the id."""
    stem, _, field = variable.removeprefix(PREFIX).lower().removeprefix("sites_").rpartition("_")
    id_ = stem.replace("_", "-")
    where[f"sites.{id_}.{field}"] = f"from {variable}"
    sites.setdefault(id_, {})[field] = _parsed(text, SiteConfig, field)


def _parsed(text: str, struct: type[Struct], name: str) -> object:
    """What a variable's text stands for, where the field may be a list; anything else is converted later."""
    if name not in struct.__struct_fields__:
        return text
    type_ = _plain(struct, name)
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    if any(get_origin(member) is tuple for member in members):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _convert(given: Mapping[str, Any], struct: type[T], prefix: str, where: Mapping[str, str]) -> T:
    """Field by field, so that an error can name the one that is wrong."""
    fields = {field.name: field.type for field in msgspec.structs.fields(struct) if field.name != "sites"}
    values = {}
    for name, value in given.items():
        source = where[prefix + name]
        place = f"{prefix}{name} ({source})"
        if name not in fields:
            close = get_close_matches(name, fields, n=1)
            raise ConfigError(f"{place}: there is no such setting" + (f"; is it {close[0]!r}?" if close else ""))
        try:
            values[name] = msgspec.convert(value, fields[name], strict=not source.startswith(f"from {PREFIX}"))
        except msgspec.ValidationError as error:
            raise ConfigError(f"{place}: must be {wanted(fields[name])}") from error
    return struct(**values)


def wanted(annotated: Any) -> str:
    """What a field may hold, for who gave it something else."""
    type_, meta = get_args(annotated)
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    if get_origin(type_) is Literal:
        return "one of " + ", ".join(get_args(type_))
    if type_ is bool:
        return "true or false"
    if type_ is int:
        low, high = (meta.ge if meta.ge is not None else "any"), meta.le
        return f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    if any(get_origin(member) is tuple for member in members):
        return "text or a list of texts" if str in members else 'a list of texts, such as ["a", "b"]'
    return "text"


def _plain(struct: type[Struct], name: str) -> Any:
    """The type of a field, without what is said about it."""
    type_ = next(field.type for field in msgspec.structs.fields(struct) if field.name == name)
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_
