"""The bytes of a segment: what is written is read, and damage costs exactly what it hit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.journal.frame import (
    FRAME_BYTES,
    MAGIC,
    MAX_COUNT,
    MAX_PARTITION,
    MAX_PAYLOAD,
    SEGMENT_BYTES,
    Flaw,
    Frame,
    Reason,
    UnknownVersion,
    check_limits,
    frame_header,
    is_segment_header,
    scan,
    seed,
    segment_header,
)

JOURNAL = "0018bcfe56800-9f03c1d2"
SEED = seed(JOURNAL)


def framed(payload: bytes, seq: int = 1, seeded: int = SEED) -> bytes:
    return frame_header(seeded, 3, 1, seq, 1_700_000_000_000, payload) + payload


def read(data: bytes, frames: list[Frame]) -> list[bytes]:
    return [data[frame.start : frame.stop] for frame in frames]


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


FIRST, MIDDLE, LAST = framed(b"the first", 1), framed(b"the middle one", 2), framed(b"the last", 3)
WHOLE = FIRST + MIDDLE + LAST

RECORDS = st.lists(
    st.tuples(
        st.integers(0, MAX_PARTITION),
        st.integers(1, MAX_COUNT),
        st.integers(1, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        st.binary(max_size=200) | st.just(MAGIC * 9),
    )
)


@given(RECORDS, st.integers(1, 400))
def test_what_is_framed_is_scanned_whatever_pieces_it_is_read_in(
    records: list[tuple[int, int, int, int, bytes]], piece: int
) -> None:
    data = b"".join(
        frame_header(SEED, partition, count, seq, at, payload) + payload
        for partition, count, seq, at, payload in records
    )
    found: list[tuple[int, int, int, int, bytes]] = []
    start, length = 0, piece
    while start < len(data):
        part = data[start : start + length]
        scanned = scan(part, SEED, final=start + length >= len(data))
        assert not scanned.flaws
        found += [(f.partition, f.count, f.seq, f.received_at, part[f.start : f.stop]) for f in scanned.frames]
        start, length = start + scanned.used, length if scanned.used else length * 2
    assert found == records


def test_a_cut_at_every_byte_leaves_the_frames_before_it() -> None:
    for cut in range(len(WHOLE)):
        found = scan(WHOLE[:cut], SEED, final=True)
        whole = [
            part for part, end in ((b"the first", len(FIRST)), (b"the middle one", len(FIRST + MIDDLE))) if cut >= end
        ]
        assert read(WHOLE, found.frames) == whole
        assert found.flaws == []
        assert found.used == sum(FRAME_BYTES + len(part) for part in whole)


def test_every_flipped_bit_of_a_frame_costs_that_frame_and_no_other() -> None:
    for bit in range(len(MIDDLE) * 8):
        data = FIRST + flipped(MIDDLE, bit) + LAST
        found = scan(data, SEED, final=True)
        assert read(data, found.frames) == [b"the first", b"the last"], bit
        reason: Reason = "header" if bit < FRAME_BYTES * 8 else "payload"
        assert found.flaws == [Flaw(len(FIRST), len(MIDDLE), reason)], bit
        assert found.used == len(data)


def test_a_flipped_bit_of_the_last_frame_is_damage_and_no_tear() -> None:
    for bit in range(len(LAST) * 8):
        data = FIRST + flipped(LAST, bit)
        found = scan(data, SEED, final=True)
        assert read(data, found.frames) == [b"the first"]
        assert [(flaw.offset, flaw.length) for flaw in found.flaws] == [(len(FIRST), len(LAST))], bit


@pytest.mark.parametrize("zeros", [1, FRAME_BYTES - 1, FRAME_BYTES, 5_000])
def test_zeros_to_the_end_are_a_tear(zeros: int) -> None:
    found = scan(FIRST + bytes(zeros), SEED, final=True)
    assert (len(found.frames), found.flaws, found.used) == (1, [], len(FIRST))


def test_zeros_before_a_sound_frame_are_damage() -> None:
    found = scan(FIRST + bytes(4096) + LAST, SEED, final=True)
    assert found.flaws == [Flaw(len(FIRST), 4096, "header")]
    assert [frame.seq for frame in found.frames] == [1, 3]


def test_damage_whose_end_is_not_in_sight_is_left_for_a_longer_look() -> None:
    found = scan(FIRST + flipped(MIDDLE, 0), SEED, final=False)
    assert (len(found.frames), found.flaws, found.used) == (1, [], len(FIRST))


def test_a_frame_that_a_visitor_forged_is_not_taken_for_one() -> None:
    forged = framed(b"conversions for everyone", seq=2**63, seeded=seed("what a visitor can guess"))
    carrier = framed(forged + forged, 2)
    data = FIRST + flipped(carrier, 0) + LAST
    found = scan(data, SEED, final=True)
    assert [frame.seq for frame in found.frames] == [1, 3]
    assert found.flaws == [Flaw(len(FIRST), len(carrier), "header")]


def test_the_magic_occurs_in_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        MAGIC.decode()


def test_a_segment_header_belongs_to_one_place_of_one_journal() -> None:
    header = segment_header(JOURNAL, 4096)
    assert len(header) == SEGMENT_BYTES
    assert is_segment_header(header + b"what follows", JOURNAL, 4096)
    assert not is_segment_header(header, JOURNAL, 0)
    assert not is_segment_header(header, JOURNAL.replace("9", "8"), 4096)
    for cut in range(SEGMENT_BYTES):
        assert not is_segment_header(header[:cut], JOURNAL, 4096)
    for bit in range(SEGMENT_BYTES * 8):
        assert not is_segment_header(flipped(header, bit), JOURNAL, 4096), bit


def test_a_segment_of_another_version_is_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.journal.frame.VERSION", 2)
    newer = segment_header(JOURNAL, 0)
    monkeypatch.undo()
    with pytest.raises(UnknownVersion, match="version 2"):
        is_segment_header(newer, JOURNAL, 0)


@pytest.mark.parametrize(
    ("partition", "count", "payload"),
    [
        (-1, 1, b""),
        (MAX_PARTITION + 1, 1, b""),
        (0, 0, b""),
        (0, MAX_COUNT + 1, b""),
        (0, 1, bytes(MAX_PAYLOAD + 1)),
    ],
    ids=["partition below 0", "partition too high", "no event", "too many events", "payload too long"],
)
def test_what_no_frame_can_hold_is_refused(partition: int, count: int, payload: bytes) -> None:
    with pytest.raises(ValueError, match="no frame holds"):
        check_limits(partition, count, payload)
