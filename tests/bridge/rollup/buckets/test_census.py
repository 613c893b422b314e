from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from bridge.rollup.aggregate import aggregate
from bridge.rollup.buckets.census import Census
from bridge.rollup.buckets.distinct import estimate
from bridge.rollup.merge import merge
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Resolution, Window
from runtime.rollup_settings import Rollup
from tests.bridge.rollup.builders import HOUR, Line, block, previous
from tests.bridge.sources.reading import Directory

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = HOUR * 1000


class Bench:
    """A census of series that a test names."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.names: list[tuple[str, dict[str, str]]] = []
        self.directory = Directory()
        told = Rollup.model_validate({"distinct": rules}).distinct
        self.census = Census(told, self.describe, self.directory.resolve)

    def describe(self, ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        return [self.names[number] for number in ids]

    def line(
        self, metric: str, *values: float, counter: bool = False, **labels: str
    ) -> Line:
        """Return a series that has these values in the window, and had 1 before."""
        if (metric, labels) not in self.names:
            self.names.append((metric, labels))
        samples = [(MS + 1000 * n, value) for n, value in enumerate(values)]
        number = self.names.index((metric, labels))
        return Line(samples, number, counter=counter, previous=1, previous_at=MS - 9)

    def count(self, *lines: Line) -> dict[str, tuple[float, Rows]]:
        rows = aggregate(block(*lines), Window(HOUR), previous(*lines))
        found = self.census.of(
            [rows.take(slice(0, 1)), rows.take(slice(1, None))], Window(HOUR)
        )
        names = {known: labels for (_, labels), known in self.directory.ids.items()}
        return {
            names[number]: (round(float(found.last[at])), found.take(slice(at, at + 1)))
            for at, number in enumerate(found.series_id.tolist())
        }


CLIENTS = {"name": "clients", "match": "requests_total", "label": "ip"}


def estimates(found: dict[str, tuple[float, Rows]]) -> dict[str, float]:
    return {labels: number for labels, (number, _) in found.items()}


@pytest.mark.setting("rollup.distinct.name")
@pytest.mark.setting("rollup.distinct.match")
@pytest.mark.setting("rollup.distinct.label")
def test_values_of_a_label_are_counted_once_each() -> None:
    bench = Bench(CLIENTS)
    lines = [
        bench.line(
            "requests_total", 2, counter=True, ip=f"10.0.0.{n % 20}", path=f"{n}"
        )
        for n in range(60)
    ]
    lines.append(bench.line("requests_total", 5, counter=True, path="without"))
    lines.append(bench.line("others_total", 5, counter=True, ip="10.1.1.1"))
    found = bench.count(*lines)
    assert estimates(found) == {'{"of":"clients"}': 20}
    (fact,) = bench.directory.asked
    assert (fact.metric, fact.kind) == ("epimetheus_distinct", "distinct")
    ((_, row),) = found.values()
    assert row.start.tolist() == [HOUR]
    assert row.max.tolist() == row.last.tolist() == [estimate(row.buckets[0])]
    assert np.isnan([row.sum[0], row.min[0], row.first[0], row.increase[0]]).all()
    assert (row.count[0], row.expected[0], row.flags[0]) == (1, 1, Flag.NO_SUM)


@pytest.mark.setting("rollup.distinct.by")
def test_groups_are_counted_apart() -> None:
    bench = Bench({**CLIENTS, "by": ["job", "zone"]})
    found = bench.count(
        *(
            bench.line("requests_total", 2, ip=f"{n}", job=f"j{n % 2}")
            for n in range(5)
        ),
        bench.line("requests_total", 2, ip="x", job="j0", zone="z"),
    )
    assert estimates(found) == {
        '{"job":"j0","of":"clients"}': 3,
        '{"job":"j1","of":"clients"}': 2,
        '{"job":"j0","of":"clients","zone":"z"}': 1,
    }


def test_counters_count_where_they_rose_and_gauges_where_they_were() -> None:
    bench = Bench({"name": "all", "match": '{__name__=~".+"}', "label": "ip"})
    found = bench.count(
        bench.line("requests_total", 1, 1, counter=True, ip="idle"),
        bench.line("requests_total", 1, 2, counter=True, ip="busy"),
        bench.line("sessions", 0, ip="there"),
        bench.line("sessions", float("nan"), ip="nan"),
    )
    assert estimates(found) == {'{"of":"all"}': 2}


@pytest.mark.rule(57)
def test_r57_one_client_of_1440_minutes_is_one_client_of_the_day() -> None:
    bench = Bench(CLIENTS)
    ((_, minute),) = bench.count(bench.line("requests_total", 2, ip="a")).values()
    day = Resolution.DAY.floor(HOUR)
    minutes = [
        Rows(
            **{
                **dict(zip(minute.__slots__, minute.columns(), strict=True)),
                "start": np.array([day + 60 * n]),
            }
        )
        for n in range(1440)
    ]
    merged = merge([merge(minutes, Resolution.HOUR)], Resolution.DAY)
    assert merged.count.tolist() == merged.expected.tolist() == [1440]
    assert np.rint([merged.last[0], merged.max[0]]).tolist() == [1, 1]


def test_who_came_later_is_in_the_union() -> None:
    bench = Bench(CLIENTS)
    ((_, one),) = bench.count(bench.line("requests_total", 2, ip="a")).values()
    ((_, two),) = bench.count(bench.line("requests_total", 2, ip="b")).values()
    later = Rows(
        **{
            **dict(zip(two.__slots__, two.columns(), strict=True)),
            "start": two.start + 60,
        }
    )
    assert round(float(merge([one, later], Resolution.HOUR).last[0])) == 2


def test_nothing_to_count_makes_no_row() -> None:
    bench = Bench(CLIENTS)
    assert bench.count(bench.line("sessions", 1, ip="a")) == {}
    assert bench.directory.asked == []


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([CLIENTS, CLIENTS], "the name 'clients' is used twice"),
        ([{**CLIENTS, "by": ["of"]}], "by: the label of is given to"),
        ([{**CLIENTS, "by": ["ip"]}], "by: the label ip is counted"),
        ([{**CLIENTS, "label": ""}], "at least 1 item"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    rules: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Rollup.model_validate({"distinct": rules})
