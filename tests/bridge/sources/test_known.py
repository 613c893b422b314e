from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import SourceError
from bridge.sources.known import KnownSeries
from bridge.sources.members import Role
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


def test_members_have_the_id_of_their_family_with_role_and_bound() -> None:
    directory = Directory()
    roles = {"h_bucket": Role.BUCKET, "h_sum": Role.SUM, "h_count": Role.COUNT}
    series = KnownSeries(
        directory.resolve,
        lambda labels: [
            Description("histogram", role=role)
            if (role := roles.get(found["__name__"], Role.ALONE))
            else Description("summary")
            for found in labels
        ],
    )
    asked = [
        raw("h_bucket", le="1", a="b"),
        raw("h_bucket", le="+Inf", a="b"),
        raw("h_sum", a="b"),
        raw("h_count", a="b"),
        raw("s", quantile="0.5"),
    ]
    slots = series.slots(asked)
    assert series.ids[slots].tolist() == [100, 100, 100, 100, 101]
    assert series.role[slots].tolist() == [1, 1, 2, 3, 0]
    assert series.bound[slots][:2].tolist() == [1.0, math.inf]
    assert series.bound[slots][2:].tolist() == [0.0, 0.0, 0.0]
    assert series.quantile[slots].tolist() == [False, False, False, False, True]
    assert not series.counter[slots].any()
    assert {(fact.metric, fact.labels, fact.kind) for fact in directory.asked} == {
        ("h", '{"a":"b"}', "histogram"),
        ("s", '{"quantile":"0.5"}', "summary"),
    }
    series.forget(lambda name: name == "h_count")
    assert len(series) == 4


def test_native_histograms_are_histograms_whatever_their_labels_say() -> None:
    series, directory, _ = known()
    slots = series.slots([raw("a_total")], native=True)
    assert series.ids[slots].tolist() == [100]
    assert series.role[slots].tolist() == [Role.ALONE]
    (fact,) = directory.asked
    assert (fact.kind, fact.help) == ("histogram", "Help of a_total.")


def test_native_histograms_rise_unless_they_are_gauges() -> None:
    series, directory, _ = known()
    slots = series.slots([raw("a_total"), raw("b")], native=True)
    assert series.counter[slots].tolist() == [True, False]
    assert [fact.kind for fact in directory.asked] == ["histogram", "gauge"]
