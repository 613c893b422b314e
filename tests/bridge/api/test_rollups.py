from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.rollups import RollupsAnswer
from tests.bridge.application import NOON, Application, application
from tests.bridge.history import HOUR, MINUTE, counter

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History

PATH = "/api/v1/rollups"
AGGREGATES = (
    "avg, min, max, sum, count, last, first, increase, rate, resets, changes, "
    "coverage, p50, p90, p95, p99, p999, distinct, percentiles such as p99.5, and "
    "quantile(0.995)"
)


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    history.gauges("node_load1", MINUTE, NOON, [1.5, 2.5, None, 4.5])
    number = history.series("requests_total", {"code": "200"}, kind="counter")
    history.rows(MINUTE, number, {NOON: counter(120.0)})


def test_the_last_hour_of_a_series_is_answered(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="node_load1")
    RollupsAnswer.model_validate(answer)
    assert answer == {
        "resolution": "minute",
        "calendar": "utc",
        "reason": "finest with at most 1500 points that covers the range (4)",
        "start": NOON,
        "end": NOON + 3600,
        "width": 60,
        "series": [
            {
                "id": 1,
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
                "end": NOON + 3540,
                "windows": 59,
                "done": 4,
                "partial": 0,
                "dirty": 0,
                "open": 0,
                "lost": 0,
                "missing": 55,
            }
        },
        "open": {"local": []},
        "partial": {},
        "notes": [],
    }


def test_parameters_say_what_is_answered(bridge: Application) -> None:
    answer = bridge.answer(
        PATH,
        match=["node_load1", 'requests_total{code=~"2.."}'],
        start="2026-11-21T12:00:00Z",
        end=str(NOON + 240),
        resolution="minute",
        aggregate=["max,last", "count"],
        fill="zero",
        limit="2",
    )
    RollupsAnswer.model_validate(answer)
    assert [
        {name: line[name] for name in ("start", *line["aggregates"])}
        for line in answer["series"]
    ] == [
        {
            "start": [NOON + 120, NOON + 180],
            "max": [None, 5.5],
            "last": [None, 4.5],
            "count": [0, 4],
        },
        {
            "start": [NOON + 120, NOON + 180],
            "max": [None, None],
            "last": [None, None],
            "count": [0, 0],
        },
    ]


def test_hours_are_answered_if_they_are_asked_for(
    bridge: Application, history: History
) -> None:
    history.gauges("node_load1", HOUR, NOON - 3600, [1.0, 2.0])
    answer = bridge.answer(PATH, match="node_load1", resolution="hour")
    assert (answer["resolution"], answer["reason"]) == ("hour", "asked for")
    assert answer["series"][0]["start"] == [NOON]
    assert answer["series"][0]["avg"] == [2.0]


def test_csv_is_a_file_with_a_row_per_window(bridge: Application) -> None:
    response = bridge.get(PATH, match="requests_total", format="csv")
    assert response.status_code == 200
    assert response.content_type == "text/csv; charset=utf-8"
    disposition = response.headers["Content-Disposition"]
    assert disposition == 'attachment; filename="rollups.csv"'
    assert list(csv.reader(io.StringIO(response.text, newline=""))) == [
        [
            "series_id",
            "source",
            "metric",
            "labels",
            "start",
            "open",
            "increase",
            "rate",
        ],
        [
            "2",
            "local",
            "requests_total",
            '{"code":"200"}',
            "2026-11-21T12:00:00Z",
            "false",
            "120.0",
            "2.0",
        ],
    ]


def test_only_one_source_is_answered_if_asked(
    bridge: Application, history: History
) -> None:
    history.series("node_load1", source="other")
    assert len(bridge.answer(PATH, match="node_load1")["series"]) == 2
    answer = bridge.answer(PATH, match="node_load1", source="other")
    assert [line["source"] for line in answer["series"]] == ["other"]


@pytest.mark.parametrize(
    ("query", "detail", "wrong"),
    [
        ({}, "match: is missing", ["match"]),
        (
            {"match": "up[5m]"},
            (
                "'up[5m]' is more than a PromQL selector: a range belongs into start "
                "and end, so leave out `[...]`"
            ),
            ["match"],
        ),
        (
            {"match": "up", "start": "yesterday"},
            (
                "'yesterday' is not a time; write 2026-11-21T10:00:00Z, 1795255200, "
                "-1h or now"
            ),
            ["start"],
        ),
        (
            {"match": "up", "start": "now", "end": "-1h"},
            "start (2026-11-21T13:00:00Z) is not before end (2026-11-21T12:00:00Z)",
            ["start"],
        ),
        (
            {"match": "up", "resolution": "year"},
            (
                "'year' is not a resolution; known are minute, hour, day, week, month, "
                "auto"
            ),
            ["resolution"],
        ),
        (
            {"match": "up", "aggregate": "avg,mean"},
            f"'mean' is not an aggregate; known are {AGGREGATES}",
            ["aggregate"],
        ),
        (
            {"match": "up", "fill": "linear"},
            "fill: 'linear' is not allowed; use 'none', 'null' or 'zero'",
            ["fill"],
        ),
        (
            {"match": "up", "limit": "0"},
            "limit: must be at least 1, not '0'",
            ["limit"],
        ),
        (
            {"match": "up", "limit": "ten"},
            "limit: 'ten' is not a whole number",
            ["limit"],
        ),
        (
            {"match": "up", "format": "xml"},
            "format: 'xml' is not allowed; use 'json' or 'csv'",
            ["format"],
        ),
        (
            {"match": "up", "source": "nowhere"},
            "'nowhere' is not a source; known are local",
            ["source"],
        ),
        (
            {"match": "up", "step": "60"},
            (
                "step: is not a parameter here; known are match, start, end, "
                "resolution, calendar, aggregate, fill, limit, include_open, as_of, "
                "source, format"
            ),
            ["step"],
        ),
        (
            {"match": "up", "limit": "x", "fill": "y"},
            (
                "fill: 'y' is not allowed; use 'none', 'null' or 'zero'; "
                "limit: 'x' is not a whole number"
            ),
            ["fill", "limit"],
        ),
        (
            {"match": "up", "start": ["-1h", "-2h"]},
            "start is given 2 times, not once",
            ["start"],
        ),
    ],
)
def test_wrong_parameters_are_refused_with_what_to_write(
    bridge: Application, query: dict[str, Any], detail: str, wrong: list[str]
) -> None:
    assert bridge.problem(PATH, **query) == (400, detail, wrong)


@pytest.mark.setting("bridge.max_points")
def test_more_points_than_allowed_are_refused_with_advice(
    db: Database, history: History
) -> None:
    for number in range(30):
        history.series("up", {"n": str(number)})
    history.mark(MINUTE, range(NOON, NOON + 240, 60))
    allowed = application(db, max_points=120)
    assert len(allowed.answer(PATH, match="up")["series"]) == 30
    refused = application(db, max_points=119)
    assert refused.problem(PATH, match="up") == (
        422,
        (
            "30 series of 4 minutes are 120 points, more than the 119 of "
            "bridge.max_points: ask for fewer series, a shorter time or a coarser "
            "resolution"
        ),
        ["match"],
    )


def test_a_key_sees_the_series_of_its_workspace(
    locked: Application, history: History
) -> None:
    history.series("node_load1", {"mine": "yes"}, workspace="team")
    key = locked.key("read", workspace="team")
    answer = locked.answer(PATH, key, match="node_load1")
    assert [line["labels"] for line in answer["series"]] == [{"mine": "yes"}]


@pytest.mark.rule(10)
def test_the_hour_that_still_goes_on_is_answered_and_called_open(
    bridge: Application,
) -> None:
    query = {"match": "node_load1", "resolution": "hour", "aggregate": "count"}
    answer = bridge.answer(PATH, **query)
    RollupsAnswer.model_validate(answer)
    assert answer["open"] == {"local": [NOON]}
    assert answer["series"][0]["start"] == [NOON]
    closed = bridge.answer(PATH, include_open="false", **query)
    assert closed["open"] == {}
    assert closed["series"][0]["start"] == []


@pytest.mark.rule(7)
def test_weeks_are_answered_with_their_ends_and_dates(bridge: Application) -> None:
    answer = bridge.answer(
        PATH, match="node_load1", resolution="week", aggregate="count"
    )
    RollupsAnswer.model_validate(answer)
    assert (answer["resolution"], answer["calendar"]) == ("week", "utc")
    assert answer["width"] is None
    (line,) = answer["series"]
    assert line["date"] == ["2026-11-16"]
    assert line["end"] == [line["start"][0] + 7 * 86400]
    assert answer["open"] == {"local": line["start"]}


def test_a_calendar_that_is_not_there_is_refused(bridge: Application) -> None:
    assert bridge.problem(PATH, match="up", calendar="berlin") == (
        400,
        (
            "there is no calendar 'berlin'; known are utc, and others are made by "
            "calendars in config.yaml"
        ),
        ["calendar"],
    )
