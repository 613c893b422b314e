"""Blocks and rows in the shape a person writes and reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from bridge.rollup.aggregate import aggregate
from bridge.rollup.rows import Floats, Ints, Rows, no_blobs
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import Block

NAN = math.nan
INF = math.inf
HOUR = 1_699_999_200
"""The start of an hour that is no start of a day, UTC seconds."""
DAY = 1_699_920_000
"""The start of a day, UTC seconds."""

Row = dict[str, float | int | None]
Samples = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A series with its samples as (UTC milliseconds, value)."""

    samples: Samples
    series_id: int = 1
    counter: bool = True
    expected: int = 4
    previous: float = NAN
    previous_at: int = 0


def block(*lines: Line) -> Block:
    lengths = [len(line.samples) for line in lines]
    samples = [sample for line in lines for sample in line.samples]
    return Block(
        series_id=np.array([line.series_id for line in lines], np.int64),
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        times=np.array([time for time, _ in samples], np.int64),
        values=np.array([value for _, value in samples], np.float64),
        expected=np.array([line.expected for line in lines], np.int64),
        counter=np.array([line.counter for line in lines], np.bool_),
    )


def previous(*lines: Line) -> Previous:
    values = np.array([line.previous for line in lines], np.float64)
    times = np.array([line.previous_at for line in lines], np.int64)
    return Previous(values, times, no_blobs(len(lines)))


def windows(line: Line, resolution: Resolution = Resolution.MINUTE) -> list[Rows]:
    """The rows of all windows of a series that hold samples, done one by one."""
    done, before, at = [], line.previous, line.previous_at
    grouped: dict[int, list[tuple[int, float]]] = {}
    for time, value in line.samples:
        grouped.setdefault(resolution.floor(time // 1000), []).append((time, value))
    for start, samples in grouped.items():
        part = replace(line, samples=samples, previous=before, previous_at=at)
        window = Window(start, resolution)
        done.append(aggregate(block(part), window, previous(part)))
        usable = ((t, v) for t, v in samples[::-1] if not math.isnan(v))
        at, before = next(usable, (at, before))
    return done


def table(rows: Rows) -> list[Row]:
    """Rows as dictionaries, None for NULL."""
    names = [field.name for field in fields(Rows)]
    columns = [column.tolist() for column in rows.columns()]
    return [
        {
            name: None if value is None or math.isnan(value) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in zip(*columns, strict=True)
    ]


def rows(*wanted: Row) -> Rows:
    """Rows of dictionaries; what is left out is a sample of 1 in the first minute."""
    filled = [row(**one) for one in wanted]

    def ints(name: str) -> Ints:
        return np.array([one[name] for one in filled], np.int64)

    def floats(name: str) -> Floats:
        return np.array([one[name] for one in filled], np.float64)

    return Rows(
        series_id=ints("series_id"),
        start=ints("start"),
        count=ints("count"),
        sum=floats("sum"),
        min=floats("min"),
        max=floats("max"),
        first=floats("first"),
        last=floats("last"),
        increase=floats("increase"),
        resets=ints("resets"),
        expected=ints("expected"),
        flags=ints("flags"),
        last_offset=ints("last_offset"),
        gap=ints("gap"),
        changes=ints("changes"),
        buckets=no_blobs(len(filled)),
    )


def row(**given: float | None) -> Row:
    """A row of one sample of 1, but for what is given."""
    return {
        "series_id": 1,
        "start": HOUR,
        "count": 1,
        "sum": 1.0,
        "min": 1.0,
        "max": 1.0,
        "first": 1.0,
        "last": 1.0,
        "increase": None,
        "resets": 0,
        "expected": 4,
        "flags": 0,
        "last_offset": 0,
        "gap": 0,
        "changes": 0,
        "buckets": None,
        **given,
    }
