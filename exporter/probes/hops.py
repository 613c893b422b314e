"""The hops of a trace: who answered where, how fast, and what way that makes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUTE_BYTES: Final = 8


@dataclass(slots=True)
class Hop:
    """What came of the packets that were to end at a hop, in the order of sending.

    `rtts` are in seconds, None for what was not answered; `addresses` are in the order
    in which they answered first; `error` is what a router said that ends the trace.
    """

    ttl: int
    rtts: list[float | None] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    error: str = ""
    arrived: bool = False

    @property
    def received(self) -> int:
        """How many packets were answered."""
        return sum(rtt is not None for rtt in self.rtts)

    @property
    def ends(self) -> bool:
        """Whether there is nothing behind it."""
        return self.arrived or bool(self.error)

    def document(self) -> dict[str, Any]:
        """Return it as the facts of a result have it."""
        reason = Reason.NONE
        if self.error:
            reason = Reason.UNREACHABLE
        elif not self.received:
            reason = Reason.TIMEOUT
        document: dict[str, Any] = {
            "ttl": self.ttl,
            "addresses": list(self.addresses),
            "sent": len(self.rtts),
            "received": self.received,
            "rtts": list(self.rtts),
            "reason": str(reason),
        }
        return document | ({"error": self.error} if self.error else {})


def known(hops: Sequence[Hop]) -> list[Hop]:
    """Return the hops up to the end, or to the last one that answered."""
    last = next((hop.ttl for hop in hops if hop.ends), 0) or max(
        (hop.ttl for hop in hops if hop.received), default=0
    )
    return [hop for hop in hops if hop.ttl <= last]


def route_of(hops: Sequence[Hop]) -> str:
    """Return 16 hexadecimal digits that are the same for the same way.

    It is a hash of the addresses at each hop, in order of their text, `*` for none; ''
    where no hop is known.
    """
    if not hops:
        return ""
    text = "\n".join(",".join(sorted(hop.addresses)) or "*" for hop in hops)
    return hashlib.blake2b(text.encode(), digest_size=_ROUTE_BYTES).hexdigest()
