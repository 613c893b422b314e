"""What a run has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.probing.wire import Result

History = Literal["all", "failures", "none"]
HISTORIES: Final[tuple[History, ...]] = ("none", "failures", "all")
"""The less is kept, the earlier."""


@dataclass(slots=True)
class Findings:
    """Places of a run by their number: those that were tried, those that failed.

    `history` says which results are kept in `results`. A place fails if any of its
    probes does, and is skipped if all of them are.
    """

    history: History
    tried: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    results: list[Result] = field(default_factory=list)
    stepped: bool = False

    def wants(self, *, success: bool) -> bool:
        """Return whether results that are, or are not, a success are kept."""
        return self.history == "all" or (self.history == "failures" and not success)

    def add(self, place: int, result: Result) -> None:
        """Note what a probe of a place found."""
        self.tried.add(place)
        if not result.succeeded:
            self.failed.add(place)
        if self.wants(success=result.succeeded):
            self.results.append(result)

    def succeed(self, places: Iterable[int]) -> None:
        """Note probes that succeeded, and whose results nobody wants."""
        self.tried.update(places)

    def skip(self, place: int) -> None:
        """Note a probe that still goes on from the run before."""
        self.skipped.add(place)

    @property
    def left_out(self) -> int:
        """How many places were not tried, since their last probes still go on."""
        return len(self.skipped - self.tried)

    @property
    def state(self) -> str:
        """How the run counts, if it was not broken off."""
        failed = bool(self.tried) and self.failed == self.tried
        return "failed" if failed else "completed"
