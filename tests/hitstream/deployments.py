"""A deployment as `hitstream serve` resolves it, for tests that run its application in their own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hitstream.config import Config
from hitstream.deployment import Deployment, resolve


def deployment(
    directory: Path, redis_url: str, postgres_url: str = "", mongo_url: str = "", **settings: Any
) -> Deployment:
    """With a shop where there is a `postgres_url`, and a network where there is a `mongo_url`."""
    return resolve(Config(data_dir=str(directory), **settings), redis_url, postgres_url, mongo_url)


def bearer(deployed: Deployment, kind: str, site: str = "demo") -> dict[str, str]:
    return {"Authorization": f"Bearer {getattr(deployed.keys[site], kind)[0]}"}
