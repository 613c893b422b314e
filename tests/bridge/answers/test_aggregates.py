from __future__ import annotations

import numpy as np
import pytest

from bridge.answers.aggregates import (
    AGGREGATES,
    BUCKETS,
    Column,
    aggregate_of,
    default_aggregates,
    in_order,
    read_aggregates,
)
from bridge.answers.errors import QuestionError
from models.queries.figures import FIGURES


@pytest.mark.rule(79)
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("gauge", ("avg", "min", "max")),
        ("unknown", ("avg", "min", "max")),
        ("counter", ("increase", "rate")),
        ("histogram", ("rate", "avg", "p50", "p95", "p99")),
        ("distinct", ("distinct",)),
        ("summary", ("min", "max", "last")),
    ],
)
def test_what_is_said_without_being_asked_depends_on_the_kind(
    kind: str, names: tuple[str, ...]
) -> None:
    assert default_aggregates(kind) == names


def test_names_come_repeated_or_with_commas_and_count_once() -> None:
    assert read_aggregates(["avg,max", "min", " max "]) == ("avg", "max", "min")
    assert read_aggregates([]) == ()


@pytest.mark.parametrize("text", ["mean", "avg,", "AVG", ""])
def test_an_unknown_name_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(QuestionError) as caught:
        read_aggregates([text])
    wrong = text.rpartition(",")[2]
    assert str(caught.value) == (
        f"{wrong!r} is not an aggregate; known are avg, min, max, sum, count, last, "
        "first, increase, rate, resets, changes, coverage, p50, p90, p95, p99, p999, "
        "distinct, percentiles such as p99.5, and quantile(0.995)"
    )


def test_every_aggregate_comes_from_a_figure_that_can_be_read() -> None:
    plain = {one.figure for one in AGGREGATES.values() if not one.of_buckets}
    means = {one.stored("histogram") for one in AGGREGATES.values()} - {BUCKETS}
    assert plain | means == set(FIGURES)


@pytest.mark.parametrize(
    ("name", "quantile"),
    [
        ("p50", 0.5),
        ("p5", 0.05),
        ("p0", 0.0),
        ("p99.5", 0.995),
        ("p999", 0.999),
        ("p9999", 0.9999),
        ("p100", 1.0),
        ("quantile(0.95)", 0.95),
        ("quantile(-1)", -1.0),
        ("quantile(2e0)", 2.0),
    ],
)
def test_percentiles_have_names_of_any_number(name: str, quantile: float) -> None:
    assert read_aggregates([name]) == (name,)
    assert aggregate_of(name).quantile == pytest.approx(quantile, rel=1e-12)


@pytest.mark.parametrize(
    "name", ["p", "p101", "p250", "p-1", "quantile()", "quantile(nan)", "quantile(a)"]
)
def test_other_percentiles_are_refused(name: str) -> None:
    with pytest.raises(QuestionError, match="is not an aggregate"):
        read_aggregates([name])


def test_columns_are_shown_as_documented_and_other_percentiles_last() -> None:
    assert in_order({"p99.5", "p50", "rate", "avg"}) == ["avg", "rate", "p50", "p99.5"]


def test_bounds_follow_their_values() -> None:
    column = Column(np.array([1.0, 2.0]), lower=np.zeros(2), upper=np.array([3.0, 4.0]))
    newest = column.newest(1)
    assert newest.upper is not None
    assert newest.upper.tolist() == [4.0]
    placed = column.on(np.array([0, 60, 120]), np.array([0, 120]))
    assert placed.upper is not None
    np.testing.assert_array_equal(placed.upper, [3.0, np.nan, 4.0])


def test_a_rate_is_the_increase_by_the_seconds_of_the_window() -> None:
    column = AGGREGATES["rate"].of(np.array([120.0, 0.0, np.nan]), 60)
    np.testing.assert_array_equal(column.values, [2.0, 0.0, np.nan])


def test_a_column_is_put_on_a_grid_with_nulls_between() -> None:
    column = Column(np.array([1.0, 2.0]), undefined=np.array([False, True]))
    placed = column.on(np.array([0, 60, 120, 180]), np.array([60, 180]))
    np.testing.assert_array_equal(placed.values, [np.nan, 1.0, np.nan, 2.0])
    assert placed.undefined is not None
    np.testing.assert_array_equal(placed.undefined, [False, False, False, True])


def test_the_newest_of_a_column_are_its_last() -> None:
    column = Column(np.array([1.0, 2.0, 3.0]), undefined=np.array([True, False, True]))
    newest = column.newest(2)
    np.testing.assert_array_equal(newest.values, [2.0, 3.0])
    assert newest.undefined is not None
    np.testing.assert_array_equal(newest.undefined, [False, True])


def test_zeros_are_put_in_places_without_changing_the_column() -> None:
    column = Column(np.array([np.nan, 5.0, np.nan]))
    np.testing.assert_array_equal(column.zero_at(np.array([2])).values, [np.nan, 5, 0])
    np.testing.assert_array_equal(column.values, [np.nan, 5, np.nan])
