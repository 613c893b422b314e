"""What views are given: the parts of the application and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g

from bridge.answers import find
from models.queries.series import count_by_source

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from bridge.answers.explain import Asks
    from bridge.auth import Caller
    from bridge.probing.planner import Planner
    from bridge.telemetry import Telemetry
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings

_KEY: Final = "epimetheus"


@dataclass(frozen=True, slots=True)
class Parts:
    """The application's parts; `started` is UTC seconds.

    `registry` holds what `/metrics` shows beside what the ledger says, `planner` makes
    the plans of agents. `asks` gives sources to ask again, None where there is no way
    to.
    """

    settings: Settings
    db: Database
    telemetry: Telemetry
    clock: Clock
    registry: CollectorRegistry
    started: float
    planner: Planner
    asks: Asks | None = None

    def closed(self, now: float) -> float:
        """Return until when windows have ended and settled."""
        return now - self.settings.rollup.settle

    def source_kinds(self, workspace: str | None) -> dict[str, str]:
        """Return the kinds of the configured sources of a workspace, by name."""
        return {
            source.name: source.kind
            for source in self.settings.sources
            if workspace is None or source.workspace == workspace
        }

    def sources(self, workspace: str | None) -> list[str]:
        """Return the names of the sources that are configured or have series."""
        recorded = count_by_source(self.db, workspace)
        return sorted({*self.source_kinds(workspace), *recorded})


def parts() -> Parts:
    """Return the parts of the current application."""
    return cast("Parts", current_app.extensions[_KEY])


def extension(given: Parts) -> dict[str, Parts]:
    """Return what `parts` finds, for the application's extensions."""
    return {_KEY: given}


def caller() -> Caller:
    """Return who sent the current request."""
    return cast("Caller", g.caller)


def check_source(name: str | None) -> None:
    """Raise QuestionError for a source that is neither configured nor recorded."""
    if name is not None:
        find.check_source(name, parts().sources(caller().workspace))
