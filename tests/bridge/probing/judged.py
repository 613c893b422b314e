"""Runs as agents send them, stored and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from bridge.probing.entries import JOB
from bridge.probing.judging import Judging
from bridge.probing.stories import Terms
from bridge.telemetry import Telemetry
from models.queries.intake import store
from runtime.probing.jobs import Status as Rules
from runtime.probing.wire import Result, Run
from tests.bridge.application import NOON
from tests.bridge.probing.runs import stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.database import Database

NOON_MS: Final = NOON * 1000
MINUTE: Final = 60_000
RULES: Final = Rules(degraded_after=1, error_after=3, active_after=2)
AHEAD: Final = 10 * MINUTE
_MADE: Final = (
    "probe_runs",
    "probe_results",
    "probe_views",
    "probe_spans",
    "probe_hours",
    "error_events",
    "routes",
    "certificates",
)
_TOLD: Final = (
    "time, fingerprint, detector, category, type, message, occurrences, endpoint, "
    "metadata"
)


def found(destination: str = "gateway", probe: str = "icmp", **changes: Any) -> Result:
    """Return what a probe found; echo requests that were answered without more."""
    echo: dict[str, Any] = {"sent": 2, "received": 2, "rtts": (0.001, 0.003)}
    if changes.get("reason"):
        echo = {"sent": 2, "received": 0, "rtts": (None, None)}
    given = {"kind": probe, "began_ms": NOON_MS, "seconds": 0.1, **echo, **changes}
    return Result(destination=destination, probe=probe, **given)


def traced(*hops: str, reached: bool = True) -> Result:
    """Return what a trace found; `*` is a hop that did not answer."""
    told = [
        {"ttl": ttl, "addresses": [] if hop == "*" else [hop]}
        for ttl, hop in enumerate(hops, 1)
    ]
    facts = {"hops": told, "reached": reached, "length": len(hops)}
    return found(probe="traceroute", route="-".join(hops), facts=facts)


def shown(name: str, ends: int, **changes: Any) -> Result:
    """Return what a TLS probe found; `ends` is UTC milliseconds."""
    chain = [{"sha256": name, "subject": f"CN={name}", "not_after": ends // 1000}]
    tls = {"leaf_not_after": ends / 1000, "chain": chain}
    return found(probe="tls", certificate=name, facts={"tls": tls}, **changes)


def ran(minute: int, *results: Result, job: str = "ping") -> Run:
    """Return a run, so many minutes after noon."""
    at = NOON_MS + minute * MINUTE
    failed = sum(not one.succeeded for one in results)
    return Run(
        job=job,
        scheduled_ms=at,
        began_ms=at + 1,
        ended_ms=at + 50,
        state="completed",
        destinations=len(results),
        succeeded=len(results) - failed,
        failed=failed,
        results=results,
    )


class Bench:
    """A database with destinations and agents, and what judges their results."""

    def __init__(self, db: Database, *destinations: str, rules: Rules = RULES) -> None:
        self.db = db
        self.catalogue = stage(db, *(destinations or ("gateway",)))
        self.judging = Judging(
            db, Telemetry.create(CollectorRegistry()), Terms(rules, AHEAD)
        )

    def create_job(self, document: dict[str, Any]) -> None:
        """Make one more job."""
        self.catalogue.create(JOB, document, "test")

    def agent(self, name: str) -> int:
        """Return the number of an agent, which is made if it is not there."""
        mark = self.db.param
        sql = f"SELECT id FROM agents WHERE name = {mark}"
        row = self.db.execute_sql(sql, (name,)).fetchone()
        if row is None:
            self.db.execute_sql(
                "INSERT INTO agents (name, version, plan, dropped, first_seen, "
                f"last_seen) VALUES ({mark}, '', '', 0, 0, 0)",
                (name,),
            )
            row = self.db.execute_sql(sql, (name,)).fetchone()
        number: int = row[0]
        return number

    def store(self, runs: Iterable[Run], agent: str = "one") -> None:
        """Keep runs of an agent."""
        store(self.db, self.agent(agent), list(runs), NOON_MS)

    def judge(self, most: int = 500) -> None:
        """Judge all that waits."""
        while self.judging.batch(float(NOON), most).runs:
            pass

    def tell(self, *runs: Run, agent: str = "one") -> None:
        """Keep runs and judge them."""
        self.store(runs, agent)
        self.judge()

    def clear(self) -> None:
        """Forget all runs and what was made of them."""
        for table in _MADE:
            self.db.execute_sql(f"DELETE FROM {table}")
        self.db.execute_sql(
            "UPDATE destinations SET status = 'unknown', status_since = NULL, "
            "last_seen = NULL"
        )

    def rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question."""
        return [tuple(row) for row in self.db.execute_sql(sql).fetchall()]

    def events(self, detector: str = "") -> list[dict[str, Any]]:
        """Return events of a recorder, oldest first; minutes are after noon."""
        names = [name.strip() for name in _TOLD.split(",")]
        rows = self.rows(f"SELECT {_TOLD} FROM error_events ORDER BY time, fingerprint")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        for one in told:
            one["minute"] = (one["time"] - NOON_MS) / MINUTE
        return [one for one in told if detector in {"", one["detector"]}]

    def status(self, name: str = "gateway") -> tuple[str, float | None, float | None]:
        """Return a destination's status, since when and when seen, as minutes."""
        ((status, since, seen),) = self.rows(
            "SELECT status, status_since, last_seen FROM destinations "
            f"WHERE name = '{name}'"
        )
        return status, _minute(since), _minute(seen)

    def everything(self) -> list[Sequence[tuple[Any, ...]]]:
        """Return all that the judgement made of the results."""
        return [
            self.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5")
            for table in ("probe_views", "probe_spans", "probe_hours")
        ] + [
            self.rows(f"SELECT {_TOLD} FROM error_events ORDER BY time, fingerprint"),
            self.rows(
                "SELECT name, status, status_since, last_seen FROM destinations "
                "ORDER BY id"
            ),
        ]


def _minute(time: int | None) -> float | None:
    return None if time is None else (time - NOON_MS) / MINUTE
