from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.base import SourceError
from bridge.sources.remote_read_codec import MESSAGES, labels_of
from bridge.sources.remote_read_scan import scan
from tests.bridge.sources.remote_read import (
    STALE_BITS,
    histogram,
    series,
    value,
)

if TYPE_CHECKING:
    from bridge.sources.remote_read_scan import Scanned

AT = 1_700_000_040_000


def told(found: Scanned) -> list[tuple[bytes, list[tuple[int, int]]]]:
    """Return samples by labels, values as their bits."""
    ends = np.cumsum(found.lengths)
    bits = found.values.view(np.int64)
    return [
        (
            key,
            list(
                zip(
                    found.times[end - size : end].tolist(),
                    bits[end - size : end].tolist(),
                    strict=True,
                )
            ),
        )
        for key, size, end in zip(found.keys, found.lengths, ends, strict=True)
    ]


def bits_of(number: float) -> int:
    (found,) = struct.unpack("<q", struct.pack("<d", number))
    return int(found)


def one_by_one(found: list[bytes]) -> list[tuple[bytes, list[tuple[int, int]]]]:
    """Return the same as `told`, an object at a time."""
    decoded = [MESSAGES["TimeSeries"].FromString(one) for one in found]
    return [
        (
            MESSAGES["TimeSeries"](labels=one.labels).SerializeToString(),
            [(sample.timestamp, bits_of(sample.value)) for sample in one.samples],
        )
        for one in decoded
    ]


STALE = value(STALE_BITS)
odd = st.sampled_from([0, STALE_BITS, STALE_BITS + 1, 1 << 63, 0x7FF8000000000001])
bits = st.one_of(odd, st.integers(0, 2**64 - 1))
times = st.one_of(
    st.just(0),
    st.integers(AT, AT + 60_000),
    st.integers(0, 2**20),
    st.integers(-(2**63), 2**63 - 1),
)
samples = st.lists(st.tuples(times, bits.map(value)), max_size=6)
texts = st.text(st.characters(codec="utf-8"), max_size=300)
labels = st.dictionaries(texts, texts, max_size=4)
many = st.lists(st.builds(series, labels, samples), max_size=8)
usual = st.lists(
    st.builds(
        series,
        st.dictionaries(st.text("abc", min_size=1, max_size=9), texts, max_size=4),
        st.lists(st.tuples(st.integers(AT, AT + 60_000), bits.map(value)), max_size=70),
    ),
    max_size=8,
)


@given(st.one_of(many, usual))
def test_what_protobuf_writes_is_read_as_protobuf_reads_it(found: list[bytes]) -> None:
    assert told(scan(found)) == one_by_one(found)


@pytest.mark.rule(12)
@given(st.lists(bits, min_size=1, max_size=9))
def test_r12_a_round_trip_keeps_bits(found: list[int]) -> None:
    sent = series(
        {"__name__": "x"},
        [(AT + n, value(each)) for n, each in enumerate([*found, STALE_BITS])],
    )
    kept = scan([sent]).values.view(np.uint64).tolist()
    assert kept == [*found, STALE_BITS]


def field(number: int, kind: int, rest: bytes) -> bytes:
    return bytes([number << 3 | kind]) + rest


unknown = st.sampled_from(
    [
        b"",
        field(7, 0, b"\x96\x01"),
        field(8, 1, bytes(8)),
        field(9, 2, b"\x03abc"),
        field(3, 2, b"\x02\x08\x01"),
        field(13, 5, bytes(4)),
    ]
)
pieces = st.one_of(
    unknown,
    st.builds(series, labels),
    st.builds(series, st.just({}), samples),
    st.builds(
        lambda at, more: field(2, 2, bytes([len(at + more)]) + at + more),
        st.sampled_from([b"", b"\x10\x80\x01", b"\x10\x80\x00", b"\x10\x05\x10\x06"]),
        unknown,
    ),
)


@given(st.lists(st.lists(pieces, max_size=5).map(b"".join), max_size=5))
def test_fields_in_any_order_and_unknown_ones_are_no_matter(found: list[bytes]) -> None:
    assert told(scan(found)) == one_by_one(found)


@given(st.lists(st.binary(max_size=40), max_size=4), usual, st.data())
def test_garbage_is_refused_or_read_as_protobuf_reads_it(
    garbage: list[bytes], found: list[bytes], data: st.DataObject
) -> None:
    cut = [one[: data.draw(st.integers(0, len(one)))] for one in found]
    mixed = garbage + cut
    try:
        expected = one_by_one(mixed)
    except Exception:  # noqa: BLE001 - whatever protobuf does not read
        with pytest.raises(SourceError) as caught:
            scan(mixed)
        assert caught.value.reason == "garbage"
    else:
        assert told(scan(mixed)) == expected


def test_long_runs_and_long_labels() -> None:
    found = [
        series({"__name__": "x", "path": "/" * size}, [(AT + n, n) for n in range(run)])
        for size, run in [(1, 1000), (127, 0), (128, 3), (20_000, 2), (16_383, 1)]
    ]
    assert told(scan(found)) == one_by_one(found)
    shorter = found[:3]
    assert told(scan(shorter)) == one_by_one(shorter)


def test_histograms_come_with_the_position_of_their_series() -> None:
    one, two = histogram(timestamp=AT, schema=3), histogram(timestamp=AT + 1)
    found = scan(
        [
            series({"__name__": "a"}, [(AT, 1.0)]),
            series({"__name__": "b"}, [], [one, two]),
            series({"__name__": "c"}, [(AT, 2.0)], [two]),
        ]
    )
    assert found.histograms == [(1, one), (1, two), (2, two)]
    assert found.lengths.tolist() == [1, 0, 1]
    assert [labels_of(key) for key in found.keys] == [
        {"__name__": name} for name in "abc"
    ]


def test_nothing_is_nothing() -> None:
    found = scan([])
    assert (found.keys, found.histograms) == ([], [])
    assert len(found.lengths) == len(found.times) == len(found.values) == 0
