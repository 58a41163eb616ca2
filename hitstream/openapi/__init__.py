"""The HTTP contract as an OpenAPI document, built from what the code itself goes by wherever that says it.

A test holds it against the routes of the application, both ways.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web

from commerce import openapi as shop
from hitstream import problems
from social import openapi as network

from . import asking, page, sending, tracker
from .parts import SCHEMES, Part, answer, operation, ref, text

__all__ = ["document", "handler"]

_PROBLEM: Part = {
    "type": "object",
    "description": "RFC 9457. `code` is a stable word for programs, `message` is for a person.",
    "properties": {
        **{name: text() for name in ("type", "title", "detail", "code", "message")},
        "status": {"type": "integer"},
    },
    "required": ["type", "title", "status", "code", "message"],
}


async def handler(_: web.Request) -> web.Response:
    return web.Response(body=_encoded(), content_type="application/json")


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hitstream", "version": version("hitstream"), "license": {"name": "Apache-2.0"}},
        "paths": {
            **sending.paths(),
            **asking.paths(),
            **shop.paths(),
            **network.paths(),
            **page.paths(),
            **tracker.paths(),
            **_server(),
        },
        "components": {
            "schemas": {
                **sending.SCHEMAS,
                **asking.schemas(),
                **shop.schemas(),
                **network.schemas(),
                "Problem": _PROBLEM,
            },
            "responses": {"Problem": answer("A problem.", ref("Problem"), problems.MEDIA_TYPE)},
            "securitySchemes": dict(SCHEMES),
        },
    }


@cache
def _encoded() -> bytes:
    return orjson.dumps(document())


def _server() -> dict[str, Any]:
    return {
        "/healthz": {"get": operation("Whether the worker lives", {200: answer("It does.", {"type": "object"})})},
        "/readyz": {
            "get": operation(
                "Whether the worker should be sent events",
                {
                    200: answer("It should.", {"type": "object"}),
                    503: answer("It should not; `reasons` says why.", {"type": "object"}),
                },
            )
        },
        "/metrics": {"get": operation("Metrics for Prometheus", {200: answer("All workers'.", text(), "text/plain")})},
        "/docs": {"get": operation("This document as a page", {200: answer("The page.", text(), "text/html")})},
        "/docs/style.css": {"get": operation("How that page looks", {200: answer("Its style.", text(), "text/css")})},
        "/docs/icon.svg": {"get": operation("Its icon", {200: answer("The icon.", text(), "image/svg+xml")})},
        "/openapi.json": {"get": operation("This document", {200: answer("OpenAPI 3.1.", {"type": "object"})})},
    }
