"""Metrics of destinations and of jobs."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Metric, distribution
from exporter.prober.cells import BOUNDS_NS, Cell
from exporter.prober.details import details
from exporter.prober.itself import itself
from exporter.prober.tally import REASONS
from exporter.prober.tally import Cell as Tallied
from exporter.render import go_float
from runtime.probing.schedule import STATES, Pauses, Schedule, concerns

if TYPE_CHECKING:
    from exporter.prober.messages import Row
    from exporter.prober.view import View
    from runtime.probing.jobs import Destination

_WHO: Final = ("job_name", "destination", "probe")

SUCCESS: Final = Metric(
    "netprobe_success",
    "gauge",
    "Whether the last probe of a destination succeeded.",
    _WHO,
)
RESULTS: Final = Metric(
    "netprobe_results_total",
    "counter",
    "Probes by how they ended; an empty reason is a success.",
    (*_WHO, "reason"),
)
DURATION: Final = Metric(
    "netprobe_duration_seconds", "gauge", "How long the last probe took.", _WHO
)
LAST_RUN: Final = Metric(
    "netprobe_last_run_timestamp_seconds", "gauge", "When the last probe ended.", _WHO
)
RTT: Final = Metric(
    "netprobe_icmp_rtt_seconds",
    "histogram",
    "Round-trip times of echo requests that were answered in time.",
    _WHO,
)
LOSS: Final = Metric(
    "netprobe_icmp_loss_ratio",
    "gauge",
    "Part of the last run's echo requests that was not answered in time.",
    _WHO,
)
JITTER: Final = Metric(
    "netprobe_icmp_jitter_seconds",
    "gauge",
    "Mean difference of neighbouring round-trip times of the last run.",
    _WHO,
)
TTL: Final = Metric(
    "netprobe_icmp_reply_ttl", "gauge", "TTL of the last echo reply.", _WHO
)
_COUNTED: Final = (
    (Cell.REQUESTS, "requests", "Echo requests that were answered or given up."),
    (Cell.REPLIES, "replies", "Echo replies that came in time."),
    (Cell.DUPLICATES, "duplicates", "Echo replies that came once more."),
    (Cell.LATE, "late", "Echo replies that came after the timeout."),
    (Cell.CORRUPT, "corrupt", "Echo replies with another content than was sent."),
    (Cell.REORDERED, "reordered", "Echo replies that came after later ones."),
    (Cell.UNREACHABLE, "unreachable", "Echo requests answered with unreachable."),
    (Cell.SEND_ERRORS, "send_errors", "Echo requests that this host could not send."),
)
COUNTERS: Final = {
    cell: Metric(f"netprobe_icmp_{name}_total", "counter", meaning, _WHO)
    for cell, name, meaning in _COUNTED
}
INFO: Final = Metric(
    "netprobe_destination_info",
    "gauge",
    "A destination: its host, its address now, its tags; always 1.",
    ("destination", "host", "address", "tags"),
)
MAINTENANCE: Final = Metric(
    "netprobe_maintenance",
    "gauge",
    "Whether a destination is left alone for maintenance.",
    ("destination",),
)
JOB_STATE: Final = Metric(
    "netprobe_job_state",
    "gauge",
    "What a job is doing: 1 for the state that it is in.",
    ("job_name", "state"),
)
NEXT_RUN: Final = Metric(
    "netprobe_job_next_run_timestamp_seconds",
    "gauge",
    "When a job runs next.",
    ("job_name",),
)
INTERVAL: Final = Metric(
    "netprobe_job_interval_seconds", "gauge", "Time between two runs.", ("job_name",)
)
RUNS: Final = Metric(
    "netprobe_runs_total",
    "counter",
    "Runs of a job, by how they ended.",
    ("job_name", "state"),
)
RUNS_SKIPPED: Final = Metric(
    "netprobe_runs_skipped_total",
    "counter",
    "Runs that were due while this host was suspended or its clock was set.",
    ("job_name",),
)
OVERLAPS: Final = Metric(
    "netprobe_destinations_skipped_total",
    "counter",
    "Destinations left out of a run, as they were still probed by the one before.",
    ("job_name",),
)
_EDGES: Final = (*(go_float(bound / 1e9) for bound in BOUNDS_NS), "+Inf")


def families(view: View) -> list[Family]:
    """Return everything that is known; only of what the plan has."""
    return [
        *_outcomes(view),
        *_echoes(view),
        *details(view),
        *_destinations(view),
        *_jobs(view),
        *itself(view),
    ]


def _who(row: Row) -> tuple[str, str, str]:
    return row.job, row.destination, row.probe


def _outcomes(view: View) -> list[Family]:
    known = [
        (_who(row), cells)
        for row, cells in zip(view.rows, view.tallied.tolist(), strict=True)
        if cells[Tallied.ENDED_MS]
    ]
    return [
        Family(SUCCESS, [(who, cells[Tallied.SUCCEEDED]) for who, cells in known]),
        Family(
            DURATION, [(who, cells[Tallied.DURATION_NS] / 1e9) for who, cells in known]
        ),
        Family(
            LAST_RUN, [(who, cells[Tallied.ENDED_MS] / 1000) for who, cells in known]
        ),
        Family(
            RESULTS,
            [
                ((*who, str(reason)), count)
                for who, cells in known
                for reason, count in zip(REASONS, cells[Tallied.REASON :], strict=True)
                if count or not reason
            ],
        ),
    ]


def _echoes(view: View) -> list[Family]:
    if view.board is None:
        return []
    slots = len(view.board.rows)
    rows = [row for row in view.rows if row.kind == "icmp" and row.row < slots]
    cells = [(_who(row), view.board.rows[row.row].tolist()) for row in rows]
    buckets = slice(int(Cell.BUCKET), int(Cell.BUCKET) + len(_EDGES))
    sent = [(who, row) for who, row in cells if row[Cell.LAST_SENT] > 0]
    return [
        *(
            Family(metric, [(who, row[cell]) for who, row in cells])
            for cell, metric in COUNTERS.items()
        ),
        Family(
            RTT,
            [
                sample
                for who, row in cells
                for sample in distribution(
                    who, _EDGES, row[buckets], row[Cell.SUM_NS] / 1e9
                )
            ],
        ),
        Family(
            LOSS,
            [
                (who, 1 - row[Cell.LAST_RECEIVED] / row[Cell.LAST_SENT])
                for who, row in sent
            ],
        ),
        Family(
            JITTER,
            [
                (who, row[Cell.LAST_JITTER_NS] / 1e9)
                for who, row in cells
                if row[Cell.LAST_JITTER_NS] >= 0
            ],
        ),
        Family(
            TTL,
            [
                (who, row[Cell.LAST_TTL])
                for who, row in cells
                if row[Cell.LAST_TTL] >= 0
            ],
        ),
    ]


def _destinations(view: View) -> list[Family]:
    chosen = {
        one.name: one for assigned in view.assignments for one in assigned.destinations
    }
    told = {one.result.destination: one.result.address for one in view.latest.values()}
    pauses = Pauses(view.plan.maintenance).at(view.now)
    return [
        Family(
            INFO,
            [
                (
                    (
                        name,
                        _without_user(one.host),
                        _literal(one) or view.addresses.get(name) or told.get(name, ""),
                        ",".join(sorted(one.tags)),
                    ),
                    1,
                )
                for name, one in chosen.items()
            ],
        ),
        Family(
            MAINTENANCE,
            [
                ((name,), any(concerns(pause, name, one.tags) for pause in pauses))
                for name, one in chosen.items()
            ],
        ),
    ]


def _jobs(view: View) -> list[Family]:
    schedules = {one.job.name: Schedule.of(one.job) for one in view.assignments}
    states = {job: schedule.state(view.now) for job, schedule in schedules.items()}
    following = {job: schedule.next(view.now) for job, schedule in schedules.items()}
    counts = view.health.jobs if view.health else {}
    return [
        Family(
            JOB_STATE,
            [
                ((job, state), state == now)
                for job, now in states.items()
                for state in STATES
            ],
        ),
        Family(
            NEXT_RUN,
            [((job,), at / 1000) for job, at in following.items() if at is not None],
        ),
        Family(
            INTERVAL,
            [((one.job.name,), one.job.interval) for one in view.assignments],
        ),
        Family(
            RUNS,
            [
                ((job, state), getattr(one, state))
                for job, one in counts.items()
                for state in ("completed", "failed", "aborted")
            ],
        ),
        Family(RUNS_SKIPPED, [((job,), one.left_out) for job, one in counts.items()]),
        Family(OVERLAPS, [((job,), one.skipped) for job, one in counts.items()]),
    ]


def _without_user(host: str) -> str:
    """Return a host without what may be a password."""
    return re.sub(r"(?<=//)[^/@]*@", "", host)


def _literal(destination: Destination) -> str:
    """Return the address that a destination's host is, '' if it is a name."""
    try:
        return str(ipaddress.ip_address(destination.host.strip("[]")))
    except ValueError:
        return ""
