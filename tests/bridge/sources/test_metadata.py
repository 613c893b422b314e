from __future__ import annotations

import pytest

from bridge.sources.api import MetadataEntry
from bridge.sources.base import SourceError
from bridge.sources.members import Role
from bridge.sources.metadata import (
    Description,
    Family,
    Metadata,
    describe,
    families_of,
    family_of,
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
        ("lat_bucket", "histogram"),
        ("lat_sum", "histogram"),
        ("lat_count", "histogram"),
        ("lat_created", "gauge"),
        ("lat", "unknown"),
        ("gh", "gauge"),
        ("gh_bucket", "gauge"),
        ("gh_gsum", "gauge"),
        ("gh_gcount", "gauge"),
        ("rpc", "summary"),
        ("rpc_sum", "counter"),
        ("rpc_count", "counter"),
        ("build_info", "gauge"),
        ("state", "gauge"),
        ("raw", "unknown"),
        ("raw_total", "counter"),
        ("jobs_count", "gauge"),
        ("jobs_sum", "histogram"),
        ("temp_total", "counter"),
        ("temp_sum", "unknown"),
        ("nobody", "unknown"),
        ("nobody_total", "counter"),
        ("nobody_bucket", "histogram"),
        ("nobody_sum", "unknown"),
        ("up", "gauge"),
        ("scrape_duration_seconds", "gauge"),
        ("ALERTS", "gauge"),
    ],
)
def test_r31_the_family_decides_and_then_the_name(name: str, kind: str) -> None:
    labels = {"__name__": name, "le": "1", "quantile": "0.5"}
    assert describe(name, labels, FAMILIES).kind == kind


def test_a_bucket_without_a_bound_is_no_histograms() -> None:
    assert describe("leaky_bucket", {"job": "a"}, {}).kind == "unknown"
    assert describe("leaky_bucket", {"le": "x"}, {}).kind == "unknown"
    assert describe("lat_bucket", {"job": "a"}, FAMILIES).kind == "counter"


def test_what_has_no_quantile_is_no_part_of_a_summary() -> None:
    assert describe("rpc", {"job": "a"}, FAMILIES).kind == "gauge"


def test_members_have_their_role_in_the_family() -> None:
    told = {
        name: describe(name, {"le": "1"}, FAMILIES).role
        for name in ("lat_bucket", "lat_sum", "lat_count", "lat_created", "rpc_sum")
    }
    assert told == {
        "lat_bucket": Role.BUCKET,
        "lat_sum": Role.SUM,
        "lat_count": Role.COUNT,
        "lat_created": Role.ALONE,
        "rpc_sum": Role.ALONE,
    }
    assert family_of("lat_sum", Role.SUM) == "lat"
    assert family_of("up", Role.ALONE) == "up"


def test_help_and_unit_are_the_familys() -> None:
    labels = {"le": "1"}
    assert describe("lat_bucket", labels, FAMILIES) == Description(
        "histogram", "Latency.", "seconds", Role.BUCKET
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


def named(name: str, **labels: str) -> dict[str, str]:
    return {"__name__": name, **labels}


def test_buckets_make_their_family_a_histogram_for_good() -> None:
    metadata = Metadata(dict)
    (count,), changed = metadata.describe([named("x_count")])
    assert (count.kind, changed) == ("unknown", set())
    told, changed = metadata.describe(
        [named("x_sum"), named("x_bucket", le="1"), named("x_bucket")]
    )
    assert [one.role for one in told] == [Role.SUM, Role.BUCKET, Role.ALONE]
    assert changed == {"x"}, "so that its count is described anew"
    assert is_affected("x_count", changed)
    (count,), changed = metadata.describe([named("x_count")])
    assert (count.role, changed) == (Role.COUNT, set())


def test_families_that_are_described_are_nothing_new() -> None:
    metadata = Metadata(lambda: {"x": [MetadataEntry("histogram")]})
    metadata.refresh()
    assert metadata.describe([named("x_bucket", le="1")])[1] == set()
    assert metadata.histograms == set()


def test_what_was_a_histogram_before_is_one() -> None:
    metadata = Metadata(dict)
    metadata.histograms = {"x"}
    (total,), changed = metadata.describe([named("x_sum")])
    assert (total.role, changed) == (Role.SUM, set())
