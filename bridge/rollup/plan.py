"""Decides which windows to do next, and what a window is once it has been read.

Pure: the ledger and the source are read elsewhere, and time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.windows import Resolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

MINUTE: Final = Resolution.MINUTE.width

DONE: Final = "done"
PARTIAL: Final = "partial"
LOST: Final = "lost"
OPEN: Final = "open"
DIRTY: Final = "dirty"
FINISHED: Final = (DONE, PARTIAL, LOST)
"""States of windows that nothing more is expected of."""

_FIRST_DELAY: Final = 5.0
_LONGEST_DELAY: Final = 60.0


@dataclass(slots=True)
class Spans:
    """A set of minute starts kept as sorted, disjoint half-open spans."""

    _spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, end: int) -> None:
        """Add all minutes of `[start, end)`."""
        if start >= end:
            return
        kept = []
        for low, high in self._spans:
            if high < start or low > end:
                kept.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        self._spans = sorted([*kept, (start, end)])

    def discard(self, start: int) -> None:
        """Take one minute out, whether it is in or not."""
        end = start + MINUTE
        kept = []
        for low, high in self._spans:
            kept.append((low, min(high, start)))
            kept.append((max(low, end), high))
        self._spans = [(low, high) for low, high in kept if low < high]

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the minutes in `[start, end)`, oldest first."""
        for low, high in self._spans:
            yield from range(max(low, start), min(high, end), MINUTE)

    def oldest(self) -> int | None:
        """Return the oldest minute, None if there is none."""
        return self._spans[0][0] if self._spans else None

    def last_end(self, start: int) -> int | None:
        """Return the end of the newest span, cut at `start`, that begins before it."""
        ends = [min(high, start) for low, high in self._spans if low < start]
        return max(ends, default=None)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __len__(self) -> int:
        return sum((high - low) // MINUTE for low, high in self._spans)


@dataclass(slots=True)
class _Delay:
    attempts: int
    until: float


class Agenda:
    """The windows of a source that are still to be done, and in which order.

    Live windows come first, oldest first, so that counters run on; between two looks
    at the newest window at most `catch_up` windows of the backlog are done, so that
    live lag stays small however long the backlog is (RULES R68). A window that failed
    is put off for a growing while and never forgotten.
    """

    def __init__(self, catch_up: int) -> None:
        self._catch_up = catch_up
        self._pending = Spans()
        self._delays: dict[int, _Delay] = {}
        self._live_from: int | None = None
        self._until: int | None = None

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def until(self) -> int | None:
        """The end of what was put on the agenda as time went on, UTC seconds."""
        return self._until

    def run_start(self, start: int) -> int | None:
        """Return where the unbroken run of finished windows before `start` begins.

        That is the end of the newest pending window before it; `start` itself if the
        window just before is pending, and None if nothing before it is.
        """
        return self._pending.last_end(start)

    def run_end(self, start: int) -> int:
        """Return where the unbroken run of finished windows from `start` ends."""
        until = self._until if self._until is not None else start
        return next(self._pending.between(start, until), until)

    def oldest(self) -> int | None:
        """Return the oldest pending window."""
        return self._pending.oldest()

    def extend(self, since: int, until: int) -> None:
        """Put the windows that closed on the agenda: `[since, until)`, then the rest.

        After the first call `since` is where the last call ended.
        """
        start = since if self._until is None else self._until
        self._pending.add(start, until)
        self._until = max(until, start)
        if self._live_from is None:
            self._live_from = start
        live = self._pending.between(self._live_from, self._until)
        if sum(1 for _ in live) > self._catch_up:
            self._live_from = self._until - MINUTE

    def add(self, start: int, end: int) -> None:
        """Put windows of the past on the agenda."""
        self._pending.add(start, end)

    def finish(self, start: int) -> None:
        """Take a window off the agenda."""
        self._pending.discard(start)
        self._delays.pop(start, None)
        if not self._pending:
            self._live_from = self._until

    def put_off(self, start: int, now: float) -> int:
        """Try a window again later; return how often it has failed.

        `now` is a monotonic time in seconds.
        """
        attempts = self._delays[start].attempts + 1 if start in self._delays else 1
        delay = min(_FIRST_DELAY * 2 ** (attempts - 1), _LONGEST_DELAY)
        self._delays[start] = _Delay(attempts, now + delay)
        return attempts

    def attempts(self, start: int) -> int:
        """Return how often a window has failed."""
        return self._delays[start].attempts if start in self._delays else 0

    def next(self, now: float) -> list[int]:
        """Return the windows to do before looking again, in order."""
        if self._live_from is None or self._until is None:
            return []
        live = self._ready(self._pending.between(self._live_from, self._until), now)
        past = self._ready(self._pending.between(-(2**62), self._live_from), now)
        return [*live, *islice(past, self._catch_up)]

    def _ready(self, starts: Iterable[int], now: float) -> Iterator[int]:
        for start in starts:
            delay = self._delays.get(start)
            if delay is None or delay.until <= now:
                yield start


class Silence:
    """Finds how long nothing at all was recorded within a window, to the second."""

    def __init__(self, start_ms: int, width: int) -> None:
        self._start_ms = start_ms
        self._heard = np.zeros(width, dtype=np.bool_)

    def hear(self, times: NDArray[np.int64]) -> None:
        """Note samples; those before the window are passed over."""
        seconds = (times - self._start_ms) // 1000
        self._heard[seconds[seconds >= 0]] = True

    @property
    def longest(self) -> int:
        """Seconds of the longest span without a sample, borders included."""
        heard = np.flatnonzero(self._heard)
        edges = np.concatenate(([-1], heard, [len(self._heard)]))
        return int((np.diff(edges) - 1).max())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state a window is given, and why if it is not simply done."""

    state: str
    reason: str = ""


def judge(
    *,
    samples: int,
    recording: bool,
    silent_seconds: int,
    interval_ms: int | None,
    warnings: Iterable[str],
) -> Verdict:
    """Say what a window is, from what reading it brought.

    A window is `lost` when the source itself recorded nothing (R69), `partial` when
    the source warned (R70) or was silent for more than two scrape intervals, and
    `done` otherwise, be it empty.
    """
    if samples == 0 and not recording:
        return Verdict(LOST, "the source recorded nothing in this window")
    said = "; ".join(warnings)
    if said:
        return Verdict(PARTIAL, f"the source warned: {said}")
    if samples and interval_ms and silent_seconds * 1000 > 2 * interval_ms:
        return Verdict(
            PARTIAL,
            f"the source recorded nothing for {silent_seconds} s "
            f"(it scrapes every {interval_ms / 1000:g} s)",
        )
    return Verdict(DONE)


def judge_merged(width: int, states: Iterable[str]) -> Verdict:
    """Say what a coarser window is from the states of its `width` finer windows."""
    counts = dict.fromkeys(FINISHED, 0)
    for state in states:
        counts[state] += 1
    missing = width - sum(counts.values())
    if counts[DONE] == width:
        return Verdict(DONE)
    told = [
        f"{count} {name}"
        for count, name in (
            (counts[PARTIAL], PARTIAL),
            (counts[LOST], LOST),
            (missing, "before the first window"),
        )
        if count
    ]
    state = PARTIAL if counts[DONE] + counts[PARTIAL] else LOST
    return Verdict(state, f"of {width} windows: {', '.join(told)}")
