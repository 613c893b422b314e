"""Samples that were declared wrong are left out before rows are made of the others.

Pure. A span covers whole minutes, so the row of a minute is made of all of its samples
or of none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from bridge.rollup.rows import Bools, Flag, Ints, Rows, no_blobs
from bridge.rollup.tail import Previous
from bridge.sources.base import Block, Families, Natives

if TYPE_CHECKING:
    from bridge.rollup.windows import Window

Answer = TypeVar("Answer", Block, Families, Natives)

_OF_SAMPLES: Final = frozenset(
    {"times", "values", "started", "observations", "totals", "layout", "cumulative"}
)


_NO_ROWS: Final = Rows.join([])


@dataclass(frozen=True, slots=True)
class Span:
    """Samples in `[start_ms, end_ms)` are wrong.

    With `baseline` the step over the span adds nothing; otherwise it is measured from
    the last sample before.
    """

    start_ms: int
    end_ms: int
    baseline: bool = False

    def holds(self, window: Window) -> bool:
        """Whether all of a window is wrong."""
        return self.start_ms <= window.start_ms and window.end_ms <= self.end_ms


def leave_out(answer: Answer, span: Span, chosen: Bools) -> Answer:
    """Return an answer without the samples of a span of the chosen series.

    What is said of a series before its first sample is forgotten where the span adds
    nothing and it was said of a time before the span's end.
    """
    owner = np.repeat(chosen, np.diff(answer.offsets))
    wrong = owner & (answer.times >= span.start_ms) & (answer.times < span.end_ms)
    if span.baseline:
        wrong |= owner & (answer.times < span.start_ms)
        answer = _without_absence(answer, chosen, span)
    return _kept(answer, ~wrong) if wrong.any() else answer


def unroot(previous: Previous, span: Span, chosen: Bools) -> Previous:
    """Forget what came before a span of the chosen series that adds nothing."""
    forgotten = chosen & (previous.times < span.end_ms)
    if not span.baseline or not forgotten.any():
        return previous
    unknown = Previous.unknown(int(forgotten.sum()))
    values, times = previous.values.copy(), previous.times.copy()
    buckets = previous.buckets.copy()
    values[forgotten], times[forgotten] = unknown.values, unknown.times
    buckets[forgotten] = unknown.buckets
    return Previous(values, times, buckets)


def emptied(series_id: Ints, start: Ints, expected: Ints) -> Rows:
    """Return the rows of windows all of whose samples are wrong."""
    count = len(series_id)
    nothing: dict[str, Any] = {
        column.name: _nothing(getattr(_NO_ROWS, column.name).dtype.kind, count)
        for column in fields(Rows)
    }
    flags = np.full(count, int(Flag.CORRECTED), np.int64)
    said = {"series_id": series_id, "start": start, "expected": expected}
    return Rows(**nothing | said | {"flags": flags})


def _nothing(kind: str, count: int) -> Any:
    if kind == "f":
        return np.full(count, np.nan)
    return np.zeros(count, np.int64) if kind == "i" else no_blobs(count)


def _without_absence(answer: Answer, chosen: Bools, span: Span) -> Answer:
    if answer.absent is None:
        return answer
    before = chosen & (answer.absent < span.end_ms)
    return replace(answer, absent=np.where(before, 0, answer.absent))


def _kept(answer: Answer, keep: Bools) -> Answer:
    running = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=running[1:])
    changes: dict[str, Any] = {"offsets": running[answer.offsets]}
    for field in fields(answer):
        held = getattr(answer, field.name)
        if field.name in _OF_SAMPLES and held is not None:
            changes[field.name] = held[keep]
        elif field.name == "histograms":
            changes[field.name] = tuple(
                one for one, stays in zip(held, keep, strict=True) if stays
            )
    return replace(answer, **changes)
