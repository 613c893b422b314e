from __future__ import annotations

import numpy as np
import pytest

from bridge.answers.aggregates import (
    AGGREGATES,
    Column,
    default_aggregates,
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
        ("histogram", ("count", "sum")),
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
        "first, increase, rate, resets, coverage"
    )


def test_every_aggregate_comes_from_a_figure_that_can_be_read() -> None:
    assert {aggregate.figure for aggregate in AGGREGATES.values()} == set(FIGURES)


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
