"""The calls that answer questions; what they answer is described by the types that the answers have in the code."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from query import errors, question
from query.answers.activity import History
from query.answers.realtime import Realtime
from query.answers.timeseries import Series
from query.answers.top import Leaders
from query.http import READERS

from .parts import Part, answer, one_of, operation, parameter, ref, text, whole

REFUSALS: Final = (errors.BadParameter, errors.StoreUnavailable)

_ANSWERS: Final = (Realtime, Series, Leaders, History)
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


def schemas() -> dict[str, Part]:
    _, components = msgspec.json.schema_components(_ANSWERS, ref_template="#/components/schemas/{name}")
    return components


def paths() -> dict[str, Any]:
    return {
        "/v1/metrics/realtime": {"get": _get("Today and the current hour", Realtime)},
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
