from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from bridge.probing.entries import MAINTENANCE
from models.database import open_database
from runtime.probing.jobs import Status as Rules
from tests.bridge.probing.judged import (
    MINUTE,
    NOON_MS,
    Bench,
    found,
    ran,
    shown,
    traced,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, "gateway", "web")


def test_a_destination_is_unknown_until_it_was_probed(bench: Bench) -> None:
    assert bench.status() == ("unknown", None, None)
    bench.tell(ran(1, found()))
    assert bench.status() == ("active", 1, 1)


def test_failures_in_a_row_degrade_it_and_then_put_it_in_error(bench: Bench) -> None:
    bench.tell(ran(1, found()), ran(2, found(reason="timeout")))
    assert bench.status() == ("degraded", 2, 1)
    bench.tell(ran(3, found(reason="timeout")), ran(4, found(reason="timeout")))
    assert bench.status() == ("error", 4, 1)


def test_one_success_is_not_yet_a_recovery(bench: Bench) -> None:
    bench.tell(*(ran(minute, found(reason="timeout")) for minute in (1, 2, 3)))
    bench.tell(ran(4, found()))
    assert bench.status() == ("error", 3, 4)
    bench.tell(ran(5, found()))
    assert bench.status() == ("active", 5, 5)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(
            Rules(degraded_after=2),
            ["unknown", "degraded", "error", "error", "active"],
            marks=pytest.mark.setting("probes.status.degraded_after"),
        ),
        pytest.param(
            Rules(error_after=2),
            ["degraded", "error", "error", "error", "active"],
            marks=pytest.mark.setting("probes.status.error_after"),
        ),
        pytest.param(
            Rules(active_after=1),
            ["degraded", "degraded", "error", "active", "active"],
            marks=pytest.mark.setting("probes.status.active_after"),
        ),
    ],
)
def test_how_many_results_it_takes_is_settled(
    db: Database, rules: Rules, expected: list[str]
) -> None:
    bench = Bench(db, rules=rules)
    seen = []
    for minute, reason in enumerate(["refused", "refused", "refused", "", ""]):
        bench.tell(ran(minute, found(reason=reason)))
        seen.append(bench.status()[0])

    assert seen == expected


def test_a_failure_is_one_event_from_its_first_result_to_the_last(bench: Bench) -> None:
    bench.tell(
        ran(1, found()),
        ran(2, found(reason="timeout", message="no answer in 1 s")),
        ran(3, found(reason="refused")),
    )
    (failed,) = bench.events()
    facts = json.loads(failed["metadata"])

    assert (failed["detector"], failed["category"]) == ("probe_failed", "availability")
    assert (failed["type"], failed["minute"], failed["occurrences"]) == (
        "timeout",
        2,
        2,
    )
    assert failed["message"] == (
        "icmp of gateway is failing, 2 times so far, as seen by one: no answer in 1 s."
    )
    assert failed["endpoint"] == "gateway.example.org"
    assert facts["closed"] is None
    assert facts["agents"] == ["one"]
    assert facts["reasons"] == {"refused": 1, "timeout": 1}

    bench.tell(ran(4, found()), ran(5, found()))
    failed, recovered = bench.events()

    assert json.loads(failed["metadata"])["closed"] == NOON_MS + 5 * MINUTE
    assert failed["message"].startswith("icmp of gateway failed 2 times within 3m, as")
    assert (recovered["type"], recovered["minute"]) == ("recovered", 5)
    assert recovered["message"] == (
        "icmp of gateway succeeds again, 3m after it began to fail."
    )


def test_what_several_agents_see_at_the_same_time_is_one_event(bench: Bench) -> None:
    for agent in ("one", "two"):
        bench.tell(*(ran(at, found(reason="timeout")) for at in (1, 2)), agent=agent)

    (failed,) = bench.events()
    assert failed["occurrences"] == 4
    assert json.loads(failed["metadata"])["agents"] == ["one", "two"]

    bench.tell(*(ran(at, found()) for at in (3, 4)), agent="one")
    assert len(bench.events()) == 1
    bench.tell(*(ran(at, found()) for at in (3, 4)), agent="two")
    assert [one["detector"] for one in bench.events()] == [
        "probe_failed",
        "probe_recovered",
    ]


def test_only_what_all_agents_see_is_an_error(bench: Bench) -> None:
    failing = [ran(at, found(reason="timeout")) for at in (1, 2, 3)]
    bench.tell(*failing, agent="one")
    bench.tell(ran(3, found()), agent="two")
    assert bench.status()[:2] == ("degraded", 3)
    bench.tell(*(ran(at, found(reason="timeout")) for at in (4, 5, 6)), agent="two")
    assert bench.status()[:2] == ("error", 6)


def test_an_agent_that_fell_silent_decides_nothing(bench: Bench) -> None:
    bench.tell(*(ran(at, found(reason="timeout")) for at in (1, 2, 3)), agent="one")
    bench.tell(*(ran(at, found()) for at in (1, 2, 3)), agent="two")
    assert bench.status()[0] == "degraded"

    bench.tell(ran(9, found()), agent="two")

    assert bench.status()[0] == "active"
    _, ended = bench.events()
    assert (ended["type"], ended["minute"]) == ("not_probed", 8)
    assert ended["message"] == (
        "icmp of gateway is made no more, and failed last, 7m after it began to fail."
    )

    bench.tell(ran(10, found(reason="timeout")), agent="one")
    (failed,) = bench.events()
    assert failed["occurrences"] == 4


def test_the_worst_of_its_probes_says_how_a_destination_is(bench: Bench) -> None:
    web = found(probe="http", reason="wrong_status")
    bench.tell(*(ran(at, found(), web) for at in (1, 2, 3)))

    assert bench.status() == ("error", 3, 3)
    assert [one["type"] for one in bench.events()] == ["wrong_status"]


def test_what_a_starved_host_waited_for_in_vain_is_no_evidence(bench: Bench) -> None:
    bench.tell(
        ran(1, found(marks=("starved",))),
        ran(2, found(reason="timeout", marks=("starved",))),
        ran(3, found(reason="aborted")),
    )

    assert bench.status() == ("active", 1, 1)
    assert bench.events() == []


def test_what_somebody_answered_a_starved_host_is_a_failure(bench: Bench) -> None:
    refused = found(probe="tcp", reason="refused", marks=("starved",))
    bench.tell(ran(1, found(probe="tcp")), ran(2, refused))

    assert bench.status() == ("degraded", 2, 1)
    assert [one["type"] for one in bench.events()] == ["refused"]


def test_what_fails_in_maintenance_is_no_failure(bench: Bench) -> None:
    night = {
        "name": "night",
        "tags": ["all"],
        "start": "2026-11-21T12:02:00Z",
        "end": "2026-11-21T12:04:00Z",
    }
    bench.catalogue.create(MAINTENANCE, night, "test")

    bench.tell(*(ran(at, found(reason="timeout")) for at in (2, 3)))
    assert bench.status()[0] == "unknown"
    bench.tell(ran(4, found(reason="timeout")))
    assert [one["minute"] for one in bench.events()] == [4]


def test_a_late_result_is_an_event_of_its_time_and_turns_nothing_back(
    bench: Bench,
) -> None:
    bench.tell(ran(1, found()), ran(8, found()), ran(9, found()))
    bench.tell(ran(3, found(reason="timeout")), ran(4, found(reason="timeout")))

    assert bench.status() == ("active", 9, 9)
    assert [(one["minute"], one["type"]) for one in bench.events()] == [
        (3, "timeout"),
        (9, "recovered"),
    ]


def test_a_route_that_changes_is_told_with_both_paths(bench: Bench) -> None:
    bench.tell(
        ran(1, traced("10.0.0.1", "10.0.1.1", "10.9.9.9")),
        ran(2, traced("10.0.0.1", "*", "10.9.9.9")),
        ran(3, traced("10.0.0.1", "10.0.2.2", "10.9.9.9")),
        ran(4, traced("10.0.0.1", reached=False)),
        ran(5, traced("10.0.0.1", "10.0.1.1", "10.9.9.9")),
    )
    first, second = bench.events("route_changed")

    assert (first["minute"], first["category"]) == (3, "routing")
    assert first["message"] == (
        "traceroute of gateway, as seen by one, takes a new way: "
        "10.0.0.1 > 10.0.2.2 > 10.9.9.9 and not 10.0.0.1 > 10.0.1.1 > 10.9.9.9."
    )
    assert second["minute"] == 5
    assert "takes the earlier way" in second["message"]
    assert first["fingerprint"] == second["fingerprint"]


def test_a_certificate_is_told_of_once_before_it_ends_and_when_it_is_gone(
    bench: Bench,
) -> None:
    old = NOON_MS + 30 * MINUTE
    for agent in ("one", "two"):
        bench.tell(*(ran(at, shown("old", old)) for at in (1, 19)), agent=agent)
    assert bench.events("certificate_expiring") == []

    for agent in ("one", "two"):
        bench.tell(*(ran(at, shown("old", old)) for at in (21, 22)), agent=agent)
    (expiring,) = bench.events()
    assert (expiring["minute"], expiring["category"]) == (20, "certificate")
    assert expiring["message"].startswith("The certificate of gateway (CN=old) ends on")
    assert json.loads(expiring["metadata"])["closed"] is None

    for agent in ("one", "two"):
        bench.tell(ran(25, shown("new", old * 2)), agent=agent)
    (expiring,) = bench.events("certificate_expiring")
    (changed,) = bench.events("certificate_changed")
    assert json.loads(expiring["metadata"])["closed"] == NOON_MS + 25 * MINUTE
    assert (changed["minute"], changed["category"]) == (25, "certificate")


def test_a_certificate_that_a_destination_had_before_is_no_change(bench: Bench) -> None:
    ends = NOON_MS + 90 * MINUTE
    bench.tell(
        *(ran(at, shown("ab"[at % 2], ends)) for at in range(6)),
    )

    assert len(bench.events("certificate_changed")) == 1


def test_runs_of_a_job_that_keeps_failures_prove_by_silence(bench: Bench) -> None:
    bench.create_job(
        {
            "name": "quiet",
            "interval": "60s",
            "history": "failures",
            "destinations": ["gateway", "web"],
        }
    )
    failed = ran(1, found(reason="timeout"), job="quiet")
    silent = [
        structs.replace(ran(at, job="quiet"), destinations=2, succeeded=2)
        for at in (2, 3)
    ]
    bench.tell(structs.replace(failed, destinations=2, succeeded=1))
    bench.tell(silent[0])
    assert bench.status()[0] == "degraded"
    bench.tell(structs.replace(silent[1], succeeded=1, skipped=1))
    assert bench.status()[0] == "degraded"
    bench.tell(structs.replace(silent[1], scheduled_ms=NOON_MS + 4 * MINUTE))

    assert bench.status() == ("active", 4, 4)
    assert [one["minute"] for one in bench.events()] == [1, 4]


def test_silence_is_no_proof_for_what_other_jobs_saw(bench: Bench) -> None:
    quiet = {"name": "quiet", "history": "failures", "destinations": ["gateway"]}
    bench.create_job(quiet)
    bench.tell(ran(1, found(reason="timeout")))
    bench.tell(*(ran(at, job="quiet") for at in (2, 3, 4)))

    assert bench.status()[0] == "degraded"
