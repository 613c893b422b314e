from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.wheel import TICK_NS, Wheel

TIMES = st.integers(min_value=0, max_value=50 * TICK_NS)


@given(st.lists(TIMES), TIMES)
def test_what_is_due_is_taken_once_and_nothing_else(times: list[int], now: int) -> None:
    wheel: Wheel[int] = Wheel()
    for time in times:
        wheel.add(time, time)
    now -= now % TICK_NS
    taken = wheel.take(now)
    assert sorted(taken) == sorted(time for time in times if time <= now)
    assert wheel.take(now) == []
    later = [time for time in times if time > now]
    due = wheel.next()
    assert (due is None) == (not later)
    if due is not None:
        assert 0 <= due - min(later) < TICK_NS


def test_things_of_one_tick_come_in_the_order_in_which_they_were_added() -> None:
    wheel: Wheel[str] = Wheel()
    for name in "cab":
        wheel.add(TICK_NS, name)
    assert wheel.take(TICK_NS) == ["c", "a", "b"]
