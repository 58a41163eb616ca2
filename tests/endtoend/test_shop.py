"""The shop on the stream: what a server key sends as an order is read from the shop a moment later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

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
        assert await server.stop() == 0
        await server.start()
        await until(is_booked, 60)
