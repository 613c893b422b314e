from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from exporter.collectors.base import Metric
from exporter.otlp.message import CONVENTIONS, OWN, Messages, encode, points_in
from exporter.otlp.round_trips import EXPLICIT, NAME, RoundTrips
from exporter.otlp.semantics import SCHEMA
from exporter.otlp.starts import Starts
from runtime.probing.wire import Plan
from tests.exporter.otlp.receiving import attributes, metrics, points
from tests.exporter.otlp.test_round_trips import explicit, job, run

if TYPE_CHECKING:
    from exporter.otlp.options import Names

NOW = 1_700_000_000.25
FORKS = Metric("node_forks_total", "counter", "Forks.").of(7)
LOAD = Metric("node_load1", "gauge", "Load.").of(0.5)
NOTHING = Metric("node_nothing", "gauge", "Nothing.")


def sent(names: Names) -> ExportMetricsServiceRequest:
    known = RoundTrips(lambda: Plan(version="1", jobs=(job("a"),)), 1)
    known.add_run(run("a", 0.001))
    resource = {"service.name": "f\udcfcr"}
    messages = Messages(resource, names, Starts(1, 2), known)
    message = messages.of([FORKS, LOAD, explicit("a")], NOW)
    body = encode(message)
    found = ExportMetricsServiceRequest.FromString(body)
    assert points_in(message) == sum(len(points(m)) for m in metrics(found).values())
    return found


@pytest.mark.setting("exporter.otlp.names")
@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("semantic", {"system.process.created", NAME, "node_load1"}),
        ("prometheus", {"node_forks_total", "node_load1", EXPLICIT}),
        (
            "both",
            {"system.process.created", "node_forks_total", "node_load1"}
            | {NAME, EXPLICIT},
        ),
    ],
)
def test_names(names: Names, told: set[str]) -> None:
    found = {
        name: metric for name, metric in metrics(sent(names)).items() if points(metric)
    }
    assert found.keys() == told


def test_scopes_say_whose_names_they_have() -> None:
    (one,) = sent("semantic").resource_metrics
    assert attributes(one.resource.attributes) == {"service.name": "f?r"}
    scopes = {scope.scope.name: scope for scope in one.scope_metrics}
    assert scopes[CONVENTIONS].schema_url == SCHEMA
    assert scopes[OWN].schema_url == ""
    assert scopes[OWN].metrics[0].name == "node_load1"


def test_an_exponential_histogram_arrives_as_it_was_counted() -> None:
    (point,) = points(metrics(sent("both"))[NAME])
    assert attributes(point.attributes)["job_name"] == "a"
    assert (point.count, point.scale, list(point.positive.bucket_counts)) == (1, 8, [1])
    base = 2 ** (2**-8)
    assert base**point.positive.offset < 0.001 <= base ** (point.positive.offset + 1)
    assert point.time_unix_nano == round(NOW * 1e9)


def test_a_family_without_samples_is_not_sent() -> None:
    known = RoundTrips(lambda: Plan(version="1"), 1)
    messages = Messages({}, "prometheus", Starts(1, 2), known)
    nothing = NOTHING.of(1)._replace(samples=())
    assert points_in(messages.of([nothing], NOW)) == 0
