"""Results and how destinations are, as the API and commands tell it.

Times are UTC seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bridge.answers.probes.exports import TIMES, record

if TYPE_CHECKING:
    from bridge.answers.probes.standing import Standing
    from models.queries.results import ResultRow

_SAME: Final = (
    "status",
    "checks",
    "successes",
    "success_rate",
    "uptime",
    "known",
    "loss",
    "rtt_mean",
    "last_rtt",
)


def result_document(row: ResultRow) -> dict[str, Any]:
    """Return a result by the names of its columns."""
    told = record(row)
    return told | {name: told[name] / 1000 for name in TIMES}


def standing_document(name: str, found: Standing) -> dict[str, Any]:
    """Return how a destination is."""
    times = {
        "status_since": found.since,
        "last_seen": found.last_seen,
        "last_check": found.last_check,
    }
    return {
        "name": name,
        **{key: getattr(found, key) for key in _SAME},
        **{key: None if at is None else at / 1000 for key, at in times.items()},
        "recent_failures": len(found.failures),
        "failures": [result_document(row) for row in found.failures],
    }
