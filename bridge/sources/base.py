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
    """

    series_id: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    expected: NDArray[np.int64]
    counter: NDArray[np.bool_]


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
    """What a source said beside its answer; anything here means not complete (R70)."""

    messages: list[str] = field(default_factory=list)


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

    def read(self, start_ms: int, end_ms: int, warnings: Warnings) -> Iterator[Block]:
        """Yield all samples of `[start_ms, end_ms)`, each series in one block."""

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        """Tell whether the source was recording at all during `[start_ms, end_ms)`."""

    def done(self, end_ms: int) -> None:
        """Hear that all windows before `end_ms` are done and committed."""

    def close(self) -> None:
        """Let go of connections."""
