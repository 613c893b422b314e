"""Corrections as people ask for them, and as they are told of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.answers.errors import QuestionError
from bridge.answers.find import find_series
from bridge.answers.selectors import parse
from bridge.answers.writing import rfc3339
from bridge.rollup.correction.correcting import edits
from bridge.rollup.correction.tiers import Uncorrectable
from bridge.rollup.windows import Resolution
from models.queries.corrections import CorrectionRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.answers.times import Span
    from bridge.rollup.rows import Rows
    from models.database import Database
    from models.queries.series import SeriesRow

ACTIONS: Final = ("ignore", "baseline")
"""How the first step after a span is measured."""

_LONGEST_NOTE: Final = 500
_TOLD: Final = ("count", "sum", "increase", "resets")


@dataclass(frozen=True, slots=True)
class Change:
    """What a correction changes at one resolution: how many rows, and their totals."""

    resolution: str
    rows: int
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """A correction that is not made yet, and what it would change."""

    row: CorrectionRow
    series: int
    rounded: bool
    changes: tuple[Change, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody who asks for it should know."""
        said = []
        if self.rounded:
            said.append(
                "corrected are whole minutes: "
                f"{rfc3339(self.row.start)} to {rfc3339(self.row.until)}"
            )
        if not self.changes:
            said.append(
                "no row changes now; samples of the span that are read later are left "
                "out"
            )
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says was wrong: samples of `match` in `span`."""

    match: str
    span: Span
    note: str
    author: str
    action: str = "ignore"
    source: str | None = None
    workspace: str | None = None


def plan(db: Database, wanted: Wanted, now: int) -> Plan:
    """Return what a correction would change; raise QuestionError where it cannot be."""
    note = wanted.note.strip()
    if not note:
        raise QuestionError("note", "say in a note why the samples are wrong")
    if len(note) > _LONGEST_NOTE:
        raise QuestionError("note", f"the note has more than {_LONGEST_NOTE} letters")
    if wanted.action not in ACTIONS:
        raise QuestionError(
            "as", f"{wanted.action!r} is none of {' and '.join(ACTIONS)}"
        )
    series = _series(db, wanted)
    minute = Resolution.MINUTE
    start = minute.floor(math.floor(wanted.span.start))
    until = -minute.floor(math.floor(-wanted.span.end))
    row = CorrectionRow(
        0,
        series[0].source,
        wanted.match,
        start,
        until,
        wanted.action,
        note,
        wanted.author,
        now,
    )
    ids = np.array(sorted(one.id for one in series), np.int64)
    try:
        changes = _changes(db, row, ids)
    except Uncorrectable as reason:
        raise QuestionError("start", str(reason)) from reason
    rounded = (start, until) != (wanted.span.start, wanted.span.end)
    return Plan(row, len(series), rounded, changes)


def state_of(row: CorrectionRow) -> str:
    """Return what a correction is: waiting, applied, failed, revoking or revoked."""
    if row.revoked_at is not None:
        return "revoking" if row.waits else "revoked"
    if row.applied_at is not None:
        return "applied"
    return "waiting" if row.waits else "failed"


def document(row: CorrectionRow) -> dict[str, Any]:
    """Return a correction in the shape of its JSON document."""
    return {
        "id": row.id,
        "source": row.source,
        "match": row.selector,
        "start": row.start,
        "end": row.until,
        "as": row.action,
        "note": row.note,
        "author": row.author,
        "state": state_of(row),
        "created_at": row.created_at,
        "applied_at": row.applied_at,
        "revoked_at": row.revoked_at,
        "restored_at": row.restored_at,
        "outcome": row.outcome,
    }


def _series(db: Database, wanted: Wanted) -> list[SeriesRow]:
    """Return the series that are selected, all of one source."""
    selector = parse(wanted.match)
    series = find_series(db, [selector], wanted.workspace, wanted.source)
    if not series:
        raise QuestionError("match", f"{wanted.match!r} selects no series")
    sources = sorted({one.source for one in series})
    if len(sources) > 1:
        raise QuestionError(
            "source",
            f"{wanted.match!r} selects series of {', '.join(sources)}: say of which",
        )
    if len(find_series(db, [selector], None, sources[0])) > len(series):
        raise QuestionError(
            "match", f"{wanted.match!r} selects series of other workspaces, too"
        )
    return series


def _changes(db: Database, row: CorrectionRow, ids: Any) -> tuple[Change, ...]:
    counted: dict[Resolution, tuple[list[Rows], list[Rows]]] = {}
    for edit in edits(db, row, ids):
        for resolution, before, after in edit.tiers.changes():
            old, new = counted.setdefault(resolution, ([], []))
            old.append(before)
            new.append(after)
    return tuple(
        Change(
            resolution.value,
            sum(map(len, new)),
            _totals(old),
            _totals(new),
        )
        for resolution, (old, new) in counted.items()
    )


def _totals(parts: Sequence[Rows]) -> dict[str, float]:
    return {
        name: float(sum(np.nansum(getattr(rows, name)) for rows in parts))
        for name in _TOLD
    }
