"""What a source is: the one way by which raw samples reach the rollup engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Block:
    """Raw samples of some series, sorted by series and then by time.

    Series `i` has the id `series_id[i]` and the samples
    `offsets[i]:offsets[i + 1]` of `times` (UTC milliseconds, strictly rising within a
    series) and `values`. `expected[i]` is how many samples a full window of it holds,
    0 where the source cannot say; `counter[i]` says whether it only rises. Stale
    markers are left out; ordinary NaN are in (RULES R11, R13).

    What else a source may know, None where it knows it of no series: `started[j]` is
    when the count that sample j belongs to began; `absent[i]` is the newest time at
    which the target of series i was scraped without it before its first sample here;
    `ended[i]` is the time of a stale marker after its last sample here. All are UTC
    milliseconds, 0 where unknown. `quantile[i]` says that a client computed series i
    as a quantile.
    """

    series_id: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    expected: NDArray[np.int64]
    counter: NDArray[np.bool_]
    started: NDArray[np.int64] | None = None
    absent: NDArray[np.int64] | None = None
    ended: NDArray[np.int64] | None = None
    quantile: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Families:
    """Classic histograms: a family of `_bucket`, `_count` and `_sum` as one series.

    `series_id`, `offsets`, `times`, `expected`, `started`, `absent` and `ended` are
    those of a Block. At each time `observations` is `_count` and `totals` is `_sum`,
    NaN where missing. `bounds` are layouts: rising finite upper bounds, then +Inf.
    `layout` says by which of them a time was counted, -1 where it had no buckets, and
    `cumulative` (times x the widest layout, padded with NaN) holds the buckets of that
    layout by number, never by text (RULES R49); NaN for a bucket that is missing.
    """

    series_id: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    expected: NDArray[np.int64]
    observations: NDArray[np.float64]
    totals: NDArray[np.float64]
    bounds: tuple[tuple[float, ...], ...]
    layout: NDArray[np.int64]
    cumulative: NDArray[np.float64]
    started: NDArray[np.int64] | None = None
    absent: NDArray[np.int64] | None = None
    ended: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Exponential:
    """A native histogram as it stood at one time; counts are absolute, not deltas.

    `positive` and `negative` are the index of the first bucket and the counts of the
    buckets from there on. Bucket `i` ends, inclusive, at `2 ** (i * 2 ** -schema)`.
    Schema -53 has the finite bounds `custom` instead: bucket `i` ends at `custom[i]`,
    the last one at +Inf, and there are no negative ones. Observations that are no
    number are in `count` and in no bucket (RULES R52). `reset` says that the source
    knows of a restart since the histogram before.
    """

    schema: int
    zero_threshold: float
    zero_count: float
    count: float
    sum: float
    positive: tuple[int, NDArray[np.float64]]
    negative: tuple[int, NDArray[np.float64]]
    custom: tuple[float, ...] = ()
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Natives:
    """Native histograms of some series, one histogram per time.

    The other fields are those of a Block.
    """

    series_id: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    expected: NDArray[np.int64]
    histograms: tuple[Exponential, ...]
    started: NDArray[np.int64] | None = None
    absent: NDArray[np.int64] | None = None
    ended: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the source itself was recording during a window.

    `recording` is False when it held nothing at all, not even of itself, and `interval`
    is its shortest scrape interval in milliseconds, None where unknown.
    """

    recording: bool
    interval_ms: int | None


@dataclass(slots=True)
class Warnings:
    """What a source said beside its answer; any message means not complete (R70).

    `held` is how many raw samples of the span the source had, counted as by
    `Source.count`; None where it does not count them.
    """

    messages: list[str] = field(default_factory=list)
    held: int | None = None
    _uncounted: bool = False

    def hold(self, samples: int | None) -> None:
        """Count the samples of a part of the answer, None for a part without count."""
        self._uncounted |= samples is None
        self.held = None if self._uncounted else (self.held or 0) + (samples or 0)


class SourceError(Exception):
    """A source did not answer usefully; the window is asked for again later.

    `reason` is a short machine-readable word: refused, timeout, status, truncated,
    garbage, too_large, unauthorized, rejected. `permanent` says that asking again
    will not help before somebody changes something.
    """

    def __init__(self, reason: str, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.permanent = permanent


class Source(Protocol):
    """Answers the raw samples of closed windows; every method may raise SourceError."""

    @property
    def name(self) -> str:
        """The name in config.yaml, part of the identity of series."""

    def now_ms(self) -> int:
        """Return the source's own clock, UTC milliseconds (RULES R85)."""

    def earliest_ms(self, not_before_ms: int) -> int | None:
        """Return the time of its earliest sample since then, None if it has none."""

    def read(
        self, start_ms: int, end_ms: int, warnings: Warnings
    ) -> Iterator[Block | Families | Natives]:
        """Yield all samples of `[start_ms, end_ms)`, each series in one block."""

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        """Tell whether the source was recording at all during `[start_ms, end_ms)`."""

    def absent(
        self,
        series_id: NDArray[np.int64],
        earliest_ms: NDArray[np.int64],
        first_ms: NDArray[np.int64],
        since_ms: int,
    ) -> NDArray[np.int64]:
        """Tell when the targets of new series were scraped without them (RULES R25).

        Asked while an answer of `read`, which began at `since_ms`, is looked at: series
        `i` of it has its first sample at `first_ms[i]`. Answers the newest time from
        `earliest_ms[i]` to then at which its target was scraped with success, UTC
        milliseconds; 0 where there is none, and where the series has a sample from
        `earliest_ms[i]` on that the answer does not hold.
        """

    def count(self, start_ms: int, end_ms: int) -> int | None:
        """Return how many raw samples of `[start_ms, end_ms)` it has now (RULES R65).

        None where it cannot say without being asked for all of them.
        """

    def done(self, end_ms: int) -> None:
        """Hear that all windows before `end_ms` are done and committed."""

    def close(self) -> None:
        """Let go of connections."""
