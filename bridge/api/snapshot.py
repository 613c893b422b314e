"""`/api/v1/snapshot`: how a host was at a time."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.host import find_host
from bridge.answers.snapshot import snapshot_document
from bridge.answers.snapshot_keys import METRICS
from bridge.answers.times import read_time
from bridge.api.params import Query, SourceName
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_EXAMPLE: Final[dict[str, Any]] = {
    "instance": "127.0.0.1:9105",
    "source": "local",
    "job": "node",
    "timestamp": "2026-11-21T10:01:00Z",
    "resolution": "minute",
    "start": 1795255200,
    "end": 1795255260,
    "reason": "the newest minute",
    "cpu": {"usage_percent": 12.5, "per_core": [10.0, 15.0], "load_avg_1m": 0.5},
    "memory": {"total_bytes": 17179869184.0, "percent": 53.1},
    "network": None,
    "disk": None,
    "memory_bandwidth": None,
    "perf_events": None,
    "missing": {"network.bytes_sent": "there is no node_network_transmit_bytes_total"},
    "notes": [],
}


class SnapshotQuery(Query):
    """Which host, and when."""

    instance: str = Field(
        description="The label `instance` of the host's series.",
        json_schema_extra={"example": "127.0.0.1:9105"},
    )
    time: str | None = Field(
        None,
        description="When: RFC 3339, Unix seconds, or relative such as `-1h`. Default: "
        "the newest minute.",
    )
    source: SourceName = None


class SnapshotAnswer(BaseModel):
    """A window of a host; a section of which nothing is known is null."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    instance: str
    source: str = Field(description="The source that its series come from.")
    job: str = Field(description="Their label `job`.")
    timestamp: str = Field(description="The end of the window, RFC 3339.")
    resolution: Literal["minute", "hour", "day"]
    start: int = Field(description="Start of the window, UTC.")
    end: int = Field(description="End of the window, UTC.")
    reason: str = Field(description="Why this window was taken.")
    cpu: dict[str, Any] | None
    memory: dict[str, Any] | None
    network: dict[str, Any] | None
    disk: dict[str, Any] | None
    memory_bandwidth: dict[str, Any] | None
    perf_events: dict[str, Any] | None
    missing: dict[str, str] = Field(
        description="What is null, as section.key, and why: it is never zero."
    )
    notes: list[str] = Field(description="What a reader should know beside it.")


blueprint = APIBlueprint(
    "snapshot",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="rollups", description="What was.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: SnapshotAnswer, **problem_responses()}


@blueprint.get("/snapshot", responses=_RESPONSES)
@needs(Scope.READ)
def snapshot(query: SnapshotQuery) -> Response:
    """Return how a host was at a time, in the shape of PerfWatch.

    From the finest window that holds the time and says anything of the host. Rates are
    increases / seconds of the window, or those that are known of one that goes on;
    gauges their means, totals of counters their newest values. docs/live.md tells the
    unit and the series of each key.
    """
    here = parts()
    now = here.clock.now()
    time = None if query.time is None else read_time(query.time, now, "time")
    check_source(query.source)
    found = find_host(
        here.db,
        query.instance,
        METRICS,
        time,
        here.closed(now),
        caller().workspace,
        query.source,
    )
    return json_response(snapshot_document(query.instance, found))
