"""The packed record: what goes in comes out, to the last bit of each field."""

from __future__ import annotations

import numpy as np
import pytest

from store import trail
from store.buckets import HOUR_MS

HOUR = 498_733
AT = HOUR * HOUR_MS


@pytest.mark.parametrize(
    ("user", "step", "at", "value", "money", "attrs"),
    [
        (0, 0, AT, 0, 0, 0),
        (1, 2, AT + 3, 4, 5, 6),
        (2**64 - 1, 2**40 - 1, AT + HOUR_MS - 1, trail.VALUE_LIMIT - 1, 1023, 2**14 - 1),
        (2**63, 2**39, AT + 1, 1 - trail.VALUE_LIMIT, 999, 1),
        (7, 7, AT, -1, 840, 0),
    ],
)
def test_a_record_unpacks_to_what_was_packed(user: int, step: int, at: int, value: int, money: int, attrs: int) -> None:
    record = trail.pack(user, step, at, value, money, attrs)
    assert len(record) == trail.RECORD_BYTES
    columns = trail.Columns(trail.words(record), trail.hour(at))
    found = (columns.user, columns.step, columns.at, columns.value, columns.money, columns.attrs)
    assert [column.tolist() for column in found] == [[user], [step], [at], [value], [money], [attrs]]


def test_records_of_several_hours_unpack_together() -> None:
    words = trail.words(trail.pack(1, 2, AT + 5, 0, 0, 0) + trail.pack(1, 2, AT + HOUR_MS + 6, 0, 0, 0))
    assert trail.Columns(words, np.array([HOUR, HOUR + 1])).at.tolist() == [AT + 5, AT + HOUR_MS + 6]


def test_a_torn_last_record_is_left_off() -> None:
    whole = trail.pack(1, 2, AT, 3, 840, 0) * 2
    for torn in range(trail.RECORD_BYTES):
        assert len(trail.words(whole + whole[:torn])) == 2
    assert trail.words(b"").shape == (0, 3)


def test_the_middle_bits_are_the_hashs() -> None:
    steps = [0, 2**40 - 1, 0x12_3456_789A, 0xFF_0000_00FF]
    words = trail.words(b"".join(trail.pack(9, step, AT + HOUR_MS - 1, 1, 840, 1) for step in steps))
    assert trail.middle_bits(words).tolist() == [step >> 8 & 0xFFFF for step in steps]
