"""What the tests of answers share: a way to put events into Redis, and the clock that they are asked by."""

from __future__ import annotations

from typing import Any

import pytest

from store.functions import Functions
from tests.query.fill import SITES
from tests.store.batches import Writer


@pytest.fixture
async def writer(redis: Any) -> Writer:
    functions = Functions(redis)
    await functions.load()
    return Writer(functions, *SITES)
