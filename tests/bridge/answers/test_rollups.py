from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.answers.aggregates import default_aggregates, read_aggregates
from bridge.answers.errors import TooMuchError
from bridge.answers.find import find_series
from bridge.answers.rollups import Fill, Question, ask
from bridge.answers.selectors import parse
from bridge.answers.times import Span
from bridge.answers.writing import rollups_document, to_json
from bridge.rollup.rows import Flag
from tests.bridge.history import DAY, HOUR, MINUTE, NAN, History, Row, counter, gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.rollup.windows import Resolution
    from models.database import Database

NOON = 1_795_262_400
CLOSED = NOON + 3600.0


def answer(
    db: Database,
    *selectors: str,
    start: float = NOON,
    end: float = NOON + 300,
    resolution: Resolution | None = MINUTE,
    aggregates: tuple[str, ...] = (),
    fill: Fill = "none",
    limit: int | None = None,
    max_points: int = 1_000_000,
) -> dict[str, Any]:
    question = Question(Span(start, end), CLOSED, resolution, aggregates, fill, limit)
    series = find_series(db, [parse(text) for text in selectors])
    document = rollups_document(ask(db, series, question, max_points))
    to_json(document)
    for line in document["series"]:
        for name in ("start", *line["aggregates"]):
            if not isinstance(line[name], list):
                line[name] = line[name].tolist()
    return document


def columns(document: Mapping[str, Any], *names: str) -> list[list[Any]]:
    """Return columns of the only series, with None for null."""
    (line,) = document["series"]
    return [
        [None if value != value else value for value in line[name]]  # noqa: PLR0124 - NaN
        for name in names
    ]


@pytest.mark.rule(79)
@pytest.mark.rule(3)
def test_a_gauge_is_answered_in_named_columns(db: Database, history: History) -> None:
    number = history.gauges("node_load1", MINUTE, NOON, [1.5, 2.5, None, 4.5])
    assert answer(db, "node_load1") == {
        "resolution": "minute",
        "calendar": "utc",
        "reason": "asked for",
        "start": NOON,
        "end": NOON + 300,
        "width": 60,
        "series": [
            {
                "id": number,
                "source": "local",
                "metric": "node_load1",
                "labels": {},
                "kind": "gauge",
                "unit": "",
                "aggregates": ["avg", "min", "max"],
                "start": [NOON, NOON + 60, NOON + 180],
                "avg": [1.5, 2.5, 4.5],
                "min": [0.5, 1.5, 3.5],
                "max": [2.5, 3.5, 5.5],
            }
        ],
        "coverage": {
            "local": {
                "start": NOON,
                "end": NOON + 300,
                "windows": 5,
                "done": 4,
                "partial": 0,
                "dirty": 0,
                "open": 0,
                "lost": 0,
                "missing": 1,
            }
        },
        "open": {"local": []},
        "partial": {},
        "notes": [],
    }


def test_a_counter_is_answered_by_its_increase_and_rate(
    db: Database, history: History
) -> None:
    number = history.series("requests_total", kind="counter")
    history.rows(MINUTE, number, {NOON: counter(120.0), NOON + 60: counter(0.0)})
    history.mark(MINUTE, [NOON, NOON + 60])
    document = answer(db, "requests_total")
    assert columns(document, "start", "increase", "rate") == [
        [NOON, NOON + 60],
        [120.0, 0.0],
        [2.0, 0.0],
    ]


@pytest.mark.parametrize("resolution", [MINUTE, HOUR, DAY])
def test_every_aggregate_comes_from_the_row(
    db: Database, history: History, resolution: Resolution
) -> None:
    at = resolution.floor(NOON)
    number = history.series("requests_total", kind="counter")
    row = Row(6.0, 1.0, 3.0, 1.5, 2.5, 7.0, count=3, resets=2, expected=4)
    history.rows(resolution, number, {at: row})
    history.mark(resolution, [at])
    names = "avg,min,max,sum,count,last,first,increase,rate,resets,coverage"
    document = answer(
        db, "requests_total", resolution=resolution, aggregates=read_aggregates([names])
    )
    (line,) = document["series"]
    rate = 7.0 / resolution.width
    values = [2.0, 1.0, 3.0, 6.0, 3, 2.5, 1.5, 7.0, rate, 2, 0.75]
    assert line["aggregates"] == names.split(",")
    assert {name: line[name] for name in names.split(",")} == {
        name: [value] for name, value in zip(names.split(","), values, strict=True)
    }


def test_several_selectors_answer_each_series_once_and_in_order(
    db: Database, history: History
) -> None:
    ids = [history.series("up", {"job": job}) for job in ("c", "a", "b")]
    for number in ids:
        history.rows(MINUTE, number, {NOON: gauge(number)})
    history.mark(MINUTE, [NOON])
    document = answer(db, "up", 'up{job="a"}', '{job=~"a|b"}')
    assert [line["labels"]["job"] for line in document["series"]] == ["a", "b", "c"]
    assert [line["avg"] for line in document["series"]] == [
        [float(ids[1])],
        [float(ids[2])],
        [float(ids[0])],
    ]


def test_a_range_is_half_open_and_widened_to_whole_windows(
    db: Database, history: History
) -> None:
    history.gauges("up", MINUTE, NOON - 60, [0.0, 1.0, 2.0, 3.0])
    cut = answer(db, "up", start=NOON + 59.9, end=NOON + 60.1)
    assert (cut["start"], cut["end"]) == (NOON, NOON + 120)
    assert columns(cut, "avg") == [[1.0, 2.0]]
    exact = answer(db, "up", start=NOON, end=NOON + 60)
    assert columns(exact, "avg") == [[1.0]]


@pytest.mark.rule(78)
def test_neighbouring_ranges_have_no_gap_and_no_duplicate(
    db: Database, history: History
) -> None:
    history.gauges("up", MINUTE, NOON, [float(n) for n in range(10)])
    seams = [0, 60, 240, 420, 600]
    starts = [
        start
        for a, b in pairwise(seams)
        for start in columns(answer(db, "up", start=NOON + a, end=NOON + b), "start")[0]
    ]
    assert starts == list(range(NOON, NOON + 600, 60))


@pytest.mark.rule(42)
def test_empty_windows_are_left_out_or_null_or_zero_as_asked(
    db: Database, history: History
) -> None:
    number = history.series("requests_total", kind="counter")
    history.rows(MINUTE, number, {NOON + 60: counter(6.0)})
    history.mark(MINUTE, range(NOON, NOON + 360, 60))
    history.mark(MINUTE, [NOON + 120], "lost", reason="not recording")
    history.mark(MINUTE, [NOON + 180], "partial")
    db.execute_sql(f"DELETE FROM ledger WHERE start = {NOON + 240}")
    asked = ("increase", "rate", "count", "avg", "resets")
    grid = list(range(NOON, NOON + 360, 60))

    def filled(fill: Fill) -> list[list[Any]]:
        found = answer(
            db, "requests_total", end=NOON + 360, aggregates=asked, fill=fill
        )
        return columns(found, "start", *asked)

    assert filled("none") == [[NOON + 60], [6.0], [0.1], [4], [10.0], [0]]
    nothing = [None] * 4
    assert filled("null") == [
        grid,
        [None, 6.0, *nothing],
        [None, 0.1, *nothing],
        [None, 4, *nothing],
        [None, 10.0, *nothing],
        [None, 0, *nothing],
    ]
    assert filled("zero") == [
        grid,
        [0.0, 6.0, None, None, None, 0.0],
        [0.0, 0.1, None, None, None, 0.0],
        [0, 4, None, None, None, 0],
        [None, 10.0, *nothing],
        [None, 0, *nothing],
    ]


def test_a_limit_keeps_the_newest_and_the_order(db: Database, history: History) -> None:
    history.gauges("up", MINUTE, NOON, [1.0, None, 3.0, 4.0, None])
    none = answer(db, "up", limit=2)
    assert columns(none, "start", "avg") == [[NOON + 120, NOON + 180], [3.0, 4.0]]
    null = answer(db, "up", limit=2, fill="null")
    assert columns(null, "start", "avg") == [[NOON + 180, NOON + 240], [4.0, None]]
    assert (null["start"], null["end"]) == (NOON + 180, NOON + 300)
    assert columns(answer(db, "up", limit=99), "avg") == [[1.0, 3.0, 4.0]]


@pytest.mark.rule(82)
@pytest.mark.rule(14)
def test_what_is_no_number_in_json_is_named(db: Database, history: History) -> None:
    number = history.series("up")
    inf = math.inf
    no_sum = int(Flag.INFINITE | Flag.NO_SUM)
    history.rows(
        MINUTE,
        number,
        {
            NOON: Row(8.0, 1.0, 3.0, 1.0, 3.0),
            NOON + 60: Row(inf, 1.0, inf, 1.0, inf, flags=int(Flag.INFINITE)),
            NOON + 120: Row(NAN, -inf, inf, -inf, inf, flags=no_sum),
            NOON + 180: Row(count=0, flags=int(Flag.NAN)),
        },
    )
    history.mark(MINUTE, range(NOON, NOON + 300, 60))
    asked = ("avg", "sum", "min", "max", "count")
    document = answer(db, "up", aggregates=asked, fill="null")
    assert columns(document, *asked) == [
        [2.0, "+Inf", "NaN", None, None],
        [8.0, "+Inf", "NaN", None, None],
        [1.0, 1.0, "-Inf", None, None],
        [3.0, "+Inf", "+Inf", None, None],
        [4, 4, 4, 0, None],
    ]
    limited = answer(db, "up", aggregates=("avg",), limit=2)
    assert columns(limited, "avg") == [["NaN", None]]


def test_counters_are_asked_of_gauges_with_a_note(
    db: Database, history: History
) -> None:
    history.gauges("up", MINUTE, NOON, [1.0])
    document = answer(db, "up", aggregates=("increase", "avg", "resets"))
    assert columns(document, "increase", "avg") == [[None], [1.0]]
    assert document["notes"] == [
        "up is not known as a counter: increase, resets may be null"
    ]


def test_no_series_is_an_answer_that_says_so(db: Database) -> None:
    document = answer(
        db, "nothing", resolution=None, start=0.0, end=CLOSED, fill="null"
    )
    assert (document["series"], document["coverage"]) == ([], {})
    assert document["notes"] == ["no series is selected"]


def test_too_many_points_are_refused_with_what_to_do(
    db: Database, history: History
) -> None:
    for job in ("a", "b"):
        history.series("up", {"job": job})
    history.mark(MINUTE, range(NOON, NOON + 600, 60))
    assert answer(db, "up", end=NOON + 600, max_points=20)["series"]
    with pytest.raises(TooMuchError) as caught:
        answer(db, "up", end=NOON + 600, max_points=19)
    assert str(caught.value) == (
        "2 series of 10 minutes are 20 points, more than the 19 of bridge.max_points: "
        "ask for fewer series, a shorter time or a coarser resolution"
    )


def test_only_what_is_recorded_counts_as_points_unless_all_is_answered(
    db: Database, history: History
) -> None:
    history.gauges("up", MINUTE, NOON, [1.0, 2.0])
    document = answer(db, "up", start=0, end=CLOSED, max_points=2)
    assert columns(document, "avg") == [[1.0, 2.0]]
    with pytest.raises(TooMuchError):
        answer(db, "up", start=0, end=CLOSED, fill="null", max_points=2)
    limited = answer(db, "up", start=0, end=CLOSED, fill="null", limit=2, max_points=2)
    assert columns(limited, "avg") == [[None, None]]


def test_sources_are_covered_each_by_its_own_ledger(
    db: Database, history: History
) -> None:
    for source in ("first", "second"):
        number = history.series("requests_total", kind="counter", source=source)
        history.rows(MINUTE, number, {NOON: counter(1.0)})
    history.mark(MINUTE, [NOON, NOON + 60], source="first")
    history.mark(MINUTE, [NOON], source="second")
    history.mark(MINUTE, [NOON + 60], "lost", source="second")
    document = answer(
        db, "requests_total", end=NOON + 120, fill="zero", aggregates=("increase",)
    )
    assert [line["increase"][0] for line in document["series"]] == [1.0, 1.0]
    assert document["series"][0]["increase"][1] == 0.0
    assert math.isnan(document["series"][1]["increase"][1])
    assert {name: one["lost"] for name, one in document["coverage"].items()} == {
        "first": 0,
        "second": 1,
    }


# The slow truth: every window and series one after the other, in plain Python.


@dataclass(frozen=True, slots=True)
class Case:
    """A past of eight minutes, and a question about minutes [start, start + length)."""

    past: tuple[tuple[str, tuple[float | None, ...]], ...]
    states: tuple[str | None, ...]
    start: int
    length: int
    asked: tuple[str, ...]
    fill: Fill
    limit: int | None

    def row(self, kind: str, value: float) -> Row:
        return gauge(value) if kind == "gauge" else counter(abs(value))

    def value(self, values: tuple[float | None, ...], minute: int) -> float | None:
        """Return the value of a minute; a minute that was not done has none."""
        return values[minute] if minute < 8 and self.states[minute] else None


def eight(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*[values] * 8)


CASES = st.builds(
    Case,
    past=st.lists(
        st.tuples(
            st.sampled_from(["counter", "gauge"]),
            eight(st.none() | st.integers(-4, 4).map(float)),
        ),
        max_size=3,
    ).map(tuple),
    states=eight(
        st.sampled_from([None, "done", "done", "partial", "dirty", "open", "lost"])
    ),
    start=st.integers(0, 10),
    length=st.integers(1, 4),
    asked=st.sampled_from(
        [(), ("avg",), ("increase", "rate", "count"), ("max", "increase"), ("count",)]
    ),
    fill=st.sampled_from(["none", "null", "zero"]),
    limit=st.none() | st.integers(1, 5),
)


def slow(
    case: Case, kind: str, values: tuple[float | None, ...]
) -> dict[str, list[Any]]:
    names = case.asked or default_aggregates(kind)
    rows: list[dict[str, Any]] = []
    for minute in range(case.start, case.start + case.length):
        value = case.value(values, minute)
        if value is None and case.fill == "none":
            continue
        row: dict[str, Any] = {"start": NOON + minute * 60}
        done = minute < 8 and case.states[minute] == "done"
        for name in names:
            row[name] = slow_figure(kind, name, value)
            if value is None and case.fill == "zero" and done:
                row[name] = 0 if name in {"increase", "rate", "count"} else None
        rows.append(row)
    kept = rows if case.limit is None else rows[-case.limit :]
    return {name: [row[name] for row in kept] for name in ("start", *names)}


def slow_figure(kind: str, name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if kind == "gauge":
        figures: dict[str, float | None] = {
            "avg": value,
            "max": value + 1,
            "min": value - 1,
            "increase": None,
            "rate": None,
        }
    else:
        rise = abs(value)
        figures = {"avg": 10, "max": 10 + rise, "increase": rise, "rate": rise / 60}
    return 4 if name == "count" else figures[name]


def write(db: Database, case: Case) -> None:
    for table in ("series", "ledger", "rollup_minute"):
        db.execute_sql(f"DELETE FROM {table}")
    history = History(db)
    for minute, state in enumerate(case.states):
        if state is not None:
            history.mark(MINUTE, [NOON + minute * 60], state)
    for number, (kind, values) in enumerate(case.past):
        known = {minute: case.value(values, minute) for minute in range(8)}
        rows = {
            NOON + minute * 60: case.row(kind, value)
            for minute, value in known.items()
            if value is not None
        }
        series_id = history.series("metric", {"n": str(number)}, kind=kind)
        history.rows(MINUTE, series_id, rows)


@given(CASES)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_answers_equal_the_slow_truth(db: Database, case: Case) -> None:
    write(db, case)
    document = answer(
        db,
        "metric",
        start=NOON + case.start * 60,
        end=NOON + (case.start + case.length) * 60,
        aggregates=case.asked,
        fill=case.fill,
        limit=case.limit,
    )
    found = [
        {
            name: [None if value != value else value for value in line[name]]  # noqa: PLR0124 - NaN
            for name in ("start", *line["aggregates"])
        }
        for line in document["series"]
    ]
    assert found == [slow(case, kind, values) for kind, values in case.past]


@pytest.mark.parametrize("resolution", [HOUR, DAY])
@pytest.mark.parametrize("fill", ["none", "null"])
def test_hours_and_days_are_answered_like_minutes(
    db: Database, history: History, resolution: Resolution, fill: Fill
) -> None:
    begin = DAY.floor(NOON)
    history.gauges("up", resolution, begin, [1.0, 2.0, 3.0])
    document = answer(
        db,
        "up",
        start=begin + resolution.width,
        end=begin + 2 * resolution.width,
        resolution=resolution,
        fill=fill,
    )
    assert document["width"] == resolution.width
    assert columns(document, "start", "avg") == [[begin + resolution.width], [2.0]]


@pytest.mark.rule(78)
def test_the_chosen_resolution_is_answered_with_its_reason(
    db: Database, history: History
) -> None:
    history.gauges("up", HOUR, NOON - 30 * 86400, [float(n) for n in range(720)])
    history.gauges("up", MINUTE, NOON - 3600, [float(n) for n in range(60)])
    recent = answer(db, "up", start=NOON - 1800, end=NOON, resolution=None)
    assert (recent["resolution"], len(recent["series"][0]["start"])) == ("minute", 30)
    older = answer(db, "up", start=NOON - 86400, end=NOON, resolution=None)
    assert (older["resolution"], len(older["series"][0]["start"])) == ("hour", 24)
    assert older["reason"] == (
        "minutes reach back to 2026-11-21T11:00:00Z only; finest with at most 1500 "
        "points that covers the range (24)"
    )
