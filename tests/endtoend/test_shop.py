"""The shop on the stream: what a server key sends as an order is read from the shop a moment later."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
from psycopg import AsyncConnection

from commerce import catalogue
from commerce.database import Database
from hitstream.postgres import Postgres
from tests.commerce.shop import product
from tests.endtoend.serving import Server, serving
from tests.waiting import until


async def _shop_answers(server: Server) -> bool:
    return await _status(server, "/v1/commerce/segments") == 200


async def _status(server: Server, path: str) -> int:
    headers = {"Authorization": f"Bearer {server.key('read')}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(server.url + path) as reply:
        return reply.status


async def _send(server: Server, *events: dict[str, Any]) -> None:
    url, headers = server.url + "/v1/events", {"Authorization": f"Bearer {server.key('server')}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=events) as reply:
        assert reply.status == 202, await reply.text()


async def _check(server: Server, status: int, *options: str) -> str:
    command = [sys.executable, "-m", "hitstream", "check", "--commerce", "--data-dir", str(server.directory), *options]
    environment = {**os.environ, "HITSTREAM_SHOP": ""}
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1, env=environment)
    output, errors = await process.communicate()
    assert process.returncode == status, output.decode() + errors.decode()
    return output.decode()


async def test_an_order_from_the_stream_to_the_shop(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with serving(directory, HITSTREAM_SHOP="") as server:
        await until(lambda: _shop_answers(server), 120)
        async with Database(Postgres(directory / "postgres").url) as database:
            await catalogue.put_products(database, [product("shoe", price=4_250)])
        order = {"number": "1001", "customer": {"id": "ann"}, "lines": [{"sku": "shoe", "quantity": 2}]}
        sale = {"type": "conversion", "conversion_type": "purchase", "value": "85.00", "properties": {"order": order}}
        view = {"type": "page_view", "page_url": "https://shop.example/products/shoe", "user_id": "ann"}
        await _send(server, {**sale, "event_id": "sale-1"}, view)
        await _send(server, {**sale, "event_id": "sale-1"})  # a retry
        await _send(server, {**sale, "event_id": "sale-2"})  # the same order again, under another id

        async def is_booked() -> bool:
            return await _status(server, "/v1/commerce/orders/1001") == 200

        await until(is_booked, 60)
        booked = await server.ask("/v1/commerce/orders/1001")
        assert (booked["total"], booked["currency"]) == ("85.00", "USD")
        assert [(line["sku"], line["quantity"]) for line in booked["lines"]] == [("shoe", 2)]
        assert await _status(server, "/v1/commerce/orders/1002") == 404
        assert await _status(server, "/v1/commerce/segments?nonsense=1") == 400
        realtime = await server.ask("/v1/metrics/realtime")
        assert (
            realtime["conversions"]["today"] == 2
        )  # one event_id counts once, the order's number is the shop's affair
        assert "agrees" in await _check(server, 0)
        async with await AsyncConnection.connect(Postgres(directory / "postgres").url, autocommit=True) as connection:
            await connection.execute("UPDATE customer_stats SET orders = 7")
        assert "1 rows differ" in await _check(server, 1)
        assert "put right" in await _check(server, 0, "--repair")
        assert "differ" not in await _check(server, 0)
        assert await server.stop() == 0
        await server.start()
        await until(is_booked, 60)
