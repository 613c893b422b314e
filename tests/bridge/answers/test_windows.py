"""Rows of windows, on both databases: merged ones, and those made from their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.answers.find import find_series
from bridge.answers.times import Stretch
from bridge.answers.windows import read_windows
from tests.bridge.history import HOUR, MINUTE, History, counter, gauge

if TYPE_CHECKING:
    from models.database import Database

NOON = 1_795_262_400


def test_hours_that_are_merged_are_read_and_others_made_from_minutes(
    db: Database,
) -> None:
    history = History(db)
    load = history.series("node_load1")
    sent = history.series("sent_total", kind="counter", source="other")
    history.rows(HOUR, load, {NOON - 3600: gauge(7.0)})
    history.mark(HOUR, [NOON - 3600])
    minutes = range(NOON, NOON + 600, 60)
    history.rows(MINUTE, load, dict.fromkeys(minutes, gauge(2.0)))
    history.rows(MINUTE, sent, dict.fromkeys(minutes, counter(6.0)))
    for source in ("local", "other"):
        history.mark(MINUTE, minutes, source=source)
    read = read_windows(
        db,
        find_series(db, []),
        Stretch(HOUR, NOON - 3600, NOON + 3600),
        NOON + 600,
        9000,
    )
    rows = read.rows
    found = list(zip(rows.series_id.tolist(), rows.start.tolist(), strict=True))
    assert found == [(load, NOON - 3600), (load, NOON), (sent, NOON)]
    assert rows.sum.tolist()[:2] == [28.0, 80.0]
    assert rows.increase.tolist()[2] == 60.0
    assert read.open == {"local": (NOON,), "other": (NOON,)}
    assert read.coverage.keys() == {"local", "other"}


def test_windows_that_would_be_made_from_too_many_rows_are_told(db: Database) -> None:
    history = History(db)
    history.gauges("node_load1", MINUTE, NOON, [1.0] * 10)
    read = read_windows(
        db, find_series(db, []), Stretch(HOUR, NOON, NOON + 3600), NOON + 600, 5
    )
    assert len(read.rows) == 0
    assert len(read.notes) == 1
