"""One kept connection on `http.client`, opened when it is needed and opened anew after any failure."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from .delivery import NoReply, Reply, Request
from .target import Target


class Connection:
    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._http: HTTPConnection | None = None

    def post(self, request: Request) -> Reply | NoReply:
        reused = self._http is not None
        try:
            http = self._http = self._http or self._open()
            http.request("POST", self._target.path, request.body, {**self._target.headers, **request.headers})
            with http.getresponse() as response:
                return Reply(response.status, response.read(), response.headers.get("Retry-After", ""))
        except (OSError, HTTPException) as error:
            self.close()
            # The server closed it while it was idle: nothing was read, and the request may well be fine.
            stale = reused and isinstance(error, ConnectionError)
            return NoReply(str(error) or type(error).__name__, stale)

    def close(self) -> None:
        http, self._http = self._http, None
        if http:
            http.close()

    def abort(self) -> None:
        """From another thread: whatever it waits for fails at once."""
        http = self._http
        if http and http.sock:
            with suppress(OSError):
                http.sock.shutdown(socket.SHUT_RDWR)

    def _open(self) -> HTTPConnection:
        target = self._target
        if target.https:
            context = ssl.create_default_context()
            return HTTPSConnection(target.host, target.port, timeout=self._timeout_s, context=context)
        return HTTPConnection(target.host, target.port, timeout=self._timeout_s)
