from __future__ import annotations

import pytest

from bridge.probing.streaks import Status, Streak
from runtime.probing.jobs import Status as Rules


def told(results: str, rules: Rules) -> list[str]:
    """Return the status after each result: `+` is a success, `-` a failure."""
    streak, seen = Streak(), []
    for result in results:
        streak = streak.after(rules, succeeded=result == "+")
        seen.append(streak.status.value)
    return seen


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("+", "active"),
        ("-", "degraded"),
        ("--", "degraded"),
        ("---", "error"),
        ("--+-", "degraded"),
        ("---+", "error"),
        ("---+-", "error"),
        ("---++", "active"),
        ("-+", "degraded"),
        ("-++", "active"),
        ("-+-+-+", "degraded"),
    ],
)
def test_it_is_ill_at_once_and_well_again_after_successes_in_a_row(
    results: str, expected: str
) -> None:
    assert told(results, Rules())[-1] == expected


def test_too_few_failures_change_nothing() -> None:
    rules = Rules(degraded_after=2)

    assert told("-", rules) == ["unknown"]
    assert told("+-+-", rules) == ["active"] * 4


def test_an_active_streak_counts_no_successes() -> None:
    streak = Streak()
    for _ in range(5):
        streak = streak.after(Rules(), succeeded=True)

    assert streak == Streak(Status.ACTIVE)
