from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.prober.board import Board
from exporter.prober.cells import Head
from exporter.prober.families import COUNTERS, families
from exporter.prober.messages import Health, JobCounts, Latest, Row
from exporter.prober.tally import Tally
from exporter.prober.view import View
from exporter.render import openmetrics_renderer, text_renderer
from runtime.probing.jobs import Probes
from runtime.probing.planning import assignments, plan_of
from runtime.probing.wire import Result
from tests.exporter.exposition import parse, values

if TYPE_CHECKING:
    from runtime.probing.wire import Plan

NOON = 1_782_907_200_000  # 2026-07-01T12:00:00Z
DESTINATIONS = [
    {"name": "gateway", "host": "192.0.2.1", "tags": ["edge", "core"]},
    {"name": "site", "host": "https://user:secret@www.example.org/x"},
    {"name": "old", "host": "192.0.2.9", "enabled": False},
]
OFFICE = {"start": "08:00", "end": "10:00"}
JOBS = [
    {"name": "ping", "interval": "5m", "destinations": ["gateway", "old"]},
    {"name": "web", "probes": ["http"], "destinations": ["site"], "windows": [OFFICE]},
]
PATCHES = {"name": "patches", "tags": ["core"], "end": "2026-07-01T12:30:00Z"}


def plan(**more: Any) -> Plan:
    return plan_of(
        Probes.model_validate({"destinations": DESTINATIONS, "jobs": JOBS, **more})
    )


def view(**more: Any) -> View:
    given = more.pop("plan", plan())
    assigned = assignments(given, "here")
    return View(now=NOON, plan=given, assignments=assigned, **more)


def test_jobs_tell_their_state_and_their_next_run() -> None:
    found = values(families(view()))
    states = found["netprobe_job_state"]
    assert {labels for labels, value in states.items() if value} == {
        ("ping", "running"),
        ("web", "not_scheduled"),
    }
    assert len(states) == 10
    assert found["netprobe_job_next_run_timestamp_seconds"] == {
        ("ping",): NOON / 1000 + 300,
        ("web",): NOON / 1000 + 20 * 3600,
    }
    assert found["netprobe_job_interval_seconds"] == {("ping",): 300, ("web",): 60}


@pytest.mark.setting("probes.maintenance.tags")
def test_destinations_tell_what_they_are_and_whether_they_are_left_alone() -> None:
    found = values(
        families(
            view(
                plan=plan(maintenance=[PATCHES]),
                # The gateway's host was a name before.
                addresses={"site": "198.51.100.7", "gateway": "198.51.100.8"},
            )
        )
    )
    assert set(found["netprobe_destination_info"]) == {
        ("gateway", "192.0.2.1", "192.0.2.1", "core,edge"),
        ("site", "https://www.example.org/x", "198.51.100.7", ""),
    }
    assert found["netprobe_maintenance"] == {("gateway",): 1, ("site",): 0}


def counted() -> tuple[Board, Tally]:
    board, tally = Board.create(4), Tally.create(4)
    slots = [board.claim() for _ in range(2)]
    tally.clear(slots)
    return board, tally


ROWS = (
    Row(0, "ping", "gateway", "icmp", "icmp"),
    Row(1, "web", "site", "http", "http"),
)
WHO = ("ping", "gateway", "icmp")
SITE = ("web", "site", "http")


def test_outcomes_come_from_the_tally() -> None:
    board, tally = counted()
    tally.note(1, "timeout", NOON, 2.5)
    tally.note(1, "", NOON, 0.5)
    found = values(
        families(
            view(rows=ROWS, board=board.read(), tallied=tally.read([0, 1]), up=True)
        )
    )
    assert found["netprobe_success"] == {SITE: 1}
    assert found["netprobe_duration_seconds"] == {SITE: 0.5}
    assert found["netprobe_last_run_timestamp_seconds"] == {SITE: NOON / 1000}
    assert found["netprobe_results_total"] == {(*SITE, ""): 1, (*SITE, "timeout"): 1}


def test_echoes_come_from_the_board() -> None:
    board, tally = counted()
    slot = np.array([0])
    board.answered(slot, np.array([3_000_000]), np.array([57]))
    found = values(
        families(view(rows=ROWS, board=board.read(), tallied=tally.read([0, 1])))
    )
    for metric in COUNTERS.values():
        assert set(found[metric.name]) == {WHO}
    assert found["netprobe_icmp_requests_total"][WHO] == 1
    assert found["netprobe_icmp_replies_total"][WHO] == 1
    assert found["netprobe_icmp_reply_ttl"] == {WHO: 57}
    rtt = found["netprobe_icmp_rtt_seconds"]
    assert rtt[*WHO, "_bucket", "0.0032"] == 1
    assert rtt[*WHO, "_bucket", "0.0016"] == 0
    assert rtt[*WHO, "_count", ""] == 1
    assert rtt[*WHO, "_sum", ""] == 0.003
    assert len(rtt) == 23


def test_the_prober_tells_of_itself() -> None:
    board, _ = counted()
    board.observe(np.array([2_000_000]), Head.LAG)
    board.add(Head.UNTOLD, 3)
    board.add(Head.DROPPED, 4)
    health = Health(
        starved=True,
        in_flight=2,
        jobs={"ping": JobCounts(completed=4, failed=1, left_out=7, skipped=9)},
        sockets={"ipv4 raw": 1},
        resolver_failures=5,
    )
    found = values(families(view(board=board.read(), health=health, restarts=2)))
    assert found["epimetheus_prober_up"] == {(): 0}
    assert found["epimetheus_prober_restarts_total"] == {(): 2}
    assert found["epimetheus_prober_starved"] == {(): 1}
    assert found["epimetheus_prober_in_flight"] == {(): 2}
    assert found["epimetheus_prober_messages_dropped_total"] == {(): 3}
    assert found["epimetheus_prober_datagrams_dropped_total"] == {(): 4}
    assert found["epimetheus_prober_sockets"] == {("ipv4", "raw"): 1}
    assert found["epimetheus_resolver_failures_total"] == {(): 5}
    lag = found["epimetheus_prober_loop_lag_seconds"]
    assert (lag["_count", ""], lag["_sum", ""]) == (1, 0.002)
    runs = found["netprobe_runs_total"]
    assert (runs["ping", "completed"], runs["ping", "failed"]) == (4, 1)
    assert found["netprobe_runs_skipped_total"] == {("ping",): 7}
    assert found["netprobe_destinations_skipped_total"] == {("ping",): 9}


def test_what_is_told_is_valid_in_both_formats() -> None:
    board, tally = counted()
    tally.note(1, "timeout", NOON, 2.5)
    result = Result(
        destination="site", probe="http", kind="http", began_ms=1, seconds=1.0
    )
    found = families(
        view(
            rows=ROWS,
            board=board.read(),
            tallied=tally.read([0, 1]),
            latest={1: Latest(1, result)},
            health=Health(),
        )
    )
    names = [family.metric.name for family in found]
    assert len(names) == len(set(names))
    assert "netprobe_icmp_rtt_seconds_bucket" in parse(
        text_renderer().render(found).decode()
    )
    assert openmetrics_renderer().render(found).endswith(b"# EOF\n")


def test_names_and_texts_are_as_promtool_wants_them() -> None:
    board, tally = counted()
    tally.note(1, "", NOON, 0.5)
    found = families(
        view(
            rows=ROWS,
            board=board.read(),
            tallied=tally.read([0, 1]),
            health=Health(jobs={"ping": JobCounts()}),
        )
    )
    ended = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text_renderer().render(found),
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_readers_of_another_process_see_the_same() -> None:
    board, tally = counted()
    other = Tally.attach(os.dup(tally.fd))
    tally.note(0, "", NOON, 1.0)
    found = values(
        families(view(rows=ROWS, board=board.read(), tallied=other.read([0, 1])))
    )
    assert found["netprobe_success"] == {WHO: 1}
