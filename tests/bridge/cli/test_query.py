from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING

import pytest

from models.database import open_database
from tests.bridge.history import MINUTE, Row, gauge

if TYPE_CHECKING:
    from tests.bridge.cli.conftest import Shell
    from tests.bridge.history import History

BEGIN = 1_700_000_040
AT = ("--start", str(BEGIN), "--end", str(BEGIN + 180))


@pytest.fixture
def past(history: History) -> None:
    history.gauges("node_load1", MINUTE, BEGIN, [1 / 3, None, 2.0])
    number = history.series("up", {"job": "x"})
    history.rows(MINUTE, number, {BEGIN: Row(4.0, 1.0, math.inf, 1.0, 1.0)})


def test_series_are_printed_as_a_table(used: Shell, past: None) -> None:
    result = used.run("query", "node_load1", 'up{job="x"}', *AT)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["SERIES", "MINUTE", "AVG", "MIN", "MAX"],
        ["node_load1", "2023-11-14T22:14:00Z", "0.333333", "-0.666667", "1.33333"],
        ["node_load1", "2023-11-14T22:16:00Z", "2", "1", "3"],
        ['up{job="x"}', "2023-11-14T22:14:00Z", "1", "1", "+Inf"],
    ]
    assert result.stderr == (
        "by minute: finest with at most 1500 points that covers the range (3)\n"
    )


def test_series_of_several_sources_are_told_apart_by_them(
    used: Shell, past: None, history: History
) -> None:
    other = history.series("node_load1", source="other")
    history.rows(MINUTE, other, {BEGIN: gauge(5.0)})
    history.mark(MINUTE, [BEGIN], source="other")
    asked = ("query", "node_load1", *AT, "--aggregate", "avg", "--limit", "1")
    assert [line.split() for line in used.run(*asked).stdout.splitlines()] == [
        ["SOURCE", "SERIES", "MINUTE", "AVG"],
        ["local", "node_load1", "2023-11-14T22:16:00Z", "2"],
        ["other", "node_load1", "2023-11-14T22:14:00Z", "5"],
    ]
    chosen = used.run(*asked, "--source", "other").stdout
    assert [line.split() for line in chosen.splitlines()] == [
        ["SERIES", "MINUTE", "AVG"],
        ["node_load1", "2023-11-14T22:14:00Z", "5"],
    ]


def test_csv_has_all_digits(used: Shell, past: None) -> None:
    result = used.run(
        "query", "node_load1", *AT, "--aggregate", "avg", "--format", "csv"
    )
    assert list(csv.reader(io.StringIO(result.stdout))) == [
        ["series_id", "source", "metric", "labels", "start", "open", "avg"],
        ["1", "local", "node_load1", "{}", "2023-11-14T22:14:00Z", "false", str(1 / 3)],
        ["1", "local", "node_load1", "{}", "2023-11-14T22:16:00Z", "false", "2.0"],
    ]


def test_json_is_the_document_of_the_api(used: Shell, past: None) -> None:
    result = used.run(
        "query",
        "node_load1",
        *AT,
        "--resolution",
        "minute",
        "--aggregate",
        "avg,count",
        "--fill",
        "zero",
        "--limit",
        "2",
        "--format",
        "json",
    )
    document = json.loads(result.stdout)
    assert document["reason"] == "asked for"
    (line,) = document["series"]
    assert [line[name] for name in ("start", "avg", "count")] == [
        [BEGIN + 60, BEGIN + 120],
        [None, 2.0],
        [0, 4],
    ]


def test_no_series_is_a_note_and_no_failure(used: Shell) -> None:
    result = used.run("query", "nothing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1] == "note: no series is selected"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["sum(up)"],
            (
                "selector: 'sum(up)' is more than a PromQL selector: functions and "
                "aggregations are chosen by the parameter aggregate"
            ),
        ),
        (
            ["up", "--start", "yesterday"],
            (
                "start: 'yesterday' is not a time; write 2026-11-21T10:00:00Z, "
                "1795255200, -1h or now"
            ),
        ),
        (
            ["up", "--resolution", "year"],
            (
                "resolution: 'year' is not a resolution; known are minute, hour, day, "
                "week, month, auto"
            ),
        ),
        (
            ["up", "--source", "zzz"],
            "source: 'zzz' is not a source; known are local",
        ),
        (
            ["up", "--aggregate", "mean"],
            (
                "aggregate: 'mean' is not an aggregate; known are avg, min, max, sum, "
                "count, last, first, increase, rate, resets, changes, coverage, p50, "
                "p90, p95, p99, p999, distinct, percentiles such as p99.5, and "
                "quantile(0.995)"
            ),
        ),
    ],
)
def test_a_wrong_question_is_one_line_and_exit_code_2(
    used: Shell, arguments: list[str], line: str
) -> None:
    result = used.run("query", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"epimetheus: {line}\n"


@pytest.mark.setting("bridge.max_points")
def test_an_answer_that_is_too_large_is_refused(used: Shell, history: History) -> None:
    for number in range(51):
        history.series("many", {"n": str(number)})
    history.mark(MINUTE, range(BEGIN, BEGIN + 180, 60))
    used.configure("bridge: {max_points: 150}\n")
    result = used.run("query", "many", *AT)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "epimetheus: match: 51 series of 3 minutes are 153 points, more than the 150 "
    )
    used.configure("bridge: {max_points: 153}\n")
    assert used.run("query", "many", *AT).exit_code == 0


def test_pending_migrations_are_not_applied_by_looking(shell: Shell) -> None:
    open_database(f"sqlite:///{shell.database}").connect()
    result = shell.run("query", "up")
    assert result.exit_code == 1
    assert result.stderr.startswith("epimetheus: migrations are pending: 0001_")
    assert result.stderr.endswith("run `epimetheus migrate up`\n")


def test_weeks_that_still_go_on_are_called_open(used: Shell, past: None) -> None:
    arguments = ("query", "node_load1", *AT, "--resolution", "week")
    result = used.run(*arguments, "--aggregate", "count")
    assert "2023-11-13 (" in result.stdout
    assert "by week: asked for" in result.stderr
    result = used.run(*arguments, "--calendar", "nowhere")
    assert result.exit_code == 2
    assert "there is no calendar 'nowhere'; known are utc" in result.stderr
