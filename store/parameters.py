"""The parameters of a request: declared once for parser and OpenAPI document, refused with their name. Pure.

A value that a request does not give is its parameter's default, or None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from types import GenericAlias
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from .errors import BadParameter
from .money import CURRENCIES, InvalidAmount, minor_units

Kind = Literal["text", "id", "choice", "whole", "number", "amount", "flag", "currency", "cursor"]

MAX_TEXT: Final = 200  # characters of a search, a slug or a name
MAX_ID: Final = 128  # characters; an id is taken as it is, spaces and all
MAX_CURSOR: Final = 2_000  # characters; what is longer, no answer gave
MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50
_INT64: Final = 1 << 63

_WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,15})?", re.ASCII)


class Parameter(Struct, frozen=True):
    name: str
    description: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    default: str | int | None = None
    low: float = 1
    high: float = MAX_LIMIT
    required: bool = False


CURRENCY: Final = Parameter("currency", "ISO 4217 code; the site's own by default.", "currency")
LIMIT: Final = Parameter("limit", "How many at most.", "whole", default=DEFAULT_LIMIT)
CURSOR: Final = Parameter("cursor", "`next_cursor` of the answer before, asked with the same filters.", "cursor")


class Asked:
    """The values of one request. `read` and the filters name the list that a cursor belongs to.

    `currency` is what an amount is in where no parameter says it.
    """

    def __init__(self, read: str, known: Sequence[Parameter], given: Mapping[str, str], currency: str = "USD") -> None:
        texts = _texts(known, given)
        self._values: dict[str, Any] = {
            parameter.name: _parsed(parameter, texts[parameter.name]) if parameter.name in texts else parameter.default
            for parameter in known
            if parameter.kind != "amount"
        }
        if "currency" in self._values:
            self._values["currency"] = self._values["currency"] or currency
        money = self._values.get("currency") or currency
        for parameter in known:
            if parameter.kind == "amount":
                text = texts.get(parameter.name)
                self._values[parameter.name] = None if text is None else _amount(parameter.name, text, money)
        list_ = [f"{name}={value}" for name, value in self._values.items() if name not in ("limit", "cursor")]
        self._list = blake2b("\0".join([read, *sorted(list_)]).encode(), digest_size=4).hexdigest()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def after(self, *types: type) -> tuple[Any, ...] | None:
        """What the cursor says of the last item before, each value of its type; None at the beginning."""
        text = self._values["cursor"]
        if text is None:
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            raw = msgspec.json.decode(f'"{padded.translate(_STANDARD)}"', type=bytes)
            list_, *values = msgspec.json.decode(raw, type=GenericAlias(tuple, (str, *types)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadParameter("cursor", "is not one that an answer gave") from None
        if any(isinstance(value, int) and not -_INT64 <= value < _INT64 for value in values):
            raise BadParameter("cursor", "is not one that an answer gave")
        if list_ != self._list:
            raise BadParameter("cursor", "belongs to a list with other filters")
        return tuple(values)

    def cursor(self, *values: object) -> str:
        """The cursor that goes on after an item with these values."""
        raw = msgspec.json.encode((self._list, *values))
        return msgspec.json.encode(raw).decode().strip('"').translate(_URL_SAFE).rstrip("=")


_URL_SAFE: Final = str.maketrans("+/", "-_")
_STANDARD: Final = str.maketrans("-_", "+/")


def _texts(known: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """Each known and given once: a multidict's items tell a repeated one."""
    names = [parameter.name for parameter in known]
    found: dict[str, str] = {}
    for name, text in given.items():
        if name not in names:
            takes = f"the known ones are {', '.join(names)}" if names else "this call takes none"
            raise BadParameter(name[:64], f"unknown parameter; {takes}")
        if name in found:
            raise BadParameter(name, "given more than once")
        found[name] = text
    for parameter in known:
        if parameter.required and parameter.name not in found:
            raise BadParameter(parameter.name, "is needed")
    return found


def _parsed(parameter: Parameter, text: str) -> str | float | bool:
    name = parameter.name
    match parameter.kind:
        case "choice":
            if text not in parameter.choices:
                raise BadParameter(name, f"unknown {text[:64]!r}; the known ones are {', '.join(parameter.choices)}")
            return int(text) if isinstance(parameter.default, int) else text
        case "whole":
            if not _WHOLE.fullmatch(text) or not parameter.low <= int(text) <= parameter.high:
                raise BadParameter(name, f"must be a whole number from {parameter.low} to {parameter.high}")
            return int(text)
        case "number":
            if not _NUMBER.fullmatch(text) or not parameter.low <= float(text) <= parameter.high:
                raise BadParameter(name, f"must be a number from {parameter.low} to {parameter.high}")
            return float(text)
        case "flag":
            if text not in ("true", "false"):
                raise BadParameter(name, "must be true or false")
            return text == "true"
        case "currency":
            if text not in CURRENCIES:
                raise BadParameter(name, "must be an ISO 4217 code in upper case, such as USD")
            return text
        case "cursor":
            if len(text) > MAX_CURSOR:
                raise BadParameter(name, "is not one that an answer gave")
            return text
        case "id":
            if not 1 <= len(text) <= MAX_ID:
                raise BadParameter(name, f"must be 1 to {MAX_ID} characters")
            return text
        case _:
            if not text.strip() or len(text) > MAX_TEXT or not text.isprintable():
                raise BadParameter(name, f"must be 1 to {MAX_TEXT} printable characters")
            return text.strip()


def _amount(name: str, text: str, currency: str) -> int:
    try:
        minor = minor_units(text, currency)
    except InvalidAmount as error:
        raise BadParameter(name, str(error)) from None
    if not 0 <= minor < _INT64:
        raise BadParameter(name, "must not be below zero, nor beyond what anyone asks")
    return minor
