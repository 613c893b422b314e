from __future__ import annotations

import numpy as np
import pytest

from bridge.rollup.buckets.packing import (
    VERSION,
    WIDTHS,
    Kind,
    alike,
    check_version,
    pack,
    records,
    runs,
    widths,
)


@pytest.mark.parametrize(
    ("count", "width"),
    [
        (0.0, "<u1"),
        (255.0, "<u1"),
        (256.0, "<u2"),
        (65_535.0, "<u2"),
        (65_536.0, "<u4"),
        (2.0**32 - 1, "<u4"),
        (2.0**32, "<u8"),
        (2.0**53 - 1, "<u8"),
        (2.0**53, "<f8"),
        (0.5, "<f8"),
        (-1.0, "<f8"),
    ],
)
def test_counts_are_written_as_the_narrowest_type_that_holds_them(
    count: float, width: str
) -> None:
    (code,) = widths(np.array([[0.0, count]])).tolist()
    assert WIDTHS[code] == width
    (packed,) = pack(np.array([[0.0, count]]), code)
    assert np.frombuffer(packed, WIDTHS[code]).tolist() == [0.0, count]


def test_each_row_has_a_width_of_its_own() -> None:
    assert widths(np.array([[1.0, 2.0], [1.0, 300.0]])).tolist() == [0, 1]


def test_a_blob_of_another_length_is_damaged() -> None:
    shape = np.dtype([("one", "<u2")])
    assert records([b"\1\0", b"\2\0"], shape)["one"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="2 bytes were expected"):
        records([b"\1\0", b"\2"], shape)


@pytest.mark.rule(55)
def test_r55_kind_and_version_are_told_by_the_first_bytes() -> None:
    check_version(bytes((Kind.CLASSIC, VERSION)), Kind.CLASSIC)
    with pytest.raises(ValueError, match="not of the kind distinct"):
        check_version(bytes((Kind.CLASSIC, VERSION)), Kind.DISTINCT)
    with pytest.raises(ValueError, match="version 9 cannot be read"):
        check_version(bytes((Kind.CLASSIC, 9)), Kind.CLASSIC)
    with pytest.raises(ValueError, match="not of the kind"):
        check_version(b"", Kind.CLASSIC)


def test_alike_keys_are_found_together() -> None:
    assert alike("abba") == {"a": [0, 3], "b": [1, 2]}


def test_runs_begin_where_the_owner_changes() -> None:
    assert runs(np.array([4, 4, 7, 9, 9])).tolist() == [0, 2, 3]
    assert runs(np.zeros(0, np.int64)).tolist() == []
