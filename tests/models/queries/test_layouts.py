from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.queries.layouts import bounds_of, remember

if TYPE_CHECKING:
    from models.database import Database

INF = math.inf


def test_bounds_are_found_by_their_ids(db: Database) -> None:
    remember(db, {7: (0.1, 1.0, INF), -(2**63): (INF,)})
    assert bounds_of(db, [7, -(2**63), 9]) == {7: (0.1, 1.0, INF), -(2**63): (INF,)}
    assert bounds_of(db, []) == {}


def test_remembering_twice_is_once(db: Database) -> None:
    remember(db, {7: (1.0, INF)})
    remember(db, {7: (1.0, INF), 8: (2.0, INF)})
    assert bounds_of(db, [7, 8]) == {7: (1.0, INF), 8: (2.0, INF)}


def test_two_layouts_of_one_id_are_refused(db: Database) -> None:
    remember(db, {7: (1.0, INF)})
    with pytest.raises(ValueError, match="have the same id, 7"):
        remember(db, {7: (2.0, INF)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sets(st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_bounds_keep_every_digit(db: Database, finite: set[float]) -> None:
    bounds = (*sorted(finite), INF)
    number = hash(bounds) % 2**62
    remember(db, {number: bounds})
    assert bounds_of(db, [number]) == {number: bounds}
