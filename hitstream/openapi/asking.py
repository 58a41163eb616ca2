"""The calls that answer questions; what they answer is described by the types that the answers have in the code."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

from query import errors, question
from query.answers.activity import History
from query.answers.comparison import Comparison
from query.answers.funnel import Funnel
from query.answers.realtime import Realtime
from query.answers.timeseries import Series
from query.answers.top import Leaders
from query.funnel import question as funnel
from query.funnel.match import Entry, Order
from query.funnel.steps import MAX_STEPS
from query.http import READERS
from store.attributes import SETS

from .parts import JSON, Part, answer, one_of, operation, parameter, ref, text, whole

REFUSALS: Final = (errors.BadParameter, errors.StoreUnavailable)

_ANSWERS: Final = (Realtime, Comparison, Series, Leaders, History, Funnel)
_CURRENCY: Final = parameter("currency", "Of money in the answer; the site's own by default.", text())
_ACTIVITY_HOURS: Final = whole(question.DEFAULT_HOURS, 1, question.MAX_ACTIVITY_HOURS)
_RANGE: Final = (
    parameter("from", "Instead of it: where the range begins.", text(format="date-time")),
    parameter("to", "Where the range ends; now by default.", text(format="date-time")),
)
_PERIOD: Final = (
    parameter("hours", "The last so many hours.", whole(question.DEFAULT_HOURS, 1, 24 * 800)),
    parameter("days", "The last so many days.", whole(1, 1, 800)),
    *_RANGE,
)

_FUNNEL_REFUSALS: Final = (*REFUSALS, errors.TooManyFunnels, errors.FunnelTooLarge)
_FUNNEL: Final = (
    parameter("days", "The last so many days.", whole(funnel.DEFAULT_DAYS, 1, 800)),
    *(each for each in _PERIOD if each["name"] != "days"),
    parameter("window", "How long after its beginning a chain may end.", text(default=funnel.DEFAULT_WINDOW)),
    parameter("order", "Of the steps.", one_of(get_args(Order), default="ordered")),
    parameter("entry", "Which of several beginnings counts.", one_of(get_args(Entry), default="latest")),
    parameter("breakdown", "Also by this attribute of the first step.", one_of(SETS)),
)
_STEPS: Final = (
    "`conversion:TYPE`, `event:NAME`, `error:TYPE` or `page:/path`, where a trailing `*` matches all that begin so; "
    f"a bare word is a conversion. At most {MAX_STEPS}."
)


def schemas() -> dict[str, Part]:
    _, components = msgspec.json.schema_components(_ANSWERS, ref_template="#/components/schemas/{name}")
    return components


def paths() -> dict[str, Any]:
    return {
        "/v1/metrics/realtime": {"get": _get("Today and the current hour", Realtime)},
        "/v1/metrics/comparison": {"get": _get("Today so far, beside yesterday up to the same time", Comparison)},
        "/v1/metrics/timeseries": {
            "get": _get(
                "A metric over time, without gaps",
                Series,
                parameter("metric", "What is counted.", one_of(question.METRICS), required=True),
                parameter("interval", "Length of a point.", one_of(question.INTERVALS, default="hour")),
                *_PERIOD,
                _CURRENCY,
            )
        },
        "/v1/metrics/top": {
            "get": _get(
                "The most frequent",
                Leaders,
                parameter("dimension", "Of what.", one_of(question.DIMENSIONS), required=True),
                parameter("period", "Of when.", one_of(question.TOP_PERIODS, default="today")),
                *_RANGE,
                parameter("limit", "How many.", whole(question.DEFAULT_LIMIT, 1, question.MAX_LIMIT)),
                _CURRENCY,
            )
        },
        "/v1/users/{user_id}/activity": {
            "get": _get(
                "What a user did, oldest first",
                History,
                parameter("user_id", "As it was sent.", text(), place="path", required=True),
                parameter("hours", "The last so many hours.", _ACTIVITY_HOURS),
            )
        },
        "/v1/funnels": {
            "get": operation(
                "How many users went through steps, one after the other",
                {200: answer("The answer.", ref("Funnel"))},
                parameters=(parameter("steps", f"{_STEPS} Separated by commas.", text(), required=True), *_FUNNEL),
                keys=READERS,
                errors=_FUNNEL_REFUSALS,
            ),
            "post": operation(
                "The same, asked by a JSON object",
                {200: answer("The answer.", ref("Funnel"))},
                body={JSON: {"schema": _funnel_object()}},
                keys=READERS,
                errors=(*_FUNNEL_REFUSALS, errors.BadBody, errors.BodyTooLarge, errors.BodyTimeout),
            ),
        },
        "/v1/live": {
            "get": operation(
                "A summary a second and the newest events, as server-sent events",
                {200: answer("Events `summary`, `event`, `dropped` and `unavailable`.", text(), "text/event-stream")},
                keys=READERS,
                errors=(errors.BadParameter, errors.TooManyReaders),
            )
        },
    }


def _get(summary: str, answered: type[msgspec.Struct], *parameters: Part) -> Part:
    return operation(
        summary,
        {200: answer("The answer.", ref(answered.__name__))},
        parameters=parameters,
        keys=READERS,
        errors=REFUSALS,
    )


def _funnel_object() -> Part:
    steps = {"type": "array", "items": text(), "minItems": 1, "maxItems": MAX_STEPS, "description": _STEPS}
    members = {each["name"]: {**each["schema"], "description": each["description"]} for each in _FUNNEL}
    return {"type": "object", "properties": {"steps": steps, **members}, "required": ["steps"]}
