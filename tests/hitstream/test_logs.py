"""What a log line looks like, and that nothing in it makes two of it."""

from __future__ import annotations

import asyncio
import logging
import sys

import orjson
import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpServer

from hitstream import logs


def record(message: str, *, fields: dict[str, object] | None = None, exception: bool = False) -> logging.LogRecord:
    info = None
    if exception:
        try:
            raise ValueError("first\nsecond")
        except ValueError:
            info = sys.exc_info()
    made = logging.LogRecord("ingest.lane", logging.WARNING, "lane.py", 1, message, (), info)
    vars(made).update(fields or {})
    return made


def test_json_holds_the_fields() -> None:
    line = logs.JsonLines().format(record("commit failed", fields={"partition": 3, "error": OSError("no")}))
    parsed = orjson.loads(line)
    time = parsed.pop("time")
    assert time.endswith("Z")
    assert parsed == {
        "level": "warning",
        "logger": "ingest.lane",
        "message": "commit failed",
        "partition": 3,
        "error": "no",
    }


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\x00b"])
def test_no_text_makes_a_second_line(text: str) -> None:
    forged = record(text, fields={"error": text})
    assert len(logs.JsonLines().format(forged).splitlines()) == 1
    shown = logs.Text().format(forged)
    assert shown.isprintable()


def test_a_traceback_is_kept() -> None:
    parsed = orjson.loads(logs.JsonLines().format(record("failed", exception=True)))
    assert parsed["exception"].endswith("ValueError: first\nsecond")
    shown = logs.Text().format(record("failed", exception=True)).splitlines()
    assert all(line.startswith("    | ") for line in shown[1:])


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\r\nKey: hs_secret\x00\r\n\r\n", b"\x16\x03\x01 hs_secret\r\n\r\n"])
async def test_a_malformed_request_leaves_neither_key_nor_address(
    capfd: pytest.CaptureFixture[str], aiohttp_server: AiohttpServer, raw: bytes
) -> None:
    logs.set_up("debug", "json")
    server = await aiohttp_server(web.Application())
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(raw)
    assert b" 400 " in await reader.read()
    writer.close()
    await writer.wait_closed()
    logged = capfd.readouterr().err
    assert "hs_secret" not in logged
    assert "127.0.0.1" not in logged
