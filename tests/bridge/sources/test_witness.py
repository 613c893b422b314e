from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bridge.sources.base import Block, Warnings
from tests.bridge.sources.reading import Harness
from tests.fake_prometheus import FakePrometheus, labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes import FakeClock
    from tests.web import Asked, Told

START = 1_700_000_040_000
END = START + 60_000


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        yield fake


def harness(server: FakePrometheus, clock: FakeClock, **changed: Any) -> Harness:
    return Harness(server.url, clock, **{"retries": 0, "transport": "http", **changed})


def every_15_s(first: int, count: int, value: float = 1.0) -> list[tuple[int, float]]:
    return [(START + first + 15_000 * n, value) for n in range(count)]


def blocks(bench: Harness) -> dict[tuple[Any, ...], tuple[Block, int]]:
    found = {}
    for part in bench.source.read(START, END, Warnings()):
        assert isinstance(part, Block)
        names = bench.directory.names()
        for place, number in enumerate(part.series_id.tolist()):
            found[names[number]] = part, place
    return found


def absent(bench: Harness, name: str, **to: str) -> int:
    """Ask of a series of the window; return milliseconds from START, or 0."""
    part, place = blocks(bench)[labels(name, **to)]
    first = part.times[part.offsets[place] : part.offsets[place] + 1]
    (found,) = bench.source.absent(
        part.series_id[place : place + 1], first - 31_000, first, START
    ).tolist()
    return int(found and found - START)


TARGET = {"job": "j", "instance": "i"}


@pytest.mark.rule(25)
def test_r25_a_target_that_was_scraped_without_a_series_is_found_by_its_up(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", every_15_s(-45_000, 7), **TARGET)
    server.add("x_total", every_15_s(30_000, 2), **TARGET)
    server.add("y_total", every_15_s(0, 4), **TARGET)
    server.add("z_total", every_15_s(-15_000, 5), **TARGET)
    server.add("w_total", every_15_s(0, 4), job="j", instance="other")
    with closing(harness(server, clock, selectors=('{__name__=~"._total"}',))) as bench:
        assert absent(bench, "x_total", **TARGET) == 15_000
        assert absent(bench, "y_total", **TARGET) == -15_000
        assert absent(bench, "z_total", **TARGET) == 0
        assert absent(bench, "w_total", job="j", instance="other") == 0


@pytest.mark.rule(25)
def test_r25_scrapes_that_failed_show_nothing(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", every_15_s(-45_000, 3, 0.0), **TARGET)
    server.add("y_total", every_15_s(0, 4), **TARGET)
    with closing(harness(server, clock)) as bench:
        assert absent(bench, "y_total", **TARGET) == 0


@pytest.mark.rule(25)
def test_r25_targets_that_share_an_instance_are_told_apart_by_their_labels(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", every_15_s(-45_000, 7), **TARGET, path="/a")
    server.add("up", every_15_s(-45_000, 7, 0.0), **TARGET, path="/b")
    for path in ("/a", "/b", "/c"):
        server.add("x_total", every_15_s(30_000, 2), **TARGET, path=path)
    with closing(harness(server, clock)) as bench:
        assert absent(bench, "x_total", **TARGET, path="/a") == 15_000
        assert absent(bench, "x_total", **TARGET, path="/b") == 0
        assert absent(bench, "x_total", **TARGET, path="/c") == 0


def test_windows_without_new_counters_ask_for_nothing_more(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x_total", every_15_s(0, 4), **TARGET)
    with closing(harness(server, clock)) as bench:
        blocks(bench)
        server.web.asked.clear()
        blocks(bench)
        assert server.paths == ["query"]


@pytest.mark.rule(27)
def test_r27_starts_come_from_the_series_created(
    server: FakePrometheus, clock: FakeClock
) -> None:
    began = (START - 5_000) / 1000
    server.add("x_total", every_15_s(0, 4), **TARGET, code="1")
    server.add("x_created", every_15_s(0, 4, began), **TARGET, code="1")
    server.add("y_total", every_15_s(0, 4), **TARGET)
    server.add("pod_created", every_15_s(0, 4, began), **TARGET)
    with closing(harness(server, clock)) as bench:
        found = blocks(bench)
        part, place = found[labels("x_total", **TARGET, code="1")]
        assert part.started is not None
        inside = slice(part.offsets[place], part.offsets[place + 1])
        assert part.started[inside].tolist() == [START - 5_000] * 4
        part, place = found[labels("y_total", **TARGET)]
        assert part.started is None or not part.started[part.offsets[place]]
    assert not any("pod_created" in query for query in server.range_queries)


@pytest.mark.rule(27)
def test_r27_a_clock_ahead_makes_no_restart_over_the_border_of_a_window(
    server: FakePrometheus, clock: FakeClock
) -> None:
    ahead = (START + 5_000) / 1000
    said = every_15_s(15_000, 3, ahead)
    for name, before in (("x", every_15_s(-15_000, 1, ahead)), ("y", [])):
        server.add(f"{name}_total", every_15_s(-15_000, 5), **TARGET)
        server.add(f"{name}_created", before + said, **TARGET)
    with closing(harness(server, clock)) as bench:
        found = blocks(bench)
        for name, start in (("x", 0), ("y", START + 5_000)):
            part, place = found[labels(f"{name}_total", **TARGET)]
            assert part.started is not None
            assert part.started[part.offsets[place + 1] - 1] == start


@pytest.mark.rule(35)
@pytest.mark.setting("sources.prometheus.replica_label")
def test_r35_one_replica_feeds_a_target_and_its_label_is_no_identity(
    server: FakePrometheus, clock: FakeClock
) -> None:
    for replica, value, first in (("b", 2.0, 0), ("a", 1.0, 2_000)):
        to = {**TARGET, "replica": replica}
        server.add("up", every_15_s(first - 60_000, 8), **to)
        server.add("x_total", every_15_s(first, 4, value), **to)
    with closing(harness(server, clock, replica_label="replica")) as bench:
        read = bench.read(START, END)
        assert read.samples[labels("x_total", **TARGET)] == every_15_s(2_000, 4)
        assert set(read.samples) == {
            labels("x_total", **TARGET),
            labels("up", **TARGET),
        }
    with closing(harness(server, clock)) as bench:
        assert len(bench.read(START, END).samples) == 4


@pytest.mark.rule(36)
def test_r36_after_a_change_the_new_replica_says_what_came_before(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("up", every_15_s(-60_000, 4), **TARGET, replica="a")
    server.add("up", every_15_s(-58_000, 8), **TARGET, replica="b")
    server.add("x_total", every_15_s(-60_000, 4), **TARGET, replica="a")
    server.add("x_total", every_15_s(-58_000, 8, 3.0), **TARGET, replica="b")
    with closing(harness(server, clock, replica_label="replica")) as bench:
        (part, place) = blocks(bench)[labels("x_total", **TARGET)]
        inside = slice(part.offsets[place], part.offsets[place + 1])
        assert part.times[inside].tolist() == [
            time for time, _ in every_15_s(-58_000, 8)
        ]
        assert np.all(part.values[inside] == 3.0)


@pytest.mark.rule(38)
def test_r38_a_histogram_comes_from_one_replica_as_a_whole(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.metadata = {"h": [{"type": "histogram", "help": "", "unit": ""}]}
    for replica, count, first in (("b", 9.0, 0), ("a", 5.0, 2_000)):
        to = {**TARGET, "replica": replica}
        server.add("up", every_15_s(first, 4), **to)
        for bound in ("1", "+Inf"):
            server.add("h_bucket", every_15_s(first, 4, count), le=bound, **to)
        server.add("h_count", every_15_s(first, 4, count), **to)
        server.add("h_sum", every_15_s(first, 4, count), **to)
    with closing(harness(server, clock, replica_label="replica")) as bench:
        (family,) = bench.read(START, END).families
    assert family.times.tolist() == [time for time, _ in every_15_s(2_000, 4)]
    assert set(family.observations.tolist()) == {5.0}
    assert set(family.cumulative.ravel().tolist()) == {5.0}


@pytest.mark.rule(35)
def test_r35_targets_without_up_are_counted_by_the_server(
    server: FakePrometheus, clock: FakeClock
) -> None:
    for replica, samples in (("a", 1), ("b", 4)):
        server.add("x", every_15_s(0, samples), job="rules", replica=replica)

    def count(asked: Asked) -> Told | None:
        query = asked.fields.get("query", "")
        if not query.startswith("sum by(job,instance,replica)(count_over_time("):
            return None
        found = [
            {"metric": {"job": "rules", "replica": name}, "value": [0, str(size)]}
            for name, size in (("a", 1), ("b", 4))
        ]
        return server.success({"resultType": "vector", "result": found})

    server.interfere = count
    with closing(harness(server, clock, replica_label="replica")) as bench:
        read = bench.read(START, END)
    assert read.samples == {labels("x", job="rules"): every_15_s(0, 4)}
