from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.find import find_series
from bridge.answers.past import read_as_of
from bridge.answers.rollups import Question, ask
from bridge.answers.times import Span
from bridge.rollup.restatements import restated
from bridge.rollup.rows import Rows
from models.queries import ledger
from models.queries.ledger import Entry
from models.queries.restatements import SEVERAL, Restated, record
from models.queries.rollups import window_rows
from models.rollup import COLUMNS, RollupMinute
from tests.bridge.history import MINUTE, History, gauge

if TYPE_CHECKING:
    from models.database import Database

BEGIN = 1_700_000_040


@pytest.fixture
def history(db: Database) -> History:
    made = History(db)
    made.gauges("a", MINUTE, BEGIN, [1.0, 2.0, 3.0])
    return made


def change(db: Database, minute: int, value: float | None, at: int) -> None:
    """Restate a minute of the series `a`, as a commit would."""
    start = BEGIN + minute
    found = window_rows(db, RollupMinute, start, "local")
    old = Rows(**{name: getattr(found, name) for name in COLUMNS})
    entry = ledger.entries(db, "local", "minute", start, start + 1)[0]
    new = Entry(
        "local", "minute", start, "done", revision=entry.revision + 2, computed_at=at
    )
    with db.atomic():
        if value is None:
            db.execute_sql(f"DELETE FROM rollup_minute WHERE start = {start}")
        else:
            History(db).rows(MINUTE, 1, {start: gauge(value)})
        ledger.record(db, new)
        after = window_rows(db, RollupMinute, start, "local")
        record(db, restated(new, "late", old, after))


def asked(db: Database, at: int | None) -> list[float]:
    question = Question(
        Span(BEGIN, BEGIN + 180),
        BEGIN + 180,
        MINUTE,
        ("avg",),
        fill="null",
        as_of=at,
    )
    answer = ask(db, find_series(db, []), question, 1000)
    return [round(value, 6) for value in answer.lines[0].columns["avg"].values.tolist()]


def test_an_answer_is_what_it_was(db: Database, history: History) -> None:
    change(db, 60, 20.0, 1000)
    change(db, 60, 200.0, 2000)
    change(db, 120, 30.0, 3000)
    assert asked(db, None) == [1.0, 200.0, 30.0]
    assert asked(db, 999) == [1.0, 2.0, 3.0]
    assert asked(db, 1000) == [1.0, 20.0, 3.0]
    assert asked(db, 2500) == [1.0, 200.0, 3.0]
    assert asked(db, 3000) == [1.0, 200.0, 30.0]


def test_a_row_that_went_was_there(db: Database, history: History) -> None:
    change(db, 0, None, 1000)
    assert np.isnan(asked(db, None)[0])
    assert asked(db, 999) == [1.0, 2.0, 3.0]


def test_windows_that_were_first_done_later_were_not_there(
    db: Database, history: History
) -> None:
    db.execute_sql(f"UPDATE ledger SET first_at = 5000 WHERE start = {BEGIN + 60}")
    change(db, 60, 20.0, 6000)
    then = asked(db, 4999)
    assert math.isnan(then[1])
    assert (then[0], then[2]) == (1.0, 3.0)
    assert asked(db, 5000) == [1.0, 2.0, 3.0]


def test_what_the_log_only_counts_is_said(db: Database, history: History) -> None:
    record(db, [Restated(SEVERAL, "minute", BEGIN, 2, "local", 900, "late", series=7)])
    question = Question(Span(BEGIN, BEGIN + 60), BEGIN + 60, MINUTE, ("avg",), as_of=1)
    notes = ask(db, find_series(db, []), question, 1000).notes
    assert notes == (
        (
            "7 rows were changed since then that the log only counts; they are shown "
            "as they are now"
        ),
    )


def test_periods_of_a_calendar_have_no_past() -> None:
    assert read_as_of(None, 0.0, of_calendar=True) is None
    assert read_as_of("17.9", 0.0, of_calendar=False) == 17
    with pytest.raises(QuestionError, match="as_of is for windows of UTC"):
        read_as_of("17", 0.0, of_calendar=True)
