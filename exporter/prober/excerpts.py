"""What came of some targets of a volley, and how long each took."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.probes.volleys import Volley, VolleyResult
    from runtime.probing.probes import IcmpProbe

    Numbers = NDArray[np.int64]

_COLUMNS: Final = ("duplicates", "late", "corrupt", "wrong_source", "reordered")


def durations(found: VolleyResult, settings: IcmpProbe) -> Numbers:
    """Return how long each target took: until its last reply, or until none came.

    In nanoseconds; 0 where nothing could be sent.
    """
    steps = np.arange(found.count, dtype=np.int64) * round(settings.spacing * 1e9)
    waited = round(settings.timeout * 1e9)
    spent = np.where(found.rtts >= 0, found.rtts, waited) + steps
    longest: Numbers = np.where(found.sent > 0, spent.max(axis=1), 0)
    return longest


def only(
    volley: Volley, found: VolleyResult, numbers: Numbers
) -> tuple[Volley, VolleyResult]:
    """Return a volley and what came of it, as if it had had these targets only."""
    place = {number: at for at, number in enumerate(numbers.tolist())}
    columns: dict[str, Any] = {
        name: getattr(found, name)[numbers]
        for name in ("rtts", "sent", "ttls", *_COLUMNS)
    }
    counts: dict[str, Any] = {
        name: Counter(
            {
                (place[number], what): count
                for (number, what), count in getattr(found, name).items()
                if number in place
            }
        )
        for name in ("unreachable", "ttl_exceeded", "send_errors")
    }
    refused = {place[n]: error for n, error in found.refused.items() if n in place}
    targets = [volley.targets[number] for number in numbers.tolist()]
    return (
        replace(volley, targets=targets, phases=(), slots=()),
        replace(found, **columns, **counts, refused=refused),
    )
