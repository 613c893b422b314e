from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.rollup.aggregate import aggregate
from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.exponents import relative_error
from bridge.rollup.buckets.spreads import Spreads, schema_of
from bridge.rollup.windows import Window
from runtime.rollup_settings import Rollup
from tests.bridge.rollup.builders import HOUR, NAN, Line, block, previous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.sketch_settings import Distribution

WINDOW = Window(HOUR)
NAMES = {
    1: ("queue", {"job": "api"}),
    2: ("queue", {"job": "web"}),
    3: ("jobs_total", {"job": "api"}),
    4: ("temp", {}),
}


class Described:
    """Answers names and labels, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        self.asked += ids
        return [NAMES[number] for number in ids]


def rules(*told: dict[str, str]) -> tuple[Distribution, ...]:
    return Rollup.model_validate({"distributions": told}).distributions


def at(*values: float) -> list[tuple[int, float]]:
    return [(HOUR * 1000 + 1000 * n, value) for n, value in enumerate(values)]


LINES = [
    Line([(HOUR * 1000 - 1, 99.0), *at(1.0, NAN, 2.0)], 1, counter=False),
    Line(at(5.0), 2, counter=False),
    Line(at(7.0), 3),
    Line([(HOUR * 1000 - 5, 3.0)], 4, counter=False),
]


def buckets(told: Spreads, *lines: Line) -> dict[int, bytes | None]:
    given_block = block(*lines)
    rows = aggregate(given_block, WINDOW, previous(*lines))
    found = told.add_to(rows, given_block, WINDOW)
    return dict(zip(found.series_id.tolist(), found.buckets.tolist(), strict=True))


def blob(schema: int, *values: float) -> bytes | None:
    (made,) = distributions(
        np.array(values), np.zeros(len(values), np.int64), 1, schema
    )
    return made


@pytest.mark.setting("rollup.distributions.match")
@pytest.mark.setting("rollup.distributions.error")
def test_gauges_that_match_have_a_distribution_as_fine_as_set() -> None:
    told = rules({"match": 'queue{job="api"}', "error": "5%"}, {"match": '{job=~".+"}'})
    found = buckets(Spreads(told, Described()), *LINES)
    assert found == {1: blob(4, 1.0, 2.0), 2: blob(7, 5.0), 3: None}


def test_a_name_is_looked_at_once() -> None:
    described = Described()
    told = Spreads(rules({"match": "queue"}), described)
    first = buckets(told, *LINES[:2])
    assert buckets(told, *LINES[:2]) == first
    assert described.asked == [1, 2]


def test_without_rules_nothing_is_asked() -> None:
    described = Described()
    assert buckets(Spreads((), described), *LINES) == dict.fromkeys((1, 2, 3))
    assert described.asked == []


def test_quantiles_of_summaries_have_none() -> None:
    line = LINES[1]
    given_block = block(line)
    marked = replace(given_block, quantile=np.array([True]))
    rows = aggregate(marked, WINDOW, previous(line))
    told = Spreads(rules({"match": "queue"}), Described())
    assert told.add_to(rows, marked, WINDOW).buckets.tolist() == [None]


@given(st.floats(0.003, 1))
def test_the_schema_is_the_coarsest_that_is_fine_enough(error: float) -> None:
    schema = schema_of(error)
    assert relative_error(schema) <= error
    assert schema == -4 or relative_error(schema - 1) > error


def test_an_error_that_no_buckets_reach_is_refused() -> None:
    with pytest.raises(ValidationError):
        rules({"match": "x", "error": "0.2%"})
    with pytest.raises(ValueError, match="no buckets are as narrow"):
        schema_of(0.001)
