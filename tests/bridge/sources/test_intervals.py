from __future__ import annotations

import pytest

from bridge.sources.api import ActiveTarget
from bridge.sources.base import SourceError
from bridge.sources.intervals import Intervals, samples_per_minute

CONFIG = """\
global:
  scrape_timeout: 10s
  scrape_interval: 1m30s
  evaluation_interval: 5s
scrape_configs:
- job_name: a
  scrape_interval: 7s
"""


def target(job: str, instance: str, interval: str) -> ActiveTarget:
    return ActiveTarget({"job": job, "instance": instance}, interval)


def read(targets: list[ActiveTarget], config: str) -> Intervals:
    intervals = Intervals(lambda: targets, lambda: config)
    intervals.refresh()
    return intervals


def test_a_series_has_the_interval_of_its_target_else_the_global_one() -> None:
    intervals = read([target("a", "h:1", "15s"), target("b", "h:1", "500ms")], CONFIG)
    assert intervals.of(("a", "h:1")) == 15_000
    assert intervals.of(("b", "h:1")) == 500
    assert intervals.of(("a", "h:2")) == 90_000
    assert intervals.of(("", "")) == 90_000


def test_of_targets_with_equal_labels_the_longest_interval_counts() -> None:
    targets = [target("a", "h", "15s"), target("a", "h", "1m"), target("a", "h", "30s")]
    assert read(targets, CONFIG).of(("a", "h")) == 60_000


def test_what_says_no_interval_is_unknown() -> None:
    intervals = read([target("a", "h", "soon")], "scrape_configs: []\n")
    assert intervals.of(("a", "h")) == 0


def test_a_server_without_targets_and_configuration_has_none() -> None:
    def missing() -> list[ActiveTarget]:
        raise SourceError("rejected", "404", permanent=True)

    def forbidden() -> str:
        raise SourceError("unauthorized", "403", permanent=True)

    intervals = Intervals(missing, forbidden)
    intervals.refresh()
    assert intervals.of(("a", "h")) == 0


def test_a_server_that_fails_is_an_error() -> None:
    def busy() -> list[ActiveTarget]:
        raise SourceError("status", "503")

    with pytest.raises(SourceError, match="503"):
        Intervals(busy, str).refresh()


@pytest.mark.parametrize(
    ("interval_ms", "samples"),
    [(15_000, 4), (60_000, 1), (1000, 60), (25_000, 2), (120_000, 0), (0, 0)],
)
def test_a_full_minute_holds_as_many_samples_as_intervals_fit(
    interval_ms: int, samples: int
) -> None:
    assert samples_per_minute(interval_ms) == samples
