"""How many raw samples a server holds of a span: the checksum of closed windows (R65).

Both sides of the comparison count alike: each sample once for each selector that
selects it, before anything is put together or left out. Stale markers do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.sources.selectors import NAME, Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.sources.api import Api
    from bridge.sources.payload import Matrix
    from bridge.sources.selectors import Selector

NAMES: Final = 50
"""Metric names that one request counts the samples of."""

MOST_NAMES: Final = 5000
"""Beyond so many names counting costs a server more than it is worth."""

_POINTS: Final = "count_over_time(vector(0)[1m:1m])"
_MINUTE_MS: Final = 60_000


def held(matrix: Matrix, start_ms: int, end_ms: int) -> int | None:
    """Return how many samples of `[start, end)` an answer has.

    None where it has some that are not told one by one.
    """
    if matrix.left_out:
        return None
    inside = (matrix.times >= start_ms) & (matrix.times < end_ms)
    native = sum(
        int(((times >= start_ms) & (times < end_ms)).sum())
        for times in (np.asarray(one.times) for one in matrix.natives)
    )
    return int(inside.sum()) + native


def is_closed(api: Api) -> bool:
    """Whether the server's ranges hold the sample at their left border (RULES R2).

    Prometheus 2 counts both ends of a minute in steps of a minute, Prometheus 3 one.
    Raises SourceError.
    """
    now_ms = api.now_ms() // _MINUTE_MS * _MINUTE_MS
    points = api.vector(_POINTS, now_ms)
    return float(points[0].value[1]) > 1 if points else True


def count(
    api: Api,
    selectors: Sequence[Selector],
    start_ms: int,
    end_ms: int,
    *,
    closed: bool,
) -> int | None:
    """Return how many samples of `[start, end)` a server has; raises SourceError.

    `closed` is what `is_closed` says. None where there are too many names to ask for.
    Names are asked for one by one, as functions over ranges drop them, and then series
    of different names could no longer be told apart.
    """
    width = f"{end_ms - start_ms - closed}ms"
    total = 0
    for selector in selectors:
        names = _names(api, selector, start_ms, end_ms)
        if len(names) > MOST_NAMES:
            return None
        for low in range(0, len(names), NAMES):
            expression = _sum(selector, names[low : low + NAMES], width)
            total += sum(
                round(float(one.value[1])) for one in api.vector(expression, end_ms - 1)
            )
    return total


def _names(api: Api, selector: Selector, start_ms: int, end_ms: int) -> list[str]:
    span = f"{end_ms - start_ms}ms"
    expression = f"group by({NAME})(last_over_time({selector}[{span}]))"
    found = api.vector(expression, end_ms - 1)
    return sorted(one.metric.get(NAME, "") for one in found)


def _sum(selector: Selector, names: Sequence[str], width: str) -> str:
    """Return the expression that counts the samples of some names."""
    counts = []
    for number, name in enumerate(names):
        one = selector.narrowed([Matcher(NAME, "=", name)])
        counted = f"sum(count_over_time({one}[{width}]))"
        # Without a label of their own, `or` would keep the first of them only.
        counts.append(f'label_replace({counted},"n","{number}","","")')
    return f"sum({' or '.join(counts)})"
