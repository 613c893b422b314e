"""Native histograms of remote read, decoded."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from bridge.sources.base import Exponential, SourceError
from bridge.sources.natives import Buckets, from_spans
from bridge.sources.remote_read_codec import parse
from bridge.sources.stale import STALE

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST: Final = 1 << 20
"""Buckets from the first to the last: more than the finest schema has for floats."""


def histogram_of(message: bytes) -> tuple[int, Exponential | None]:
    """Return the time (UTC milliseconds) of a histogram and what it says.

    Integer histograms tell differences between buckets, float histograms the counts
    themselves. None instead is a stale marker, which is in the sum (RULES R11). Raises
    SourceError for what is no histogram.
    """
    found = parse("Histogram", message)
    if struct.unpack("<q", struct.pack("<d", found.sum))[0] == STALE:
        return found.timestamp, None
    is_float = found.HasField("count_float")
    zero = found.zero_count_float if is_float else found.zero_count_int
    return found.timestamp, Exponential(
        schema=found.schema,
        zero_threshold=found.zero_threshold,
        zero_count=float(zero),
        count=float(found.count_float if is_float else found.count_int),
        sum=found.sum,
        positive=_buckets(
            found.positive_spans, found.positive_deltas, found.positive_counts
        ),
        negative=_buckets(
            found.negative_spans, found.negative_deltas, found.negative_counts
        ),
        custom=tuple(found.custom_values),
    )


def _buckets(
    spans: Sequence[Any], deltas: Sequence[int], counts: Sequence[float]
) -> Buckets:
    found = [(span.offset, span.length) for span in spans]
    width = sum(length for _, length in found) + sum(gap for gap, _ in found[1:])
    # Before anything of that size is made: spans are short, whatever they stand for.
    if width > _WIDEST or sum(length for _, length in found) > len(deltas or counts):
        raise SourceError(
            "garbage", f"a native histogram cannot be read: {width} buckets in spans"
        )
    try:
        return from_spans(found, deltas=deltas, counts=counts)
    except ValueError as error:
        raise SourceError(
            "garbage", f"a native histogram cannot be read: {error}"
        ) from error
