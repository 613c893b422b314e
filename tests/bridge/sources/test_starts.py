from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.sources.base import Block
from bridge.sources.starts import Starts, base_of, created_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LABELS = {"job": "j", "instance": "i"}


def block(*times: list[int]) -> Block:
    lengths = [len(one) for one in times]
    flat = np.array([time for one in times for time in one], np.int64)
    return Block(
        series_id=np.arange(len(times)),
        offsets=np.cumsum([0, *lengths]),
        times=flat,
        values=np.zeros(len(flat)),
        expected=np.full(len(times), 4),
        counter=np.ones(len(times), np.bool_),
    )


def told(
    starts: Starts, given: Block, names: list[str], labels: list[dict[str, str]]
) -> list[int] | None:
    def of(places: NDArray[np.int64]) -> list[Mapping[str, str]]:
        return [labels[place] for place in places.tolist()]

    found = starts.of(given, names, of).started
    return None if found is None else found.tolist()


def said(*samples: tuple[int, float], **labels: str) -> Starts:
    starts = Starts()
    times, values = zip(*samples, strict=True)
    starts.add(
        {"__name__": "x_created", **LABELS, **labels},
        np.array(times, np.int64),
        np.array(values, np.float64),
    )
    return starts


@pytest.mark.parametrize(
    ("name", "base"),
    [("x_total", "x"), ("x_bucket", "x"), ("x_sum", "x"), ("x", "x"), ("_total", "")],
)
def test_a_part_belongs_to_its_family(name: str, base: str) -> None:
    assert base_of(name) == base


def test_only_starts_of_something_are_asked_for() -> None:
    names = ["x_total", "x_created", "kube_pod_created", "h_bucket", "h_created", "y"]
    assert created_names(names) == ["h_created", "x_created"]
    assert created_names([]) == []


@pytest.mark.rule(27)
def test_r27_each_sample_has_the_start_that_was_said_last() -> None:
    starts = said((1_000, 0.5), (16_000, 0.5), (31_000, 20.25))
    given = block([0, 1_000, 16_000, 31_000, 46_000], [31_000])
    names = ["x_total", "x_total"]
    labels = [{"__name__": "x_total", **LABELS}, {"__name__": "x_total", "job": "k"}]
    assert told(starts, given, names, labels) == [0, 500, 500, 20_250, 20_250, 0]


@pytest.mark.rule(27)
def test_r27_a_start_that_was_said_before_it_came_is_of_a_clock_ahead() -> None:
    starts = said((15_000, 50.0), (45_000, 50.0), (75_000, 50.0), (90_000, 80.0))
    given = block([15_000, 45_000, 75_000, 90_000])
    labels = [{"__name__": "x_total", **LABELS}]
    assert told(starts, given, ["x_total"], labels) == [0, 0, 0, 80_000]


@pytest.mark.rule(27)
def test_r27_what_was_said_before_a_window_may_be_heard_later() -> None:
    starts = said((75_000, 50.0), (90_000, 50.0))
    starts.add(
        {"__name__": "y_created"}, np.array([75_000, 90_000]), np.array([20.0, 80.0])
    )
    starts.add({"__name__": "z_created"}, np.array([75_000]), np.array([80.0]))
    assert starts.unsure(60_000) == ["x_created", "y_created"]
    assert starts.unsure(50_000 + 121_000) == ["x_created"]
    assert starts.unsure(50_001 + 121_000) == []
    starts.add(
        {"__name__": "x_created", **LABELS},
        np.array([15_000, 45_000, 75_000]),
        np.array([50.0, 50.0, 50.0]),
    )
    labels = [{"__name__": "x_total", **LABELS}]
    assert told(starts, block([75_000, 90_000]), ["x_total"], labels) is None


def test_parts_of_a_histogram_share_the_start_of_their_family() -> None:
    given = block([5_000])
    labels = [{"__name__": "x_bucket", "le": "0.5", **LABELS}]
    assert told(said((5_000, 2.0)), given, ["x_bucket"], labels) == [2_000]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_what_is_no_time_says_nothing(value: float) -> None:
    labels = [{"__name__": "x_total", **LABELS}]
    assert told(said((0, value)), block([5_000]), ["x_total"], labels) is None


def test_without_starts_nothing_is_looked_at() -> None:
    assert told(Starts(), block([5_000]), [], []) is None
