"""How well a destination is, by results in a row: bad at once, well again later."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.probing.jobs import Status as Rules


class Status(StrEnum):
    """How a destination is; `INACTIVE` are those that are not probed."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    DEGRADED = "degraded"
    ERROR = "error"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Streak:
    """The results in a row of one probe, as one vantage point sees them.

    `bad` are failures since the last success; `good` are successes since the last
    failure, as long as they do not suffice.
    """

    status: Status = Status.UNKNOWN
    bad: int = 0
    good: int = 0

    def after(self, rules: Rules, *, succeeded: bool) -> Streak:
        """Return the streak with one more result.

        The first success makes it active; from then on failures in a row make it
        degraded and put it in error, and out of these only `active_after` successes
        in a row lead back.
        """
        if succeeded:
            good = self.good + 1
            is_ill = self.status in {Status.DEGRADED, Status.ERROR}
            if is_ill and good < rules.active_after:
                return Streak(self.status, good=good)
            return Streak(Status.ACTIVE)
        bad = self.bad + 1
        if bad >= rules.error_after:
            return Streak(Status.ERROR, bad)
        if bad >= rules.degraded_after and self.status is not Status.ERROR:
            return Streak(Status.DEGRADED, bad)
        return Streak(self.status, bad)
