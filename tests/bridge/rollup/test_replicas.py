"""Counters that two servers scraped, listened to one at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.aggregate import aggregate
from bridge.rollup.windows import Window
from bridge.sources.replicas import choose
from tests.bridge.rollup.builders import (
    HOUR,
    NAN,
    Line,
    Samples,
    block,
    previous,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_MS = 60_000
BACK_MS = 121_000


def rolled(replicas: Mapping[str, Samples]) -> list[float]:
    """The values that the windows' increases add up to; times are from the hour on.

    Each window is fed as a source does it: by one replica, with what that replica had
    before where it is another one than in the minute before.
    """
    shifted = {
        name: [(HOUR * 1000 + time, value) for time, value in samples]
        for name, samples in replicas.items()
    }
    last, last_at, fed, totals = NAN, 0, None, list[float]()
    end = max(time for samples in shifted.values() for time, _ in samples)
    for start in range(HOUR, end // 1000 + 1, 60):
        window = Window(start)
        there = {
            name: [one for one in samples if 0 <= one[0] - start * 1000 < MINUTE_MS]
            for name, samples in shifted.items()
        }
        name = choose({name: len(samples) for name, samples in there.items()})
        if name is None:
            continue
        since = window.start_ms - (BACK_MS if fed not in {None, name} else 0)
        samples = [one for one in shifted[name] if since <= one[0] < window.end_ms]
        line = Line(samples, previous=last, previous_at=last_at)
        (row,) = table(aggregate(block(line), window, previous(line)))
        rise = float(row["increase"] or 0)
        totals.append(there[name][0][1] + rise if not totals else totals[-1] + rise)
        last_at, last = there[name][-1]
        fed = name
    return totals


def every_14_s(*values: float) -> Samples:
    return [(14_000 * number, value) for number, value in enumerate(values)]


A = every_14_s(46906, 42, 66, 66, 66, 66)
B = every_14_s(47000, 47000, 47000, 115, 115, 201)


@pytest.mark.rule(36)
def test_r36_two_replicas_that_see_a_reset_at_different_times_rise_by_one_of_them() -> (
    None
):
    # thanos#1326, where a rate of 168 came of what had risen by about 2.4 a second.
    both = rolled({"a": A, "b": B})
    assert both == [46906 + 42 + 24, 46906 + 42 + 24]


@pytest.mark.rule(36)
@pytest.mark.parametrize("first", ["a", "b"])
def test_r36_changing_between_replicas_is_neither_a_reset_nor_a_rise(
    first: str,
) -> None:
    ones = {"a": A, "b": B}
    other = "b" if first == "a" else "a"
    ends = {first: ones[first][:5], other: ones[other]}
    early = [one for one in ends[other] if one[0] >= 42_000]
    found = rolled({first: ends[first], other: early})
    alone = rolled({first: ends[first]})
    assert found[0] == alone[0]
    assert 0 <= found[1] - found[0] <= 201 - 66
    stuck = every_14_s(47000, 47000, 47000, 47000, 47000, 47000)
    late = [one for one in stuck if one[0] >= 42_000]
    found = rolled({"a": A[:5], "b": late})
    assert found[1] - found[0] == 0


@pytest.mark.rule(37)
def test_r37_counters_stay_monotone_where_one_replica_lags() -> None:
    # Thanos, pkg/dedup/iter_test.go.
    a = [(10_000, 8.0), (20_000, 9.0), (50_001, 10.0), (100_000, 15.0)]
    b = [(10_001, 8.0), (45_001, 8.5), (55_001, 9.5), (65_001, 10.5)]
    for ones in ({"a": a, "b": b}, {"b": a, "a": b}, {"a": a[:3], "b": b}):
        totals = rolled(ones)
        assert totals == sorted(totals)
        assert totals[-1] <= 15


@pytest.mark.rule(36)
@pytest.mark.rule(37)
@given(
    rises=st.lists(st.integers(0, 9), min_size=8, max_size=40),
    gone=st.sets(st.tuples(st.sampled_from("ab"), st.integers(0, 9))),
    lag=st.integers(1, 14_999),
)
def test_r36_one_counter_is_one_counter_whoever_looks_at_it(
    *, rises: list[int], gone: set[tuple[str, int]], lag: int
) -> None:
    """Two replicas of one counter without resets, each absent in some minutes.

    Whatever is listened to, what is counted is never more than what it rose.
    """
    values = [float(sum(rises[: n + 1])) for n in range(len(rises))]
    seen = {
        "a": [(15_000 * n, value) for n, value in enumerate(values)],
        "b": [(15_000 * n + lag, value) for n, value in enumerate(values)],
    }
    kept = {
        name: [one for one in samples if (name, one[0] // MINUTE_MS) not in gone]
        for name, samples in seen.items()
    }
    if not any(kept.values()):
        return
    totals = rolled({name: ones for name, ones in kept.items() if ones})
    assert totals == sorted(totals)
    assert math.isclose(max(totals), min(max(totals), values[-1]))
