"""Visitors for Locust: each looks at some pages, and now and then buys.

    pip install locust
    KEY=hw_... locust -f bench/load/locustfile.py --headless -u 200 -r 50 -t 30s -H http://127.0.0.1:8080

One who is refused (429 or 503) waits as long as the server asks for, and sends the same event again: its id makes that
safe. Such answers are counted as failures, under the name of their code.
"""

from __future__ import annotations

import os
import random
import uuid
from typing import Any

from gevent import sleep
from locust import HttpUser, between, task

TRIES = 3


class Visitor(HttpUser):
    wait_time = between(0.5, 3)

    def on_start(self) -> None:
        self.client.headers["X-Write-Key"] = os.environ["KEY"]
        self.user_id = f"visitor-{random.randrange(20_000)}"
        self.session_id = uuid.uuid4().hex

    @task(20)
    def look(self) -> None:
        self._send("/v1/page_view", {"page_url": f"https://shop.example/products/{random.randrange(1_000)}"})

    @task(1)
    def buy(self) -> None:
        self._send("/v1/conversion", {"conversion_type": "purchase", "value": "19.99", "currency": "EUR"})

    def _send(self, path: str, fields: dict[str, Any]) -> None:
        event = {"event_id": uuid.uuid4().hex, "user_id": self.user_id, "session_id": self.session_id, **fields}
        for _ in range(TRIES):
            with self.client.post(path, json=event, catch_response=True) as reply:
                if reply.status_code not in (429, 503):
                    return
                reply.failure(reply.json()["code"])
            sleep(float(reply.headers["Retry-After"]))
