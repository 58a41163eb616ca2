"""Sentry: the errors of a program. https://develop.sentry.dev/sdk/

    POST /api/{project}/envelope/     an envelope; its items of type `event`, all others are passed over
    POST /api/{project}/store/        one event, as clients before 2020 send it

    exception, its last        error_type, error_message: what was raised in the end
    a message without one      error_type `Message`
    event_id                   event_id
    timestamp                  ISO 8601, or epoch seconds
    user                       user_id: its id, username or email
    request.headers            user_agent
    level, release, environment, transaction, ... , the frame where it happened, what caused it, tags, extra    context

The key stands in `X-Sentry-Auth`, in the address (`sentry_key`) or in the envelope's `dsn`; the project's number says
nothing. 200 `{"id": event_id}`; what was refused is told as `detail` and `causes`, which the clients log.

Its clients send once, so what comes too fast waits here for a while. If that is not enough, the key's rate is answered
with 429 and how long to be silent, as by a Sentry server; a busy worker with 503 and no Retry-After, which they would
take as an order to drop all that follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil, isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from .keys import in_address
from .sentry_envelope import unpacked
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded, loads, refused

BODY_BYTES: Final = 8 << 20  # attachments may travel with an event
PATIENCE_S: Final = 5.0  # clients wait 30 s
LIMITS: Final = "X-Sentry-Rate-Limits"

_MESSAGE: Final = "Message"  # the type of what is no exception
_UNNAMED: Final = "Error"
_SENTRY_KEY: Final = re.compile(r"(?:^|[\s,])sentry_key=([^\s,]+)")
_TOO_MANY: Final = 429

_CONTEXT: Final = ("level", "release", "environment", "dist", "platform", "transaction", "logger", "server_name",
                   "culprit", "fingerprint", "tags", "extra")  # fmt: skip
_FRAME: Final = ("filename", "function", "lineno", "colno", "module", "in_app")

Object = dict[str, Any]


def read_envelope(message: Message) -> Translation:
    envelope = unpacked(message.body)
    payloads = [item.payload for item in envelope.items if item.header.get("type") == "event"]
    items = [_item(_event(payload), envelope.header.get("event_id")) for payload in payloads]
    key = _key(message) or _key_of_dsn(envelope.header.get("dsn")) or Presented("")
    return Translation(key, items, list(range(len(items))), len(items), envelope.header.get("sent_at"))


def read_event(message: Message) -> Translation:
    event = loads(message.body)
    key = _key(message) or Presented("")
    return Translation(key, [_item(event, None)], [0], 1)


def accept(_: Message, translation: Translation, outcome: Outcome) -> Reply:
    if outcome.rejections:
        causes = [rejection.message for rejection in outcome.rejections]
        return Reply(400, encoded({"detail": f"event not taken: {causes[0]}", "causes": causes}))
    first = translation.items[0] if translation.items else None
    id_ = first.get("event_id") if isinstance(first, dict) else None
    return Reply(200, encoded({"id": id_} if isinstance(id_, str) else {}))


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    body = encoded({"detail": error.message, "causes": [error.code]})
    if status == _TOO_MANY:
        wait_s = max(1, ceil(error.retry_after or 1))
        limits = f"{wait_s}:error;default:key:{error.code}"
        return Reply(status, body, headers={LIMITS: limits, "Access-Control-Expose-Headers": f"{LIMITS}, Retry-After"})
    return Reply(status, body, says_when=False)


def _event(payload: bytes) -> object:
    try:
        return loads(payload)
    except NotJson:
        return refused("invalid_json", "the event is not JSON", payload.decode(errors="replace"))


def _item(event: object, id_: object) -> object:
    """id_: the envelope's, where the event says none."""
    if not isinstance(event, dict):
        return event
    exceptions = _listed(event.get("exception"))
    raised = exceptions[-1] if exceptions else None
    request, user = _object(event.get("request")), _object(event.get("user"))
    user.pop("ip_address", None)
    context = {name: event[name] for name in _CONTEXT if event.get(name) not in (None, "", {}, [])}
    context |= {"user": user} if user else {}
    context |= {name: request[name] for name in ("url", "method") if isinstance(request.get(name), str)}
    if isinstance(sdk := event.get("sdk"), dict):
        context["sdk"] = f"{sdk.get('name')}/{sdk.get('version')}"
    type_, says = _MESSAGE, _message(event)
    if raised is not None:
        # A message of which the client has made an exception, for the sake of its stack, has no type.
        type_, said = _text(raised.get("type")) or (_MESSAGE if says else _UNNAMED), says
        says = _text(raised.get("value")) or says
        context |= {"message": said} if said and said != says else {}
        context |= {"frame": frame} if (frame := _frame(raised) or _frame_of(event)) else {}
        context |= {"mechanism": raised["mechanism"]} if isinstance(raised.get("mechanism"), dict) else {}
        if len(exceptions) > 1:
            context["causes"] = [f"{_text(each.get('type'))}: {_text(each.get('value'))}" for each in exceptions[:-1]]
    return {
        "type": "error",
        "error_type": type_,
        "error_message": says,
        "event_id": event.get("event_id") or id_,
        "timestamp": _timestamp(event.get("timestamp")),
        "user_id": _user(user),
        "user_agent": _agent(request),
        "context": context,
    }


def _listed(exception: object) -> list[Object]:
    """{"values": [...]}, an array, or one alone, as older clients have it."""
    found = exception.get("values", [exception]) if isinstance(exception, dict) else exception
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _message(event: Object) -> str:
    entry = event.get("logentry") or event.get("message")
    if isinstance(entry, dict):
        return _text(entry.get("formatted")) or _text(entry.get("message"))
    return _text(entry)


def _frame(exception: Object) -> Object | None:
    """The innermost frame of the program's own, or of all."""
    frames = _object(exception.get("stacktrace")).get("frames")
    found = [each for each in frames if isinstance(each, dict)] if isinstance(frames, list) else []
    innermost = next((each for each in reversed(found) if each.get("in_app")), found[-1] if found else None)
    return {name: innermost[name] for name in _FRAME if name in innermost} if innermost else None


def _frame_of(event: Object) -> Object | None:
    return _frame({"stacktrace": event.get("stacktrace")})


def _user(user: Mapping[str, object]) -> object:
    named = (user.get(name) for name in ("id", "username", "email"))
    return next((value for value in named if value not in (None, "") and isinstance(value, str | int)), None)


def _agent(request: Mapping[str, object]) -> str | None:
    headers = request.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else []
    for pair in pairs:
        match pair:
            case (str(name), str(value)) | [str(name), str(value)] if name.lower() == "user-agent":
                return value
    return None


def _timestamp(value: object) -> object:
    return value * 1000 if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) else value


def _key(message: Message) -> Presented | None:
    for name in ("X-Sentry-Auth", "Authorization"):
        if found := _SENTRY_KEY.search(message.headers.get(name, "").removeprefix("Sentry ")):
            return Presented(found[1])
    return in_address(message, "sentry_key")


def _key_of_dsn(dsn: object) -> Presented | None:
    try:
        key = urlsplit(dsn).username if isinstance(dsn, str) else None
    except ValueError:
        return None
    return Presented(key) if key else None


def _object(value: object) -> Object:
    return dict(value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


SENTRY: Final = Dialect(
    "sentry",
    tuple(
        Endpoint(("POST",), f"/api/{{project}}/{call}{slash}", read, accept, refuse, BODY_BYTES, PATIENCE_S)
        for call, read in (("envelope", read_envelope), ("store", read_event))
        for slash in ("/", "")
    ),
    headers=("X-Sentry-Auth", "sentry-trace", "baggage"),
)
