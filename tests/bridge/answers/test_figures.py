from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.figures import figures_of
from bridge.rollup.rows import Rows
from models.queries.figures import FIGURES, read_figures
from models.queries.rollups import series_rows
from models.rollup import COLUMNS, RollupHour
from tests.bridge.history import HOUR, History, Row, counter, gauge

if TYPE_CHECKING:
    from models.database import Database

NOON = 1_795_262_400


@pytest.mark.rule(14)
def test_figures_of_merged_rows_are_those_that_the_database_gives(
    db: Database, history: History
) -> None:
    number = history.series("a_total", kind="counter")
    nothing = Row(count=0, expected=0)
    rows = {
        NOON: counter(7.0),
        NOON + 3600: gauge(2.5),
        NOON + 7200: nothing,
    }
    history.rows(HOUR, number, rows)
    ids = np.array([number])
    end = NOON + 10_800
    found = series_rows(db, RollupHour, ids, NOON, end)
    merged = Rows(**{name: getattr(found, name) for name in COLUMNS})
    names = tuple(FIGURES)
    (stored,) = read_figures(db, RollupHour, ids, range(NOON, end, 3600), names)
    np.testing.assert_array_equal(figures_of(merged, names), stored)
