"""`/metrics`: the bridge's own metrics, and what its ledger says now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.answers.coverage import MISSING
from bridge.answers.status import SourceStatus, source_status
from bridge.api.parts import Parts, caller, parts
from bridge.auth import ForbiddenError, Scope, needs
from bridge.version import version
from models.database import DatabaseUnavailable
from models.queries.sizes import database_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Sample = tuple[Sequence[str], float]

log = structlog.get_logger(__name__)

blueprint = Blueprint("metrics", __name__)


@dataclass(frozen=True, slots=True)
class Family:
    """A gauge that is computed when it is asked for."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    def of(self, samples: Iterable[Sample]) -> Metric:
        """Return the gauge with samples: the values of its labels, and its own."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        return family


_BUILD: Final = Family(
    "epimetheus_build_info", "The version that answers.", ("version",)
)
_UP: Final = Family("epimetheus_database_up", "Whether the database could be read.")
_BYTES: Final = Family("epimetheus_database_bytes", "Size of the database on disk.")
_SERIES: Final = Family("epimetheus_series", "Series that are known.", ("source",))
_LAG: Final = Family(
    "epimetheus_lag_seconds",
    "Time since the end of the newest window that is done.",
    ("source", "resolution"),
)
_WINDOWS: Final = Family(
    "epimetheus_windows",
    "Windows in the ledger by state, and those that are missing in it.",
    ("source", "resolution", "state"),
)
FAMILIES: Final = (_BUILD, _UP, _BYTES, _SERIES, _LAG, _WINDOWS)
"""What `/metrics` answers beside the instruments of the processes."""


@blueprint.get("/metrics")
@needs(Scope.READ)
def metrics() -> Response:
    """Answer Prometheus in the format it accepts best."""
    _refuse_workspace()
    here = parts()
    shown = CollectorRegistry()
    shown.register(here.registry)
    shown.register(_FromDatabase(here))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(shown), content_type=content_type)


def _refuse_workspace() -> None:
    """Raise ForbiddenError for a key of one workspace."""
    who = caller()
    if who.workspace is not None:
        raise ForbiddenError(
            f"the key {who.name!r} sees the workspace {who.workspace!r} only, and "
            "these metrics are of the whole bridge; create a key without a workspace"
        )


class _FromDatabase(Collector):
    """The families of the database; a failure to read it is one of them."""

    def __init__(self, here: Parts) -> None:
        self._here = here

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says, or that it says nothing."""
        yield _BUILD.of([([version()], 1.0)])
        try:
            found = self._read()
        except DatabaseUnavailable as error:
            log.warning("database not measured", reason=error.reason, error=str(error))
            found = []
        yield _UP.of([([], float(bool(found)))])
        yield from found

    def _read(self) -> list[Metric]:
        here = self._here
        sources = source_status(
            here.db,
            here.source_kinds(None),
            here.clock.now(),
            here.settings.rollup.settle,
        )
        return [
            _BYTES.of([([], database_bytes(here.db))]),
            _SERIES.of(([source.name], source.series) for source in sources),
            _LAG.of(_lags(sources)),
            _WINDOWS.of(_windows(sources)),
        ]


def _lags(sources: Sequence[SourceStatus]) -> Iterator[Sample]:
    for source in sources:
        for progress in source.progress:
            if progress.lag is not None:
                yield [source.name, progress.resolution], progress.lag


def _windows(sources: Sequence[SourceStatus]) -> Iterator[Sample]:
    for source in sources:
        for progress in source.progress:
            counted = {**progress.windows, MISSING: progress.missing}
            for state, count in counted.items():
                yield [source.name, progress.resolution, state], count
