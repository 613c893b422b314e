"""What stands on the board: the columns of a slot's row, and the cells of its head."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

BOUNDS_NS: Final = tuple(50_000 * 2**power for power in range(20))
"""Upper bounds of the buckets of round-trip times, as smokeping_prober has them."""
BUCKETS: Final = len(BOUNDS_NS) + 1
ERROR_BOUNDS_NS: Final = tuple(10_000 * 2**power for power in range(20))
"""Upper bounds of the buckets of the prober's own errors: 10 us to 5.2 s."""


class Cell(IntEnum):
    """Columns of a slot's row; `BUCKET` is the first of `BUCKETS` columns.

    Every request ends as exactly one of `REPLIES`, `LOST`, `UNREACHABLE` and
    `TTL_EXCEEDED`, and is counted in `REQUESTS` only then; one that could not be sent
    is in `SEND_ERRORS` alone. What comes besides is counted apart: a late reply is both
    `LOST` and `LATE`. Durations are nanoseconds; `LAST_*` are no counters and are -1
    before the first.
    """

    REQUESTS = 0
    REPLIES = 1
    LOST = 2
    UNREACHABLE = 3
    TTL_EXCEEDED = 4
    SEND_ERRORS = 5
    DUPLICATES = 6
    LATE = 7
    CORRUPT = 8
    WRONG_SOURCE = 9
    REORDERED = 10
    SUM_NS = 11
    LAST_TTL = 12
    LAST_RTT_NS = 13
    LAST_JITTER_NS = 14
    LAST_SENT = 15
    LAST_RECEIVED = 16
    BUCKET = 17


WIDTH: Final = 40
"""Cells of a row."""


class Head(IntEnum):
    """Cells of the board itself; `LAG` and `STAMP` begin histograms.

    Such a histogram is `BUCKETS` counts and the sum in nanoseconds: `LAG` how late the
    prober's loop is, `STAMP` how long after the kernel's stamp replies are read, up to
    0.1 s by design. `DROPPED` are datagrams for which there was no room,
    `UNTOLD` messages for which the exporter had none.
    `STRAY` are echo replies to nobody here, as raw sockets see those of others.
    """

    MAGIC = 0
    SEQUENCE = 1
    SLOTS = 2
    CAPACITY = 3
    IN_FLIGHT = 4
    DROPPED = 5
    STRAY = 6
    BEATS = 7
    CLOCK_STEPS = 8
    READ_ERRORS = 9
    UNTOLD = 10
    LAG = 16
    STAMP = 48


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket (not cumulative), the last without bound; sum in seconds."""

    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What stood on the board at one moment: rows of `Cell`, and the head."""

    rows: Numbers
    head: Numbers

    def histogram(self, first: Head) -> Histogram:
        """Return `Head.LAG` or `Head.STAMP`."""
        cells = self.head[first : first + BUCKETS + 1].tolist()
        return Histogram(tuple(cells[:-1]), cells[-1] / 1e9)

    def round_trips(self, slot: int) -> Histogram:
        """Return the round-trip times of a slot."""
        row = self.rows[slot]
        counts = row[Cell.BUCKET : Cell.BUCKET + BUCKETS]
        return Histogram(tuple(counts.tolist()), float(row[Cell.SUM_NS]) / 1e9)
