"""Samples out of undecoded series of remote read, with no object for a sample.

A series as servers write it is a run of labels and then a run of samples, each a few
bytes. Finding them is a walk, but one that all series of an answer take in step: the
n-th field of every series is read by a handful of array operations. What is written
in any other legal way is decoded by protobuf, one object at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.sources.remote_read_codec import MESSAGES, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LABEL: Final = 0x0A
_SAMPLE: Final = 0x12
_VALUE: Final = 0x09
_TIME: Final = 0x10
"""Tags of fields: their number, and how they are encoded."""

_ROOM: Final = 32
"""Zeros after the last series, so that looking ahead never ends outside."""
_LONGEST_TIME: Final = 8
"""Bytes of a varint that fit into a word; times until the year 2283 take six."""
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_HALVES: Final = (
    (np.uint64(0x007F007F007F007F), np.uint64(1)),
    (np.uint64(0x00003FFF00003FFF), np.uint64(2)),
    (np.uint64(0x000000000FFFFFFF), np.uint64(4)),
)
"""Steps in which neighbours join, 7 bits to 14 to 28 to 56: the lower of each two, and
how far the higher ones move down."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Series i has the labels `keys[i]`, undecoded, and `lengths[i]` samples.

    `times` are UTC milliseconds; `values` keep all their bits (RULES R12).
    `histograms` are undecoded native histograms with the position of their series.
    """

    keys: list[bytes]
    lengths: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: list[tuple[int, bytes]]


def scan(series: Sequence[bytes]) -> Scanned:
    """Read all series of an answer; raises SourceError for what is no series."""
    walk = _Walk(series)
    rest = walk.labels() and walk.samples()
    if not rest:
        return _by_protobuf(series)
    lengths, times, values = rest
    histograms: list[tuple[int, bytes]] = []
    for at in np.flatnonzero(walk.at < walk.ends).tolist():
        left = series[at][int(walk.at[at] - walk.starts[at]) :]
        more = parse("TimeSeries", left)
        if more.labels or more.samples:
            return _by_protobuf(series)
        histograms += [(at, one) for one in more.histograms]
    keys = [
        one[:end] for one, end in zip(series, walk.label_ends.tolist(), strict=True)
    ]
    return Scanned(keys, lengths, times, values, histograms)


class _Walk:
    """A place in each series; both methods answer None for what they do not know."""

    def __init__(self, series: Sequence[bytes]) -> None:
        sizes = np.fromiter(map(len, series), np.int64, len(series))
        self._bytes = np.frombuffer(b"".join([*series, bytes(_ROOM)]), np.uint8)
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.at = self.starts.copy()
        self.label_ends = np.zeros(len(series), np.int64)

    def labels(self) -> bool:
        """Pass by all labels; False where one is too long for this."""
        active = np.flatnonzero(self.at < self.ends)
        while len(active):
            at = self.at[active]
            is_label = self._bytes[at] == _LABEL
            if not is_label.all():
                active, at = active[is_label], at[is_label]
            size = self._bytes[at + 1].astype(np.int64)
            head = 2 + (size >= 0x80)  # noqa: PLR2004 - the bit that says: one more
            if (head > 2).any():  # noqa: PLR2004 - a tag and one byte of size
                second = self._bytes[at + 2].astype(np.int64)
                size = np.where(head > 2, (size & 0x7F) | second << 7, size)  # noqa: PLR2004
                if (second[head > 2] >= 0x80).any():  # noqa: PLR2004 - same bit
                    return False
            after = at + head + size
            if (after > self.ends[active]).any():
                return False
            self.at[active] = after
            active = active[after < self.ends[active]]
        self.label_ends = self.at - self.starts
        return True

    def samples(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]] | None:
        """Pass by all samples; return how many each series has, times and values."""
        lengths = np.zeros(len(self.at), np.int64)
        rounds: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        active = np.flatnonzero(self.at < self.ends)
        while len(active):
            at = self.at[active]
            is_sample = self._bytes[at] == _SAMPLE
            if not is_sample.all():
                active, at = active[is_sample], at[is_sample]
            after = at + 2 + self._bytes[at + 1]
            if (after > self.ends[active]).any():
                return None
            rounds.append((active, at))
            self.at[active] = after
            lengths[active] += 1
            active = active[after < self.ends[active]]
        places = np.zeros(int(lengths.sum()), np.int64)
        first = np.cumsum(lengths) - lengths
        for number, (owners, at) in enumerate(rounds):
            places[first[owners] + number] = at
        found = self._read(places)
        return None if found is None else (lengths, *found)

    def _read(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Return times and values of samples; a field that is zero is left out."""
        size = self._bytes[places + 1].astype(np.int64)
        body = places + 2
        has_value = (self._bytes[body] == _VALUE) & (size > 0)
        skipped = np.where(has_value, 9, 0)
        has_time = size > skipped
        width = size - skipped - 1
        tag = self._bytes[body + skipped]
        if (has_time & ((tag != _TIME) | (width < 1) | (width > _LONGEST_TIME))).any():
            return None
        if (size < skipped).any():
            return None
        values = np.where(has_value, self._words(body + 1), 0).view(np.float64)
        word = self._words(body + skipped + 1)
        times = _varints(word[has_time], width[has_time])
        if times is None:
            return None
        if not has_time.all():
            every = np.zeros(len(places), np.int64)
            every[has_time] = times
            times = every
        return times, values

    def _words(self, at: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the eight bytes at each place, as little-endian numbers."""
        at_any_byte = np.ndarray(
            len(self._bytes) - 7, "<u8", self._bytes.data, strides=(1,)
        )
        words: NDArray[np.uint64] = at_any_byte[at]
        return words


def _varints(
    word: NDArray[np.uint64], width: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the numbers that the first `width` bytes of words hold, seven bits each.

    None where one of them ends earlier or later.
    """
    unused = ((8 - width) * 8).astype(np.uint64)
    word = word << unused >> unused
    more = _HIGH_BITS >> (unused + np.uint64(8)) & _HIGH_BITS
    if (word & _HIGH_BITS != more).any():
        return None
    word = word & ~_HIGH_BITS
    for low, unfilled in _HALVES:
        word = (word & low) | (word & ~low) >> unfilled
    return word.view(np.int64)


def _by_protobuf(series: Sequence[bytes]) -> Scanned:
    decoded = [parse("TimeSeries", one) for one in series]
    samples = [sample for one in decoded for sample in one.samples]
    count = len(samples)
    return Scanned(
        [_key(one) for one in decoded],
        np.fromiter((len(one.samples) for one in decoded), np.int64, len(decoded)),
        np.fromiter((sample.timestamp for sample in samples), np.int64, count),
        np.fromiter((sample.value for sample in samples), np.float64, count),
        [(at, found) for at, one in enumerate(decoded) for found in one.histograms],
    )


def _key(series: Any) -> bytes:
    """Return the labels of a series as servers write them."""
    made = MESSAGES["TimeSeries"](labels=series.labels).SerializeToString()
    return bytes(made)
