"""`/api/v1/jobs/...`: what jobs are doing and did; they are started and stopped."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.probes import analytics, charts
from bridge.api import entries
from bridge.api.entries import NamePath, catalogue
from bridge.api.histories import OfJobQuery, known_job, picked_by
from bridge.api.params import Query
from bridge.api.parts import caller, parts
from bridge.api.problems import problem_response
from bridge.api.responses import json_response
from bridge.api.results import FILE, Format, exported
from bridge.api.runs import RUN, OfRunsQuery, RunModel, RunsAnswer, listed
from bridge.auth import Scope, needs
from bridge.probing.documents import job_document
from bridge.probing.entries import JOB
from bridge.probing.planner import read_everything
from bridge.probing.schedules import standing
from models.queries import agents
from runtime.probing.schedule import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.probing.catalogue import Entry
    from bridge.probing.plans import Everything

By = Literal["destination", "probe", "agent", "kind", "reason"]

STATUS: Final[dict[str, Any]] = {
    "name": "gateways",
    "state": "running",
    "next_run": 1795262430.0,
    "last_run": RUN,
    "destinations": ["gateway"],
    "agents": ["edge-1"],
}
_FIGURES: Final[dict[str, Any]] = {
    "name": "",
    "results": 2880,
    "successes": 2879,
    "success_rate": 0.99965,
    "sent": 2880,
    "received": 2879,
    "loss": 0.00035,
    "rtt_min": 0.0003,
    "rtt_mean": 0.0004,
    "rtt_max": 0.02,
    "percentiles": {"p50": 0.0004, "p90": 0.0005, "p95": 0.0006, "p99": 0.001},
}
_ANALYTICS: Final[dict[str, Any]] = {
    "total": _FIGURES,
    "uptime": 0.99965,
    "by": {"destination": [{**_FIGURES, "name": "gateway"}]},
    "estimated": False,
}
_CHART: Final[dict[str, Any]] = {
    "labels": ["2026-11-21T12:00:00Z", "2026-11-21T12:05:00Z"],
    "datasets": [{"label": "gateway", "data": [0.0004, None]}],
    "width": 300,
}


class NowQuery(Query):
    """No parameters."""


class JobStatusAnswer(BaseModel):
    """What a job is doing."""

    model_config = ConfigDict(json_schema_extra={"example": STATUS})

    name: str
    state: State = Field(
        description="not_scheduled outside its windows, pending before it is valid, "
        "expired after, disabled if it was stopped."
    )
    next_run: float | None = Field(description="UTC seconds; null if there is none.")
    last_run: RunModel | None = Field(description="The newest run of any agent.")
    destinations: list[str] = Field(description="Those that are probed.")
    agents: list[str] = Field(description="Those who do it, of all that ever came.")


class FiguresModel(BaseModel):
    """Figures of results; times are seconds."""

    name: str = Field(description="What they are of; empty for all.")
    results: int
    successes: int
    success_rate: float | None
    sent: int
    received: int
    loss: float | None = Field(description="Share of requests without an answer.")
    rtt_min: float | None
    rtt_mean: float | None
    rtt_max: float | None
    percentiles: dict[str, float | None] = Field(
        description="Of all round-trip times, never means of percentiles."
    )


class AnalyticsAnswer(BaseModel):
    """Figures in total and by part."""

    model_config = ConfigDict(json_schema_extra={"example": _ANALYTICS})

    total: FiguresModel
    uptime: float | None = Field(
        description="Share of the time at which results were good."
    )
    by: dict[str, list[FiguresModel]] = Field(
        description="By probe, destination, agent and reason; no reason is a success."
    )
    estimated: bool = Field(
        description="Whether percentiles in total are within 0.5 % and not exact."
    )


class ChartQuery(OfJobQuery):
    """What the chart shows."""

    measure: Literal["rtt", "rtt_min", "rtt_max", "loss", "success", "results"] = Field(
        "rtt", description="The figure; of pies it is always the number of results."
    )
    by: By | None = Field(
        None,
        description="What has a line, a bar or a share of its own: destination if left "
        "out, reason of pies; heatmaps show the days of the week.",
    )
    width: int | None = Field(
        None,
        ge=1,
        le=366 * 86400,
        description="Seconds between two points of a line; at most 300 points without.",
    )


class DatasetModel(BaseModel):
    """Values of one label each."""

    label: str
    data: list[float | None]


class ChartAnswer(BaseModel):
    """A chart as chart libraries take it."""

    model_config = ConfigDict(json_schema_extra={"example": _CHART})

    labels: list[str]
    datasets: list[DatasetModel]
    width: int | None = Field(description="Seconds between labels that are times.")


class ChartPath(NamePath):
    """Which chart of which job."""

    kind: Literal["line", "bar", "pie", "heatmap"] = Field(description="What kind.")


class ExportQuery(OfJobQuery):
    """Which results, as what."""

    format: Format = Field("csv", description="What kind of file.")


blueprint = APIBlueprint(
    "job_histories",
    __name__,
    url_prefix="/api/v1/jobs",
    abp_tags=[Tag(name="jobs", description="Who probes what, and when.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

_SWITCHED: Final[dict[str | int, Any]] = {
    200: JobStatusAnswer,
    **entries.READING,
    409: problem_response("It belongs to config.yaml."),
}


@blueprint.get("/<name>/status", responses={200: JobStatusAnswer, **entries.READING})
@needs(Scope.READ)
def status(path: NamePath, query: NowQuery) -> Response:
    """Return what a job is doing, when it runs next and how it ran last."""
    del query
    return _status(catalogue().entry(JOB, path.name))


@blueprint.post("/<name>/start", responses=_SWITCHED)
@needs(Scope.ADMIN)
def start(path: NamePath) -> Response:
    """Let a job run at its times again; nothing happens to one that does."""
    return _switch(path.name, on=True)


@blueprint.post("/<name>/stop", responses=_SWITCHED)
@needs(Scope.ADMIN)
def stop(path: NamePath) -> Response:
    """Let a job run no more until it is started; agents hear of it within seconds."""
    return _switch(path.name, on=False)


@blueprint.get("/<name>/runs", responses={200: RunsAnswer, **entries.READING})
@needs(Scope.READ)
def runs(path: NamePath, query: OfRunsQuery) -> Response:
    """Return the runs of a job, newest first; those of the last 24 hours."""
    known_job(path.name)
    return listed(query, path.name)


@blueprint.get("/<name>/analytics", responses={200: AnalyticsAnswer, **entries.READING})
@needs(Scope.READ)
def analyzed(path: NamePath, query: OfJobQuery) -> Response:
    """Return figures of a job's results; without `start` of the last 24 hours."""
    known_job(path.name)
    of, span = picked_by(query, path.name)
    return json_response(asdict(analytics.analytics(parts().db, of, span)))


@blueprint.get("/<name>/charts/<kind>", responses={200: ChartAnswer, **entries.READING})
@needs(Scope.READ)
def chart(path: ChartPath, query: ChartQuery) -> Response:
    """Return a chart of a job's results; without `start` of the last 24 hours.

    A line over time, bars, shares of all results, or a week's hours in UTC.
    """
    known_job(path.name)
    of, span = picked_by(query, path.name)
    db, by = parts().db, query.by or "destination"
    if path.kind == "line":
        most = parts().settings.bridge.max_points
        made = charts.line(
            db, of, span, query.measure, by, width=query.width, most=min(most, 10_000)
        )
    elif path.kind == "bar":
        made = charts.bar(db, of, query.measure, by)
    elif path.kind == "pie":
        made = charts.pie(db, of, query.by or "reason")
    else:
        made = charts.heatmap(db, of, query.measure)
    return json_response(asdict(made))


@blueprint.get("/<name>/export", responses={**FILE, 404: entries.READING[404]})
@needs(Scope.READ)
def export(path: NamePath, query: ExportQuery) -> Response:
    """Return all results of a job as a file, oldest first."""
    known_job(path.name)
    of, span = picked_by(query, path.name)
    return exported(of, span, query.format, path.name)


def status_document(
    entry: Entry, everything: Everything, known: Sequence[str]
) -> dict[str, Any]:
    """Return what a job is doing, as answers tell it; `known` are all agents."""
    here = parts()
    now = round(here.clock.now() * 1000)
    return job_document(entry.name, standing(here.db, entry, everything, known, now))


def _status(entry: Entry) -> Response:
    db = parts().db
    known = [agent.name for agent in agents.everyone(db)]
    response = json_response(status_document(entry, read_everything(db), known))
    response.headers["ETag"] = f'"{entry.tag}"'
    return response


def _switch(name: str, *, on: bool) -> Response:
    if wrong := entries.sent_from_elsewhere():
        return wrong
    entry = catalogue().entry(JOB, name)
    if entry.row.document["enabled"] != on:
        entry = catalogue().patch(JOB, name, {"enabled": on}, caller().name)
    return _status(entry)
