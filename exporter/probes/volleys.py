"""A volley: one run's echo requests to many destinations, and what came of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from exporter.probes.base import Address, ProbeFailed
    from runtime.probing.probes import IcmpProbe

    Numbers = NDArray[np.int64]

NO_SLOT = -1
"""Slot of a target that is not on the board."""


@dataclass(frozen=True, slots=True)
class Volley:
    """What to send: `settings.count` requests to each target.

    `phases` are seconds by which each target's requests begin later, none for at once;
    `slots` the targets' rows on the board, none where nothing is counted there.
    """

    targets: Sequence[Address]
    settings: IcmpProbe
    phases: Sequence[float] = ()
    slots: Sequence[int] = ()


@dataclass(slots=True)
class VolleyResult:
    """What came of a volley, a row or an entry for each target.

    `rtts` are nanoseconds, targets x count in the order of sending, -1 for what was not
    answered in time. `ttls` is what was left of the last reply's TTL, -1 without any.
    Late replies and duplicates are those that came before the volley had ended; the
    board counts later ones as well. `unreachable` and `send_errors` count by target
    and name. `refused` are targets to which nothing could be sent at all, and why.
    `stamp_error` is the longest time, in seconds, from the kernel's stamp of a reply
    until it was read; `stepped` whether the clock was set meanwhile.
    """

    count: int
    began_ms: int
    rtts: Numbers
    sent: Numbers
    ttls: Numbers
    duplicates: Numbers
    late: Numbers
    corrupt: Numbers
    wrong_source: Numbers
    reordered: Numbers
    unreachable: Counter[tuple[int, str]] = field(default_factory=Counter)
    ttl_exceeded: Counter[tuple[int, str]] = field(default_factory=Counter)
    send_errors: Counter[tuple[int, str]] = field(default_factory=Counter)
    refused: dict[int, ProbeFailed] = field(default_factory=dict)
    stamp_error: float = 0.0
    stepped: bool = False
    aborted: bool = False
    seconds: float = 0.0

    @classmethod
    def empty(cls, targets: int, count: int, began_ms: int) -> VolleyResult:
        """Return what is known before anything was sent."""

        def nothing() -> Numbers:
            return np.zeros(targets, np.int64)

        return cls(
            count=count,
            began_ms=began_ms,
            rtts=np.full((targets, count), -1, np.int64),
            sent=nothing(),
            ttls=np.full(targets, -1, np.int64),
            duplicates=nothing(),
            late=nothing(),
            corrupt=nothing(),
            wrong_source=nothing(),
            reordered=nothing(),
        )

    @property
    def received(self) -> Numbers:
        """Replies in time, by target."""
        counted: Numbers = (self.rtts >= 0).sum(axis=1)
        return counted


def jitter_of(rtts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by target the mean absolute difference of neighbouring times, seconds.

    Neighbours are replies with none between them; NaN stands for fewer than two, the
    difference being that of RFC 3550, section 6.4.1, for a constant sending interval.
    """
    if rtts.shape[1] < 2:  # noqa: PLR2004 - neighbours are two
        return np.full(len(rtts), np.nan)
    came = rtts >= 0
    # The last time before each place, and whether there was one.
    places = np.where(came, np.arange(rtts.shape[1]), -1)
    last = np.maximum.accumulate(places, axis=1)[:, :-1]
    before = np.take_along_axis(rtts, np.maximum(last, 0), axis=1)
    pairs = came[:, 1:] & (last >= 0)
    steps = np.where(pairs, np.abs(rtts[:, 1:] - before), 0).sum(axis=1)
    counted = pairs.sum(axis=1)
    return np.where(counted > 0, steps / np.maximum(counted, 1) / 1e9, np.nan)
