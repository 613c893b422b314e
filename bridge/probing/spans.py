"""What lasts: failures, routes and certificates, from one result to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What lasts."""

    FAILURE = "failure"
    ROUTE = "route"
    CERTIFICATE = "certificate"


@dataclass(slots=True)
class Span:
    """Something that lasts, of one probe of a destination as one agent sees it.

    Times are UTC milliseconds: `opened` that of the result that began it, `closed`
    that of the one that ended it, None while it lasts. The result at `closed` belongs
    to a failure, as it is the success that proved it over, and not to a route or a
    certificate, as it shows the next one. `value` is how bad a failure is (empty until
    it counts), the path, or the certificate's SHA-256.
    """

    kind: Kind
    opened: int
    closed: int | None = None
    value: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def covers(self, time: int) -> bool:
        """Whether a result of a time falls into it, at its borders included."""
        return self.opened <= time and (self.closed is None or time <= self.closed)

    def count(self, reason: str, message: str, time: int, job: int) -> None:
        """Add one more failed result to a failure."""
        reasons = self.facts.setdefault("reasons", {})
        if not reasons:
            self.facts["reason"] = reason
            self.facts["message"] = message
        reasons[reason] = reasons.get(reason, 0) + 1
        self.facts["last"] = time
        self.facts["jobs"] = sorted({*self.facts.get("jobs", ()), job})

    @property
    def failures(self) -> int:
        """How many failed results a failure has."""
        return sum(self.facts.get("reasons", {}).values())
