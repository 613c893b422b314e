"""Reads one window from its source and rolls it up, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.aggregate import aggregate
from bridge.rollup.firsts import with_absence
from bridge.rollup.plan import Silence, Verdict, judge
from bridge.rollup.rows import Rows
from bridge.rollup.steps import USUAL, Policy
from bridge.sources.base import Block, Source, Warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.rollup.corrections import Corrections
    from bridge.rollup.kinds import Kinds
    from bridge.rollup.rows import Ints
    from bridge.rollup.steps import Falls
    from bridge.rollup.tail import Tail
    from bridge.rollup.windows import Window


@dataclass(frozen=True, slots=True)
class Counting:
    """How steps of counters are counted; `tolerated` answers by series ids."""

    policy: Policy = USUAL
    tolerated: Callable[[Ints], Falls | None] = lambda _: None


USUALLY: Final = Counting()
"""What holds where nothing is configured."""


@dataclass(slots=True)
class Reading:
    """What a source held of a window, rolled up."""

    window: Window
    rows: list[Rows] = field(default_factory=list)
    samples: int = 0
    interval_ms: int | None = None
    silent_seconds: int = 0
    warnings: Warnings = field(default_factory=Warnings)

    @property
    def series(self) -> int:
        """How many series have a row."""
        return sum(len(rows) for rows in self.rows)


def read(  # noqa: PLR0917 - what is read, and what it is read by
    source: Source,
    window: Window,
    tail: Tail,
    kinds: Kinds,
    lookback_ms: int,
    corrections: Corrections | None = None,
    counting: Counting = USUALLY,
) -> Reading:
    """Ask the source for a window's raw samples and aggregate them.

    `lookback_ms` before the window are read as well where no rows say what came
    before. Samples that `corrections` call wrong are counted, but in no row; `counting`
    is how counters are counted. Raises SourceError.
    """
    reading = Reading(window)
    silence = Silence(window.start_ms, window.resolution.width)
    since = window.start_ms - lookback_ms
    for answer in source.read(since, window.end_ms, reading.warnings):
        counter = kinds.counters(answer.series_id, answer.counter)
        previous = tail.previous(answer.series_id)
        block = replace(answer, counter=counter)
        if counting.policy.evidence:
            block = with_absence(
                block,
                counter,
                previous.values,
                source=source,
                window=window,
                since_ms=since,
            )
        left, empty = block, list[Rows]()
        if corrections is not None:
            left, previous, empty = corrections.apply(block, previous, window)
        falls = counting.tolerated(left.series_id)
        rows = aggregate(left, window, previous, counting.policy, falls)
        reading.rows += [part for part in (rows, *empty) if len(part)]
        inside = block.times >= window.start_ms
        reading.samples += int(inside.sum())
        silence.hear(block.times)
        reading.interval_ms = _shortest(reading.interval_ms, block, window)
    reading.silent_seconds = silence.longest
    return reading


def verdict(source: Source, reading: Reading, around_ms: int) -> Verdict:
    """Judge a window by its reading; asks an empty source whether it recorded.

    `around_ms` before and after the window tell how often it scrapes: a window may lie
    between two scrapes, and is then empty, not lost.
    """
    window = reading.window
    recording = reading.samples > 0 or _recorded(source, window, around_ms)
    return judge(
        samples=reading.samples,
        recording=recording,
        silent_seconds=reading.silent_seconds,
        interval_ms=reading.interval_ms,
        warnings=reading.warnings.messages,
    )


def _recorded(source: Source, window: Window, around_ms: int) -> bool:
    """Whether a source was recording while a window that holds no samples passed."""
    start_ms, end_ms = window.start_ms, window.end_ms
    if source.presence(start_ms, end_ms).recording:
        return True
    interval = source.presence(start_ms - around_ms, end_ms + around_ms).interval_ms
    if interval is None or end_ms - 2 * interval >= start_ms:
        return False
    return source.presence(end_ms - 2 * interval, start_ms).recording


def _shortest(known: int | None, block: Block, window: Window) -> int | None:
    most = int(np.max(block.expected, initial=0))
    if most == 0:
        return known
    interval = window.resolution.width * 1000 // most
    return interval if known is None else min(known, interval)
