"""Finding the series that selectors choose, and what their labels are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bridge.answers.errors import QuestionError
from bridge.sources.selectors import NAME, Matcher
from models.queries.selection import candidates, metric_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bridge.answers.selectors import Selector
    from models.database import Database
    from models.queries.series import SeriesRow

_MEMBER: Final = re.compile(r"(.+)_(bucket|count|sum)", re.DOTALL)
_INSTEAD: Final = {
    "bucket": "percentiles such as p95",
    "count": "increase or rate, which count its observations",
    "sum": "sum, or avg for the mean of its observations",
}
_PLAIN_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def check_source(name: str | None, known: Sequence[str]) -> None:
    """Raise QuestionError for a source that is none of the known; None is all."""
    if name is not None and name not in known:
        raise QuestionError(
            "source",
            f"{name!r} is not a source; known are {', '.join(known) or 'none'}",
        )


def find_series(
    db: Database,
    selectors: Sequence[Selector],
    workspace: str | None = None,
    source: str | None = None,
) -> list[SeriesRow]:
    """Return the series that any selector chooses, all of them without selectors.

    Each once, sorted by name, labels and source; None as workspace or source means all.
    """
    found: dict[int, SeriesRow] = {}
    if not selectors:
        found = {row.id: row for row in candidates(db, workspace=workspace)}
    for selector in selectors:
        for row in _candidates(db, selector, workspace):
            if selector.matches(row.metric, row.labels):
                found[row.id] = row
    chosen = (row for row in found.values() if source in {None, row.source})
    return sorted(chosen, key=_order)


def members_asked(
    db: Database, selectors: Sequence[Selector], workspace: str | None = None
) -> tuple[str, ...]:
    """Return what to ask instead of parts of histograms, which are no series of ours.

    A histogram is one series: its `_bucket`, `_count` and `_sum` are aggregates of it.
    """
    notes = {}
    for selector in selectors:
        found = _MEMBER.fullmatch(selector.metric or "")
        if found is None or candidates(db, metrics=[found[0]], workspace=workspace):
            continue
        rows = candidates(db, metrics=[found[1]], workspace=workspace)
        if any(row.kind == "histogram" for row in rows):
            notes[found[0]] = (
                f"{found[0]} is a part of the histogram {found[1]}: ask {found[1]} for "
                f"{_INSTEAD[found[2]]}"
            )
    return tuple(notes.values())


def label_names(rows: Iterable[SeriesRow]) -> list[str]:
    """Return the names of all labels of some series, sorted, `__name__` included."""
    names: set[str] = set()
    for row in rows:
        names.update(row.labels)
        names.add(NAME)
    return sorted(names)


def label_values(rows: Iterable[SeriesRow], name: str) -> list[str]:
    """Return the values that a label has in some series, sorted."""
    if name == NAME:
        return sorted({row.metric for row in rows})
    return sorted({row.labels[name] for row in rows if name in row.labels})


def written(metric: str, labels: Mapping[str, str]) -> str:
    """Return the selector that chooses exactly such series."""
    matchers = [Matcher(name, "=", value) for name, value in sorted(labels.items())]
    if not _PLAIN_METRIC.fullmatch(metric):
        matchers.insert(0, Matcher(NAME, "=", metric))
        metric = ""
    inside = ",".join(map(str, matchers))
    return f"{metric}{{{inside}}}" if inside else metric


def _candidates(
    db: Database, selector: Selector, workspace: str | None
) -> list[SeriesRow]:
    metrics = None
    if selector.metric is not None:
        metrics = [selector.metric]
    elif selector.of_name:
        metrics = [
            name
            for name in metric_names(db, workspace)
            if all(matcher.accepts(name) for matcher in selector.of_name)
        ]
    return candidates(db, metrics=metrics, labels=selector.present, workspace=workspace)


def _order(row: SeriesRow) -> tuple[str, list[tuple[str, str]], str]:
    return row.metric, sorted(row.labels.items()), row.source
