from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.answers.find import find_series
from bridge.answers.rollups import Question, ask
from bridge.answers.selectors import parse
from bridge.answers.times import Span
from bridge.rollup.merge import merge
from bridge.rollup.rows import Rows
from models.queries import ledger
from models.queries.rollups import series_rows
from models.rollup import COLUMNS, RollupMinute
from tests.bridge.history import DAY, HOUR, MINUTE, History, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bridge.answers import rollups
    from bridge.rollup.windows import Resolution
    from models.database import Database

MIDNIGHT = 1_795_219_200
"""2026-11-21T00:00:00Z."""
AGGREGATES = ("count", "sum", "min", "max", "first", "last", "increase", "coverage")


def asked(
    db: Database,
    resolution: Resolution | None,
    start: float,
    end: float,
    **question: Any,
) -> rollups.Answer:
    wanted = Question(
        Span(start, end), end - 15, resolution, aggregates=AGGREGATES, **question
    )
    points = question.pop("max_points", 1_000_000)
    return ask(db, find_series(db, [parse("a_total")]), wanted, points)


def values(answer: rollups.Answer) -> dict[int, list[float]]:
    (line,) = answer.lines
    columns = [line.columns[name].values.tolist() for name in AGGREGATES]
    return dict(
        zip(line.start.tolist(), map(list, zip(*columns, strict=True)), strict=True)
    )


def minutes(history: History, starts: Iterable[int]) -> int:
    """A counter that rises by the minute's number, as committed minutes."""
    number = history.series("a_total", kind="counter")
    rows = {}
    for at in starts:
        place = float((at - MIDNIGHT) // 60 % 97)
        rows[at] = Row(
            place * 4,
            place,
            place + 3,
            place,
            place + 3,
            place,
            count=4,
            expected=4,
        )
    history.rows(MINUTE, number, rows)
    history.mark(MINUTE, rows)
    return number


def merged(
    db: Database, history: History, number: int, window: int, resolution: Resolution
) -> Rows:
    """Merge a window as the engine does and commit it."""
    found = series_rows(
        db,
        RollupMinute,
        np.array([number]),
        window,
        window + resolution.width,
    )
    rows = Rows(**{name: getattr(found, name) for name in COLUMNS})
    return merge([rows], resolution, MINUTE)


def commit(db: Database, number: int, window: int, resolution: Resolution) -> None:
    from bridge.rollup.commit import TABLES  # noqa: PLC0415 - used here alone
    from models.bulk import upsert_rollups  # noqa: PLC0415 - same

    rows = merged(db, History(db), number, window, resolution)
    with db.atomic():
        upsert_rollups(db, TABLES[resolution], rows)
        ledger.mark(db, "local", resolution.value, [window], "done", "", 0)


@pytest.mark.rule(10)
@pytest.mark.rule(45)
def test_r45_thirty_seconds_of_data_are_in_minute_hour_and_day_answers(
    db: Database, history: History
) -> None:
    number = history.series("a_total", kind="counter")
    row = Row(3.0, 1.0, 2.0, 1.0, 2.0, 1.0, count=2, expected=4)
    at = MIDNIGHT + 10 * 3600 + 120
    history.rows(MINUTE, number, {at: row})
    history.mark(MINUTE, [at])
    for resolution, coverage in ((MINUTE, 0.5), (HOUR, 2 / 240), (DAY, 2 / 5760)):
        answer = asked(db, resolution, MIDNIGHT, at + 60)
        start = resolution.floor(at)
        assert values(answer) == {
            start: [2.0, 3.0, 1.0, 2.0, 1.0, 2.0, 1.0, pytest.approx(coverage)]
        }
        assert answer.open == {"local": () if resolution is MINUTE else (start,)}


@pytest.mark.rule(10)
@pytest.mark.rule(78)
def test_r78_the_open_hour_and_day_continue_what_is_merged(
    db: Database, history: History
) -> None:
    now = MIDNIGHT + 86400 + 5 * 3600 + 1800
    number = minutes(history, range(MIDNIGHT, now, 60))
    for hour in range(MIDNIGHT, MIDNIGHT + 86400 + 3 * 3600, 3600):
        commit(db, number, hour, HOUR)
    commit(db, number, MIDNIGHT, DAY)
    hours = asked(db, HOUR, MIDNIGHT, now)
    # The newest hours are not merged yet, and the last one still goes on.
    opened = [MIDNIGHT + 86400 + n * 3600 for n in (3, 4, 5)]
    assert hours.open == {"local": tuple(opened)}
    assert list(values(hours)) == list(range(MIDNIGHT, now, 3600))
    days = asked(db, DAY, MIDNIGHT, now)
    assert days.open == {"local": (MIDNIGHT + 86400,)}
    expected = asked(db, MINUTE, MIDNIGHT, now)
    for answer in (hours, days):
        for place in (0, 1, 6):
            whole = sum(row[place] for row in values(expected).values())
            assert sum(row[place] for row in values(answer).values()) == whole


@pytest.mark.rule(10)
def test_windows_that_are_not_final_are_left_out_on_request(
    db: Database, history: History
) -> None:
    now = MIDNIGHT + 2 * 3600 + 600
    number = minutes(history, range(MIDNIGHT, now, 60))
    commit(db, number, MIDNIGHT, HOUR)
    answer = asked(db, HOUR, MIDNIGHT, now, include_open=False)
    assert list(values(answer)) == [MIDNIGHT]
    assert answer.open == {}


@pytest.mark.rule(78)
def test_an_hour_that_is_missing_between_others_is_made_from_its_minutes(
    db: Database, history: History
) -> None:
    end = MIDNIGHT + 6 * 3600
    number = minutes(history, range(MIDNIGHT, end, 60))
    for n in (0, 1, 3, 4, 5):
        commit(db, number, MIDNIGHT + n * 3600, HOUR)
    answer = asked(db, HOUR, MIDNIGHT, end + 15)
    assert list(values(answer)) == list(range(MIDNIGHT, end, 3600))
    assert answer.open == {"local": (MIDNIGHT + 2 * 3600,)}


def test_more_rows_than_an_answer_may_hold_are_not_read_for_it(
    db: Database, history: History
) -> None:
    end = MIDNIGHT + 4 * 3600
    minutes(history, range(MIDNIGHT, end, 60))
    answer = ask(
        db,
        find_series(db, [parse("a_total")]),
        Question(Span(MIDNIGHT, end), end, HOUR),
        150,
    )
    assert answer.open == {"local": (end - 7200, end - 3600)}
    assert answer.notes == (
        (
            "2 hours of local are not merged yet and would be made from too many rows: "
            "they are left out"
        ),
    )


@pytest.mark.rule(78)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hours=st.sets(st.integers(0, 47), max_size=48),
    days=st.sets(st.integers(0, 1)),
    newest=st.integers(1, 48 * 60),
)
def test_r78_whatever_is_merged_nothing_is_left_out_or_counted_twice(
    db: Database, history: History, hours: set[int], days: set[int], newest: int
) -> None:
    for table in ("ledger", "rollup_minute", "rollup_hour", "rollup_day"):
        db.execute_sql(f"DELETE FROM {table}")
    end = MIDNIGHT + newest * 60
    number = minutes(history, range(MIDNIGHT, end, 60))
    for hour in hours:
        if MIDNIGHT + (hour + 1) * 3600 <= end:
            commit(db, number, MIDNIGHT + hour * 3600, HOUR)
    for day in days:
        if MIDNIGHT + (day + 1) * 86400 <= end:
            commit(db, number, MIDNIGHT + day * 86400, DAY)
    expected = asked(db, MINUTE, MIDNIGHT, end)
    for resolution in (HOUR, DAY):
        answer = asked(db, resolution, MIDNIGHT, end)
        found = values(answer)
        assert list(found) == list(range(MIDNIGHT, end, resolution.width))
        for start, row in found.items():
            inside = [
                one
                for at, one in values(expected).items()
                if start <= at < start + resolution.width
            ]
            assert row[0] == sum(one[0] for one in inside)
            assert row[1] == sum(one[1] for one in inside)
            assert row[6] == sum(one[6] for one in inside)
            assert (row[4], row[5]) == (inside[0][4], inside[-1][5])


def test_a_closed_range_without_holes_asks_no_more_than_before(
    db: Database, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = MIDNIGHT + 6 * 3600
    number = minutes(history, range(MIDNIGHT, end, 60))
    for hour in range(MIDNIGHT, end, 3600):
        commit(db, number, hour, HOUR)
    said: list[str] = []
    run: Callable[..., Any] = db.execute_sql

    def listen(sql: str, params: Any = None) -> Any:
        said.append(sql)
        return run(sql, params)

    monkeypatch.setattr(db, "execute_sql", listen)
    both = []
    for include_open in (True, False):
        said.clear()
        asked(db, HOUR, MIDNIGHT, end, include_open=include_open)
        both.append(len(said))
    assert both[0] == both[1]
