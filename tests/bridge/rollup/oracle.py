"""The slow truth: rollups made sample by sample, sharing no code with the engine."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bridge.rollup.builders import Line, Row

BASELINE, HAS_NAN, INFINITE, NO_SUM, IMPRECISE = 1, 2, 4, 8, 16


def aggregated(line: Line, start: int, width: int) -> Row | None:
    """The row of a series in `[start, start + width)`, None if it has no sample."""
    before, inside, newest = line.previous, [], 0
    for time, value in line.samples:
        if time >= start * 1000:
            assert time < (start + width) * 1000
            inside.append(value)
            if not math.isnan(value):
                newest = time - start * 1000
        elif not math.isnan(value):
            before = value
    if not inside:
        return None
    usable = [value for value in inside if not math.isnan(value)]
    increase, resets = increased(usable, before)
    return {
        "series_id": line.series_id,
        "start": start,
        "count": len(usable),
        "sum": summed(usable),
        "min": min(usable, default=None),
        "max": max(usable, default=None),
        "first": usable[0] if usable else None,
        "last": usable[-1] if usable else None,
        "increase": increase if line.counter and usable else None,
        "resets": resets if line.counter else 0,
        "expected": line.expected,
        "flags": _flags(inside, usable, before if line.counter else None),
        "last_offset": newest,
        "gap": 0,
        "changes": sum(a != b for a, b in pairwise(usable)),
        "buckets": None,
    }


def _flags(
    inside: Sequence[float], usable: Sequence[float], before: float | None
) -> int:
    said = {
        HAS_NAN: len(usable) < len(inside),
        INFINITE: any(math.isinf(value) for value in usable),
        NO_SUM: bool(usable) and summed(usable) is None,
    }
    if before is not None and usable:
        said[BASELINE] = not math.isfinite(before)
        said[IMPRECISE] = any(2**53 <= abs(value) < math.inf for value in usable)
    return sum(flag for flag, is_so in said.items() if is_so)


def summed(values: Sequence[float]) -> float | None:
    if not values or {math.inf, -math.inf} <= set(values):
        return None
    infinite = [value for value in values if math.isinf(value)]
    return infinite[0] if infinite else math.fsum(values)


def increased(values: Iterable[float], before: float) -> tuple[float, int]:
    """The sum of the steps between neighbours, and how many of them were resets."""
    steps, resets = [], 0
    for value in values:
        if math.isfinite(before) and math.isfinite(value):
            fell = value < before
            steps.append(value if fell else value - before)
            resets += fell
        before = value
    return math.fsum(steps), resets


def merged(rows: Iterable[Row], width: int, ratio: int) -> list[Row]:
    """Rows merged into windows of a width, by series and start."""
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["series_id"], row["start"])):
        series_id, start = int(row["series_id"] or 0), int(row["start"] or 0)
        key = (series_id, start // width * width)
        groups.setdefault(key, []).append(row)
    return [_merged(key, group, ratio) for key, group in groups.items()]


def _merged(key: tuple[int, int], rows: Sequence[Row], ratio: int) -> Row:
    def some(name: str) -> list[float]:
        return [value for row in rows if (value := row[name]) is not None]

    series_id, start = key
    begun = [row for row in rows if row["count"]]
    total = summed(some("sum"))
    flags = 0
    for row in rows:
        flags |= int(row["flags"] or 0) & ~BASELINE
    if begun:
        flags |= int(begun[0]["flags"] or 0) & BASELINE
    if flags & NO_SUM or (begun and total is None):
        total, flags = None, flags | NO_SUM
    return {
        "series_id": series_id,
        "start": start,
        "count": sum(map(int, some("count"))),
        "sum": total,
        "min": min(some("min"), default=None),
        "max": max(some("max"), default=None),
        "first": next(iter(some("first")), None),
        "last": next(reversed(some("last")), None),
        "increase": math.fsum(some("increase")) if some("increase") else None,
        "resets": sum(map(int, some("resets"))),
        "expected": max(map(int, some("expected"))) * ratio,
        "flags": flags,
        "last_offset": _last_at(begun) - start * 1000 if begun else 0,
        "gap": max(map(int, some("gap"))),
        "changes": sum(map(int, some("changes")))
        + sum(a["last"] != b["first"] for a, b in pairwise(begun)),
        "buckets": None,
    }


def _last_at(rows: Sequence[Row]) -> int:
    newest = rows[-1]
    return int(newest["start"] or 0) * 1000 + int(newest["last_offset"] or 0)
