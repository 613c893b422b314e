"""Asks a source once more what an engine asked it, beside the engine that runs.

For commands and questions that look at a minute again: a source of its own, with its
own connections and a deadline, that is closed at once. Nothing is committed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bridge.composition import compose
from bridge.rollup.parts import Parts
from bridge.writer import Writer
from models.directory import SeriesDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.rollup.engine import Engine
    from bridge.sources.base import Source
    from bridge.telemetry import Telemetry
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings

T = TypeVar("T")


class UnknownSourceError(LookupError):
    """The source is not in the settings any more, so it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Again:
    """A source, and an engine that rereads finished minutes from it."""

    source: Source
    engine: Engine


@dataclass(frozen=True, slots=True)
class Rereaders:
    """Makes them, for a while each."""

    settings: Settings
    db: Database
    telemetry: Telemetry
    clock: Clock

    @contextmanager
    def of(
        self, name: str, selector: str | None = None, timeout: float | None = None
    ) -> Iterator[Again]:
        """Give the source of a name, of the selected series only, then close it.

        `timeout` is the longest deadline of one request, without a second try. Raises
        UnknownSourceError.
        """
        settings = self._narrowed(name, selector, timeout)
        parts = Parts(
            self.db, _at_once, SeriesDirectory(self.db), self.telemetry, self.clock
        )
        # A writer that is not started refuses everything, and nothing is written.
        writer = Writer(self.telemetry, self.clock, self.db.close)
        composition = compose(settings, parts, writer, only=name)
        if not composition.engines:
            raise UnknownSourceError(f"{name} is not a source in the settings any more")
        try:
            engine = composition.engines[0]
            engine.orient()
            yield Again(composition.sources[0], engine)
        finally:
            composition.close()

    def _narrowed(
        self, name: str, selector: str | None, timeout: float | None
    ) -> Settings:
        def narrow(one: Any) -> Any:
            if one.name != name or one.kind != "prometheus":
                return one
            update: dict[str, Any] = {}
            if selector is not None:
                update["selectors"] = (selector,)
            if timeout is not None:
                update |= {"timeout": min(one.timeout, timeout), "retries": 0}
            return one.model_copy(update=update)

        sources = tuple(narrow(one) for one in self.settings.sources)
        quiet = {}
        if selector is not None:
            quiet = {"down": False, "alerts": False}
        events = self.settings.events.model_copy(update=quiet)
        return self.settings.model_copy(update={"sources": sources, "events": events})


def _at_once(_name: str, job: Callable[[], T], /) -> T:
    """Run what an engine leaves to its writer: here only looking series up."""
    return job()
