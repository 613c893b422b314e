"""How long to leave a bridge alone that does not answer well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_ASKED_FOR: Final = 3600.0


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first` to `longest` seconds, each shortened by chance.

    By up to a half, so that agents whose bridge comes back do not all ask at once.
    `chance` returns numbers in `[0, 1)`.
    """

    first: float
    longest: float
    chance: Callable[[], float]
    failures: int = 0

    def failed(self, asked_for: float | None = None) -> float:
        """Return how long to wait now; not less than the bridge asked for, up to 1h."""
        wait = min(self.first * 2.0**self.failures, self.longest)
        self.failures = min(self.failures + 1, 30)
        shortened = wait * (1 - self.chance() / 2)
        if asked_for is None:
            return shortened
        # Later by chance, not earlier: it was asked for.
        at_least = min(asked_for, _LONGEST_ASKED_FOR)
        return max(shortened, at_least + self.first * self.chance())

    def worked(self) -> None:
        """Begin anew."""
        self.failures = 0
