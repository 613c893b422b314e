"""Which results a question is about: names and times as people give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.answers.errors import QuestionError
from models.queries import agents, entries
from models.queries.entries import DESTINATIONS, JOBS
from models.queries.results import Picked

if TYPE_CHECKING:
    from bridge.answers.times import Span
    from models.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """Names of what results are of; None is any."""

    job: str | None = None
    destination: str | None = None
    agent: str | None = None
    probe: str | None = None
    kind: str | None = None
    reason: str | None = None
    success: bool | None = None


def picked(db: Database, asked: Asked, span: Span | None = None) -> Picked:
    """Return the results that are asked for; raise QuestionError for unknown names.

    A name means who has it, or who had it last if nobody does.
    """
    agent = None
    if asked.agent is not None:
        known = agents.find(db, asked.agent)
        if known is None:
            raise QuestionError("agent", f"there is no agent {asked.agent!r}")
        agent = known.id
    given = Picked(
        job=_number(db, JOBS, "job", asked.job),
        destination=_number(db, DESTINATIONS, "destination", asked.destination),
        agent=agent,
        probe=asked.probe,
        kind=asked.kind,
        reason=asked.reason,
        success=asked.success,
    )
    return given if span is None else within(given, span)


def within(given: Picked, span: Span) -> Picked:
    """Return the same results, of runs that were scheduled in a span."""
    return given.between(milliseconds(span.start), milliseconds(span.end))


def milliseconds(seconds: float) -> int:
    """Return UTC seconds as whole milliseconds."""
    return round(seconds * 1000)


def _number(db: Database, table: str, word: str, name: str | None) -> int | None:
    if name is None:
        return None
    found = entries.number(db, table, name)
    if found is None:
        raise QuestionError(word, f"there is no {word} {name!r}")
    return found
