"""`/metrics`: the bridge's own metrics, and what its ledger says now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.answers.coverage import MISSING
from bridge.answers.status import SourceStatus, source_status
from bridge.api.parts import Parts, parts
from bridge.auth import Scope, needs
from bridge.version import version
from models.database import DatabaseUnavailable
from models.queries.sizes import database_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = structlog.get_logger(__name__)

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@needs(Scope.READ)
def metrics() -> Response:
    """Answer Prometheus in the format it accepts best."""
    here = parts()
    shown = CollectorRegistry()
    shown.register(here.registry)
    shown.register(_FromDatabase(here))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(shown), content_type=content_type)


class _FromDatabase(Collector):
    """Gauges computed when they are asked for; a failure is one of them."""

    def __init__(self, here: Parts) -> None:
        self._here = here

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says, or that it says nothing."""
        build = GaugeMetricFamily(
            "epimetheus_build_info", "The version that answers.", labels=["version"]
        )
        build.add_metric([version()], 1.0)
        yield build
        try:
            found = self._read()
        except DatabaseUnavailable as error:
            log.warning("database not measured", reason=error.reason, error=str(error))
            found = []
        yield GaugeMetricFamily(
            "epimetheus_database_up",
            "Whether the database could be read.",
            value=float(bool(found)),
        )
        yield from found

    def _read(self) -> list[Metric]:
        here = self._here
        sources = source_status(here.db, here.source_kinds(None), here.clock.now())
        size = GaugeMetricFamily(
            "epimetheus_database_bytes",
            "Size of the database on disk.",
            value=database_bytes(here.db),
        )
        return [size, _series(sources), _lag(sources), _windows(sources)]


def _series(sources: Sequence[SourceStatus]) -> Metric:
    family = GaugeMetricFamily(
        "epimetheus_series", "Series that are known.", labels=["source"]
    )
    for source in sources:
        family.add_metric([source.name], source.series)
    return family


def _lag(sources: Sequence[SourceStatus]) -> Metric:
    family = GaugeMetricFamily(
        "epimetheus_lag_seconds",
        "Time since the end of the newest window that is done.",
        labels=["source", "resolution"],
    )
    for source in sources:
        for progress in source.progress:
            if progress.lag is not None:
                family.add_metric(
                    [source.name, progress.resolution.value], progress.lag
                )
    return family


def _windows(sources: Sequence[SourceStatus]) -> Metric:
    family = GaugeMetricFamily(
        "epimetheus_windows",
        "Windows in the ledger by state, and those that are missing in it.",
        labels=["source", "resolution", "state"],
    )
    for source in sources:
        for progress in source.progress:
            counted = {**progress.windows, MISSING: progress.missing}
            for state, count in counted.items():
                family.add_metric(
                    [source.name, progress.resolution.value, state], count
                )
    return family
