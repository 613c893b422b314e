from __future__ import annotations

import re

import pytest

from bridge.answers.raw import _stepped, selector_of
from bridge.sources.selectors import NAME, parse
from models.queries.series import SeriesRow


def series(metric: str, kind: str) -> SeriesRow:
    return SeriesRow(
        id=1,
        source="main",
        metric=metric,
        labels={"job": "api", "code": "200"},
        kind=kind,
        unit="",
        help="",
        workspace="",
        environment="",
        first_seen=0,
        last_seen=0,
    )


def selects(metric: str, kind: str, name: str) -> bool:
    selector = parse(selector_of(series(metric, kind)))
    (one,) = (matcher for matcher in selector.matchers if matcher.label == NAME)
    return one.operator in {"=", "=~"} and bool(re.fullmatch(one.value, name))


@pytest.mark.parametrize(
    ("kind", "metric", "wanted"),
    [
        ("gauge", "up", ("up",)),
        ("counter", "jobs_total", ("jobs_total", "jobs_created")),
        ("counter", "took_seconds_count", ("took_seconds_count",)),
        ("counter", "http.requests", ("http.requests", "http.requests_created")),
        (
            "histogram",
            "took_seconds",
            ("took_seconds_bucket", "took_seconds_sum", "took_seconds_count"),
        ),
        ("histogram", "took_seconds", ("took_seconds", "took_seconds_created")),
    ],
)
def test_a_series_is_selected_with_all_that_its_row_is_made_of(
    kind: str, metric: str, wanted: tuple[str, ...]
) -> None:
    assert all(selects(metric, kind, name) for name in wanted)
    assert not selects(metric, kind, "others_total")
    assert not selects(metric, kind, "others_created")


def test_labels_are_those_of_the_series() -> None:
    found = selector_of(series("up", "gauge"))
    assert found == '{__name__="up",code="200",job="api"}'


MS = 1_700_000_040_000
BEFORE = (MS - 15_000, 3.0)


@pytest.mark.parametrize(
    ("before", "whole", "started", "steps", "resets"),
    [
        (BEFORE, False, 0, [2.0, 4.0], 0),
        (BEFORE, False, MS - 5_000, [5.0, 4.0], 1),
        (BEFORE, False, MS - 50_000, [2.0, 4.0], 0),
        (None, False, 0, [None, 4.0], 0),
        (None, True, 0, [5.0, 4.0], 0),
    ],
    ids=["rise", "restart", "old start", "baseline", "whole"],
)
def test_steps_are_those_that_the_row_counts(
    before: tuple[int, float] | None,
    whole: bool,  # noqa: FBT001 - a parameter of the test
    started: int,
    steps: list[float | None],
    resets: int,
) -> None:
    samples = [(MS, 5.0, started), (MS + 15_000, 9.0, started)]
    found = _stepped(samples, before, counter=True, whole=whole)
    assert [one.step for one in found] == steps
    assert sum(one.reset for one in found) == resets
