"""The closed sets that an event's agent and channel are drawn from, and their 14-bit code in the trail.

    bits 13..10 browser · 9..6 os · 5..4 device · 3..0 channel

A member's code is its position: append, never reorder, for codes are stored. Four bits hold 16 members, two hold 4.
"""

from __future__ import annotations

from typing import Final

BROWSERS: Final = (
    "other", "chrome", "safari", "firefox", "edge", "opera", "samsung", "ie", "webview", "bot", "library",
)  # fmt: skip
SYSTEMS: Final = ("other", "windows", "macos", "ios", "android", "linux", "chromeos", "tv", "console")
DEVICES: Final = ("other", "desktop", "mobile", "tablet")
CHANNELS: Final = (
    "none", "direct", "internal", "search", "social", "email", "paid", "referral", "video", "assistant", "campaign",
)  # fmt: skip

SETS: Final = {"browser": BROWSERS, "os": SYSTEMS, "device": DEVICES, "channel": CHANNELS}
SHIFTS: Final = {"browser": 10, "os": 6, "device": 4, "channel": 0}
MASKS: Final = {"browser": 15, "os": 15, "device": 3, "channel": 15}

_CODES: Final = {
    name: {member: position << SHIFTS[name] for position, member in enumerate(members)}
    for name, members in SETS.items()
}


def code(browser: str, os: str, device: str, channel: str) -> int:
    """The 14-bit code. KeyError where a word is not of its set: the caller made it up."""
    codes = _CODES
    return codes["browser"][browser] | codes["os"][os] | codes["device"][device] | codes["channel"][channel]
