"""What was said of windows and is no longer said: from what, to what, when and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from bridge.answers.errors import QuestionError
from bridge.answers.find import written
from bridge.rollup.windows import Resolution
from models.queries import restatements
from models.queries.calendars import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.series import SeriesRow

MOST: Final = 10_000
"""Entries that one answer may hold."""

_HIDDEN: Final = ("buckets",)


@dataclass(frozen=True, slots=True)
class Restatement:
    """One row that was changed, or, without `series`, how many others were.

    `before` and `after` are its columns, None for a row that was not there; infinities
    are the texts "+Inf" and "-Inf".
    """

    source: str
    series: str
    series_id: int
    resolution: str
    start: int
    revision: int
    at: int
    reason: str
    rows: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> tuple[str, ...]:
        """The columns that differ."""
        if self.before is None or self.after is None:
            return ()
        after = self.after
        return tuple(
            name for name, old in self.before.items() if old != after.get(name)
        )


def check_resolution(db: Database, resolution: str | None) -> None:
    """Raise QuestionError for a resolution of which there are no rows."""
    days = (f"{Resolution.DAY.value}@{one.name}" for one in listed(db))
    known = [*(each.value for each in Resolution), *days]
    if resolution is not None and resolution not in known:
        raise QuestionError(
            "resolution",
            f"{resolution!r} is not a resolution of rows; known are {', '.join(known)}",
        )


def restated(  # noqa: PLR0917 - what is asked for
    db: Database,
    series: Sequence[SeriesRow],
    resolution: str | None,
    span: Span,
    since: float,
    limit: int,
) -> list[Restatement]:
    """Return what was restated since a time of rows that start in a span.

    Newest first, at most `limit`; of all resolutions if None.
    """
    names = {row.id: row for row in series}
    found = restatements.search(
        db,
        np.array(sorted(names), np.int64),
        resolution,
        math.ceil(span.start),
        math.ceil(span.end),
        math.ceil(since),
        limit=limit,
    )
    return [
        Restatement(
            source=one.source,
            series=_name(names.get(one.series_id)),
            series_id=one.series_id,
            resolution=one.resolution,
            start=one.start,
            revision=one.revision,
            at=one.at,
            reason=one.reason,
            rows=one.series,
            before=columns(one.before),
            after=columns(one.after),
        )
        for one in found
    ]


def columns(text: str | None) -> dict[str, Any] | None:
    """Return the columns of a row in the log, without what is for machines only."""
    if text is None:
        return None
    facts: dict[str, Any] = orjson.loads(text)
    return {name: value for name, value in facts.items() if name not in _HIDDEN}


def _name(row: SeriesRow | None) -> str:
    return "" if row is None else written(row.metric, row.labels)
