from __future__ import annotations

import pytest

from exporter.otlp.starts import Starts

BOOT, BEGIN = 100, 200


@pytest.mark.parametrize(
    ("metric", "start"),
    [
        ("node_forks_total", BOOT),
        ("system.cpu.time", BOOT),
        ("epimetheus_exporter_scrapes_total", BEGIN),
        ("netprobe_icmp_requests_total", BEGIN),
    ],
)
def test_counters_begin_with_the_host_or_with_the_program(
    metric: str, start: int
) -> None:
    starts = Starts(BOOT, BEGIN)
    assert starts.of(metric, (), 5, 300) == start
    assert starts.of(metric, (), 5, 310) == start
    assert starts.of(metric, (), 7, 320) == start


def test_a_counter_that_fell_began_when_it_was_last_seen() -> None:
    starts = Starts(BOOT, BEGIN)
    assert starts.of("a_total", ("x",), 5, 300) == BEGIN
    assert starts.of("a_total", ("x",), 2, 310) == 300
    assert starts.of("a_total", ("x",), 9, 320) == 300
    assert starts.of("a_total", ("x",), 0, 330) == 320
    assert starts.of("a_total", ("y",), 0, 330) == BEGIN
    assert starts.of("b_total", ("x",), 0, 330) == BEGIN


def test_what_vanished_is_remembered_for_a_while() -> None:
    starts = Starts(BOOT, BEGIN)
    starts.of("a_total", ("x",), 5, 300)
    starts.forget(310)
    assert starts.of("a_total", ("x",), 2, 320) == 300


def test_series_that_come_and_go_do_not_add_up() -> None:
    starts = Starts(BOOT, BEGIN)
    for now in range(1000, 2000):
        starts.of("a_total", (str(now),), 1, now)
        starts.of("a_total", ("stays",), now, now)
        starts.forget(now)
    assert len(starts._metrics["a_total"]) < 30
    assert starts.of("a_total", ("stays",), 1, 2000) == 1999


def test_nothing_begins_later_than_now_if_the_clock_was_set_back() -> None:
    starts = Starts(BOOT, BEGIN)
    assert starts.of("a_total", (), 5, 300) == BEGIN
    assert starts.of("a_total", (), 6, 50) == 50
    assert starts.of("a_total", (), 7, 60) == 50
    assert starts.of("node_forks_total", (), 7, 60) == 60
