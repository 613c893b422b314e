"""Raw samples come out of the buffer as they went in, bit for bit."""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.queries import buffer
from models.queries.buffer import Samples

if TYPE_CHECKING:
    from peewee import Database

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
DTYPES = [np.int64, np.int64, np.float64, np.int8, np.float64]
INT64 = st.integers(-(2**63), 2**63 - 1)


def samples(*found: tuple[int, int, float]) -> Samples:
    ids, times, values = zip(*found, strict=True) if found else ((), (), ())
    return Samples.plain(
        np.array(ids, "<i8"), np.array(times, "<i8"), np.array(values, "<f8")
    )


def listed(found: Samples) -> list[list[object]]:
    return [
        array.view(f"<i{array.dtype.itemsize}").tolist()  # bits, as NaN is not NaN
        for array in found
    ]


@given(st.lists(st.tuples(INT64, INT64, st.floats(width=64))))
def test_decoding_gives_what_was_encoded(found: list[tuple[int, int, float]]) -> None:
    given_samples = samples(*found)
    payload = buffer.encode(given_samples)
    decoded = buffer.decode(payload, len(found))
    assert listed(decoded) == listed(given_samples)
    assert [array.dtype for array in decoded] == DTYPES
    assert all(array.flags.writeable for array in decoded)


def test_arrays_in_another_byte_order_are_understood() -> None:
    given_samples = samples((1, 2, 3.5))
    kinds = (">i8", ">i8", ">f8", ">i1", ">f8")
    columns: list[Any] = [
        np.asarray(one).astype(kind)
        for one, kind in zip(given_samples, kinds, strict=True)
    ]
    payload = buffer.encode(Samples(*columns))
    assert listed(buffer.decode(payload, 1)) == listed(given_samples)


@given(
    st.lists(
        st.tuples(
            INT64, INT64, st.floats(width=64), st.integers(0, 3), st.floats(width=64)
        )
    )
)
def test_parts_of_histograms_keep_their_part_and_bound(
    found: list[tuple[int, int, float, int, float]],
) -> None:
    plain = samples(*(one[:3] for one in found))
    parts = np.array([one[3] for one in found], np.int8)
    bounds = np.array([one[4] if one[3] else 0.0 for one in found], np.float64)
    given_samples = plain._replace(parts=parts, bounds=bounds)
    decoded = buffer.decode(buffer.encode(given_samples), len(found))
    assert listed(decoded) == listed(given_samples)
    assert [array.dtype for array in decoded] == DTYPES


def test_batches_from_before_there_were_parts_are_still_read() -> None:
    raw = struct.pack("<qqqqdd", 1, 2, 1000, 2000, 0.5, -1.0)
    decoded = buffer.decode(zlib.compress(raw), 2)
    assert listed(decoded) == listed(samples((1, 1000, 0.5), (2, 2000, -1.0)))
    assert zlib.decompress(buffer.encode(decoded)) == raw, "and written like that"


def test_samples_of_unequal_length_are_refused() -> None:
    two = samples((1, 2, 3.0), (4, 5, 6.0))
    with pytest.raises(ValueError, match="unequal length: 2 ids, 1 times, 2 values"):
        buffer.encode(two._replace(times=two.times[:1]))


@pytest.mark.parametrize("damage", [lambda p: p[:-4], lambda p: b"y" + p[1:]])
def test_a_damaged_payload_is_refused(damage: type[bytes]) -> None:
    payload = buffer.encode(samples((1, 2, 3.0)))
    with pytest.raises(ValueError, match="a batch of the buffer is damaged"):
        buffer.decode(damage(payload), 1)
    with pytest.raises(ValueError, match="damaged: 24 bytes for 2 samples"):
        buffer.decode(payload, 2)


def test_batches_of_a_minute_are_read_in_the_order_of_arrival(db: Database) -> None:
    first = samples((1, 60_000, 0.5), (2, 60_000, STALE))
    second = samples((1, 75_000, -math.inf))
    later = samples((1, 120_000, math.nan))
    buffer.append(db, "a", 120, later)
    buffer.append(db, "a", 60, first)
    buffer.append(db, "a", 60, second)
    buffer.append(db, "b", 60, samples((9, 60_000, 9.0)))
    wanted = Samples.join([first, second, later])
    assert listed(buffer.read(db, "a", 60, 180)) == listed(wanted)
    assert listed(buffer.read(db, "a", 120, 180)) == listed(later)
    assert listed(buffer.read(db, "a", 0, 120)) == listed(buffer.read(db, "a", 60, 61))


def test_an_empty_span_has_its_types(db: Database) -> None:
    found = buffer.read(db, "a", 0, 60)
    assert [array.tolist() for array in found] == [[], [], [], [], []]
    assert [array.dtype for array in found] == DTYPES


def test_the_buffer_is_trimmed_by_source_and_minute(db: Database) -> None:
    assert buffer.earliest(db, "a") is None
    for start in (60, 120, 120, 180):
        buffer.append(db, "a", start, samples((1, start * 1000, 1.0)))
    buffer.append(db, "b", 0, samples((1, 0, 1.0)))
    assert buffer.earliest(db, "a") == 60
    assert buffer.trim(db, "a", 180) == 3
    assert buffer.trim(db, "a", 180) == 0
    assert buffer.earliest(db, "a") == 180
    assert buffer.earliest(db, "b") == 0
