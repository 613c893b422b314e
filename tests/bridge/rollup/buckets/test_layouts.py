from __future__ import annotations

import math

import pytest

from bridge.rollup.buckets.layouts import layout_id, shared, unknown

INF = math.inf
NUMBER = -3859097750285634672


@pytest.mark.rule(49)
def test_r49_bounds_are_numbers_and_never_text() -> None:
    texts = (("1", "2.50", "+Inf"), ("1.0", "2.5", "inf"), ("1e0", "25e-1", "Inf"))
    ids = {layout_id(tuple(map(float, bounds))) for bounds in texts}
    assert len(ids) == 1


def test_an_id_never_changes() -> None:
    assert layout_id((0.1, 1.0, INF)) == NUMBER
    assert layout_id((-0.0, INF)) == layout_id((0.0, INF))
    assert layout_id((0.1, 1.0, 2.0, INF)) != NUMBER


@pytest.mark.parametrize(
    "bounds",
    [(), (1.0,), (2.0, 1.0, INF), (1.0, 1.0, INF), (math.nan, INF), (-INF, INF)],
)
def test_bounds_rise_and_end_with_infinity(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds must rise and end"):
        layout_id(bounds)


def test_layouts_share_the_bounds_that_both_have() -> None:
    both, one, other = shared((0.5, 1.0, 2.0, INF), (1.0, 2.0, 3.0, INF))
    assert both == (1.0, 2.0, INF)
    assert one.tolist() == [1, 2, 3]
    assert other.tolist() == [0, 1, 3]


def test_no_layout_is_known_without_a_table() -> None:
    assert unknown([1, 2]) == {}
