"""Runs and results as agents send them, and what they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.probing.catalogue import Catalogue
from bridge.probing.entries import DESTINATION, JOB
from bridge.probing.intake import take
from runtime.probing.wire import Batch, Result, Run
from tests.bridge.application import NOON
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database

NOON_MS = NOON * 1000


def stage(db: Database, *destinations: str, job: str = "ping") -> Catalogue:
    """Make destinations and a job of them, long before noon."""
    catalogue = Catalogue(db, FakeClock(NOON - 86400.0))
    for name in destinations:
        document = {"name": name, "host": f"{name}.example.org", "tags": ["all"]}
        catalogue.create(DESTINATION, document, "test")
    catalogue.create(
        JOB, {"name": job, "interval": "30s", "destinations": destinations}, "test"
    )
    return catalogue


def past(db: Database, minutes: int = 4, agent: str = "edge") -> None:
    """Store a run a minute from noon on; the last one finds that `b` is away."""
    runs = []
    for minute in range(minutes):
        at = NOON_MS + minute * 60_000
        is_last = minute == minutes - 1
        bad = {"reason": "timeout", "received": 0, "rtts": (None,)} if is_last else {}
        runs.append(
            run(
                result("a", began_ms=at + 3, rtts=(0.001 * (minute + 1),)),
                result("b", began_ms=at + 5, **bad),
                scheduled_ms=at,
                began_ms=at,
                ended_ms=at + 20,
            )
        )
    taken = take(db, Batch(agent=agent, runs=tuple(runs)), NOON_MS + 3_000_000)
    assert taken.receipt.accepted == minutes


def result(destination: str, **changes: Any) -> Result:
    """Return what an echo request found."""
    given: dict[str, Any] = {
        "destination": destination,
        "probe": "icmp",
        "kind": "icmp",
        "began_ms": NOON_MS + 3,
        "seconds": 0.012,
        "sent": 1,
        "received": 1,
        "rtts": (0.0005,),
    }
    return Result(**{**given, **changes})


def run(*results: Result, **changes: Any) -> Run:
    """Return a run of the job at noon."""
    failed = sum(not one.succeeded for one in results)
    given: dict[str, Any] = {
        "job": "ping",
        "scheduled_ms": NOON_MS,
        "began_ms": NOON_MS + 3,
        "ended_ms": NOON_MS + 20,
        "state": "completed",
        "destinations": len(results),
        "succeeded": len(results) - failed,
        "failed": failed,
        "results": results,
    }
    return Run(**{**given, **changes})
