"""`/api/v1/events`: recorded failures."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.events import event_document, find_events, find_groups
from bridge.answers.times import DAY, read_span
from bridge.api.params import End, Query, SourceName, Start
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.events.probes import SOURCE as PROBES

_EVENT: Final[dict[str, Any]] = {
    "source": "local",
    "fingerprint": "9f2c51e0",
    "time": 1795255205.25,
    "detector": "scrape",
    "category": "availability",
    "type": "refused",
    "message": "http://127.0.0.1:9105/metrics refused the connection",
    "occurrences": 1,
    "status": None,
    "endpoint": "",
    "trace_id": "",
    "span_id": "",
    "client": "",
    "workspace": "",
    "environment": "",
    "metadata": {"job": "node"},
    "recorded_at": 1795255206,
}


class EventsQuery(Query):
    """Which events to tell of."""

    start: Start = None
    end: End = None
    source: SourceName = None
    category: str | None = Field(None, description="Only of this category.")
    type: str | None = Field(None, description="Only of this type.")
    endpoint: str | None = Field(None, description="Only of this endpoint.")
    fingerprint: str | None = Field(None, description="Only alike to each other.")
    group: Literal["fingerprint"] | None = Field(
        None, description="Count those that are alike together."
    )
    limit: Annotated[int, Field(ge=1, le=10_000, description="Events at most.")] = 100


class EventModel(BaseModel):
    """A failure; `time` is when it happened."""

    source: str
    fingerprint: str = Field(description="The same for failures that are alike.")
    time: float = Field(description="UTC seconds, exact to the millisecond.")
    detector: str = Field(description="What recorded it.")
    category: str
    type: str
    message: str
    occurrences: int = Field(description="How often it happened within a window.")
    status: int | None = Field(description="HTTP status, if there is one.")
    endpoint: str
    trace_id: str
    span_id: str
    client: str
    workspace: str
    environment: str
    metadata: dict[str, Any]
    recorded_at: int = Field(description="When it was recorded, UTC seconds.")


class GroupModel(BaseModel):
    """Failures that are alike; what they say is the newest one's."""

    source: str
    fingerprint: str
    occurrences: int = Field(description="How often they happened together.")
    events: int = Field(description="In how many events.")
    first_time: float = Field(description="When the oldest happened, UTC seconds.")
    last_time: float = Field(description="When the newest happened, UTC seconds.")
    detector: str
    category: str
    type: str
    message: str
    status: int | None
    endpoint: str
    workspace: str
    environment: str


class EventsAnswer(BaseModel):
    """Events, or groups of them, newest first; the other list is empty."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"events": [_EVENT], "groups": []}}
    )

    events: list[EventModel]
    groups: list[GroupModel]


blueprint = APIBlueprint(
    "events",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="events", description="What failed.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: EventsAnswer, **problem_responses()}


@blueprint.get("/events", responses=_RESPONSES)
@needs(Scope.READ)
def events(query: EventsQuery) -> Response:
    """Return recorded failures, newest first.

    Without `start` those of the last 24 hours. Those of probes have the source
    `probes`.
    """
    here = parts()
    if query.source != PROBES:
        check_source(query.source)
    span = read_span(query.start, query.end, here.clock.now(), DAY)
    names = ("source", "category", "type", "endpoint", "fingerprint")
    filters = {name: getattr(query, name) for name in names}
    filters["workspace"] = caller().workspace
    asked = {name: value for name, value in filters.items() if value is not None}
    document: dict[str, list[Any]] = {"events": [], "groups": []}
    if query.group:
        found = find_groups(here.db, span, asked, query.limit)
        document["groups"] = [event_document(group) for group in found]
    else:
        single = find_events(here.db, span, asked, query.limit)
        document["events"] = [event_document(event) for event in single]
    return json_response(document)
