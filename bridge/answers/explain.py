"""Explains one number: the row it stands in, and all that it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from bridge.answers.corrections import document
from bridge.answers.errors import QuestionError
from bridge.answers.find import written
from bridge.answers.raw import Raw, reread, selector_of
from bridge.answers.restatements import columns as plain_columns
from bridge.answers.restatements import restated
from bridge.answers.times import Span
from bridge.answers.wording import words_of_flags, words_of_nothing, words_of_row
from bridge.rollup.commit import TABLES, find_entry
from bridge.rollup.compare import written as row_text
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import SourceError
from bridge.sources.matching import matching
from models.queries import corrections, ledger
from models.queries.rollups import series_rows
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.reading import Reading
    from bridge.sources.base import Source
    from models.database import Database
    from models.queries.ledger import Entry
    from models.queries.series import SeriesRow

DEADLINE: Final = 5.0
"""Seconds that a source may take for one request of an explanation."""

_RESTATEMENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Finer:
    """One of the windows that a coarser one was merged from."""

    start: int
    state: str
    reason: str
    count: int | None
    expected: int | None
    sum: float | str | None
    increase: float | str | None
    resets: int | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one row of one series says, and why.

    `row` has its columns, None where there is no row. `raw` are the samples as the
    source has them now, or `raw_reason` says why they are not there.
    """

    series: SeriesRow
    window: Window
    row: dict[str, Any] | None
    words: tuple[str, ...]
    entry: Entry | None
    finer: tuple[Finer, ...]
    restatements: tuple[dict[str, Any], ...]
    corrections: tuple[dict[str, Any], ...]
    raw: Raw | None = None
    raw_reason: str = ""


def only_one(series: Sequence[SeriesRow], match: Sequence[str]) -> SeriesRow:
    """Return the one series that is selected; raise QuestionError for more or none."""
    if len(series) == 1:
        return series[0]
    told = ", ".join(match)
    if not series:
        raise QuestionError("match", f"{told} selects no series")
    some = "; ".join(written(one.metric, one.labels) for one in series[:3])
    raise QuestionError(
        "match",
        f"{told} selects {len(series)} series, and one number is explained at a time: "
        f"name all labels of one, such as {some}",
    )


def explain(db: Database, series: SeriesRow, window: Window) -> Explanation:
    """Explain a row from what the database knows."""
    ids = np.array([series.id], np.int64)
    rows = row_of(db, series.id, window)
    entry = find_entry(db, series.source, window)
    state, reason = ("", "") if entry is None else (entry.state, entry.reason)
    span = Span(window.start, window.end)
    log = restated(
        db, [series], window.resolution.value, span, 0.0, limit=_RESTATEMENTS
    )
    if len(rows):
        words = words_of_row(rows, window.resolution.width)
    else:
        words = [words_of_nothing(state, reason, window.start)]
    return Explanation(
        series=series,
        window=window,
        row=plain_columns(row_text(rows, 0)) if len(rows) else None,
        words=tuple(words),
        entry=entry,
        finer=tuple(_finer(db, series, ids, window)),
        restatements=tuple(asdict(one) for one in log),
        corrections=tuple(_corrections(db, series, window)),
    )


def row_of(db: Database, series_id: int, window: Window) -> Rows:
    """Return the row of a series in a window, or none."""
    ids = np.array([series_id], np.int64)
    table = TABLES[window.resolution]
    found = series_rows(db, table, ids, window.start, window.start + 1)
    return Rows(**{name: getattr(found, name) for name in COLUMNS})


def explained(one: Explanation) -> dict[str, Any]:
    """Return an explanation in the shape of its JSON document."""
    entry = one.entry
    return {
        "series": {
            "id": one.series.id,
            "source": one.series.source,
            "metric": one.series.metric,
            "labels": one.series.labels,
            "kind": one.series.kind,
        },
        "resolution": one.window.resolution.value,
        "start": one.window.start,
        "end": one.window.end,
        "row": one.row,
        "words": list(one.words),
        "ledger": None if entry is None else asdict(entry),
        "restatements": list(one.restatements),
        "corrections": list(one.corrections),
        "finer": [asdict(each) for each in one.finer],
        "raw": None if one.raw is None else one.raw.document(),
        "raw_reason": one.raw_reason,
    }


def _finer(db: Database, series: SeriesRow, ids: Any, window: Window) -> list[Finer]:
    finer = window.resolution.finer
    if finer is None:
        return []
    entries = {
        entry.start: entry
        for entry in ledger.entries(
            db, series.source, finer.value, window.start, window.end
        )
    }
    found = series_rows(db, TABLES[finer], ids, window.start, window.end)
    place = {start: at for at, start in enumerate(found.start.tolist())}
    told = []
    for child in window.children():
        entry, at = entries.get(child.start), place.get(child.start)
        none = at is None
        at = at or 0
        told.append(
            Finer(
                child.start,
                "missing" if entry is None else entry.state,
                "" if entry is None else entry.reason,
                None if none else int(found.count[at]),
                None if none else int(found.expected[at]),
                None if none else _number(found.sum[at]),
                None if none else _number(found.increase[at]),
                None if none else int(found.resets[at]),
                () if none else tuple(words_of_flags(int(found.flags[at]))),
            )
        )
    return told


def _corrections(
    db: Database, series: SeriesRow, window: Window
) -> list[dict[str, Any]]:
    """Return the corrections of a series whose span ends in or before the window's end.

    Only those that touch the window or the minute after which it begins.
    """
    return [
        document(row)
        for row in corrections.listed(db, series.source)
        if row.start < window.end
        and row.until >= window.start
        and matching(row.selector)(series.metric, series.labels)
    ]


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return float(value)
    return None if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")


class Again(Protocol):
    """A source that can be asked again, and what computes a minute from it."""

    @property
    def source(self) -> Source:
        """The source."""

    @property
    def engine(self) -> Computes:
        """What computes."""


class Computes(Protocol):
    """Computes finished minutes once more."""

    def reread(self, window: Window) -> Reading:
        """Return a minute as the engine would compute it now."""


Asks: TypeAlias = Callable[[str, str, float], AbstractContextManager[Again]]
"""Gives a source by its name, a selector and a deadline; LookupError for none."""


def with_raw(db: Database, one: Explanation, asks: Asks) -> Explanation:
    """Return an explanation of a minute with the raw samples, or why not."""
    if one.window.resolution is not Resolution.MINUTE:
        return replace(one, raw_reason="raw samples are shown of minutes")
    selector = selector_of(one.series)
    stored = row_of(db, one.series.id, one.window)
    try:
        with asks(one.series.source, selector, DEADLINE) as again:
            found = reread(
                db, one.series, one.window, stored, again.source, again.engine.reread
            )
    except SourceError as error:
        return replace(one, raw_reason=f"the source did not answer: {error}")
    except LookupError as error:
        return replace(one, raw_reason=str(error))
    if isinstance(found, str):
        return replace(one, raw_reason=found)
    return replace(one, raw=found)
