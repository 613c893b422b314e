"""One scrape as one message of OTLP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exporter.otlp.conventions import translate
from exporter.otlp.semantics import SCHEMA
from exporter.otlp.translating import clean, parts, plain
from exporter.telemetry import version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.metrics.export import Metric

    from exporter.collectors.base import Family
    from exporter.otlp.options import Names
    from exporter.otlp.round_trips import RoundTrips
    from exporter.otlp.starts import Starts

CONVENTIONS: Final = "epimetheus.exporter.conventions"
"""The scope of what has a semantic convention."""
OWN: Final = "epimetheus.exporter"
"""The scope of what goes by the names of `/metrics`."""


class Messages:
    """Makes messages of one resource; not to be used by two threads at once."""

    def __init__(
        self,
        resource: Mapping[str, str],
        names: Names,
        starts: Starts,
        round_trips: RoundTrips,
    ) -> None:
        self._resource = Resource({key: clean(to) for key, to in resource.items()})
        self._names = names
        self._starts = starts
        self._round_trips = round_trips
        self._conventions = InstrumentationScope(CONVENTIONS, version(), SCHEMA)
        self._own = InstrumentationScope(OWN, version())

    def of(self, families: Sequence[Family], now: float) -> MetricsData:
        """Return a scrape of `now`, in seconds since 1970."""
        at = round(now * 1e9)
        by_convention: list[Metric] = []
        left: Sequence[Family] = families
        if self._names != "prometheus":
            translated = translate(families, self._starts, at)
            times, left = self._round_trips.of(translated.left, at)
            by_convention = [*translated.metrics, *times]
        own = families if self._names == "both" else left
        plainly = [
            plain(part, self._starts, at)
            for family in own
            if family.samples
            for part in parts(family)
        ]
        self._starts.forget(at)
        scopes = ((self._conventions, by_convention), (self._own, plainly))
        told = [
            ScopeMetrics(scope, metrics, scope.schema_url or "")
            for scope, metrics in scopes
            if metrics
        ]
        return MetricsData([ResourceMetrics(self._resource, told, "")])


def encode(message: MetricsData) -> bytes:
    """Return a message as protobuf."""
    return bytes(encode_metrics(message).SerializeToString())


def points_in(message: MetricsData) -> int:
    """Return how many points a message has."""
    return sum(
        len(metric.data.data_points)
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
