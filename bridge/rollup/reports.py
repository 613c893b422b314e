"""What the engine tells whoever turns its findings into error events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.rows import Rows
    from bridge.rollup.windows import Window
    from models.queries.events import EventRow


class Reporter(Protocol):
    """Makes events of rows and outcomes; must be deterministic for a window."""

    @property
    def detectors(self) -> Sequence[str]:
        """Names of the detectors whose events a window's rows decide."""

    def of_rows(self, window: Window, rows: Sequence[Rows]) -> list[EventRow]:
        """Return the events that a window's rows show."""

    def of_outcome(self, window: Window, state: str, reason: str) -> list[EventRow]:
        """Return the events of a window that did not simply become done."""

    def of_failure(self, start: int, reason: str, message: str) -> list[EventRow]:
        """Return the events of a source that failed to answer in a minute."""
