"""`/api/v1/status`: how the bridge is."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.status import Progress, source_status
from bridge.api.params import Query
from bridge.api.parts import caller, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.version import version
from models.queries.calendars import listed
from models.queries.sizes import database_bytes

_WINDOWS: Final = {"done": 120, "partial": 0, "dirty": 0, "open": 0, "lost": 2}
_EXAMPLE: Final[dict[str, Any]] = {
    "version": "0.1.0",
    "now": 1795258815.5,
    "uptime": 7215.5,
    "workspace": None,
    "database": {"engine": "sqlite", "bytes": 4591616},
    "sources": [
        {
            "name": "local",
            "kind": "scrape",
            "series": 412,
            "progress": [
                {
                    "resolution": "minute",
                    "newest": 1795258740,
                    "lag": 15.5,
                    "windows": _WINDOWS,
                }
            ],
        }
    ],
    "calendars": [{"name": "berlin", "zone": "Europe/Berlin", "state": "kept"}],
    "settings": None,
}


class StatusQuery(Query):
    """No parameters."""


class DatabaseModel(BaseModel):
    """The database."""

    engine: str = Field(description="sqlite or postgresql.")
    bytes: int = Field(description="Its size on disk.")


class ProgressModel(BaseModel):
    """One source at one resolution."""

    resolution: str = Field(description="minute, hour, day, or day@NAME.")
    newest: int | None = Field(description="Start of the newest window that is done.")
    lag: float | None = Field(description="Seconds since that window ended.")
    windows: dict[str, int] = Field(description="Windows in the ledger by state.")


class SourceModel(BaseModel):
    """One source."""

    name: str
    kind: str = Field(description="Empty if it is no longer configured.")
    series: int
    progress: list[ProgressModel]


class CalendarModel(BaseModel):
    """A calendar: days, weeks and months by the clocks of a time zone."""

    name: str
    zone: str = Field(description="Name of the zone in the tz database.")
    state: Literal["kept", "retired"] = Field(
        description="retired: no longer in config.yaml, and its days stay as they are."
    )


class StatusAnswer(BaseModel):
    """How the bridge is."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    version: str
    now: float = Field(description="The bridge's clock, UTC seconds.")
    uptime: float = Field(description="Seconds since this API worker started.")
    workspace: str | None = Field(description="The only one that this key sees.")
    database: DatabaseModel
    sources: list[SourceModel]
    calendars: list[CalendarModel] = Field(description="Beside that of UTC.")
    settings: dict[str, Any] | None = Field(
        description="What is configured, without secrets; only with scope admin."
    )


blueprint = APIBlueprint(
    "status",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="status", description="How the bridge is.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: StatusAnswer, **problem_responses()}


@blueprint.get("/status", responses=_RESPONSES)
@needs(Scope.READ)
def status(query: StatusQuery) -> Response:  # noqa: ARG001 - refuses any parameter
    """Return what the sources have done, the size of the database and the settings."""
    here, who = parts(), caller()
    now = here.clock.now()
    kinds, settle = here.source_kinds(who.workspace), here.settings.rollup.settle
    sources = source_status(here.db, kinds, now, settle, who.workspace)
    engine = here.settings.database.url.partition(":")[0]
    visible = who.may(Scope.ADMIN) and who.workspace is None
    return json_response(
        {
            "version": version(),
            "now": now,
            "uptime": max(0.0, now - here.started),
            "workspace": who.workspace,
            "database": {
                "engine": "sqlite" if engine == "sqlite" else "postgresql",
                "bytes": database_bytes(here.db),
            },
            "sources": [
                {
                    "name": source.name,
                    "kind": source.kind,
                    "series": source.series,
                    "progress": [_document(one) for one in source.progress],
                }
                for source in sources
            ],
            "calendars": [
                {"name": one.name, "zone": one.zone, "state": one.state}
                for one in listed(here.db)
            ],
            "settings": here.settings.model_dump(mode="json") if visible else None,
        }
    )


def _document(progress: Progress) -> dict[str, Any]:
    return {
        "resolution": progress.resolution,
        "newest": progress.newest,
        "lag": progress.lag,
        "windows": dict(progress.windows),
    }
