"""What results say, as far as they are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runtime.probing.reasons import Reason
from runtime.probing.wire import STARVED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

UNKNOWN_HOP: Final = "*"
"""A hop that did not answer."""
_SILENCE: Final = frozenset({Reason.TIMEOUT, Reason.NOT_REACHED})
"""Failures by time alone: a host that has no CPU to spare may make them itself."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate that a destination presented; `ends` is UTC milliseconds.

    It ends with its own validity or that of the chain that vouches for it, whichever
    comes first.
    """

    sha256: str
    subject: str
    ends: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one result says; `time` is when its run was scheduled, UTC milliseconds.

    `interval` is that of the job, milliseconds. What is no `evidence` neither fails nor
    succeeds. `path` are the hops of a trace that reached the destination, and nothing
    of any other. An `implied` success was not sent, as its `job` only keeps failures.
    """

    time: int
    reason: str = ""
    message: str = ""
    evidence: bool = True
    interval: int = 60_000
    path: tuple[str, ...] = ()
    leaf: Leaf | None = None
    job: int = 0
    implied: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the probe found what it looked for."""
        return not self.reason


def is_evidence(reason: str, marks: Collection[str], *, left_alone: bool) -> bool:
    """Whether a result tells something of the destination.

    A failure does not where the destination was to be left alone, where the prober was
    stopped meanwhile, and where its host was starved and nothing came in time: what
    was answered, with a refusal at that, no busy host made up. A success does.
    """
    if not reason:
        return True
    starved = STARVED in marks and reason in _SILENCE
    return not (left_alone or starved or reason == Reason.ABORTED)


def path_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hops of a trace that reached its destination, of others nothing.

    A hop that several routers answered for is all of their addresses.
    """
    if not facts.get("reached"):
        return ()
    return tuple(
        "|".join(sorted(hop.get("addresses") or ())) or UNKNOWN_HOP
        for hop in facts.get("hops") or ()
    )


def leaf_of(sha256: str, subject: str, facts: Mapping[str, Any]) -> Leaf | None:
    """Return the certificate of a result that has one and says when it ends."""
    if not sha256:
        return None
    told = facts.get("tls") or facts
    ends = [
        float(told[key])
        for key in ("leaf_not_after", "chain_expiry")
        if told.get(key) is not None
    ]
    return Leaf(sha256, subject, round(min(ends) * 1000)) if ends else None
