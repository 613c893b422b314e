"""Destinations, jobs and runs for tests, and ways to put them into a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.queries import agents, catalogue, intake
from models.queries.entries import DESTINATIONS, JOBS
from runtime.probing.wire import Result, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

MINUTE = 60_000
BEGIN = 1_794_000_000_000 // (60 * MINUTE) * 60 * MINUTE
"""A whole hour of 2026, UTC milliseconds."""


def destination(name: str, **given: Any) -> dict[str, Any]:
    """Return the document of a destination."""
    return {
        "name": name,
        "host": "192.0.2.1",
        "display_name": "",
        "description": "",
        "tags": [],
        "enabled": True,
    } | given


def job(name: str, destinations: Sequence[str] = (), **given: Any) -> dict[str, Any]:
    """Return the document of a job that runs every minute."""
    return {
        "name": name,
        "description": "",
        "enabled": True,
        "interval": "1m",
        "probes": ["icmp"],
        "destinations": list(destinations),
        "tags": [],
        "windows": [],
    } | given


def result(name: str = "gateway", at: int = BEGIN, **given: Any) -> Result:
    """Return an echo request of a destination that took 10 ms, unless told else."""
    said: dict[str, Any] = {
        "destination": name,
        "probe": "icmp",
        "kind": "icmp",
        "began_ms": at + 3,
        "seconds": 0.0125,
        "sent": 1,
        "received": 1,
        "rtts": (0.01,),
        "address": "192.0.2.1",
        "facts": {"ttl": 64},
    }
    return Result(**(said | given))


def failure(name: str = "gateway", at: int = BEGIN, **given: Any) -> Result:
    """Return an echo request that was lost."""
    said = {"reason": "timeout", "received": 0, "rtts": (None,), "facts": {}}
    return result(name, at, **(said | given))


def run(at: int, *results: Result, name: str = "gateways", **given: Any) -> Run:
    """Return a run with its results."""
    failed = sum(not one.succeeded for one in results)
    said: dict[str, Any] = {
        "job": name,
        "scheduled_ms": at,
        "began_ms": at + 1,
        "ended_ms": at + 1_000,
        "state": "failed" if results and failed == len(results) else "completed",
        "destinations": len(results),
        "succeeded": len(results) - failed,
        "failed": failed,
        "results": results,
    }
    return Run(**(said | given))


def known(db: Database, *names: str, tags: Sequence[str] = ()) -> None:
    """Have destinations, and the job `gateways` with all of them, since 1970."""
    for name in names:
        document = destination(name, tags=list(tags))
        catalogue.create(db, DESTINATIONS, document, origin="api", now=0)
    document = job("gateways", names)
    catalogue.create(db, JOBS, document, origin="api", now=0)


def store(db: Database, *runs: Run, agent: str = "here", now: int = 0) -> intake.Stored:
    """Store runs of an agent."""
    number = agents.see(db, agent, now, "1.0", "", None).id
    return intake.store(db, number, runs, now)
