from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.queries.earliest import first_starts
from models.rollup import RollupHour
from tests.bridge.history import HOUR, History, Row, gauge

if TYPE_CHECKING:
    from models.database import Database


def test_the_first_row_with_a_sample_since_a_time_is_found(db: Database) -> None:
    history = History(db)
    first, second = history.series("a"), history.series("b")
    empty = Row(count=0)
    rows = {0: gauge(1.0), 3600: empty, 7200: gauge(2.0)}
    history.rows(HOUR, first, rows)
    history.rows(HOUR, second, {0: gauge(1.0)})
    ids = np.array([first, second, 99], np.int64)
    assert first_starts(db, RollupHour, ids, 0) == {first: 0, second: 0}
    assert first_starts(db, RollupHour, ids, 1) == {first: 7200}
