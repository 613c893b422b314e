from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.probes import charts
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.probes.charts import Chart, Dataset
from bridge.answers.times import Span
from bridge.answers.writing import rfc3339
from models.queries.results import Picked
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

TEN = Span(BEGIN / 1000, BEGIN / 1000 + 600)


@pytest.fixture
def of(db: Database) -> Picked:
    """Ten minutes of `a`, which fails in the last five, and a single `b`."""
    known(db, "a", "b")
    for minute in range(10):
        at = BEGIN + minute * MINUTE
        times = (0.01, 0.03)
        good = result("a", at, rtts=times, sent=2, received=2)
        found = [failure("a", at) if minute >= 5 else good]
        if minute == 9:
            found.append(result("b", at))
        store(db, run(at, *found))
    return picked(db, Asked(job="gateways"), TEN)


def test_a_line_has_a_point_for_each_span(db: Database, of: Picked) -> None:
    chart = charts.line(db, of, TEN, "success", "destination", width=240)
    assert chart.labels == [rfc3339(BEGIN // 1000 + 240 * place) for place in range(3)]
    assert chart.datasets == [
        Dataset("a", [1.0, 0.25, 0.0]),
        Dataset("b", [None, None, 1.0]),
    ]
    assert chart.width == 240
    rtt = charts.line(db, of, TEN, "rtt", "job", width=600)
    (line,) = rtt.datasets
    assert line.label == "gateways"
    assert line.data == pytest.approx([(10 * 0.02 + 0.01) / 11])


def test_points_are_as_many_as_a_line_can_show(db: Database, of: Picked) -> None:
    assert charts.line(db, of, TEN, "loss", "job").width == 10
    day = Span(TEN.start, TEN.start + 86400)
    assert charts.line(db, of, day, "loss", "job").width == 300
    year = Span(TEN.start, TEN.start + 366 * 86400)
    chart = charts.line(db, of, year, "loss", "job")
    assert len(chart.labels) <= 367
    with pytest.raises(QuestionError, match="600 points are more than 100"):
        charts.line(db, of, TEN, "loss", "job", width=1, most=100)


def test_lines_have_no_more_points_together_than_memory_bears(
    db: Database, of: Picked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "VALUES", 10)
    assert len(charts.line(db, of, TEN, "loss", "destination", width=120).datasets) == 2
    for width in (60, 1):
        with pytest.raises(QuestionError, match="too many lines of"):
            charts.line(db, of, TEN, "loss", "destination", width=width)


def test_bars_and_shares_are_by_name(db: Database, of: Picked) -> None:
    assert charts.bar(db, of, "results", "destination") == Chart(
        ["a", "b"], [Dataset("results", [10, 1])]
    )
    assert charts.pie(db, of) == Chart(
        ["success", "timeout"], [Dataset("results", [6, 5])]
    )
    assert charts.bar(db, Picked(job=9), "rtt", "probe") == Chart(
        [], [Dataset("rtt", [])]
    )


def test_a_heatmap_puts_hours_of_all_weeks_together(db: Database) -> None:
    known(db, "a")
    day, week = 86_400_000, 7 * 86_400_000
    monday = BEGIN // week * week + 4 * day  # 1970-01-05 was one
    for at in (monday, monday + week):
        store(db, run(at, result("a", at), result("a", at)))
    store(db, run(monday + week + 1, failure("a")))
    store(db, run(monday + day - 1, result("a")))
    chart = charts.heatmap(db, Picked(), "success")
    assert chart.labels[0] == "00:00"
    assert chart.datasets[0].label == "mon"
    assert chart.datasets[0].data == [0.8, *[None] * 22, 1.0]
    assert chart.datasets[1].data == [None] * 24
