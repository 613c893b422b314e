from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import SourceError
from bridge.sources.known import KnownSeries
from bridge.sources.metadata import Description
from tests.bridge.sources.reading import Directory

if TYPE_CHECKING:
    from collections.abc import Sequence


def raw(name: str, **labels: str) -> bytes:
    return json.dumps({"__name__": name, **labels}).encode()


class Kinds:
    """Says of every metric that ends in _total that it is a counter."""

    def __init__(self) -> None:
        self.counters = "_total"

    def describe(self, labels: Sequence[dict[str, str]]) -> list[Description]:
        return [
            Description(
                "counter" if found["__name__"].endswith(self.counters) else "gauge",
                f"Help of {found['__name__']}.",
                "s",
            )
            for found in labels
        ]


def known() -> tuple[KnownSeries, Directory, Kinds]:
    directory, kinds = Directory(), Kinds()
    return KnownSeries(directory.resolve, kinds.describe), directory, kinds


def test_series_are_resolved_once_with_all_that_is_known_of_them() -> None:
    series, directory, _ = known()
    asked = [raw("a_total", job="j", empty="", instance="i"), raw("b")]
    slots = series.slots(asked)
    assert series.ids[slots].tolist() == [100, 101]
    assert series.counter[slots].tolist() == [True, False]
    assert [series.targets[at] for at in series.target[slots]] == [("j", "i"), ("", "")]
    assert [(fact.metric, fact.labels, fact.kind) for fact in directory.asked] == [
        ("a_total", '{"instance":"i","job":"j"}', "counter"),
        ("b", "{}", "gauge"),
    ]
    assert (directory.asked[0].help, directory.asked[0].unit) == (
        "Help of a_total.",
        "s",
    )
    again = series.slots([raw("c"), asked[1], asked[0], raw("c")])
    assert series.ids[again].tolist() == [102, 101, 100, 102]
    assert len(directory.asked) == 3


def test_the_same_labels_written_otherwise_are_the_same_series() -> None:
    series, _, _ = known()
    slots = series.slots([b'{"__name__":"a","b":"c"}', b'{"b":"c","__name__":"a"}'])
    assert series.ids[slots].tolist() == [100, 100]


@pytest.mark.parametrize("labels", [b'{"a":1}', b'{"a":"\xff"}', b'["a"]', b"{"])
def test_labels_that_cannot_be_read_are_garbage(labels: bytes) -> None:
    series, _, _ = known()
    with pytest.raises(SourceError) as caught:
        series.slots([labels])
    assert caught.value.reason == "garbage"


def test_series_that_went_away_are_forgotten_and_the_others_stay_as_they_are() -> None:
    series, directory, _ = known()
    stays = [raw(f"stays_{n}_total", job=f"j{n}") for n in range(10)]
    for reading in range(30):
        fleeting = [raw("fleeting", pod=f"{reading}-{n}") for n in range(1000)]
        slots = series.slots([*fleeting, *stays])
        assert series.ids[slots[-10:]].tolist() == list(range(1100, 1110))
        assert series.counter[slots[-10:]].all()
        assert [series.targets[at] for at in series.target[slots[-10:]]] == [
            (f"j{n}", "") for n in range(10)
        ]
        series.finish_reading()
        assert len(series) <= 2 * 1010 + 10_000 + 1010
    assert len(directory.asked) == 30 * 1000 + 10
    back = series.slots([raw("fleeting", pod="0-7")])
    assert series.ids[back].tolist() == [107]


def test_metrics_described_anew_are_resolved_again_with_the_same_ids() -> None:
    series, directory, kinds = known()
    asked = [raw("a_total", job="x"), raw("b", job="y"), raw("c", job="z")]
    series.slots(asked)
    kinds.counters = "b"
    series.forget(lambda name: name == "b")
    slots = series.slots(asked)
    assert series.ids[slots].tolist() == [100, 101, 102]
    assert series.counter[slots].tolist() == [True, True, False]
    assert [fact.metric for fact in directory.asked] == ["a_total", "b", "c", "b"]
    assert [series.targets[at][0] for at in series.target[slots]] == ["x", "y", "z"]


def test_no_series_at_all_is_fine() -> None:
    series, _, _ = known()
    assert series.slots([]).tolist() == []
    series.finish_reading()
    series.forget(lambda _: True)
    assert len(series) == 0
