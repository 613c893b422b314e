from __future__ import annotations

import pytest

from bridge.sources.api import MetadataEntry
from bridge.sources.base import SourceError
from bridge.sources.metadata import (
    Description,
    Family,
    Metadata,
    describe,
    families_of,
    is_affected,
)

FAMILIES = {
    "reqs_total": Family("counter", "Requests."),
    "om": Family("counter", "An OpenMetrics counter.", "bytes"),
    "temp": Family("gauge"),
    "lat": Family("histogram", "Latency.", "seconds"),
    "gh": Family("gaugehistogram"),
    "rpc": Family("summary"),
    "build": Family("info"),
    "state": Family("stateset"),
    "raw": Family("unknown", "Anything."),
    "raw_total": Family("untyped"),
    "jobs_count": Family("gauge"),
    "jobs": Family("histogram"),
}


@pytest.mark.rule(31)
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reqs_total", "counter"),
        ("om_total", "counter"),
        ("om", "counter"),
        ("om_created", "gauge"),
        ("temp", "gauge"),
        ("lat_bucket", "counter"),
        ("lat_sum", "counter"),
        ("lat_count", "counter"),
        ("lat_created", "gauge"),
        ("lat", "unknown"),
        ("gh_bucket", "gauge"),
        ("gh_gsum", "gauge"),
        ("gh_gcount", "gauge"),
        ("rpc", "gauge"),
        ("rpc_sum", "counter"),
        ("rpc_count", "counter"),
        ("build_info", "gauge"),
        ("state", "gauge"),
        ("raw", "unknown"),
        ("raw_total", "counter"),
        ("jobs_count", "gauge"),
        ("jobs_sum", "counter"),
        ("temp_total", "counter"),
        ("temp_sum", "unknown"),
        ("nobody", "unknown"),
        ("nobody_total", "counter"),
        ("nobody_bucket", "counter"),
        ("nobody_sum", "unknown"),
        ("up", "gauge"),
        ("scrape_duration_seconds", "gauge"),
        ("ALERTS", "gauge"),
    ],
)
def test_r31_the_family_decides_and_then_the_name(name: str, kind: str) -> None:
    labels = {"__name__": name, "le": "1"}
    assert describe(name, labels, FAMILIES).kind == kind


def test_a_bucket_without_a_bound_is_no_histograms() -> None:
    assert describe("leaky_bucket", {"job": "a"}, {}).kind == "unknown"


def test_help_and_unit_are_the_familys() -> None:
    labels = {"le": "1"}
    assert describe("lat_bucket", labels, FAMILIES) == Description(
        "counter", "Latency.", "seconds"
    )
    assert describe("raw", {}, FAMILIES) == Description("unknown", "Anything.")


def test_targets_that_contradict_each_other_say_nothing_of_the_type() -> None:
    assert families_of(
        {
            "agreed": [
                MetadataEntry("counter", "B.", ""),
                MetadataEntry("unknown", "", "bytes"),
                MetadataEntry("counter", "A.", ""),
            ],
            "disputed": [MetadataEntry("counter", "C."), MetadataEntry("gauge", "G.")],
            "empty": [],
        }
    ) == {
        "agreed": Family("counter", "A.", "bytes"),
        "disputed": Family("unknown", "C."),
        "empty": Family(),
    }


class Server:
    """Answers metadata and counts how often it is asked."""

    def __init__(self) -> None:
        self.said = {"a": [MetadataEntry("gauge")]}
        self.error: SourceError | None = None
        self.asked = 0

    def __call__(self) -> dict[str, list[MetadataEntry]]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.said


def test_reading_again_says_which_families_changed_and_keeps_the_others() -> None:
    server = Server()
    metadata = Metadata(server)
    assert metadata.refresh() == {"a"}
    assert metadata.refresh() == set()
    server.said = {"b": [MetadataEntry("counter")]}
    assert metadata.refresh() == {"b"}
    assert metadata.families == {"a": Family("gauge"), "b": Family("counter")}
    server.said = {"a": [MetadataEntry("counter")]}
    assert metadata.refresh() == {"a"}
    assert metadata.families == {"a": Family("counter"), "b": Family("counter")}


def test_a_new_name_is_asked_for_once_per_window_and_not_again() -> None:
    server = Server()
    metadata = Metadata(server)
    metadata.refresh()
    metadata.begin()
    assert metadata.learn(["a", "up"]) == set()
    assert server.asked == 1
    server.said = {**server.said, "new": [MetadataEntry("counter")]}
    assert metadata.learn(["new_total"]) == {"new"}
    assert metadata.learn(["other"]) == set()
    assert server.asked == 2
    metadata.begin()
    assert metadata.learn(["other", "new_total"]) == set()
    assert server.asked == 2
    assert metadata.learn(["another"]) == set()
    assert server.asked == 3


def test_a_server_without_metadata_says_nothing() -> None:
    server = Server()
    metadata = Metadata(server)
    server.error = SourceError("rejected", "404", permanent=True)
    assert metadata.refresh() == set()
    assert metadata.families == {}


def test_families_that_come_and_go_do_not_pile_up() -> None:
    server = Server()
    metadata = Metadata(server)
    for reading in range(10):
        server.said = {f"x{reading}_{n}": [] for n in range(3000)}
        metadata.refresh()
        assert len(metadata.families) <= 2 * 3000 + 10_000 + 3000
    assert server.said.keys() <= metadata.families.keys()


def test_a_server_that_fails_leaves_what_was_known() -> None:
    server = Server()
    metadata = Metadata(server)
    metadata.refresh()
    server.error = SourceError("status", "503")
    with pytest.raises(SourceError, match="503"):
        metadata.refresh()
    assert metadata.families == {"a": Family("gauge")}


def test_a_series_is_affected_by_the_family_of_its_name() -> None:
    assert is_affected("lat_bucket", {"lat"})
    assert is_affected("lat", {"lat"})
    assert not is_affected("latency", {"lat"})
