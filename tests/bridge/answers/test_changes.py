from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.changes import Change, undefined_together

if TYPE_CHECKING:
    from collections.abc import Collection

NAN = math.nan


@pytest.mark.parametrize(
    ("current", "before", "change"),
    [
        (3.0, 2.0, Change(3.0, 2.0, 1.0, 50.0)),
        (1.0, 2.0, Change(1.0, 2.0, -1.0, -50.0)),
        # The sign of the percentage is that of the change.
        (-1.0, -2.0, Change(-1.0, -2.0, 1.0, 50.0)),
        (5.0, 0.0, Change(5.0, 0.0, 5.0, reason="the range before is zero")),
        (5.0, NAN, Change(5.0, None, reason="nothing is known of the range before")),
        (NAN, 5.0, Change(None, 5.0, reason="nothing is known of the range")),
        (
            NAN,
            NAN,
            Change(
                None,
                None,
                reason="nothing is known of the range; nothing is known of the range "
                "before",
            ),
        ),
        (
            1.0,
            1e-320,
            Change(1.0, 1e-320, 1.0, reason="the range before is next to zero"),
        ),
        (
            math.inf,
            1.0,
            Change(math.inf, 1.0, reason="one of them is no finite number"),
        ),
    ],
)
def test_a_change_says_why_it_is_not_known(
    current: float, before: float, change: Change
) -> None:
    assert Change.of(current, before) == change


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_percentage_leads_back(current: float, before: float) -> None:
    change = Change.of(current, before)
    if change.percent is None:
        assert abs(before) < 1e-290
        assert change.reason
    else:
        again = before + abs(before) * change.percent / 100
        assert again == pytest.approx(current, rel=1e-6, abs=1e-3 * abs(before) + 1e-6)


@pytest.mark.parametrize(
    ("name", "kinds", "series", "reason"),
    [
        ("avg", {"gauge"}, 3, ""),
        ("avg", {"gauge", "counter"}, 3, ""),
        (
            "avg",
            {"gauge", "histogram"},
            2,
            "avg is another thing of histograms than of other series",
        ),
        ("last", {"gauge"}, 1, ""),
        ("last", {"gauge"}, 2, "last is that of one series"),
    ],
)
def test_some_figures_have_no_meaning_for_several_series(
    name: str, kinds: Collection[str], series: int, reason: str
) -> None:
    assert undefined_together(name, kinds, series) == reason
