"""The corrections that are in force: what a reading of raw samples leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bridge.rollup.correction.leaving_out import (
    Answer,
    Span,
    emptied,
    leave_out,
    unroot,
)
from models.queries import corrections as table

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Ints, Rows
    from bridge.rollup.tail import Previous
    from bridge.rollup.windows import Window
    from models.database import Database
    from models.queries.corrections import CorrectionRow

Matches: TypeAlias = Callable[[str, Mapping[str, str]], bool]
"""Whether a series of a name and labels is selected."""
Compile: TypeAlias = Callable[[str], Matches]
"""Reads a selector; raises ValueError for what is none."""
Describe: TypeAlias = Callable[[Sequence[int]], list[tuple[str, dict[str, str]]]]
"""Returns the name and labels of series."""


def span_of(row: CorrectionRow) -> Span:
    """Return what a correction leaves out."""
    return Span(row.start * 1000, row.until * 1000, row.action == "baseline")


@dataclass(slots=True)
class _InForce:
    row: CorrectionRow
    matches: Matches
    chosen: dict[int, bool] = field(default_factory=dict)


class Corrections:
    """The corrections of one source; `refresh` reads them again."""

    def __init__(
        self, db: Database, source: str, compile_: Compile, describe: Describe
    ) -> None:
        self._db = db
        self._source = source
        self._compile = compile_
        self._describe = describe
        self._in_force: list[_InForce] = []

    def refresh(self) -> list[CorrectionRow]:
        """Read which are in force now; return all of the source."""
        rows = table.listed(self._db, self._source)
        known = {one.row.id: one for one in self._in_force}
        self._in_force = [
            known.get(row.id) or _InForce(row, self._compile(row.selector))
            for row in rows
            if row.holds
        ]
        return rows

    def chosen(self, row: CorrectionRow, series_id: Ints) -> Bools:
        """Return which of some series a correction, in force or not, is about."""
        one = next((one for one in self._in_force if one.row.id == row.id), None)
        return self._choose(
            one or _InForce(row, self._compile(row.selector)), series_id
        )

    def apply(
        self, answer: Answer, previous: Previous, window: Window
    ) -> tuple[Answer, Previous, list[Rows]]:
        """Leave out what is wrong of an answer that is read for a window.

        Returns what is left, what came before, and the rows of series all of whose
        samples in the window are wrong.
        """
        empty: list[Rows] = []
        for one in self._in_force:
            span = span_of(one.row)
            if span.start_ms >= window.end_ms:
                continue
            chosen = self._choose(one, answer.series_id)
            if not chosen.any():
                continue
            if span.holds(window):
                empty.append(_emptied(answer, chosen, window))
            if span.end_ms <= window.start_ms:
                previous = unroot(previous, span, chosen)
            answer = leave_out(answer, span, chosen)
        return answer, previous, empty

    def _choose(self, one: _InForce, series_id: Ints) -> Bools:
        ids = series_id.tolist()
        new = [number for number in ids if number not in one.chosen]
        if new:
            described = self._describe(new)
            for number, (metric, labels) in zip(new, described, strict=True):
                one.chosen[number] = one.matches(metric, labels)
        return np.fromiter((one.chosen[number] for number in ids), np.bool_, len(ids))


def _emptied(answer: Answer, chosen: Bools, window: Window) -> Rows:
    """Return the rows of the chosen series that had samples in the window."""
    running = np.zeros(len(answer.times) + 1, np.int64)
    np.cumsum(answer.times >= window.start_ms, out=running[1:])
    some = chosen & (np.diff(running[answer.offsets]) > 0)
    ids = answer.series_id[some]
    starts = np.full(len(ids), window.start, np.int64)
    return emptied(ids, starts, answer.expected[some])
