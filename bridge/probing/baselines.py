"""Whether an hour of a destination is worse than the same hour of other weeks."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from runtime.probing.wire import STARVED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.queries.probe_hours import Echoes
    from runtime.probing.jobs import Baseline

KNOWN: Final = 2
"""Weeks that must be known before anything is usual."""
LOST: Final = 0.05
"""Share of requests that must be lost more than usual, at least."""


@dataclass(frozen=True, slots=True)
class Figures:
    """An hour: requests and answers, and the median round-trip time, seconds."""

    sent: int = 0
    received: int = 0
    rtt: float | None = None

    @property
    def loss(self) -> float | None:
        """The share that was lost, None if nothing was sent."""
        return 1 - self.received / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class Compared:
    """An hour against what is usual, which is None where too few weeks are known."""

    rtt: float | None
    loss: float | None
    usual_rtt: float | None
    usual_loss: float | None
    slow: bool
    lossy: bool

    @property
    def verdict(self) -> str:
        """In what it was worse, as words with a comma; empty if in nothing."""
        words = (("slow", self.slow), ("lossy", self.lossy))
        return ",".join(word for word, is_so in words if is_so)

    def facts(self) -> dict[str, Any]:
        """Return all of it for an event."""
        return {
            "rtt": self.rtt,
            "loss": self.loss,
            "usual_rtt": self.usual_rtt,
            "usual_loss": self.usual_loss,
            "slow": self.slow,
            "lossy": self.lossy,
        }


def figures_of(echoes: Sequence[Echoes]) -> Figures:
    """Return the figures of an hour's results, but for those of a starved host."""
    told = [one for one in echoes if STARVED not in one.marks.split(",")]
    times = [one.rtt for one in told if one.rtt is not None]
    return Figures(
        sum(one.sent for one in told),
        sum(one.received for one in told),
        median(times) if times else None,
    )


def compare(hour: Figures, others: Sequence[Figures], rules: Baseline) -> Compared:
    """Return an hour against the same hour of other weeks: their medians are usual."""
    times = [one.rtt for one in others if one.rtt is not None]
    losses = [one.loss for one in others if one.loss is not None]
    usual_rtt = median(times) if len(times) >= KNOWN else None
    usual_loss = median(losses) if len(losses) >= KNOWN else None
    slow = (
        hour.rtt is not None
        and usual_rtt is not None
        and hour.rtt > rules.factor * usual_rtt
        and hour.rtt - usual_rtt >= rules.slower
    )
    lossy = (
        hour.loss is not None
        and usual_loss is not None
        and hour.loss > rules.factor * usual_loss
        and hour.loss - usual_loss >= LOST
    )
    return Compared(hour.rtt, hour.loss, usual_rtt, usual_loss, slow, lossy)
