from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any, Never

import pytest
import structlog.testing

from exporter.collectors.base import Collector, Family, Metric, NothingHere
from exporter.registry import Registry, Report, UnknownCollector
from runtime.clock import SystemClock
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ONE = Metric("node_one", "gauge", "One.")


class Scripted:
    """A collector that does what it is told."""

    def __init__(self, act: Callable[[], Iterable[Family]]) -> None:
        self.act = act

    def collect(self) -> Iterable[Family]:
        return self.act()


def _good() -> list[Family]:
    return [ONE.of(1)]


def _bad() -> Never:
    raise OSError(5, "Input/output error")


def _nothing() -> Never:
    raise NothingHere("no such hardware")


def _registry(deadline: float = 30.0, **collectors: Collector) -> Registry:
    return Registry(
        collectors,
        deadline=deadline,
        clock=SystemClock(),
        known=("good", "bad", "other"),
        aliases={"legacy": "good"},
    )


def _success(registry: Registry) -> dict[str, float]:
    found = values(registry.scrape(registry.names).families)
    return {
        name: value for (name,), value in found["node_scrape_collector_success"].items()
    }


def test_each_collector_has_duration_and_success() -> None:
    registry = _registry(good=Scripted(_good))
    scrape = registry.scrape(registry.names)
    found = values(scrape.families)
    duration = found.pop("node_scrape_collector_duration_seconds")
    assert duration.keys() == {("good",)}
    assert duration["good",] >= 0
    assert found == {
        "node_one": {(): 1},
        "node_scrape_collector_success": {("good",): 1},
    }


def test_a_collector_that_raises_costs_the_others_nothing() -> None:
    registry = _registry(bad=Scripted(_bad), good=Scripted(_good))
    scrape = registry.scrape(registry.names)
    assert values(scrape.families)["node_one"] == {(): 1}
    assert [(r.name, r.state, r.reason) for r in scrape.reports] == [
        ("bad", "failed", "OSError: [Errno 5] Input/output error"),
        ("good", "ok", ""),
    ]
    assert _success(registry) == {"bad": 0, "good": 1}


def test_a_collector_that_fails_half_way_gives_nothing() -> None:
    def half() -> Iterator[Family]:
        yield ONE.of(1)
        raise RuntimeError("half way")

    registry = _registry(half=Scripted(half))
    scrape = registry.scrape(registry.names)
    assert "node_one" not in values(scrape.families)
    assert scrape.reports[0].reason == "RuntimeError: half way"


def test_nothing_to_measure_is_neither_success_nor_failure() -> None:
    registry = _registry(nothing=Scripted(_nothing))
    (report,) = registry.scrape(registry.names).reports
    assert report == Report(
        "nothing", "nothing here", report.seconds, "no such hardware"
    )
    assert _success(registry) == {"nothing": 0}


@pytest.mark.setting("exporter.deadline")
class Samples(list[tuple[tuple[str, ...], float]]):
    """Samples that a weak reference can point to."""


@pytest.mark.parametrize("fails", [_bad, _nothing])
def test_a_scrape_is_gone_with_its_answer(fails: Callable[[], Never]) -> None:
    seen: list[weakref.ref[Samples]] = []

    def remembered() -> list[Family]:
        samples = Samples([((), 1.0)])
        seen.append(weakref.ref(samples))
        return [Family(ONE, samples)]

    registry = _registry(good=Scripted(remembered), bad=Scripted(fails))
    gc.disable()
    try:
        for _ in range(3):
            registry.scrape(registry.names)
        # A lane holds the last round until it gets the next one.
        assert [one() is None for one in seen[:-1]] == [True, True]
    finally:
        gc.enable()


def test_a_collector_that_hangs_is_left_behind_at_its_deadline() -> None:
    let_go = threading.Event()
    started: list[int] = []

    def hang() -> list[Family]:
        started.append(1)
        let_go.wait(30)
        return _good()

    registry = _registry(deadline=0.25, hung=Scripted(hang), good=Scripted(_good))
    for _ in range(3):
        scrape = registry.scrape(registry.names)
        assert [report.state for report in scrape.reports] == ["hung", "ok"]
        assert values(scrape.families)["node_one"] == {(): 1}
    assert started == [1]
    let_go.set()


def test_a_scraper_with_less_time_is_answered_in_its_time() -> None:
    let_go = threading.Event()

    def hang() -> list[Family]:
        let_go.wait(30)
        return []

    registry = _registry(deadline=30.0, hung=Scripted(hang))
    (report,) = registry.scrape(registry.names, deadline=0.25).reports
    assert report.state == "hung"
    let_go.set()


def test_a_scraper_with_more_time_gets_no_more_than_the_settings_say() -> None:
    let_go = threading.Event()

    def hang() -> list[Family]:
        let_go.wait(30)
        return []

    registry = _registry(deadline=0.25, hung=Scripted(hang))
    (report,) = registry.scrape(registry.names, deadline=30.0).reports
    assert report.state == "hung"
    let_go.set()


def test_a_change_is_logged_once_and_not_at_every_scrape() -> None:
    collector = Scripted(_good)
    registry = _registry(disk=collector)

    def log_of(act: Callable[[], Iterable[Family]], scrapes: int) -> list[Any]:
        collector.act = act
        with structlog.testing.capture_logs() as logs:
            for _ in range(scrapes):
                registry.scrape(registry.names)
        return [
            (line["log_level"], line["event"], line.get("reason"))
            for line in logs
            if "exc_info" not in line
        ]

    def other() -> Never:
        raise ValueError("broken")

    reason = "OSError: [Errno 5] Input/output error"
    assert log_of(_good, 3) == []
    assert log_of(_bad, 3) == [("warning", "collector has no answer", reason)]
    assert log_of(other, 2) == [
        ("warning", "collector has no answer", "ValueError: broken")
    ]
    assert log_of(_good, 2) == [("info", "collector works again", None)]
    assert log_of(_nothing, 2) == [
        ("debug", "collector has nothing to measure", "no such hardware")
    ]


@pytest.mark.parametrize(
    ("collect", "exclude", "names"),
    [
        ([], [], ("good", "bad")),
        (["bad"], [], ("bad",)),
        (["bad", "good", "bad"], [], ("good", "bad")),
        (["legacy"], [], ("good",)),
        ([], ["good"], ("bad",)),
        ([], ["legacy", "bad"], ()),
    ],
)
def test_filters_choose_collectors(
    collect: list[str], exclude: list[str], names: tuple[str, ...]
) -> None:
    registry = _registry(good=Scripted(_good), bad=Scripted(_bad))
    assert registry.choose(collect, exclude) == names


@pytest.mark.parametrize(
    ("collect", "exclude", "reason"),
    [
        (["good"], ["bad"], "collect[] and exclude[] exclude each other"),
        (["nix"], [], "unknown collector 'nix'; enabled are good, bad"),
        (["other"], [], "disabled collector 'other'; enabled are good, bad"),
        ([], ["nix"], "unknown collector 'nix'; enabled are good, bad"),
    ],
)
def test_filters_that_cannot_be_met_are_refused_with_the_reason(
    collect: list[str], exclude: list[str], reason: str
) -> None:
    registry = _registry(good=Scripted(_good), bad=Scripted(_bad))
    with pytest.raises(UnknownCollector) as refused:
        registry.choose(collect, exclude)
    assert str(refused.value) == reason
