from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.answers.aggregates import read_aggregates
from bridge.answers.calendars import read_frame
from bridge.answers.errors import TooMuchError
from bridge.answers.find import find_series
from bridge.answers.periods import answer_of
from bridge.answers.rollups import Question
from bridge.answers.selectors import parse
from bridge.answers.times import Span
from bridge.answers.writing import rollups_csv, rollups_document, to_json
from bridge.rollup.days.calendars import Calendar, Rules, Unit
from bridge.rollup.merge import Merger
from bridge.rollup.rows import Rows
from models.queries import calendars as queries
from models.queries import ledger
from models.queries.calendars import Day, Listed
from models.queries.rollups import series_rows
from models.rollup import COLUMNS, RollupHour
from tests.bridge.history import DAY, HOUR, MINUTE, History, Row, counter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.answers.rollups import Answer
    from models.database import Database

MONDAY = 1_773_619_200
"""2026-03-16T00:00:00Z; clocks in Berlin go forward on 2026-03-29."""
WEEK = 7 * 86400
ALL = "count,sum,min,max,first,last,increase,rate,coverage"


@cache
def calendar(zone: str) -> Calendar:
    return Calendar("here", Rules.of(ZoneInfo(zone)))


def question(
    start: float, end: float, now: float, aggregates: str = ALL, **more: Any
) -> Question:
    return Question(
        Span(start, end), now - 15, None, read_aggregates([aggregates]), **more
    )


def ask(
    db: Database, resolution: str, wanted: Question, name: str | None = None
) -> Answer:
    frame = read_frame(db, resolution, name, wanted.span)
    assert frame is not None
    series = find_series(db, [parse('{__name__=~".+"}')])
    answer = answer_of(db, series, wanted, frame, 1_000_000)
    to_json(rollups_document(answer))
    list(rollups_csv(answer))
    return answer


def table(answer: Answer) -> dict[str, dict[str, float]]:
    """The only line by the names of its periods."""
    (line,) = answer.lines
    names = {period.start: period.name for period in answer.periods}
    return {
        names[start]: {
            name: column.values[place].item() for name, column in line.columns.items()
        }
        for place, start in enumerate(line.start.tolist())
    }


def row(at: int, width: int) -> Row:
    """What a counter that rises by one each 15 s has in a window."""
    samples = width // 15
    first = (at - MONDAY) // 15
    return Row(
        sum=float(samples * first + samples * (samples - 1) // 2),
        min=float(first),
        max=float(first + samples - 1),
        first=float(first),
        last=float(first + samples - 1),
        increase=float(samples),
        count=samples,
        expected=samples,
    )


def days(history: History, start: int, count: int) -> int:
    number = history.series("a_total", kind="counter")
    starts = range(start, start + count * 86400, 86400)
    history.rows(DAY, number, {at: row(at, 86400) for at in starts})
    history.mark(DAY, starts)
    history.mark(MINUTE, [start, start + count * 86400 - 60])
    return number


def local_days(db: Database, history: History, zone: str, start: int, end: int) -> int:
    """Hours of a counter, and its local days of a zone, merged from them."""
    number = history.series("a_total", kind="counter")
    hours = range(start, end, 3600)
    history.rows(HOUR, number, {at: row(at, 3600) for at in hours})
    history.mark(HOUR, hours)
    history.mark(MINUTE, [start, end - 60])
    here = calendar(zone)
    queries.write(db, Listed("here", zone, str(here.rules), "kept", 0))
    for day in here.within(start, end):
        if day.start < start or day.end > end:
            continue
        found = series_rows(db, RollupHour, np.array([number]), day.start, day.end)
        merger = Merger(day.bounds, HOUR)
        every = Rows(**{name: getattr(found, name) for name in COLUMNS})
        for at in np.unique(every.start):
            merger.add(every.take(every.start == at))
        with db.atomic():
            named = Day("here", day.name, day.start, day.end)
            queries.replace_day(db, "local", named, merger.result())
            ledger.mark(db, "local", "day@here", [day.start], "done", "", 0)
    return number


@pytest.mark.rule(7)
@pytest.mark.rule(40)
def test_r7_a_week_is_merged_from_its_days_from_monday_to_sunday(
    db: Database, history: History
) -> None:
    days(history, MONDAY, 14)
    end = MONDAY + 2 * WEEK
    answer = ask(db, "week", question(MONDAY + 5, MONDAY + WEEK + 5, end + 60))
    found = table(answer)
    assert list(found) == ["2026-03-16", "2026-03-23"]
    for number, values in enumerate(found.values()):
        whole = row(MONDAY + number * WEEK, WEEK)
        assert values == {
            "count": whole.count,
            "sum": whole.sum,
            "min": whole.min,
            "max": whole.max,
            "first": whole.first,
            "last": whole.last,
            "increase": whole.increase,
            "rate": 1 / 15,
            "coverage": 1.0,
        }
    assert (answer.open, answer.partial) == ({"local": ()}, {"local": ()})


@pytest.mark.rule(7)
def test_r7_months_are_as_long_as_they_are(db: Database, history: History) -> None:
    start = int(Calendar.utc().day(date(2026, 1, 1)).start)
    days(history, start, 90)
    found = table(ask(db, "month", question(start, start + 90 * 86400, start + 1e7)))
    assert {name: values["count"] for name, values in found.items()} == {
        "2026-01-01": 31 * 5760,
        "2026-02-01": 28 * 5760,
        "2026-03-01": 31 * 5760,
    }
    assert {values["coverage"] for values in found.values()} == {1.0}
    assert {values["rate"] for values in found.values()} == {1 / 15}


def test_a_week_that_is_not_wholly_covered_says_so(
    db: Database, history: History
) -> None:
    number = days(history, MONDAY, 14)
    history.mark(DAY, [MONDAY + 86400], "lost", reason="not recording")
    db.execute_sql(f"DELETE FROM rollup_day WHERE start = {MONDAY + 86400}")
    wanted = question(MONDAY, MONDAY + 2 * WEEK, MONDAY + 2 * WEEK + 60)
    answer = ask(db, "week", wanted)
    assert answer.partial == {"local": (MONDAY,)}
    found = table(answer)
    assert found["2026-03-16"]["coverage"] == 6 / 7
    assert found["2026-03-23"]["coverage"] == 1.0
    counts = answer.coverage["local"]
    assert (counts.windows, counts.done, counts.lost) == (14, 13, 1)
    assert number == answer.lines[0].series.id


def test_a_week_that_begins_before_the_first_window_is_partial(
    db: Database, history: History
) -> None:
    days(history, MONDAY + 2 * 86400, 12)
    wanted = question(MONDAY - WEEK, MONDAY + 2 * WEEK, MONDAY + 2 * WEEK + 60)
    answer = ask(db, "week", wanted)
    assert answer.partial == {"local": (MONDAY,)}
    assert list(table(answer)) == ["2026-03-16", "2026-03-23"]


@pytest.mark.rule(10)
@pytest.mark.rule(78)
def test_r10_the_week_that_still_goes_on_is_open_and_holds_the_newest_minutes(
    db: Database, history: History
) -> None:
    number = days(history, MONDAY, 9)
    today = MONDAY + 9 * 86400
    hours = range(today, today + 3 * 3600, 3600)
    history.rows(HOUR, number, {at: row(at, 3600) for at in hours})
    history.mark(HOUR, hours)
    minutes = range(today + 3 * 3600, today + 3 * 3600 + 600, 60)
    history.rows(MINUTE, number, {at: row(at, 60) for at in minutes})
    history.mark(MINUTE, minutes)
    now = today + 3 * 3600 + 610
    for resolution in ("week", "month"):
        answer = ask(db, resolution, question(MONDAY, now, now))
        (newest,) = answer.open["local"]
        assert newest == answer.periods[-1].start
        total = sum(values["increase"] for values in table(answer).values())
        assert total == (minutes[-1] + 60 - MONDAY) / 15
    closed = ask(db, "week", question(MONDAY, now, now, include_open=False))
    assert list(table(closed)) == ["2026-03-16"]


@pytest.mark.rule(5)
def test_r5_local_days_are_answered_with_their_bounds_and_dates(
    db: Database, history: History
) -> None:
    start = MONDAY + 12 * 86400 - 3600
    local_days(db, history, "Europe/Berlin", start, start + 3 * 86400)
    wanted = question(start, start + 3 * 86400 - 3600, start + 1e6, "count,coverage")
    document = rollups_document(ask(db, "day", wanted, "here"))
    (line,) = document["series"]
    assert (document["resolution"], document["calendar"]) == ("day", "here")
    assert document["width"] is None
    assert line["date"] == ["2026-03-28", "2026-03-29", "2026-03-30"]
    assert [
        (end - begin) / 3600
        for begin, end in zip(line["start"].tolist(), line["end"], strict=True)
    ] == [24, 23, 24]
    counts = [row["count"] for row in table(ask(db, "day", wanted, "here")).values()]
    assert counts == [5760, 5520, 5760]
    assert document["open"] == {"local": []}


@pytest.mark.rule(7)
@pytest.mark.rule(44)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/Sao_Paulo", "Pacific/Auckland", "Africa/Cairo"]
    ),
    day=st.dates(date(2011, 1, 1), date(2026, 1, 1)),
    unit=st.sampled_from(Unit),
)
def test_r44_periods_of_a_calendar_add_up_to_what_their_hours_hold(
    db: Database, history: History, zone: str, day: date, unit: Unit
) -> None:
    for name in ("ledger", "rollup_minute", "rollup_hour", "rollup_local_day"):
        db.execute_sql(f"DELETE FROM {name}")
    here = calendar(zone)
    start = here.day(day).start
    end = start + 40 * 86400
    local_days(db, history, zone, start, end)
    answer = ask(db, unit.value, question(start, end, end + 60), "here")
    found = table(answer)
    for period in answer.periods:
        low, high = max(period.start, start), min(period.end, end)
        whole = row(low, high - low)
        values = found[period.name]
        assert values["count"] == whole.count
        assert values["increase"] == whole.increase
        assert (values["first"], values["last"]) == (whole.first, whole.last)
        length = period.end - period.start
        assert values["coverage"] == pytest.approx((high - low) / length)


@pytest.mark.rule(42)
def test_empty_periods_are_left_out_or_null_or_zero_as_asked(
    db: Database, history: History
) -> None:
    days(history, MONDAY, 21)
    db.execute_sql(
        f"DELETE FROM rollup_day WHERE start >= {MONDAY + WEEK} "
        f"AND start < {MONDAY + 2 * WEEK}"
    )
    span = (MONDAY, MONDAY + 4 * WEEK, MONDAY + 3 * WEEK + 60, "increase")

    def increases(**more: Any) -> list[Any]:
        found = table(ask(db, "week", question(*span, **more)))
        return [
            None if values["increase"] != values["increase"] else values["increase"]
            for values in found.values()
        ]

    full = WEEK / 15
    assert increases() == [full, full]
    assert increases(fill="null") == [full, None, full, None]
    assert increases(fill="zero") == [full, 0.0, full, None]
    assert increases(limit=1) == [full]
    assert increases(fill="null", limit=3) == [None, full, None]


def test_sums_of_nothing_that_is_a_number_are_told(
    db: Database, history: History
) -> None:
    number = history.series("b")
    rows: Mapping[int, Row] = {MONDAY: counter(1.0)}
    history.rows(DAY, number, rows)
    history.mark(DAY, [MONDAY])
    history.mark(MINUTE, [MONDAY, MONDAY + 86340])
    db.execute_sql("UPDATE rollup_day SET flags = 8, sum = NULL")
    answer = ask(db, "week", question(MONDAY, MONDAY + 60, MONDAY + WEEK, "sum,count"))
    (line,) = rollups_document(answer)["series"]
    assert line["sum"] == ["NaN"]


def test_too_many_days_are_refused(db: Database, history: History) -> None:
    days(history, MONDAY, 1)
    wanted = question(MONDAY, MONDAY + 1000 * 86400, MONDAY)
    frame = read_frame(db, "month", None, wanted.span)
    series = find_series(db, [parse("a_total")])
    with pytest.raises(TooMuchError, match="1 series of 1000 days are 1000 rows"):
        answer_of(db, series, wanted, frame, 999)


def test_a_source_without_windows_is_answered_with_nothing(
    db: Database, history: History
) -> None:
    history.series("a_total", kind="counter")
    answer = ask(db, "week", question(MONDAY, MONDAY + WEEK, MONDAY + WEEK))
    assert table(answer) == {}
    assert (answer.open, answer.partial) == ({"local": ()}, {"local": ()})
