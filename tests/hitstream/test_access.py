"""Which request may make which call, over HTTP."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient

from hitstream import problems
from hitstream.access import Keyring
from hitstream.keyfile import SiteKeys
from store.site import Site

WRITE, OLD, SERVER, READ = "hw_demo-write-key", "hw_demo-older-key", "hs_demo-secret-key", "hr_demo-reading-key"
KEYS = {"demo": SiteKeys(write=(WRITE, OLD), server=(SERVER,), read=(READ,)), "other": SiteKeys(read=("hr_other-key",))}


def basic(user: str) -> str:
    return "Basic " + b64encode(f"{user}:".encode()).decode()


async def ask(aiohttp_client: AiohttpClient, target: str, headers: Mapping[str, str]) -> tuple[int, str]:
    keyring = Keyring([Site("demo"), Site("other")], KEYS)

    async def send(request: web.Request) -> web.Response:
        grant = keyring.authorize(request, frozenset({"write", "server"}))
        return web.Response(text=f"{grant.site.id} {grant.kind}")

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=keyring.authorize(request, frozenset({"read"})).site.id)

    app = web.Application(middlewares=[problems.middleware])
    app.add_routes([web.get("/send", send), web.get("/read", read)])
    client = await aiohttp_client(app)
    async with client.get(target, headers=headers) as response:
        if response.status == 200:
            return 200, await response.text()
        assert (response.headers.get("WWW-Authenticate") == 'Bearer realm="hitstream"') is (response.status == 401)
        problem = await response.json(content_type=problems.MEDIA_TYPE)
        assert not any(key in str(problem) for key in (WRITE, OLD, SERVER, READ))
        return response.status, problem["code"]


CASES: list[tuple[str, str, dict[str, str], int, str]] = [
    ("bearer", "/send", {"Authorization": f"Bearer {WRITE}"}, 200, "demo write"),
    ("any letter case of the scheme", "/send", {"Authorization": f"bearer  {WRITE}"}, 200, "demo write"),
    ("a key that is being replaced", "/send", {"Authorization": f"Bearer {OLD}"}, 200, "demo write"),
    ("basic", "/send", {"Authorization": basic(SERVER)}, 200, "demo server"),
    ("header", "/send", {"X-Write-Key": WRITE}, 200, "demo write"),
    ("URL", f"/send?key={WRITE}", {}, 200, "demo write"),
    ("read", "/read", {"Authorization": f"Bearer {READ}"}, 200, "demo"),
    ("the site follows from the key", "/read", {"Authorization": "Bearer hr_other-key"}, 200, "other"),
    ("the header before the URL", f"/send?key={WRITE}", {"Authorization": "Bearer nonsense"}, 401, "unauthorized"),
    ("none", "/send", {}, 401, "unauthorized"),
    ("empty", "/send?key=", {"X-Write-Key": ""}, 401, "unauthorized"),
    ("unknown", "/send", {"Authorization": "Bearer hw_unknown"}, 401, "unauthorized"),
    ("the beginning of one", "/send", {"Authorization": f"Bearer {WRITE[:-1]}"}, 401, "unauthorized"),
    ("very long", "/send", {"Authorization": "Bearer " + "x" * 5000}, 401, "unauthorized"),
    ("not ASCII", "/send?key=%ff%ed%a0%80", {}, 401, "unauthorized"),
    ("no base64", "/send", {"Authorization": "Basic ?"}, 401, "unauthorized"),
    ("no text in the base64", "/send", {"Authorization": "Basic //8="}, 401, "unauthorized"),
    ("another scheme", "/send", {"Authorization": f"Digest {WRITE}"}, 401, "unauthorized"),
    ("a read key does not send", "/send", {"Authorization": f"Bearer {READ}"}, 403, "wrong_key"),
    ("a write key does not read", "/read", {"Authorization": f"Bearer {WRITE}"}, 403, "wrong_key"),
    ("a secret in a URL", f"/send?key={SERVER}", {}, 403, "wrong_key"),
    ("a read key in a URL", f"/read?key={READ}", {}, 403, "wrong_key"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "headers", "status", "body"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
async def test_access(
    aiohttp_client: AiohttpClient, target: str, headers: dict[str, str], status: int, body: str
) -> None:
    assert await ask(aiohttp_client, target, headers) == (status, body)
