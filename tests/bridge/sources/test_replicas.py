from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.sources.replicas import Replicas, Up, Ups, choose

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

END = 1_700_000_100_000
TARGET = ("node", "a:9100")


def up(replica: str, *scrapes: tuple[int, bool]) -> Up:
    """A replica's scrapes as (seconds before the end, whether with success)."""
    ordered = sorted(scrapes, reverse=True)
    return Up(
        {"job": "node", "instance": "a:9100"},
        replica,
        np.array([END - 1000 * second for second, _ in ordered], np.int64),
        np.array([good for _, good in ordered], np.bool_),
    )


def steady(replica: str, seconds: Sequence[int], *, good: bool = True) -> Up:
    return up(replica, *((second, good) for second in seconds))


def replicas(*ups: Up, counts: Mapping[str, int] | None = None) -> Replicas:
    of: Ups = {TARGET: list(ups)} if ups else {}

    def count(
        targets: Collection[tuple[str, str]],
    ) -> Mapping[tuple[str, str], Mapping[str, int]]:
        return {target: counts or {} for target in targets}

    return Replicas(of, END, count)


@pytest.mark.rule(35)
@pytest.mark.parametrize(
    ("samples", "chosen"),
    [
        ({"b": 4, "a": 4}, "a"),
        ({"b": 4, "a": 2}, "a"),
        ({"b": 4, "a": 1}, "b"),
        ({"b": 4, "a": 0}, "b"),
        ({"c": 1, "a": 0, "b": 0}, "c"),
        ({"a": 0}, None),
        ({}, None),
    ],
)
def test_r35_the_first_replica_feeds_unless_it_is_absent(
    samples: dict[str, int], chosen: str | None
) -> None:
    assert choose(samples) == chosen


@pytest.mark.rule(35)
def test_r35_scrapes_of_the_window_decide_and_nothing_else() -> None:
    before = range(61, 120, 15)
    both = [steady("a", [*before, 50, 35, 20, 5]), steady("b", range(1, 120, 15))]
    assert replicas(*both).of(TARGET) == "a"
    assert replicas(*reversed(both)).of(TARGET) == "a"
    gone = [steady("a", [*before, 50]), steady("b", range(1, 120, 15))]
    assert replicas(*gone).of(TARGET) == "b"


@pytest.mark.rule(35)
def test_r35_a_replica_that_cannot_reach_a_target_is_absent() -> None:
    seconds = [50, 35, 20, 5]
    blind = steady("a", seconds, good=False)
    assert replicas(blind, steady("b", seconds)).of(TARGET) == "b"
    assert replicas(blind, steady("b", seconds, good=False)).of(TARGET) == "a"


@pytest.mark.rule(35)
def test_r35_targets_without_up_are_chosen_by_their_samples() -> None:
    assert replicas(counts={"b": 100, "a": 49}).of(TARGET) == "b"
    assert replicas(counts={"b": 100, "a": 50}).of(TARGET) == "a"
    assert replicas().of(TARGET) is None


@pytest.mark.rule(35)
def test_r35_series_of_other_replicas_are_left_out() -> None:
    found = replicas(steady("b", [5])).feeds(
        [TARGET, ("x", "y")],
        ["a", "b", ""],
        np.array([0, 0, 0, 1]),
        np.array([0, 1, 2, 2]),
    )
    assert found.tolist() == [False, True, False, False]


@pytest.mark.rule(36)
def test_r36_a_change_from_the_minute_before_is_seen() -> None:
    old, new = range(62, 120, 15), range(2, 60, 15)
    assert replicas(steady("a", old), steady("b", new)).has_switched
    assert not replicas(steady("a", [*old, *new]), steady("b", new)).has_switched
    assert not replicas(steady("b", new)).has_switched
    assert not replicas().has_switched
