from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.events.down import Down
from bridge.events.event import Event
from bridge.events.fingerprint import fingerprint
from tests.bridge.events.builders import MINUTE, seen

LABELS = {"instance": "127.0.0.1:9100", "job": "node"}


def test_zeros_of_up_are_failed_scrapes() -> None:
    row = seen("up", labels=LABELS, count=4, sum=1.0, min=0.0)
    assert Down().detect(row) == Event(
        source="main",
        fingerprint=fingerprint("down", LABELS),
        time=MINUTE * 1000,
        detector="down",
        category="availability",
        type="scrape_failed",
        message="Scrape of 127.0.0.1:9100 (job node) failed 3 of 4 times.",
        occurrences=3,
        endpoint="127.0.0.1:9100",
        workspace="shop",
        environment="production",
        metadata='{"labels":{"instance":"127.0.0.1:9100","job":"node"},"scrapes":4}',
    )


def test_a_target_that_was_always_up_is_no_event() -> None:
    assert Down().detect(seen("up", labels=LABELS)) is None


@pytest.mark.rule(42)
def test_r42_a_window_without_a_usable_sample_is_no_failure() -> None:
    row = seen("up", labels=LABELS, count=0, sum=None, min=None)
    assert Down().detect(row) is None


@pytest.mark.rule(84)
def test_r84_the_same_failure_keeps_its_fingerprint_whatever_it_counts() -> None:
    row = seen("up", labels=LABELS, sum=3.0)
    events = [
        Down().detect(row),
        Down().detect(row),
        Down().detect(replace(row, sum=0.0, start=MINUTE + 60)),
        Down().detect(replace(row, labels={**LABELS, "job": "other"})),
    ]
    first, again, later, other = (event for event in events if event is not None)
    assert first == again
    assert first.fingerprint == later.fingerprint != other.fingerprint
    assert (first.occurrences, later.occurrences) == (1, 4)


@pytest.mark.parametrize(
    ("metric", "wanted"), [("up", True), ("node_network_up", False), ("upness", False)]
)
def test_only_the_series_up_is_wanted(metric: str, *, wanted: bool) -> None:
    assert Down().wants(metric, LABELS) is wanted
