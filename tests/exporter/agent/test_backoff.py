from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.agent.backoff import Backoff

CHANCES = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(1.0, 60.0, lambda: 0.0)
    assert [backoff.failed() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.worked()
    assert backoff.failed() == 1


@given(st.integers(0, 200), CHANCES)
def test_chance_shortens_by_up_to_a_half(failures: int, chance: float) -> None:
    backoff = Backoff(1.0, 60.0, lambda: chance, failures)
    plain = Backoff(1.0, 60.0, lambda: 0.0, failures).failed()
    assert plain / 2 <= backoff.failed() <= plain


@given(CHANCES, st.floats(0, 1e9), st.integers(0, 10))
def test_it_is_never_sooner_than_asked_for_but_within_an_hour(
    chance: float, asked_for: float, failures: int
) -> None:
    wait = Backoff(1.0, 60.0, lambda: chance, failures).failed(asked_for)
    assert min(asked_for, 3600.0) <= wait <= 3601.0
