"""Reads one window from its source and rolls it up, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import structlog

from bridge.rollup.aggregate import aggregate
from bridge.rollup.buckets import exponential, histograms
from bridge.rollup.buckets.layouts import unknown
from bridge.rollup.choice import bounds
from bridge.rollup.firsts import with_absence
from bridge.rollup.folding import fold, split
from bridge.rollup.plan import Silence, Verdict, judge
from bridge.rollup.rows import Rows
from bridge.rollup.steps import USUAL, Policy
from bridge.rollup.tail import Previous
from bridge.sources.base import Block, Families, Natives, Source, Warnings
from models.folded import overflow_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.rollup.buckets.census import Census
    from bridge.rollup.buckets.layouts import Bounds, Lookup
    from bridge.rollup.buckets.spreads import Spreads
    from bridge.rollup.correction.corrections import Corrections
    from bridge.rollup.kinds import Kinds
    from bridge.rollup.rows import Bools, Ints
    from bridge.rollup.steps import Falls
    from bridge.rollup.tail import Tail
    from bridge.rollup.windows import Window

log = structlog.get_logger(__name__)

Answer: TypeAlias = Block | Families | Natives


@dataclass(frozen=True, slots=True)
class Counting:
    """How steps of counters are counted; `tolerated` answers by series ids.

    `layouts` answers the bounds by which histograms of before were counted; `spreads`
    adds distributions of gauges, and `census` the counts of different label values.
    """

    policy: Policy = USUAL
    tolerated: Callable[[Ints], Falls | None] = lambda _: None
    layouts: Lookup = unknown
    spreads: Spreads | None = None
    census: Census | None = None


USUALLY: Final = Counting()
"""What holds where nothing is configured."""


@dataclass(slots=True)
class Reading:
    """What a source held of a window and `lookback_ms` before it, rolled up.

    `layouts` are the bounds that histograms were counted by, which rows name by number,
    and `folded` the rows of series beyond the budget, by themselves; `numbers` are the
    overflow series of those that are no histograms. `heard` are series and how many
    samples of the window, usable or not, each of them has.
    """

    window: Window
    lookback_ms: int = 0
    rows: list[Rows] = field(default_factory=list)
    samples: int = 0
    interval_ms: int | None = None
    silent_seconds: int = 0
    warnings: Warnings = field(default_factory=Warnings)
    layouts: dict[int, Bounds] = field(default_factory=dict)
    folded: list[Rows] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    heard: list[tuple[Ints, Ints]] = field(default_factory=list)

    def take(self, parts: Sequence[Rows], answer: Answer) -> None:
        """Add the rows of an answer.

        A name may stand for both a histogram and a number, of which the number stays:
        a series has one row for each window.
        """
        for part in parts:
            rows = part
            if len(rows) and not isinstance(answer, Block):
                taken = [known.series_id for known in self.rows]
                twice = np.isin(rows.series_id, np.concatenate([[-1], *taken]))
                rows = rows.take(~twice)
                if twice.any():
                    log.debug(
                        "histograms with the names of numbers are left out",
                        window=self.window.start,
                        series=part.series_id[twice].tolist(),
                    )
            if len(rows):
                self.rows.append(rows)

    def hear(self, answer: Answer, silence: Silence) -> None:
        """Note how many samples of the window an answer has, and when."""
        inside = answer.times >= self.window.start_ms
        begin, end = bounds(inside, answer.offsets)
        self.samples += int(inside.sum())
        self.heard.append((answer.series_id, end - begin))
        silence.hear(answer.times)
        self.interval_ms = _shortest(self.interval_ms, answer, self.window)

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
    reading = Reading(window, lookback_ms)
    silence = Silence(window.start_ms, window.resolution.width)
    since = window.start_ms - lookback_ms
    for whole in source.read(since, window.end_ms, reading.warnings):
        answer, beyond = split(whole)  # type: ignore[type-var]  # one of the three
        if beyond is not None:
            reading.folded.append(_folded(beyond, reading, kinds, counting, source))
            reading.hear(beyond, silence)
        known, rising = _as_known(answer, kinds)
        previous = tail.previous(known.series_id)
        known = _with_evidence(known, rising, previous, reading, counting, source)
        left, empty = known, list[Rows]()
        if corrections is not None:
            left, previous, empty = corrections.apply(  # type: ignore[type-var]  # same
                known, previous, window
            )
        rows = _rolled_up(left, window, previous, counting, reading.layouts)
        reading.take([rows, *empty], known)
        reading.hear(known, silence)
    if any(map(len, reading.folded)):
        reading.rows.append(fold(reading.folded))
    if counting.census is not None:
        counts = counting.census.of(reading.rows, window)
        reading.rows += [counts] if len(counts) else []
    reading.silent_seconds = silence.longest
    return reading


def _folded(
    answer: Answer,
    reading: Reading,
    kinds: Kinds,
    counting: Counting,
    source: Source,
) -> Rows:
    """Return the rows of folded series; what came before is only in the answer.

    As elsewhere, a series of numbers takes no histograms in.
    """
    known, rising = _as_known(answer, kinds)
    previous = Previous.unknown(len(rising))
    known = _with_evidence(known, rising, previous, reading, counting, source)
    rows = _rolled_up(known, reading.window, previous, counting, reading.layouts)
    target = overflow_of(rows.series_id)
    if isinstance(answer, Block):
        reading.numbers.update(target.tolist())
        return rows
    return rows.take(~np.isin(target, list(reading.numbers)))


def _with_evidence(  # noqa: PLR0917 - as `read`
    known: Answer,
    rising: Bools,
    previous: Previous,
    reading: Reading,
    counting: Counting,
    source: Source,
) -> Answer:
    """Return an answer with what its source knows of first samples, if that counts."""
    if not counting.policy.evidence:
        return known
    told: Answer = with_absence(  # type: ignore[type-var]  # one of the three
        known,
        rising,
        previous.values,
        source=source,
        window=reading.window,
        since_ms=reading.window.start_ms - reading.lookback_ms,
    )
    return told


def _as_known(answer: Answer, kinds: Kinds) -> tuple[Answer, Bools]:
    """Return an answer with the kinds of its series, and which of these only rise."""
    if not isinstance(answer, Block):
        return answer, np.ones(len(answer.series_id), np.bool_)
    series_id = overflow_of(answer.series_id)
    counter, quantile = kinds.of(series_id)
    return replace(answer, counter=counter, quantile=quantile), counter


def _rolled_up(
    answer: Answer,
    window: Window,
    previous: Previous,
    counting: Counting,
    layouts: dict[int, Bounds],
) -> Rows:
    """Return the rows of an answer; the layouts of its histograms are added."""
    policy = counting.policy
    if isinstance(answer, Block):
        falls = counting.tolerated(overflow_of(answer.series_id))
        rows = aggregate(answer, window, previous, policy, falls)
        spreads = counting.spreads
        return rows if spreads is None else spreads.add_to(rows, answer, window)
    lookup = counting.layouts
    if isinstance(answer, Families):
        rows, met = histograms.aggregate(answer, window, previous, policy, lookup)
    else:
        rows, met = exponential.aggregate(answer, window, previous, policy, lookup)
    layouts.update(met)
    return rows


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


def _shortest(known: int | None, answer: Answer, window: Window) -> int | None:
    most = int(np.max(answer.expected, initial=0))
    if most == 0:
        return known
    interval = window.resolution.width * 1000 // most
    return interval if known is None else min(known, interval)
