"""The parameters that several reads of the network take."""

from __future__ import annotations

from typing import Final

from store.parameters import Parameter

VIEWER: Final = Parameter("viewer", "Id of the user who looks; without it, one whom nobody knows.", "id")
LIMIT: Final = Parameter("limit", "How many at most.", "whole", default=20, high=100)
