"""Figures of rows that were merged for an answer, as the database gives its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bridge.rollup.rows import Floats, Rows


def _quotient(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    return above / np.where(below == 0, np.nan, below)


_FIGURES: Final[Mapping[str, Callable[[Rows], Floats]]] = {
    "avg": lambda rows: _quotient(rows.sum, rows.count.astype(np.float64)),
    "mean": lambda rows: _quotient(rows.sum, rows.increase),
    "coverage": lambda rows: _quotient(
        rows.count.astype(np.float64), rows.expected.astype(np.float64)
    ),
}
"""What is not a column; see `models.queries.figures.FIGURES`."""


def figures_of(rows: Rows, names: Sequence[str]) -> Floats:
    """Return a row per window: its start, then the figures, NaN for null."""
    columns = [rows.start.astype(np.float64)]
    for name in names:
        of = _FIGURES.get(name)
        found = getattr(rows, name) if of is None else of(rows)
        columns.append(found.astype(np.float64))
    return np.column_stack(columns)
