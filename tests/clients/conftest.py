"""Real clients, real servers, and a site of one's own on them for each test.

The servers last as long as the run, so every module here says `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
A test may stop, start and kill them as it likes, and leaves them running. Tests of npm packages ask for `packages`;
where there is no Node they are skipped.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.packages import Missing, install
from tests.clients.sites import OnSite, configured, unused
from tests.endtoend.serving import Server, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with _configured(tmp_path_factory.mktemp("clients"), events_per_second=0) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def strict_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Each key may send 20 events a second, and no two requests at once."""
    async with _configured(tmp_path_factory.mktemp("strict"), events_per_second=20, events_burst=1) as server:
        yield server


@pytest.fixture(scope="session")
def sites() -> Iterator[str]:
    """The names of the servers' sites, each to be used once."""
    return unused()


@pytest.fixture
def site(server: Server, sites: Iterator[str]) -> OnSite:
    """A site of the server that has had no event."""
    return OnSite(server, next(sites))


@pytest.fixture
def strict_site(strict_server: Server, sites: Iterator[str]) -> OnSite:
    return OnSite(strict_server, next(sites))


@pytest.fixture(scope="session")
def packages() -> None:
    try:
        install()
    except Missing as reason:
        pytest.skip(f"the npm packages of the clients are not there: {reason}")


@asynccontextmanager
async def _configured(directory: Path, **settings: object) -> AsyncIterator[Server]:
    """On a port that stays the same from one start to the next, for clients know no other."""
    (directory / "hitstream.toml").write_text(configured(**settings))
    with socket.create_server(("127.0.0.1", 0)) as unused_port:
        port = unused_port.getsockname()[1]
    options = ("--config", str(directory / "hitstream.toml"), "--port", str(port))
    async with serving(directory / "data", *options) as server:
        yield server
