"""Asks a source whether series of which nothing came before were absent (R25).

Only first samples need it, so that windows without new counters cost nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bridge.rollup.counters import reach

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Floats
    from bridge.rollup.windows import Window
    from bridge.sources.base import Block, Families, Natives, Source

    Answer = TypeVar("Answer", Block, Families, Natives)


def with_absence(
    answer: Answer,
    counter: Bools,
    previous: Floats,
    *,
    source: Source,
    window: Window,
    since_ms: int,
) -> Answer:
    """Return an answer that says when targets were scraped without their new series.

    `counter` says which of the answer's series rise, `previous` is their last value in
    rows, NaN where there is none, and `since_ms` is from when on the answer holds
    samples. Raises SourceError.
    """
    if answer.absent is not None or not len(answer.times):
        return answer
    first_ms = answer.times[np.minimum(answer.offsets[:-1], len(answer.times) - 1)]
    new = counter & np.isnan(previous) & (first_ms >= window.start_ms)
    new &= (answer.expected > 0) & (np.diff(answer.offsets) > 0)
    if not new.any():
        return answer
    interval_ms = (window.end_ms - window.start_ms) // answer.expected[new]
    earliest_ms = first_ms[new] - reach(interval_ms)
    absent = np.zeros(len(new), np.int64)
    absent[new] = source.absent(
        answer.series_id[new], earliest_ms, first_ms[new], since_ms
    )
    return replace(answer, absent=absent)
