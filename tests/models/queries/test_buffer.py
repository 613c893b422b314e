"""Raw samples come out of the buffer as they went in, bit for bit."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.queries import buffer

if TYPE_CHECKING:
    from peewee import Database

    from models.rollup import Floats, Ints

    Samples = tuple[Ints, Ints, Floats]

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
INT64 = st.integers(-(2**63), 2**63 - 1)


def samples(*found: tuple[int, int, float]) -> Samples:
    ids, times, values = zip(*found, strict=True) if found else ((), (), ())
    return np.array(ids, "<i8"), np.array(times, "<i8"), np.array(values, "<f8")


def listed(found: Samples) -> list[list[object]]:
    return [array.view("<i8").tolist() for array in found]


@given(st.lists(st.tuples(INT64, INT64, st.floats(width=64))))
def test_decoding_gives_what_was_encoded(found: list[tuple[int, int, float]]) -> None:
    given_samples = samples(*found)
    payload = buffer.encode(*given_samples)
    decoded = buffer.decode(payload, len(found))
    assert listed(decoded) == listed(given_samples)
    assert [array.dtype for array in decoded] == [np.int64, np.int64, np.float64]
    assert all(array.flags.writeable for array in decoded)


def test_arrays_in_another_byte_order_are_understood() -> None:
    ids, times, values = samples((1, 2, 3.5))
    payload = buffer.encode(
        ids.astype(">i8"), times.astype(">i8"), values.astype(">f8")
    )
    assert listed(buffer.decode(payload, 1)) == listed((ids, times, values))


def test_samples_of_unequal_length_are_refused() -> None:
    ids, times, values = samples((1, 2, 3.0), (4, 5, 6.0))
    with pytest.raises(ValueError, match="unequal length: 2 ids, 1 times, 2 values"):
        buffer.encode(ids, times[:1], values)


@pytest.mark.parametrize("damage", [lambda p: p[:-4], lambda p: b"y" + p[1:]])
def test_a_damaged_payload_is_refused(damage: type[bytes]) -> None:
    payload = buffer.encode(*samples((1, 2, 3.0)))
    with pytest.raises(ValueError, match="a batch of the buffer is damaged"):
        buffer.decode(damage(payload), 1)
    with pytest.raises(ValueError, match="damaged: 24 bytes for 2 samples"):
        buffer.decode(payload, 2)


def test_batches_of_a_minute_are_read_in_the_order_of_arrival(db: Database) -> None:
    first = samples((1, 60_000, 0.5), (2, 60_000, STALE))
    second = samples((1, 75_000, -math.inf))
    later = samples((1, 120_000, math.nan))
    buffer.append(db, "a", 120, *later)
    buffer.append(db, "a", 60, *first)
    buffer.append(db, "a", 60, *second)
    buffer.append(db, "b", 60, *samples((9, 60_000, 9.0)))
    wanted = tuple(
        np.concatenate(arrays) for arrays in zip(first, second, later, strict=True)
    )
    assert listed(buffer.read(db, "a", 60, 180)) == listed(wanted)  # type: ignore[arg-type]  # three
    assert listed(buffer.read(db, "a", 120, 180)) == listed(later)
    assert listed(buffer.read(db, "a", 0, 120)) == listed(buffer.read(db, "a", 60, 61))


def test_an_empty_span_has_its_types(db: Database) -> None:
    found = buffer.read(db, "a", 0, 60)
    assert [array.tolist() for array in found] == [[], [], []]
    assert [array.dtype for array in found] == [np.int64, np.int64, np.float64]


def test_the_buffer_is_trimmed_by_source_and_minute(db: Database) -> None:
    assert buffer.earliest(db, "a") is None
    for start in (60, 120, 120, 180):
        buffer.append(db, "a", start, *samples((1, start * 1000, 1.0)))
    buffer.append(db, "b", 0, *samples((1, 0, 1.0)))
    assert buffer.earliest(db, "a") == 60
    assert buffer.trim(db, "a", 180) == 3
    assert buffer.trim(db, "a", 180) == 0
    assert buffer.earliest(db, "a") == 180
    assert buffer.earliest(db, "b") == 0
