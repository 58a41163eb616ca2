"""PostHog: how its clients send, and what they ask first. What an event says is `ingest.dialects.posthog_event`'s.

    POST /batch/ /e/ /i/v0/e/ /capture/ /track/ /engage/ /i/v0/ai/batch/     with or without the last slash

The body is `{"api_key", "batch": [...], "sent_at"}`, an array of events, or one; as JSON, or as base64 of it in the
form field `data`. The key stands in the body, in its first event, or in the address. 200 `{"status": "Ok"}`, what was
not taken as `rejected` beside it; 204 to a beacon. Where nothing could be taken, `detail` says why, and the clients
pass that on to `on_error`. The newer way is `ingest.dialects.posthog_v1`'s.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from store.errors import RequestError
from store.site import Presented

from ..errors import NotJson
from . import posthog_v1
from .keys import in_address, in_body, in_header
from .posthog_event import ignores_clock, item, key
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Settings, Translation, encoded, loads

BODY_BYTES: Final = 8 << 20  # posthog-python sends up to 5 MiB and an event more, as they are
PATIENCE_S: Final = 5.0  # clients wait 10 s for an answer, and give up after three more tries

_PATHS: Final = ("/batch", "/e", "/i/v0/e", "/capture", "/track", "/engage", "/i/v0/ai/batch")
_FORM: Final = b"data="

# Nothing that would have the client record, load or ask more. So nothing may be said of `surveys`: told that there are
# none, posthog-js loads the script for them all the same.
_CONFIG: Final[dict[str, Any]] = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocapture_opt_out": False,
    "autocaptureExceptions": False,
    "analytics": {"endpoint": "/i/v0/e/"},
    "elementsChainAsString": True,
    "sessionRecording": False,
    "heatmaps": False,
    "siteApps": [],
    "defaultIdentifiedOnly": True,
}
_FLAGS: Final[dict[str, Any]] = {
    **_CONFIG,
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
    "toolbarParams": {},
    "isAuthenticated": False,
}


def read(message: Message) -> Translation:
    sent = _sent(message.body)
    fields = sent if isinstance(sent, dict) else {}
    batch = fields.get("batch", sent)
    events = batch if isinstance(batch, list) else [batch]
    items = [item(event, message.now) for event in events]
    sent_at = fields.get("sent_at") if not any(map(ignores_clock, events)) else None
    return Translation(_key(message, fields, events), items, list(range(len(items))), len(items), sent_at)


def accept(message: Message, _: Translation, outcome: Outcome) -> Reply:
    rejected = [{"index": each.index, "code": each.code, "message": each.message} for each in outcome.rejections]
    if rejected and not outcome.taken:
        return _failure(400, outcome.rejections[0].code, outcome.rejections[0].message)
    if message.query.get("beacon") == "1":
        return Reply(204)
    return Reply(200, encoded({"status": "Ok", "rejected": rejected} if rejected else {"status": "Ok"}))


def refuse(_: Message, error: RequestError, status: int) -> Reply:
    return _failure(status, error.code, error.message)


def flags(_: Message) -> Reply:
    return Reply(200, encoded(_FLAGS))


def config(_: Message) -> Reply:
    return Reply(200, encoded(_CONFIG))


def config_script(message: Message) -> Reply:
    """The same for a page that asks by a script."""
    token, found = encoded(message.path["token"]), encoded({"config": _CONFIG, "siteApps": []})
    held = b"window._POSTHOG_REMOTE_CONFIG"
    script = b"(function(){%b=%b||{};%b[%b]=%b})();" % (held, held, held, token, found)
    return Reply(200, script, "application/javascript")


def _failure(status: int, code: str, text: str) -> Reply:
    type_ = "validation_error" if status == 400 else "server_error" if status >= 500 else "authentication_error"
    return Reply(status, encoded({"type": type_, "code": code, "detail": text, "attr": None}))


def _sent(body: bytes) -> Any:
    if not body.startswith(_FORM):
        return loads(body)
    text = unquote_to_bytes(body[len(_FORM) :].partition(b"&")[0].replace(b" ", b"+"))
    if text[:1] in (b"{", b"["):
        return loads(text)
    try:
        return loads(b64decode(text + b"=" * (-len(text) % 4), validate=True))
    except binascii.Error as error:
        raise NotJson("data is not the base64 of JSON") from error


def _key(message: Message, fields: dict[str, Any], events: list[Any]) -> Presented:
    return (
        in_body(key(fields))
        or in_body(next(filter(None, map(key, events)), ""))
        or in_header(message, "bearer")
        or in_address(message, "api_key")
        or in_address(message, "token")
        or Presented("")
    )


POSTHOG: Final = Dialect(
    "posthog",
    (
        *(
            Endpoint(("POST",), path + slash, read, accept, refuse, BODY_BYTES, PATIENCE_S)
            for path in _PATHS
            for slash in ("", "/")
        ),
        Endpoint(
            ("POST",),
            "/i/v1/analytics/events",
            posthog_v1.read,
            posthog_v1.accept,
            posthog_v1.refuse,
            BODY_BYTES,
            PATIENCE_S,
        ),
    ),
    (
        *(Settings(("GET", "POST"), path + slash, flags) for path in ("/flags", "/decide") for slash in ("", "/")),
        Settings(("GET",), "/array/{token}/config", config),
        Settings(("GET",), "/array/{token}/config.js", config_script),
    ),
    headers=("PostHog-Sdk-Info", "PostHog-Attempt", "PostHog-Request-Id", "PostHog-Request-Timestamp"),
)
