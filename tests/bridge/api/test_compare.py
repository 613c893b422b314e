from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.api.compare import CompareAnswer
from bridge.rollup.buckets.layouts import layout_id
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars
from models.queries.layouts import remember
from tests.bridge.application import NOON, Application, application
from tests.bridge.history import HOUR, MINUTE, Row, counter, gauge
from tests.bridge.rollup.families import SMALL, Scrape, windows

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History
    from tests.conftest import Golden

PATH = "/api/v1/compare"
DAY = 86400
BERLIN = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
HOUR_OF = {"start": str(NOON), "end": str(NOON + 600), "compare_to": "yesterday"}


def weighed(value: float, count: int) -> Row:
    """A window with so many samples of a value."""
    return Row(value * count, value, value, value, value, count=count)


@pytest.fixture
def loads(history: History) -> None:
    """Two hosts, one of which is measured ten times as often."""
    for host, count, now, then in (("a", 1, 4.0, 2.0), ("b", 10, 1.0, 1.0)):
        number = history.series("node_load1", {"instance": host})
        for start, value in ((NOON, now), (NOON - DAY, then)):
            rows = {at: weighed(value, count) for at in range(start, start + 600, 60)}
            history.rows(MINUTE, number, rows)
    for start in (NOON, NOON - DAY):
        history.mark(MINUTE, range(start, start + 600, 60))


@pytest.mark.usefixtures("loads")
def test_the_document_is_the_accepted_one(bridge: Application, golden: Golden) -> None:
    answer = bridge.answer(PATH, match="node_load1", **HOUR_OF)
    CompareAnswer.model_validate(answer)
    golden("compare.json", json.dumps(answer, indent=1) + "\n")


@pytest.mark.usefixtures("loads")
def test_all_together_is_weighted_by_samples(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="node_load1", **HOUR_OF)
    alone = [line["summary"]["change_percent"] for line in answer["series"]]
    assert alone == [100.0, 0.0]
    together = answer["summary"]
    # A mean of both means would be 2.5 and 1.5.
    assert together["current"] == pytest.approx((4 + 10) / 11)
    assert together["before"] == pytest.approx((2 + 10) / 11)
    assert together["change_percent"] == pytest.approx(100 * 2 / 12)


@pytest.mark.parametrize(
    ("aggregate", "now", "before"),
    [("sum", 140.0, 120.0), ("max", 4.0, 2.0), ("min", 1.0, 1.0), ("count", 110, 110)],
)
@pytest.mark.usefixtures("loads")
def test_other_aggregates_are_those_of_the_merged_rows(
    bridge: Application, aggregate: str, now: float, before: float
) -> None:
    answer = bridge.answer(PATH, match="node_load1", aggregate=aggregate, **HOUR_OF)
    assert (answer["summary"]["current"], answer["summary"]["before"]) == (now, before)


def test_rates_are_per_second_that_is_known(
    bridge: Application, history: History
) -> None:
    number = history.series("bytes_total", kind="counter")
    now = dict.fromkeys(range(NOON, NOON + 600, 60), counter(120.0))
    # Yesterday half of it was not measured.
    then = dict.fromkeys(range(NOON - DAY, NOON - DAY + 300, 60), counter(60.0))
    history.rows(MINUTE, number, now | then)
    history.mark(MINUTE, [*now, *then])
    answer = bridge.answer(PATH, match="bytes_total", **HOUR_OF)
    (line,) = answer["series"]
    assert line["aggregate"] == "rate"
    assert line["current"] == [2.0] * 10
    assert line["before"] == [1.0] * 5 + [None] * 5
    assert (
        line["summary"]
        == answer["summary"]
        == {
            "current": 2.0,
            "before": 1.0,
            "change": 1.0,
            "change_percent": 100.0,
            "reason": None,
        }
    )
    risen = bridge.answer(PATH, match="bytes_total", aggregate="increase", **HOUR_OF)
    assert risen["summary"]["current"] == 1200
    assert risen["before"]["coverage"]["local"]["missing"] == 5


def test_percentiles_come_from_merged_buckets(
    bridge: Application, history: History, db: Database
) -> None:
    remember(db, {layout_id(SMALL): SMALL})
    (fast,) = windows([Scrape(0, (0, 0, 0)), Scrape(1, (3, 3, 3))])
    number = history.series("latency", kind="histogram")
    row = Row(sum=1.5, first=0.0, last=3.0, increase=3.0, buckets=fast.buckets[0])
    history.rows(MINUTE, number, dict.fromkeys(range(NOON, NOON + 600, 60), row))
    history.mark(MINUTE, range(NOON, NOON + 600, 60))
    answer = bridge.answer(PATH, match="latency", aggregate="p95", **HOUR_OF)
    assert answer["summary"]["current"] == pytest.approx(0.95)
    assert answer["summary"]["before"] is None
    assert answer["summary"]["reason"] == "nothing is known of the range before"
    mean = bridge.answer(PATH, match="latency", **HOUR_OF)["summary"]
    assert mean["current"] == 0.5


@pytest.mark.usefixtures("loads")
def test_why_there_are_no_percentiles_is_told(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="node_load1", aggregate="p95", **HOUR_OF)
    assert answer["summary"]["current"] is None
    assert answer["notes"] == [
        "of node_load1 no distribution is kept: p95 is null (see rollup.distributions)"
    ]


def test_a_base_of_zero_has_no_percentage(
    bridge: Application, history: History
) -> None:
    number = history.series("errors", {})
    history.rows(MINUTE, number, {NOON: gauge(3.0), NOON - DAY: weighed(0.0, 4)})
    history.mark(MINUTE, [NOON, NOON - DAY])
    summary = bridge.answer(PATH, match="errors", **HOUR_OF)["summary"]
    assert summary == {
        "current": 3.0,
        "before": 0.0,
        "change": 3.0,
        "change_percent": None,
        "reason": "the range before is zero",
    }


def test_series_of_one_range_only_are_told(
    bridge: Application, history: History
) -> None:
    old, new = (history.series("up", {"instance": name}) for name in ("old", "new"))
    history.rows(MINUTE, new, {NOON: gauge(3.0)})
    history.rows(MINUTE, old, {NOON - DAY: gauge(1.0)})
    history.mark(MINUTE, [NOON, NOON - DAY])
    answer = bridge.answer(PATH, match="up", **HOUR_OF)
    assert answer["notes"] == [
        "1 series are known in this range only, and part of the summary of all",
        "1 series are known in the range before only, and part of the summary of all",
    ]
    assert answer["summary"]["change_percent"] == 200


def test_series_of_several_kinds_have_no_summary_unless_it_is_named(
    bridge: Application, history: History
) -> None:
    history.series("requests_total", kind="counter")
    history.series("requests_now")
    match = ["requests_total", "requests_now"]
    assert bridge.answer(PATH, match=match, **HOUR_OF)["summary"] is None
    named = bridge.answer(PATH, match=match, aggregate="max", **HOUR_OF)["summary"]
    assert named["reason"].startswith("nothing is known of the range")


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
)
def test_a_day_on_which_clocks_change_is_compared_as_a_day(
    db: Database, history: History, first: date, hours: int
) -> None:
    bridge = application(db)
    calendars.write(
        db,
        calendars.Listed(
            "berlin", "Europe/Berlin", str(BERLIN.rules), "kept", changed_at=0
        ),
    )
    day = BERLIN.day(first)
    before = BERLIN.day(date.fromordinal(first.toordinal() - 1))
    number = history.series("bytes_total", kind="counter")
    every = range(before.start, day.end, 3600)
    history.rows(HOUR, number, dict.fromkeys(every, counter(3600.0)))
    history.mark(HOUR, every)
    history.mark(MINUTE, [day.end - 60])
    asked = {
        "start": str(day.start + 10 * 3600),
        "end": str(day.start + 11 * 3600),
        "calendar": "berlin",
        "match": "bytes_total",
    }
    answer = bridge.answer(PATH, aggregate="increase", **asked)
    assert answer["current"]["end"] - answer["current"]["start"] == hours * 3600
    assert answer["before"]["end"] - answer["before"]["start"] == DAY
    assert answer["summary"]["current"] == hours * 3600
    assert answer["summary"]["before"] == DAY
    rates = bridge.answer(PATH, **asked)["summary"]
    assert (rates["current"], rates["before"], rates["change"]) == (1.0, 1.0, 0.0)


@pytest.mark.usefixtures("loads")
def test_hours_that_are_not_merged_yet_are_compared_from_their_minutes(
    bridge: Application,
) -> None:
    answer = bridge.answer(
        PATH,
        match="node_load1",
        start=str(NOON),
        end=str(NOON + 3600),
        resolution="hour",
    )
    assert answer["current"]["open"] == {"local": [NOON]}
    assert [line["current"] for line in answer["series"]] == [[4.0], [1.0]]
    assert answer["summary"]["before"] == pytest.approx(12 / 11)


def test_half_an_hour_is_not_compared_with_a_whole_one(
    bridge: Application, history: History
) -> None:
    number = history.series("bytes_total", kind="counter")
    for start, minutes in ((NOON, 90), (NOON - DAY, 120)):
        every = range(start, start + 60 * minutes, 60)
        history.rows(MINUTE, number, dict.fromkeys(every, counter(60.0)))
        history.mark(MINUTE, every)
    bridge.clock.advance(1800)
    asked = {"start": str(NOON), "end": str(NOON + 7200), "resolution": "hour"}
    answer = bridge.answer(PATH, match="bytes_total", aggregate="increase", **asked)
    (line,) = answer["series"]
    assert (line["current"], line["before"]) == ([3600, 1800], [3600, 3600])
    for found in (line["summary"], answer["summary"]):
        assert (found["current"], found["before"]) == (3600, 3600)
    (note,) = answer["notes"]
    assert note.startswith("windows since 2026-11-21T13:00:00Z are not over: ")
    asked["start"] = str(NOON + 3600)
    answer = bridge.answer(PATH, match="bytes_total", aggregate="increase", **asked)
    assert answer["summary"]["change"] == -1800
    assert answer["notes"] == [
        "no window is over: what is known is compared with whole windows"
    ]


def test_wrong_questions_are_refused(bridge: Application) -> None:
    assert bridge.problem(PATH, match="up", aggregate="avg,max") == (
        400,
        "only one aggregate is compared at a time",
        ["aggregate"],
    )
    status, _, wrong = bridge.problem(PATH, match="up", period="day", start="-1h")
    assert (status, wrong) == (400, ["period"])
    assert bridge.problem(PATH, match="up", period="year")[0] == 400
    assert bridge.problem(PATH, match="up", calendar="mars")[2] == ["calendar"]


def test_too_much_is_refused(db: Database, history: History) -> None:
    history.series("up")
    history.mark(MINUTE, [NOON])
    bridge = application(db, max_points=1000)
    assert bridge.problem(PATH, match="up")[0] == 422
    # The windows are answered, also if there are no series.
    status, reason, _ = bridge.problem(PATH, match="nothing")
    assert (status, "are 2880 points" in reason) == (422, True)


def test_a_key_sees_its_workspace_only(locked: Application, history: History) -> None:
    history.series("up", workspace="theirs")
    answer = locked.answer(PATH, locked.key("read", workspace="ours"), match="up")
    assert answer["series"] == []
    assert answer["notes"] == ["no series is selected"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.booleans(),
            st.integers(0, 2),
            st.integers(-50, 50),
            st.integers(1, 9),
        ),
        unique_by=lambda one: one[:3],
        max_size=30,
    )
)
def test_summaries_equal_those_of_all_samples(
    db: Database, history: History, placed: list[Any]
) -> None:
    """The slow truth: every sample by itself."""
    db.execute_sql("DELETE FROM rollup_minute")
    ids = [history.series("g", {"n": str(n)}) for n in range(3)]
    for minute, is_now, n, value, count in placed:
        at = NOON + 60 * minute - (0 if is_now else DAY)
        history.rows(MINUTE, ids[n], {at: weighed(value, count)})
    history.mark(MINUTE, [*range(NOON, NOON + 600, 60), NOON - DAY])
    answer = application(db).answer(PATH, match="g", **HOUR_OF)
    for is_now, name in ((True, "current"), (False, "before")):
        chosen = [(value, count) for _, now, _, value, count in placed if now == is_now]
        samples = [value for value, count in chosen for _ in range(count)]
        expected = sum(samples) / len(samples) if samples else None
        assert answer["summary"][name] == pytest.approx(expected)
        for n, line in enumerate(answer["series"]):
            mine = {
                m: value for m, now, of, value, _ in placed if (now, of) == (is_now, n)
            }
            assert line[name] == [mine.get(minute) for minute in range(10)]
