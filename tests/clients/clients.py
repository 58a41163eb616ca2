"""The clients that send to Segment, RudderStack, PostHog and Sentry: how each is started.

Their programs understand the same calls, `many(first, count, size)` and `flush()` among them, and take URL, KEY and
OPTIONS, which go to the client as they are. The options here shorten its delays, and give a busy machine the time to
start a server again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from msgspec import Struct

from tests.clients.program import Program, node, python


class Client(Struct, frozen=True):
    """name: the package's. arguments: before the URL."""

    name: str
    script: str
    in_node: bool = False
    arguments: tuple[str, ...] = ()
    options: Mapping[str, Any] = {}
    environment: Mapping[str, str] = {}

    def __str__(self) -> str:
        return " ".join((self.name, *self.environment.values()))

    def start(self, url: str, key: str, **options: Any) -> AbstractAsyncContextManager[Program]:
        run = node if self.in_node else python
        told = json.dumps({**self.options, **options})
        return run(self.script, *self.arguments, url, key, told, **self.environment)


_V0: Final = {"POSTHOG_CAPTURE_MODE": "v0"}
_V1: Final = {"POSTHOG_CAPTURE_MODE": "v1"}
_PATIENT: Final = {"max_retries": 8}
_PATIENT_NODE: Final = {"fetchRetryCount": 20, "fetchRetryDelay": 300}

SEGMENT: Final = (
    Client("segment-analytics-python", "segment_python", arguments=("segment.analytics",), options={"gzip": True}),
    Client("rudder-sdk-python", "segment_python", arguments=("rudderstack.analytics",)),
    Client("@segment/analytics-node", "segment_node", in_node=True),
)
POSTHOG: Final = (
    Client("posthog", "posthog_python", options=_PATIENT, environment=_V0),
    Client("posthog", "posthog_python", options={**_PATIENT, "gzip": True}, environment=_V1),
    Client("posthog-node", "posthog_node", in_node=True, options=_PATIENT_NODE, environment=_V0),
    Client("posthog-node", "posthog_node", in_node=True, options=_PATIENT_NODE, environment=_V1),
)
SENTRY: Final = (
    Client("sentry-sdk", "sentry_python"),
    Client("@sentry/node", "sentry_node", in_node=True),
)
