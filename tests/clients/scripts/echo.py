"""A program without a client, for testing the rig."""

from __future__ import annotations

from tests.clients.scripts.story import perform, say


def fail() -> None:
    raise ValueError("no")


perform({"echo": lambda *arguments: arguments, "fail": fail})
say("goodbye")
