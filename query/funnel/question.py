"""What a funnel asks, from a request's parameters or a JSON object with the same members.

steps      conversion:TYPE, event:NAME, error:TYPE, page:/path (a trailing * matches all that begin so), or a bare
           word, which is a conversion; as a parameter separated by commas, as a member an array
days       the last so many; or hours; or from and to. 7 days where none is given
window     how long after its beginning a chain may end: 90s, 30m, 24h, 7d (the default)
order      ordered (the default), strict, any
entry      latest (the default), first
breakdown  browser, os, device, channel: the answer also by this attribute of the first step
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, get_args
from urllib.parse import quote

import orjson
from msgspec import Struct

from query.errors import BadBody, BadParameter
from query.question import Parameters, Period, duration, period
from store.attributes import SETS
from store.buckets import DAY_MS

from .match import Entry, Order
from .steps import MAX_STEPS

KINDS: Final = ("conversion", "event", "error", "page")
KNOWN: Final = ("steps", "days", "hours", "from", "to", "window", "order", "entry", "breakdown")
DEFAULT_DAYS: Final = 7
DEFAULT_WINDOW: Final = "7d"
LONGEST_DAYS: Final = 800  # two years, to compare one with the other
MAX_NAME: Final = 2_048  # characters: a page's URL, the longest of all names, has no more

_UNSAFE: Final = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x7e]")  # in the path of a URL, as admission stores it


class FunnelQuestion(Struct, frozen=True):
    """`asked` are the steps as they were given, `steps` with their kind; `spoken` is the period as it was asked for."""

    asked: tuple[str, ...]
    steps: tuple[str, ...]
    period: Period
    spoken: str
    window: int
    order: Order
    entry: Entry
    breakdown: str | None


def from_parameters(given: Mapping[str, str], now: int) -> FunnelQuestion:
    parameters = Parameters(given, KNOWN)
    steps = parameters.text("steps")
    return _question([step.strip() for step in steps.split(",")] if steps else [], parameters, now)


def from_json(body: bytes, now: int) -> FunnelQuestion:
    """Raises `BadBody` where the body is no JSON object."""
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadBody(f"the body is not JSON: {error}") from None
    if not isinstance(members, dict):
        raise BadBody("the body must be a JSON object")
    steps = members.pop("steps", None)
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise BadParameter("steps", "must be an array of strings")
    parameters = Parameters({name: _text(name, value) for name, value in members.items() if value is not None}, KNOWN)
    return _question(steps, parameters, now)


def _question(asked: Sequence[str], parameters: Parameters, now: int) -> FunnelQuestion:
    if not 1 <= len(asked) <= MAX_STEPS:
        raise BadParameter("steps", f"must be 1 to {MAX_STEPS} steps")
    window = duration("window", parameters.text("window") or DEFAULT_WINDOW)
    if not 0 < window <= LONGEST_DAYS * DAY_MS:
        raise BadParameter("window", f"must be longer than 0s and at most {LONGEST_DAYS}d")
    wanted = period(parameters, now, hours=DEFAULT_DAYS * 24)
    if wanted.end - wanted.start > LONGEST_DAYS * DAY_MS + 1:
        raise BadParameter("from", f"may lie at most {LONGEST_DAYS} days before to")
    # Half a surrogate pair is never admitted, so a step with one finds nothing; what stands for it can be told back.
    asked = [step.encode(errors="replace").decode() for step in asked]
    return FunnelQuestion(
        asked=tuple(asked),
        steps=tuple(_step(step) for step in asked),
        period=wanted,
        spoken=_spoken(parameters),
        window=window,
        order=cast(Order, parameters.choice("order", get_args(Order), "ordered")),
        entry=cast(Entry, parameters.choice("entry", get_args(Entry), "latest")),
        breakdown=parameters.choice("breakdown", tuple(SETS)) if "breakdown" in parameters else None,
    )


def _step(asked: str) -> str:
    kind, colon, name = asked.partition(":")
    if not colon:
        kind, name = "conversion", asked
    if kind not in KINDS:
        raise BadParameter("steps", f"unknown kind {kind[:64]!r}; the known ones are {', '.join(KINDS)}")
    if not name.strip():
        raise BadParameter("steps", "a step must have a name")
    if len(name) > MAX_NAME:
        raise BadParameter("steps", f"a step has at most {MAX_NAME:,} characters")
    if kind == "page":
        if not name.startswith("/"):
            raise BadParameter("steps", "a page's path must begin with /, such as page:/pricing or page:/blog/*")
        name = _UNSAFE.sub(lambda unsafe: quote(unsafe[0], safe="", errors="replace"), name)
    return f"{kind}:{name}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadParameter(name[:64], "must be a string or a whole number")


def _spoken(parameters: Parameters) -> str:
    for unit in ("days", "hours"):
        if unit in parameters:
            return f"{int(parameters.text(unit) or 0)} {unit}"
    if "from" in parameters:
        return " to ".join(filter(None, (parameters.text("from"), parameters.text("to") or "now")))
    return f"{DEFAULT_DAYS} days"
