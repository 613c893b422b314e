from __future__ import annotations

import math
from dataclasses import fields

import pytest

from bridge.events.event import Event, as_metadata, occurrences
from models.queries.events import EventRow
from tests.bridge.events.builders import MINUTE, seen


@pytest.mark.parametrize(
    ("amount", "count"),
    [
        (None, 0),
        (math.nan, 0),
        (math.inf, 0),
        (-3.0, 0),
        (0.0, 0),
        (0.2, 1),
        (1.4, 1),
        (1.6, 2),
        (7.0, 7),
        (1e300, 2**63 - 1),
    ],
)
def test_a_floats_occurrences_are_whole_positive_and_fit_a_column(
    amount: float | None, count: int
) -> None:
    assert occurrences(amount) == count


def test_metadata_is_json_that_depends_on_the_facts_alone() -> None:
    assert as_metadata(b={"y": "ü", "x": 1}, a=None) == (
        '{"a":null,"b":{"x":1,"y":"ü"}}'
    )
    assert as_metadata() == Event.__dataclass_fields__["metadata"].default == "{}"


def test_an_event_has_the_columns_of_a_row_but_for_when_it_was_recorded() -> None:
    names = [field.name for field in fields(Event)]
    assert [*names, "recorded_at"] == [field.name for field in fields(EventRow)]


@pytest.mark.rule(84)
def test_r84_the_time_of_an_event_is_its_windows_start() -> None:
    assert seen("up").time == MINUTE * 1000
