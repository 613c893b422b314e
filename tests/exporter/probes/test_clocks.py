from __future__ import annotations

from itertools import count

from exporter.probes.clocks import Clocks


def test_the_offset_is_between_two_readings_of_the_monotonic_clock() -> None:
    ticks = count(1_000, 10)
    clocks = Clocks(lambda: 5_000_000, lambda: next(ticks))
    assert clocks.offset() == 5_000_000 - 1_005


def test_readings_between_which_something_else_ran_are_taken_again() -> None:
    ticks = iter([0, 10**9, 2_000_000_000, 2_000_000_010])
    clocks = Clocks(lambda: 3 * 10**9, lambda: next(ticks))
    assert clocks.offset() == 10**9 - 5
