"""Answers as bytes: JSON in columns, and CSV with a row per window.

JSON numbers are numbers, missing values are null, and values that JSON has no number
for are the strings "NaN", "+Inf" and "-Inf", spelled as Prometheus does.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from bridge.answers.aggregates import Column, in_order
from bridge.rollup.days.calendars import UTC_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.answers.rollups import Answer, Line
    from bridge.rollup.days.calendars import Period
    from bridge.rollup.rows import Ints

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_INFINITE: Final = {float("inf"): "+Inf", float("-inf"): "-Inf"}
_NOT_A_NUMBER: Final = "NaN"


def to_json(document: object) -> bytes:
    """Return any answer as JSON; numpy arrays are written as lists."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def rollups_document(answer: Answer) -> dict[str, Any]:
    """Return an answer in the shape of its JSON document."""
    ends = {period.start: period for period in answer.periods}
    return {
        "resolution": answer.resolution,
        "calendar": answer.frame.calendar.name if answer.frame else UTC_NAME,
        "reason": answer.choice.reason,
        "start": answer.stretch.start,
        "end": answer.stretch.end,
        "width": None if answer.frame else answer.stretch.resolution.width,
        "series": [_line(line, ends) for line in answer.lines],
        "coverage": {
            source: asdict(counts) for source, counts in answer.coverage.items()
        },
        "open": {source: list(starts) for source, starts in answer.open.items()},
        "partial": {source: list(found) for source, found in answer.partial.items()},
        "notes": list(answer.notes),
    }


def rollups_csv(answer: Answer) -> Iterator[str]:
    """Yield the answer as RFC 4180 text: a header, then the rows of each series.

    Text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    present = {name for line in answer.lines for name in line.columns}
    names = in_order(present)
    estimated = _estimated(answer)
    bounded = [
        (name, part) for name in names for part in ("", *estimated.get(name, ()))
    ]
    headings = [f"{name}_{part}" if part else name for name, part in bounded]
    yield csv_text(
        [["series_id", "source", "metric", "labels", "start", "open", *headings]]
    )
    for line in answer.lines:
        series = line.series
        opened = np.isin(line.start, answer.open.get(series.source, ()))
        prefix = [
            series.id,
            harmless(series.source),
            harmless(series.metric),
            orjson.dumps(series.labels).decode(),
        ]
        columns = [_cells(line, name, part) for name, part in bounded]
        times = [rfc3339(start) for start in line.start.tolist()]
        states = ["true" if one else "false" for one in opened.tolist()]
        rows = zip(times, states, *columns, strict=True)
        yield csv_text([[*prefix, *row] for row in rows])


def rfc3339(seconds: int) -> str:
    """Return whole UTC seconds as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def values(column: Column) -> Any:
    """Return what JSON shall say of a column: an array, or a list with exceptions."""
    special = np.isinf(column.values)
    if column.undefined is not None:
        special |= column.undefined
    if special.any():
        return _named(column, special)
    if column.whole:
        return _integers(column)
    return column.values


def number(value: float | None) -> float | str | None:
    """Return one value as JSON writes it; None is null."""
    if value is None or math.isfinite(value):
        return value
    return _INFINITE.get(value, _NOT_A_NUMBER)


def _line(line: Line, periods: Mapping[int, Period]) -> dict[str, Any]:
    series = line.series
    return {
        "id": series.id,
        "source": series.source,
        "metric": series.metric,
        "labels": series.labels,
        "kind": series.kind,
        "unit": series.unit,
        "aggregates": list(line.columns),
        "start": line.start,
        **_local(line, periods),
        **{name: values(column) for name, column in line.columns.items()},
        **_bounds(line),
    }


def _bounds(line: Line) -> dict[str, Any]:
    """Return between which bounds estimates lie, where there are any."""
    found = {
        name: {
            "lower": values(Column(column.lower)),
            "upper": values(Column(column.upper)),
        }
        for name, column in line.columns.items()
        if column.lower is not None and column.upper is not None
    }
    return {"bounds": found} if found else {}


def _estimated(answer: Answer) -> dict[str, tuple[str, str]]:
    """Return the names of columns that have bounds, and what those are called."""
    return {
        name: ("lower", "upper")
        for line in answer.lines
        for name, column in line.columns.items()
        if column.lower is not None
    }


def _cells(line: Line, name: str, part: str) -> list[object]:
    """Return a column of a line, or its bounds, as cells."""
    column = line.columns.get(name)
    if column is not None and part:
        bound = column.lower if part == "lower" else column.upper
        column = None if bound is None else Column(bound)
    return [""] * len(line.start) if column is None else cells(column)


def _local(line: Line, periods: Mapping[int, Period]) -> dict[str, list[Any]]:
    """Return the ends of local days, weeks or months, and their first dates."""
    if not periods:
        return {}
    mine = [periods[start] for start in line.start.tolist()]
    return {"end": [one.end for one in mine], "date": [one.name for one in mine]}


def _named(column: Column, special: Any) -> list[float | str | None]:
    listed: list[float | str | None] = [
        None if value != value else value  # noqa: PLR0124 - only NaN differs from itself
        for value in column.values.tolist()
    ]
    for place in np.flatnonzero(special).tolist():
        listed[place] = _INFINITE.get(column.values[place].item(), _NOT_A_NUMBER)
    return listed


def _integers(column: Column) -> Ints | list[int | None]:
    missing = np.isnan(column.values)
    if not missing.any():
        return column.values.astype(np.int64)
    return [
        None if absent else int(value)
        for value, absent in zip(column.values.tolist(), missing.tolist(), strict=True)
    ]


def cells(column: Column) -> list[object]:
    """Return a column as cells of a table, empty where there is no value."""
    listed = values(column)
    if isinstance(listed, np.ndarray):
        listed = listed.tolist()
    # A float differs from itself only if it is NaN, which stands for null here.
    return ["" if cell is None or cell != cell else cell for cell in listed]  # noqa: PLR0124 - see above


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_text(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as RFC 4180 text."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
