"""The network on the stream: what a server key sends as an action is read from the network a moment later."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from hitstream.mongo import Mongo
from tests.endtoend.serving import Server, serving
from tests.waiting import until


async def send(server: Server, kind: str, actor: str, name: str, **properties: object) -> int:
    event = {"type": "event", "name": name, "user_id": actor, "properties": properties}
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {server.key(kind)}"}
        async with session.post(f"{server.url}/v1/events", json=event, headers=headers) as reply:
            return reply.status


async def look(server: Server, path: str, **parameters: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {server.key('read')}"}
        async with session.get(f"{server.url}/v1/social{path}", params=parameters, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)


async def test_from_the_stream_to_the_network_and_through_a_crash(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with serving(directory, HITSTREAM_NETWORK="") as server:
        # At once: nothing waits for the database to be there.
        assert await send(server, "server", "ada", "profile", username="Ada", email="ada@example.com") == 202
        assert await send(server, "server", "ada", "post", post_id="p1", text="A cup of #tea") == 202
        assert await send(server, "server", "bob", "like", target_type="post", target_id="p1") == 202
        assert await send(server, "write", "eve", "like", target_type="post", target_id="p1") == 202

        async def likes(count: int) -> bool:
            status, answer = await look(server, "/posts/p1", viewer="bob")
            return status == 200 and bool(answer["post"]["stats"]["likes_count"] == count)

        await until(lambda: likes(1), 60)
        _, seen = await look(server, "/posts/p1", viewer="bob")
        assert seen["post"]["user_liked"]
        assert (seen["post"]["author"]["username"], seen["post"]["hashtags"]) == ("Ada", ["tea"])
        assert (await look(server, "/users/nobody"))[0] == 404

        os.kill(int((directory / "mongo" / "pid").read_text()), signal.SIGKILL)
        assert await send(server, "server", "ann", "like", target_type="post", target_id="p1") == 202
        await until(lambda: likes(2), 60)  # nothing that was there is lost, and what came meanwhile is counted
        assert await server.stop() == 0
        assert Mongo(directory / "mongo").url  # another start finds the password and the port
    said = (directory / "server.log").read_text()
    assert "unforeseen" not in said
    assert "background work failed" not in said
