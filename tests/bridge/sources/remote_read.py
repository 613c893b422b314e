"""What tests of remote read share: series as protobuf writes them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from bridge.sources.remote_read_codec import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STALE_BITS = 0x7FF0000000000002


def value(bits: int) -> float:
    """Return the float with these bits."""
    found: tuple[float] = struct.unpack("<d", struct.pack("<Q", bits))
    return found[0]


def label(name: str, text: str) -> bytes:
    made = MESSAGES["Label"](name=name.encode(), value=text.encode())
    return bytes(made.SerializeToString())


def series(
    labels: Mapping[str, str],
    samples: Iterable[tuple[int, float]] = (),
    histograms: Iterable[bytes] = (),
) -> bytes:
    """Return an undecoded series."""
    made = MESSAGES["TimeSeries"](
        labels=[label(*pair) for pair in labels.items()],
        samples=[{"timestamp": at, "value": number} for at, number in samples],
        histograms=list(histograms),
    )
    return bytes(made.SerializeToString())


def answer(*found: bytes) -> bytes:
    """Return an uncompressed answer of one result."""
    made = MESSAGES["ReadResponse"](results=[{"timeseries": list(found)}])
    return bytes(made.SerializeToString())


def histogram(**fields: Any) -> bytes:
    """Return an undecoded native histogram."""
    return bytes(MESSAGES["Histogram"](**fields).SerializeToString())
