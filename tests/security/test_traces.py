"""What a whole server leaves on its disk and in its log: no address, no key, nothing for others to read."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Final

import aiohttp
import pytest
import pytest_asyncio

from tests.endtoend.serving import Server, serving
from tests.hostile.connection import connected
from tests.hostile.framing import FRAMING, KEY
from tests.hostile.injection import INJECTIONS, MARK, body
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENDERS: Final = ("203.0.113.77", "2001:db8:77::4d")
UNKNOWN: Final = "hw_that-nobody-ever-made-0123456789"
OTHERS: Final = 0o077  # what a mode lets anybody but the owner do
CONFIG: Final = 'trusted_proxies = ["127.0.0.0/8"]\nlog_level = "debug"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One that has seen addresses, keys in every place, and hostile texts."""
    root = tmp_path_factory.mktemp("traces")
    (root / "hitstream.toml").write_text(CONFIG)
    async with serving(root / "data", "--config", str(root / "hitstream.toml")) as running:
        await use(running)
        yield running


async def use(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        for sender in SENDERS:
            through = {"X-Forwarded-For": f"198.51.100.1, {sender}"}
            for text in INJECTIONS.values():
                headers = {**through, "X-Write-Key": server.key("write"), "Content-Type": "application/json"}
                async with session.post(f"{server.url}/v1/events", data=body(text), headers=headers) as reply:
                    assert reply.status == 202
            keys = [UNKNOWN, *(server.key(kind) for kind in ("write", "server", "read"))]
            for key in keys:
                basic = b64encode(f"{key}:".encode()).decode()
                for headers, query in (
                    ({"Authorization": f"Bearer {key}"}, ""),
                    ({"Authorization": f"Basic {basic}"}, ""),
                    ({"Authorization": f"Digest {key}"}, ""),
                    ({"X-Write-Key": key}, ""),
                    ({"Cookie": f"key={key}"}, ""),
                    ({}, f"?key={key}"),
                ):
                    for path in ("/v1/metrics/realtime", "/v1/pixel.gif", f"/v1/users/{key}/activity", f"/{key}"):
                        async with session.get(server.url + path + query, headers={**through, **headers}) as reply:
                            assert reply.status < 500
    for row in FRAMING:
        async with connected(server.url) as connection:
            sent = row.sent.replace(KEY, server.key("server").encode())
            await connection.send(sent.replace(b"\r\n", b"\r\nX-Forwarded-For: 203.0.113.77\r\n", 1), ends=True)
            await connection.heard(len(row.replies) or 1)

    async def is_counted() -> bool:
        answer = await server.ask("/v1/metrics/realtime")
        return bool(answer["page_views"]["today"] == 4 * len(INJECTIONS) * len(SENDERS))

    await until(is_counted)


def log_lines(server: Server) -> list[str]:
    """What was logged; what `serve` says to the person who started it goes to another stream of the terminal."""
    said = (server.directory / "server.log").read_text()
    return [line for line in said.splitlines() if line.startswith("{")]


async def test_no_address_is_stored_logged_or_journalled(server: Server) -> None:
    files = [path for path in server.directory.rglob("*") if path.is_file()]
    assert {"server.log", "keys.toml", "salt"} <= {path.name for path in files}
    assert any(path.suffix == ".log" and path.parent.parent.name == "journal" for path in files)
    assert any("appendonly" in path.name for path in files)
    for sender in SENDERS:
        spellings = [sender.encode(), ip_address(sender).packed, ip_address(sender).exploded.encode()]
        for path in files:
            content = path.read_bytes()
            assert not any(spelling in content for spelling in spellings), path


async def test_no_key_is_logged_exposed_or_journalled(server: Server) -> None:
    keys = [UNKNOWN, *(server.key(kind) for kind in ("write", "server", "read"))]
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as reply:
        exposed = await reply.text()
    told = {"log": "\n".join(log_lines(server)), "metrics": exposed}
    for path in server.directory.glob("journal/**/*.log"):
        told[path.name] = path.read_bytes().decode("latin-1")
    for where, text in told.items():
        assert not [key for key in keys if key in text], where
        assert not [key for key in keys if b64encode(f"{key}:".encode()).decode() in text], where


async def test_no_text_forges_a_log_line(server: Server) -> None:
    lines = log_lines(server)
    said = (server.directory / "server.log").read_text()
    assert MARK not in said
    assert "forged" not in said
    for line in lines:
        logged = json.loads(line)
        assert {"time", "level", "logger", "message"} <= logged.keys()
        assert re.fullmatch(r"[\w .,;:'()-]+", logged["message"])
        assert logged["level"] in {"debug", "info", "warning"}


async def test_what_is_stored_is_its_owners_alone(server: Server) -> None:
    """Also in a directory that was there before, open to others as this one is."""
    root = server.directory
    assert root.stat().st_mode & OTHERS
    secret = [root / name for name in ("keys.toml", "secret", "salt", "salt.lock", "lock", "ready.json")]
    secret += [path for path in (root / "journal").rglob("*") if path.is_file()]
    assert len(secret) > 7
    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
    for path in root.rglob("*"):
        if path.is_file() and path.name != "server.log":  # which is the shell's
            within = [path, *path.parents][: len(path.relative_to(root).parts)]
            assert not all(each.stat().st_mode & OTHERS for each in within), path


async def test_the_salt_that_made_ids_of_addresses_is_not_in_redis(server: Server) -> None:
    salt = (server.directory / "salt").read_bytes()[8:]
    assert len(salt) == 32
    for path in (server.directory / "valkey").rglob("*"):
        if path.is_file():
            assert salt not in path.read_bytes()
