"""The network's part of the OpenAPI document, made from the same table that the routes are made from. Pure."""

from __future__ import annotations

from typing import Any

from store import contract

from .contract import PREFIX, READS, TAG


def paths() -> dict[str, Any]:
    return contract.paths(TAG, PREFIX, READS, "Takes a read key of the network's site.")


def schemas() -> dict[str, Any]:
    return contract.schemas(TAG, READS)
