from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.rollups import TABLES
from bridge.rollup.rows import Flag
from models.queries.figures import FIGURES, read_figures, windows_without_sum
from tests.bridge.history import DAY, HOUR, MINUTE, NAN, History, Row, gauge

if TYPE_CHECKING:
    from bridge.rollup.windows import Resolution
    from models.database import Database

BEGIN = 1_795_219_200
RESOLUTIONS = pytest.mark.parametrize("resolution", [MINUTE, HOUR, DAY])


@RESOLUTIONS
def test_figures_come_by_series_as_asked_and_by_time(
    db: Database, resolution: Resolution
) -> None:
    history = History(db)
    width = resolution.width
    ids = [history.series("up", {"n": str(number)}) for number in range(3)]
    history.rows(resolution, ids[0], {BEGIN + width: gauge(2), BEGIN: gauge(1)})
    history.rows(resolution, ids[2], {BEGIN + 2 * width: gauge(9), BEGIN: gauge(3)})
    found = read_figures(
        db,
        TABLES[resolution],
        np.array([ids[0], ids[1], ids[2]]),
        range(BEGIN, BEGIN + 2 * width, width),
        ("max", "count"),
    )
    assert [rows.tolist() for rows in found] == [
        [[BEGIN, 2.0, 4.0], [BEGIN + width, 3.0, 4.0]],
        [],
        [[BEGIN, 4.0, 4.0]],
    ]


@RESOLUTIONS
def test_every_figure_is_exact_and_null_is_nan(
    db: Database, resolution: Resolution
) -> None:
    history = History(db)
    number = history.series("up")
    third = 1 / 3
    whole = Row(1.0, third, 3 * third, -third, 0.1, 2.0**53, 3, 2, 4)
    empty = Row(count=0, expected=0)
    history.rows(resolution, number, {BEGIN: whole, BEGIN + resolution.width: empty})
    (rows,) = read_figures(
        db,
        TABLES[resolution],
        np.array([number]),
        range(BEGIN, BEGIN + 2 * resolution.width, resolution.width),
        tuple(FIGURES),
    )
    figures = [dict(zip(FIGURES, row[1:].tolist(), strict=True)) for row in rows]
    assert figures[0] == {
        "count": 3.0,
        "sum": 1.0,
        "min": third,
        "max": 1.0,
        "first": -third,
        "last": 0.1,
        "increase": 2.0**53,
        "resets": 2.0,
        "changes": 0.0,
        "avg": third,
        "mean": 1 / 2.0**53,
        "coverage": 0.75,
    }
    missing = {name for name, value in figures[1].items() if np.isnan(value)}
    assert missing == set(FIGURES) - {"count", "resets", "changes"}


@RESOLUTIONS
def test_windows_without_a_sum_are_known_by_their_flag(
    db: Database, resolution: Resolution
) -> None:
    history = History(db)
    number = history.series("up")
    later = BEGIN + resolution.width
    history.rows(
        resolution,
        number,
        {BEGIN: Row(NAN, flags=int(Flag.NO_SUM | Flag.NAN)), later: Row(count=0)},
    )
    windows = range(BEGIN, later + 1, resolution.width)
    found = windows_without_sum(db, TABLES[resolution], number, windows)
    assert found.tolist() == [BEGIN]


def test_many_series_are_read_in_any_order(db: Database) -> None:
    history = History(db)
    ids = [history.series("up", {"n": str(number)}) for number in range(40)]
    for number in ids:
        history.rows(MINUTE, number, {BEGIN: gauge(number)})
    shuffled = np.array(ids[::2] + ids[1::2])
    found = read_figures(
        db, TABLES[MINUTE], shuffled, range(BEGIN, BEGIN + 60, 60), ("avg",)
    )
    assert [rows[0, 1] for rows in found] == shuffled.tolist()


@RESOLUTIONS
def test_complete_and_incomplete_series_are_read_together(
    db: Database, resolution: Resolution
) -> None:
    history = History(db)
    windows = range(BEGIN, BEGIN + 3 * resolution.width, resolution.width)
    kept = [(0, 1, 2), (0, 2), (0, 1, 2), (1,), ()]
    ids = [history.series("up", {"n": str(number)}) for number in range(len(kept))]
    for number, places in zip(ids, kept, strict=True):
        rows = {windows[place]: gauge(number * 10 + place) for place in places}
        history.rows(resolution, number, rows)
    found = read_figures(db, TABLES[resolution], np.array(ids), windows, ("avg",))
    assert [rows.tolist() for rows in found] == [
        [[windows[place], number * 10 + place] for place in places]
        for number, places in zip(ids, kept, strict=True)
    ]
