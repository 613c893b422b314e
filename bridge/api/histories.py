"""What questions about results have in common: which ones, and how one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from bridge.answers.errors import QuestionError
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.times import DAY, read_span
from bridge.api.params import End, Query, Start
from bridge.api.parts import parts
from bridge.probing.entries import DESTINATION, JOB
from bridge.probing.refusals import NoSuchEntry
from models.queries import entries as table

if TYPE_CHECKING:
    from bridge.answers.times import Span
    from bridge.probing.entries import Kind
    from models.queries.results import Picked

RESULT: Final[dict[str, Any]] = {
    "time": 1795262400.0,
    "began": 1795262400.003,
    "agent": "edge-1",
    "job": "gateways",
    "destination": "gateway",
    "probe": "icmp",
    "kind": "icmp",
    "success": True,
    "reason": "",
    "message": "",
    "address": "192.0.2.1",
    "seconds": 0.0004,
    "sent": 1,
    "received": 1,
    "loss": 0.0,
    "rtt_min": 0.0004,
    "rtt_mean": 0.0004,
    "rtt_max": 0.0004,
    "rtt_p50": 0.0004,
    "rtt_p95": 0.0004,
    "jitter": None,
    "rtts": [0.0004],
    "phases": {},
    "facts": {"ttl": 64},
    "route": "",
    "certificate": "",
    "marks": [],
    "run": 17,
    "place": 0,
}


class SpanQuery(Query):
    """Over which time; the last 24 hours without `start`."""

    start: Start = None
    end: End = None


class OfJobQuery(SpanQuery):
    """Which results of a job."""

    destination: str | None = Field(None, description="Only of this destination.")
    agent: str | None = Field(None, description="Only what this agent found.")
    probe: str | None = Field(None, description="Only of this module.")
    kind: str | None = Field(None, description="Only of this kind of probe.")
    reason: str | None = Field(None, description="Only failures for this reason.")
    success: bool | None = Field(None, description="Only successes, or only failures.")


class OfResultsQuery(OfJobQuery):
    """Which results."""

    job: str | None = Field(None, description="Only of this job.")


class ResultModel(BaseModel):
    """What one probe of one destination found; durations are seconds."""

    time: float = Field(description="When its run was to begin, UTC seconds.")
    began: float = Field(description="When it began, UTC seconds.")
    agent: str
    job: str
    destination: str
    probe: str = Field(description="The module.")
    kind: str
    success: bool
    reason: str = Field(description="Why it failed, one word; empty for a success.")
    message: str = Field(description="The same for people.")
    address: str = Field(description="What was probed in the end.")
    seconds: float = Field(description="How long it took.")
    sent: int = Field(description="Requests that were sent, of kinds that count.")
    received: int
    loss: float | None = Field(description="Share that was not answered.")
    rtt_min: float | None
    rtt_mean: float | None
    rtt_max: float | None
    rtt_p50: float | None
    rtt_p95: float | None
    jitter: float | None = Field(description="Mean difference of neighbours.")
    rtts: list[float | None] = Field(description="Each time; null for what was lost.")
    phases: dict[str, float]
    facts: dict[str, Any] = Field(description="What else is known, by the kind.")
    route: str
    certificate: str
    marks: list[str] = Field(description="What may disturb the figures.")
    run: int = Field(description="Number of the run.")
    place: int = Field(description="Its place among the results of the run.")


def span_of(query: SpanQuery) -> Span:
    """Return the time that a question is about."""
    return read_span(query.start, query.end, parts().clock.now(), DAY)


def picked_by(query: OfJobQuery, job: str | None) -> tuple[Picked, Span]:
    """Return the results that are asked for, and the time."""
    span = span_of(query)
    asked = Asked(
        job=job,
        destination=query.destination,
        agent=query.agent,
        probe=query.probe,
        kind=query.kind,
        reason=query.reason,
        success=query.success,
    )
    return picked(parts().db, asked, span), span


def known(kind: Kind, name: str) -> int:
    """Return the number of who has a name, or had it last; raise NoSuchEntry."""
    number = table.number(parts().db, kind.key, name)
    if number is None:
        raise NoSuchEntry(kind, name)
    return number


def known_job(name: str) -> int:
    """Return the number of a job, which may be removed; raise NoSuchEntry."""
    return known(JOB, name)


def known_destination(name: str) -> int:
    """Return the number of a destination, which may be removed; raise NoSuchEntry."""
    return known(DESTINATION, name)


def read_cursor(text: str | None, size: int) -> tuple[int, ...] | None:
    """Return the cursor that a page ended with; raise QuestionError for another."""
    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split("."))
    except ValueError:
        found = ()
    if len(found) != size or not all(-(2**62) < part < 2**62 for part in found):
        raise QuestionError("before", f"{text!r} is not what `next` of a page was")
    return found


def write_cursor(cursor: tuple[int, ...] | None) -> str | None:
    """Return a cursor as a page tells it."""
    return None if cursor is None else ".".join(map(str, cursor))
